"""Cuts are found between unrelated pictures, and not at flashes, pans, fades or damaged frames."""

from __future__ import annotations

import numpy as np

from wetgate.ops.cuts import find_cuts, signature
from wetgate.spec import Image


def _scene(seed: int, shift: int = 0) -> Image:
    """A structured picture: smooth shapes in colour, moved sideways by ``shift`` pixels."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:108, 0:192].astype(np.float32)
    picture = np.zeros((108, 192, 3), np.float32)
    for _ in range(12):
        cx, cy, size = random.uniform(-40, 232), random.uniform(0, 108), random.uniform(8, 50)
        blob = np.exp(-((x - cx + shift) ** 2 + (y - cy) ** 2) / (2 * size**2))
        picture += blob[..., None] * random.uniform(-0.3, 0.6, 3).astype(np.float32)
    return np.clip(picture + np.float32(random.uniform(0.1, 0.5)), 0, 1)


def _find(pictures: list[Image]) -> tuple[int, ...]:
    return find_cuts(range(1001, 1001 + len(pictures)), [signature(p) for p in pictures])


def test_a_cut_between_two_moving_shots_is_found_where_it_is() -> None:
    pictures = [_scene(1, 3 * t) for t in range(8)] + [_scene(2, -3 * t) for t in range(8)]
    assert _find(pictures) == (1009,)


def test_two_cuts_three_frames_apart_are_both_found() -> None:
    pictures = [_scene(1)] * 6 + [_scene(2)] * 3 + [_scene(3)] * 6
    assert _find(pictures) == (1007, 1010)


def test_a_flash_is_no_cut() -> None:
    pictures = [_scene(4, t) for t in range(12)]
    pictures[6] = np.clip(pictures[6] + 0.6, 0, 1)
    assert _find(pictures) == ()


def test_one_damaged_frame_is_no_cut() -> None:
    pictures = [_scene(4, t) for t in range(12)]
    pictures[6] = _scene(9)
    assert _find(pictures) == ()


def test_a_fast_pan_and_a_fade_to_black_are_no_cuts() -> None:
    assert _find([_scene(5, 14 * t) for t in range(14)]) == ()
    assert _find([_scene(6) * np.float32(1 - t / 11) for t in range(12)]) == ()


def test_short_runs_and_tiny_pictures_work() -> None:
    assert _find([_scene(1)]) == ()
    tiny = np.full((1, 1, 3), 0.5, np.float32)
    assert find_cuts([1, 2], [signature(tiny), signature(tiny)]) == ()
