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
    """The weighted sum of three planes (3, ...), term by term: BLAS rounds the last bit as it likes."""
    total: Array = planes[0] * planes.dtype.type(weights[0])
    for channel in (1, 2):
        total += planes[channel] * planes.dtype.type(weights[channel])
    return total


def brightest(rgb: Array) -> Array:
    """max(R, G, B) of pixels (..., 3): pairwise, which is eight times as fast as a reduction over three."""
    return np.asarray(np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2]))


def darkest(rgb: Array) -> Array:
    """min(R, G, B) of pixels (..., 3)."""
    return np.asarray(np.minimum(np.minimum(rgb[..., 0], rgb[..., 1]), rgb[..., 2]))


def over_pixels(kernel: Kernel, rgb: Any, threads: int = 1, check: Callable[[], None] | None = None) -> Array:
    """``kernel``, which takes and returns planes (3, N), run over all pixels of ``rgb`` (..., 3).

    The input is not written to; float32 stays float32, everything else is worked in float64.
    """
    pixels = np.asarray(rgb)
    out = np.empty(pixels.shape, np.float32 if pixels.dtype == np.float32 else np.float64)
    flat = out.reshape(-1, 3)

    def work(at: slice, planes: Array) -> None:
        flat[at] = kernel(planes).T

    on_blocks(pixels, work, threads, check)
    return out


def on_blocks(
    rgb: Any, work: Callable[[slice, Array], object], threads: int = 1, check: Callable[[], None] | None = None
) -> None:
    """``work(at, planes)`` for each block of pixels: its place among the flattened pixels, and its planes (3, N).

    Blocks run on ``threads`` threads (NumPy lets go of the interpreter lock); ``check`` is called before each block and
    may raise.
    """
    pixels = np.asarray(rgb)
    if pixels.dtype != np.float32:
        pixels = pixels.astype(np.float64, copy=False)
    flat = pixels.reshape(-1, 3)

    def one(start: int) -> None:
        if check is not None:
            check()
        at = slice(start, min(start + _BLOCK, flat.shape[0]))
        work(at, np.ascontiguousarray(flat[at].T))

    starts = range(0, flat.shape[0], _BLOCK)
    if threads <= 1 or len(starts) == 1:
        for start in starts:
            one(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(one, starts):
                pass
