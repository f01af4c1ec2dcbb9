"""Noise that has a pattern: rows and columns that are offset, and the grid of a codec's blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]
_GRID = 8


@dataclass(frozen=True, slots=True)
class Pattern:
    """``row`` and ``column`` (C,): standard deviation of their offsets, in the picture's units. ``row_excess`` and
    ``column_excess`` (C,): how many times the variance of their means is what independent pixels would give (1: no
    pattern). ``blockiness`` (2,): mean step across the edges of a grid of 8 pixels against that beside them, down and
    across, in units of its doubt: above 4 there is a grid."""

    row: Array
    column: Array
    row_excess: Array
    column_excess: Array
    blockiness: Array


def pattern_of(image: Image) -> Pattern:
    """The pattern in a picture (H, W, C)."""
    rows, row_excess = _lines(image)
    turned = np.ascontiguousarray(image.transpose(1, 0, 2))
    columns, column_excess = _lines(turned)
    blockiness = np.array([_grid(image.mean(axis=2)), _grid(turned.mean(axis=2))])
    return Pattern(rows, columns, row_excess, column_excess, blockiness)


def _lines(image: Image) -> tuple[Array, Array]:
    """Deviation of the offsets of rows, (C,), and the excess of their variance.

    A row less the mean of its two neighbours, in pieces of 32 pixels; the median of the pieces is the row's, so that
    the picture has to lie level along half of the row to matter. Without a pattern its variance over rows follows from
    the pieces' own spread.
    """
    height, width, channels = image.shape
    pieces = width // 32
    if height < 16 or pieces < 4:
        return np.zeros(channels), np.ones(channels)
    part = image[:, : pieces * 32].reshape(height, pieces, 32, channels).mean(axis=2, dtype=np.float64)
    bend = part[1:-1] - (part[:-2] + part[2:]) / 2
    offset = np.median(bend, axis=1)
    spread = np.median(np.abs(bend - offset[:, None]), axis=1) * 1.4826
    # The median of n normal values has the variance pi / 2 / n of one of them.
    expected = np.median(np.square(spread), axis=0) * (np.pi / 2) / pieces
    found = np.square(np.median(np.abs(offset), axis=0) * 1.4826)
    excess = np.where(expected > 0, found / np.maximum(expected, 1e-30), 1.0)
    # A row and half of each neighbour: 1.5 times the variance of an offset.
    return np.sqrt(np.maximum(found - expected, 0.0) / 1.5), excess


def _grid(grey: Image) -> float:
    """How much larger steps from row to row are at one phase of 8 than at the others, in doubts; 0 for a small
    picture."""
    height, width = grey.shape
    if height < 4 * _GRID or width < 4 * _GRID:
        return 0.0
    second = np.abs(grey[3:] - 3 * grey[2:-1] + 3 * grey[1:-2] - grey[:-3])  # a step stands out from slopes and bends
    line = np.sqrt(second.mean(axis=1, dtype=np.float64) + 1e-20)
    line = np.log(line) - np.log(np.convolve(np.pad(line, 8, mode="reflect"), np.ones(17) / 17, mode="valid"))
    rows = len(line) // _GRID * _GRID
    table = line[:rows].reshape(-1, _GRID)
    phases = np.median(table, axis=0)
    rest = np.median(np.abs(table - phases)) * 1.4826 * np.sqrt(np.pi / 2 / len(table))
    ordered = np.sort(phases)
    return float((ordered[-1] - np.median(ordered)) / max(rest, 1e-9))
