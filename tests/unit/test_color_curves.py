"""Transfer curves against values worked by hand from their standards, and their shape over all light."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wetgate.color import curves

# curve, inverse, the range (of the curve's own input) that it is for
PAIRS = {
    "pq": (curves.pq_encode, curves.pq_decode, (1e-4, 10000.0)),
    "hlg_oetf": (curves.hlg_oetf, curves.hlg_oetf_inverse, (1e-5, 1000.0)),
    "bt1886": (curves.bt1886_encode, curves.bt1886_decode, (1e-4, 100000.0)),
    "srgb": (curves.srgb_encode, curves.srgb_decode, (1e-5, 1000.0)),
    "bt709": (curves.bt709_oetf, curves.bt709_oetf_inverse, (1e-5, 1000.0)),
}
PAIR = pytest.mark.parametrize("name", PAIRS)


@pytest.mark.parametrize(
    ("nits", "code"),
    # BT.2408-7 Table 1 gives 203 nits as 58 % PQ, 1,000 as 75 %; BT.2100 Table 4 gives the formula for all of them.
    [(0.0, 7.309559e-07), (0.005, 0.01507640), (100.0, 0.5080784), (203.0, 0.5806889), (1000.0, 0.7518271), (1e4, 1.0)],
)
def test_pq_codes_are_those_of_bt2100(nits: float, code: float) -> None:
    assert curves.pq_encode(nits) == pytest.approx(code, rel=1e-6)  # seven digits were worked by hand
    assert curves.pq_decode(code) == pytest.approx(nits, rel=1e-4, abs=1e-9)


def test_pq_code_zero_is_no_light() -> None:
    assert curves.pq_decode(0.0) == 0.0
    assert curves.pq_decode(7e-7) == 0.0


def test_pq_in_float32_agrees_with_float64() -> None:
    nits = np.geomspace(1e-4, 1e4, 20001)
    single = nits.astype(np.float32)
    # 1/1000 of a 10-bit code step; the plain formula is off by 1e-5 in float32
    assert np.abs(curves.pq_encode(single) - curves.pq_encode(single.astype(np.float64))).max() < 1e-6
    code = np.linspace(0.01, 1.0, 20001).astype(np.float32)
    relative = curves.pq_decode(code) / curves.pq_decode(code.astype(np.float64)) - 1.0
    assert np.abs(relative).max() < 1e-5


def test_pq_beyond_its_pole_is_finite() -> None:
    assert np.isfinite(curves.pq_decode(np.array([1.99, 2.5, 1e30, -5.0], np.float32))).all()


@pytest.mark.parametrize(
    ("scene", "code"),
    # BT.2100-2 Table 5: sqrt(3 E) to 1/12, then a ln(12 E - b) + c. The constants have eight digits, so 1 is 1 - 1e-8.
    [(0.0, 0.0), (1 / 48, 0.25), (1 / 12, 0.5), (0.25, 0.7385493), (0.5, 0.8716434), (1.0, 1.0)],
)
def test_hlg_signal_is_that_of_bt2100(scene: float, code: float) -> None:
    assert curves.hlg_oetf(scene) == pytest.approx(code, abs=2e-7)
    assert curves.hlg_oetf_inverse(code) == pytest.approx(scene, abs=2e-7)


def test_hlg_three_quarters_is_diffuse_white_on_a_1000_nit_display() -> None:
    # BT.2408-7 Table 1: 75 % HLG is 203 nits. By hand: OETF^-1(0.75) = 0.264962; 1000 * 0.264962 ** 1.2 = 203.15
    assert curves.hlg_decode(np.full(3, 0.75)) == pytest.approx(np.full(3, 203.15), abs=0.01)
    assert curves.hlg_decode(np.ones(3)) == pytest.approx(np.full(3, 1000.0), rel=1e-6)


@pytest.mark.parametrize(
    ("peak", "gamma"),
    # BT.2100-2 note 5f inside 400..2000: 1.2 + 0.42 log10(2) = 1.326433; BT.2390 outside: 1.2 * 1.111 ** 2 = 1.481185
    [(1000.0, 1.2), (2000.0, 1.3264326), (500.0, 1.0735674), (4000.0, 1.4811852), (250.0, 1.2 / 1.111**2)],
)
def test_hlg_system_gamma_follows_the_peak(peak: float, gamma: float) -> None:
    assert curves.hlg_gamma(peak) == pytest.approx(gamma, rel=1e-6)


def test_hlg_ootf_scales_colour_by_luminance_alone() -> None:
    scene = np.array([0.5, 0.2, 0.1])
    luminance = 0.2627 * 0.5 + 0.6780 * 0.2 + 0.0593 * 0.1
    assert curves.hlg_ootf(scene) == pytest.approx(1000.0 * luminance**0.2 * scene, rel=1e-12)


@pytest.mark.parametrize("peak", [300.0, 1000.0, 4000.0])
@pytest.mark.parametrize("black", [0.0, 0.05])
def test_hlg_display_light_comes_back(peak: float, black: float) -> None:
    random = np.random.default_rng(1)
    scene = random.random((500, 3)) * 1.5
    assert curves.hlg_ootf_inverse(curves.hlg_ootf(scene, peak, black), peak, black) == pytest.approx(scene, abs=1e-9)
    code = curves.hlg_oetf(scene)
    assert curves.hlg_encode(curves.hlg_decode(code, peak), peak) == pytest.approx(code, abs=1e-9)


def test_hlg_black_of_the_display_is_its_darkest_light() -> None:
    # BT.2100-2 Table 5: beta is chosen so that a signal of 0 shows as the display's black
    assert curves.hlg_decode(np.zeros(3), 1000.0, 0.05) == pytest.approx(np.full(3, 0.05), rel=1e-6)


def test_hlg_keeps_colours_of_no_luminance_finite() -> None:
    colour = np.array([[1.0, -0.2627 / 0.6780, 0.0], [0.0, 0.0, 0.0]])
    assert np.isfinite(curves.hlg_encode(colour * 100.0, 1000.0)).all()
    assert np.isfinite(curves.hlg_ootf(colour, 300.0)).all()


@pytest.mark.parametrize(
    ("code", "nits"),
    # BT.1886 Annex 1: with no black 100 V^2.4. With 0.1 nit of black a = (100^(1/2.4) - 0.1^(1/2.4))^2.4 = 87.0595...
    [(0.0, 0.0), (0.5, 18.946457), (1.0, 100.0), (1.09, 100 * 1.09**2.4)],
)
def test_bt1886_light_is_that_of_its_annex(code: float, nits: float) -> None:
    assert curves.bt1886_decode(code) == pytest.approx(nits, rel=1e-7)


def test_bt1886_reaches_the_black_and_white_of_its_display() -> None:
    assert curves.bt1886_decode(np.array([0.0, 1.0]), 120.0, 0.1) == pytest.approx([0.1, 120.0], rel=1e-12)
    assert curves.bt1886_encode(np.array([0.1, 120.0]), 120.0, 0.1) == pytest.approx([0.0, 1.0], abs=1e-12)


@pytest.mark.parametrize(
    ("code", "light"),
    # IEC 61966-2-1: 0.5 -> ((0.5 + 0.055) / 1.055) ^ 2.4; 0.02 / 12.92 below the break
    [(0.5, 0.21404114), (0.02, 0.0015479876), (1.0, 1.0)],
)
def test_srgb_light_is_that_of_iec_61966(code: float, light: float) -> None:
    assert curves.srgb_decode(code) == pytest.approx(light, rel=1e-7)


@pytest.mark.parametrize(("scene", "code"), [(0.01, 0.045), (0.18, 0.4090077), (1.0, 1.0)])
def test_bt709_signal_is_that_of_its_oetf(scene: float, code: float) -> None:
    assert curves.bt709_oetf(scene) == pytest.approx(code, rel=1e-6)  # 1.099 * 0.18 ** 0.45 - 0.099 by hand


@PAIR
def test_curve_rises_all_the_way(name: str) -> None:
    encode, _, (least, most) = PAIRS[name]
    light = np.concatenate([-np.geomspace(most, least, 3000), np.geomspace(least, most, 3000)])
    assert (np.diff(encode(light)) > 0).all()


@PAIR
def test_curve_is_odd_and_gives_light_back(name: str) -> None:
    encode, decode, (least, most) = PAIRS[name]
    light = np.geomspace(least, most, 3000)
    assert (encode(-light) == -encode(light)).all()
    # 1e-6 relative covers the breaks of sRGB and BT.709, whose published constants do not quite meet
    assert decode(encode(light)) == pytest.approx(light, rel=1e-4 if name in ("srgb", "bt709") else 1e-6)
    assert decode(encode(-light)) == pytest.approx(-light, rel=1e-4 if name in ("srgb", "bt709") else 1e-6)


@PAIR
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_curve_keeps_type_and_shape_and_its_input(name: str, kind: type) -> None:
    for curve in PAIRS[name][:2]:
        values = np.array([[-0.5, 0.0], [0.25, 1.5]], kind)
        before = values.copy()
        result = curve(values)
        assert result.dtype == kind
        assert result.shape == values.shape
        assert (values == before).all()


@PAIR
def test_nan_stays_in_its_own_sample(name: str) -> None:
    for curve in PAIRS[name][:2]:
        result = curve(np.array([0.2, math.nan, 0.4], np.float32))
        assert np.isnan(result).tolist() == [False, True, False]


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 10000.0), st.sampled_from([100.0, 400.0, 1000.0, 2000.0, 4000.0]))
def test_any_neutral_light_comes_back_through_hlg(nits: float, peak: float) -> None:
    rgb = np.full(3, nits)
    assert curves.hlg_decode(curves.hlg_encode(rgb, peak), peak) == pytest.approx(rgb, rel=1e-9)
