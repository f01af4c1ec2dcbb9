"""PSFs by place: the tiles of a frame, blurring by them and undoing it, and what lies between cells."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.ops.blur import convolve, disc
from wetgate.ops.deconvolve import Deconvolved
from wetgate.ops.deconvolve_places import deconvolve_places
from wetgate.ops.psf import drawn_by_place
from wetgate.ops.psf_field import PsfField, between_cells, tiles_of

POINT = np.ones((1, 1), np.float32)
SIZE = (340, 500)  # 2 x 3 tiles


def picture(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((*SIZE, 3)).astype(np.float32)


def field(*psfs: np.ndarray) -> PsfField:
    rows, columns = tiles_of(SIZE)
    assert (rows, columns) == (2, 3)
    return PsfField(SIZE, tuple(psfs))


def test_one_psf_everywhere_blurs_as_that_psf_does():
    given = picture()
    np.testing.assert_allclose(field(*[disc(3)] * 6).convolve(given), convolve(given, disc(3)), atol=2e-6)


def test_a_place_without_blur_comes_through_bit_for_bit():
    given = picture()
    made = field(disc(2), POINT, POINT, POINT, POINT, disc(3)).convolve(given)
    untouched = made[:140, 200:]
    assert np.array_equal(untouched, given[:140, 200:])
    assert not np.array_equal(made[200:, 400:], given[200:, 400:])


def test_each_tile_has_its_own_psf_and_passes_into_the_next():
    given = picture()
    made = field(disc(1), disc(4), disc(4), disc(1), disc(4), disc(4)).convolve(given)
    np.testing.assert_allclose(made[:, :140], convolve(given, disc(1))[:, :140], atol=2e-6)
    np.testing.assert_allclose(made[:, 190:], convolve(given, disc(4))[:, 190:], atol=2e-6)
    between = made[:, 155:180] - convolve(given, disc(1))[:, 155:180]
    reach = (convolve(given, disc(4)) - convolve(given, disc(1)))[:, 155:180]
    share = float((between * reach).sum() / (reach * reach).sum())
    assert 0.2 < share < 0.8


def test_tiles_are_undone_with_what_lies_about_them_and_others_are_left():
    given = picture()
    places = field(disc(2), POINT, POINT, POINT, POINT, POINT)
    seen = []

    def undo(part, psf, deviation, *, valid, clipped):
        seen.append((part.shape, deviation.shape, valid.shape, clipped.shape))
        return Deconvolved(part + 1, part, 1.0, 3)

    known = np.ones(given.shape, bool)
    made = deconvolve_places(given, places, given * 0 + 0.01, undo, white=1.0, valid=known, clipped=~known)
    assert made.rounds == 3
    # The tile, half of the passage to the next, and a margin of twice the reach and 8 px.
    assert seen == [((170 + 16 + 12, 167 + 16 + 12, 3),) * 4]
    np.testing.assert_allclose(made.picture[:150, :150], given[:150, :150] + 1, rtol=1e-6)
    assert np.array_equal(made.picture[190:], given[190:])


@pytest.mark.parametrize("tiles", [(2, 2), (5, 7), (1, 1)])
def test_what_varies_linearly_over_cells_does_so_over_tiles(tiles):
    y, x = np.mgrid[0:4, 0:6] + 0.5
    cells = (2 * y / 4 + 3 * x / 6)[..., None]
    made = between_cells(cells, tiles)[..., 0]
    y, x = np.mgrid[0 : tiles[0], 0 : tiles[1]] + 0.5
    y, x = np.clip(y / tiles[0] * 4, 0.5, 3.5), np.clip(x / tiles[1] * 6, 0.5, 5.5)
    np.testing.assert_allclose(made, 2 * y / 4 + 3 * x / 6, atol=1e-9)


def test_a_picture_of_psfs_shows_each_in_its_place_and_all_alike():
    psfs = [disc(1), disc(4), POINT, POINT, POINT, POINT]
    made = drawn_by_place(psfs, (2, 3), 120, 180)
    lit = [(made[:60, :60] > 0).sum(), (made[:60, 60:120] > 0).sum(), (made[60:, 120:] > 0).sum()]
    assert lit[0] == pytest.approx(lit[2] * np.count_nonzero(disc(1)))
    assert lit[1] == pytest.approx(lit[2] * np.count_nonzero(disc(4)))
