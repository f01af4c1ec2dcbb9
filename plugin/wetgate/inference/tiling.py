"""Tiles of a picture: a grid from the model and the picture's size alone, overlaps, and edges made once for the whole.

The picture is continued by reflection (without repeating the edge pixel) once, on all sides, by the model's rim and up
to its multiple. A network sees that continued picture, whole or in tiles that overlap by the model's halo and end where
the continued picture ends: since no pixel further than the receptive radius can matter, and the network's own
padding begins at the same places, tiles give what the whole gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.inference.arrays import Array, indices, library
from wetgate.inference.manifest import Model


@dataclass(frozen=True, slots=True)
class Grid:
    """``rows`` x ``columns`` tiles of one size, ``tile_height`` x ``tile_width`` without the ``halo`` round each.

    ``rim`` is how far the picture is continued, above and to the left of it, and beyond the next ``multiple`` below and
    to the right.
    """

    height: int
    width: int
    rows: int
    columns: int
    tile_height: int
    tile_width: int
    halo: int
    rim: int
    multiple: int

    @property
    def count(self) -> int:
        return self.rows * self.columns

    @property
    def input_size(self) -> tuple[int, int]:
        """The greatest height and width of what the network is given for a tile."""
        spans = [self.span(*place) for place in self.places()]
        return max(s[0].stop - s[0].start for s in spans), max(s[1].stop - s[1].start for s in spans)

    @property
    def continued_size(self) -> tuple[int, int]:
        """Height and width of the continued picture."""
        return _whole(self.height, self.multiple) + 2 * self.rim, _whole(self.width, self.multiple) + 2 * self.rim

    def span(self, top: int, left: int) -> tuple[slice, slice]:
        """Rows and columns of the continued picture that the network is given for the tile at ``top`` and ``left``."""
        sizes = (self.tile_height, self.tile_width)
        rows, columns = (
            slice(max(begin + self.rim - self.halo, 0), min(begin + self.rim + size + self.halo, end))
            for begin, size, end in zip((top, left), sizes, self.continued_size, strict=True)
        )
        return rows, columns

    def places(self) -> Iterator[tuple[int, int]]:
        """Top and left of each tile, row by row."""
        for row in range(self.rows):
            for column in range(self.columns):
                yield row * self.tile_height, column * self.tile_width


def grid_of(model: Model, height: int, width: int, halvings: int = 0) -> Grid:
    """The grid of a picture; ``halvings`` halves the largest tile's side so many times, where memory ran out."""
    largest = max(model.tile >> halvings, model.multiple)
    tile_height, rows = _divided(height, largest, model.multiple)
    tile_width, columns = _divided(width, largest, model.multiple)
    rim = model.continued_by
    return Grid(height, width, rows, columns, tile_height, tile_width, model.halo, rim, model.multiple)


def _divided(size: int, largest: int, multiple: int) -> tuple[int, int]:
    count = -(-size // largest)
    tile = _whole(-(-size // count), multiple)
    return tile, -(-size // tile)


def _whole(size: int, multiple: int) -> int:
    """The next multiple."""
    return -(-size // multiple) * multiple


def reflected(start: int, stop: int, size: int) -> NDArray[np.int64]:
    """Which of ``size`` pixels stand at the places start..stop of the picture's continuation: 2 1 | 0 1 2 3 | 2 1."""
    if size == 1:
        return np.zeros(stop - start, np.int64)
    period = 2 * (size - 1)
    folded = np.arange(start, stop) % period
    return np.where(folded < size, folded, period - folded)


def continued(x: Array, grid: Grid) -> Array:
    """A picture (1, C, H, W) continued by reflection, up to whole multiples and by the rim."""
    tall, wide = grid.continued_size
    rows = reflected(-grid.rim, tall - grid.rim, grid.height)
    columns = reflected(-grid.rim, wide - grid.rim, grid.width)
    if library(x) is not np:
        return x.index_select(2, indices(rows, x)).index_select(3, indices(columns, x))
    out = np.empty((*x.shape[:2], len(rows), len(columns)), x.dtype)
    top, left = grid.rim, grid.rim
    middle = out[:, :, top : top + grid.height]
    middle[..., left : left + grid.width] = x
    middle[..., :left] = x[..., columns[:left]]
    middle[..., left + grid.width :] = x[..., columns[left + grid.width :]]
    out[:, :, :top] = middle[:, :, rows[:top]]
    out[:, :, top + grid.height :] = middle[:, :, rows[top + grid.height :]]
    return out


def run_in_tiles(
    x: Array,
    grid: Grid,
    run: Callable[[Array], Array],
    *,
    scale: int = 1,
    workers: int = 1,
    check_abort: Callable[[], None] = lambda: None,
) -> Array:
    """``run`` over every tile of ``x`` (1, C, H, W), put together: (1, C', H scale, W scale).

    ``run`` maps (1, C, h, w) to (1, C', h scale, w scale). ``workers`` tiles are run at once, which changes no pixel.
    """
    whole = continued(x, grid)
    tall, wide = grid.tile_height * scale, grid.tile_width * scale
    out: Array = None

    def one(place: tuple[int, int]) -> tuple[tuple[int, int], Array]:
        check_abort()
        rows, columns = grid.span(*place)
        tile = whole[:, :, rows, columns]
        made = run(np.ascontiguousarray(tile) if library(tile) is np else tile)
        down, along = ((at + grid.rim - span.start) * scale for at, span in zip(place, (rows, columns), strict=True))
        return place, made[:, :, down : down + tall, along : along + wide]

    def place_tile(done: tuple[tuple[int, int], Array]) -> None:
        nonlocal out
        (top, left), made = done
        if out is None:
            size = (1, made.shape[1], grid.height * scale, grid.width * scale)
            out = np.empty(size, made.dtype) if library(made) is np else made.new_empty(size)
        room = out[:, :, top * scale : top * scale + tall, left * scale : left * scale + wide]
        room[...] = made[:, :, : room.shape[2], : room.shape[3]]

    places = list(grid.places())
    if workers <= 1 or len(places) == 1:
        for place in places:
            place_tile(one(place))
    else:
        with ThreadPoolExecutor(min(workers, len(places)), thread_name_prefix="tile") as pool:
            for done in pool.map(one, places):
                place_tile(done)
    return out
