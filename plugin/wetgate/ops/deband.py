"""Banding: the steps that few codes leave in a soft gradient, smoothed in float, without dither.

Over a window the picture is fitted by a plane, whose value in the middle is the window's mean. Where what the plane
leaves over is no more than steps of the given size would, the pixel takes the mean; where there is texture, or an edge,
it stays as it is. Two windows are tried; where both fit, the wide one counts. No pixel moves by more than the step.
Windows are summed over means of 2 x 2 pixels and of their squares, which says the same in a quarter of the time.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.halves import halved, whole
from wetgate.spec import Image

Array = NDArray[np.float64]

_RADII = (3, 6)  # halved pixels
# A staircase of steps s about its slope has a deviation of s / sqrt(12); from here to twice it weights fall to nothing.
_STAIRCASE = 12**-0.5
_SLOPE_PER_STEP = 1.0  # steps a pixel: a steeper slope shows no bands


def deband(plane: Image, step: float) -> Image:
    """A plane (H, W) with bands up to ``step``, in its values, smoothed; 0 does nothing."""
    if step <= 0:
        return plane
    x = plane.astype(np.float64)
    mean, square = halved(x), halved(x * x)
    made = plane
    for radius in _RADII:
        level, left, slope = _fitted(mean, square, radius)
        weight = np.clip(2 - left / (step * _STAIRCASE), 0, 1) * (slope < step * _SLOPE_PER_STEP)
        if not weight.any():
            continue
        # Near texture the weight fades, so that no border shows where smoothing ends; it ends a mean before the fit
        # does, as what is drawn at full size lies between two of them.
        weight = cv2.blur(cv2.erode(weight, np.ones((5, 5), np.uint8)), (3, 3), borderType=cv2.BORDER_REPLICATE)
        change = np.clip(whole(level, *plane.shape) - plane, -np.float32(step), np.float32(step))
        made = made + whole(weight, *plane.shape) * (plane + change - made)
    return np.asarray(made, np.float32)


def _fitted(mean: Array, square: Array, radius: int) -> tuple[Image, Array, Array]:
    """Of means of 2 x 2 pixels and of their squares: the mean over the window, the deviation of the picture's pixels
    about the fitted plane, and the plane's slope a pixel of the picture."""
    side = 2 * radius + 1
    offsets = np.arange(-radius, radius + 1, dtype=np.float64)
    power = float((offsets**2).mean())
    ramp = offsets / (side * power)
    flat = np.full(side, 1 / side)

    def over(picture: Array, across: Array, down: Array) -> Array:
        return np.asarray(cv2.sepFilter2D(picture, cv2.CV_64F, across, down, borderType=cv2.BORDER_REFLECT_101))

    level = over(mean, flat, flat)
    slope = np.hypot(over(mean, ramp, flat), over(mean, flat, ramp)) / 2
    # The picture's own pixels lie half a pixel about the places of the means.
    variance = over(square, flat, flat) - level**2 - (4 * power + 0.25) * slope**2
    return level.astype(np.float32), np.sqrt(np.maximum(variance, 0)), slope
