"""Overshoot beside edges, held to what the picture itself has nearby."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

_SIDE = 5  # pixels: as far as the ringing of an 8x8 block reaches beyond an edge that matters


def within_neighbours(result: Image, source: Image, amount: float) -> Image:
    """``result`` (H, W) brought back, by the share ``amount``, between the least and the most of ``source`` within two
    pixels."""
    if amount == 0:
        return result
    kernel = np.ones((_SIDE, _SIDE), np.uint8)
    low = cv2.erode(source, kernel, borderType=cv2.BORDER_REPLICATE)
    high = cv2.dilate(source, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(result + np.float32(amount) * (np.clip(result, low, high) - result), np.float32)


def light_limits(
    picture: Image,
    noise: Image,
    reach: tuple[int, int],
    overshoot: float,
    clipped: NDArray[np.bool_] | None = None,
) -> tuple[Image, Image]:
    """The least and the greatest that sharpened light (H, W, C) may be: the range of the ``picture`` over a rectangle
    of ``reach`` (rows, columns), and ``overshoot`` times that range beyond it. ``noise`` is the picture's deviation;
    beside light that was ``clipped`` there is no upper limit."""
    about = np.ones(reach, np.uint8)
    least = cv2.erode(picture, about).reshape(picture.shape)
    most = cv2.dilate(picture, about).reshape(picture.shape)
    room = np.float32(min(overshoot, 1e6)) * (most - least) + 2 * noise
    # Blurred light is a mean of light: where there is none below 0 about a pixel, there was none before.
    dark = np.minimum(least, 0)
    most = most + room
    if clipped is not None:
        near = cv2.dilate(clipped.astype(np.uint8), about).reshape(picture.shape)
        most = np.where(near > 0, np.float32(np.inf), most)
    return np.maximum(least - room, dark - 2 * noise), most
