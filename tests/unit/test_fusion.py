"""The maths of fusing results along motion: what is averaged, what stays, what no thread changes."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from support.pictures import scene
from wetgate.ops.fusion import Fuses, Part, fuse
from wetgate.ops.motion import Motion, carried, luma, motions
from wetgate.spec import Image

INNER = (slice(10, -10), slice(10, -10))


def _noise(seed: int, sigma: float, like: Image) -> Image:
    return np.random.default_rng(seed).normal(0, sigma, like.shape).astype(np.float32)


def _clean(i: float) -> Image:
    return np.asarray(np.clip(scene(128, 96, shift=2.0 * i), 0, 1), np.float32)


def _parts(make: Callable[[int, Image], tuple[Image, Image]], count: int = 5) -> list[Part]:
    """Frames of a moving scene; ``make`` gives what a node was given and what it made of a frame of it."""
    pairs = [make(i, _clean(i)) for i in range(count)]
    return [Part(given, made, made) for given, made in pairs]


def _fused(parts: list[Part], fuses: Fuses, amount: float = 1.0) -> Image:
    middle = len(parts) // 2
    ways = [(p, motions(luma(parts[middle].encoded), luma(p.encoded))[0]) for i, p in enumerate(parts) if i != middle]
    return fuse(parts[middle], ways, fuses=fuses, amount=amount).picture


def _error(a: Image, b: Image) -> float:
    return float(np.square(a[INNER] - b[INNER]).mean())


def test_a_denoiser_s_results_are_fused_and_its_changes_would_bring_the_noise_back() -> None:
    def cleaned(i: int, clean: Image) -> tuple[Image, Image]:
        return clean + _noise(i, 0.05, clean), clean + _noise(10 + i, 0.01, clean)

    parts = _parts(cleaned)
    alone = _error(parts[2].made, _clean(2))
    assert _error(_fused(parts, "result"), _clean(2)) < 0.5 * alone
    assert _error(_fused(parts, "change"), _clean(2)) > 3 * alone


def test_of_a_node_that_adds_the_picture_s_own_grain_stays_whole() -> None:
    def lifted(i: int, clean: Image) -> tuple[Image, Image]:
        grainy = clean + _noise(i, 0.02, clean)
        return grainy, grainy + np.float32(0.1) + _noise(10 + i, 0.01, clean)

    parts = _parts(lifted)
    left = _fused(parts, "change") - parts[2].given - np.float32(0.1)
    assert float(np.square(left[INNER]).mean()) < 0.5 * 0.01**2


def test_half_of_the_amount_fuses_less_and_none_nothing() -> None:
    parts = _parts(lambda i, clean: (clean, clean + _noise(i, 0.02, clean)))
    errors = [_error(_fused(parts, "change", amount), _clean(2)) for amount in (0.0, 0.3, 1.0)]
    assert errors[0] > 1.3 * errors[1] > 1.3 * errors[2]
    assert np.array_equal(_fused(parts, "change", 0.0), parts[2].made)


def test_a_thing_of_another_colour_and_the_same_luma_leaves_no_ghost() -> None:
    red, blue = np.array([0.6, 0.2, 0.2], np.float32), np.array([0.2, 0.3094, 0.3], np.float32)
    assert luma(red) == pytest.approx(luma(blue), abs=2e-3)

    def jumping(i: int, clean: Image) -> tuple[Image, Image]:
        given = np.full_like(clean, 0.0) + blue
        given[30:60, 10 + 25 * i : 22 + 25 * i] = red
        return given, given + _noise(i, 0.004, clean)

    parts = _parts(jumping)
    height, width = parts[2].made.shape[:2]
    still = Motion(np.zeros((height, width, 2), np.float32), np.ones((height, width), np.float32))
    made = fuse(parts[2], [(part, still) for i, part in enumerate(parts) if i != 2]).picture
    for i in (0, 1, 3, 4):
        assert np.abs(made[32:58, 12 + 25 * i : 20 + 25 * i] - blue).mean() < 0.006, i
    assert np.abs(made[32:58, 62:70] - red).mean() < 0.006


def test_a_picture_that_is_larger_than_what_the_node_was_given_is_fused_at_its_size() -> None:
    def doubled(i: int, clean: Image) -> tuple[Image, Image]:
        return cv2.resize(clean, (64, 48), interpolation=cv2.INTER_AREA), clean + _noise(i, 0.01, clean)

    for fuses in ("result", "change"):
        parts = _parts(doubled)
        made = _fused(parts, fuses)
        assert made.shape == parts[2].made.shape
        assert _error(made, _clean(2)) < 0.7 * _error(parts[2].made, _clean(2))


def test_threads_change_no_bit() -> None:
    parts = _parts(lambda i, clean: (clean + _noise(i, 0.05, clean), clean + _noise(10 + i, 0.01, clean)))
    before = cv2.getNumThreads()
    try:
        made = []
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            made.append(_fused(parts, "result"))
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])


def test_motion_goes_there_and_back_and_is_not_trusted_where_the_picture_is_new() -> None:
    first, second = luma(_clean(0)), luma(_clean(2))
    there, back = motions(first, second)
    trusted = there.trust > 0.9
    assert np.abs(there.flow[trusted] - [4.0, 0.0]).mean() < 0.5
    assert np.abs(back.flow[back.trust > 0.9] - [-4.0, 0.0]).mean() < 0.5
    assert there.trust[:, -3:].max() < 0.1  # carried out of the picture


def test_a_flow_at_half_size_is_brought_to_the_picture_s() -> None:
    small = Motion(np.full((10, 12, 2), 1.5, np.float32), np.ones((10, 12), np.float32))
    whole = small.at(20, 24)
    assert whole.trust.shape == (20, 24)
    assert np.allclose(whole.flow, 3.0)
    ramp = np.tile(np.arange(24, dtype=np.float32), (20, 1))
    assert carried(ramp, whole.flow)[10, 10] == pytest.approx(13.0, abs=1e-4)
