"""What a scan shows around the picture: the frame line, where a print is as black as it gets, and clear film.

A border is a band of lines along an edge that are alike, end at a step, and are denser (or thinner) in every channel
than nearly all of the picture. Digital black, which no scanner sees in film, is none. A wall or a strip of sky along
one side of a picture looks the same, in one of ten photographs; so frames of one shot have to show a pair, a border and
one like it on the opposite side. Beside a pair, and where several shots have it, a single one is believed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]

SIDES = ("top", "bottom", "left", "right")
_DEEPEST = 0.12  # of the picture's height or width that a border may take
_ALIKE = 0.10  # of density, by which lines of a border may differ, and pixels along them (half their spread)
_STEP = 0.12  # of density, the least at the border's end
_FLOOR = 5e-4  # of the base's light: half the spread that a scanner of 60 dB adds at any density
_UNEVEN = 0.15  # share of its density by which a border may differ from frame to frame
_SHOTS = 3  # that hardly have the same wall along the same side
_COMPARED = 8  # pieces of a line that are compared with those of the next
_NO_FILM = 4.2  # density that no print has: a matte put in later
PIECES = 12  # that a border is sampled in along its length


@dataclass(frozen=True, eq=False)
class Border:
    """``depth`` lines along a side. ``pieces`` (PIECES, 3) are mean densities along it."""

    side: str
    kind: str  # "black" or "base"
    depth: int
    pieces: Array

    @property
    def density(self) -> Array:
        """Mean density (3,) of the middle two thirds."""
        return np.asarray(self.pieces[PIECES // 6 : -PIECES // 6].mean(axis=0))


def borders(density: Image) -> list[Border]:
    """The borders of one scan (H, W, 3), at most one a side."""
    found = []
    height, width = density.shape[:2]
    if min(height, width) < 32:
        return []
    inner = density[height // 6 : -(height // 6), width // 6 : -(width // 6)].reshape(-1, 3)
    inner = inner[:: max(1, len(inner) // 20000)]
    thin, dense = np.quantile(inner, (0.03, 0.97), axis=0)
    for side in SIDES:
        lines = _from_edge(density, side)
        depth = _depth(lines)
        if depth == 0:
            continue
        part = lines[_skipped(depth) : depth - _skipped(depth)]
        mean = np.median(part[:, part.shape[1] // 6 : -(part.shape[1] // 6)].reshape(-1, 3), axis=0)
        if mean.max() > _NO_FILM:
            continue
        kind = "black" if (mean > dense - _ALIKE).all() else "base" if (mean < thin + _ALIKE).all() else ""
        if kind:
            pieces = np.array([np.median(p.reshape(-1, 3), axis=0) for p in np.array_split(part, PIECES, axis=1)])
            found.append(Border(side, kind, depth, pieces))
    return found


def agreed(of_frames: Sequence[Sequence[Border]], shots: int = 1) -> list[Border]:
    """The borders that at least half of the frames have, alike in kind and density; the median of each. ``shots`` says
    of how many shots the frames are.

    Where the fade is uneven, and in each shot otherwise, black differs by a share of its density.
    """
    result = []
    for side in SIDES:
        same = [b for frame in of_frames for b in frame if b.side == side]
        for kind in ("black", "base"):
            those = [b for b in same if b.kind == kind]
            if not those or 2 * len(those) < len(of_frames):
                continue
            densities = np.array([b.density for b in those])
            middle = np.median(densities, axis=0)
            if _differ(np.median(np.abs(densities - middle), axis=0), middle):
                continue
            depth = int(np.median([b.depth for b in those]))
            result.append(Border(side, kind, depth, np.median([b.pieces for b in those], axis=0)))
    return result if shots >= _SHOTS or _paired(result) else []


def _paired(found: Sequence[Border]) -> bool:
    """Whether two opposite sides have borders of one kind and of about one density."""
    sides = {b.side: b for b in found}
    for one, other in (("top", "bottom"), ("left", "right")):
        a, b = sides.get(one), sides.get(other)
        if a is not None and b is not None and a.kind == b.kind:
            middle = (a.density + b.density) / 2
            if not _differ(np.abs(a.density - b.density) / 2, middle):
                return True
    return False


def _differ(apart: Array, middle: Array) -> bool:
    return bool((apart > _ALIKE + _UNEVEN * np.abs(middle)).any())


def inside(density: Image, around: Sequence[Border]) -> Image:
    """The picture without its borders; one line more is cut, where the scanner's lens has blurred the step."""
    depth = dict.fromkeys(SIDES, 0) | {b.side: b.depth + 1 for b in around}
    height, width = density.shape[:2]
    return density[depth["top"] : height - depth["bottom"], depth["left"] : width - depth["right"]]


def _from_edge(density: Image, side: str) -> Image:
    """Lines along a side, the outermost first: (depth, length, 3)."""
    limit = max(4, int(_DEEPEST * (density.shape[0] if side in ("top", "bottom") else density.shape[1])))
    if side == "top":
        return density[:limit]
    if side == "bottom":
        return density[::-1][:limit]
    turned = density.transpose(1, 0, 2)
    return turned[:limit] if side == "left" else turned[::-1][:limit]


def _depth(lines: Image) -> int:
    """How many lines from the edge are alike, 0 where there is no such border or it does not end at a step.

    Lines are compared piece by piece, since an uneven fade changes a border slowly along its length.
    """
    middle = lines[:, lines.shape[1] // 6 : -(lines.shape[1] // 6)].astype(np.float64)
    split = np.array_split(middle, min(_COMPARED, middle.shape[1]), axis=1)
    level = np.stack([np.median(p, axis=1) for p in split], axis=1)
    within = np.stack([np.median(np.abs(p - np.median(p, axis=1)[:, None]), axis=1) for p in split], axis=1)
    first = np.median(level[1:4], axis=0) if len(level) > 3 else level[0]
    if np.median(np.abs(first - _slow(first)), axis=0).max() > _ALIKE:
        return 0
    allowed = _ALIKE + _FLOOR / math.log(10) * np.power(10.0, np.minimum(first, _NO_FILM))
    apart = np.median(np.abs(level - first), axis=1).max(axis=1)
    rough = np.median(within - allowed, axis=1).max(axis=1)
    alike = (apart < _ALIKE) & (rough < 0)
    alike[0] = True  # the outermost line may hold the scanner's own edge
    depth = len(alike) if alike.all() else int(np.argmin(alike))
    if depth < 3 or depth > len(lines) - 2:
        return 0
    step = np.median(np.abs(level[min(depth + 1, len(level) - 1)] - first), axis=0).max()
    return depth if step > _STEP else 0


def _slow(along: Array) -> Array:
    """The parabola through densities (pieces, 3) along a border: what an uneven fade may do to it."""
    powers = np.linspace(-1, 1, len(along))[:, None] ** np.arange(min(3, len(along)))
    return np.asarray(powers @ np.linalg.lstsq(powers, along, rcond=None)[0])


def _skipped(depth: int) -> int:
    """Lines at either end of a border that are not sampled."""
    return 1 if depth > 4 else 0
