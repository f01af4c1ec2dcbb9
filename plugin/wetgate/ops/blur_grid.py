"""How wide the blur of a shot is in each part of its frame: defocus that falls off, a lens that is soft at its corners.

Each cell of a coarse grid is measured as a whole shot is (:mod:`wetgate.ops.blur_measure`), by the spectrum of all
frames in a window about it; the kind of blur is that which explains all the cells best, each with a size of its own.
A cell's confidence is how much worse its spectrum is explained by a size that is a quarter off. Cells without evidence,
plain or dark ones, take the size that their neighbours have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wetgate.ops.blur_measure import SHARP, Sized, sizes_of
from wetgate.ops.blur_spectrum import BLOCK, Spectrum, luma_of, spectrum_of
from wetgate.ops.noise_measure import measure_noise
from wetgate.ops.psf import named
from wetgate.ops.psf_field import Part, PsfField, Values, between_cells, tiles_of
from wetgate.spec import Image

KINDS = ("defocus", "gaussian")  # that vary over a frame with the lens; how motion does, its flow tells
_ACROSS = 8  # cells along the longer side
_LEAST_PX = 96  # side of a cell
_WINDOW = 1.5  # cells: side of what is measured about one
_TOGETHER = 0.1  # how much neighbours hold together, beside a cell that is sure
# A cell is an outlier by the accuracy that a blind size has: a tenth or 0.2 px.
_ACCURACY, _ACCURACY_PX = 0.1, 0.2
# Of cost a frequency, mean of the cells, by which discs have to explain them better than Gaussians do: discs on three
# photographs did by 0.2 to 0.83 at 0.5 % noise, wherever they were blurred evenly or not but for two by 0.06 and 0.09;
# five soft scans and photographs by 0.02 to 0.12.
_ROUND = 0.15
_SPREAD = (10.0, 90.0)  # percentiles of the sizes between which
_VARIES, _VARIES_PX = 0.3, 0.5  # is at least this share of the median, and so many px, where blur is said to vary


@dataclass(frozen=True, slots=True)
class BlurGrid:
    """``size`` (rows, columns) in px of ``kind`` as measured cell by cell, with its ``confidence`` from 0 to 1."""

    kind: str
    size: Values
    confidence: Values

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "rows": self.size.shape[0],
            "columns": self.size.shape[1],
            "size": [round(float(v), 2) for v in self.size.ravel()],
            "confidence": [round(float(v), 2) for v in self.confidence.ravel()],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BlurGrid:
        shape = int(data["rows"]), int(data["columns"])
        size, confidence = (np.array(data[name], np.float64).reshape(shape) for name in ("size", "confidence"))
        return cls(str(data["kind"]), size, confidence)

    def settled(self) -> Values:
        """The sizes, (rows, columns), each as far as it is sure of itself and else as its neighbours have it."""
        return filled(self.size[..., None], self.confidence)[..., 0]

    @property
    def varies(self) -> bool:
        """Whether the sizes differ by more than measuring them does."""
        low, high = np.percentile(self.settled(), _SPREAD)
        return bool(high - low > max(_VARIES * float(np.median(self.settled())), _VARIES_PX))

    def field(self, size: tuple[int, int], gain: float) -> PsfField:
        """The PSFs over a frame of ``size`` (rows, columns), ``gain`` times as wide as measured; none where a place
        measures as sharp as sharp pictures do."""
        sizes = between_cells(self.settled(), tiles_of(size)).ravel()
        least = SHARP[self.kind]
        psfs = tuple(named(self.kind, float(s) * gain if s >= least else 0.0) for s in np.round(sizes, 2))
        return PsfField(size, psfs)


def cells_of(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the grid over a frame of ``size`` (rows, columns)."""
    side = max(_LEAST_PX, max(size) / _ACROSS)
    return max(1, round(size[0] / side)), max(1, round(size[1] / side))


