"""How unevenly a picture has faded: a low-order field that scales the fade, found from borders and from the picture.

E(x, y) = 1 + sum theta_i B_i(x, y), each B_i of mean zero over the picture (its window in the frame): cosines up to
the second order, and the two edges, where fading goes in from the sides of the roll. A fade of gain g then has the gain
g^E there. Frame lines and clear film show E along the border; in the picture it is sought as differences between dyes
that follow the field's form, against the belief that what the picture shows has none. The most probable theta under
Gaussians, in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]
Window = tuple[float, float, float, float]  # left, top, right, bottom, as shares of the frame

WHOLE: Window = (0.0, 0.0, 1.0, 1.0)

ROWS, COLUMNS = 8, 12  # blocks that a picture is averaged over
_ORDER = 3  # cosines along each side, the constant among them
_EDGE = 0.07  # of the width: how far the edge's fade reaches
SIZE = _ORDER * _ORDER + 1
# Beliefs, in units of E: the size of a coefficient of the first order, and of the edges.
_COEFFICIENT = 0.16
_EDGES = 0.3
# Colour that a block of a picture has by itself, in dye amounts, and over how many blocks it reaches.
_PICTURE_COLOUR = 0.35
_ALIKE_BLOCKS = 8.0
_BORDER_ERROR = 0.03  # of ln amount along a frame line
_STAIN_ERROR = 0.01  # of amount along clear film
LEAST, MOST = 0.0, 3.0  # that E is held in


def basis(x: Array, y: Array, window: Window) -> Array:
    """B (..., SIZE) at places of 0 to 1 across and down; ``window`` is where the picture is."""
    x, y = np.broadcast_arrays(x, y)
    across, down = _waves(x), _waves(y)
    parts = [down[i] * across[j] for i in range(_ORDER) for j in range(_ORDER) if i or j]
    return np.asarray(np.stack([*parts, np.exp(-x / _EDGE), np.exp(-(1 - x) / _EDGE)], axis=-1) - _means(window))


def extent(
    theta: Array, window: Window, height: int, width: int, x: int = 0, y: int = 0, full: tuple[int, int] | None = None
) -> Image:
    """E (height, width) of the part at (x, y) of a frame of ``full`` = (height, width)."""
    whole_height, whole_width = full or (height, width)
    u = (np.arange(x, x + width) + 0.5) / whole_width
    v = (np.arange(y, y + height) + 0.5) / whole_height
    grid = np.concatenate([[0.0], theta[: SIZE - 2]]).reshape(_ORDER, _ORDER)
    edges = theta[-2] * np.exp(-u / _EDGE) + theta[-1] * np.exp(-(1 - u) / _EDGE)
    field = _waves(v).T @ grid @ _waves(u) + edges + (1 - _means(window) @ theta)
    return np.asarray(np.clip(field, LEAST, MOST), np.float32)


def _waves(places: Array) -> Array:
    return np.stack([np.cos(np.pi * k * places) for k in range(_ORDER)])


def _means(window: Window) -> Array:
    """The mean of each of the functions over the window."""
    left, top, right, bottom = window

    def waves(a: float, b: float) -> list[float]:
        rest = [math.sin(math.pi * k * b) - math.sin(math.pi * k * a) for k in range(1, _ORDER)]
        return [1.0, *(r / (math.pi * k * (b - a)) for k, r in enumerate(rest, 1))]

    def edge(a: float, b: float) -> float:
        return _EDGE * (math.exp(-a / _EDGE) - math.exp(-b / _EDGE)) / (b - a)

    across, down = waves(left, right), waves(top, bottom)
    parts = [down[i] * across[j] for i in range(_ORDER) for j in range(_ORDER) if i or j]
    return np.array([*parts, edge(left, right), edge(1 - right, 1 - left)])


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one shot says: theta's normal equations, ``information`` (SIZE, SIZE) and ``pull`` (SIZE,)."""

    information: Array
    pull: Array

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(self.information + other.information, self.pull + other.pull)

    @classmethod
    def none(cls) -> Evidence:
        return cls(np.zeros((SIZE, SIZE)), np.zeros(SIZE))


