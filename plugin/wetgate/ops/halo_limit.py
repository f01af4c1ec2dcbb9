"""Overshoot beside edges, held to what the picture itself has nearby."""

from __future__ import annotations

import cv2
import numpy as np

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
