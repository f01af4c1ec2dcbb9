"""Pixels as planes: the layout that the lifts work in, one contiguous (3, N) block at a time.

A lift is arithmetic on single pixels, so a picture may be cut anywhere: bands of rows run on as many threads as are
given, and every pixel comes out the same whatever the cut.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Kernel = Callable[[Array], Array]

_BLOCK = 1 << 15  # pixels worked at once: the temporaries of one block stay in a core's cache


def multiply(matrix: Any, planes: Array) -> Array:
    """A 3x3 matrix applied to planes (3, N); float64 in, the planes' own type out."""
    m = np.asarray(matrix, np.float64).astype(planes.dtype)
    out = np.empty_like(planes)
    product = np.empty(planes.shape[1:], planes.dtype)
    for row in range(3):
        np.multiply(planes[0], m[row, 0], out=out[row])
        for channel in (1, 2):
            np.multiply(planes[channel], m[row, channel], out=product)
            out[row] += product
    return out


def weigh(weights: tuple[float, float, float], planes: Array) -> Array:
    """The weighted sum of three planes, shape (N,)."""
    total: Array = planes[0] * planes.dtype.type(weights[0])
    for channel in (1, 2):
        total += planes[channel] * planes.dtype.type(weights[channel])
    return total


def over_pixels(kernel: Kernel, rgb: Any, threads: int = 1, check: Callable[[], None] | None = None) -> Array:
    """``kernel``, which takes and returns planes (3, N), run over all pixels of ``rgb`` (..., 3).

    Blocks run on ``threads`` threads (NumPy lets go of the interpreter lock); ``check`` is called between blocks and
    may raise. The input is not written to; float32 stays float32, everything else is worked in float64.
    """
    pixels = np.asarray(rgb)
    if pixels.dtype != np.float32:
        pixels = pixels.astype(np.float64, copy=False)
    flat = pixels.reshape(-1, 3)
    out = np.empty_like(flat)

    def work(start: int) -> None:
        if check is not None:
            check()
        block = np.ascontiguousarray(flat[start : start + _BLOCK].T)
        out[start : start + _BLOCK] = kernel(block).T

    starts = range(0, flat.shape[0], _BLOCK)
    if threads <= 1 or len(starts) == 1:
        for start in starts:
            work(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, starts):
                pass
    return out.reshape(pixels.shape)
