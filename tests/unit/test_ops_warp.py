"""Resampling through displacements."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wetgate.ops.warp import displace, resample, rigid_grid


def waves(height: int, width: int, dx: float = 0.0, dy: float = 0.0) -> np.ndarray:
    """A picture that is known between its pixels: up to 0.14 cycles a pixel."""
    yy, xx = np.meshgrid(np.arange(height) - dy, np.arange(width) - dx, indexing="ij")
    planes = [np.sin(0.9 * xx + 0.3 * k) * np.cos(0.5 * yy) + 2 * k for k in range(3)]
    return np.stack(planes, axis=-1).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(dx=st.floats(-3, 3), dy=st.floats(-3, 3))
def test_a_shift_finds_what_lies_between_the_pixels(dx, dy):
    moved = displace(waves(60, 64), dx, dy)
    inner = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(moved[inner], waves(60, 64, dx, dy)[inner], atol=0.013)  # Lanczos-3 at 0.14 cycles


@pytest.mark.parametrize("kernel", ["linear", "cubic", "lanczos3"])
def test_no_displacement_gives_the_picture_back(kernel):
    image = waves(20, 30)
    np.testing.assert_allclose(displace(image, 0.0, 0.0, kernel), image, atol=1e-6)  # rounding of sin(pi k)


@pytest.mark.parametrize("kernel", ["linear", "cubic", "lanczos3"])
@pytest.mark.parametrize("edge", ["reflect", "extend"])
def test_a_flat_picture_stays_flat(kernel, edge):
    flat = np.full((9, 7, 3), 41.5, np.float32)
    np.testing.assert_allclose(displace(flat, 2.37, -5.1, kernel, edge), flat, rtol=1e-6)


def test_whole_shifts_move_pixels_exactly_and_edges_do_as_they_are_told():
    image = np.arange(24, dtype=np.float32).reshape(4, 6, 1)
    right = {edge: displace(image, 2.0, 0.0, "cubic", edge)[0, :, 0] for edge in ("reflect", "extend", "black")}
    np.testing.assert_allclose(right["reflect"], [1, 0, 0, 1, 2, 3], atol=1e-5)
    np.testing.assert_allclose(right["extend"], [0, 0, 0, 1, 2, 3], atol=1e-5)
    np.testing.assert_allclose(right["black"], [0, 0, 0, 1, 2, 3], atol=1e-5)


def test_a_rotation_turns_counter_clockwise_and_back():
    image = waves(61, 61)
    turned = resample(image, *rigid_grid(61, 61, dx=0, dy=0, rotation_deg=90))
    np.testing.assert_allclose(turned[5:-5, 5:-5], np.rot90(image)[5:-5, 5:-5], atol=2e-3)
    back = resample(
        resample(image, *rigid_grid(61, 61, dx=0, dy=0, rotation_deg=7)),
        *rigid_grid(61, 61, dx=0, dy=0, rotation_deg=-7),
    )
    np.testing.assert_allclose(back[15:-15, 15:-15], image[15:-15, 15:-15], atol=0.03)


def test_a_large_picture_in_several_runs_is_what_one_run_gives():
    image = np.random.default_rng(1).random((300, 310, 3)).astype(np.float32)
    whole = displace(image, 0.3, -0.7)
    yy, xx = np.meshgrid(np.arange(100, 120, dtype=np.float32), np.arange(310, dtype=np.float32), indexing="ij")
    assert np.array_equal(resample(image, xx - np.float32(0.3), yy + np.float32(0.7)), whole[100:120])
