"""Blur measured: kind, size and angle from the spectrum of pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from wetgate.ops.blur_measure import blur_of
from wetgate.ops.blur_shot import blur_of_frames
from wetgate.ops.blur_spectrum import luma_of, spectrum_of
from wetgate.ops.psf import centred, from_picture, from_text, named, to_text

NOISE = 0.003


def natural(size: int = 320, seed: int = 2) -> np.ndarray:
    """A field whose spectrum falls as that of photographs, a = 2.2, around mid-grey."""
    random = np.random.default_rng(seed)
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    radius[0, 0] = 1
    spectrum = np.fft.rfft2(random.standard_normal((size, size))) * radius**-1.1
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (size, size))
    return 0.3 + 0.1 * field / field.std()


def through(light: np.ndarray, transfer) -> np.ndarray:
    """Blurred by a transfer function of (x, y) frequency, not by a kernel; with noise."""
    y, x = np.fft.fftfreq(len(light))[:, None], np.fft.rfftfreq(len(light))[None, :]
    made = np.fft.irfft2(np.fft.rfft2(light) * transfer(x, y), light.shape)
    made = made[:, :, None] + NOISE * np.random.default_rng(5).standard_normal((*light.shape, 3))
    return made.astype(np.float32)


def airless_disc(radius: float):
    from scipy import special

    def transfer(x, y):
        v = np.maximum(2 * np.pi * radius * np.hypot(x, y), 1e-9)
        return 2 * special.j1(v) / v

    return transfer


def measured(rgb: np.ndarray):
    return blur_of_frames([rgb])


@pytest.mark.parametrize("radius", [1.5, 3.0, 5.0])
def test_the_radius_of_a_defocus_is_found_within_a_tenth(radius):
    found = measured(through(natural(), airless_disc(radius)))
    assert found.kind == "defocus"
    assert abs(found.size - radius) <= max(0.1 * radius, 0.2)


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_the_sigma_of_a_softness_is_found_within_a_tenth(sigma):
    found = measured(through(natural(), lambda x, y: np.exp(-2 * (np.pi * sigma) ** 2 * (x * x + y * y))))
    assert found.kind == "gaussian"
    assert abs(found.size - sigma) <= max(0.1 * sigma, 0.2)


@pytest.mark.parametrize(("length", "angle"), [(8.0, 0.0), (14.0, 35.0), (24.0, -60.0)])
def test_length_and_angle_of_a_motion_are_found(length, angle):
    a = np.radians(angle)
    found = measured(through(natural(), lambda x, y: np.sinc(length * (x * np.cos(a) - y * np.sin(a)))))
    assert found.kind == "motion"
    assert abs(found.size - length) <= 0.1 * length
    assert abs((found.angle - angle + 90) % 180 - 90) <= 3


def test_a_sharp_picture_measures_sharp():
    assert measured(through(natural(), lambda x, y: 1.0)).kind == "sharp"


def test_a_flat_or_small_picture_has_no_blur_to_measure():
    flat = 0.3 + NOISE * np.random.default_rng(1).standard_normal((200, 200, 3))
    assert measured(flat.astype(np.float32)) is None
    assert measured(np.full((40, 300, 3), 0.2, np.float32)) is None


def test_frames_of_a_shot_are_measured_together():
    blur = airless_disc(3.0)
    frames = [through(natural(192, seed), blur) for seed in range(3)]
    together = spectrum_of(luma_of(frames[0]), NOISE**2 / 3)
    for frame in frames[1:]:
        together = together.with_more(spectrum_of(luma_of(frame), NOISE**2 / 3))
    assert together.count == 75
    assert abs(blur_of(together).size - 3) < 0.15


def test_a_psf_comes_back_from_its_text():
    psf = named("motion", 9.0, 25.0)
    back = from_text(to_text(psf))
    reach = psf.shape[0] // 2 - back.shape[0] // 2
    inner = psf[reach : psf.shape[0] - reach, reach : psf.shape[1] - reach]
    np.testing.assert_allclose(back, inner, atol=1e-4)  # whole numbers up to 9999 of the brightest


def test_a_psf_of_even_sides_is_centred_on_its_mass():
    psf = centred(np.array([[0.0, 0.0], [0.0, 1.0]]))
    assert psf.shape == (3, 3)
    assert psf[1, 1] == 1


def test_a_picture_of_a_psf_loses_its_dark_rim_and_keeps_its_middle():
    picture = np.zeros((15, 15, 3), np.float32)
    picture[7, 5:10] = 0.5
    psf = from_picture(picture)
    assert psf.shape == (5, 5)
    np.testing.assert_allclose(psf[2], 0.2, rtol=1e-6)


def graphic(size: int = 384) -> np.ndarray:
    """A triangle of colours that pass into one another, on black: few edges, each a pixel wide."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    inside = cv2.fillConvexPoly(np.zeros((size, size), np.uint8), np.array([[40, 30], [350, 250], [70, 360]]), 1)
    return np.where(inside[..., None] > 0, 0.05 + 0.5 * np.stack([x, y, 1 - x], 2), 0.02).astype(np.float32)


def test_a_graphic_is_sharp_though_it_is_smooth_between_its_few_edges():
    assert measured(graphic()).kind == "sharp"


def test_a_graphic_that_was_blurred_is_seen_to_be():
    found = measured(cv2.GaussianBlur(graphic(), (0, 0), 3.0, borderType=cv2.BORDER_REFLECT))
    assert found.kind == "gaussian"
    assert found.size > 1.5


def test_a_blur_of_one_half_is_not_the_whole_pictures():
    """As of a lens that is out of focus at one side: discs up to 4 px, of each size as much."""
    light = natural(384)
    left, middle, right = (through(light, airless_disc(r)) for r in (0.01, 2.0, 4.0))
    across = np.linspace(0, 2, light.shape[1], dtype=np.float32)[None, :, None]
    first, second = np.clip(1 - across, 0, 1), np.clip(across - 1, 0, 1)
    grown = first * left + (1 - first - second) * middle + second * right
    assert measured(middle).even > 0.9
    assert measured(grown).kind == "gaussian"
    assert measured(grown).even < 0.3
