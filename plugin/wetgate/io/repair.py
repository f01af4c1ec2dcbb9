"""NaN and infinite samples: mended from their finite neighbours, counted, never spread.

Each channel is mended for itself. A bad sample becomes the mean of the finite samples among its eight neighbours; bad
samples without any wait for a later round, in which the mended ones count as finite: a hole closes from its rim inwards
and its filling stays within the range of its rim. A channel without one finite sample becomes 0. Finite samples are
never changed. Depth and other extra channels may hold infinity by right and are not given to this function.
"""

from __future__ import annotations

import numpy as np

from wetgate.spec import Image

_NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


def repair(pixels: Image) -> tuple[Image, int, tuple[str, ...]]:
    """The picture (H, W, C) without NaN or infinity, how many samples were mended, and sentences for the record.

    A picture that needs nothing is returned as it is; otherwise the result is a new array.
    """
    bad = ~np.isfinite(pixels)
    count = int(np.count_nonzero(bad))
    if count == 0:
        return pixels, 0, ()
    out = pixels.copy()
    notes = []
    for c in range(pixels.shape[2]):
        if bad[..., c].all():
            out[..., c] = 0
            notes.append(f"channel {c} holds no finite sample and became 0")
        elif bad[..., c].any():
            _fill(out, bad[..., c].copy(), c)
    return out, count, tuple(notes)


def _fill(pixels: Image, bad: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], c: int) -> None:
    """Close the holes of one channel from their rims inwards, in place."""
    height, width = bad.shape
    ys, xs = np.nonzero(bad)
    while ys.size:
        total = np.zeros(ys.size, np.float64)
        known = np.zeros(ys.size, np.int64)
        for dy, dx in _NEIGHBOURS:
            y, x = ys + dy, xs + dx
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            y, x = np.where(inside, y, 0), np.where(inside, x, 0)
            use = inside & ~bad[y, x]
            total += np.where(use, pixels[y, x, c], 0)
            known += use
        rim = known > 0
        pixels[ys[rim], xs[rim], c] = (total[rim] / known[rim]).astype(np.float32)
        bad[ys[rim], xs[rim]] = False
        ys, xs = ys[~rim], xs[~rim]
