"""The fade of a film's dyes as a solver sees it, and its reversal: D = A c + stain, c' = c (1 - f), a curve a dye.

Everything is in scanner density. Faded density D' less the density of the aged base, through A^-1, gives the amounts v
of dye that are left. What was there is c = g v (1 + b g v): g = 1 / (1 - f) for thin dye, b for what the decay's
order and the width of the scanner's bands bend. ``A`` is :func:`wetgate.color.film_dyes.set_matrix`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The curve of a dye is carried on straight from where its slope has fallen or risen to these shares of g.
_LEAST_SLOPE, _MOST_SLOPE = 0.25, 3.0


@dataclass(frozen=True, eq=False)
class DyeFade:
    """How a reel has faded: ``gain`` (3,) g of cyan, magenta, yellow, ``bend`` (3,) b, and ``base`` (3,), what stain
    and scanner put on the film, in dye amounts. ``matrix`` is A."""

    gain: Array
    bend: Array
    base: Array
    matrix: Array

    @classmethod
    def none(cls, matrix: Array) -> DyeFade:
        return cls(np.ones(3), np.zeros(3), np.zeros(3), matrix)

    @property
    def loss(self) -> Array:
        """f (3,): the share of each dye that is gone, where there is little of it."""
        return 1 - 1 / self.gain

    @property
    def stain(self) -> Array:
        """Scanner density (3,) of the aged base."""
        return np.asarray(self.matrix @ self.base)

    def vector(self) -> Array:
        """(9,): ln g, b, base."""
        return np.concatenate([np.log(self.gain), self.bend, self.base])

    @classmethod
    def of_vector(cls, vector: Array, matrix: Array) -> DyeFade:
        return cls(np.exp(vector[:3]), vector[3:6], vector[6:9], matrix)

    def restored(self, density: Array) -> Array:
        """Density (N, 3) before the fade."""
        left = np.asarray(density, np.float64) @ np.linalg.inv(self.matrix).T - self.base
        return np.asarray(unbent(left * self.gain, self.bend) @ self.matrix.T)


def unbent(amounts: Array, bend: Array) -> Array:
    """p (1 + b p) for p >= 0, p below, straight beyond where its slope 1 + 2 b p would leave 0.25 .. 3."""
    ends = bend_ends(bend)
    held = np.clip(amounts, 0.0, ends)
    return amounts + bend * held * (held + 2 * (np.maximum(amounts, 0.0) - held))


def bend_ends(bend: Array) -> Array:
    """The amounts (3,) beyond which each curve goes on straight."""
    limit = np.where(bend < 0, 1 - _LEAST_SLOPE, _MOST_SLOPE - 1)
    return np.minimum(limit / np.maximum(2 * np.abs(bend), 1e-9), 1e6)


def fitted(faded: Array, true: Array, base: Array, matrix: Array) -> DyeFade:
    """The fade of the solver's kind that comes nearest to pairs of densities (N, 3), the aged base's (3,) being known.

    Least squares, weighted as the eye sees differences: lightness goes about as the cube root of light, 10^(-D / 3).
    """
    inverse = np.linalg.inv(matrix)
    held = np.asarray(base, np.float64) @ inverse.T
    left = faded.astype(np.float64) @ inverse.T - held
    wanted = true.astype(np.float64) @ inverse.T
    weight = np.power(10.0, -np.clip(true.mean(axis=1), 0, 4) / 3)
    gain, bend = np.ones(3), np.zeros(3)
    for k in range(3):
        columns = np.stack([left[:, k], np.maximum(left[:, k], 0) ** 2], axis=1) * weight[:, None]
        normal = columns.T @ columns
        # A dye of which there is little does not show its bend: held near none, with the weight of a hundredth.
        normal[1, 1] += 1e-2 * normal[0, 0]
        found = np.linalg.solve(normal, columns.T @ (wanted[:, k] * weight))
        gain[k] = np.clip(found[0], 0.3, 30)
        bend[k] = np.clip(found[1] / gain[k] ** 2, -0.5, 0.5)
    return DyeFade(gain, bend, held, matrix)
