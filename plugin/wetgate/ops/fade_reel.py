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
from wetgate.color.fade_prior import believed
from wetgate.color.fade_solver import Anchor, AnchorKind, Solved, confidence, solve
from wetgate.color.film_dyes import Medium
from wetgate.color.primaries import inverse
from wetgate.ops.fade_field import (
    COLUMNS,
    ROWS,
    Evidence,
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
_SURE, _UNSURE = 0.45, 0.75
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
    points: tuple[tuple[AnchorKind, Array], ...]
    window: tuple[float, float, float, float]

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
            "points": [{"kind": kind, "density": _rounded(density, 4)} for kind, density in self.points],
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
        points = tuple((p["kind"], np.array(p["density"])) for p in data["points"])
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
    points = tuple((p.kind, _sampled(setup.film(shot[p.number]), p.place)) for p in pointed)
    return Gathered(tuple(found), tuple(around), points, _window(around, *size))


def solve_reel(gathered: Sequence[Gathered], setup: Setup) -> list[dict[str, Any]]:
    """The results of analyses, one for each piece of footage, of everything as one reel."""
    around = _borders_of_all(gathered)
    points = [point for g in gathered for point in g.points]
    every = [s for g in gathered for s in g.shots]
    base, black = _end("base", points, around), _end("black", points, around)
    anchors = _anchors(points, base, setup)

    def solved_from(shots: Sequence[ShotFacts]) -> tuple[Solved, float, dict[str, Any]]:
        to_amounts = inverse(setup.matrix)
        belief = believed(
            pooled(np.array([s.statistics for s in shots])),
            setup.medium,
            setup.broad,
            None if base is None else to_amounts @ base,
            None if black is None else to_amounts @ black,
        )
        solved = solve(belief, setup.matrix, anchors)
        made, wrong = confidence(solved, np.concatenate([s.colours for s in shots]))
        share = wrong / max(made, 1e-6)
        trust = float(np.clip((_UNSURE - share) / (_UNSURE - _SURE), 0, 1))
        told = {"vector": _rounded(solved.fade.vector(), 5), "trust": round(trust, 4)}
        return solved, trust, told | {"change": round(made, 3), "expected_error": round(wrong, 3)}

    solved, _, reel = solved_from(every)
    log_gain, stain = np.log(solved.fade.gain), solved.fade.base
    around_evidence = _border_evidence(around, log_gain, stain, setup.matrix)
    of_shots = [[of_picture(s.blocks, log_gain, stain, g.window) for s in g.shots] for g in gathered]
    field = most_probable(pooled_evidence([e for shots in of_shots for e in shots]) + around_evidence)
    reel |= {
        "field": _rounded(field, 4),
        "shots": len(every),
        "base": base is not None,
        "black": black is not None,
        "loss": _rounded(solved.fade.loss, 4),
        "stain": _rounded(solved.fade.stain, 4),
        "anchors": [{"kind": a.kind, "misses": round(r, 5)} for a, r in zip(anchors, solved.residuals, strict=True)],
    }
    results = []
    for g, evidence in zip(gathered, of_shots, strict=True):
        own_borders = _border_evidence(g.borders, log_gain, stain, setup.matrix)
        shots = []
        for s, e in zip(g.shots, evidence, strict=True):
            own = most_probable(e + own_borders, field, _SHOT_FIELD)
            told = solved_from([s])[2]
            shots.append({"first": s.first, "last": s.last, "field": _rounded(own, 4), "own": told})
        results.append({"reel": reel, "shots": shots, "gathered": g.to_json()})
    return results


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


def _window(around: Sequence[Border], height: int, width: int) -> tuple[float, float, float, float]:
    depth = {b.side: b.depth for b in around}
    left, right = depth.get("left", 0) / width, 1 - depth.get("right", 0) / width
    return left, depth.get("top", 0) / height, right, 1 - depth.get("bottom", 0) / height


def _borders_of_all(gathered: Sequence[Gathered]) -> list[Border]:
    return [b for g in gathered for b in g.borders]


def _end(kind: AnchorKind, points: Sequence[tuple[AnchorKind, Array]], around: Sequence[Border]) -> Array | None:
    """Density of clear film or of black: where it was pointed at, else of the borders, else None."""
    those = [density for k, density in points if k == kind] or [b.density for b in around if b.kind == kind]
    return np.mean(those, axis=0) if those else None


def _anchors(points: Sequence[tuple[AnchorKind, Array]], base: Array | None, setup: Setup) -> list[Anchor]:
    """Anchors to be met. A frame line is no such anchor: how dense it was is not known to a hundredth."""
    found = [] if base is None else [Anchor("base", base[None], np.zeros((1, 3)))]
    for kind, density in points:
        if kind != "base":
            target = np.full((1, 3), setup.black_density if kind == "black" else 0.0)
            found.append(Anchor(kind, density[None], target))
    return found


def _border_evidence(around: Sequence[Border], log_gain: Array, stain: Array, matrix: Array) -> Evidence:
    to_amounts = inverse(matrix)
    along = (np.arange(PIECES) + 0.5) / PIECES
    total = Evidence.none()
    for border in around:
        edge = np.full(PIECES, 0.0 if border.side in ("top", "left") else 1.0)
        x, y = (along, edge) if border.side in ("top", "bottom") else (edge, along)
        amounts = border.pieces @ to_amounts.T
        # Where borders cross, one covers the ends of the other.
        inner = slice(1, -1)
        if border.kind == "black":
            total = total + of_black((amounts - stain)[inner], x[inner], y[inner], log_gain)
        else:
            total = total + of_base(amounts[inner], x[inner], y[inner], stain)
    return total


def _rounded(values: Array, digits: int) -> list[float]:
    return [round(float(v), digits) for v in np.asarray(values).ravel()]
