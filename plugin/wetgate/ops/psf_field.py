"""Blur that differs over the frame: a PSF for each of many tiles, passing into one another.

A blurred frame is taken for the sum over tiles of w (k * x), with k the tile's PSF and w its weight, 1 in the tile and
falling to 0 across its edges while the neighbours' rises (J. Nagy and D. O'Leary, "Restoring images degraded by
spatially variant blur", SIAM J. Sci. Comput. 19(4), 1998). Tiles follow from the size of the frame alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import Kernel, convolve
from wetgate.spec import Image

Values = NDArray[np.float64]
Part = tuple[slice, slice]

_TILE_PX = 160  # side of a tile, near enough: narrower ones cost more in overlap than they follow
_PASSING_PX = 32  # from one tile to the next


@dataclass(frozen=True, slots=True)
class Tile:
    """``part`` of the frame that a tile has any weight in, its ``weight`` (h, w, 1) there, and its PSF."""

    part: Part
    weight: Image
    psf: Kernel


@dataclass(frozen=True, slots=True)
class PsfField:
    """``psfs`` of the tiles of a frame of ``size`` (rows, columns), row by row; a PSF of one pixel is no blur."""

    size: tuple[int, int]
    psfs: tuple[Kernel, ...]

    @property
    def reach(self) -> tuple[int, int]:
        """How far, in rows and columns, the widest PSF brings light."""
        return max(p.shape[0] // 2 for p in self.psfs), max(p.shape[1] // 2 for p in self.psfs)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return tiles_of(self.size)

    @property
    def blurs(self) -> bool:
        """Whether any tile is blurred."""
        return any(p.size > 1 for p in self.psfs)

    def tiles(self) -> Iterator[Tile]:
        """Those that are blurred."""
        rows, columns = (_spans(n, count) for n, count in zip(self.size, self.grid, strict=True))
        for i, psf in enumerate(self.psfs):
            if psf.size > 1:
                (top, down), (left, across) = rows[i // len(columns)], columns[i % len(columns)]
                part = slice(top, top + len(down)), slice(left, left + len(across))
                yield Tile(part, (down[:, None] * across[None, :])[..., None], psf)

    def worked(self) -> NDArray[np.bool_]:
        """(H, W): where blurred tiles have most of the weight."""
        total = np.zeros(self.size, np.float32)
        for tile in self.tiles():
            total[tile.part] += tile.weight[..., 0]
        return total > 0.5

    def convolve(self, image: Image) -> Image:
        """``image`` (H, W, C) blurred tile by tile, edges of the frame reflected; tiles without blur as they are."""
        return self.blended(image, lambda tile: self._convolved(image, tile))

    def blended(self, image: Image, made: Callable[[Tile], Image]) -> Image:
        """``image`` with what was ``made`` of each blurred tile's part in its place, by the weights."""
        out = np.array(image, np.float32)
        for tile in self.tiles():
            out[tile.part] += tile.weight * (made(tile) - image[tile.part])
        return out

    def about(self, tile: Tile, margins: tuple[int, int]) -> tuple[Part, Part]:
        """The tile's part with ``margins`` (rows, columns) about it, as far as the frame goes; its place in that."""
        wide, inner = [], []
        for part, margin, size in zip(tile.part, margins, self.size, strict=True):
            start = max(0, part.start - margin)
            wide.append(slice(start, min(size, part.stop + margin)))
            inner.append(slice(part.start - start, part.stop - start))
        return (wide[0], wide[1]), (inner[0], inner[1])

    def _convolved(self, image: Image, tile: Tile) -> Image:
        wide, inner = self.about(tile, (tile.psf.shape[0] // 2, tile.psf.shape[1] // 2))
        return np.asarray(convolve(image[wide], tile.psf)[inner])


def tiles_of(size: tuple[int, int]) -> tuple[int, int]:
    """How many tiles a frame (rows, columns) has down and across."""
    return max(1, round(size[0] / _TILE_PX)), max(1, round(size[1] / _TILE_PX))


def between_cells(values: Values, tiles: tuple[int, int]) -> Values:
    """``values`` (rows, columns, ...) at the centres of cells, read at those of tiles: linear between cells, as at the
    outermost beyond them."""
    for axis, count in enumerate(tiles):
        cells = values.shape[axis]
        at = np.clip((np.arange(count) + 0.5) / count * cells - 0.5, 0, cells - 1)
        low = np.minimum(at.astype(int), max(cells - 2, 0))
        share = (at - low).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
        high = np.minimum(low + 1, cells - 1)
        values = (1 - share) * values.take(low, axis) + share * values.take(high, axis)
    return values


def _spans(size: int, count: int) -> Sequence[tuple[int, Image]]:
    """Where each tile along an axis begins, and its weights from there on; at each pixel they sum to 1."""
    edges = [round(size * i / count) for i in range(count + 1)]
    half = min(_PASSING_PX, size // count) // 2
    spans = []
    for first, last in pairwise(edges):
        start, stop = max(0, first - half), min(size, last + half)
        at = np.arange(start, stop) + 0.5
        weight = np.ones(len(at))
        if first > 0 and half:
            weight = np.minimum(weight, (at - (first - half)) / (2 * half))
        if last < size and half:
            weight = np.minimum(weight, ((last + half) - at) / (2 * half))
        spans.append((start, np.clip(weight, 0, 1).astype(np.float32)))
    return spans
