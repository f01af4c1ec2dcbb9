"""Correlated noise: variance, correlation, addressing."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.ops import noise
from wetgate.ops.random import Stream

MIX = {"sigmas": (0.5, 1.4), "weights": (0.7, 0.3)}


def test_a_gaussian_mixture_field_has_the_variance_it_is_said_to_have():
    field = noise.gaussian_mixture_field(Stream.of(1, "f"), 0, 300, 400, 3, **MIX)
    # 120,000 pixels, correlated over a few: 2 % is four standard errors.
    assert field.var(axis=(0, 1)) == pytest.approx(noise.gaussian_mixture_power(**MIX), rel=0.02)


def test_a_tile_of_the_field_is_the_same_part_of_the_whole():
    stream = Stream.of(2, "f")
    whole = noise.gaussian_mixture_field(stream, 5, 80, 90, 2, **MIX)
    tile = noise.gaussian_mixture_field(stream, 5, 21, 33, 2, x=17, y=40, **MIX)
    assert np.array_equal(tile, whole[40:61, 17:50])


def test_red_noise_has_unit_variance_and_exponential_correlation():
    stream, tau = Stream.of(3, "red"), 3.0
    series = np.array([noise.red_series(stream, frame, 40, tau) for frame in range(600)])
    assert series.var() == pytest.approx(1, abs=0.06)  # about 4,000 independent samples: 2.5 standard errors
    for lag in (1, 3, 6):
        found = (series[lag:] * series[:-lag]).mean() / series.var()
        assert found == pytest.approx(np.exp(-lag / tau), abs=0.05)


def test_red_noise_of_no_correlation_is_white():
    series = np.array([noise.red_series(Stream.of(3, "white"), frame, 20, 0.0) for frame in range(500)])
    assert abs((series[1:] * series[:-1]).mean()) < 0.04


def test_steps_hold_and_jump_at_their_rate():
    levels = np.array([noise.step_series(Stream.of(4, "steps"), frame, 1, 0.1)[0] for frame in range(2000)])
    jumps = np.count_nonzero(np.diff(levels))
    assert jumps == pytest.approx(200, abs=5 * np.sqrt(200 * 0.9))
    assert noise.step_series(Stream.of(4, "steps"), 9, 2, 0.0).tolist() == [0, 0]


def test_noise_along_a_line_is_smooth_and_the_same_wherever_it_is_asked():
    stream = Stream.of(5, "line")
    s = np.linspace(-3, 40, 900)
    values = noise.curve_noise(stream, 0, s, 4.0)
    assert np.abs(np.diff(values)).max() < 0.25  # 0.05 of a period a step, three octaves
    np.testing.assert_allclose(noise.curve_noise(stream, 0, s[100:130], 4.0), values[100:130], atol=1e-12)


def test_a_cosine_field_is_its_formula_in_any_tile():
    c = np.array([[0.5, 1.0], [0.0, -0.3]])
    whole = noise.cosine_field(c, 20, 30)
    u, v = (11 + 0.5) / 30, (7 + 0.5) / 20
    assert whole[7, 11] == pytest.approx(0.5 + np.cos(np.pi * u) - 0.3 * np.cos(np.pi * u) * np.cos(np.pi * v))
    tile = noise.cosine_field(c, 5, 6, x=10, y=4, full_height=20, full_width=30)
    np.testing.assert_allclose(tile, whole[4:9, 10:16], atol=1e-6)
