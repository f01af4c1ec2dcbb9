"""Resampling of a picture through a displacement, at full precision.

OpenCV's remap rounds positions to 1/32 pixel; weave and its removal are measured finer than that, so the kernel here is
evaluated at the position itself.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

KernelName = Literal["linear", "cubic", "lanczos3"]
Edge = Literal["reflect", "extend", "black"]

_SUPPORT: dict[str, int] = {"linear": 2, "cubic": 4, "lanczos3": 6}
_PIXELS_A_RUN = 1 << 15


def resample(
    image: Image, source_x: Image, source_y: Image, kernel: KernelName = "lanczos3", edge: Edge = "reflect"
) -> Image:
    """``image`` (H, W, C) read at (source_x, source_y), each (h, w), in pixels with centres at whole numbers.

    Weights are normalised, so a flat picture stays flat; lanczos3 and cubic may overshoot beside edges, as any such
    kernel does, and nothing is clipped. ``edge`` says what lies outside: the reflected picture, its last pixel, or 0.
    """
    height, width = image.shape[:2]
    flat = np.ascontiguousarray(image).reshape(height * width, -1)
    sx, sy = source_x.ravel(), source_y.ravel()
    out = np.empty((sx.size, flat.shape[1]), np.float32)

    def run(start: int) -> None:
        part = slice(start, min(start + _PIXELS_A_RUN, sx.size))
        out[part] = _gather(flat, (height, width), sx[part], sy[part], kernel, edge)

    starts = range(0, sx.size, _PIXELS_A_RUN)
    if len(starts) == 1:
        run(0)
    else:
        with ThreadPoolExecutor() as pool:
            list(pool.map(run, starts))
    return out.reshape(*source_x.shape, flat.shape[1])


def displace(
    image: Image, dx: Image | float, dy: Image | float, kernel: KernelName = "lanczos3", edge: Edge = "reflect"
) -> Image:
    """``image`` moved by (dx, dy) px: what was at (x, y) is then near (x + dx, y + dy) (backward map, one resample)."""
    height, width = image.shape[:2]
    yy, xx = np.meshgrid(np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32), indexing="ij")
    return resample(image, xx - dx, yy - dy, kernel, edge)


def rigid_grid(
    height: int, width: int, *, dx: float, dy: float, rotation_deg: float, scale: float = 1.0
) -> tuple[Image, Image]:
    """Source positions that move a picture by (dx, dy), turn it (counter-clockwise as seen) and scale it about its
    centre."""
    cx, cy = (width - 1) / 2, (height - 1) / 2
    yy, xx = np.meshgrid(np.arange(height) - cy - dy, np.arange(width) - cx - dx, indexing="ij")
    c, s = math.cos(math.radians(rotation_deg)) / scale, math.sin(math.radians(rotation_deg)) / scale
    return (c * xx - s * yy + cx).astype(np.float32), (s * xx + c * yy + cy).astype(np.float32)


def _gather(flat: Image, size: tuple[int, int], sx: Image, sy: Image, kernel: KernelName, edge: Edge) -> Image:
    height, width = size
    taps = _SUPPORT[kernel]
    x0, y0 = np.floor(sx), np.floor(sy)
    weights_x, weights_y = _weights(sx - x0, kernel), _weights(sy - y0, kernel)
    first = 1 - taps // 2
    columns = [_place(x0.astype(np.int64) + first + i, width, edge) for i in range(taps)]
    total = np.zeros((sx.size, flat.shape[1]), np.float32)
    for j in range(taps):
        row, row_inside = _place(y0.astype(np.int64) + first + j, height, edge)
        line = np.zeros_like(total)
        for i in range(taps):
            column, column_inside = columns[i]
            weight = weights_x[i] if column_inside is None else weights_x[i] * column_inside
            line += flat[row * width + column] * weight[:, None]
        weight = weights_y[j] if row_inside is None else weights_y[j] * row_inside
        total += line * weight[:, None]
    return total


def _place(index: NDArray[np.int64], size: int, edge: Edge) -> tuple[NDArray[np.int64], Image | None]:
    if edge == "reflect":
        folded = index % (2 * size)
        return np.where(folded < size, folded, 2 * size - 1 - folded), None
    held = np.clip(index, 0, size - 1)
    return held, (held == index).astype(np.float32) if edge == "black" else None


def _weights(fraction: Image, kernel: KernelName) -> list[Image]:
    f = fraction.astype(np.float64)
    if kernel == "linear":
        raw = [1 - f, f]
    elif kernel == "cubic":  # Catmull-Rom, a = -1/2: R. G. Keys, IEEE Trans. ASSP 29(6), 1981
        raw = [_keys(f + 1), _keys(f), _keys(1 - f), _keys(2 - f)]
    else:
        raw = [np.sinc(f - k) * np.sinc((f - k) / 3) for k in (-2, -1, 0, 1, 2, 3)]
    total = np.sum(raw, axis=0)
    return [np.asarray(w / total, dtype=np.float32) for w in raw]


def _keys(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    d = np.abs(distance)
    near = (1.5 * d - 2.5) * d * d + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
