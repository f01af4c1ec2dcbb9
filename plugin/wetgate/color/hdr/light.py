"""The light of an HDR frame, measured: what CTA-861.3, ST 2094-40 and Dolby Vision level 1 are computed from.

All of it is taken from max(R, G, B) of linear Rec.2020 light in nits, limited to 0..10,000, which is what a PQ signal
holds. Every pixel counts (CTA-861.3 Annex P has no mask); percentiles are nearest ranks, so each is a pixel's value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wetgate.color.curves import PQ_PEAK, pq_encode
from wetgate.color.hdr.planes import Array, brightest

# ST 2094-40 as HDR10+ uses it: the percentages that its nine values stand under. The value under 5 is the 99.99th
# percentile, the one under 10 the percentage of pixels at or below 100 nits, the one under 99 the 99.98th percentile.
DISTRIBUTION_INDEX = (1, 5, 10, 25, 50, 75, 90, 95, 99)
_PERCENTILES = (1.0, 99.99, math.nan, 25.0, 50.0, 75.0, 90.0, 95.0, 99.98)
_BAR = 0.02  # nits; a row or column that nowhere passes it belongs to a bar


@dataclass(frozen=True, slots=True)
class FrameLight:
    """One frame's light in nits. ``distribution`` follows :data:`DISTRIBUTION_INDEX` (its third value is in percent).

    ``pq`` holds the least, mean and greatest PQ code of max(R, G, B), 0..1: Dolby Vision's level 1. ``bars`` are the
    widths of black bars: left, right, top, bottom.
    """

    max_rgb: float
    mean_rgb: float
    max_channels: tuple[float, float, float]
    distribution: tuple[float, ...]
    pq: tuple[float, float, float]
    bars: tuple[int, int, int, int]


def measure(rgb: Any) -> FrameLight:
    """The light of linear Rec.2020 pixels (H, W, 3 or 4) in nits."""
    pixels = np.clip(np.asarray(rgb)[..., :3], 0.0, PQ_PEAK)
    plane = brightest(pixels)
    flat = plane.ravel()
    ranks = [rank(p, flat.size) for p in _PERCENTILES if not math.isnan(p)]
    ordered = np.partition(flat, sorted(set(ranks)))
    values = iter([float(ordered[r]) for r in ranks])
    below = 100.0 * float((flat <= 100.0).mean())
    distribution = tuple(below if math.isnan(p) else next(values) for p in _PERCENTILES)
    codes = pq_encode(flat)
    peaks = [pixels[..., c].max() for c in range(3)]
    least, greatest = (float(v) for v in pq_encode(np.array([flat.min(), flat.max()], np.float64)))
    return FrameLight(
        float(flat.max()),
        float(flat.mean(dtype=np.float64)),
        (float(peaks[0]), float(peaks[1]), float(peaks[2])),
        distribution,
        (least, float(codes.mean(dtype=np.float64)), greatest),
        bars(plane),
    )


def rank(percentile: float, count: int) -> int:
    """The place, from 0, of a percentile among ``count`` ordered values, by nearest rank."""
    return max(0, math.ceil(percentile / 100.0 * count) - 1)


def bars(plane: Array) -> tuple[int, int, int, int]:
    """Widths of the black bars of a frame, from its max(R, G, B) (H, W): left, right, top, bottom. A black frame: 0."""
    rows, columns = (np.flatnonzero(plane.max(axis=a) > _BAR) for a in (1, 0))
    if rows.size == 0:
        return (0, 0, 0, 0)
    h, w = plane.shape
    return (int(columns[0]), int(w - 1 - columns[-1]), int(rows[0]), int(h - 1 - rows[-1]))


@dataclass(frozen=True, slots=True)
class ShotLight:
    """A shot's light: what HDR10+ carries for a scene, and Dolby Vision for a shot. Fields as in :class:`FrameLight`.

    Maxima, and the two percentiles next to them, are the greatest of its frames; ``mean_rgb``, the other percentiles
    and the mean code are means over its frames; bars are those that all its lit frames share.
    """

    count: int
    max_rgb: float
    mean_rgb: float
    max_channels: tuple[float, float, float]
    distribution: tuple[float, ...]
    pq: tuple[float, float, float]
    bars: tuple[int, int, int, int]


def of_shot(frames: Sequence[FrameLight]) -> ShotLight:
    """The light of a shot from that of its frames."""
    count = len(frames)
    columns = zip(DISTRIBUTION_INDEX, zip(*(f.distribution for f in frames), strict=True), strict=True)
    r, g, b = (max(f.max_channels[c] for f in frames) for c in range(3))
    return ShotLight(
        count,
        max(f.max_rgb for f in frames),
        sum(f.mean_rgb for f in frames) / count,
        (r, g, b),
        tuple(max(column) if index in (5, 99) else sum(column) / count for index, column in columns),
        (min(f.pq[0] for f in frames), sum(f.pq[1] for f in frames) / count, max(f.pq[2] for f in frames)),
        shared_bars([f.bars for f in frames if f.max_rgb > _BAR]),
    )


def shared_bars(bars_of_all: Sequence[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    """The bars that all have in common: left, right, top, bottom."""
    if not bars_of_all:
        return (0, 0, 0, 0)
    left, right, top, bottom = (min(edge) for edge in zip(*bars_of_all, strict=True))
    return left, right, top, bottom
