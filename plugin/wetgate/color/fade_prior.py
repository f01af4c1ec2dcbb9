"""What is believed of a reel's fade before anybody says anything: small networks over its pooled statistics.

They were trained on photographs as prints (and as negatives) of measured dye sets, faded spectrally; its card is
``models/cards/fade_prior.md``, its training ``models/train/fade_prior.py``. Three networks say the nine numbers of
:class:`wetgate.color.fade.DyeFade`; another says the covariance of their error, to which their disagreement is added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.film_dyes import Medium

Array = NDArray[np.float64]

STATISTICS = 108
INPUTS = STATISTICS + 9
_MEMBERS = 3
_DISAGREEMENT = 8.0  # weight of the networks' own covariance: they share training, and so miss alike
_SAMPLED = 1e-3  # deviation of a base that was sampled, in dye amounts: the mean of hundreds of 10-bit codes
_FARTHEST = 6.0  # standard deviations of the training set that an input may lie from its mean


@dataclass(frozen=True, eq=False)
class Belief:
    """A Gaussian over a fade's vector (9,): ``precision`` (9, 9) is the inverse of its covariance; ``members`` (n, 9)
    are the opinions that ``mean`` is the mean of."""

    mean: Array
    precision: Array
    members: Array

    def knowing_base(self, base: Array) -> Belief:
        """The same belief where the aged base (3,) is known. The networks were given it, so their gains and bends stay:
        by its covariance with them, which is a coarse one, a miss of 0.05 in their base would move a gain by half."""
        covariance = np.linalg.inv(self.precision)
        covariance[6:] = covariance[:, 6:] = 0
        covariance[6:, 6:] = _SAMPLED**2 * np.eye(3)
        mean, members = self.mean.copy(), self.members.copy()
        mean[6:] = members[:, 6:] = base
        return Belief(mean, np.linalg.inv(covariance), members)


def believed(
    statistics: Array, medium: Medium, broad: bool, base: Array | None = None, black: Array | None = None
) -> Belief:
    """The belief about a reel's fade from its pooled statistics (STATISTICS,), and from the dye amounts (3,) that its
    aged base and its black show, where they were sampled."""
    nothing = np.zeros((1, 3))
    row = inputs_of(
        np.asarray(statistics, np.float64)[None],
        nothing if base is None else base[None],
        nothing if black is None else black[None],
        np.array([[float(broad)]]),
        np.array([float(base is not None)]),
        np.array([float(black is not None)]),
        np.concatenate,
    )
    weights = _weights(medium)
    members = np.array([_network(weights, f"fade{m}", row[0]) for m in range(_MEMBERS)])
    factor = np.zeros((9, 9))
    factor[np.tril_indices(9)] = _network(weights, "error", row[0])
    np.fill_diagonal(factor, np.exp(np.clip(np.diag(factor), -6, 8)))
    factor = factor / weights["scale"][None, :]
    mean = members.mean(axis=0)
    apart = members - mean
    covariance = np.linalg.inv(factor.T @ factor) + _DISAGREEMENT * apart.T @ apart / len(members)
    belief = Belief(mean, np.linalg.inv(covariance), members)
    return belief if base is None else belief.knowing_base(base)


def unfading() -> Belief:
    """The belief about dyes that do not fade: there is stain at most, as much as clear film shows."""
    return Belief(np.zeros(9), np.diag([1e8] * 6 + [1e2] * 3), np.zeros((1, 9)))


def inputs_of(
    statistics: Any, base: Any, black: Any, broad: Any, has_base: Any, has_black: Any, join: Callable[..., Any]
) -> Any:
    """The network's inputs (n, INPUTS), from arrays of numpy or tensors of the training; ``join`` concatenates."""
    with_base, with_black = has_base[:, None], has_black[:, None]
    parts: Sequence[Any] = (statistics, base * with_base, black * with_black, broad, with_base, with_black)
    return join(parts, 1)


def _network(weights: dict[str, Array], name: str, inputs: Array) -> Array:
    x = (inputs - weights[f"{name}_mean"]) / weights[f"{name}_deviation"]
    x = np.clip(x, -_FARTHEST, _FARTHEST)
    for layer in range(3):
        x = weights[f"{name}{layer}_weight"] @ x + weights[f"{name}{layer}_bias"]
        if layer < 2:
            x = x / (1 + np.exp(-x))
    return x


@cache
def _weights(medium: Medium) -> dict[str, Array]:
    with files("wetgate.color").joinpath(f"fade_prior_{medium}.npz").open("rb") as file, np.load(file) as found:
        return {name: found[name].astype(np.float64) for name in found.files}
