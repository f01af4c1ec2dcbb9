"""From what a decoder tells of its blocks (:attr:`wetgate.spec.Frame.codec`) to the steps of their quantisers.

Steps are those of :mod:`wetgate.ops.quantiser`, in the picture's own values: 0 where nothing was compressed,
``UNKNOWN`` where nobody knows.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wetgate.ops.quantiser import UNKNOWN, h264_step, in_values, jpeg_step, mpeg_step
from wetgate.spec import Image

# A map that is kept says how many quarters of an octave a cell's step lies above or below its frame's.
_PER_OCTAVE = 4.0


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one picture: ``luma`` and ``chroma``, (H, W) or one number each."""

    luma: Image | float
    chroma: Image | float

    @property
    def typical(self) -> tuple[float, float]:
        """Geometric means over the picture, UNKNOWN or 0 where nothing else is there."""
        return _typical(self.luma), _typical(self.chroma)

    def planes(self, height: int, width: int) -> tuple[Image, Image]:
        """Both as (H, W)."""
        shape = (height, width)
        return tuple(np.broadcast_to(np.asarray(s, np.float32), shape) for s in (self.luma, self.chroma))  # type: ignore[return-value]

    def times(self, luma: float, chroma: float) -> Steps:
        """Steps multiplied; UNKNOWN stays what it is."""
        return Steps(_times(self.luma, luma), _times(self.chroma, chroma))


def _times(steps: Image | float, factor: float) -> Image | float:
    made = np.where(np.asarray(steps) < 0, UNKNOWN, np.asarray(steps, np.float32) * np.float32(factor))
    return float(made) if made.ndim == 0 else made.astype(np.float32)


def _typical(steps: Image | float) -> float:
    values = np.atleast_1d(np.asarray(steps, np.float32))
    known = values[values > 0]
    if known.size:
        return float(np.exp(np.log(known).mean(dtype=np.float64)))
    return float(values.max(initial=UNKNOWN))


def steps_of_codec(codec: Mapping[str, Any], height: int, width: int) -> Steps | None:
    """The steps of a decoded picture, or None where its codec does not tell, or the picture has another size by now."""
    if tuple(codec.get("size", (width, height))) != (width, height):
        return None
    if codec.get("coding") == "jpeg":
        return steps_of_tables(codec["quantisation"])
    blocks, kind = codec.get("blocks"), codec.get("quantiser_type")
    if blocks is None or kind not in ("h264", "mpeg2"):
        return None
    luma, chroma = blocks["quantiser"].astype(np.float64), blocks["quantiser"].astype(np.float64)
    if kind == "h264":
        offset = int(codec["quantiser_delta"][1, 0]) if "quantiser_delta" in codec else 0
        luma, chroma = h264_step(luma), h264_step(chroma, chroma=True, chroma_offset=offset)
    else:
        luma, chroma = mpeg_step(luma), mpeg_step(chroma)
    full = bool(codec.get("full_range", False))
    return Steps(
        _painted(blocks, in_values(luma, full_range=full), height, width),
        _painted(blocks, in_values(chroma, full_range=full, chroma=True), height, width),
    )


def steps_of_tables(tables: Any) -> Steps:
    """Of a JPEG with these quantisation tables; a grey one has no chroma that was compressed."""
    luma = in_values(jpeg_step(tables[0]), full_range=True)
    chroma = in_values(jpeg_step(tables[1]), full_range=True, chroma=True) if len(tables) > 1 else 0.0
    return Steps(luma, chroma)


def _painted(blocks: Any, steps: Any, height: int, width: int) -> Image:
    out = np.full((height, width), UNKNOWN, np.float32)
    sides = np.unique(np.stack([blocks["w"], blocks["h"]]))
    side = int(sides[0]) if len(sides) == 1 else 0
    if side > 1 and not (blocks["x"] % side).any() and not (blocks["y"] % side).any():
        cells = np.full((-(-height // side), -(-width // side)), UNKNOWN, np.float32)
        row, column = blocks["y"] // side, blocks["x"] // side
        inside = (row >= 0) & (row < cells.shape[0]) & (column >= 0) & (column < cells.shape[1])
        cells[row[inside], column[inside]] = np.asarray(steps)[inside]
        return np.ascontiguousarray(cells.repeat(side, 0).repeat(side, 1)[:height, :width])
    for block, step in zip(blocks, np.asarray(steps), strict=True):
        x, y = max(int(block["x"]), 0), max(int(block["y"]), 0)
        out[y : max(int(block["y"] + block["h"]), 0), x : max(int(block["x"] + block["w"]), 0)] = step
    return out


def map_text(steps: Steps, cell: int) -> str | None:
    """The luma steps' pattern over cells of ``cell`` pixels as a short text; None where there is none."""
    if not isinstance(steps.luma, np.ndarray):
        return None
    ratio = _cells(steps.luma, cell) / np.float32(max(steps.typical[0], 1e-9))
    levels = np.rint(_PER_OCTAVE * np.log2(np.maximum(ratio, 1e-3))).clip(-127, 127).astype(np.int8)
    return base64.b64encode(zlib.compress(levels.tobytes(), 9)).decode() if levels.any() else None


def steps_of_map(text: str, cell: int, typical: tuple[float, float], height: int, width: int) -> Steps:
    """What :func:`map_text` wrote, about the typical steps of the frame. Raises :class:`ValueError` if it does not
    fit the size."""
    rows, columns = -(-height // cell), -(-width // cell)
    levels = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.int8).astype(np.float32)
    pattern = np.exp2(levels.reshape(rows, columns) / np.float32(_PER_OCTAVE))
    whole = pattern.repeat(cell, 0).repeat(cell, 1)[:height, :width]
    return Steps(*(np.float32(t) * whole if t > 0 else t for t in typical))


def _cells(plane: Image, cell: int) -> Image:
    height, width = plane.shape
    padded = np.pad(np.maximum(plane, 0), ((0, -height % cell), (0, -width % cell)), mode="edge")
    return np.asarray(
        padded.reshape(padded.shape[0] // cell, cell, padded.shape[1] // cell, cell).mean(axis=(1, 3)), np.float32
    )
