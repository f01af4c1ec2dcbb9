"""Grids of block edges that a resize has moved off whole pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from support.photographs import luma, photograph, saved
from wetgate.ops.block_grid import find_grid_of
from wetgate.ops.coding_measure import coding_of_pictures

W, H = 448, 384


@pytest.mark.parametrize("scale", [0.75, 0.92, 1.1, 1.3])
def test_the_grid_of_a_resized_save_is_found_to_a_tenth_of_a_pixel(scale: float):
    size = (round(W * scale), round(H * scale))
    made = cv2.resize(saved(photograph(W, H), 25), size, interpolation=cv2.INTER_CUBIC)[3:, 6:]
    grid = find_grid_of([luma(made) / 255])
    assert grid is not None
    assert grid.known
    for k, cut in ((0, 6), (1, 3)):
        true = 8 * size[k] / (W, H)[k]
        assert grid.period[k] == pytest.approx(true, abs=0.01)
        place = round((size[k] / 2) / true) * true - cut  # of an edge near the middle
        period, phase = grid.period[k], grid.phase[k]
        assert abs((phase - place + period / 2) % period - period / 2) < 0.1


def test_a_picture_that_was_never_compressed_has_no_grid():
    grid = find_grid_of([luma(photograph(W, H)) / 255])
    assert grid is not None
    assert not grid.known


def test_small_and_flat_pictures_have_none():
    assert find_grid_of([np.zeros((20, 300), np.float32)]) is None
    flat = find_grid_of([np.zeros((90, 90), np.float32)])
    assert flat is not None
    assert not flat.known


def test_a_resized_grid_is_said_to_be_one_and_its_step_is_not_guessed():
    made = cv2.resize(saved(photograph(W, H), 20), (W * 3 // 4, H * 3 // 4), interpolation=cv2.INTER_CUBIC)
    found = coding_of_pictures([made[..., ::-1].astype(np.float32) / 255])
    assert found.resized
    assert found.origin is None
    assert found.period == pytest.approx((6, 6), abs=0.02)
    assert found.steps == (-1.0, -1.0)
