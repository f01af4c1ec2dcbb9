"""Grain is new in every frame, texture is not: what the analysis of a shot takes for grain."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

import wetgate.nodes.grain  # noqa: F401  declares the node
from wetgate.ops.grain_analysis import combine
from wetgate.ops.grain_patches import measure_frame
from wetgate.spec import DENSITY, Context, Frame, Image, registry
from wetgate.spec.window import Shot

GRAIN = 0.03


def _grain(seed: int, height: int = 320, width: int = 384) -> Image:
    return np.random.default_rng(seed).normal(0, GRAIN, (height, width, 3)).astype(np.float32)


def _texture(x: int) -> Image:
    """Even, fine texture over the whole picture, as strong as the grain, seen from ``x`` pixels further."""
    sheet = np.random.default_rng(99).normal(0, GRAIN, (320, 500, 1)).astype(np.float32)
    return np.asarray(0.6 + sheet[:, x : x + 384] + np.zeros(3, np.float32), np.float32)


def test_texture_that_moves_with_the_camera_is_declined():
    here, there = _texture(0) + _grain(1), _texture(7) + _grain(2)
    assert combine([measure_frame(here)], 0.0) is not None  # one picture cannot tell
    found = measure_frame(here, [there])
    assert len(found) == 0
    assert found.texture is not None
    assert found.texture > 50


def test_grain_is_measured_where_there_is_no_texture_under_it():
    frames = [_grain(n) + np.float32(0.6) for n in (1, 2)]
    for frame in frames:
        frame[:, 128:] += _texture(0)[:, 128:] - np.float32(0.6)
    found = combine([measure_frame(frames[0], [frames[1]])], 0.0)
    assert found is not None
    assert np.abs(found.deviation_at(np.array([0.6]))[:, 0] / GRAIN - 1).max() < 0.05


def test_grain_alone_is_all_kept():
    plain = np.float32(0.6)
    found = measure_frame(plain + _grain(1), [plain + _grain(2)])
    assert found.texture == 0
    assert len(found) == len(measure_frame(plain + _grain(1)))


def test_a_frame_that_is_shown_twice_tells_nothing():
    here = np.float32(0.6) + _grain(1)
    assert measure_frame(here, [here, here]).texture is None
    assert measure_frame(here, [here, np.float32(0.6) + _grain(2)]).texture == 0


def test_texture_before_a_camera_that_stands_still_is_declined():
    frames = [_texture(0) + np.float32(0.1) * _grain(n) for n in range(4)]
    assert measure_frame(frames[0], frames[1:2]).texture is None  # it may be one frame, shown twice
    found = measure_frame(frames[0], frames[1:])
    assert len(found) == 0
    assert found.texture is not None
    assert found.texture > 50


def test_what_is_left_of_a_shot_of_texture_is_texture_that_was_lost_from_sight():
    """One frame of six is followed by another scene: by itself it seems to have grain."""
    frames = [_texture(3 * n) + _grain(n) for n in range(6)]
    lost = measure_frame(frames[0], [np.float32(0.6) + _grain(9)])
    seen = [measure_frame(a, [b]) for a, b in itertools.pairwise(frames)]
    assert combine([lost], 0.0) is not None
    assert combine([lost, *seen, *seen], 0.0) is None


@dataclass
class _Frames:
    frames: list[Frame]
    cuts: tuple[int, ...] = ()

    @property
    def numbers(self) -> list[int]:
        return [f.number for f in self.frames]

    def __iter__(self):
        return iter(self.frames)

    def __getitem__(self, number: int) -> Frame:
        return next(f for f in self.frames if f.number == number)

    def __len__(self) -> int:
        return len(self.frames)

    def params(self, number: int):
        return registry.get("grain").make({})


def test_the_analysis_says_how_many_patches_it_left_out_and_looks_across_no_cut():
    node = registry.get("grain").make({})
    pictures = [_texture(3 * n) + _grain(n) for n in range(4)]
    shot: Shot = _Frames([Frame(p, DENSITY, number=n) for n, p in enumerate(pictures, 1)])
    told = node.analyze(shot, Context())
    assert told["patches"] == 0
    assert told["texture"] > 100
    apart: Shot = _Frames([Frame(p, DENSITY, number=n) for n, p in enumerate(pictures[:2], 1)], cuts=(2,))
    assert "texture" not in node.analyze(apart, Context())
