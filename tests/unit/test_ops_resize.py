"""Changing size."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.ops.resize import resize

KERNELS = ["nearest", "area", "linear", "cubic", "lanczos3"]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("size", "new"), [((20, 30), (7, 11)), ((5, 4), (13, 9)), ((1, 1), (3, 5)), ((8, 9), (1, 1))])
def test_a_flat_picture_stays_flat_at_any_size(kernel, size, new):
    flat = np.full((*size, 3), 7.25, np.float32)
    np.testing.assert_allclose(resize(flat, *new, kernel), np.full((*new, 3), 7.25), rtol=1e-6)


def test_area_is_the_mean_of_what_a_pixel_covers():
    image = np.random.default_rng(1).random((24, 36)).astype(np.float32)
    expected = image.reshape(6, 4, 12, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(resize(image, 6, 12, "area"), expected, atol=1e-6)
    # 3 -> 2 pixels: each covers one and a half.
    row = np.array([[1.0, 4.0, 10.0]], np.float32)
    np.testing.assert_allclose(resize(row, 1, 2, "area"), [[2.0, 8.0]], atol=1e-6)


@pytest.mark.parametrize("kernel", ["linear", "cubic", "lanczos3", "area"])
def test_the_picture_does_not_shift(kernel):
    ramp = np.tile(np.arange(64, dtype=np.float32), (3, 1))
    down = resize(ramp, 3, 16, kernel)
    np.testing.assert_allclose(down[1, 4:-4], (np.arange(16) * 4 + 1.5)[4:-4], atol=2e-2)
    if kernel != "area":
        up = resize(ramp, 3, 256, kernel)
        np.testing.assert_allclose(up[1, 20:-20], ((np.arange(256) + 0.5) / 4 - 0.5)[20:-20], atol=2e-2)


def test_a_fine_pattern_does_not_alias_when_reduced():
    fine = np.tile((np.arange(96) % 2).astype(np.float32), (8, 1))
    for kernel, most in (("area", 0.3), ("linear", 0.12), ("cubic", 0.12), ("lanczos3", 0.12)):
        assert np.ptp(resize(fine, 8, 37, kernel)[:, 4:-4]) < most, kernel  # 1.0 for nearest; a box has side lobes
