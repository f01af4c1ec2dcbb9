"""A reel's fade from its pictures: what each shot shows is gathered, then all shots are solved together.

What is gathered is small and plain, so that shots analysed one by one can be pooled afterwards without their pictures.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.fade import on_negative
from wetgate.color.fade_prior import believed, unfading
from wetgate.color.fade_solver import Anchor, AnchorKind, Solved, confidence, solve
from wetgate.color.film_dyes import Medium
from wetgate.color.primaries import inverse
from wetgate.ops.fade_field import (
    COLUMNS,
    LEAST,
    MOST,
    ROWS,
    SIZE,
    WHOLE,
    Evidence,
    Window,
    basis,
    blocks_of,
    most_probable,
    of_base,
    of_black,
    of_picture,
    pooled_evidence,
)
from wetgate.ops.fade_statistics import pooled, reduced, statistics_of
from wetgate.ops.film_border import PIECES, Border, agreed, borders, inside
from wetgate.spec import Frame, Image, Point, Shot

Array = NDArray[np.float64]

ANCHORS: tuple[AnchorKind, ...] = ("base", "black", "neutral", "skin")
_FRAMES_A_SHOT = 4
_FRAMES_ALONE = 8  # of a shot that stands for its reel
_BORDER_FRAMES = 12
_COLOURS = 40  # of each shot, kept to judge a solution by
_PATCH = 0.008  # of the picture's height: half the side of a place that somebody points at
# The reversal is held back where the error to be expected is more than these shares of what it would change.
_SURE, _UNSURE = 0.8, 1.2
# How far a shot's field may differ from its reel's, against a reel's from none.
_SHOT_FIELD = 0.6


@dataclass(frozen=True)
class Setup:
    """What a solution depends on beside the pictures."""

    medium: Medium
    matrix: Array
    broad: bool
    borders: bool
    black_density: float
    fades: bool = True

    def film(self, frame: Frame) -> Image:
        """The density of the film that a frame shows."""
        return frame.rgb if self.medium == "print" else on_negative(frame.rgb)


@dataclass(frozen=True)
class Pointed:
    """A place (shares of width and height) in a frame where somebody says what is seen."""

    kind: AnchorKind
    number: int
    place: Point


@dataclass(frozen=True, eq=False)
class Seen(Pointed):
    """What is seen at such a place: its median density (3,)."""

    density: Array


@dataclass(frozen=True, eq=False)
class ShotFacts:
    """What one shot shows: statistics, mean dye amounts of its blocks, and some of its densities."""

    first: int
    last: int
    statistics: Array
    blocks: Array
    colours: Array


@dataclass(frozen=True, eq=False)
class Gathered:
    """What some footage shows: its shots, the borders around its pictures, the places that were pointed at.

    ``window`` is where the picture is inside the borders: left, top, right, bottom as shares of the frame.
    """

    shots: tuple[ShotFacts, ...]
    borders: tuple[Border, ...]
    points: tuple[Seen, ...]
    window: Window

    def to_json(self) -> dict[str, Any]:
        return {
            "shots": [
                {
                    "first": s.first,
                    "last": s.last,
                    "statistics": _rounded(s.statistics, 4),
                    "blocks": _rounded(s.blocks, 3),
                    "colours": _rounded(s.colours, 3),
                }
                for s in self.shots
            ],
            "borders": [
                {"side": b.side, "kind": b.kind, "depth": b.depth, "pieces": _rounded(b.pieces, 4)}
                for b in self.borders
            ],
            "points": [
                {"kind": p.kind, "frame": p.number, "place": list(p.place), "density": _rounded(p.density, 4)}
                for p in self.points
            ],
            "window": [round(v, 4) for v in self.window],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Gathered:
        shots = tuple(
            ShotFacts(
                s["first"],
                s["last"],
                np.array(s["statistics"]),
                np.array(s["blocks"]).reshape(ROWS, COLUMNS, 3),
                np.array(s["colours"]).reshape(-1, 3),
            )
            for s in data["shots"]
        )
        around = tuple(
            Border(b["side"], b["kind"], b["depth"], np.array(b["pieces"]).reshape(PIECES, 3)) for b in data["borders"]
        )
        points = tuple(
            Seen(p["kind"], p["frame"], (p["place"][0], p["place"][1]), np.array(p["density"])) for p in data["points"]
        )
        left, top, right, bottom = data["window"]
        return cls(shots, around, points, (left, top, right, bottom))


def gather(
    shot: Shot,
    setup: Setup,
    pointed: Sequence[Pointed],
    check_abort: Callable[[], None],
    progress: Callable[[float], None],
) -> Gathered:
    """Look at a few frames of each shot. Raises what ``check_abort`` raises."""
    numbers = list(shot.numbers)
    some = [numbers[i] for i in np.unique(np.linspace(0, len(numbers) - 1, _BORDER_FRAMES).round().astype(int))]
    seen = []
    if setup.borders:
        for number in some:
            check_abort()
            seen.append(borders(setup.film(shot[number])))
    around = agreed(seen)
    starts = [0, *(numbers.index(c) for c in shot.cuts), len(numbers)]
    parts = [numbers[a:b] for a, b in itertools.pairwise(starts)]
    most = _FRAMES_ALONE if len(parts) == 1 else _FRAMES_A_SHOT
    found = []
    size = (1, 1)
    for done, part in enumerate(parts, 1):
        frames = [part[i] for i in np.unique(np.linspace(0, len(part) - 1, most).round().astype(int))]
        pictures = []
        for number in frames:
            check_abort()
            film = setup.film(shot[number])
            size = film.shape[:2]
            pictures.append(reduced(inside(film, around)))
        found.append(_facts(part, pictures, setup))
        progress(done / len(parts))
    points = tuple(Seen(p.kind, p.number, p.place, _sampled(setup.film(shot[p.number]), p.place)) for p in pointed)
    return Gathered(tuple(found), tuple(around), points, _window(around, *size))


def solve_reel(gathered: Sequence[Gathered], setup: Setup) -> list[dict[str, Any]]:
    """The results of analyses, one for each piece of footage, of everything as one reel."""
    return Reel(gathered, setup).results()


class Reel:
    """All that is known of a reel, on the way to its solution.

    Fade and field depend on one another: the fade is solved for where it has gone its mean way, and where that is says
    the field, which needs the fade's gains. Two rounds settle both.
    """

    def __init__(self, gathered: Sequence[Gathered], setup: Setup) -> None:
        self._gathered = gathered
        self._setup = setup
        self._to_amounts = inverse(setup.matrix)
        self._every = [s for g in gathered for s in g.shots]
        self._borders = [b for g in gathered for b in g.borders]
        self._field = np.zeros(SIZE)
        self._fields = [np.zeros(SIZE) for _ in self._every]
        self._solved = self._solve(self._every)
        for _ in range(2):
            self._find_fields()
            self._solved = self._solve(self._every)

    def results(self) -> list[dict[str, Any]]:
        anchors = self._anchors()
        fade = self._solved.fade
        reel = self._told(self._solved, self._every) | {
            "field": _rounded(self._field, 4),
            "shots": len(self._every),
            "base": self._end("base") is not None,
            "black": self._end("black") is not None,
            "loss": _rounded(fade.loss, 4),
            "stain": _rounded(fade.stain, 4),
            "anchors": [
                {"kind": a.kind, "misses": round(r, 5)} for a, r in zip(anchors, self._solved.residuals, strict=True)
            ],
        }
        fields = iter(self._fields)
        made = []
        for g in self._gathered:
            shots = []
            for s in g.shots:
                own = self._told(self._solve([s]), [s])
                shots.append({"first": s.first, "last": s.last, "field": _rounded(next(fields), 4), "own": own})
            made.append({"reel": reel, "shots": shots, "gathered": g.to_json()})
        return made

    def _solve(self, shots: Sequence[ShotFacts]) -> Solved:
        belief = believed(
            pooled(np.array([s.statistics for s in shots])),
            self._setup.medium,
            self._setup.broad,
            self._end("base"),
            self._end("black"),
        )
        if not self._setup.fades:
            belief = unfading()
        return solve(belief, self._setup.matrix, self._anchors())

    def _told(self, solved: Solved, shots: Sequence[ShotFacts]) -> dict[str, Any]:
        made, wrong = confidence(solved, np.concatenate([s.colours for s in shots]))
        share = wrong / max(made, 1e-6)
        if not self._setup.fades:
            share = 0.0 if self._end("base") is not None else 1.0
        return {
            "vector": _rounded(solved.fade.vector(), 5),
            "trust": round(float(np.clip((_UNSURE - share) / (_UNSURE - _SURE), 0, 1)), 4),
            "change": round(made, 3),
            "expected_error": round(wrong, 3),
        }

    def _find_fields(self) -> None:
        fade, matrix = self._solved.fade, self._setup.matrix
        log_gain, stain = np.log(fade.gain), fade.base
        of_shots = [
            (of_picture(s.blocks, log_gain, stain, g.window), _border_evidence(g.borders, log_gain, stain, matrix))
            for g in self._gathered
            for s in g.shots
        ]
        of_reel = _border_evidence(self._borders, log_gain, stain, matrix)
        self._field = most_probable(pooled_evidence([seen for seen, _ in of_shots]) + of_reel)
        self._fields = [most_probable(seen + around, self._field, _SHOT_FIELD) for seen, around in of_shots]

    def _end(self, kind: AnchorKind) -> Array | None:
        """Dye amounts of clear film or of black where the fade has gone its mean way: of the places that were pointed
        at, else of the borders, else None."""
        seen = [
            self._at_mean(kind, p.density @ self._to_amounts.T, np.array(self._extent_at(p)))
            for g in self._gathered
            for p in g.points
            if p.kind == kind
        ]
        if not seen:
            for where, border in ((g.window, b) for g in self._gathered for b in g.borders):
                if border.kind == kind:
                    far = 1 + basis(*_along(border), where) @ self._field
                    every = self._at_mean(kind, border.pieces @ self._to_amounts.T, far)
                    seen.append(np.median(every[1:-1], axis=0))
        return np.mean(seen, axis=0) if seen else None

    def _at_mean(self, kind: AnchorKind, amounts: Array, far: Array) -> Array:
        """Amounts (.., 3) that were seen where the fade had gone ``far`` (..), as they would be where it is 1."""
        far = np.maximum(far, 0.3)[..., None]
        if kind == "base":
            return np.asarray(amounts / far)
        if not hasattr(self, "_solved"):
            return amounts
        fade = self._solved.fade
        return np.asarray((amounts - fade.base * far) * fade.gain ** (far - 1) + fade.base)

    def _extent_at(self, point: Seen) -> float:
        shots = [(g, s) for g in self._gathered for s in g.shots]
        index = next((i for i, (g, _) in enumerate(shots) if point in g.points and _holds(shots[i][1], point)), None)
        theta = self._field if index is None else self._fields[index]
        window = WHOLE if index is None else shots[index][0].window
        where = basis(np.array(point.place[0]), np.array(point.place[1]), window)
        return float(np.clip(1 + where @ theta, LEAST, MOST))

    def _anchors(self) -> list[Anchor]:
        """Anchors to be met. A frame line is no such anchor: how dense it was is not known to a hundredth."""
        points = [p for g in self._gathered for p in g.points]
        found = []
        base = self._end("base")
        if base is not None and not any(p.kind == "base" for p in points):
            found.append(Anchor("base", (self._setup.matrix @ base)[None], np.zeros((1, 3))))
        for p in points:
            target = np.full((1, 3), self._setup.black_density if p.kind == "black" else 0.0)
            found.append(Anchor(p.kind, p.density[None], target, self._extent_at(p)))
        return found


def _facts(part: Sequence[int], pictures: Sequence[Image], setup: Setup) -> ShotFacts:
    to_amounts = inverse(setup.matrix)
    statistics = np.mean([statistics_of(p, to_amounts) for p in pictures], axis=0)
    blocks = np.mean([blocks_of(p.astype(np.float64) @ to_amounts.T) for p in pictures], axis=0)
    densities = np.concatenate([p.reshape(-1, 3) for p in pictures])
    even = np.linspace(0, len(densities) - 1, min(_COLOURS, len(densities))).round().astype(int)
    return ShotFacts(part[0], part[-1], statistics, blocks, densities[even].astype(np.float64))


def _sampled(film: Image, place: Point) -> Array:
    """Median density of a small square."""
    height, width = film.shape[:2]
    half = max(1, round(_PATCH * height))
    x, y = min(int(place[0] * width), width - 1), min(int(place[1] * height), height - 1)
    patch = film[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]
    return np.asarray(np.median(patch.reshape(-1, 3), axis=0), np.float64)


def _window(around: Sequence[Border], height: int, width: int) -> Window:
    depth = {b.side: b.depth for b in around}
    left, right = depth.get("left", 0) / width, 1 - depth.get("right", 0) / width
    return left, depth.get("top", 0) / height, right, 1 - depth.get("bottom", 0) / height


def _border_evidence(around: Sequence[Border], log_gain: Array, stain: Array, matrix: Array) -> Evidence:
    to_amounts = inverse(matrix)
    total = Evidence.none()
    for border in around:
        x, y = _along(border)
        amounts = border.pieces @ to_amounts.T
        # Where borders cross, one covers the ends of the other.
        inner = slice(1, -1)
        if border.kind == "black":
            total = total + of_black((amounts - stain)[inner], x[inner], y[inner], log_gain)
        else:
            total = total + of_base(amounts[inner], x[inner], y[inner], stain)
    return total


def _holds(shot: ShotFacts, point: Seen) -> bool:
    return shot.first <= point.number <= shot.last


def _along(border: Border) -> tuple[Array, Array]:
    """Where the pieces of a border are: (PIECES,) across and down."""
    along = (np.arange(PIECES) + 0.5) / PIECES
    edge = np.full(PIECES, 0.0 if border.side in ("top", "left") else 1.0)
    return (along, edge) if border.side in ("top", "bottom") else (edge, along)


def _rounded(values: Array, digits: int) -> list[float]:
    return [round(float(v), digits) for v in np.asarray(values).ravel()]
