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
    size = image.shape[:2]
    # Plane by plane: a gather of single floats is faster than one of pixels times a weight broadcast over three.
    planes = [np.ascontiguousarray(image[..., c]).ravel() for c in range(image.shape[2])]
    sx, sy = np.ascontiguousarray(source_x).ravel(), np.ascontiguousarray(source_y).ravel()
    out = np.empty((len(planes), sx.size), np.float32)

    def run(start: int) -> None:
        part = slice(start, min(start + _PIXELS_A_RUN, sx.size))
        _gather(planes, size, sx[part], sy[part], kernel, edge, out[:, part])

    starts = range(0, sx.size, _PIXELS_A_RUN)
    if len(starts) == 1:
        run(0)
    else:
        with ThreadPoolExecutor() as pool:
            list(pool.map(run, starts))
    return np.ascontiguousarray(np.moveaxis(out.reshape(len(planes), *source_x.shape), 0, -1))


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


def _gather(
    planes: list[Image], size: tuple[int, int], sx: Image, sy: Image, kernel: KernelName, edge: Edge, out: Image
) -> None:
    height, width = size
    taps = _SUPPORT[kernel]
    first = 1 - taps // 2
    x0, y0 = np.floor(sx), np.floor(sy)
    weights_x, weights_y = _weights(sx - x0, kernel), _weights(sy - y0, kernel)
    left, top = x0.astype(np.int64) + first, y0.astype(np.int64) + first
    columns = [_place(left + i, width, edge) for i in range(taps)]
    rows = [_place(top + j, height, edge) for j in range(taps)]
    out[...] = 0
    value = np.empty(sx.size, np.float32)
    line = np.empty_like(value)
    for row, row_inside in rows:
        row_start = row * width
        weight_y = weights_y.pop(0)
        if row_inside is not None:
            weight_y = weight_y * row_inside
        at = [row_start + column for column, _ in columns]
        for c, plane in enumerate(planes):
            line[...] = 0
            for i in range(taps):
                np.take(plane, at[i], out=value, mode="clip")  # clip: no check a sample, all lie inside
                value *= weights_x[i]
                inside = columns[i][1]
                if inside is not None:
                    value *= inside
                line += value
            line *= weight_y
            out[c] += line


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
        raw = _lanczos3(f)
    total = np.sum(raw, axis=0)
    return [np.asarray(w / total, dtype=np.float32) for w in raw]


def _keys(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    d = np.abs(distance)
    near = (1.5 * d - 2.5) * d * d + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _lanczos3(f: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """sinc(d) sinc(d / 3) at d = f - k, k = -2 .. 3, with three sines for all six: sin(pi (f - k)) is +-sin(pi f)."""
    numerator = np.sin(np.pi * f) * (3 / np.pi**2)
    sine, cosine = np.sin(np.pi / 3 * f), np.cos(np.pi / 3 * f)
    raw = []
    for k in (-2, -1, 0, 1, 2, 3):
        c, s = np.cos(np.pi / 3 * k), np.sin(np.pi / 3 * k)
        d = f - k
        small = np.abs(d) < 1e-8
        weight = (-1.0) ** k * numerator * (sine * c - cosine * s) / np.where(small, 1.0, d * d)
        raw.append(np.where(small, 1.0, weight))
    return raw
