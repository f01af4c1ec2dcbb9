"""Point spread functions and convolution with them.

Every PSF sums to one, is odd-sized and centred, and is antialiased by supersampling, so that its size is
continuous: a disc of radius 1.3 px lies between one of 1.2 and one of 1.4. Convolution reflects the picture at its
edges about the edge of the last pixel (d c b a | a b c d), which keeps the mean of a flat picture and invents no
dark border.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Kernel = NDArray[np.float32]

_OVER = 9  # subsamples a pixel and axis


def gaussian_taps(sigma: float, radius: int | None = None) -> Kernel:
    """A 1-D Gaussian of ``sigma`` px integrated over each pixel, 2r+1 taps with r = ceil(4 sigma) unless given."""
    r = max(1, math.ceil(4 * sigma)) if radius is None else radius
    if sigma <= 0:
        taps = np.zeros(2 * r + 1, np.float32)
        taps[r] = 1
        return taps
    edges = (np.arange(-r, r + 2) - 0.5) / (sigma * math.sqrt(2))
    cdf = np.array([math.erf(float(e)) for e in edges])
    step = np.diff(cdf)
    return np.asarray(step / step.sum(), dtype=np.float32)


def disc(radius: float) -> Kernel:
    """Defocus of a lens with a round aperture, geometric optics: uniform within ``radius`` px."""
    r = max(0, math.ceil(radius - 0.5))
    yy, xx = _subpixels(r)
    inside = np.clip((radius - np.hypot(xx, yy)) * _OVER + 0.5, 0, 1)  # a subsample on the rim counts in part
    return _binned(inside, r) if inside.any() else _delta()


def gaussian(sigma: float) -> Kernel:
    """A round Gaussian of ``sigma`` px."""
    taps = gaussian_taps(sigma)
    return np.outer(taps, taps)


def motion(length: float, angle_deg: float, curve: float = 0.0) -> Kernel:
    """The path of a point during the exposure: ``length`` px, ``angle_deg`` from +x towards -y (counter-clockwise
    as seen).

    ``curve`` bends it into an arc: the sagitta as a share of the length. Speed along the path is constant.
    """
    count = max(2, math.ceil(length * 32))
    s = (np.arange(count) + 0.5) / count - 0.5
    along, across = s * length, curve * length * (1 - 4 * s * s - 2 / 3)
    angle = math.radians(angle_deg)
    px = along * math.cos(angle) + across * math.sin(angle)
    py = -along * math.sin(angle) + across * math.cos(angle)
    return trajectory(px, py)


def trajectory(px: NDArray[np.float64], py: NDArray[np.float64]) -> Kernel:
    """A PSF from equally timed positions (x right, y down, px), each spread over its four nearest pixels."""
    r = max(1, math.ceil(float(max(np.abs(px).max(), np.abs(py).max()))) + 1)
    size = 2 * r + 1
    psf = np.zeros((size, size), np.float64)
    x0, y0 = np.floor(px).astype(int), np.floor(py).astype(int)
    fx, fy = px - x0, py - y0
    for dy in (0, 1):
        for dx in (0, 1):
            weight = np.abs(1 - dx - fx) * np.abs(1 - dy - fy)
            np.add.at(psf, (y0 + dy + r, x0 + dx + r), weight)
    return _normalised(psf)


def airy(radius: float) -> Kernel:
    """Diffraction of a round aperture: (2 J1(v) / v)^2 with its first zero at ``radius`` px.

    That radius is 1.22 wavelength f_number / pitch (Born & Wolf, Principles of Optics, 8.5.2). The kernel reaches
    to the fifth zero, which holds 95 % of the light; the rest is spread over the kernel by the normalisation.
    """
    from scipy import special

    r = max(1, math.ceil(radius * 4.3))
    yy, xx = _subpixels(r)
    v = np.hypot(xx, yy) * (3.8317059702075125 / max(radius, 1e-6))  # first zero of J1
    ratio = np.where(v < 1e-6, 1.0, 2 * special.j1(v) / np.maximum(v, 1e-6))
    return _binned(ratio * ratio, r)


def convolve(image: Image, psf: Kernel) -> Image:
    """``image`` (H, W) or (H, W, C) convolved with ``psf``, edges reflected; a new float32 array of the same shape.

    Sums are made in double precision, so a sun of 60,000 does not put ringing of its rounding into the shadows
    about it.
    """
    import cv2

    height, width = psf.shape
    pad_y, pad_x = height // 2, width // 2
    padded = reflect_pad(image, pad_y, pad_x).astype(np.float64)
    flipped = np.ascontiguousarray(psf[::-1, ::-1], dtype=np.float64)  # filter2D correlates
    full = cv2.filter2D(padded, cv2.CV_64F, flipped, borderType=cv2.BORDER_CONSTANT)
    rows, columns = image.shape[:2]
    full = full.reshape(padded.shape)
    return np.ascontiguousarray(full[pad_y : pad_y + rows, pad_x : pad_x + columns], dtype=np.float32)


def convolve_separable(image: Image, taps_y: Kernel, taps_x: Kernel) -> Image:
    """``image`` convolved with an outer product of two odd-sized 1-D kernels, edges reflected."""
    ry, rx = len(taps_y) // 2, len(taps_x) // 2
    return valid_separable(reflect_pad(image, ry, rx), taps_y, taps_x)


def valid_separable(padded: Image, taps_y: Kernel, taps_x: Kernel) -> Image:
    """The part of a separable convolution that needs no border: (H - len + 1, W - len + 1, ...).

    Taps are added in one fixed order, pixel by pixel, so a tile gives the bits that the whole picture gives.
    """
    rows = padded.shape[0] - len(taps_y) + 1
    columns = padded.shape[1] - len(taps_x) + 1
    return _taps(_taps(padded, taps_y, 0, rows), taps_x, 1, columns)


def reflect_pad(image: Image, rows: int, columns: int) -> Image:
    """``image`` with ``rows`` and ``columns`` added on each side by half-sample reflection, any amount, any size."""
    if rows == 0 and columns == 0:
        return image
    picked = image[_reflected(image.shape[0], rows)]
    return np.ascontiguousarray(picked[:, _reflected(image.shape[1], columns)])


def _taps(image: Image, taps: Kernel, axis: int, size: int) -> Image:
    total: Image | None = None
    for i, tap in enumerate(taps[::-1]):
        part = image[i : i + size] if axis == 0 else image[:, i : i + size]
        term = part * np.float32(tap)
        if total is None:
            total = term
        else:
            total += term
    assert total is not None
    return total


def _reflected(size: int, pad: int) -> NDArray[np.intp]:
    index = np.arange(-pad, size + pad) % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index)


def _subpixels(r: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    axis = (np.arange((2 * r + 1) * _OVER) + 0.5) / _OVER - (r + 0.5)
    yy, xx = np.meshgrid(axis, axis, indexing="ij")
    return yy, xx


def _binned(samples: NDArray[np.float64], r: int) -> Kernel:
    size = 2 * r + 1
    return _normalised(samples.reshape(size, _OVER, size, _OVER).sum(axis=(1, 3)))


def _normalised(psf: NDArray[np.float64]) -> Kernel:
    return np.asarray(psf / psf.sum(), dtype=np.float32)


def _delta() -> Kernel:
    return np.ones((1, 1), np.float32)
