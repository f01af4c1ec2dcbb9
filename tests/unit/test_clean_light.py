"""A denoiser on linear light: what it is shown, and how it is laid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wetgate.inference import clean_light, exposures, network, turning
from wetgate.inference.encodings import Vst
from wetgate.spec import Image


def _scene(size: int = 96) -> Image:
    y, x = np.mgrid[:size, :size] / size
    stripes = np.where((x * 8).astype(int) % 2 == 0, 0.02, 0.3) * (0.3 + y)
    return np.repeat(stripes[..., None], 3, axis=2).astype(np.float32)


def _noisy(truth: Image, deviation: float, seed: int = 1) -> Image:
    white = np.random.default_rng(seed).standard_normal(truth.shape)
    return (truth + deviation * white).astype(np.float32)


def test_each_way_to_lay_a_picture_is_undone() -> None:
    picture = _noisy(_scene()[:, :64], 0.01)
    laid = [turning.laid(picture, turn) for turn in range(turning.TURNS)]
    assert len({p.tobytes() for p in laid}) == turning.TURNS
    for turn, p in enumerate(laid):
        assert np.array_equal(turning.laid_back(p, turn), picture)


def test_noise_is_told_in_the_values_that_are_shown() -> None:
    flat, deviation = np.full((128, 128, 3), 0.2, np.float32), 0.01
    noisy = _noisy(flat, deviation)
    encoding, told = exposures._rooted(noisy, np.full_like(noisy, deviation), 1.0)
    assert float(np.std(encoding.encode(noisy))) == pytest.approx(float(told.mean()), rel=0.02)


@pytest.mark.parametrize("turn", [0, 5])
def test_shadows_are_cleaned_better_by_the_root_than_in_linear_light(turn: int) -> None:
    truth, deviation = _scene(), 0.01
    noisy, net = _noisy(truth, deviation), network("denoise", "fast", device="cpu")
    level = np.full_like(noisy, deviation)
    straight = net.restore(
        [noisy], maps={"noise": level, "coarseness": 0.0}, encoding=Vst((0.0,) * 3, (1.0,) * 3)
    ).picture
    made = clean_light(net, noisy, level, 1.0, turn=turn)
    dark = truth < 0.1

    def off(x: Any) -> float:
        return float(np.sqrt(np.mean(np.square(x - truth)[dark])))

    assert off(made) < 0.85 * off(straight)
