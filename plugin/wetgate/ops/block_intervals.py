"""What a JPEG's code says of its picture: an interval for each DCT coefficient, and putting a picture back into them.

An encoder rounds each coefficient to a multiple k of its quantiser q, so the original's lay in (k - 1/2) q to
(k + 1/2) q. The multiples are had from the decoded pixels: the decoder's rounding moves a coefficient by a third of a
code (deviation), and multiples are the file's where they decode to these pixels. Two kinds of block are otherwise:
where pixels were clipped to 0 or 255, or no multiples decode to them, the interval is put about the coefficient itself;
blocks that the picture's edge cuts are not known, and have none.

Chroma is coded at its own size. Its planes are taken back from the decoded picture by undoing the decoder's upsampling;
a result's chroma is held by the mean over each chroma sample, which is what encoders take (T.81 leaves it open).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.color.chroma import downsample, upsample
from wetgate.color.ycbcr import rgb_from_ycbcr, ycbcr_from_rgb
from wetgate.ops.block_transform import SIDE, as_plane, forward, inverse, whole_blocks
from wetgate.spec import Image

JFIF_MATRIX = 6  # BT.601, full range (JFIF 1.02)
_CODES = np.float32(255)
_MIDDLE = np.float32(128)
# Codes by which a decoded sample may lie off what its coefficients say: rounding, and an inexact inverse transform;
# chroma is had back from R'G'B' that was rounded too.
_LUMA_ROUNDING, _CHROMA_ROUNDING = 0.65, 1.4
# Of the blocks of a chroma plane that was not clipped: from here on its upsampling is believed to be undone.
_FITTING = 0.6
# Where an estimate lies outside, the original lies inside, and likelier a little way in than at the end. Measured on
# Classic5 at quality 10 to 40: 0.1 of the interval is 0.01 dB better than its end, as good as the mean of a Gaussian
# that is cut there, and as a table by frequency and code fitted to other photographs.
_INSIDE = 0.1
_SURELY = np.float32(0.999)  # of a limit's square: below it no rounding brings a coefficient over the limit
_TURNS = 14  # of the iteration that undoes the triangle filter: a third of the error is left by each
_ALIKE = np.ones((SIDE, SIDE), np.float32)
Sampling = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Of one plane, in 8-bit codes: ``low`` and ``high``, (rows, columns, 8, 8), for its whole blocks from the top
    left; ``certain`` (rows, columns) where they are about the file's own multiples; ``sampling`` of the plane."""

    low: Image
    high: Image
    certain: NDArray[np.bool_]
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Held:
    """A picture put back into the intervals. ``moved`` (H, W) is 1 where a pixel's luma block had to be moved,
    ``share`` the share of blocks of any plane that were, ``excess`` how far the farthest coefficient had been outside,
    in codes; ``certain`` the share of blocks whose interval is the file's own."""

    rgb: Image
    moved: Image
    share: float
    excess: float
    certain: float


def intervals_of(
    rgb: Image, tables: Sequence[NDArray[np.int64]], sampling: Sequence[Sampling]
) -> list[Intervals | None]:
    """The intervals of each plane of a decoded JPEG: R'G'B' (H, W, 3), 0 to 1. None for a chroma plane whose decoder's
    upsampling is not known here."""
    planes = np.asarray(ycbcr_from_rgb(rgb, JFIF_MATRIX), np.float32) * _CODES
    clipped = np.asarray(((rgb <= 0) | (rgb >= 1)).any(axis=2))
    found: list[Intervals | None] = [_luma(planes[..., 0] - _MIDDLE, clipped, tables[0])]
    for k in range(1, len(tables)):
        found.append(_chroma(planes[..., k], clipped, tables[k], sampling[k]))
    return found


