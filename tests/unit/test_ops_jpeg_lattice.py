"""JPEG quality and grid phase from pixels: exact on saves of all qualities, nothing on what was never saved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from support.photographs import luma, photograph, saved
from wetgate.io.jpeg_coding import quantisation_tables
from wetgate.ops.block_transform import as_plane, forward, inverse, whole_blocks
from wetgate.ops.coding_measure import coding_of_pictures
from wetgate.ops.jpeg_lattice import (
    K1,
    K2,
    find_lattice,
    lattice_at,
    quality_of_step,
    quality_table,
    step_at,
)
from wetgate.ops.quantiser import jpeg_step
from wetgate.ops.shot_coding import ShotCoding


def test_tables_of_a_quality_are_those_that_libjpeg_writes():
    picture = np.zeros((16, 16, 3), np.uint8)
    for quality in (1, 10, 49, 50, 51, 90, 100):
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        first, second = quantisation_tables(data)
        assert np.array_equal(first, quality_table(quality, K1))
        assert np.array_equal(second, quality_table(quality, K2))


@pytest.mark.parametrize(("quality", "cut"), [(8, (0, 0)), (25, (3, 5)), (50, (7, 1)), (75, (4, 4)), (92, (2, 0))])
def test_quality_and_phase_of_a_cropped_save_are_found(quality: int, cut: tuple[int, int]):
    x, y = cut
    found = find_lattice(luma(saved(photograph(256, 192), quality)[y:, x:]))
    assert found is not None
    assert found.phase == ((-x) % 8, (-y) % 8)
    assert abs(found.quality - quality) <= 1


def test_every_coarse_quality_is_found_as_its_neighbours_tables_do_not_fit():
    picture = photograph(256, 192)
    for quality in range(11, 50):
        found = find_lattice(luma(saved(picture, quality)[2:, 4:]))
        assert found is not None, quality
        assert (found.phase, found.quality) == ((4, 6), quality)


@pytest.mark.parametrize("coarseness", [0.5, 1.0, 2.5])
def test_the_step_of_any_tables_is_found_where_the_blocks_lie(coarseness: float):
    """Tables of MPEG's shape, flatter than libjpeg's."""
    table = np.rint(coarseness * (16 + 1.5 * np.add.outer(np.arange(8), np.arange(8))))
    blocks = np.rint(forward(whole_blocks(luma(photograph(256, 192)) - 128)) / table) * table
    back = np.rint(as_plane(inverse(blocks.astype(np.float32))) + 128)
    found = step_at(back, (0, 0))
    assert found == pytest.approx(jpeg_step(table), rel=0.03)
    assert step_at(back, (3, 5)) is None


def test_a_quality_is_named_by_how_coarse_it_is():
    for quality in (5, 30, 75, 90):
        step = jpeg_step(quality_table(quality))
        assert jpeg_step(quality_table(quality_of_step(step))) == pytest.approx(step, rel=0.03)


def test_a_picture_that_was_never_saved_has_no_lattice():
    assert find_lattice(luma(photograph(256, 192))) is None
    assert step_at(luma(photograph(256, 192)), (0, 0)) is None


def test_clipped_pixels_do_not_hide_the_lattice():
    picture = np.clip(photograph(256, 192).astype(np.int32) * 3 - 256, 0, 255).astype(np.uint8)
    back = saved(picture, 40)
    sound = ((back > 0) & (back < 255)).all(axis=2)
    assert sound.mean() < 0.9  # much of it is clipped
    found = lattice_at(luma(back), (0, 0), sound)
    assert found is not None
    assert abs(found.quality - 40) <= 1


def test_tiny_pictures_say_nothing():
    for size in ((1, 1), (7, 30), (9, 9)):
        assert find_lattice(np.full(size, 100, np.float32)) is None


@pytest.mark.parametrize(
    ("first", "last", "cut"), [(20, 85, (5, 3)), (10, 30, (4, 4)), (12, 75, (0, 3)), (40, 75, (1, 0))]
)
def test_an_older_save_is_found_below_a_later_one_on_another_grid(first: int, last: int, cut: tuple[int, int]):
    x, y = cut
    once = saved(photograph(384, 320), first)[y:, x:]
    found = coding_of_pictures([saved(once, last)[..., ::-1].astype(np.float32) / 255])
    assert found.origin == (0, 0)
    assert (found.older, found.older_quality) == ((-x % 8, -y % 8), first)
    assert found.worked_from == found.older
    assert np.isclose(found.steps_at(1, 8, 8).luma, jpeg_step(quality_table(first)) / 255)
    assert ShotCoding.from_json(found.to_json()).to_json() == found.to_json()


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 85, 95])
def test_a_picture_saved_once_has_no_older_save(quality: int):
    alone = coding_of_pictures([saved(photograph(384, 320), quality)[..., ::-1].astype(np.float32) / 255])
    assert alone.older is None
    assert alone.worked_from == (0, 0)


def test_a_chart_of_lines_was_never_compressed_though_its_blocks_are_all_alike():
    """Patches of flat light beside patches of lines, each a pixel wide: 0.9 of white, if its blocks are a codec's."""
    lines = [(1.0, 0.735, 0.88), (1.0, 0.0, 0.735), (0.54, 0.0, 0.39), (0.28, 0.0, 0.19)]
    colours = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], np.float32)
    chart = np.zeros((800, 800, 3), np.float32)
    for row, (even, odd, flat) in enumerate(lines):
        for column, colour in enumerate(colours):
            patch = chart[200 * row : 200 * (row + 1), 200 * column : 200 * (column + 1)]
            patch[::2], patch[1::2], patch[:, 99:] = even * colour, odd * colour, flat * colour
    found = coding_of_pictures([chart])
    assert (found.steps, found.odds, found.quality) == ((0.0, 0.0), 0.0, None)
