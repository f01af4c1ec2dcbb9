"""Bands smoothed, texture and edges left alone; colour led back; overshoot held."""

from __future__ import annotations

import numpy as np
import pytest

from support.photographs import photograph
from wetgate.ops.chroma_bleed import led_by_luma
from wetgate.ops.deband import deband
from wetgate.ops.halo_limit import within_neighbours

CODE = np.float32(1 / 255)


def banded(slope: float, step: float = 1 / 255) -> tuple[np.ndarray, np.ndarray]:
    """A soft gradient of ``slope`` a pixel, and the same in bands of ``step``."""
    x = np.broadcast_to(0.3 + slope * np.arange(200, dtype=np.float64), (60, 200))
    return x.astype(np.float32), (np.rint(x / step) * step).astype(np.float32)


@pytest.mark.parametrize("width", [6, 9, 14])
def test_bands_come_out_as_the_gradient_that_they_were(width: int):
    true, given = banded(float(CODE) / width)
    made = deband(given, CODE)
    inner = slice(14, -14)
    before, after = np.abs(given - true)[:, inner], np.abs(made - true)[:, inner]
    assert np.sqrt((after**2).mean()) < 0.35 * np.sqrt((before**2).mean())
    assert np.abs(np.diff(made[:, inner], axis=1)).max() < 0.6 * CODE  # no step of a whole code is left


def test_what_is_finer_than_a_float_of_eight_bits_comes_without_dither():
    _, given = banded(float(CODE) / 9)
    made = deband(given, CODE)
    assert np.ptp(made, axis=0).max() < 1e-5  # rows that were alike stay alike


def test_texture_and_edges_stay_bit_for_bit():
    random = np.random.default_rng(1)
    texture = (0.5 + 0.03 * random.standard_normal((64, 64))).astype(np.float32)
    assert np.array_equal(deband(texture, CODE), texture)
    edge = np.zeros((64, 64), np.float32)
    edge[:, 32:] = 0.5
    assert np.abs(deband(edge, CODE) - edge).max() < 1e-6


def test_no_pixel_moves_by_more_than_the_step_and_none_at_zero():
    picture = photograph(120, 90)[..., 1].astype(np.float32) / 255
    assert np.abs(deband(picture, 2 * CODE) - picture).max() <= 2 * CODE + 1e-6
    assert deband(picture, 0.0) is picture


def test_support_is_finite():
    _, given = banded(float(CODE) / 9)
    other = given.copy()
    other[:, :100] += np.float32(0.3)
    far = slice(100 + 13 + 8, None)
    # The windows' own reach of 13 and that of the weights; sums over windows round in double precision.
    assert np.abs(deband(given, CODE) - deband(other, CODE))[:, far].max() < 1e-6


def test_bled_colour_goes_back_to_the_edge_of_luma():
    luma = np.full((48, 64), 0.2, np.float32)
    luma[:, 32:] = 0.7
    true = np.where(luma > 0.5, 0.2, -0.1).astype(np.float32)
    ramp = np.clip((np.arange(64) - 29) / 6, 0, 1)
    bled = np.broadcast_to(-0.1 + 0.3 * ramp, (48, 64)).astype(np.float32)
    made, opposite = led_by_luma([bled, -bled], luma, 0.2)
    assert np.abs(made - true).mean() < 0.6 * np.abs(bled - true).mean()
    assert np.abs(opposite + made).max() < 1e-6
    assert np.abs(led_by_luma([bled], luma, 0.01)[0] - bled).max() <= 0.01 + 1e-6
    assert np.array_equal(led_by_luma([bled], luma, 0.0)[0], bled)


def test_colour_that_luma_does_not_explain_stays():
    random = np.random.default_rng(2)
    luma = (0.5 + 0.1 * random.standard_normal((48, 64))).astype(np.float32)
    chroma = np.zeros((48, 64), np.float32)
    chroma[:, 32:] = 0.2
    made = led_by_luma([chroma], luma, 1.0)[0]
    assert np.abs(made - chroma).max() < 0.03  # of an edge of 0.2


def test_overshoot_is_held_to_the_neighbourhood_by_a_share():
    source = np.zeros((20, 20), np.float32)
    source[:, 10:] = 1
    result = source.copy()
    result[:, 12] = 1.3
    result[:, 2] = -0.2
    assert np.array_equal(within_neighbours(result, source, 1.0), source)
    assert np.allclose(within_neighbours(result, source, 0.5)[:, 12], 1.15)
    assert within_neighbours(result, source, 0.0) is result
