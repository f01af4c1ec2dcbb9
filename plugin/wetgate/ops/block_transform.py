"""The 8x8 block transform of JPEG and MPEG over whole planes: orthonormal DCT-II (ITU-T T.81, A.3.3)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

SIDE = 8


def dct_matrix(side: int = SIDE) -> Image:
    """The orthonormal DCT-II of ``side`` samples: rows are frequencies."""
    frequency, place = np.arange(side)[:, None], np.arange(side)[None]
    matrix = np.cos(math.pi * (2 * place + 1) * frequency / (2 * side)) * math.sqrt(2 / side)
    matrix[0] *= math.sqrt(0.5)
    return np.asarray(matrix, np.float32)


_DCT = dct_matrix()


def whole_blocks(plane: NDArray[Any], phase: tuple[int, int] = (0, 0)) -> NDArray[Any]:
    """The blocks of a plane (H, W) that are there in full, as (rows, columns, 8, 8), a view where it can be.

    ``phase`` is where the first block begins, (x, y), 0 to 7. No rows or columns where none is whole.
    """
    left, top = phase
    rows, columns = max(plane.shape[0] - top, 0) // SIDE, max(plane.shape[1] - left, 0) // SIDE
    part = plane[top : top + SIDE * rows, left : left + SIDE * columns]
    return part.reshape(rows, SIDE, columns, SIDE).transpose(0, 2, 1, 3)


def as_plane(blocks: Image) -> Image:
    """Blocks (rows, columns, 8, 8) put together to a plane."""
    rows, columns = blocks.shape[:2]
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3).reshape(rows * SIDE, columns * SIDE))


def forward(blocks: Image) -> Image:
    """Coefficients of blocks (..., 8, 8)."""
    return _both_ways(_DCT, blocks)


def inverse(coefficients: Image) -> Image:
    """Blocks of coefficients (..., 8, 8)."""
    return _both_ways(_DCT.T, coefficients)


def _both_ways(matrix: Image, blocks: Image) -> Image:
    """``matrix`` applied along the last axis and the last but one, term by term: a BLAS product rounds by how its input
    lies in memory. Worked with the places in a block first, so that each term is a sum of whole rows in memory."""
    places = np.ascontiguousarray(np.moveaxis(blocks, (-2, -1), (0, 1)), np.float32)
    across, made = np.empty_like(places), np.empty_like(places)
    for k in range(len(matrix)):
        _summed(matrix[k], places.swapaxes(0, 1), across[:, k])
    for k in range(len(matrix)):
        _summed(matrix[k], across, made[k])
    return np.moveaxis(made, (0, 1), (-2, -1))


def _summed(weights: Image, terms: Image, out: Image) -> None:
    """The weighted sum of ``terms`` along their first axis."""
    np.multiply(terms[0], weights[0], out=out)
    for term, weight in zip(terms[1:], weights[1:], strict=True):
        out += term * weight
