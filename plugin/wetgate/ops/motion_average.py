"""Frames averaged along motion, where the motion can be trusted, and how much of their noise that leaves.

A neighbour is carried to the frame by the flow between *guides*: versions of the frames with little noise, in encoded
values. It counts where the flow there and back agree, and where the carried guide looks like the frame's own within
what is left of the noise; elsewhere its weight falls to nothing, smoothly, and the frame stands alone. Finite support,
no recursion: a frame's result depends on its window only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from wetgate.ops.flow import Flow, consistent, dense_flow
from wetgate.spec import Image

# Luma of Rec.709 for the guides: which weights is no matter, as long as noise of all channels is averaged.
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Side from which the flow is searched at half size: motion is smooth, and the search's cost is not.
_HALVED_FROM = 1200
# Gaussian of the comparison, in pixels: differences of single pixels are noise.
_COMPARED_OVER = 1.5
# What is left of a guide's noise, as a share of the frame's deviation, that still counts as agreement.
_AGREED = 0.52
_LEAST_DEVIATION = 2e-3  # encoded: half an 8-bit code, below which guides differ by interpolation alone


@dataclass(frozen=True, slots=True)
class Averaged:
    """``picture`` (H, W, C), the average; ``variance`` (H, W), the share of the frame's noise variance that is left in
    it; ``trust`` (H, W), the mean weight of the neighbours, 0 to 1."""

    picture: Image
    variance: Image
    trust: Image


def luma(encoded: Image) -> Image:
    """The (H, W) luma of an encoded picture, for :func:`average_along_motion`."""
    return np.asarray(encoded[..., :3] @ _LUMA, np.float32)


def average_along_motion(
    frames: Sequence[Image],
    guides: Sequence[Image],
    deviation: Image | float,
    *,
    counted: Sequence[bool],
    amount: float = 1.0,
    threshold: float = 1.0,
    check_abort: Callable[[], None] = lambda: None,
) -> Averaged:
    """Average the middle frame with its neighbours.

    ``frames`` (H, W, C) each, odd in number, in any values; ``guides`` (H, W), encoded, nominally 0 to 1; ``deviation``
    the noise of a frame in the guides' values, (H, W) or one number. ``counted`` says which frames count (the middle
    one always does). ``amount`` 0 to 1 scales the neighbours' weights, ``threshold`` multiplies how much they may
    differ.
    """
    middle = len(frames) // 2
    shape = guides[middle].shape
    total = frames[middle].astype(np.float32, copy=True)
    weights, squares = np.ones(shape, np.float32), np.ones(shape, np.float32)
    neighbours = [k for k in range(len(frames)) if k != middle and counted[k]]
    for k in neighbours:
        check_abort()
        there, agreed = _motion(guides[middle], guides[k])
        carried = _carried(guides[k], there)
        weight = _likeness(guides[middle], carried, deviation, threshold) * agreed * np.float32(amount)
        total += weight[..., None] * _carried(frames[k], there)
        weights += weight
        squares += np.square(weight) * _kept_variance(there)
    picture = total / weights[..., None]
    variance = np.asarray(squares / np.square(weights), np.float32)
    trust = np.asarray((weights - 1) / max(len(neighbours), 1), np.float32)
    return Averaged(picture, variance, trust)


def _motion(here: Image, other: Image) -> tuple[Flow, Image]:
    """The flow from ``here`` into ``other``, and where it is trusted, 0 to 1 with soft edges."""
    scale = 2 if max(here.shape) >= _HALVED_FROM else 1
    a, b = (_reduced(g, scale) for g in (here, other))
    there = dense_flow(a, b)
    agreed = consistent(there, dense_flow(b, a)).astype(np.float32)
    # A trusted pixel has trusted neighbours: edges of occlusion are where ghosts come from.
    agreed = cv2.GaussianBlur(cv2.erode(agreed, np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    if scale == 1:
        return there, np.asarray(agreed, np.float32)
    size = (here.shape[1], here.shape[0])
    factor = np.array([size[0] / a.shape[1], size[1] / a.shape[0]], np.float32)
    flow = cv2.resize(there, size, interpolation=cv2.INTER_LINEAR) * factor
    return np.asarray(flow, np.float32), np.asarray(cv2.resize(agreed, size, interpolation=cv2.INTER_LINEAR))


def _reduced(guide: Image, scale: int) -> Image:
    if scale == 1:
        return guide
    size = (math.ceil(guide.shape[1] / scale), math.ceil(guide.shape[0] / scale))
    return np.asarray(cv2.resize(guide, size, interpolation=cv2.INTER_AREA))


def _carried(image: Image, flow: Flow) -> Image:
    """``image`` sampled where ``flow`` points, bicubic: bilinear would take detail with the noise."""
    height, width = flow.shape[:2]
    map_x = flow[..., 0] + np.arange(width, dtype=np.float32)[None, :]
    map_y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    carried = cv2.remap(np.ascontiguousarray(image), map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(carried, np.float32).reshape(image.shape)


def _likeness(here: Image, carried: Image, deviation: Image | float, threshold: float) -> Image:
    """Weight of a neighbour by how far its carried guide differs from the frame's: 1 within what noise explains, then
    falling as a Gaussian."""
    apart = cv2.GaussianBlur(np.square(here - carried), (0, 0), _COMPARED_OVER)
    allowed = np.square(threshold * np.maximum(_AGREED * np.asarray(deviation, np.float32), _LEAST_DEVIATION))
    return np.asarray(np.exp(-np.maximum(apart / np.maximum(allowed, 1e-12) - 1.0, 0.0)), np.float32)


def _kept_variance(flow: Flow) -> Image:
    """Share of white noise's variance that bicubic interpolation keeps, by the fraction of each axis: (H, W)."""
    gain = _axis_gain(flow[..., 0]) * _axis_gain(flow[..., 1])
    return np.asarray(gain, np.float32)


def _axis_gain(shift: Image) -> Image:
    t = shift - np.floor(shift)
    a = np.float32(-0.75)  # of OpenCV's bicubic kernel
    near, far = [], []
    for d in (t, 1 - t):
        near.append(((a + 2) * d - (a + 3)) * d * d + 1)
    for d in (1 + t, 2 - t):
        far.append(((a * d - 5 * a) * d + 8 * a) * d - 4 * a)
    return np.asarray(sum(np.square(w) for w in (*near, *far)), np.float32)
