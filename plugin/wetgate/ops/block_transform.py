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
    return _down(_DCT, _across(_DCT, blocks))


def inverse(coefficients: Image) -> Image:
    """Blocks of coefficients (..., 8, 8)."""
    return _down(_DCT.T, _across(_DCT.T, coefficients))


def _across(matrix: Image, blocks: Image) -> Image:
    """``matrix`` applied along the last axis, term by term: a BLAS product rounds by how its input lies in memory."""
    out = np.empty(blocks.shape, np.float32)
    for k in range(len(matrix)):
        total = blocks[..., 0] * matrix[k, 0]
        for j in range(1, len(matrix)):
            total = total + blocks[..., j] * matrix[k, j]
        out[..., k] = total
    return out


def _down(matrix: Image, blocks: Image) -> Image:
    """The same along the last axis but one."""
    out = np.empty(blocks.shape, np.float32)
    for k in range(len(matrix)):
        total = blocks[..., 0, :] * matrix[k, 0]
        for j in range(1, len(matrix)):
            total = total + blocks[..., j, :] * matrix[k, j]
        out[..., k, :] = total
    return out
