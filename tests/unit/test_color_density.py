"""Scanner density and Cineon codes, and how they go on through zero."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wetgate.color import density

LIGHT = np.concatenate([-np.geomspace(0.5, 1e-8, 400), [0.0], np.geomspace(1e-8, 1000, 600)])


@pytest.mark.parametrize(
    ("linear", "expected"),
    # D = -log10(x); below 1e-5 the tangent 5 + (1e-5 - x) / (1e-5 ln 10): at 0 it is 5 + 1 / ln 10
    [(1.0, 0.0), (0.1, 1.0), (10.0, -1.0), (1e-5, 5.0), (0.0, 5.0 + 1 / math.log(10)), (-1e-5, 5.0 + 2 / math.log(10))],
)
def test_density_is_the_logarithm_and_its_tangent(linear: float, expected: float) -> None:
    assert density.density_from_linear(linear) == pytest.approx(expected, abs=1e-12)
    assert density.linear_from_density(expected) == pytest.approx(linear, rel=1e-14, abs=1e-17)


def test_density_meets_its_tangent_in_value_and_slope() -> None:
    step = 1e-9
    x = 1e-5 + np.array([-2 * step, -step, 0, step, 2 * step])
    slopes = np.diff(density.density_from_linear(x)) / step
    assert slopes == pytest.approx(np.full(4, -1 / (1e-5 * math.log(10))), rel=2e-4)  # the log bends by 1e-4 a step


@pytest.mark.parametrize(("kind", "allowed"), [(np.float32, 3e-6), (np.float64, 1e-13)])
def test_all_light_comes_back_from_density(kind: type, allowed: float) -> None:
    light = LIGHT.astype(kind)
    there = density.density_from_linear(light)
    assert there.dtype == kind
    assert (np.diff(there.astype(np.float64)) <= 0).all()
    back = density.linear_from_density(there)
    # float32: a rounding of D of 6e-8 * 5 is 7e-7 of light; half a step of D = 21,700 is 2e-8
    assert (np.abs(back - light) <= allowed * np.maximum(np.abs(light), 1e-2)).all()


def test_density_is_measured_from_the_base_of_each_channel() -> None:
    base = np.array([0.8, 0.4, 0.2])
    assert density.density_from_linear(base * 0.1, base) == pytest.approx([1.0, 1.0, 1.0])
    assert density.linear_from_density(np.ones(3), base) == pytest.approx(base * 0.1)


def test_nan_of_density_stays_where_it_is() -> None:
    result = density.density_from_linear(np.array([0.5, np.nan, 0.1]))
    assert np.isnan(result).tolist() == [False, True, False]


def test_cineon_codes_have_the_published_light() -> None:
    # Kodak: 685 is white (1.0), 95 black (0.0); 445 by hand: 10^(-0.8) = 0.158489, offset k = 10^(-590/300) = 0.010798
    codes = np.array([95.0, 445.0, 685.0])
    expected = [0.0, (0.1584893 - 0.0107977) / (1 - 0.0107977), 1.0]
    assert density.linear_from_cineon(codes) == pytest.approx(expected, abs=1e-6)
    assert density.cineon_density(685) == pytest.approx(1.37)


def test_all_light_comes_back_from_cineon() -> None:
    back = density.linear_from_cineon(density.cineon_from_linear(LIGHT))
    assert back == pytest.approx(LIGHT, rel=1e-9, abs=1e-12)
    assert (np.diff(density.cineon_from_linear(LIGHT)) > 0).all()


@pytest.mark.parametrize(
    ("bits", "code", "expected"),
    # ST 2065-3: 445 at 10 bits and 7120 at 16 are APD 0.7
    [(10, 95, 0.0), (10, 445, 0.7), (16, 1520, 0.0), (16, 7120, 0.7)],
)
def test_adx_codes_are_printing_density(bits: int, code: int, expected: float) -> None:
    assert density.adx_density(float(code), bits) == pytest.approx(expected, abs=1e-12)
    assert density.adx_code(expected, bits) == pytest.approx(code, abs=1e-9)


def test_adx_of_another_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="10 or 16 bits, not 12"):
        density.adx_density(95.0, 12)
