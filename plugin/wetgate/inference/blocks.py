"""A picture divided into blocks: their means, extremes, and smooth fields that go through values at the blocks.

The grid depends on the picture's size alone. An axis of s px has max(1, s // block) blocks that differ by a pixel at
most.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.inference.arrays import Array, indices, library, like


@dataclass(frozen=True, slots=True)
class _Axis:
    edges: NDArray[np.int64]
    of_pixel: NDArray[np.int64]
    left: NDArray[np.int64]  # of each pixel: the block centres beside it, and how far it lies from the left one
    right: NDArray[np.int64]
    share: NDArray[np.float64]
    unsmooth: NDArray[np.float64]  # block means of a smooth field -> the values at the blocks that give them


@functools.lru_cache(maxsize=64)
def _axis(size: int, block: int) -> _Axis:
    count = max(1, size // block)
    edges = np.rint(np.linspace(0, size, count + 1)).astype(np.int64)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    x = np.arange(size)
    right = np.clip(np.searchsorted(centres, x), 0, count - 1)
    left = np.clip(right - 1, 0, count - 1)
    left = np.where(x <= centres[0], 0, left)
    right = np.where(x >= centres[-1], count - 1, right)
    gap = np.where(right > left, centres[right] - centres[left], 1.0)
    share = np.where(right > left, (x - centres[left]) / gap, 0.0)
    upsample = np.zeros((size, count))
    np.add.at(upsample, (x, left), 1 - share)
    np.add.at(upsample, (x, right), share)
    means = np.add.reduceat(upsample, edges[:-1], axis=0) / np.diff(edges)[:, None]
    of_pixel = np.repeat(np.arange(count), np.diff(edges))
    return _Axis(edges, of_pixel, left, right, share, np.asarray(np.linalg.inv(means), np.float64))


class Blocks:
    """The blocks of a picture (height, width)."""

    def __init__(self, height: int, width: int, block: int) -> None:
        self._y, self._x = _axis(height, block), _axis(width, block)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self._y.edges) - 1, len(self._x.edges) - 1

    def mean(self, x: Array) -> Array:
        """Mean of each block: (H, W, C) to (rows, columns, C)."""
        rows, columns = np.diff(self._y.edges), np.diff(self._x.edges)
        total = _reduced(_reduced(x, self._x, 1, "add"), self._y, 0, "add")
        return total / like(rows[:, None, None] * columns[None, :, None], x)

    def extreme(self, x: Array, *, least: bool) -> Array:
        """The least or greatest value of each block and its eight neighbours."""
        lib = library(x)
        how = "minimum" if least else "maximum"
        found = _reduced(_reduced(x, self._x, 1, how), self._y, 0, how)
        pick = lib.minimum if least else lib.maximum
        for axis in (0, 1):
            n = found.shape[axis]
            place = np.arange(n)
            before = found.take(np.maximum(place - 1, 0), axis) if lib is np else _taken(found, place - 1, axis)
            after = found.take(np.minimum(place + 1, n - 1), axis) if lib is np else _taken(found, place + 1, axis)
            found = pick(pick(before, found), after)
        return found

    def smooth(self, values: Array) -> Array:
        """The field (H, W, C) that is ``values`` at the blocks' centres and linear between, constant outside."""
        y, x = self._y, self._x
        rows = _between(values, y, 0)
        return _between(rows, x, 1)

    def hold(self, r: Array, bound: float) -> Array:
        """``r`` less a smooth field, such that no block's mean is beyond +-``bound``; ``r`` itself where none was."""
        lib = library(r)
        mean = self.mean(r)
        excess = mean - lib.clip(mean, -bound, bound)
        if not bool((excess != 0).any()):
            return r
        values = np.asarray(excess if lib is np else excess.cpu().numpy(), np.float64)
        values = np.einsum("ij,jkc->ikc", self._y.unsmooth, values)
        values = np.einsum("ij,kjc->kic", self._x.unsmooth, values)
        return r - self.smooth(like(values, r))


def _reduced(x: Array, axis: _Axis, along: int, how: str) -> Array:
    """Sum or extreme over the pixels of each block along one axis, in one order on every device."""
    lib = library(x)
    if lib is np:
        return getattr(np, how).reduceat(x, axis.edges[:-1], axis=along)
    name = {"add": "sum", "minimum": "amin", "maximum": "amax"}[how]
    parts = x.split(np.diff(axis.edges).tolist(), dim=along)
    return lib.stack([getattr(part, name)(dim=along) for part in parts], dim=along)


def _taken(x: Array, place: NDArray[np.int64], axis: int) -> Array:
    return x.index_select(axis, indices(np.clip(place, 0, x.shape[axis] - 1), x))


def _between(values: Array, axis: _Axis, along: int) -> Array:
    share = like(axis.share, values)[:, None, None] if along == 0 else like(axis.share, values)[None, :, None]
    left = _picked(values, axis.left, along)
    return left + (_picked(values, axis.right, along) - left) * share


def _picked(values: Array, place: NDArray[np.int64], along: int) -> Array:
    return values.take(place, along) if library(values) is np else values.index_select(along, indices(place, values))
