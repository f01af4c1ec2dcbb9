"""PSNR, SSIM, MS-SSIM and PSNR-B against other people's code and values worked by hand."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from wetgate.ops.metrics import (
    blocking_effect,
    ms_ssim,
    psnr,
    psnr_b,
    ssim,
    ssim_map,
    structural_artefact,
)
from wetgate.spec import UsageError


def picture(height: int = 96, width: int = 128, channels: int = 3, seed: int = 1) -> np.ndarray:
    """Smooth structure plus texture, 0 to 1: has edges, flats and detail, as the measures expect."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 16.0
    base = 0.5 + 0.25 * np.sin(x[..., None] * (1 + np.arange(channels) / 5)) * np.cos(y[..., None])
    return np.clip(base + 0.03 * rng.standard_normal((height, width, channels)), 0, 1).astype(np.float32)


def noisy(clean: np.ndarray, sigma: float = 0.05) -> np.ndarray:
    return (clean + sigma * np.random.default_rng(7).standard_normal(clean.shape)).astype(np.float32)


def blocky(clean: np.ndarray, block: int = 8) -> np.ndarray:
    """Each block replaced by its mean: the coarsest codec there is."""
    h, w, c = clean.shape
    means = clean.reshape(h // block, block, w // block, block, c).mean(axis=(1, 3))
    return np.repeat(np.repeat(means, block, 0), block, 1)


def test_psnr_of_a_known_error_is_the_value_worked_by_hand() -> None:
    a = np.zeros((4, 4, 3), np.float32)
    b = np.full((4, 4, 3), 0.1, np.float32)
    assert psnr(a, b) == pytest.approx(20.0, abs=1e-5)  # float32 0.1
    assert psnr(a, b * 255, peak=255.0) == pytest.approx(20.0, abs=1e-5)
    assert psnr(a, a) == math.inf


def test_psnr_and_ssim_agree_with_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is the second opinion")
    a, b = picture(), noisy(picture())
    assert psnr(a, b) == pytest.approx(metrics.peak_signal_noise_ratio(a, b, data_range=1.0), abs=1e-6)
    theirs = metrics.structural_similarity(
        a.astype(float),
        b.astype(float),
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(a, b) == pytest.approx(theirs, abs=1e-9)  # the same formula in double precision
    assert float(ssim_map(a, b).mean()) == pytest.approx(theirs, abs=1e-6)


def test_ms_ssim_agrees_with_piq() -> None:
    pytest.importorskip("torch", reason="piq needs torch")
    piq = pytest.importorskip("piq", reason="piq is the second opinion")
    import torch

    a, b = picture(192, 240), noisy(picture(192, 240), 0.1)
    stack = [torch.from_numpy(p.clip(0, 1)).permute(2, 0, 1)[None] for p in (a, b)]
    theirs = float(piq.multi_scale_ssim(*stack, data_range=1.0))
    assert ms_ssim(a, b.clip(0, 1)) == pytest.approx(theirs, abs=2e-4)  # piq works in single precision
    assert ms_ssim(a, a) == pytest.approx(1.0, abs=1e-12)


def test_psnr_b_equals_psnr_without_blocking_and_falls_with_it() -> None:
    clean = picture(128, 128, 1)[..., 0]
    soft = clean * 0.9 + 0.05
    assert blocking_effect(np.full((64, 64), 0.3, np.float32)) == 0.0
    blocked = blocky(picture(128, 128, 1))[..., 0]
    assert psnr_b(clean, blocked) < psnr(clean, blocked) - 0.5
    assert psnr_b(clean, soft) == pytest.approx(psnr(clean, soft), abs=0.05)  # texture's chance steps on the grid


def test_blocking_effect_factor_is_the_value_worked_by_hand() -> None:
    # 16x16, left half 0, right half 0.2: the one vertical boundary steps by 0.2, the horizontal one by 0.
    # Boundaries: 16 + 16 pairs, 16 of them 0.04: D_B = 0.02; elsewhere 0; eta = log2 8 / log2 16 = 3/4.
    plane = np.zeros((16, 16), np.float32)
    plane[:, 8:] = 0.2
    assert blocking_effect(plane) == pytest.approx(0.015, rel=1e-6)
    # With the grid moved by 4 the same step lies inside a block: no blocking at all.
    assert blocking_effect(plane, phase=(4, 4)) == 0.0


def test_structural_artefact_sees_the_grid_in_the_error_only() -> None:
    clean = picture(128, 128)
    clean[:, 64:] += 0.3  # an edge of the scene on the grid
    assert structural_artefact(clean, clean) == 0.0
    assert structural_artefact(clean, noisy(clean)) < 2e-4  # noise of variance 0.0025 steps equally everywhere
    assert structural_artefact(clean, blocky(clean)) > 1e-3
    assert structural_artefact(clean, blocky(clean), phase=(4, 4)) == 0.0


def test_pictures_of_different_size_are_refused_by_every_measure() -> None:
    for measure in (psnr, ssim, ms_ssim, psnr_b, structural_artefact):
        with pytest.raises(UsageError, match=r"128x96 .* 64x96"):
            measure(picture(), picture(96, 64))


def test_measures_that_need_a_window_refuse_pictures_that_do_not_hold_one() -> None:
    with pytest.raises(UsageError, match="11 pixels"):
        ssim(picture(10, 40), picture(10, 40))
    with pytest.raises(UsageError, match="176 pixels"):
        ms_ssim(picture(175, 200), picture(175, 200))
    assert ms_ssim(picture(176, 200), picture(176, 200)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("quality", "published"),
    # JPEG's row on Classic5: Dong et al., "Compression artifacts reduction by a deep convolutional network", ICCV 2015.
    [(10, (27.82, 0.7595, 25.21)), (20, (30.12, 0.8344, 27.50)), (40, (32.43, 0.8849, 29.92))],
)
def test_jpeg_of_the_classic5_pictures_scores_what_was_published(
    real_data: Path, quality: int, published: tuple[float, float, float]
) -> None:
    found = []
    for path in sorted((real_data / "test" / "Classic5").iterdir()):
        clean = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        coded = cv2.imencode(".jpg", clean, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        pair = [p.astype(np.float32) for p in (clean, cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))]
        found.append((psnr(*pair, peak=255), ssim(*pair, peak=255), psnr_b(*pair, peak=255)))
    mean = np.mean(found, axis=0)
    assert mean[0] == pytest.approx(published[0], abs=0.006)  # printed with two digits
    assert mean[1] == pytest.approx(published[1], abs=0.0002)
    assert mean[2] == pytest.approx(published[2], abs=0.006)
