"""Full-reference measures of one picture against another: PSNR, SSIM, MS-SSIM and PSNR-B.

Every function takes the reference first. Pictures are (H, W) or (H, W, C) floats in an encoding that the caller
chooses and states: these measures mean something on display-encoded values (code values of sRGB, BT.1886 or PQ), where
equal steps look about equal, and little on scene-linear light. ``peak`` is the encoding's full scale, 1.0 by default.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image, UsageError

Plane64 = NDArray[np.float64]

# Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity",
# IEEE Trans. Image Processing 13(4), 2004, section III-B: an 11x11 circular Gaussian of sigma 1.5; K1, K2.
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1 = 0.01
SSIM_K2 = 0.03
# Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality assessment", Asilomar 2003, section 3.2.
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# The smallest side whose fifth scale still holds one SSIM window.
MS_SSIM_SMALLEST = SSIM_WINDOW * 2 ** (len(MS_SSIM_WEIGHTS) - 1)


def mse(reference: Image | Plane64, test: Image | Plane64) -> float:
    """Mean squared error over all samples."""
    demand_alike(reference, test)
    return float(np.mean(np.square(np.asarray(reference, np.float64) - np.asarray(test, np.float64))))


def psnr(reference: Image, test: Image, *, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio in dB, 10 log10(peak^2 / MSE), the MSE over all channels; inf for equal pictures."""
    return _decibels(mse(reference, test), peak)


def ssim(reference: Image, test: Image, *, peak: float = 1.0) -> float:
    """Structural similarity, -1 to 1 (Wang et al. 2004), the mean over channels and over every whole window.

    Raises :class:`UsageError` for pictures that do not hold one 11x11 window.
    """
    _demand_size(reference, test, SSIM_WINDOW, "SSIM")
    return float(np.mean([np.mean(_similarity(a, b, peak)[0]) for a, b in _planes(reference, test)]))


def ssim_map(reference: Image, test: Image, *, peak: float = 1.0) -> Image:
    """SSIM of every whole window, the mean over channels: (H - 10, W - 10) float32."""
    _demand_size(reference, test, SSIM_WINDOW, "SSIM")
    return np.asarray(np.mean([_similarity(a, b, peak)[0] for a, b in _planes(reference, test)], axis=0), np.float32)


def ms_ssim(reference: Image, test: Image, *, peak: float = 1.0) -> float:
    """Multi-scale SSIM, 0 to 1 (Wang et al. 2003, eq. 7): five scales by 2x2 means, the mean over channels.

    A negative contrast-structure mean has no real power and counts as 0. Raises :class:`UsageError` where a side is
    under 176 pixels, for which the fifth scale holds no window.
    """
    _demand_size(reference, test, MS_SSIM_SMALLEST, "MS-SSIM")
    return float(np.mean([_multi_scale(a, b, peak) for a, b in _planes(reference, test)]))


def psnr_b(
    reference: Image, test: Image, *, peak: float = 1.0, block: int = 8, phase: tuple[int, int] = (0, 0)
) -> float:
    """PSNR that counts blocking, in dB: the MSE raised by the test picture's blocking effect factor.

    Yim and Bovik, "Quality assessment of deblocked images", IEEE Trans. Image Processing 20(1), 2011, eqs. 3 to 12.
    Defined on luma: (H, W), or the mean of the channels' MSE-B. ``phase`` is the (x, y) of the first block boundary
    modulo ``block``, for a picture cropped out of its grid.
    """
    demand_alike(reference, test)
    blocked = [mse(a, b) + blocking_effect(b, block=block, phase=phase) for a, b in _planes(reference, test)]
    return _decibels(float(np.mean(blocked)), peak)


def blocking_effect(image: Image | Plane64, *, block: int = 8, phase: tuple[int, int] = (0, 0)) -> float:
    """The blocking effect factor of one plane (H, W), in squared code values: 0 where there is no blocking.

    The excess of the mean squared step across block boundaries over that inside blocks, times
    log2(block) / log2(min(H, W)) (Yim and Bovik 2011, eqs. 6 to 10).
    """
    at, off = _steps(np.asarray(image, np.float64), block, phase)
    if at <= off:
        return 0.0
    return math.log2(block) / math.log2(min(image.shape)) * (at - off)


