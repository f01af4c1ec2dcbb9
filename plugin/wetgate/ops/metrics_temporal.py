"""Measures over time: flicker (warping error), global flicker, and the jitter left between two sequences.

Pictures are display-encoded (code values 0 to 1); displacements are in pixels of the measured picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.flow import Flow, Mask, consistent, dense_flow, warp_to
from wetgate.ops.metrics import demand_alike
from wetgate.spec import Image

# Sigma of the low-pass before displacement is measured: grain, noise and codec blocks must not vote.
_LOWPASS_SIGMA = 1.5
_SAME_PLACE = 0.06
_TILE_SMALLEST = 48
_ECC_STEPS = 30
_ECC_PRECISION = 1e-5


@dataclass(frozen=True, slots=True)
class Motion:
    """How one picture of the clean source follows from the one before: the flow back to it, and where it holds."""

    backward: Flow
    valid: Mask


def motion_between(previous: Image, current: Image) -> Motion:
    """The motion from ``current`` back to ``previous``, both (H, W) luma of the clean source.

    It holds where the flows agree both ways and the low-passed pictures agree along it within 0.06 of full scale: a
    place that is new has a plausible flow from its surroundings, and no past.
    """
    backward = dense_flow(current, previous)
    apart = cv2.GaussianBlur(current - warp_to(previous, backward), (0, 0), _LOWPASS_SIGMA)
    agreed = consistent(backward, dense_flow(previous, current)) & (np.abs(apart) < _SAME_PLACE)
    return Motion(backward, np.asarray(agreed))


def warping_error(previous: Image, current: Image, motion: Motion) -> float:
    """Mean squared difference between ``current`` and ``previous`` carried along ``motion``, non-occluded pixels only.

    The warping error of Lai et al., "Learning blind video temporal consistency", ECCV 2018, eq. 9, in squared code
    values. nan where no pixel can be followed. Pictures (H, W) or (H, W, C).
    """
    demand_alike(previous, current)
    if not motion.valid.any():
        return math.nan
    difference = np.asarray(current, np.float64) - warp_to(previous, motion.backward)
    return float(np.mean(np.square(difference[motion.valid])))


def warping_excess(test_error: float, reference_error: float) -> float:
    """What a sequence flickers beyond the clean source along the same flow: the difference, floored at 0."""
    return max(test_error - reference_error, 0.0)


def global_flicker(levels: Sequence[float]) -> tuple[NDArray[np.float64], float]:
    """Brightness flicker of a series of mean levels, in percent: of each frame, and the rms over the shot.

    The deviation of ln(level) from the mean of its two neighbours, over sqrt(1.5), so that levels whose logarithms
    scatter independently by s give s. A constant or exponentially fading series gives 0. Levels are positive (at or
    below 0 they count as 1e-6); frames at the ends have no deviation and are nan, as is the rms of under three frames.
    """
    logs = np.log(np.maximum(np.asarray(levels, np.float64), 1e-6))
    each = np.full(logs.shape, np.nan)
    if len(logs) < 3:
        return each, math.nan
    each[1:-1] = 100.0 * (logs[1:-1] - (logs[:-2] + logs[2:]) / 2.0) / math.sqrt(1.5)
    return each, float(np.sqrt(np.mean(np.square(each[1:-1]))))


def displacements(reference: Image, test: Image, *, grid: tuple[int, int] = (4, 6)) -> NDArray[np.float64]:
    """Where each tile of ``reference`` is found in ``test``: (rows, columns, 2) in pixels, x before y.

    Both are (H, W) luma of the same moment. On low-passed tiles under a Hann window: phase correlation for the whole
    pixels, then enhanced correlation (Evangelidis and Psarakis, PAMI 30(10), 2008) for the fraction. A tile without
    structure, or one whose search does not settle, is nan. The grid is made coarser where tiles would be under 48 px.
    """
    demand_alike(reference, test)
    a = cv2.GaussianBlur(np.asarray(reference, np.float32), (0, 0), _LOWPASS_SIGMA)
    b = cv2.GaussianBlur(np.asarray(test, np.float32), (0, 0), _LOWPASS_SIGMA)
    rows = max(1, min(grid[0], a.shape[0] // _TILE_SMALLEST))
    columns = max(1, min(grid[1], a.shape[1] // _TILE_SMALLEST))
    found = np.full((rows, columns, 2), np.nan)
    ys = np.linspace(0, a.shape[0], rows + 1).astype(int)
    xs = np.linspace(0, a.shape[1], columns + 1).astype(int)
    for r in range(rows):
        for c in range(columns):
            box = (slice(ys[r], ys[r + 1]), slice(xs[c], xs[c + 1]))
            found[r, c] = _tile_shift(a, b, box)
    return found


def jitter(shifts: Sequence[NDArray[np.float64]]) -> tuple[NDArray[np.float64], float]:
    """Jitter between two sequences from their :func:`displacements` a frame: of each frame and the rms, in pixels.

    A constant displacement (a reframing) is no jitter: each tile's mean over the shot is taken out. What is left is
    rigid and non-rigid together, rms over tiles. nan where no tile could be measured.
    """
    if not shifts:
        return np.zeros(0), math.nan
    stack = np.stack([np.asarray(s, np.float64) for s in shifts])
    seen = np.isfinite(stack).all(axis=-1, keepdims=True)
    count = np.maximum(seen.sum(axis=0, keepdims=True), 1)
    mean = np.where(seen, stack, 0.0).sum(axis=0, keepdims=True) / count
    squared = np.where(seen, np.square(stack - mean), 0.0).sum(axis=(1, 2, 3))
    tiles = seen.sum(axis=(1, 2, 3))
    each = np.sqrt(np.divide(squared, tiles, out=np.full(len(shifts), np.nan), where=tiles > 0))
    total = int(tiles.sum())
    return each, math.sqrt(float(squared.sum()) / total) if total else math.nan


def _tile_shift(a: Image, b: Image, box: tuple[slice, slice]) -> tuple[float, float]:
    first, second = np.ascontiguousarray(a[box]), np.ascontiguousarray(b[box])
    nothing = (math.nan, math.nan)
    if min(first.shape) < 8 or float(first.std()) < 1e-3 or float(second.std()) < 1e-3:
        return nothing
    hann = cv2.createHanningWindow((first.shape[1], first.shape[0]), cv2.CV_32F)
    (dx, dy), _ = cv2.phaseCorrelate(first - first.mean(), second - second.mean(), hann)
    if abs(dx) > first.shape[1] / 4 or abs(dy) > first.shape[0] / 4:
        dx = dy = 0.0
    # The search looks up the test picture round the tile's place too, so that a shifted tile does not run off it.
    left, top = (max(s.start - (s.stop - s.start) // 2, 0) for s in (box[1], box[0]))
    right, bottom = (s.stop + (s.stop - s.start) // 2 for s in (box[1], box[0]))
    wide = np.ascontiguousarray(b[top:bottom, left:right])
    warp = np.array([[1, 0, box[1].start - left + dx], [0, 1, box[0].start - top + dy]], np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ECC_STEPS, _ECC_PRECISION)
    try:
        score, warp = cv2.findTransformECC(first, wide, warp, cv2.MOTION_TRANSLATION, criteria, None, 1)
    except cv2.error:  # the search did not converge: the tile has no vote
        return nothing
    shift = (float(warp[0, 2]) + left - box[1].start, float(warp[1, 2]) + top - box[0].start)
    if score < 0.5 or abs(shift[0]) > first.shape[1] / 3 or abs(shift[1]) > first.shape[0] / 3:
        return nothing
    return shift
