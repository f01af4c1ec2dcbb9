"""Fine detail that cleaning took is given back as far as its energy asks for."""

from __future__ import annotations

import cv2
import numpy as np

from wetgate.ops.detail_hold import with_detail, with_own_detail


def fine(plane: np.ndarray) -> np.ndarray:
    return plane - cv2.GaussianBlur(plane, (0, 0), 1.5)


def textured() -> np.ndarray:
    return np.random.default_rng(4).normal(0.5, 0.05, (64, 96)).astype(np.float32)


def coarse(plane: np.ndarray) -> np.ndarray:
    """Steps of a coarse quantiser all over."""
    return np.full(plane.shape, 40 / 255, np.float32)


def test_less_is_asked_for_where_the_quantiser_is_fine_and_all_where_nobody_knows_it():
    given = textured()
    made = cv2.GaussianBlur(given, (0, 0), 0.8)
    energy = [
        float(np.square(fine(with_detail(made, given, 0.9, np.full_like(given, codes / 255)))).mean())
        for codes in (2.0, 6.5, 8.0, 10.0, 40.0, -255.0)
    ]
    assert energy[0] == energy[1] < energy[2] < energy[3] == energy[4] == energy[5]
    steps = coarse(given)
    steps[:, 48:] = 4 / 255  # one part of the picture was coded finely
    mixed = with_detail(made, given, 0.9, steps)
    assert np.allclose(mixed[:, :40], with_detail(made, given, 0.9, coarse(given))[:, :40], atol=1e-6)


def test_detail_comes_back_to_the_share_that_is_asked_for():
    given = textured()
    made = cv2.GaussianBlur(given, (0, 0), 0.8)
    before = np.square(fine(made)).mean() / np.square(fine(given)).mean()
    assert before < 0.3
    for share in (0.6, 0.9):
        held = np.square(fine(with_detail(made, given, share, coarse(given)))).mean() / np.square(fine(given)).mean()
        # Energies are means over a neighbourhood, so single places differ; borders of blocks get less.
        assert share - 0.13 < held < share + 0.02


def test_what_has_its_detail_is_left_alone_and_so_is_all_at_share_0():
    given = textured()
    sharper = given + np.float32(0.2) * fine(given)
    assert np.array_equal(with_detail(sharper, given, 1.0, coarse(given)), sharper)
    blurred = cv2.GaussianBlur(given, (0, 0), 0.8)
    assert with_detail(blurred, given, 0.0, coarse(given)) is blurred


def test_nothing_goes_beyond_the_picture_as_it_was():
    given = textured()
    made = np.full_like(given, given.mean())
    held = with_detail(made, given, 1.0, coarse(given))
    assert np.abs(held - made).max() <= np.abs(given - made).max() + 1e-6


def test_odd_and_tiny_sizes_are_worked():
    for shape in ((1, 1), (3, 5), (7, 2)):
        plane = np.random.default_rng(1).random(shape, np.float32)
        assert with_detail(plane * np.float32(0.5), plane, 0.95, coarse(plane)).shape == shape


def test_a_means_own_detail_is_raised_to_the_share_and_nothing_else_is_put_back():
    """Three results with one texture in common and noise of their own: the noise must not come back with it."""
    texture = fine(textured())
    noise = [np.random.default_rng(n).normal(0, 0.03, texture.shape).astype(np.float32) for n in range(3)]
    mean = np.asarray(0.5 + 0.7 * texture + np.mean(noise, axis=0), np.float32)
    given = np.asarray(0.5 + 0.7 * texture + noise[0], np.float32)
    own = with_own_detail(mean, given, 1.0, coarse(given))
    full = with_detail(mean, given, 1.0, coarse(given))
    energy = [float(np.square(fine(p)).mean()) for p in (mean, own, given)]
    assert energy[0] < energy[1] <= 1.05 * energy[2]
    like = [np.corrcoef(fine(p).ravel(), noise[0].ravel())[0, 1] for p in (own, full, given)]
    assert like[0] < like[1] < like[2]
    assert np.array_equal(with_own_detail(mean, given, 0.0, coarse(given)), mean)
