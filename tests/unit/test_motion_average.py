"""Frames averaged along motion: how much noise is left, and when a neighbour does not count."""

from __future__ import annotations

import numpy as np
import pytest

from support.pictures import scene
from wetgate.ops.motion import luma
from wetgate.ops.motion_average import average_along_motion
from wetgate.spec import Image

SIGMA = 0.05


def _shot(shift: float, count: int = 5) -> tuple[list[Image], list[Image]]:
    clean = [np.asarray(np.clip(scene(128, 96, shift=shift * i), 0, 1), np.float32) for i in range(count)]
    noise = [np.random.default_rng(i).normal(0, SIGMA, c.shape).astype(np.float32) for i, c in enumerate(clean)]
    return [c + n for c, n in zip(clean, noise, strict=True)], [luma(c) for c in clean]


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
