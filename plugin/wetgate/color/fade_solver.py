"""A reel's fade from what is believed of it and from what a person points at: the maximum of the posterior.

The belief is a Gaussian (:mod:`wetgate.color.fade_prior`). Anchors are things whose colour before the fade is known:
the film's clear base, its black, something neutral, skin. They are met as exactly as the fade's nine numbers allow, by
Gauss-Newton steps with a tolerance of 2e-4 of density; where they contradict one another that is least squares, and
what is left of each is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.color.density import linear_from_density
from wetgate.color.difference import xyz_to_lab
from wetgate.color.fade import DyeFade
from wetgate.color.fade_prior import Belief
from wetgate.color.primaries import rgb_to_xyz

Array = NDArray[np.float64]
AnchorKind = Literal["base", "black", "neutral", "skin", "match"]

_TOLERANCE = 2e-4
_STEPS = 12
_LEAST = np.array([-0.4] * 3 + [-0.45] * 3 + [-0.5] * 3)
_MOST = np.array([3.2] * 3 + [0.45] * 3 + [1.5] * 3)
# Densities of the light and dark skin of the ColorChecker (BabelColor's averages in sRGB: 194 150 130 and 115 82 68) go
# up from red to green 1.84 and from green to blue 1.0 times the same step, within a tenth of the step's usual 0.28.
_SKIN_STEP_RATIO = 0.54
# Of density, by which an anchor may be missed: what is clear film, black or grey is so; skins differ, and so do two
# prints or a print and its video transfer.
_TOLERANCES: dict[AnchorKind, float] = {"skin": 0.02, "match": 0.03}
_TO_XYZ = rgb_to_xyz("rec709")


@dataclass(frozen=True, eq=False)
class Anchor:
    """Something in the reel whose colour before the fade is known.

    ``density`` (n, 3) is as it is seen now; ``target`` (n, 3) what it was, for base, black and match. Neutral and skin
    know a hue and leave the density open. ``extent`` is how far the fade has gone there, 1 in the mean.
    """

    kind: AnchorKind
    density: Array
    target: Array
    extent: float = 1.0

    @property
    def tolerance(self) -> float:
        return _TOLERANCES.get(self.kind, _TOLERANCE)

    def misses(self, fade: DyeFade) -> Array:
        """By how much the restored densities miss what is known, in density."""
        restored = fade.at(self.extent).restored(self.density)
        if self.kind == "neutral":
            return np.asarray((restored[:, (0, 2)] - restored[:, 1:2]).ravel())
        if self.kind == "skin":
            steps = np.diff(restored, axis=1)
            return np.asarray(steps[:, 1] - _SKIN_STEP_RATIO * steps[:, 0])
        return np.asarray((restored - self.target).ravel())


@dataclass(frozen=True, eq=False)
class Solved:
    """The fade, the covariance (9, 9) of what is not known of it, and what each anchor misses (root mean square)."""

    fade: DyeFade
    covariance: Array
    residuals: tuple[float, ...]


def solve(belief: Belief, matrix: Array, anchors: Sequence[Anchor]) -> Solved:
    """The most probable fade."""
    vector = np.clip(belief.mean, _LEAST, _MOST)
    information = belief.precision.copy()
    for _ in range(_STEPS if anchors else 0):
        misses, slopes = _linear(vector, matrix, anchors)
        information = belief.precision + slopes.T @ slopes
        pull = belief.precision @ (belief.mean - vector) - slopes.T @ misses
        step = np.linalg.solve(information, pull)
        vector = np.clip(vector + step * min(1.0, 0.7 / max(float(np.abs(step).max()), 1e-9)), _LEAST, _MOST)
        if np.abs(step).max() < 1e-6:
            break
    fade = DyeFade.of_vector(vector, matrix)
    left = tuple(float(np.sqrt(np.mean(a.misses(fade) ** 2))) for a in anchors)
    return Solved(fade, np.asarray(np.linalg.inv(information), np.float64), left)


def _linear(vector: Array, matrix: Array, anchors: Sequence[Anchor]) -> tuple[Array, Array]:
    """All misses (m,) and their slopes (m, 9), in tolerances."""

    def misses(v: Array) -> Array:
        fade = DyeFade.of_vector(v, matrix)
        return np.concatenate([a.misses(fade) / a.tolerance for a in anchors])

    here = misses(vector)
    columns = []
    for k in range(9):
        moved = vector.copy()
        moved[k] += 1e-5
        columns.append((misses(moved) - here) / 1e-5)
    return here, np.stack(columns, axis=1)


def confidence(solved: Solved, density: Array) -> tuple[float, float]:
    """Colour difference (CIE 1976, chroma weighted as in 1994) that the reversal makes in a picture of densities
    (N, 3), and that which is expected to be wrong with it."""
    middle = _lab(solved.fade.restored(density))
    weight = _weight(middle)
    made = np.sqrt((((middle - _lab(density)) * weight) ** 2).sum(axis=1).mean())
    slopes = []
    for k in range(9):
        moved = solved.fade.vector()
        moved[k] += 0.01
        there = _lab(DyeFade.of_vector(moved, solved.fade.matrix).restored(density))
        slopes.append(((there - middle) / 0.01 * weight).ravel())
    jacobian = np.array(slopes)
    wrong = np.trace(jacobian @ jacobian.T @ solved.covariance) / len(density)
    return float(made), float(np.sqrt(max(wrong, 0.0)))


def disagreement(belief: Belief, matrix: Array, density: Array) -> float:
    """How far apart the opinions that a belief is made of restore a picture of densities (N, 3): the greatest colour
    difference between two of them, as a share of what their mean changes."""
    members = [_lab(_fade_of(v, matrix).restored(density)) for v in belief.members]
    middle = _lab(_fade_of(belief.mean, matrix).restored(density))
    weight = _weight(middle)

    def between(a: Array, b: Array) -> float:
        return float(np.sqrt((((a - b) * weight) ** 2).sum(axis=1).mean()))

    apart = max((between(a, b) for i, a in enumerate(members) for b in members[:i]), default=0.0)
    return apart / max(between(middle, _lab(density)), 1e-6)


def _fade_of(vector: Array, matrix: Array) -> DyeFade:
    return DyeFade.of_vector(np.clip(vector, _LEAST, _MOST), matrix)


def _weight(lab: Array) -> Array:
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    return np.stack([np.ones_like(chroma), 1 / (1 + 0.03 * chroma), 1 / (1 + 0.03 * chroma)], axis=1)


def _lab(density: Array) -> Array:
    return np.asarray(
        xyz_to_lab(np.clip(linear_from_density(density), 0, 1.2) @ _TO_XYZ.T, _TO_XYZ.sum(axis=1)), np.float64
    )