def of_picture(blocks: Array, log_gain: Array, base: Array, window: Window) -> Evidence:
    """From the mean dye amounts (ROWS, COLUMNS, 3) of a picture's blocks, under the reel's ln gain and base (3,).

    ``window`` says where in the frame the picture is: left, top, right, bottom as shares of width and height.

    A block's restored amounts c have differences between dyes r; if E were more by one there, c would be c ln g more.
    """
    left = np.maximum(blocks - base, 0.0)
    restored = left * np.exp(log_gain)
    moved = restored * log_gain
    colour = _differences(restored)
    slope = _differences(moved)
    left_x, top, right, bottom = window
    x = left_x + (right - left_x) * (np.arange(COLUMNS) + 0.5) / COLUMNS
    y = top + (bottom - top) * (np.arange(ROWS) + 0.5) / ROWS
    waves = basis(x[None, :], y[:, None], window)
    error = _PICTURE_COLOUR**2 * _ALIKE_BLOCKS
    evidence = Evidence.none()
    for k in range(2):
        centred = colour[..., k] - colour[..., k].mean()
        rows = slope[..., k, None] * waves
        rows = (rows - rows.mean(axis=(0, 1))).reshape(-1, SIZE)
        # The restoration at E = 1 leaves -slope (E - 1) where the fade went further: too little was put back.
        evidence += Evidence(rows.T @ rows / error, -rows.T @ centred.ravel() / error)
    return evidence


def of_black(amounts: Array, x: Array, y: Array, log_gain: Array) -> Evidence:
    """From the dye amounts (n, 3), the base's taken off, along a frame line at places x, y (n,): the black is the same
    everywhere, so ln amount falls by (E - 1) ln g."""
    weight = float((log_gain**2).sum())
    if weight < 0.02 or (amounts <= 0.02).any():
        return Evidence.none()
    logs = np.log(amounts)
    seen = -((logs - logs.mean(axis=0)) @ log_gain) / weight
    waves = basis(x, y, WHOLE)
    waves = waves - waves.mean(axis=0)
    error = _BORDER_ERROR**2 / weight
    return Evidence(waves.T @ waves / error, waves.T @ seen / error)


def of_base(amounts: Array, x: Array, y: Array, stain: Array) -> Evidence:
    """From the dye amounts (n, 3) along clear film: the stain (3,) times E."""
    weight = float((stain**2).sum())
    if weight < 1e-3:
        return Evidence.none()
    seen = (amounts - amounts.mean(axis=0)) @ stain / weight
    waves = basis(x, y, WHOLE)
    waves = waves - waves.mean(axis=0)
    error = _STAIN_ERROR**2 / weight
    return Evidence(waves.T @ waves / error, waves.T @ seen / error)


def most_probable(evidence: Evidence, about: Array | None = None, share: float = 1.0) -> Array:
    """theta (SIZE,). ``about`` is the field of the reel, from which a shot's differs by ``share`` of what a reel's
    differs from none."""
    centre = np.zeros(SIZE) if about is None else about
    precision = np.diag(1 / (share * _believed()) ** 2)
    return np.asarray(np.linalg.solve(evidence.information + precision, evidence.pull + precision @ centre))


def blocks_of(amounts: Array) -> Array:
    """Mean dye amounts (ROWS, COLUMNS, 3) of the blocks of a picture (H, W, 3)."""
    rows = np.array_split(np.arange(amounts.shape[0]), ROWS)
    columns = np.array_split(np.arange(amounts.shape[1]), COLUMNS)
    every = amounts.mean(axis=(0, 1))
    made = np.empty((ROWS, COLUMNS, 3))
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            made[i, j] = amounts[np.ix_(r, c)].mean(axis=(0, 1)) if len(r) and len(c) else every
    return made


def pooled_evidence(parts: Sequence[Evidence]) -> Evidence:
    """All that the shots of a reel say about the field that they have in common."""
    total = Evidence.none()
    for part in parts:
        total = total + part
    return total


def _believed() -> Array:
    sizes = [_COEFFICIENT / max(i, j) for i in range(_ORDER) for j in range(_ORDER) if i or j]
    return np.array([*sizes, _EDGES, _EDGES])


def _differences(amounts: Array) -> Array:
    return np.asarray(amounts[..., (0, 2)] - amounts[..., 1:2])