def hold(rgb: Image, intervals: Sequence[Intervals | None]) -> Held:
    """R'G'B' (H, W, 3) with every coefficient in its interval: what lies outside, or by its ends, is put a tenth of the
    interval inside."""
    planes = np.asarray(ycbcr_from_rgb(rgb, JFIF_MATRIX), np.float32) * _CODES
    moved = np.zeros(rgb.shape[:2], np.float32)
    changed, blocks, certain, same = 0, 0, 0, True
    excess = 0.0
    for k, given in enumerate(intervals):
        if given is None or not given.certain.size:
            continue
        sample = planes[..., k] - _MIDDLE if k == 0 else downsample(planes[..., k], given.sampling, "center")
        change, outside = _back_inside(sample, given, _INSIDE)
        marks, same = outside > 0, same and not change.any()
        if k == 0:
            moved[: marks.shape[0] * SIDE, : marks.shape[1] * SIDE] = marks.repeat(SIDE, 0).repeat(SIDE, 1)
            planes[..., 0] += change
        else:
            planes[..., k] += upsample(change, rgb.shape[:2], given.sampling, "center")
        changed, blocks, certain = changed + int(marks.sum()), blocks + marks.size, certain + int(given.certain.sum())
        excess = max(excess, float(outside.max(initial=0.0)))
    if same:
        return Held(rgb, moved, 0.0, excess, certain / max(blocks, 1))
    made = np.asarray(rgb_from_ycbcr(planes / _CODES, JFIF_MATRIX), np.float32)
    return Held(made, moved, changed / blocks, excess, certain / blocks)


def largest_excess(rgb: Image, intervals: Sequence[Intervals | None]) -> float:
    """How far the farthest coefficient of a picture lies outside its interval, in codes."""
    planes = np.asarray(ycbcr_from_rgb(rgb, JFIF_MATRIX), np.float32) * _CODES
    most = 0.0
    for k, given in enumerate(intervals):
        if given is not None and given.certain.size:
            sample = planes[..., k] - _MIDDLE if k == 0 else downsample(planes[..., k], given.sampling, "center")
            most = max(most, float(_back_inside(sample, given)[1].max()))
    return most


def change_within(change: Image, limit: Image, weights: Image = _ALIKE, allowance: float = 0.0) -> Image:
    """A change (H, W) whose DCT coefficients do not exceed ``limit`` (H, W, its value at each block's first pixel
    counts) times their ``weights`` (8, 8), and an ``allowance``: for codecs that predict, whose intervals are about a
    prediction that nobody has, and for a JPEG whose code is not at hand."""
    height, width = change.shape
    padded = np.pad(change, ((0, -height % SIDE), (0, -width % SIDE)))
    blocks, most = whole_blocks(padded), limit[::SIDE, ::SIDE]  # a view of padded
    # No coefficient of an orthonormal transform exceeds the root of its block's sum of squares.
    least = most * weights.min() + np.float32(allowance)
    large = np.square(padded).reshape(-1, SIDE, most.shape[1], SIDE).sum(axis=(1, 3)) > np.square(least) * _SURELY
    coefficients = forward(blocks[large])
    most = most[large][:, None, None] * weights + np.float32(allowance)
    limited = np.clip(coefficients, -most, most)
    beyond = np.asarray((limited != coefficients).any(axis=(1, 2)))
    large[large] = beyond
    blocks[large] = inverse(limited[beyond])
    return padded[:height, :width]


