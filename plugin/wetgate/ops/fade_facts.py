"""What footage of a faded film shows, gathered shot by shot: small and plain, so that shots analysed one by one can be
pooled afterwards without their pictures.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.fade import on_negative
from wetgate.color.fade_solver import AnchorKind
from wetgate.color.film_dyes import Medium
from wetgate.color.primaries import inverse
from wetgate.ops.fade_field import COLUMNS, ROWS, Window, blocks_of
from wetgate.ops.fade_statistics import PICTURE_SIZE, reduced, statistics_of
from wetgate.ops.film_border import PIECES, Border, agreed, borders, inside
from wetgate.ops.still_match import LEAST_AGREEMENT, matched
from wetgate.spec import Frame, Image, Point, Shot, UsageError

Array = NDArray[np.float64]

ANCHORS: tuple[AnchorKind, ...] = ("base", "black", "neutral", "skin")
_FRAMES_A_SHOT = 4
_FRAMES_ALONE = 8  # of a shot that stands for its reel
_BORDER_FRAMES = 12
_COLOURS = 40  # of each shot, kept to judge a solution by
_PATCH = 0.008  # of the picture's height: half the side of a place that somebody points at
_LEAST_PLACES, _MOST_PLACES = 12, 240  # by which a reference still is compared


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
class Likeness:
    """What a reference still says: densities ``seen`` (N, 3) in the footage at ``places`` (N, 2, shares of width and
    height) of frame ``number``, and ``wanted`` (N, 3), what the still has there. ``agreement``: of their structures."""

    number: int
    seen: Array
    wanted: Array
    places: Array
    agreement: float

    def to_json(self) -> dict[str, Any]:
        return {
            "frame": self.number,
            "seen": rounded(self.seen, 3),
            "wanted": rounded(self.wanted, 3),
            "places": rounded(self.places, 4),
            "agreement": round(self.agreement, 4),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Likeness:
        seen, wanted = (np.array(data[name]).reshape(-1, 3) for name in ("seen", "wanted"))
        return cls(data["frame"], seen, wanted, np.array(data["places"]).reshape(-1, 2), data["agreement"])


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
    """What some footage shows: its shots, the borders around its pictures, the places that were pointed at, and what a
    reference still says of it.

    ``window`` is where the picture is inside the borders: left, top, right, bottom as shares of the frame.
    """

    shots: tuple[ShotFacts, ...]
    borders: tuple[Border, ...]
    points: tuple[Seen, ...]
    window: Window
    likeness: Likeness | None = None

    def to_json(self) -> dict[str, Any]:
        like = {} if self.likeness is None else {"likeness": self.likeness.to_json()}
        return like | {
            "shots": [
                {
                    "first": s.first,
                    "last": s.last,
                    "statistics": rounded(s.statistics, 4),
                    "blocks": rounded(s.blocks, 3),
                    "colours": rounded(s.colours, 3),
                }
                for s in self.shots
            ],
            "borders": [
                {"side": b.side, "kind": b.kind, "depth": b.depth, "pieces": rounded(b.pieces, 4)} for b in self.borders
            ],
            "points": [
                {"kind": p.kind, "frame": p.number, "place": list(p.place), "density": rounded(p.density, 4)}
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
        like = Likeness.from_json(data["likeness"]) if "likeness" in data else None
        return cls(shots, around, points, (left, top, right, bottom), like)


def demand_alike(gathered: Gathered) -> None:
    """Raise :class:`UsageError` for what a version of Wetgate gathered that looked at other things: that can be shown,
    and not be solved together with others."""
    sizes = {len(s.statistics) for s in gathered.shots}
    if sizes != {PICTURE_SIZE}:
        raise UsageError(
            f"the analysis of a fade has {min(sizes, default=0)} statistics of a shot",
            where="analysis of color_decay",
            allowed=f"{PICTURE_SIZE}: other versions of Wetgate looked at other things",
            remedy="analyse the shot again",
        )


def gather(
    shot: Shot,
    setup: Setup,
    pointed: Sequence[Pointed],
    check_abort: Callable[[], None],
    progress: Callable[[float], None],
    still: tuple[int, Frame] | None = None,
) -> Gathered:
    """Look at a few frames of each shot, and at a reference still of the frame of that number.

    Raises what ``check_abort`` raises, and :class:`UsageError` where the still does not show that frame.
    """
    like = None if still is None else _likeness(shot[still[0]], still[1], setup)
    numbers = list(shot.numbers)
    some = [numbers[i] for i in np.unique(np.linspace(0, len(numbers) - 1, _BORDER_FRAMES).round().astype(int))]
    seen = []
    if setup.borders:
        for number in some:
            check_abort()
            seen.append(borders(setup.film(shot[number])))
    starts = [0, *(numbers.index(c) for c in shot.cuts), len(numbers)]
    around = agreed(seen, len(starts) - 1)
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
    return Gathered(tuple(found), tuple(around), points, _window(around, *size), like)


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


def _likeness(frame: Frame, still: Frame, setup: Setup) -> Likeness:
    found = matched(setup.film(frame), setup.film(still))
    if len(found.places) < _LEAST_PLACES:
        raise UsageError(
            f"the reference picture does not show frame {frame.number}: their structures agree to"
            f" {found.agreement:.2f}, in {len(found.places)} places",
            where="--reference",
            allowed=f"an agreement from {LEAST_AGREEMENT:g}, {_LEAST_PLACES} places",
            remedy="give a still of that frame, or name the frame that it shows by anchor_frame",
        )
    chosen = np.unique(np.linspace(0, len(found.places) - 1, _MOST_PLACES).round().astype(int))
    return Likeness(frame.number, found.seen[chosen], found.wanted[chosen], found.places[chosen], found.agreement)


def trust_in(results: Mapping[str, Any], shot: Mapping[str, Any], reel_lock: bool) -> float:
    """What share of its fade a shot gets, by the results of an analysis. In older ones all shots have their reel's."""
    solved = shot["own"] if not reel_lock else shot if "trust" in shot else results["reel"]
    return float(solved["trust"])


def rounded(values: Array, digits: int) -> list[float]:
    return [round(float(v), digits) for v in np.asarray(values).ravel()]
