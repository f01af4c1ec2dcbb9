"""Blur measured cell by cell, cells without evidence, and when blur is said to vary."""

from __future__ import annotations

import numpy as np
import pytest

from unit.test_blur_measure import natural
from wetgate.ops.blur import convolve, disc, gaussian
from wetgate.ops.blur_grid import BlurGrid, cells_of, filled, grid_of_frames, windows_of

NOISE = 0.002


def shown(light: np.ndarray, seed: int = 5) -> np.ndarray:
    noise = NOISE * np.random.default_rng(seed).standard_normal((*light.shape, 3))
    return (light[..., None] + noise).astype(np.float32)


def passing(light: np.ndarray, psf_of, first: float, last: float, parts: int = 9) -> np.ndarray:
    """From one size at the left to another at the right."""
    place = np.linspace(0, parts - 1, light.shape[1])
    made = np.zeros_like(light)
    for part in range(parts):
        weight = np.clip(1 - np.abs(place - part), 0, 1)
        made += weight * convolve(light.astype(np.float32), psf_of(first + (last - first) * part / (parts - 1)))
    return made


@pytest.mark.parametrize(("kind", "psf_of"), [("defocus", disc), ("gaussian", gaussian)])
def test_blur_that_grows_over_the_frame_is_measured_in_each_cell(kind, psf_of):
    grid = grid_of_frames([shown(passing(natural(384), psf_of, 1.2, 2.8))])
    assert grid is not None
    assert grid.kind == kind
    assert grid.size.shape == (4, 4)
    truth = 1.2 + 1.6 * (np.arange(4) + 0.5) / 4
    assert np.abs(grid.settled().mean(axis=0) - truth).max() < 0.3  # 0.2 px, and what is not linear in a window
    assert grid.varies


def test_even_blur_is_not_said_to_vary():
    grid = grid_of_frames([shown(convolve(natural(256).astype(np.float32), gaussian(1.5)))])
    assert grid is not None
    assert np.abs(grid.settled() - 1.5).max() < 0.2
    assert not grid.varies


def test_a_sharp_frame_has_no_blur_in_any_cell():
    grid = grid_of_frames([shown(natural(256))])
    assert grid is not None
    assert not grid.size.any()
    assert all(psf.size == 1 for psf in grid.field((256, 256), 1.0).psfs)


def test_a_plain_cell_takes_the_size_of_its_neighbours():
    light = convolve(natural(384).astype(np.float32), disc(2.5))
    light[60:324, 60:324] = 0.3  # all of the windows about the four cells in the middle
    grid = grid_of_frames([shown(light)])
    assert grid is not None
    assert grid.confidence[1:3, 1:3].max() < 0.6
    assert np.abs(grid.settled()[1:3, 1:3] - 2.5).max() < 0.4


def test_cells_that_nothing_is_known_of_are_filled_and_outliers_drawn_in():
    values = np.full((3, 5, 1), 2.0)
    values[1, 2] = 9.0
    values[0, 4] = 0.0
    sure = np.ones((3, 5))
    sure[0, 4] = 0.0
    settled = filled(values, sure)[..., 0]
    assert settled[0, 4] == pytest.approx(2.0, abs=0.1)
    assert settled[1, 2] < 4.5
    assert settled[2, 0] == pytest.approx(2.0, abs=0.05)


def test_a_grid_comes_back_from_its_document():
    grid = BlurGrid("gaussian", np.array([[1.25, 0.0], [2.5, 3.0]]), np.array([[1.0, 0.0], [0.5, 0.25]]))
    back = BlurGrid.from_json(grid.to_json())
    assert back.kind == "gaussian"
    np.testing.assert_array_equal(back.size, grid.size)
    np.testing.assert_array_equal(back.confidence, grid.confidence)


@pytest.mark.parametrize("size", [(1080, 1920), (128, 700), (2160, 4096), (405, 720)])
def test_every_cell_is_measured_in_a_window_about_it_within_the_frame(size):
    rows, columns = cells_of(size)
    assert max(rows, columns) <= 8
    windows = windows_of(size)
    assert len(windows) == rows * columns
    for i, (down, across) in enumerate(windows):
        assert 0 <= down.start < down.stop <= size[0]
        assert 0 <= across.start < across.stop <= size[1]
        assert down.start <= (i // columns + 0.5) * size[0] / rows <= down.stop
        assert across.start <= (i % columns + 0.5) * size[1] / columns <= across.stop


def test_a_frame_too_small_to_be_measured_has_no_grid():
    assert grid_of_frames([np.full((100, 300, 3), 0.2, np.float32)]) is None
