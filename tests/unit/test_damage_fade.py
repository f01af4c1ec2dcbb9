"""Fading of dyes: spectral, first order, identity at nothing."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate import damage
from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.damage.dyes import amounts_of, scan, scanner_bands, stain_spectrum, stocks
from wetgate.ops.random import Stream
from wetgate.spec import DENSITY, Frame

STOCKS = list(stocks())


def photograph(size: int = 48, seed: int = 4) -> Frame:
    """Densities of a picture's kind: 0 to 2.2, channels alike but not equal."""
    rng = np.random.default_rng(seed)
    grey = rng.random((size, size, 1)) * 2
    colour = 0.25 * rng.standard_normal((size, size, 3))
    return Frame(np.clip(grey + colour, 0, 2.2).astype(np.float32), DENSITY, number=1)


def faded(frame: Frame, **params: object) -> np.ndarray:
    (out,) = damage.get("fade").run([frame], Stream.of(1, "fade"), params)
    return out.frame.rgb


@pytest.mark.parametrize("stock", STOCKS)
@pytest.mark.parametrize("scanner", ["narrow", "broad"])
def test_no_fade_is_the_input(stock, scanner):
    frame = photograph()
    # The smallest amount that is not skipped: what is left is the arithmetic of the whole way through the dyes.
    out = faded(frame, stock=stock, scanner=scanner, cyan=1e-7)
    np.testing.assert_allclose(out, frame.rgb, atol=2e-6)
    extreme = np.linspace(-3, 30, 300, dtype=np.float32).reshape(10, 10, 3)  # light of 1000 to black far below 0
    out = faded(Frame(extreme, DENSITY, number=1), stock=stock, scanner=scanner, cyan=1e-7)
    np.testing.assert_allclose(out, extreme, atol=1e-4)  # beyond 5, of light below 1e-5: 2e-9 of light


@pytest.mark.parametrize("stock", STOCKS)
def test_dye_amounts_are_found_again_from_their_scan(stock):
    amounts = (np.random.default_rng(1).random((500, 3)) * 1.6).astype(np.float32)
    seen = scan(stocks()[stock], "broad", amounts, None)
    np.testing.assert_allclose(amounts_of(stocks()[stock], "broad", seen, 8), amounts, atol=5e-4)


def test_a_scan_agrees_with_the_integral_written_out():
    stock, bands = stocks()["5384"], scanner_bands("broad")
    amounts = np.array([[0.8, 0.3, 1.1]], np.float32)
    transmitted = 10 ** -(amounts.astype(float) @ stock.dyes)[0]
    expected = -np.log10(bands @ transmitted)  # a print's minimum is taken as clear
    np.testing.assert_allclose(scan(stock, "broad", amounts, None)[0], expected, atol=2e-6)


def test_the_fade_is_no_matrix():
    """The best affine 3x3 from fresh to faded density leaves an error that only the spectral model explains."""
    frame = photograph(64)
    out = faded(frame, amount=0.7, stain=0.1)
    x = np.column_stack([frame.rgb.reshape(-1, 3), np.ones(64 * 64)])
    fit, *_ = np.linalg.lstsq(x, out.reshape(-1, 3), rcond=None)
    left = out.reshape(-1, 3) - x @ fit
    assert np.sqrt((left**2).mean()) > 0.006  # of density, five times what the amounts are found to; 0 for a matrix


def test_dark_fade_turns_grey_to_pink_and_light_fade_to_green():
    grey = Frame(np.full((4, 4, 3), 1.0, np.float32), DENSITY, number=1)
    red, green, blue = faded(grey, kind="dark", amount=0.6)[0, 0]
    assert red < blue < green < 1.0  # least density in red: the picture looks red
    red, green, blue = faded(grey, kind="light", amount=0.6)[0, 0]
    assert green < blue
    assert green < red


def test_decay_is_first_order_in_each_dye():
    """Two fades of half the dye each are one fade of three quarters."""
    frame = photograph()
    once = faded(frame, magenta=0.75)
    half = faded(frame, magenta=0.5)
    twice = faded(frame.with_rgb(half), magenta=0.5)
    np.testing.assert_allclose(twice, once, atol=3e-3)  # amounts are solved again from the half-faded scan


