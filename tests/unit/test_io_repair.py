"""NaN and infinity: mended from the neighbours, each channel for itself, never spread."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wetgate.io.repair import repair


def test_a_finite_picture_is_returned_as_it_is() -> None:
    pixels = np.random.default_rng(0).standard_normal((5, 6, 3)).astype(np.float32) * 1e30
    out, count, notes = repair(pixels)
    assert out is pixels
    assert (count, notes) == (0, ())


def test_one_bad_sample_becomes_the_mean_of_its_neighbours_and_nothing_else_changes() -> None:
    pixels = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    pixels[1, 1, 0] = np.nan
    before = pixels.copy()
    out, count, _ = repair(pixels)
    assert count == 1
    assert out[1, 1, 0] == 12  # the mean of 0 3 6 9 15 18 21 24
    assert np.array_equal(pixels, before, equal_nan=True)
    out[1, 1, 0] = np.nan
    assert np.array_equal(out, before, equal_nan=True)


def test_a_hole_fills_from_its_rim_and_stays_within_it() -> None:
    pixels = np.full((20, 20, 1), 2.0, np.float32)
    pixels[:, 10:] = 4.0
    pixels[4:16, 4:16] = np.inf
    out, count, _ = repair(pixels)
    assert count == 144
    assert 2.0 <= out.min() <= out.max() <= 4.0
    assert out[10, 4, 0] < out[10, 15, 0]


def test_channels_do_not_mix() -> None:
    pixels = np.zeros((4, 4, 3), np.float32)
    pixels[..., 1] = 5
    pixels[0, 0] = (np.nan, np.inf, -np.inf)
    out, count, _ = repair(pixels)
    assert count == 3
    assert out[0, 0].tolist() == [0, 5, 0]


def test_a_channel_without_a_finite_sample_becomes_black_and_says_so() -> None:
    pixels = np.ones((3, 3, 3), np.float32)
    pixels[..., 2] = np.nan
    out, count, notes = repair(pixels)
    assert count == 9
    assert out[..., 2].max() == 0
    assert notes == ("channel 2 holds no finite sample and became 0",)
    out, count, notes = repair(np.full((1, 1, 3), np.nan, np.float32))
    assert (count, len(notes), float(np.abs(out).max())) == (3, 3, 0.0)


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.9))
def test_the_result_is_finite_and_within_the_range_of_the_finite_samples(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.standard_normal((7, 9, 1)).astype(np.float32)
    bad = rng.random(pixels.shape) < share
    pixels[bad] = rng.choice(np.array([np.nan, np.inf, -np.inf], np.float32), int(bad.sum()))
    out, count, _ = repair(pixels)
    assert count == bad.sum()
    assert np.isfinite(out).all()
    assert np.array_equal(out[~bad], pixels[~bad])
    if not bad.all():
        assert pixels[~bad].min() <= out.min() <= out.max() <= pixels[~bad].max()
