"""How much of a sharpening is taken: by band of frequency, and by whether there is an edge."""

from __future__ import annotations

import cv2
import numpy as np

from wetgate.spec import Image

# Splits of the change into bands: sigmas in pixels of the Gaussians between them.
_FINE_PX, _COARSE_PX = 1.0, 3.0
# An edge, in deviations of the noise: from where a gradient is one, and from where it is one without doubt.
_EDGE = (3.0, 8.0)


def by_band(change: Image, fine: float, medium: float, coarse: float) -> Image:
    """``change`` (H, W, C) with a share of each of its three bands; all 1 give it as it is."""
    if (fine, medium, coarse) == (1.0, 1.0, 1.0):
        return change
    soft = cv2.GaussianBlur(change, (0, 0), _FINE_PX).reshape(change.shape)
    softer = cv2.GaussianBlur(change, (0, 0), _COARSE_PX).reshape(change.shape)
    bands = (fine, change - soft), (medium, soft - softer), (coarse, softer)
    return np.asarray(sum(np.float32(weight) * band for weight, band in bands), np.float32)


def by_edge(change: Image, sharp: Image, deviation: Image, share: float) -> Image:
    """``change`` without the ``share`` of it where the ``sharp`` picture, of noise ``deviation``, has no edge."""
    if share == 0:
        return change
    weight = np.float32(1 - share) + np.float32(share) * edges_of(sharp, deviation)
    return np.asarray(change * weight[..., None], np.float32)


def edges_of(sharp: Image, deviation: Image) -> Image:
    """Where a sharp picture (H, W, C) has an edge that noise does not explain, 0 to 1, (H, W)."""
    picture = cv2.GaussianBlur(sharp, (0, 0), _FINE_PX).reshape(sharp.shape)
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=0.125).reshape(picture.shape)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=0.125).reshape(picture.shape)
    floor = np.maximum(deviation, 1e-4 * float(np.abs(picture).max()) + 1e-9)
    steep = (np.hypot(across, down) / floor).max(axis=2)
    t = np.clip((steep - _EDGE[0]) / (_EDGE[1] - _EDGE[0]), 0, 1)
    return np.asarray(cv2.GaussianBlur(t * t * (3 - 2 * t), (0, 0), _FINE_PX), np.float32)
