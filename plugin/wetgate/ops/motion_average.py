"""Frames averaged along motion, where the motion can be trusted, and how much of their noise that leaves.

A neighbour is carried to the frame by the flow between *guides*: versions of the frames with little noise, in encoded
values. It counts where the flow there and back agree, and where the carried guide looks like the frame's own, in
brightness and in colour, within what is left of the noise; elsewhere its weight falls to nothing, smoothly, and the
frame stands alone. Finite support, no recursion: a frame's result depends on its window only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from wetgate.ops.channels import mean_of_channels
from wetgate.ops.flow import Flow
from wetgate.ops.motion import Motion, carried, luma, motions
from wetgate.spec import Image

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


def average_along_motion(
    frames: Sequence[Image],
    guides: Sequence[Image],
    deviation: Image | float,
    *,
    counted: Sequence[bool],
    amount: float = 1.0,
    threshold: float = 1.0,
    motion: Callable[[int], Motion] | None = None,
    check_abort: Callable[[], None] = lambda: None,
) -> Averaged:
    """Average the middle frame with its neighbours.

    ``frames`` (H, W, C) each, odd in number, in any values; ``guides`` (H, W, 3), encoded, nominally 0 to 1;
    ``deviation`` the noise of a frame in the guides' values, (H, W, 3) or one number. ``counted`` says which frames
    count (the middle one always does). ``amount`` 0 to 1 scales the neighbours' weights, ``threshold`` multiplies how
    much they may differ. ``motion`` gives the way from the middle frame into the k-th, where somebody keeps it; else it
    is searched between the guides.
    """
    middle = len(frames) // 2
    shape = guides[middle].shape[:2]
    total = frames[middle].astype(np.float32, copy=True)
    weights, squares = np.ones(shape, np.float32), np.ones(shape, np.float32)
    neighbours = [k for k in range(len(frames)) if k != middle and counted[k]]
    for k in neighbours:
        check_abort()
        way = motion(k) if motion is not None else motions(luma(guides[middle]), luma(guides[k]))[0]
        way = way.at(*shape)
        likeness = _likeness(guides[middle], carried(guides[k], way.flow), deviation, threshold)
        weight = likeness * way.trust * np.float32(amount)
        total += weight[..., None] * carried(frames[k], way.flow)
        weights += weight
        squares += np.square(weight) * _kept_variance(way.flow)
    picture = total / weights[..., None]
    variance = np.asarray(squares / np.square(weights), np.float32)
    trust = np.asarray((weights - 1) / max(len(neighbours), 1), np.float32)
    return Averaged(picture, variance, trust)


def _likeness(here: Image, there: Image, deviation: Image | float, threshold: float) -> Image:
    """Weight of a neighbour by how far its carried guide differs from the frame's, each channel in shares of what its
    noise explains: 1 within that, then falling as a Gaussian. What is as bright and of another colour is another thing.
    """
    allowed = threshold * np.maximum(_AGREED * np.asarray(deviation, np.float32), np.float32(_LEAST_DEVIATION))
    apart = cv2.GaussianBlur(mean_of_channels(np.square((here - there) / allowed)), (0, 0), _COMPARED_OVER)
    return np.asarray(np.exp(-np.maximum(apart - 1.0, 0.0)), np.float32)


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
