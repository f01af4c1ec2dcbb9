"""Motion at each frame, of most of it and cell by cell, and the shutter that its blur shows."""

from __future__ import annotations

import numpy as np
import pytest

from unit.test_blur_measure import natural
from wetgate.ops.blur import convolve, motion
from wetgate.ops.blur_measure import Blur
from wetgate.ops.blur_motion import Movement, motion_of_shot, movement, movement_at, shutter_of
from wetgate.spec import Frame, UsageError

HEIGHT, WIDTH = 200, 320


def frames_of(step_left: tuple[int, int], step_right: tuple[int, int], count: int = 3, blur=None) -> list[Frame]:
    """Two halves, each moving by its step (right, down) a frame."""
    wide = natural(480)
    frames = []
    for n in range(count):
        halves = []
        for side, (x, y) in enumerate((step_left, step_right)):
            moved = np.roll(wide, (n * y, n * x), (0, 1))[100 : 100 + HEIGHT, 40 : 40 + WIDTH].astype(np.float32)
            halves.append((moved if blur is None else convolve(moved, blur))[:, side * WIDTH // 2 :][:, : WIDTH // 2])
        pixels = np.repeat(np.concatenate(halves, axis=1)[..., None], 3, 2)
        noise = 0.002 * np.random.default_rng(n).standard_normal(pixels.shape)
        frames.append(Frame(np.ascontiguousarray(pixels + noise, np.float32), "ACEScg", 10 + n))
    return frames


class Held(list):
    """Frames as a shot."""

    cuts = ()

    @property
    def numbers(self):
        return [f.number for f in self]

    def __getitem__(self, number):
        return next(f for f in self if f.number == number)


def test_the_camera_s_motion_is_read_between_frames():
    before, frame, after = frames_of((-5, 2), (-5, 2))
    found = movement(before, frame, after)
    assert found.most == pytest.approx((-5, 2), abs=0.3)
    assert found.apart < 0.05
    assert not found.varies
    assert movement(None, before, frame).most == pytest.approx((-5, 2), abs=0.5)


def test_halves_that_move_apart_have_lines_of_their_own():
    found = movement(*frames_of((8, 0), (0, -6)))
    assert found.varies
    assert found.cells.shape == (2, 3, 2)
    assert found.cells[:, 0] == pytest.approx(np.array([[8, 0]] * 2), abs=0.5)
    assert found.cells[:, 2] == pytest.approx(np.array([[0, -6]] * 2), abs=0.5)
    assert found.sure[:, 0].min() > 0.8
    half = found.field((400, 960), 0.5)  # larger, so that the first tile and the last lie in one cell each
    left, right = half.psfs[0], half.psfs[-1]
    assert left.sum(axis=0).max() < 0.3 < left.sum(axis=1).max()  # level
    assert right.sum(axis=1).max() < 0.5 < right.sum(axis=0).max()  # upright


def test_motion_does_not_reach_over_a_cut():
    first, second = frames_of((5, 0), (5, 0), 2), frames_of((0, 4), (0, 4), 2)
    shot = [f.with_(number=n) for n, f in enumerate([*first, *second])]
    held = motion_of_shot(shot, [2], lambda: None)
    assert held["motion"]["1"][:2] == pytest.approx((5, 0), abs=0.4)
    assert held["motion"]["2"][:2] == pytest.approx((0, 4), abs=0.4)


def test_motion_by_cell_comes_back_from_its_document():
    shot = frames_of((8, 0), (0, -6))
    held = motion_of_shot(shot, [], lambda: None)
    found, back = movement(*shot), movement_at(held, 11)
    assert back is not None
    assert back.most == pytest.approx(found.most, abs=1e-3)
    np.testing.assert_allclose(back.cells, found.cells, atol=0.051)
    np.testing.assert_allclose(back.sure, found.sure, atol=0.0051)


def test_a_frame_alone_has_no_motion_and_a_document_without_any_is_refused():
    held = motion_of_shot(frames_of((1, 0), (1, 0), 1), [], lambda: None)
    assert movement_at(held, 10) is None
    assert movement_at(None, 10) is None
    with pytest.raises(UsageError, match=r"no motion of the shot.*analyse the shot again"):
        movement_at({"blur": None}, 10)


def test_a_cell_that_moves_in_no_one_way_and_where_ways_meet_is_left_alone():
    cells = np.zeros((1, 3, 2))
    cells[0, :, 0] = 10, 40, 10
    unsure = Movement((10.0, 0.0), 0.3, cells, np.array([[1.0, 0.2, 1.0]]))
    assert unsure.varies
    assert [psf.size > 1 for psf in unsure.field((160, 480), 1.0).psfs] == [True, False, True]
    meeting = Movement((10.0, 0.0), 0.3, cells, np.ones((1, 3)))
    sizes = [psf.shape[1] > 5 for psf in meeting.field((160, 960), 1.0).psfs]
    assert sizes == [True, False, False, False, False, True]


def test_the_shutter_is_read_from_the_lines_that_explain_the_blur():
    shot = Held(frames_of((16, 0), (16, 0), 3, motion(8, 0)))
    found = shutter_of(shot, [10, 11, 12], Blur("gaussian", 1.5, 0.0, 0.5), lambda: None)
    assert found is not None
    assert found["degrees"] == 180


def test_sharp_frames_that_move_show_no_shutter():
    shot = Held(frames_of((16, 0), (16, 0), 3))
    assert shutter_of(shot, [10, 11, 12], None, lambda: None) is None
