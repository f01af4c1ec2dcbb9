"""The verdict on noise: told right where it is plain, with its evidence, and as JSON and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import wetgate.damage as damage
from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.ops.noise_measure import measure_noise
from wetgate.ops.noise_traces import empty_share, mosaic_phase
from wetgate.ops.noise_verdict import EVIDENCE, Verdict, judge
from wetgate.ops.random import Stream
from wetgate.spec import DENSITY, SCENE, Frame, Image


def _light(size: int = 256) -> Image:
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    grey = 0.02 + 0.7 * x**2 + 0.1 * (np.floor(y * 5) % 2) * x
    return np.stack([grey, 0.9 * grey, 0.7 * grey], axis=2).astype(np.float32)


def _judged(shot: list[Image]) -> Verdict:
    measured = measure_noise(shot)
    assert measured is not None
    return judge(measured, shot)


def _film() -> list[Image]:
    density = np.asarray(density_from_linear(_light()), np.float32)
    model = damage.get("grain").make({"gauge": "16", "rms": 12.0, "size_um": 8.0})
    frames = [Frame(density, DENSITY, number=n) for n in range(2)]
    return [np.asarray(linear_from_density(model.apply(f, Stream.of(1, "g")).frame.rgb), np.float32) for f in frames]


def _camera() -> list[Image]:
    shot = []
    for number in range(2):
        frame = Frame(_light(), SCENE, number=number)
        for name, params in (("sensor", {"full_well": 900.0}), ("mosaic", {"method": "malvar"})):
            frame = damage.get(name).make(params).apply(frame, Stream.of(2, name)).frame
        shot.append(frame.rgb)
    return shot


@pytest.mark.parametrize(("make", "origin"), [(_film, "grain"), (_camera, "electronic")])
def test_grain_and_a_cameras_noise_are_told_apart(make, origin) -> None:
    verdict = _judged(make())
    assert verdict.origin == origin
    assert verdict.confidence > 0.8
    assert set(verdict.evidence) == set(EVIDENCE)
    assert len(verdict.reasons) == 3


def test_frames_with_next_to_no_noise_of_their_own_are_clean() -> None:
    random = np.random.default_rng(0)
    shot = [(_light() + random.normal(0, 1e-4, (256, 256, 3))).astype(np.float32) for _ in range(2)]
    assert _judged(shot).origin == "clean"


def test_a_verdict_is_json_and_comes_back() -> None:
    verdict = _judged(_camera())
    again = Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False)))
    assert again.to_json() == verdict.to_json()


def test_a_mosaic_leaves_its_phase_and_plain_noise_has_none() -> None:
    assert mosaic_phase(_camera()[0]).max() > 0.2
    plain = np.random.default_rng(1).normal(0.5, 0.05, (256, 256, 3)).astype(np.float32)
    assert mosaic_phase(plain).max() < 0.15


def test_blocks_without_fine_energy_are_counted() -> None:
    noisy = np.random.default_rng(1).normal(0.5, 0.05, (256, 256, 3)).astype(np.float32)
    assert empty_share(noisy) == 0
    noisy[:64] = 0.5
    assert abs(empty_share(noisy) - 0.25) < 0.05