def beyond_whole_blocks(limit: Image) -> Image:
    """``limit`` (H, W) where blocks are cut by the picture's edge, which have no intervals; none in whole blocks."""
    height, width = limit.shape
    out = limit.copy()
    out[: height // SIDE * SIDE, : width // SIDE * SIDE] = np.inf
    return out


def _back_inside(plane: Image, given: Intervals, within: float = 0.0) -> tuple[Image, Image]:
    """The change (the plane's size) that brings it inside, by a share ``within`` of the interval, and how far outside
    each block was."""
    coefficients = forward(whole_blocks(plane))
    outside = np.maximum(given.low - coefficients, coefficients - given.high).max(axis=(2, 3), initial=0.0)
    room = np.float32(within) * (given.high - given.low)
    step = np.clip(coefficients, given.low + room, given.high - room) - coefficients
    change = np.zeros(plane.shape, np.float32)
    rows, columns = step.shape[:2]
    change[: rows * SIDE, : columns * SIDE] = as_plane(inverse(step))
    return change, outside


def _luma(plane: Image, clipped: NDArray[np.bool_], table: NDArray[np.int64]) -> Intervals:
    whole = np.rint(plane)  # libjpeg's own luma, but where R'G'B' was clipped
    sound = np.asarray(~whole_blocks(clipped).any(axis=(2, 3)))
    return _about(whole_blocks(whole), sound, table, (1, 1), _LUMA_ROUNDING)


def _about(
    blocks: Image, sound: NDArray[np.bool_], table: NDArray[np.int64], sampling: Sampling, rounding: float
) -> Intervals:
    """Intervals about the multiples that decode to these blocks, within the decoder's rounding.

    In a flat block all pixels are rounded alike, which moves its mean by up to half a code and its first coefficient
    by four: so multiples of that one beside the nearest are tried, and the interval spans all that decode so.
    """
    step = table.astype(np.float32)
    coefficients = forward(blocks)
    nearest = np.rint(coefficients / step) * step
    off = inverse(nearest) - blocks
    low, high = np.full(blocks.shape[:2], np.inf, np.float32), np.full(blocks.shape[:2], -np.inf, np.float32)
    reach = int(np.ceil(4 / step[0, 0])) if step[0, 0] < 2 * 4 else 0
    for turns in range(-reach, reach + 1):
        shift = turns * step[0, 0]
        fits = np.abs(off + shift / SIDE).max(axis=(2, 3), initial=0.0) <= rounding
        low[fits], high[fits] = np.minimum(low[fits], shift), np.maximum(high[fits], shift)
    certain = sound & (low <= high)
    centre = np.asarray(np.where(certain[..., None, None], nearest, coefficients), np.float32)
    intervals = Intervals(np.asarray(centre - step / 2), np.asarray(centre + step / 2), certain, sampling)
    intervals.low[..., 0, 0] += np.where(certain, low, 0)
    intervals.high[..., 0, 0] += np.where(certain, high, 0)
    return intervals


def _chroma(plane: Image, clipped: NDArray[np.bool_], table: NDArray[np.int64], sampling: Sampling) -> Intervals | None:
    if any(step not in (1, 2, 4) for step in sampling):
        return None
    means = downsample(plane, sampling, "center")
    across, down = sampling
    padded = np.pad(clipped, ((0, -clipped.shape[0] % down), (0, -clipped.shape[1] % across)), mode="edge")
    hurt = np.asarray(padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across).any(axis=(1, 3)))
    sound = np.asarray(~whole_blocks(hurt).any(axis=(2, 3)))
    best: Intervals | None = None
    for sample in (means, _without_triangle(means, sampling)):
        made = _about(whole_blocks(sample), sound, table, sampling, _CHROMA_ROUNDING)
        if best is None or made.certain.sum() > best.certain.sum():
            best = made
    assert best is not None
    return best if best.certain.sum() >= _FITTING * max(int(sound.sum()), 1) else None


def _without_triangle(means: Image, sampling: Sampling) -> Image:
    """The samples whose enlargement by libjpeg's triangle filter ("fancy upsampling", jdsample.c) has these means.

    The filter gives 3/4 of the nearer sample and 1/4 of the next; the mean of a pair is 6/8 of its own sample and 1/8
    of either neighbour, edges repeated.
    """
    sample = means
    for _ in range(_TURNS):
        sample = sample + np.float32(4 / 3) * (means - _smoothed(sample, sampling))
    return sample


def _smoothed(sample: Image, sampling: Sampling) -> Image:
    for axis, step in ((1, sampling[0]), (0, sampling[1])):
        if step == 2:
            padded = np.pad(sample, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            before, after = (padded[:, :-2], padded[:, 2:]) if axis else (padded[:-2], padded[2:])
            sample = np.float32(0.75) * sample + np.float32(0.125) * (before + after)
    return sample
