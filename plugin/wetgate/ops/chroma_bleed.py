"""Chroma that ran over its edges, led back to them by luma: a guided filter (He, Sun and Tang, IEEE TPAMI 35(6), 2013).

In each window chroma is fitted as a line of luma; where the fit explains it, its edge is luma's edge. What the filter
changes is held to the step of the quantiser that made the bleeding, so that sound chroma stays where it is. Lines are
fitted on means of 2 x 2 pixels, which is what chroma of 4:2:0 has, and drawn at full size (He and Sun, Fast guided
filter, arXiv:1505.00996).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.halves import halved, whole
from wetgate.spec import Image

Array = NDArray[np.float64]

_SIDE = 7  # halved pixels of a window: blocks of 4:2:0 chroma bleed over eight to sixteen of the picture's
_PASSES = 2
# Of luma, squared: contrasts below a fiftieth of the range are no edges to be led by.
_EPSILON = 0.02**2


def led_by_luma(chroma: Sequence[Image], luma: Image, limit: Image | float) -> list[Image]:
    """Chroma planes (H, W) with their edges at those of luma (H, W), changed by at most ``limit`` in their values.

    ``limit`` is a number or (H, W).
    """
    most = np.broadcast_to(np.asarray(limit, np.float32), luma.shape)
    if not (most > 0).any():
        return list(chroma)
    guide = _Guide(halved(luma.astype(np.float64)))
    return [_led(plane, luma, guide, most) for plane in chroma]


class _Guide:
    """Luma at half the size, and what its windows hold."""

    def __init__(self, luma: Array) -> None:
        self.luma = luma
        self._mean = _mean(luma)
        self._variance = np.maximum(_mean(luma * luma) - self._mean**2, 0)

    def lines(self, c: Array) -> tuple[Array, Array, Array]:
        """Slope and level of chroma as a line of luma, and how far luma explains it: without that it has no say."""
        c_mean = _mean(c)
        together = _mean(self.luma * c) - self._mean * c_mean
        slope = together / (self._variance + _EPSILON)
        own = np.maximum(_mean(c * c) - c_mean**2, 0)
        explained = np.clip(together**2 / np.maximum(self._variance * own, 1e-12), 0, 1)
        return _mean(slope), _mean(c_mean - slope * self._mean), explained


def _led(chroma: Image, luma: Image, guide: _Guide, most: Image) -> Image:
    c = halved(chroma.astype(np.float64))
    slope, level, share = guide.lines(c)
    for _ in range(_PASSES - 1):
        c += share * (slope * guide.luma + level - c)
        slope, level, share = guide.lines(c)
    change, offset, weight = (whole(p.astype(np.float32), *luma.shape) for p in (slope, level, share))
    change *= luma
    change += offset
    change -= chroma
    change *= weight
    return np.asarray(chroma + np.clip(change, -most, most), np.float32)


def _mean(x: Array) -> Array:
    return np.asarray(cv2.boxFilter(x, cv2.CV_64F, (_SIDE, _SIDE), borderType=cv2.BORDER_REFLECT_101))
