"""Pixels as a host holds them: any depth, any row stride and sign, bounds anywhere, with guards around them."""

from __future__ import annotations

import ctypes
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wetgate.surfaces.ofxhost.profiles import ALPHA, BYTE, FLOAT, HALF, RGB, RGBA, SHORT

Rect = tuple[int, int, int, int]
Pixels = npt.NDArray[np.float32]

# Nominal white of each depth (ofxPixels.h).
DEPTHS: dict[str, tuple[Any, float]] = {
    FLOAT: (np.float32, 1.0),
    HALF: (np.float16, 1.0),
    SHORT: (np.uint16, 65535.0),
    BYTE: (np.uint8, 255.0),
}
CHANNELS = {RGBA: 4, RGB: 3, ALPHA: 1}
_GUARD = 0xA5
_GUARD_ROWS = 2


@dataclass(frozen=True, slots=True)
class Format:
    """What the pixels of a clip are: component and depth strings of ofxImageEffect.h."""

    components: str
    depth: str

    @property
    def pixel_bytes(self) -> int:
        return CHANNELS[self.components] * int(np.dtype(DEPTHS[self.depth][0]).itemsize)


class Buffer:
    """Memory for one image: rows with padding after them, and guard rows before the first and after the last.

    ``bounds`` are x1, y1, x2, y2 in pixels, y up. With ``negative_rows`` the first row in memory is the top one, and
    the plug-in gets the address of the bottom row with a negative stride. Everything begins as the byte A5, so that
    what was never written shows.
    """

    def __init__(self, bounds: Rect, form: Format, *, padding: int = 0, negative_rows: bool = False) -> None:
        self.bounds = bounds
        self.form = form
        self.width, self.height = bounds[2] - bounds[0], bounds[3] - bounds[1]
        self._negative = negative_rows
        self._used = self.width * form.pixel_bytes
        self._stride = self._used + padding
        self._memory = np.full((self.height + 2 * _GUARD_ROWS, self._stride), _GUARD, np.uint8)

    @property
    def row_bytes(self) -> int:
        return -self._stride if self._negative else self._stride

    @property
    def data(self) -> int:
        """Address of the pixel (x1, y1), the bottom left one."""
        row = _GUARD_ROWS + (self.height - 1 if self._negative else 0)
        return int(self._memory.ctypes.data) + row * self._stride

    def write(self, pixels: Pixels) -> None:
        """Fill from (H, W, C) float32, row 0 at the top; integer depths are rounded and clamped."""
        kind, white = DEPTHS[self.form.depth]
        shaped = _channels(pixels, CHANNELS[self.form.components])
        if white != 1.0:
            shaped = np.rint(np.clip(np.nan_to_num(shaped), 0, 1) * np.float32(white))
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(shaped.astype(kind, copy=False)).reshape(self.height, -1)
        self._rows()[:] = rows.view(np.uint8).reshape(self.height, self._used)

    def read(self) -> Pixels:
        """(H, W, C) float32, row 0 at the top."""
        kind, white = DEPTHS[self.form.depth]
        rows = np.ascontiguousarray(self._rows()).view(kind)
        pixels: Pixels = rows.reshape(self.height, self.width, CHANNELS[self.form.components]).astype(np.float32)
        if white != 1.0:
            pixels /= np.float32(white)
        return pixels

    def checksum(self) -> int:
        """Of every byte, guards too: tells whether somebody wrote to an input."""
        return zlib.crc32(self._memory.data)

    def strayed(self) -> bool:
        """Whether anything was written before, after or between the rows."""
        body = self._memory[_GUARD_ROWS:-_GUARD_ROWS, self._used :]
        around = (self._memory[:_GUARD_ROWS], self._memory[-_GUARD_ROWS:], body)
        return any(bool((part != _GUARD).any()) for part in around)

    def written_outside(self, window: Rect, before: npt.NDArray[np.uint8]) -> bool:
        """Whether pixels outside ``window`` differ from ``before``, a copy made by :meth:`snapshot`."""
        rows = self.snapshot().reshape(self.height, self.width, -1)
        old = before.reshape(self.height, self.width, -1)
        inside = np.zeros((self.height, self.width), bool)
        inside[self._slices(window)] = True
        return bool(((rows != old).any(axis=2) & ~inside).any())

    def untouched_inside(self, window: Rect) -> int:
        """How many pixels of ``window`` still hold the byte that memory began with."""
        rows = self.snapshot().reshape(self.height, self.width, -1)[self._slices(window)]
        return int((rows == _GUARD).all(axis=2).sum())

    def snapshot(self) -> npt.NDArray[np.uint8]:
        """A copy of the pixels' bytes, top row first."""
        return np.array(self._rows())

    def _rows(self) -> npt.NDArray[np.uint8]:
        rows = self._memory[_GUARD_ROWS:-_GUARD_ROWS, : self._used]
        return rows if self._negative else rows[::-1]

    def _slices(self, window: Rect) -> tuple[slice, slice]:
        x1, y1, x2, y2 = self.bounds
        return slice(y2 - min(window[3], y2), y2 - max(window[1], y1)), slice(
            max(window[0], x1) - x1, min(window[2], x2) - x1
        )


def aligned(size: int) -> tuple[Any, int]:
    """A block of memory and the first address in it that is a multiple of 64 (the suites promise 16)."""
    block = ctypes.create_string_buffer(max(size, 1) + 64)
    return block, (ctypes.addressof(block) + 63) & ~63


def intersect(a: Rect, b: Rect) -> Rect:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _channels(pixels: Pixels, wanted: int) -> Pixels:
    """Grey, RGB or RGBA as another: alpha is added as 1, or dropped; one channel is the alpha, else the first."""
    have = pixels.shape[2]
    if have == wanted:
        return pixels
    if wanted == 1:
        return pixels[..., 3:4] if have == 4 else pixels[..., :1]
    colour = np.repeat(pixels, 3, axis=2) if have == 1 else pixels[..., :3]
    if wanted == 3:
        return colour
    return np.concatenate([colour, np.ones((*pixels.shape[:2], 1), np.float32)], axis=2)
