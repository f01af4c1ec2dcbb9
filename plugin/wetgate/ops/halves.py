"""Planes at half their size, for what is measured over many pixels, and back."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def halved(planes: NDArray[Any]) -> NDArray[Any]:
    """Means of 2 x 2 pixels of (H, W) or (H, W, C); where a size is odd, of a little less."""
    size = (-(-planes.shape[1] // 2), -(-planes.shape[0] // 2))
    made = cv2.resize(planes, size, interpolation=cv2.INTER_AREA)
    return np.asarray(made).reshape(size[1], size[0], *planes.shape[2:])


def whole(planes: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """What :func:`halved` made, or was measured on that, at the picture's own size again: bilinear."""
    made = cv2.resize(planes, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(made).reshape(height, width, *planes.shape[2:])
