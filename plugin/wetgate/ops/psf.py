"""PSFs by name and figures, as text that a project carries, and as a picture to look at.

The text of a PSF is its rows from the top, separated by ``/``, each of numbers separated by blanks:
``0 1 0/1 4 1/0 1 0``. Numbers are light, in any unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import Kernel, disc, gaussian, motion
from wetgate.spec import Image, UsageError

Values = NDArray[np.float64]

LARGEST = 255  # px, side of a PSF given as text
_STEPS = 9999  # of the brightest value in a text that is written
_UNSEEN = 1e-4  # of the brightest value: what lies below it at the rim is cut off a text


def named(kind: str, size: float, angle_deg: float = 0.0) -> Kernel:
    """The PSF of a ``kind``: ``defocus`` of radius, ``gaussian`` of sigma, ``motion`` of length ``size`` px; motion at
    ``angle_deg`` counter-clockwise from the right. Odd-sized, centred, sum 1; size 0 is one pixel."""
    if size <= 0:
        return np.ones((1, 1), np.float32)
    if kind == "defocus":
        return disc(size)
    if kind == "gaussian":
        return gaussian(size)
    if kind == "motion":
        return motion(size, angle_deg)
    raise UsageError(f"there is no PSF {kind!r}", allowed="defocus, gaussian, motion")


def from_text(text: str) -> Kernel:
    """The PSF of a text, odd-sized and of sum 1: see :func:`centred`.

    Raises :class:`UsageError` for what is no such text.
    """
    try:
        rows = [[float(word) for word in row.split()] for row in text.split("/")]
    except ValueError as error:
        raise _refused(str(error).replace("could not convert string to float", "not a number")) from None
    widths = {len(row) for row in rows}
    if len(widths) != 1 or 0 in widths:
        raise _refused(f"rows of {', '.join(map(str, sorted(widths)))} numbers")
    values = np.array(rows, np.float64)
    if max(values.shape) > LARGEST:
        raise _refused(f"{values.shape[1]}x{values.shape[0]} numbers")
    if not np.isfinite(values).all() or values.min() < 0:
        raise _refused("a number below 0 or not finite")
    if values.sum() <= 0:
        raise _refused("no light")
    return centred(values)


def to_text(psf: Kernel) -> str:
    """A PSF as text, in whole numbers up to 9999; rows and columns without light at the rim are left out in pairs."""
    steps = np.rint(psf / psf.max() * _STEPS).astype(int)
    while min(steps.shape) > 2 and not steps[[0, -1]].any() and not steps[:, [0, -1]].any():
        steps = steps[1:-1, 1:-1]
    return "/".join(" ".join(str(value) for value in row) for row in steps)


def from_picture(rgb: Image) -> Kernel:
    """The PSF of its picture (H, W, C) in linear light. Raises :class:`UsageError` where it is dark or too large."""
    light = np.maximum(rgb.mean(axis=2), 0).astype(np.float64)
    if light.max() <= 0:
        raise _refused("a black picture")
    while min(light.shape) > 2 and max(light[[0, -1]].max(), light[:, [0, -1]].max()) <= _UNSEEN * light.max():
        light = light[1:-1, 1:-1]
    if max(light.shape) > LARGEST:
        raise _refused(f"a picture with light over {light.shape[1]}x{light.shape[0]} px")
    return centred(light)


def centred(light: Values) -> Kernel:
    """Odd-sized, of sum 1. The middle pixel of a PSF with odd sides is where its point was; one with an even side is
    padded so that its centre of mass lies in the middle pixel, so that undoing it moves nothing."""
    sides = list(light.shape)
    x = y = 0
    if min(n % 2 for n in light.shape) == 0:
        total = light.sum()
        middle = [round(float(light.sum(axis=1 - axis) @ np.arange(n)) / total) for axis, n in enumerate(light.shape)]
        reach = [max(m, n - 1 - m) for m, n in zip(middle, light.shape, strict=True)]
        sides = [2 * r + 1 for r in reach]
        y, x = (r - m for r, m in zip(reach, middle, strict=True))
    out = np.zeros(sides, np.float64)
    out[y : y + light.shape[0], x : x + light.shape[1]] = light / light.sum()
    return np.asarray(out, np.float32)


def drawn(psf: Kernel, height: int, width: int, largest: int = 32) -> Image:
    """The PSF as a picture (height, width): each value a square, as large as fits and up to ``largest`` px, the
    brightest 1."""
    out = np.zeros((height, width), np.float32)
    shown = psf / psf.max()
    side = max(1, min(height // psf.shape[0], width // psf.shape[1], largest))
    shown = cv2.resize(shown, None, fx=side, fy=side, interpolation=cv2.INTER_NEAREST).reshape(
        psf.shape[0] * side, psf.shape[1] * side
    )
    cut_y, cut_x = max(0, shown.shape[0] - height) // 2, max(0, shown.shape[1] - width) // 2
    shown = shown[cut_y : cut_y + height, cut_x : cut_x + width]
    y, x = (height - shown.shape[0]) // 2, (width - shown.shape[1]) // 2
    out[y : y + shown.shape[0], x : x + shown.shape[1]] = shown
    return out


def drawn_by_place(psfs: Sequence[Kernel], grid: tuple[int, int], height: int, width: int) -> Image:
    """PSFs of a ``grid`` (rows, columns) as a picture (height, width), each where its place is, all enlarged alike."""
    rows, columns = (
        [round(n * i / count) for i in range(count + 1)] for n, count in zip((height, width), grid, strict=True)
    )
    widest = max(max(psf.shape) for psf in psfs)
    side = max(1, min(height // grid[0], width // grid[1]) // widest)
    out = np.zeros((height, width), np.float32)
    places = [(y, x) for y in pairwise(rows) for x in pairwise(columns)]
    for psf, ((top, bottom), (left, right)) in zip(psfs, places, strict=True):
        out[top:bottom, left:right] = drawn(psf, bottom - top, right - left, side)
    return out


def _refused(what: str) -> UsageError:
    return UsageError(
        f"the PSF is {what}",
        where="psf",
        allowed=f"rows separated by /, each of as many numbers from 0, up to {LARGEST}x{LARGEST}: 0 1 0/1 4 1/0 1 0",
        remedy="write its rows, or let `wetgate psf PICTURE` make the text of a picture",
    )
