"""A blur of any shape, found in the picture alone."""

from __future__ import annotations

import numpy as np

from wetgate.ops.blur import Kernel, convolve
from wetgate.ops.blur_blind import alike, blind_psf, laid_over, mean_of, near_to
from wetgate.ops.blur_edges import centred
from wetgate.ops.blur_measure import explaining
from wetgate.ops.blur_shape import CONFIDENT, found_free
from wetgate.ops.blur_shot import free_of_frames
from wetgate.ops.blur_spectrum import spectrum_of
from wetgate.ops.psf import from_text

HOOK = np.zeros((11, 11), np.float32)  # down and then to the right, as a hand shakes
HOOK[1:8, 3] = 1.0
HOOK[7, 3:10] = 1.5
HOOK /= HOOK.sum()
FOUND = {"sharp": False, "psf": "0 1 0/1 4 1/0 1 0", "agreement": 0.9}


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


def test_the_path_of_a_shaken_camera_is_found_and_undone() -> None:
    frame = shot(convolve(shapes(), HOOK))
    found = free_of_frames([frame])
    assert found is not None
    assert found["agreement"] > CONFIDENT
    shape = found_free({"free": found}, frame, lambda: None)
    assert shape.words["from"] == "measured in the shot"
    side = shape.psf.shape[1]
    assert alike(shape.psf, centred(HOOK)) > 0.95
    assert abs(np.average(np.arange(side), weights=shape.psf.sum(axis=0)) - side // 2) <= 0.5
    spectrum = spectrum_of(frame.mean(axis=2), 0.005**2 / 3)
    worth = None if spectrum is None else explaining(spectrum)
    assert worth is not None
    parts = [from_text(text) for text in found["parts"]]
    assert len(parts) == 2
    assert worth(shape.psf) > max(worth(part) for part in parts)


def test_a_part_that_has_strayed_does_not_count_as_doubt() -> None:
    like, strayed = laid_over(HOOK, HOOK), np.asarray(np.rot90(HOOK, 2), np.float32)
    assert alike(HOOK, strayed) < 0.85
    (near,) = near_to(HOOK, [strayed, like])
    assert alike(near, HOOK) > 0.99
    assert len(near_to(HOOK, [strayed])) == 1  # all there is
    one = found_free(
        {"free": FOUND | {"parts": ["0 1 0/1 3 1/0 1 0"]}}, np.zeros((64, 64, 3), np.float32), lambda: None
    )
    ((part, psf),) = one.others
    assert np.array_equal(psf, one.psf)
    assert not np.array_equal(part, psf)


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


def test_a_picture_too_small_to_be_asked_twice_has_no_psf() -> None:
    assert blind_psf([np.ones((80, 200), np.float32)], lambda psf: 0.0) is None


def test_a_psf_is_laid_over_another_by_parts_of_a_pixel() -> None:
    first = centred(np.pad(HOOK, 10))
    other = 0.75 * np.roll(first, 2, 1) + 0.25 * np.roll(first, 3, 1)
    placed = laid_over(first, np.asarray(other, np.float32))
    middles = [float(psf.sum(axis=0) @ np.arange(31)) for psf in (first, placed)]
    assert abs(middles[0] - middles[1]) < 0.15
    assert alike(first, placed) > 0.95


def test_of_candidates_those_that_explain_the_light_make_the_mean_and_the_others_do_not() -> None:
    truth = centred(np.pad(HOOK, 10))
    random = np.random.default_rng(2)

    def rough() -> Kernel:
        grown = truth * random.uniform(0.2, 1.8, truth.shape).astype(np.float32)
        return np.asarray(grown / grown.sum(), np.float32)

    good = [rough() for _ in range(4)]
    wrong = np.ascontiguousarray(np.rot90(truth))
    made = mean_of([*good, wrong], lambda psf: alike(psf, truth))
    assert alike(made, truth) > max(alike(psf, truth) for psf in good)
    assert alike(made, mean_of(good, lambda psf: alike(psf, truth))) > 0.999


def test_where_the_parts_of_a_picture_differ_in_its_psf_a_frame_is_trusted_less() -> None:
    shape = found_free(
        {"free": FOUND | {"parts": ["0 1 0/1 4 1/0 1 0", "0 0 0/1 4 1/0 0 0"]}}, shot(shapes()), lambda: None
    )
    ((one, other),) = shape.others
    assert one.shape == other.shape == (3, 3)
    assert not np.array_equal(one, other)
    assert found_free({"free": FOUND}, shot(shapes()), lambda: None).others == ()
