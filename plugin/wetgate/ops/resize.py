"""Changing a picture's size, with a filter that widens as the picture shrinks, so that nothing aliases."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

ResizeKernel = Literal["nearest", "area", "linear", "cubic", "lanczos3"]

# Half widths in samples of the larger grid's units; area is a box as wide as the pixel it makes.
_HALF: dict[str, float] = {"nearest": 0.5, "area": 0.5, "linear": 1.0, "cubic": 2.0, "lanczos3": 3.0}


def resize(image: Image, height: int, width: int, kernel: ResizeKernel = "cubic") -> Image:
    """``image`` (H, W) or (H, W, C) at ``height`` x ``width``; pixel edges stay on pixel edges, borders repeat.

    cubic is Catmull-Rom (Keys 1981, a = -1/2), lanczos3 three lobes; both may overshoot, nothing is clipped. When
    shrinking all kernels but nearest are stretched by the scale. Weights sum to one.
    """
    if image.shape[:2] == (height, width):
        return image.copy()
    return _along(_along(image, height, 0, kernel), width, 1, kernel)


def _along(image: Image, size: int, axis: int, kernel: ResizeKernel) -> Image:
    if image.shape[axis] == size:
        return image
    index, weights = _taps(image.shape[axis], size, kernel)
    shape = [1] * image.ndim
    shape[axis] = size
    total: Image | None = None
    for k in range(index.shape[1]):
        term = np.take(image, index[:, k], axis=axis)
        term *= weights[:, k].reshape(shape)
        if total is None:
            total = term
        else:
            total += term
    assert total is not None
    return np.ascontiguousarray(total, dtype=np.float32)


def _taps(source: int, size: int, kernel: ResizeKernel) -> tuple[NDArray[np.intp], Image]:
    scale = source / size
    stretch = max(scale, 1.0) if kernel != "nearest" else 1.0
    centre = (np.arange(size) + 0.5) * scale - 0.5
    if kernel == "nearest":
        nearest = np.clip(np.floor(centre + 0.5).astype(np.intp), 0, source - 1)
        return nearest[:, None], np.ones((size, 1), np.float32)
    reach = _HALF[kernel] * stretch + (0.5 if kernel == "area" else 0.0)
    first = np.ceil(centre - reach).astype(np.intp)
    index = first[:, None] + np.arange(math.ceil(2 * reach) + 1)[None, :]
    distance = np.abs(index - centre[:, None])
    weights = _weight(distance / stretch if kernel != "area" else distance, kernel, stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(index, 0, source - 1), weights.astype(np.float32)


def _weight(d: NDArray[np.float64], kernel: ResizeKernel, stretch: float) -> NDArray[np.float64]:
    if kernel == "area":  # overlap of a source pixel with the box of the new one
        return np.clip(stretch / 2 + 0.5 - d, 0, 1)
    if kernel == "linear":
        return np.maximum(1 - d, 0)
    if kernel == "cubic":
        near = (1.5 * d - 2.5) * d * d + 1
        far = ((-0.5 * d + 2.5) * d - 4) * d + 2
        return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
    return np.where(d < 3, np.sinc(d) * np.sinc(d / 3), 0.0)