def test_a_higher_order_of_decay_takes_more_from_dense_places():
    dense = Frame(np.full((2, 2, 3), 2.0, np.float32), DENSITY, number=1)
    thin = Frame(np.full((2, 2, 3), 0.3, np.float32), DENSITY, number=1)
    lost = {
        order: [float(1 - faded(f, cyan=0.5, order=order)[0, 0, 0] / f.rgb[0, 0, 0]) for f in (thin, dense)]
        for order in (0.6, 1.0, 1.4)
    }
    assert lost[0.6][0] > lost[1.0][0] > lost[1.4][0]
    assert lost[0.6][1] < lost[1.0][1] < lost[1.4][1]


def test_stain_adds_its_density_to_the_base_most_in_blue():
    base = Frame(np.zeros((2, 2, 3), np.float32), DENSITY, number=1)
    red, green, blue = faded(base, stain=0.3)[0, 0]
    wavelengths = stocks()["5383"].wavelengths_nm
    expected = 0.3 * stain_spectrum(wavelengths)[list(wavelengths).index(450)]
    assert blue == pytest.approx(expected, rel=0.05)  # the band is 60 nm wide
    assert red < 0.1 * blue
    assert red < green < 0.4 * blue


def test_light_above_the_base_loses_no_dye():
    bright = Frame(np.full((2, 2, 3), -1.6, np.float32), DENSITY, number=1)  # 40 times the base
    np.testing.assert_allclose(faded(bright, amount=0.9), bright.rgb, atol=1e-5)


def test_an_uneven_fade_follows_its_field_and_is_stronger_at_the_edges():
    grey = Frame(np.full((40, 80, 3), 1.0, np.float32), DENSITY, number=1)
    (out,) = damage.get("fade").run([grey], Stream.of(3, "fade"), {"amount": 0.5, "edges": 1.0, "uneven": 0.5})
    extent, red = out.truth["extent"], out.frame.rgb[..., 0]
    assert extent.shape == (40, 80)
    assert np.corrcoef(extent.ravel(), red.ravel())[0, 1] < -0.95
    only_edges = faded(grey, amount=0.5, edges=1.0)
    assert only_edges[:, 0, 0].mean() < only_edges[:, 40, 0].mean() - 0.1


def test_a_faded_negative_loses_light_where_a_print_gains_it():
    grey = Frame(np.full((2, 2, 3), 0.745, np.float32), DENSITY, number=1)
    assert (faded(grey, stock="5383", cyan=0.4) <= grey.rgb + 1e-6).all()
    negative = faded(grey, stock="5219", cyan=0.4)
    assert negative[0, 0, 0] > grey.rgb[0, 0, 0] + 0.1


def test_a_lost_mask_shifts_a_negative_by_a_constant_most_in_blue():
    shift = faded(photograph(), stock="5219", mask=0.5) - photograph().rgb
    assert np.ptp(shift.reshape(-1, 3), axis=0).max() < 0.02  # the bands are not monochromatic
    assert abs(shift[..., 2].mean()) > abs(shift[..., 0].mean()) + 0.1


@pytest.mark.parametrize("stock", ["5383", "5219"])
def test_a_timed_print_keeps_mid_grey(stock):
    grey = Frame(np.full((2, 2, 3), -np.log10(0.18), np.float32), DENSITY, number=1)
    out = faded(grey, stock=stock, amount=0.6, stain=0.1, timed=True)
    np.testing.assert_allclose(out, grey.rgb, atol=1e-5)


def test_what_is_blacker_than_the_film_fades_with_its_black_and_keeps_its_noise():
    light = np.array([[[10**-3.2] * 3, [1e-6] * 3, [0.0] * 3, [-2e-4] * 3]], np.float32)
    frame = Frame(density_from_linear(light), DENSITY, number=1)
    out = linear_from_density(faded(frame, amount=0.6, stain=0.05))
    assert out[0, 0, 0] > 0.03  # the black that the fade has lifted, in red
    # As light, the differences between these blacks are what they were.
    np.testing.assert_allclose(out[0] - out[0, :1], light[0] - light[0, :1], atol=2e-6)
