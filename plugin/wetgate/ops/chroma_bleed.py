"""Chroma that ran over its edges, led back to them by luma: a guided filter (He, Sun and Tang, IEEE TPAMI 35(6), 2013).

In each window chroma is fitted as a line of luma; where the fit explains it, its edge is luma's edge. What the filter
changes is held to the step of the quantiser that made the bleeding, so that sound chroma stays where it is.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]

_RADIUS = 6  # pixels: blocks of 4:2:0 chroma bleed over eight to sixteen
_PASSES = 2
# Of luma, squared: contrasts below a fiftieth of the range are no edges to be led by.
_EPSILON = 0.02**2


def led_by_luma(chroma: Image, luma: Image, limit: Image | float) -> Image:
    """A chroma plane (H, W) with its edges at those of luma, changed by at most ``limit`` in its values."""
    most = np.broadcast_to(np.asarray(limit, np.float32), chroma.shape)
    if not (most > 0).any():
        return chroma
    made = chroma.astype(np.float64)
    for _ in range(_PASSES):
        made = _guided(made, luma.astype(np.float64))
    return np.asarray(chroma + np.clip(made - chroma, -most, most), np.float32)


def _guided(c: Array, y: Array) -> Array:
    side = (2 * _RADIUS + 1,) * 2

    def mean(x: Array) -> Array:
        return np.asarray(cv2.boxFilter(x, cv2.CV_64F, side, borderType=cv2.BORDER_REFLECT_101))

    y_mean, c_mean = mean(y), mean(c)
    together = mean(y * c) - y_mean * c_mean
    variance = np.maximum(mean(y * y) - y_mean**2, 0)
    slope = together / (variance + _EPSILON)
    made = mean(slope) * y + mean(c_mean - slope * y_mean)
    # How far luma explains the chroma of the window: without that, it has no say.
    own = np.maximum(mean(c * c) - c_mean**2, 0)
    explained = np.clip(together**2 / np.maximum(variance * own, 1e-12), 0, 1)
    return np.asarray(c + explained * (made - c))
