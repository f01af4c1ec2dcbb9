"""The comb of interlaced motion is found in woven pictures and not in those of one moment."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.ops.combing import combing, most_combed

Y, X = np.mgrid[0:180, 0:320].astype(np.float32)


def moment(time: float, noise: float = 0.0) -> np.ndarray:
    """A textured disc that moves 12 pixels a moment over a soft ground."""
    ground = 0.4 + 0.2 * np.sin(X / 17) + 0.1 * np.cos(Y / 9)
    disc = (X - 140 - 12 * time) ** 2 + (Y - 90) ** 2 < 50**2
    made = np.where(disc, 0.8 + 0.1 * np.sin((X - 12 * time) / 3), ground)
    return (made + noise * np.random.default_rng(3).standard_normal(made.shape)).astype(np.float32)


def woven(noise: float = 0.0) -> np.ndarray:
    made = moment(0, noise)
    made[1::2] = moment(1, noise)[1::2]
    return made


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_motion_between_two_fields_is_found(noise: float) -> None:
    assert combing(woven(noise)) > 0.05
    assert combing(np.repeat(woven(noise)[..., None], 3, axis=2)) > 0.05


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_one_moment_has_no_comb_however_noisy(noise: float) -> None:
    assert combing(moment(0, noise)) < 0.01


def test_a_small_thing_that_moves_is_seen_where_the_whole_hardly_is() -> None:
    ground = moment(0)
    both = ground.copy()
    both[61:93:2, 20:60] += 0.4  # of one field
    assert combing(both) < 0.03 < 0.1 < most_combed(both)
    assert most_combed(ground) < 0.01


@pytest.mark.parametrize(
    "picture",
    [
        np.ones((64, 64), np.float32),
        np.random.default_rng(5).standard_normal((64, 64)).astype(np.float32),
        np.repeat(np.random.default_rng(6).random((32, 64), np.float32), 2, axis=0),
        np.zeros((1, 1), np.float32),
        np.ones((7, 5, 4), np.float32),
    ],
    ids=["flat", "noise", "doubled rows", "one pixel", "too small"],
)
def test_what_has_no_motion_has_no_comb(picture: np.ndarray) -> None:
    assert combing(picture) < 0.01
    assert most_combed(picture) < 0.01
