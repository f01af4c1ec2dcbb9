"""Grain: the density law, the aperture law, the spectrum, independence in time."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate import damage
from wetgate.damage.gauge import WIDTH_MM
from wetgate.ops.random import Stream
from wetgate.spec import DENSITY, Box, Frame


def flat(density: float, size: tuple[int, int] = (240, 320), number: int = 1) -> Frame:
    return Frame(np.full((*size, 3), density, np.float32), DENSITY, number=number)


def grained(frame: Frame, **params: object) -> damage.Damaged:
    (out,) = damage.get("grain").run([frame], Stream.of(1, "grain"), params)
    return out


@pytest.mark.parametrize("gauge", ["16", "s35"])
@pytest.mark.parametrize("size_um", [4.0, 14.0])
def test_a_48_um_aperture_sees_the_rms_granularity(gauge, size_um):
    """At net density 1, summed over a disc of 48 um: rms / 1000, whatever the resolution, gauge and cloud size."""
    width, part = 6000, Box(0, 0, 1500, 700)
    pitch = WIDTH_MM[gauge] * 1000 / width
    frame = flat(1.0, (part.height, part.width)).with_(data_window=part, display_window=Box(0, 0, width, part.height))
    noise = grained(
        frame, medium="positive", rms=20, size_um=size_um, gauge=gauge, fog=0.0, red=1, mono=0,
        scanner=0.0,
    ).frame.rgb[..., 0]  # fmt: skip
    r = int(np.ceil(24 / pitch)) + 1
    yy, xx = np.mgrid[-r : r + 1, -r : r + 1]
    aperture = np.clip(24 / pitch - np.hypot(yy, xx) + 0.5, 0, 1)
    spectrum = np.fft.rfft2(noise - noise.mean()) * np.fft.rfft2(aperture / aperture.sum(), noise.shape)
    seen = np.fft.irfft2(spectrum, noise.shape).std()
    # 2 % of sampling (some 4,000 apertures), 4 % for the Gaussian that stands for the disc in the law.
    assert seen * 1000 == pytest.approx(20, rel=0.07)


def test_the_standard_deviation_is_what_the_truth_says():
    for density in (0.2, 0.8, 1.6, 2.4):
        out = grained(flat(density), medium="positive")
        assert out.frame.rgb.astype(np.float64).std(axis=(0, 1)) == pytest.approx(out.truth["sigma"][0, 0], rel=0.03)


def test_variance_follows_the_binomial_law_of_the_layer():
    sigma = {d: float(grained(flat(d), medium="positive", fog=0.0).truth["sigma"][0, 0, 0]) for d in (0.1, 1.0, 2.5)}
    assert (sigma[0.1] / sigma[1.0]) ** 2 == pytest.approx(0.1 * 2.5 / 1.6, rel=1e-3)  # d (d_max - d), d_max 2.6
    assert (sigma[2.5] / sigma[1.0]) ** 2 == pytest.approx(2.5 * 0.1 / 1.6, rel=1e-3)


def test_a_negative_has_its_grain_in_the_bright_parts_a_print_in_the_mid_tones():
    tones = (0.05, 0.75, 2.8)

    def sigma(medium: str) -> list[float]:
        return [float(grained(flat(d, (4, 4)), medium=medium).truth["sigma"][0, 0, 1]) for d in tones]

    bright, mid, dark = sigma("negative")
    assert bright > mid > dark
    bright, mid, dark = sigma("print")
    assert mid > 2 * bright
    assert mid > dark
    bright, mid, dark = sigma("positive")
    assert mid > bright


def test_a_negative_carries_its_grain_to_the_picture_at_one_over_its_gradient():
    # Picture density 0.5 lies at 0.6 (2.5 - 0.5) = 1.2 on the negative.
    negative = float(grained(flat(0.5, (2, 2)), medium="negative").truth["sigma"][0, 0, 0])
    film = float(grained(flat(1.2, (2, 2)), medium="positive").truth["sigma"][0, 0, 0])
    assert negative == pytest.approx(film / 0.6, rel=1e-4)


def test_the_mean_of_linear_light_is_kept():
    out = grained(flat(0.8, (400, 500)), medium="positive", rms=42, gauge="8", size_um=4.0)
    assert out.truth["sigma"].min() > 0.08  # which would shift the mean by 1.7 %; its standard error is 0.05 %
    light = (10.0 ** -out.frame.rgb.astype(np.float64)).mean(axis=(0, 1))
    assert light == pytest.approx(10**-0.8, rel=3e-3)


def test_grain_of_neighbouring_frames_is_independent():
    a, b = (grained(flat(1.0, number=n)).frame.rgb - 1 for n in (10, 11))
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.01


def test_layers_correlate_as_asked():
    for mono in (0.0, 0.5, 1.0):
        noise = grained(flat(1.0), mono=mono).frame.rgb.reshape(-1, 3)
        found = np.corrcoef(noise.T)
        assert found[0, 1] == pytest.approx(mono, abs=0.03)
        assert found[1, 2] == pytest.approx(mono, abs=0.03)


def test_coarser_clouds_have_less_power_at_high_frequencies():
    def high_share(size_um: float) -> float:
        noise = grained(flat(1.0), size_um=size_um, gauge="16").frame.rgb[..., 1]
        power = np.abs(np.fft.rfft2(noise - noise.mean())) ** 2
        fy, fx = np.fft.fftfreq(noise.shape[0])[:, None], np.fft.rfftfreq(noise.shape[1])[None, :]
        return float(power[np.hypot(fy, fx) > 0.25].sum() / power.sum())

    shares = [high_share(size) for size in (3.0, 20.0, 40.0)]
    assert shares[0] > shares[1] > shares[2]


def test_the_look_holds_at_another_resolution():
    """The same film scanned twice as fine, then binned, has the grain of the coarser scan."""
    fine = grained(flat(1.0, (600, 1600)), size_um=30, gauge="16", scanner=0.0).frame.rgb
    coarse = grained(flat(1.0, (300, 800)), size_um=30, gauge="16", scanner=0.0).frame.rgb
    binned = fine.reshape(300, 2, 800, 2, 3).mean(axis=(1, 3))
    assert binned.std() == pytest.approx(coarse.std(), rel=0.05)


def test_grain_at_full_size_equals_its_tile_bit_for_bit():
    whole = flat(0.7, (200, 300))
    box = Box(101, 63, 90, 70)
    tile = Frame(whole.pixels[63:133, 101:191].copy(), DENSITY, 1, data_window=box, display_window=whole.display)
    assert np.array_equal(grained(tile).frame.rgb, grained(whole).frame.rgb[63:133, 101:191])
