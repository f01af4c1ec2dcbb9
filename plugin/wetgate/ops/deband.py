"""Banding: the steps that few codes leave in a soft gradient, smoothed in float, without dither.

Over a window the picture is fitted by a plane, whose value in the middle is the window's mean. Where what the plane
leaves over is no more than steps of the given size would, the pixel takes the mean; where there is texture, or an edge,
it stays as it is. Two windows are tried, the wide one first. No pixel moves by more than the step.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]

_RADII = (12, 6)  # pixels
# A staircase of steps s about its slope has a deviation of s / sqrt(12); from here to twice it weights fall to nothing.
_STAIRCASE = 12**-0.5
_SLOPE_PER_STEP = 1.0  # steps a pixel: a steeper slope shows no bands


def deband(plane: Image, step: Image | float) -> Image:
    """A plane (H, W) with bands up to ``step`` ((H, W) or a number, in its values) smoothed; 0 does nothing there."""
    limit = np.broadcast_to(np.asarray(step, np.float32), plane.shape)
    if not (limit > 0).any():
        return plane
    made = plane
    for radius in reversed(_RADII):
        mean, left, slope = _fitted(plane, radius)
        roughness = left / np.maximum(limit * np.float32(_STAIRCASE), np.float32(1e-9))
        weight = np.clip(2 - roughness, 0, 1) * (slope < limit * _SLOPE_PER_STEP) * (limit > 0)
        # Near texture the weight fades, so that no border shows where smoothing ends.
        weight = cv2.blur(cv2.erode(weight, np.ones((5, 5), np.uint8)), (5, 5), borderType=cv2.BORDER_REPLICATE)
        change = np.clip(mean - plane, -limit, limit)
        made = made + weight * (plane + change - made)
    return np.asarray(made, np.float32)


def _fitted(plane: Image, radius: int) -> tuple[Image, Image, Image]:
    """Mean over the window, deviation about the fitted plane, and the plane's slope a pixel."""
    side = 2 * radius + 1
    offsets = np.arange(-radius, radius + 1, dtype=np.float64)
    power = float((offsets**2).mean())
    ramp = offsets / (side * power)
    flat = np.full(side, 1 / side)
    x = plane.astype(np.float64)

    def over(picture: Array, across: Array, down: Array) -> Array:
        return np.asarray(cv2.sepFilter2D(picture, cv2.CV_64F, across, down, borderType=cv2.BORDER_REFLECT_101))

    centre = float(np.median(x))  # variance as a difference of squares, without its cancellation
    mean = over(x - centre, flat, flat)
    gx, gy = over(x - centre, ramp, flat), over(x - centre, flat, ramp)
    variance = over((x - centre) ** 2, flat, flat) - mean**2 - power * (gx**2 + gy**2)
    left = np.sqrt(np.maximum(variance, 0)).astype(np.float32)
    return (mean + centre).astype(np.float32), left, np.hypot(gx, gy).astype(np.float32)
