"""Which flat patches of a film show the same thing a frame later: texture does, grain is new in every frame.

A patch is sought in the next frame by normalised cross-correlation over the displacements that a shot's motion has.
Grain correlates with nothing there, but for chance, and chance is as high anywhere else on the same surface of
correlations; texture has one peak that stands out of it, as high as its share of the patch's variance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Plane = NDArray[np.float32]

_REACH = 24  # pixels that a patch may move from one frame to the next: beyond, motion blur has taken fine texture
_AROUND = 4  # pixels about the peak that belong to it
# The highest of some two thousand correlations of grain alone, a few hundred of them independent, stands 3 to 4
# deviations out.
_OUT_OF_CHANCE = 5.0
# A share of the variance: it would take the deviation 3 % too high, which is as near as grain is to be measured.
_NEGLIGIBLE = 0.06
# Structure is like itself at other places too. The coarsest grain, of some fifty independent values a patch, does not
# come so near to itself by chance.
_ALIKE = 0.6
_HELD = 0.95  # correlation in place of a frame that is the one before again


def returning(patches: Plane, places: Sequence[tuple[int, int]], after: Plane) -> NDArray[np.bool_]:
    """Which of the patches (N, size, size), of mean zero, cut at (y, x) from a frame, are seen again in the frame
    ``after`` (H, W)."""
    return np.array([_seen_again(p, at, after) for p, at in zip(patches, places, strict=True)], bool)


def held(patches: Plane, places: Sequence[tuple[int, int]], after: Plane) -> bool:
    """Whether the frame ``after`` is the same picture, grain and all: of held or repeated frames nothing is told."""
    size = patches.shape[1]
    found = [_correlation(p, after[y : y + size, x : x + size]) for p, (y, x) in zip(patches, places, strict=True)]
    return bool(found) and float(np.median(found)) > _HELD


def _seen_again(patch: Plane, place: tuple[int, int], after: Plane) -> bool:
    import cv2  # heavy: loaded when a shot is analysed

    rows, over = _reach(place[0], len(patch), after.shape[0])
    columns, across = _reach(place[1], len(patch), after.shape[1])
    surface = cv2.matchTemplate(after[over, across], np.ascontiguousarray(patch[rows, columns]), cv2.TM_CCOEFF_NORMED)
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    elsewhere = surface.copy()
    elsewhere[max(0, row - _AROUND) : row + _AROUND + 1, max(0, column - _AROUND) : column + _AROUND + 1] = np.nan
    chance = float(np.sqrt(np.nanmean(np.square(elsewhere)))) if np.isfinite(elsewhere).any() else 0.0
    peak = float(surface[row, column])
    return peak > _ALIKE or peak > max(_NEGLIGIBLE, _OUT_OF_CHANCE * chance)


def _reach(start: int, size: int, whole: int) -> tuple[slice, slice]:
    """Along one side: what of a patch is still inside the frame wherever it has moved to, and where that is sought."""
    first, last = max(0, _REACH - start), size - max(0, start + size + _REACH - whole)
    if last - first < size // 3:
        first, last = 0, size  # the frame is hardly larger than the patch
    return slice(first, last), slice(max(0, start + first - _REACH), min(whole, start + last + _REACH))


def _correlation(patch: Plane, other: Plane) -> float:
    off = other - other.mean()
    size = float(np.sqrt(np.square(patch).sum() * np.square(off).sum()))
    return float((patch * off).sum() / size) if size > 0 else 0.0
