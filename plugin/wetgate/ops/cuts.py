"""Where a shot changes: cuts found from the pictures themselves.

Each frame is reduced to a small picture in perceptual code values. A cut is a frame whose difference from the one
before is large in itself and stands out from the differences around it, in level and in distribution: a flash or a
fast pan is large but so are its neighbours, or the picture before the flash returns after it.
Method after Zabih, Miller and Mai (1995) for the outlier test against a local neighbourhood, and Hanjalic (2002) for
the sliding window; thresholds fitted here on cuts between unrelated photographs, flashes, pans and fades.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

_SIZE = (36, 64)
_BINS = 32
_LEAST_DIFFERENCE = 0.045  # mean absolute difference of code values, a tenth of it is noise and slow motion
_LEAST_HISTOGRAM = 0.18  # total-variation distance of the code-value histograms
_STANDS_OUT = 2.5  # times the largest of the neighbouring differences
_NEIGHBOURS = 3

Signature = NDArray[np.float32]


def signature(code_values: Image) -> Signature:
    """A frame's small picture: (36, 64, 3) means over blocks of display code values (0..1 nominal, clipped here)."""
    rows = np.linspace(0, code_values.shape[0], _SIZE[0] + 1).astype(int)
    columns = np.linspace(0, code_values.shape[1], _SIZE[1] + 1).astype(int)
    rows_first = np.minimum(rows[:-1], code_values.shape[0] - 1)
    columns_first = np.minimum(columns[:-1], code_values.shape[1] - 1)
    small = np.add.reduceat(code_values[..., :3], rows_first, axis=0)
    small = np.add.reduceat(small, columns_first, axis=1)
    counts = np.maximum(np.diff(rows), 1)[:, None, None] * np.maximum(np.diff(columns), 1)[None, :, None]
    return np.asarray(np.clip(small / counts, 0.0, 1.0), np.float32)


def find_cuts(numbers: Sequence[int], signatures: Iterable[Signature]) -> tuple[int, ...]:
    """The numbers of the frames that begin a new shot (never the first of ``numbers``)."""
    pictures = list(signatures)
    if len(pictures) < 2:
        return ()
    level = np.array([float(np.abs(b - a).mean()) for a, b in itertools.pairwise(pictures)])
    spread = np.array([_histogram_distance(a, b) for a, b in itertools.pairwise(pictures)])
    found = []
    for i in range(len(level)):
        around = np.concatenate([level[max(0, i - _NEIGHBOURS) : i], level[i + 1 : i + 1 + _NEIGHBOURS]])
        # A cut right beside another one may have one large neighbour, so the second largest is the measure.
        rival = float(np.sort(around)[-2]) if len(around) > 1 else 0.0
        large = level[i] > _LEAST_DIFFERENCE and spread[i] > _LEAST_HISTOGRAM
        if large and level[i] > _STANDS_OUT * rival and not _returns(pictures, i, level[i]):
            found.append(numbers[i + 1])
    return tuple(found)


def _histogram_distance(a: Signature, b: Signature) -> float:
    total = 0.0
    for channel in range(3):
        first = np.histogram(a[..., channel], _BINS, (0.0, 1.0))[0]
        second = np.histogram(b[..., channel], _BINS, (0.0, 1.0))[0]
        total += float(np.abs(first - second).sum()) / (2 * first.sum())
    return total / 3


def _returns(pictures: Sequence[Signature], i: int, difference: float) -> bool:
    """Whether the picture before i+1 is back within three frames: a flash, or one damaged frame."""
    before = pictures[i]
    later = pictures[i + 2 : i + 5]
    earlier = pictures[max(0, i - 3) : i]
    back = any(float(np.abs(p - before).mean()) < 0.4 * difference for p in later)
    left = any(float(np.abs(p - pictures[i + 1]).mean()) < 0.4 * difference for p in earlier)
    return back or left