def windows_of(size: tuple[int, int]) -> list[Part]:
    """What is measured about each cell, row by row; empty where the frame is too small to be measured."""
    if min(size) < 2 * BLOCK:
        return []
    spans = []
    for whole, count in zip(size, cells_of(size), strict=True):
        half = max(BLOCK, round(_WINDOW * whole / count / 2))
        middles = [round((i + 0.5) * whole / count) for i in range(count)]
        cut = [(max(0, m - half), min(whole, m + half)) for m in middles]  # at a border smaller, but about its cell
        starts = [min(start, whole - 2 * BLOCK) for start, _ in cut]
        spans.append([slice(s, max(stop, s + 2 * BLOCK)) for s, (_, stop) in zip(starts, cut, strict=True)])
    return [(rows, columns) for rows in spans[0] for columns in spans[1]]


def spectra_by_cell(rgb: Image) -> list[Spectrum]:
    """The spectrum of a frame (H, W, C) of linear light about each cell; empty where it is too small."""
    luma = luma_of(rgb)
    measured = measure_noise([luma[..., None]])
    spectra = []
    for window in windows_of((luma.shape[0], luma.shape[1])):
        seen = luma[window]
        variance = 0.0 if measured is None else float(measured.best[0].variance_at(seen[::2, ::2]).mean())
        spectrum = spectrum_of(seen, variance)
        assert spectrum is not None  # windows are large enough
        spectra.append(spectrum)
    return spectra


def grid_of_frames(frames: Sequence[Image], check_abort: Callable[[], None] = lambda: None) -> BlurGrid | None:
    """The grid that frames (H, W, C) of one size share; None where they are too small or no cell holds a picture."""
    together: list[Spectrum] = []
    for rgb in frames:
        check_abort()
        found = spectra_by_cell(rgb)
        together = [a.with_more(b) for a, b in zip(together, found, strict=True)] if together else found
    sized: list[dict[str, Sized] | None] = []
    for spectrum in together:
        check_abort()
        sized.append(sizes_of(spectrum, KINDS))
    seen = [by_kind for by_kind in sized if by_kind is not None]
    if not seen:
        return None
    better = [(by_kind["gaussian"].cost - by_kind["defocus"].cost) / by_kind["defocus"].count for by_kind in seen]
    kind = "defocus" if float(np.mean(better)) > _ROUND else "gaussian"
    nothing = Sized(0.0, 0.0, 0.0)
    chosen = [nothing if by_kind is None else by_kind[kind] for by_kind in sized]
    shape = cells_of((frames[0].shape[0], frames[0].shape[1]))
    size, confidence = (np.array([getattr(s, name) for s in chosen]).reshape(shape) for name in ("size", "confidence"))
    return BlurGrid(kind, size, confidence)


def filled(values: Values, confidence: Values) -> Values:
    """``values`` (rows, columns, n) of cells, drawn to those of their neighbours where ``confidence`` (rows, columns)
    is small, and where they stand apart.

    The least of the sum of confidence |v - m|, squares within the accuracy of a measurement, and the squared
    differences of neighbours; by repeated solution of a linear system.
    """
    rows, columns = confidence.shape
    count = rows * columns
    at = np.arange(count).reshape(rows, columns)
    ties = np.zeros((count, count))
    for a, b in ((at[:, :-1], at[:, 1:]), (at[:-1], at[1:])):
        for i, j in zip(a.ravel(), b.ravel(), strict=True):
            ties[[i, j], [i, j]] += _TOGETHER
            ties[i, j] -= _TOGETHER
            ties[j, i] -= _TOGETHER
    measured, sure = values.reshape(count, -1), np.maximum(confidence.ravel(), 1e-6)
    typical = float(np.average(np.hypot.reduce(measured, axis=1), weights=sure))
    near = max(_ACCURACY * typical, _ACCURACY_PX)
    settled, weight = measured, sure
    for _ in range(8):
        settled = np.linalg.solve(np.diag(weight) + ties, weight[:, None] * measured)
        apart = np.hypot.reduce(settled - measured, axis=1)
        weight = sure / np.maximum(1.0, apart / near)
    return settled.reshape(values.shape)
