"""Frames averaged along motion: how much noise is left, and when a neighbour does not count."""

from __future__ import annotations

import numpy as np
import pytest

from support.pictures import scene
from wetgate.ops import motion_average
from wetgate.ops.motion import Motion, luma
from wetgate.ops.motion_average import average_along_motion
from wetgate.spec import Image

SIGMA = 0.05


def _shot(shift: float, count: int = 5) -> tuple[list[Image], list[Image]]:
    clean = [np.asarray(np.clip(scene(128, 96, shift=shift * i), 0, 1), np.float32) for i in range(count)]
    noise = [np.random.default_rng(i).normal(0, SIGMA, c.shape).astype(np.float32) for i, c in enumerate(clean)]
    return [c + n for c, n in zip(clean, noise, strict=True)], clean


def test_five_frames_that_stand_still_leave_a_fifth_of_the_variance() -> None:
    noisy, guides = _shot(0.0)
    made = average_along_motion(noisy, guides, SIGMA, counted=[True] * 5)
    inner = (slice(10, -10), slice(10, -10))
    assert made.variance[inner].mean() == pytest.approx(0.2, abs=0.02)
    left = made.picture[inner] - np.mean([n[inner] for n in noisy], axis=0)
    assert np.abs(left).mean() < 0.1 * SIGMA


def test_frames_that_do_not_count_change_nothing() -> None:
    noisy, guides = _shot(0.0)
    made = average_along_motion(noisy, guides, SIGMA, counted=[False] * 5)
    assert np.array_equal(made.picture, noisy[2])
    assert (made.variance == 1).all()
    assert (made.trust == 0).all()


def test_a_neighbour_that_looks_otherwise_gets_no_weight() -> None:
    noisy, guides = _shot(0.0, count=3)
    strange = np.random.default_rng(9).uniform(0, 1, guides[0].shape).astype(np.float32)
    made = average_along_motion(noisy, [strange, guides[1], strange], SIGMA, counted=[True] * 3)
    assert made.trust.mean() < 0.02
    assert np.abs(made.picture - noisy[1]).mean() < 0.1 * SIGMA


def test_a_thing_of_another_colour_and_the_same_luma_leaves_no_ghost(monkeypatch: pytest.MonkeyPatch) -> None:
    red, blue = np.array([0.6, 0.2, 0.2], np.float32), np.array([0.2, 0.3094, 0.3], np.float32)
    assert luma(red) == pytest.approx(luma(blue), abs=2e-3)
    guides = []
    for i in range(5):
        guides.append(np.zeros((96, 160, 3), np.float32) + blue)
        guides[i][30:60, 10 + 25 * i : 22 + 25 * i] = red
    # The search sees luma alone, where nothing moves: what is carried is trusted.
    still = Motion(np.zeros((96, 160, 2), np.float32), np.ones((96, 160), np.float32))
    monkeypatch.setattr(motion_average, "motions", lambda first, second: (still, still))
    noisy = [g + np.random.default_rng(i).normal(0, SIGMA, g.shape).astype(np.float32) for i, g in enumerate(guides)]
    made = average_along_motion(noisy, guides, SIGMA, counted=[True] * 5)
    for i in (0, 1, 3, 4):
        there = slice(34, 56), slice(14 + 25 * i, 18 + 25 * i)
        assert np.abs(made.picture[there].mean(axis=(0, 1)) - blue).max() < 0.02, i
    assert np.abs(made.picture[34:56, 64:68].mean(axis=(0, 1)) - red).max() < 0.02
    assert made.trust[80:].mean() > 0.99


def test_noise_of_one_channel_does_not_keep_the_neighbours_away() -> None:
    noisy, guides = _shot(0.0, count=3)
    rough = [g + np.array([0, 0, 0.03], np.float32) * np.random.default_rng(i).normal(0, 1, g.shape[:2])[..., None]
             for i, g in enumerate(guides)]  # fmt: skip
    told = np.zeros_like(guides[0]) + np.array([0.01, 0.01, 0.2], np.float32)
    made = average_along_motion(noisy, [np.asarray(g, np.float32) for g in rough], told, counted=[True] * 3)
    assert made.trust[10:-10, 10:-10].mean() > 0.9
