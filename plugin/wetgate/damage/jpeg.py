"""JPEG: one encode, or two whose block grids do not agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.damage.model import Damaged, damage
from wetgate.io.jpeg_coding import quantisation_tables
from wetgate.ops.random import Stream
from wetgate.ops.resize import resize
from wetgate.spec import Frame, FrameError, Image, param

_SAMPLING = {"420": 0x221111, "422": 0x211111, "444": 0x111111}


@damage(id="jpeg", label="JPEG", space="video", version=1)
class Jpeg:
    """A real JPEG encode and decode (libjpeg-turbo through OpenCV), once or twice.

    Values are rounded to 8 bits full range and clipped to 0..1, as JPEG holds nothing else. ``first_quality`` above
    0 encodes before that with a grid shifted by (``shift_x``, ``shift_y``), as a crop between two saves does.
    ``scale`` below 1 encodes the last time at that share of the size and enlarges again: blocks come out 1 / scale
    times as large. Quality is that of libjpeg (tables of ITU-T T.81 Annex K, scaled). ``spread`` draws another
    quality for each frame. Truth: ``quality``, ``tables`` (quantisers, luma then chroma, 8 x 8 each), ``shift``,
    ``grid``, the block size in px of this frame.
    """

    quality: int = param(40, lo=1, hi=100, hint="Quality of the last save.")
    first_quality: int = param(0, lo=0, hi=100, hint="Quality of a save before that; 0 is none.")
    shift_x: int = param(4, lo=0, hi=7, unit="px", hint="How far right the first save's grid lies.")
    shift_y: int = param(4, lo=0, hi=7, unit="px", hint="How far down the first save's grid lies.")
    chroma: str = param("420", choices={"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"}, hint="Chroma grid.")
    grey: bool = param(False, hint="Whether luma alone is saved, as a grey picture.")
    scale: float = param(1.0, lo=0.1, hi=1, hint="Size of the last save; it is enlarged again after.")
    spread: float = param(0.0, lo=0, hi=30, hint="Standard deviation of the quality from frame to frame.")

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        height, width = frame.height, frame.width
        draw = float(random.normals(frame.number, 1, 1)[0, 0])
        quality = int(np.clip(round(self.quality + self.spread * draw), 1, 100))
        codes = _codes(frame.rgb)
        if self.first_quality:
            up, left = -self.shift_y % 8, -self.shift_x % 8
            padded = np.pad(codes, ((up, 0), (left, 0), (0, 0)), mode="edge")
            codes, _ = coded(padded, self.first_quality, self.chroma, self.grey)
            codes = codes[up:, left:]
        size = (max(1, round(height * self.scale)), max(1, round(width * self.scale)))
        if size != (height, width):
            codes = _codes(resize(codes.astype(np.float32) / np.float32(255), *size, "area"))
        codes, tables = coded(codes, quality, self.chroma, self.grey)
        rgb = codes.astype(np.float32) / np.float32(255)
        if size != (height, width):
            rgb = resize(rgb, height, width, "cubic")
        truth = {
            "quality": quality,
            "tables": np.stack(tables),
            "shift": (self.shift_x, self.shift_y) if self.first_quality else None,
            "grid": (8 * height / size[0], 8 * width / size[1]),
        }
        return Damaged(frame.with_rgb(rgb), truth)


def coded(rgb8: NDArray[np.uint8], quality: int, chroma: str, grey: bool) -> tuple[NDArray[np.uint8], list[Any]]:
    """``rgb8`` (H, W, 3) through JPEG, and the quantisation tables of the file."""
    import cv2

    picture: Any = cv2.cvtColor(np.ascontiguousarray(rgb8), cv2.COLOR_RGB2GRAY if grey else cv2.COLOR_RGB2BGR)
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if not grey:
        settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _SAMPLING[chroma]]
    made, data = cv2.imencode(".jpg", picture, settings)
    if not made:
        raise FrameError(f"JPEG could not hold a picture of {rgb8.shape[1]}x{rgb8.shape[0]}", allowed="65535 px a side")
    back: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(back[..., ::-1]), quantisation_tables(data.tobytes())


def _codes(rgb: Image) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.floor(rgb * np.float32(255) + np.float32(0.5)), 0, 255).astype(np.uint8))
