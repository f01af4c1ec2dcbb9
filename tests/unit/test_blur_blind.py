"""A blur of any shape, found in the picture alone."""

from __future__ import annotations

import numpy as np

from wetgate.ops.blur import convolve
from wetgate.ops.blur_blind import alike, blind_psf
from wetgate.ops.blur_shape import CONFIDENT, found_free
from wetgate.ops.blur_shot import free_of_frames

HOOK = np.zeros((11, 11), np.float32)  # down and then to the right, as a hand shakes
HOOK[1:8, 3] = 1.0
HOOK[7, 3:10] = 1.5
HOOK /= HOOK.sum()


def shapes(height: int = 224, width: int = 448) -> np.ndarray:
    """Rectangles and discs of every height laid over each other, as things stand before things."""
    random = np.random.default_rng(3)
    light = np.full((height, width), 0.3, np.float32)
    yy, xx = np.mgrid[:height, :width]
    for _ in range(160):
        y, x, a, b = random.integers(height), random.integers(width), *random.integers(6, 32, 2)
        near = np.hypot(yy - y, xx - x) < a / 2 if random.random() < 0.4 else (abs(yy - y) < a) & (abs(xx - x) < b)
        light[near] = random.random()
    return light


def shot(light: np.ndarray, noise: float = 0.005) -> np.ndarray:
    drawn = np.random.default_rng(1).standard_normal((*light.shape, 3))
    return (light[..., None] + noise * drawn).astype(np.float32)


def test_the_path_of_a_shaken_camera_is_found() -> None:
    found = blind_psf([shot(convolve(shapes(), HOOK)).mean(axis=2)])
    assert found is not None
    assert found.agreement > CONFIDENT
    assert alike(found.psf, np.pad(HOOK, 10)) > 0.8
    middle = np.average(np.arange(31), weights=found.psf.sum(axis=0))
    assert abs(middle - 15) <= 0.5


def test_halves_that_were_blurred_differently_have_no_psf_and_nothing_is_done() -> None:
    light = shapes()
    halves = convolve(light, HOOK)
    halves[:, 224:] = convolve(light, np.rot90(HOOK))[:, 224:]
    shape = found_free(None, shot(halves), lambda: None)
    assert shape.psf.size == 1
    assert "do not agree" in shape.words["from"]


def test_a_sharp_picture_is_told_sharp_whatever_psf_its_parts_agree_on() -> None:
    shape = found_free(None, shot(shapes()), lambda: None)
    assert shape.psf.size == 1
    assert shape.words["from"].endswith("sharp")


def test_a_free_psf_is_undone_and_what_it_blurs_is_found_again_from_the_shot() -> None:
    frame = shot(convolve(shapes(), HOOK))
    found = free_of_frames([frame])
    assert found is not None
    shape = found_free({"free": found}, frame, lambda: None)
    assert shape.psf.size > 1
    assert shape.words["from"] == "measured in the shot"


def test_a_picture_too_small_to_be_asked_twice_has_no_psf() -> None:
    assert blind_psf([np.ones((80, 200), np.float32)]) is None
