"""A picture with what photographs have and codecs react to: soft shapes, hard edges, fine texture, a little noise."""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np


@functools.cache
def _made(width: int, height: int, seed: int) -> Any:
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for octave in range(6):  # amplitude falls as the frequency rises, as in photographs
        size = (max(2, height >> (6 - octave)), max(2, width >> (6 - octave)))
        layer = random.standard_normal((*size, 3)) @ np.array([[1, 0.9, 0.8], [0.2, 0, -0.2], [0.1, -0.1, 0.1]])
        picture += cv2.resize(layer, (width, height), interpolation=cv2.INTER_CUBIC) * 0.75**octave
    for _ in range(14):
        centre = (int(random.integers(width)), int(random.integers(height)))
        colour = tuple(float(v) for v in random.normal(0, 1.5, 3))
        cv2.circle(picture, centre, int(random.integers(4, width // 6)), colour, -1, cv2.LINE_AA)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.6) + random.normal(0, 0.03, picture.shape)
    return np.clip(128 + 30 * picture, 4, 250).astype(np.uint8)


def photograph(width: int, height: int, seed: int = 4) -> Any:
    """8-bit BGR (height, width, 3), not clipped anywhere."""
    return _made(width, height, seed).copy()


def saved(picture: Any, quality: int, sampling: int = 0x221111) -> Any:
    """8-bit BGR through JPEG."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    return cv2.imdecode(cv2.imencode(".jpg", picture, options)[1], cv2.IMREAD_COLOR)


def luma(bgr: Any) -> Any:
    """BT.601 luma in whole codes, as a JPEG decoder has it."""
    return np.rint(bgr.astype(np.float32) @ np.array([0.114, 0.587, 0.299], np.float32))
