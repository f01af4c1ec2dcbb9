"""Between float32 and what files store: half, float and whole-number code values.

A whole number n of b bits stands for n / (2^b - 1). On the way back a value takes the nearest code, halfway cases the
even one (IEEE 754 roundTiesToEven, numpy.rint); so does half, where the CPU or numpy rounds the same way. Codes that
were read and not changed come back as the same codes. Values whose nearest code is outside the range are clamped to it
and counted; NaN becomes 0 and is counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

HALF_MAX = 65504.0  # largest finite half, IEEE 754-2008 binary16
BITS = {"uint8": 8, "uint10": 10, "uint12": 12, "uint16": 16, "uint32": 32}
_CODES = {8: np.uint8, 10: np.uint16, 12: np.uint16, 16: np.uint16, 32: np.uint32}


def to_depth(values: Image, depth: str) -> tuple[NDArray[Any], int]:
    """Float values as samples of ``depth``, and how many had to be clamped. The input is not written to."""
    if depth == "float":
        return _float(values)
    if depth == "half":
        return _half(values)
    top = float(2 ** BITS[depth] - 1)
    bad = ~np.isfinite(values)
    scaled = values * np.float32(top)
    np.rint(scaled, out=scaled)
    outside = bad | (scaled < 0) | (scaled > top)
    clamped = int(np.count_nonzero(outside))
    if clamped:
        scaled = np.nan_to_num(scaled, nan=0.0, posinf=top, neginf=0.0)
        np.clip(scaled, 0, top, out=scaled)
    return scaled.astype(_CODES[BITS[depth]]), clamped


def _float(values: Image) -> tuple[NDArray[Any], int]:
    bad = ~np.isfinite(values)
    clamped = int(np.count_nonzero(bad))
    if clamped == 0:
        return values, 0
    top = float(np.finfo(np.float32).max)
    return np.nan_to_num(values, nan=0.0, posinf=top, neginf=-top), clamped


def _half(values: Image) -> tuple[NDArray[Any], int]:
    with np.errstate(over="ignore", invalid="ignore"):
        stored = values.astype(np.float16)
    # The largest magnitude by its bits; below that of 65504 nothing can have been out of range.
    if int((stored.view(np.uint16) & 0x7FFF).max()) < 0x7BFF:
        return stored, 0
    outside = ~(np.abs(values) <= HALF_MAX)
    clamped = int(np.count_nonzero(outside))
    if clamped:
        stored[outside] = np.clip(np.nan_to_num(values[outside], nan=0.0), -HALF_MAX, HALF_MAX)
    return stored, clamped


def to_float(stored: NDArray[Any], depth: str) -> Image:
    """Samples as float32: half and float as they are, codes divided by the largest code. A new array, C order."""
    if depth in BITS:
        out: Image = np.divide(stored, np.float32(2 ** BITS[depth] - 1), dtype=np.float32, casting="unsafe")
        return out
    return np.array(stored, dtype=np.float32, order="C")