def structural_artefact(reference: Image, test: Image, *, block: int = 8, phase: tuple[int, int] = (0, 0)) -> float:
    """The codec's block structure in the error, in squared code values, the mean over channels; floored at 0.

    The mean squared step of (test - reference) across block edges, less that inside blocks: unlike blocking in the
    picture itself, an edge of the scene that happens to lie on the grid does not count.
    """
    demand_alike(reference, test)
    found = []
    for a, b in _planes(reference, test):
        at, off = _steps(b - a, block, phase)
        found.append(max(at - off, 0.0))
    return float(np.mean(found))


def demand_alike(reference: Image | Plane64, test: Image | Plane64) -> None:
    """Raise :class:`UsageError` where the two pictures do not have the same shape."""
    if reference.shape != test.shape:
        raise UsageError(
            f"the pictures differ in size: {_size(reference)} and {_size(test)}",
            remedy="measure pictures of one size; crop or scale one of them first",
        )


def _steps(plane: Plane64, block: int, phase: tuple[int, int]) -> tuple[float, float]:
    """Mean squared step between neighbours: across boundaries, and elsewhere; both directions pooled."""
    boundary = [0.0, 0]
    inner = [0.0, 0]
    for axis in (1, 0):
        squared = np.square(np.diff(plane, axis=axis))
        # The step between samples i and i + 1 crosses a boundary where i + 1 is the first sample of a block.
        first = np.arange(1, plane.shape[axis])
        crosses = (first - phase[1 - axis]) % block == 0
        sums = squared.sum(axis=1 - axis)
        count = squared.shape[1 - axis]
        boundary[0] += float(sums[crosses].sum())
        boundary[1] += int(crosses.sum()) * count
        inner[0] += float(sums[~crosses].sum())
        inner[1] += int((~crosses).sum()) * count
    if not boundary[1] or not inner[1]:
        return 0.0, 0.0
    return boundary[0] / boundary[1], inner[0] / inner[1]


def _similarity(a: Plane64, b: Plane64, peak: float) -> tuple[Plane64, Plane64]:
    """SSIM and its contrast-structure factor over whole windows (Wang et al. 2004, eqs. 12 and 13)."""
    c1, c2 = (SSIM_K1 * peak) ** 2, (SSIM_K2 * peak) ** 2
    mean_a, mean_b = _window(a), _window(b)
    var_a = _window(a * a) - mean_a * mean_a
    var_b = _window(b * b) - mean_b * mean_b
    both = _window(a * b) - mean_a * mean_b
    contrast = (2 * both + c2) / (var_a + var_b + c2)
    return (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1) * contrast, contrast


def _window(plane: Plane64) -> Plane64:
    kernel = cv2.getGaussianKernel(SSIM_WINDOW, SSIM_SIGMA, cv2.CV_64F)
    r = SSIM_WINDOW // 2
    blurred = cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel)
    return np.asarray(blurred[r : plane.shape[0] - r, r : plane.shape[1] - r])


def _multi_scale(a: Plane64, b: Plane64, peak: float) -> float:
    product = 1.0
    for scale, weight in enumerate(MS_SSIM_WEIGHTS):
        whole, contrast = _similarity(a, b, peak)
        last = scale == len(MS_SSIM_WEIGHTS) - 1
        product *= max(float(np.mean(whole if last else contrast)), 0.0) ** weight
        if not last:
            a, b = _halve(a), _halve(b)
    return product


def _halve(plane: Plane64) -> Plane64:
    height, width = plane.shape[0] // 2 * 2, plane.shape[1] // 2 * 2
    p = plane[:height, :width]
    return np.asarray((p[0::2, 0::2] + p[1::2, 0::2] + p[0::2, 1::2] + p[1::2, 1::2]) / 4)


def _planes(reference: Image, test: Image) -> list[tuple[Plane64, Plane64]]:
    a, b = np.asarray(reference, np.float64), np.asarray(test, np.float64)
    if a.ndim == 2:
        return [(a, b)]
    return [(np.ascontiguousarray(a[..., c]), np.ascontiguousarray(b[..., c])) for c in range(a.shape[2])]


def _decibels(error: float, peak: float) -> float:
    return math.inf if error == 0 else 10.0 * math.log10(peak * peak / error)


def _demand_size(reference: Image, test: Image, smallest: int, name: str) -> None:
    demand_alike(reference, test)
    if min(reference.shape[:2]) < smallest:
        raise UsageError(
            f"{name} is not defined for a picture of {_size(reference)}", allowed=f"{smallest} pixels or more a side"
        )


def _size(image: Image | Plane64) -> str:
    return f"{image.shape[1]}x{image.shape[0]}" + (f" with {image.shape[2]} channels" if image.ndim == 3 else "")
