"""One frame as a codec left it: its Y'CbCr laid on the codec's grid, field by field where it has two, and what may be
changed of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wetgate.color.primaries import apply_matrix, inverse
from wetgate.color.ycbcr import rgb_to_ycbcr_matrix, ycbcr_from_rgb
from wetgate.ops.block_intervals import Intervals, change_within, intervals_of
from wetgate.ops.block_transform import SIDE, forward, whole_blocks
from wetgate.ops.coded_blocks import Steps
from wetgate.ops.jpeg_lattice import quality_table
from wetgate.ops.quantiser import jpeg_step
from wetgate.ops.shot_coding import TABLES, ShotCoding
from wetgate.spec import Frame, Image

# What works a picture on the grid: Y'CbCr (H, W, 3) and the steps of luma and chroma (H, W) to Y'CbCr.
Work = Callable[[Image, Image, Image], Image]
# Of the step, by which a coefficient may change in codecs that predict. Measured on MPEG-2 at 1 to 4 Mb/s and H.264 at
# CRF 32 to 42 (tests/bench/deartifact_clips.py): at a whole step mild MPEG-2 loses up to 0.8 dB where it gains 0.2 at a
# quarter, and nothing is lost elsewhere; at an eighth coarse MPEG-2 loses 0.1 dB of what is gained.
OF_PREDICTED = 0.25
# A step in values below which a change of a coefficient is the arithmetic's.
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class CodedFrame:
    """How one frame is worked: how its shot was coded, the steps that count, and where they come from.

    ``matrix`` is the H.273 code of its Y'CbCr, ``origin`` where its first 8x8 block begins, (x, y), ``fields`` whether
    its fields are worked apart.
    """

    coding: ShotCoding
    steps: Steps
    source: str
    matrix: int
    origin: tuple[int, int]
    fields: bool

    @property
    def is_jpeg(self) -> bool:
        """Whether blocks were coded each by itself, without prediction."""
        return self.coding.source == TABLES or self.coding.quality is not None

    @property
    def most_change(self) -> float:
        """Steps by which a coefficient may change. Where blocks are predicted, what the coder sent corrects a picture
        that was coded before: the errors that are left are far below the step."""
        return 1.0 if self.is_jpeg else OF_PREDICTED

    @property
    def _weights(self) -> Image:
        """What a step is multiplied by in each coefficient of luma: of a JPEG whose quality was found in the pixels,
        half its table's own entry where that is more than the step, since the table is coarser there."""
        coding = self.coding
        quality = coding.quality if coding.older_quality is None else coding.older_quality
        if (coding.tables and coding.older_quality is None) or quality is None:
            return np.ones((SIDE, SIDE), np.float32)
        table = quality_table(quality)
        return np.maximum(table / (2 * jpeg_step(table)), 1).astype(np.float32)

    def worked(self, rgb: Image, work: Work) -> Image:
        """R'G'B' after ``work``; what that leaves alone comes back bit for bit."""
        luma, chroma = self.steps.planes(*rgb.shape[:2])
        ycc = np.asarray(ycbcr_from_rgb(rgb, self.matrix), np.float32)
        if self.fields:
            made = np.empty_like(ycc)
            for k in (0, 1):
                own, steps, colour = (np.ascontiguousarray(p[k::2]) for p in (ycc, luma, chroma))
                made[k::2] = self._on_grid(own, steps, colour, work)
        else:
            made = self._on_grid(ycc, luma, chroma, work)
        change = made - ycc
        if not change.any():
            return rgb
        to_rgb = inverse(rgb_to_ycbcr_matrix(self.matrix))
        return np.asarray(rgb + apply_matrix(to_rgb, change), np.float32)

    def _on_grid(self, ycc: Image, luma: Image, chroma: Image, work: Work) -> Image:
        left, top = (-self.origin[0]) % SIDE, (-self.origin[1]) % SIDE
        height, width = ycc.shape[:2]
        pad = ((top, 0), (left, 0))
        given = np.pad(ycc, (*pad, (0, 0)), mode="edge")
        steps = (np.pad(plane, pad, mode="edge") for plane in (luma, chroma))
        return np.ascontiguousarray(work(given, *steps)[top : top + height, left : left + width])

    def intervals(self, frame: Frame) -> list[Intervals | None] | None:
        """What the file's own code allows, None where the frame is no JPEG as it was decoded, or one whose grid lies
        over that of an older, coarser save: its intervals are about that one's blocks."""
        codec, coding = frame.codec, self.coding
        size = (frame.width, frame.height)
        if self.fields or coding.older is not None:
            return None
        if coding.tables and coding.size == size:
            return intervals_of(frame.rgb, coding.quantisation(), coding.sampling)
        if codec.get("coding") == "jpeg" and tuple(codec["size"]) == size:
            return intervals_of(frame.rgb, codec["quantisation"], codec["sampling"])
        return None

    def facts(self) -> dict[str, Any]:
        """What a record says of it."""
        coding = self.coding
        facts: dict[str, Any] = {
            "quantisers": self.source,
            "step": [round(255 * s, 2) if s >= 0 else None for s in self.steps.typical],
            "grid": list(self.origin),
        }
        if coding.quality is not None:
            facts["jpeg_quality"] = coding.quality
        if coding.older is not None:
            facts["older_grid"] = list(coding.older)
            facts["older_quality"] = coding.older_quality
        if coding.resized:
            facts["resized_grid"] = {"period": list(coding.period), "phase": list(coding.phase)}
        if self.fields:
            facts["fields"] = "each by itself"
        return facts

    def change_in_steps(self, before: Image, after: Image, allowance: float) -> Image:
        """Luma's change in each 8x8 block: the largest coefficient over the step and an ``allowance`` in values, (rows,
        columns). A bound of :attr:`most_change` steps and the allowance is kept where it is at most that."""
        found: list[Image] = []

        def look(change: Image, luma: Image, chroma: Image) -> Image:
            height, width = luma.shape
            padded = np.pad(change[..., 0], ((0, -height % SIDE), (0, -width % SIDE)))
            most = np.abs(forward(whole_blocks(padded)))
            limit = np.abs(luma[::SIDE, ::SIDE, None, None]) * self._weights + np.float32(allowance / self.most_change)
            share = np.where(most < _NOTHING, 0, most / np.maximum(limit, np.float32(1e-4)))
            found.append(share.max(axis=(2, 3)).astype(np.float32))
            return change

        self.worked(np.asarray(after - before, np.float32), look)
        return np.concatenate(found, axis=0)

    def within_steps(self, before: Image, after: Image, allowance: float) -> Image:
        """``after`` with no coefficient of Y'CbCr changed by more than its step and an ``allowance`` in values."""
        change = np.asarray(after - before, np.float32)

        def hold(given: Image, luma: Image, chroma: Image) -> Image:
            y, *colour = (np.ascontiguousarray(given[..., k]) for k in range(3))
            return np.stack([self.luma_within(y, luma, allowance), *self.chroma_within(colour, chroma)], axis=2)

        held = self.worked(change, hold)
        return after if held is change else np.asarray(before + held, np.float32)

    def luma_worked(self, before: Image, after: Image, work: Callable[[Image, Image, Image], Image]) -> Image:
        """R'G'B' ``after`` with another Y', made on the grid and field by field by ``work`` from its own, that of
        ``before``, and the steps."""
        given: list[Image] = []

        def look(ycc: Image, luma: Image, chroma: Image) -> Image:
            given.append(np.ascontiguousarray(ycc[..., 0]))
            return ycc

        def make(ycc: Image, luma: Image, chroma: Image) -> Image:
            y = work(np.ascontiguousarray(ycc[..., 0]), given.pop(0), luma)
            return np.dstack([y, ycc[..., 1:]])

        self.worked(before, look)
        return self.worked(after, make)

    def luma_within(self, change: Image, steps: Image, allowance: float) -> Image:
        """A change of Y' whose coefficients do not exceed :attr:`most_change` of its ``steps`` and an ``allowance`` in
        values; where the step is UNKNOWN (-1) it is taken for the whole range."""
        return change_within(change, np.float32(self.most_change) * np.abs(steps), self._weights, allowance)

    def chroma_within(self, change: Sequence[Image], steps: Image) -> list[Image]:
        """A change of Cb and Cr, held as that of Y' is."""
        limit = np.float32(self.most_change) * np.abs(steps)
        return [change_within(plane, limit) for plane in change]
