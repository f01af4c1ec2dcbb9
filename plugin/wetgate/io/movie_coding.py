"""From R'G'B' to the code values of a pixel format's planes, and the tags that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wetgate.color.chroma import Siting
from wetgate.color.tags import UNSPECIFIED, Tags
from wetgate.color.ycbcr import Layout as Planes
from wetgate.color.ycbcr import Quantisation, quantise
from wetgate.io.movie_planes import Layout, Samples
from wetgate.io.movie_tags import SD_LINES
from wetgate.spec import Frame, Image

_LIMITED, _FULL = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG
# Beyond what any code of any matrix can mean (limited range reaches 2.2): larger values would only ring in the filters.
_FARTHEST = 4.0


class Coding:
    """How R'G'B' becomes the planes of one pixel format."""

    def __init__(self, layout: Layout, tags: Tags, full: bool, siting: Siting) -> None:
        self.layout = layout
        self.tags = tags
        self.full = full
        self.siting = siting
        self.quantisation = Quantisation(layout.bits, full)
        self._planes = Planes(
            tags.matrix if layout.model == "ycbcr" else 0,
            self.quantisation,
            (layout.across, layout.down),
            siting,
        )

    def parts(self, pixels: Image) -> tuple[list[Samples], int]:
        """The component arrays of a picture, and how many samples had no code."""
        layout = self.layout
        rgb, astray = _finite(pixels[..., :3])
        if layout.is_float:
            planes: list[Samples] = [rgb[..., i] for i in range(layout.colours)]
            return self._with_alpha(planes, pixels, astray)
        if layout.model == "grey":
            codes: Sequence[Image] = (self.quantisation.code(rgb.mean(axis=2, dtype=np.float32)),)
        elif layout.model == "rgb":
            codes = [self.quantisation.code(rgb[..., i]) for i in range(3)]
        else:
            codes = self._planes.codes(rgb)
        planes = []
        for code in codes:
            whole, outside = quantise(code, layout.bits)
            astray += outside
            planes.append(whole)
        return self._with_alpha(planes, pixels, astray)

    def _with_alpha(self, planes: list[Samples], pixels: Image, astray: int) -> tuple[list[Samples], int]:
        if not self.layout.has_alpha:
            return planes, astray
        alpha = pixels[..., 3] if pixels.shape[2] == 4 else np.ones(pixels.shape[:2], np.float32)
        if self.layout.is_float:
            return [*planes, alpha], astray
        whole, outside = quantise(Quantisation(self.layout.bits, full=True).code(alpha), self.layout.bits)
        return [*planes, whole], astray + outside


def coding_of(
    layout: Layout, tags: Tags, full_range: bool | None, height: int, only_matrix: int | None = None
) -> Coding:
    """The coding for a pixel format: RGB has no matrix and full range, Y'CbCr the space's matrix and limited range.

    ``only_matrix`` is that of a codec which has no other (JPEG: BT.601, Rec. ITU-T T.871 7).

    Chroma of 4:2:0 lies top left for BT.2100 and BT.2020 (BT.2100-2 Table 6), else left as H.264 and H.265 infer.
    """
    if layout.model == "rgb":
        full = True if full_range is None else full_range
        return Coding(layout, Tags(tags.primaries, tags.transfer, 0), full, "left")
    matrix = tags.matrix if only_matrix is None else only_matrix
    if matrix in (0, UNSPECIFIED):
        matrix = 1 if height > SD_LINES else 6
    full = layout.jpeg if full_range is None else full_range or layout.jpeg
    siting: Siting = "left"
    if layout.jpeg:
        siting = "center"
    elif matrix == 9 and layout.down > 1:
        siting = "topleft"
    return Coding(layout, Tags(tags.primaries, tags.transfer, matrix), full, siting)


def _finite(rgb: Image) -> tuple[Image, int]:
    """R'G'B' without NaN (0) and nothing farther out than any code reaches; how many samples were changed."""
    fine = np.abs(rgb) <= _FARTHEST
    astray = int(fine.size - np.count_nonzero(fine))
    if not astray:
        return rgb, 0
    return np.clip(np.nan_to_num(rgb, nan=0.0), -_FARTHEST, _FARTHEST), astray


def set_tags(target: Any, coding: Coding) -> None:
    """Colour tags, on an encoder, a stream's parameters or a frame: libavutil's codes are those of H.273."""
    target.color_primaries = coding.tags.primaries
    target.color_trc = coding.tags.transfer
    target.colorspace = coding.tags.matrix
    target.color_range = _FULL if coding.full else _LIMITED


def on_display(frame: Frame) -> Image:
    """The pixels of the display window: what lies outside is cropped, what is missing is black and transparent."""
    data, shown = frame.window, frame.display
    if data == shown:
        return frame.pixels
    out = np.zeros((shown.height, shown.width, frame.pixels.shape[2]), np.float32)
    left, top = max(data.x, shown.x), max(data.y, shown.y)
    right, bottom = min(data.right, shown.right), min(data.bottom, shown.bottom)
    if left < right and top < bottom:
        part = frame.pixels[top - data.y : bottom - data.y, left - data.x : right - data.x]
        out[top - shown.y : bottom - shown.y, left - shown.x : right - shown.x] = part
    return out
