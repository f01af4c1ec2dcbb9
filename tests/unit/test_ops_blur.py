"""PSFs and convolution."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.ops import blur


def picture(height: int = 40, width: int = 52, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(2).random((height, width, channels)).astype(np.float32)


PSFS = {
    "disc": blur.disc(2.7),
    "gaussian": blur.gaussian(1.4),
    "motion": blur.motion(9, 35),
    "arc": blur.motion(15, 100, 0.4),
    "airy": blur.airy(2.2),
}


@pytest.mark.parametrize("name", PSFS)
def test_a_psf_is_odd_sized_non_negative_centred_and_sums_to_one(name):
    psf = PSFS[name].astype(np.float64)
    assert psf.shape[0] % 2 == psf.shape[1] % 2 == 1
    assert (psf >= 0).all()
    assert psf.sum() == pytest.approx(1, abs=1e-6)
    rows, columns = (np.arange(n) - n // 2 for n in psf.shape)
    assert (psf.sum(1) @ rows, psf.sum(0) @ columns) == pytest.approx((0, 0), abs=0.02)  # the arc's mean is sampled


@pytest.mark.parametrize("radius", [0.9, 1.5, 2.25, 4.0, 7.6])
def test_a_disc_has_the_area_of_its_radius(radius):
    # Its middle pixel is covered whole, so its weight is one over the area; 9 subsamples an axis leave 0.5 %.
    psf = blur.disc(radius)
    assert psf.max() == pytest.approx(1 / (np.pi * radius**2), rel=0.005)
    assert blur.disc(radius + 0.05).max() < psf.max()


def test_a_disc_smaller_than_a_pixel_is_the_pixel():
    assert blur.disc(0.3).max() == 1
    assert blur.disc(0.0).shape == (1, 1)


@pytest.mark.parametrize(("sigma", "within"), [(0.6, 0.02), (1.0, 2e-3), (2.4, 2e-3)])
def test_gaussian_taps_have_their_sigma(sigma, within):
    taps = blur.gaussian_taps(sigma).astype(np.float64)
    x = np.arange(len(taps)) - len(taps) // 2
    # Sheppard's correction for the pixel is inexact for a narrow one; the tail beyond 4 sigma is cut.
    assert (taps * x * x).sum() == pytest.approx(sigma**2 + 1 / 12, rel=within)


def test_airy_has_its_first_zero_at_the_radius():
    psf = blur.airy(6.0)
    middle = psf[psf.shape[0] // 2]
    right = middle[len(middle) // 2 :]
    assert right[6] < 0.005 * right[0]  # the zero, averaged over a pixel
    assert right[8] > 3 * right[6]  # the first ring


def test_motion_points_where_it_says():
    psf = blur.motion(15, 90)  # upwards
    assert psf.sum(axis=1).max() < 0.1
    assert psf.sum(axis=0).max() > 0.9
    rising = blur.motion(15, 45)
    ys, xs = np.nonzero(rising > 0.02)
    assert np.corrcoef(xs, ys)[0, 1] < -0.9  # right and up: y falls as x rises


def test_convolution_agrees_with_scipy_and_reflects_by_half_samples():
    ndimage = pytest.importorskip("scipy.ndimage", reason="scipy is a test-only dependency")
    image, psf = picture(), blur.motion(9, 30, 0.3)
    expected = np.stack([ndimage.convolve(image[..., k].astype(float), psf, mode="reflect") for k in range(3)], -1)
    np.testing.assert_allclose(blur.convolve(image, psf), expected, atol=1e-6)
    np.testing.assert_allclose(blur.convolve(image[..., 0], psf), expected[..., 0], atol=1e-6)


def test_a_separable_blur_is_the_two_dimensional_one():
    taps = blur.gaussian_taps(1.3)
    np.testing.assert_allclose(
        blur.convolve_separable(picture(), taps, taps), blur.convolve(picture(), np.outer(taps, taps)), atol=2e-6
    )


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 30)])
def test_a_flat_picture_stays_flat_however_small(size):
    flat = np.full((*size, 3), 0.37, np.float32)
    np.testing.assert_allclose(blur.convolve(flat, blur.disc(6)), flat, rtol=1e-6)


def test_a_sun_of_sixty_thousand_leaves_the_far_shadows_alone():
    image = np.full((120, 120, 3), 0.01, np.float32)
    image[60, 60] = 60000
    out = blur.convolve(image, blur.disc(5))
    # 1e-6: single-precision Fourier convolution leaves 1e-3 here.
    np.testing.assert_allclose(out[:40], 0.01, atol=1e-6)
    assert out[60, 60, 0] > 500
