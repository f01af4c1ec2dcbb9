"""A reel's fade from what its footage shows (:mod:`wetgate.ops.fade_facts`): all shots are solved together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.fade_prior import Belief, believed, unfading
from wetgate.color.fade_solver import Anchor, AnchorKind, Solved, confidence, solve
from wetgate.color.primaries import inverse
from wetgate.ops.fade_facts import Gathered, Likeness, Setup, ShotFacts, rounded
from wetgate.ops.fade_field import (
    LEAST,
    MOST,
    SIZE,
    Evidence,
    basis,
    most_probable,
    of_base,
    of_black,
    of_picture,
    pooled_evidence,
)
from wetgate.ops.fade_statistics import pooled
from wetgate.ops.fade_trust import Warrant, warranted
from wetgate.ops.film_border import PIECES, Border
from wetgate.spec import Point

Array = NDArray[np.float64]

# The places of a reference still are an anchor in each of so many parts of the picture across and down.
_PARTS = 4
# How far a shot's field may differ from its reel's, against a reel's from none.
_SHOT_FIELD = 0.6


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
        self._solved, self._belief = self._solve(self._every)
        for _ in range(2):
            self._find_fields()
            self._solved, self._belief = self._solve(self._every)

    def results(self) -> list[dict[str, Any]]:
        anchors = self._anchors()
        fade = self._solved.fade
        warrant = self._warrant(self._solved, self._belief, self._every)
        reel = self._told(self._solved, warrant, self._every) | {
            "matrix": rounded(self._setup.matrix, 5),
            "field": rounded(self._field, 4),
            "shots": len(self._every),
            "base": self._end("base") is not None,
            "black": self._end("black") is not None,
            "loss": rounded(fade.loss, 4),
            "stain": rounded(fade.stain, 4),
            "anchors": [
                {"kind": a.kind, "misses": round(r, 5)} for a, r in zip(anchors, self._solved.residuals, strict=True)
            ],
        }
        held_to = np.minimum(warrant.shares, np.median(warrant.shares))
        each = iter(zip(self._fields, held_to, strict=True))
        made = []
        for g in self._gathered:
            shots = []
            for s in g.shots:
                field, held = next(each)
                solved, belief = self._solve([s])
                own = self._told(solved, self._warrant(solved, belief, [s]), [s])
                told = {"first": s.first, "last": s.last, "field": rounded(field, 4), "own": own}
                shots.append(told | {"trust": round(float(held), 4)})
            made.append({"reel": reel, "shots": shots, "gathered": g.to_json()})
        return made

    def _solve(self, shots: Sequence[ShotFacts]) -> tuple[Solved, Belief]:
        """The fade of some shots, and the belief that it comes from."""
        belief = believed(
            pooled(np.array([s.statistics for s in shots])),
            self._setup.medium,
            self._setup.broad,
            self._end("base"),
            self._end("black"),
        )
        if not self._setup.fades:
            belief = unfading()
        return solve(belief, self._setup.matrix, self._anchors()), belief

    def _warrant(self, solved: Solved, belief: Belief, shots: Sequence[ShotFacts]) -> Warrant:
        told = any(a.kind not in ("base", "black") for a in self._anchors())
        return warranted(solved, belief, shots, self._setup.matrix, base=self._end("base") is not None, told=told)

    def _told(self, solved: Solved, warrant: Warrant, shots: Sequence[ShotFacts]) -> dict[str, Any]:
        made, wrong = confidence(solved, np.concatenate([s.colours for s in shots]))
        return {
            "vector": rounded(solved.fade.vector(), 5),
            "trust": round(float(np.median(warrant.shares)), 4),
            "held": {cause: round(share, 4) for cause, share in warrant.causes.items()},
            "change": round(made, 3),
            "expected_error": round(wrong, 3),
        }

    def _find_fields(self) -> None:
        """Where borders show it. What pictures alone say of a field, their own colours mimic: following it lost more
        than it won on reels of 16 pictures, whether they had faded evenly or not."""
        if not self._borders:
            return
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
            self._at_mean(kind, p.density @ self._to_amounts.T, self._extent_at(g, p.number, p.place))
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

    def _at_mean(self, kind: AnchorKind, amounts: Array, extent: Array | float) -> Array:
        """Amounts (.., 3) that were seen where the fade had gone ``extent`` (..) far, as they would be where that is
        1."""
        far = np.maximum(extent, 0.3)[..., None]
        if kind == "base":
            return np.asarray(amounts / far)
        if not hasattr(self, "_solved"):
            return amounts
        fade = self._solved.fade
        return np.asarray((amounts - fade.base * far) * fade.gain ** (far - 1) + fade.base)

    def _extent_at(self, gathered: Gathered, number: int, place: Point) -> float:
        """How far the fade has gone at a place of a frame."""
        shots = [(g, s) for g in self._gathered for s in g.shots]
        index = next((i for i, (g, s) in enumerate(shots) if g is gathered and s.first <= number <= s.last), None)
        theta = self._field if index is None else self._fields[index]
        where = basis(np.array(place[0]), np.array(place[1]), gathered.window)
        return float(np.clip(1 + where @ theta, LEAST, MOST))

    def _anchors(self) -> list[Anchor]:
        """Anchors to be met. A frame line is no such anchor: how dense it was is not known to a hundredth."""
        points = [(g, p) for g in self._gathered for p in g.points]
        found = []
        base = self._end("base")
        if base is not None and not any(p.kind == "base" for _, p in points):
            found.append(Anchor("base", (self._setup.matrix @ base)[None], np.zeros((1, 3))))
        for g, p in points:
            target = np.full((1, 3), self._setup.black_density if p.kind == "black" else 0.0)
            found.append(Anchor(p.kind, p.density[None], target, self._extent_at(g, p.number, p.place)))
        for g in self._gathered:
            if g.likeness is not None:
                found += self._alike(g, g.likeness)
        return found

    def _alike(self, gathered: Gathered, like: Likeness) -> list[Anchor]:
        """The places of a reference still, an anchor for each part of the picture: they have not faded equally far."""
        part = np.minimum((like.places * _PARTS).astype(int), _PARTS - 1)
        found = []
        for one in np.unique(part, axis=0):
            chosen = (part == one).all(axis=1)
            x, y = like.places[chosen].mean(axis=0)
            extent = self._extent_at(gathered, like.number, (float(x), float(y)))
            found.append(Anchor("match", like.seen[chosen], like.wanted[chosen], extent))
        return found


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


def _along(border: Border) -> tuple[Array, Array]:
    """Where the pieces of a border are: (PIECES,) across and down."""
    along = (np.arange(PIECES) + 0.5) / PIECES
    edge = np.full(PIECES, 0.0 if border.side in ("top", "left") else 1.0)
    return (along, edge) if border.side in ("top", "bottom") else (edge, along)
