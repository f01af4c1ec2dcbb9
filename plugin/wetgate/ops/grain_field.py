"""Fields of grain put into a picture of density: the fast engine, and the density law that both engines go through.

White noise is addressed by patch: 32 rows of 128 pixels, at fixed places of the full picture, each from its own counter
of Philox4x64 (J. K. Salmon et al., SC 2011, as numpy has it). It is filtered in cells of 64 by 512 pixels, again at
fixed places, each always whole and alike: so a tile has the bits of the whole picture, on any number of threads, and no
frame needs another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.grain_shape import Kernel
from wetgate.ops.random import Stream
from wetgate.spec import Image

Array = NDArray[np.float64]
Counts = NDArray[np.uint8]

PATCH_HEIGHT, PATCH_WIDTH = 32, 128
CELL_HEIGHT, CELL_WIDTH = 64, 512  # whole patches; a kernel's radius stays below one patch
# The density law is tabled over these densities, held beyond them. 1 / 512 D apart a law of any stock moves by less
# than 0.2 %.
LAW_FROM, LAW_TO, LAW_PER_DENSITY = -4.0, 6.0, 512
_LN10 = math.log(10.0)


def law_densities() -> Array:
    """The densities at which a law is tabled, (N,)."""
    return np.arange(int((LAW_TO - LAW_FROM) * LAW_PER_DENSITY)) / LAW_PER_DENSITY + LAW_FROM


@dataclass(frozen=True, slots=True)
class Law:
    """Standard deviation of density, and what is added to density so that the mean of light stays; both (3, N) over
    :func:`law_densities`. ``squared`` times the deviation's square is that lift, where it is so."""

    deviation: Image
    lift: Image
    squared: float | None = None

    @classmethod
    def gaussian(cls, deviation: Array) -> Law:
        """The law for Gaussian grain: 10 ** -(D + sigma n) has the mean 10 ** -D exp((ln(10) sigma)^2 / 2), so
        ln(10) sigma^2 / 2 of density makes up for it."""
        return cls(deviation.astype(np.float32), (deviation**2 * (_LN10 / 2)).astype(np.float32), _LN10 / 2)


def white_counts(
    stream: Stream, frame: int, rows: tuple[int, int], columns: tuple[int, int], channels: int, threads: int = 1
) -> Counts:
    """White noise of whole patches: ``rows`` and ``columns`` are first and end patch; uint8 (channels, H, W).

    A value is the number of ones among 32 random bits: mean 16, variance 8, binomial, which after any blur is as good
    as Gaussian (excess kurtosis -1/16 before it).
    """
    key = stream.key
    philox = (key[0] | key[1] << 32, 0)
    shape = (channels, (rows[1] - rows[0]) * PATCH_HEIGHT, (columns[1] - columns[0]) * PATCH_WIDTH)
    out = np.empty(shape, np.uint8)

    def fill(patch: tuple[int, int]) -> None:
        words = patch_words(philox, frame, patch, channels, PATCH_HEIGHT, PATCH_WIDTH)
        top, left = (patch[0] - rows[0]) * PATCH_HEIGHT, (patch[1] - columns[0]) * PATCH_WIDTH
        np.bitwise_count(words, out=out[:, top : top + PATCH_HEIGHT, left : left + PATCH_WIDTH])

    each([(r, c) for r in range(*rows) for c in range(*columns)], fill, threads)
    return out


def patch_words(
    key: tuple[int, int], frame: int, patch: tuple[int, int], channels: int, height: int, width: int
) -> NDArray[np.uint32]:
    """Uniform 32-bit words of one patch, (channels, height, width), from its own counter."""
    mask = (1 << 64) - 1
    counter = np.array([0, patch[1] & mask, patch[0] & mask, frame & mask], np.uint64)
    bits = np.random.Philox(key=np.array(key, np.uint64), counter=counter)
    words = bits.random_raw(-(-channels * height * width // 2)).astype("<u8", copy=False).view("<u4")
    return words[: channels * height * width].reshape(channels, height, width)


def add_spectral(
    density: Image,
    law: Law,
    kernels: Sequence[Kernel],
    mix: Array,
    *,
    stream: Stream,
    frame: int,
    x: int = 0,
    y: int = 0,
    threads: int = 1,
    check_abort: Callable[[], None] = lambda: None,
) -> Image:
    """``density`` (H, W, 3) with a shaped Gaussian field through the law: D + sigma(D) n + lift(D), new.

    ``kernels`` and ``mix`` are those of :mod:`wetgate.ops.grain_shape`; (x, y) is the first pixel's place in the full
    picture.
    """
    out = np.empty(density.shape, np.float32)

    def work(top: int, left: int, planes: Sequence[Image]) -> None:
        apply_law(density, planes, law, out, top, left)

    run_cells(density.shape[:2], kernels, mix, work, stream, frame, (x, y), threads, check_abort)
    return out


def run_cells(
    size: tuple[int, int],
    kernels: Sequence[Kernel],
    mix: Array,
    work: Callable[[int, int, Sequence[Image]], None],
    stream: Stream,
    frame: int,
    place: tuple[int, int],
    threads: int,
    check_abort: Callable[[], None],
) -> None:
    """Call ``work(top, left, planes)`` with the field's three planes for each part of a picture that a cell covers."""
    height, width = size
    x, y = place
    used = int(np.flatnonzero(np.abs(mix).sum(axis=0))[-1]) + 1
    cells_down = y // CELL_HEIGHT, (y + height - 1) // CELL_HEIGHT + 1
    cells_across = x // CELL_WIDTH, (x + width - 1) // CELL_WIDTH + 1
    down = cells_down[0] * CELL_HEIGHT // PATCH_HEIGHT - 1, cells_down[1] * CELL_HEIGHT // PATCH_HEIGHT + 1
    across = cells_across[0] * CELL_WIDTH // PATCH_WIDTH - 1, cells_across[1] * CELL_WIDTH // PATCH_WIDTH + 1
    whites = white_counts(stream, frame, down, across, used, threads)
    same = all(k is kernels[0] for k in kernels)

    def fill(cell: tuple[int, int]) -> None:
        check_abort()
        top, left = cell[0] * CELL_HEIGHT, cell[1] * CELL_WIDTH
        above, before = max(y - top, 0), max(x - left, 0)
        below, after = min(y + height - top, CELL_HEIGHT), min(x + width - left, CELL_WIDTH)
        fields = _cell_fields(whites, top - down[0] * PATCH_HEIGHT, left - across[0] * PATCH_WIDTH, kernels, mix, same)
        work(top + above - y, left + before - x, [f[above:below, before:after] for f in fields])

    each([(r, c) for r in range(*cells_down) for c in range(*cells_across)], fill, threads)


def apply_law(density: Image, planes: Sequence[Image], law: Law, out: Image, top: int, left: int) -> None:
    """Write D + sigma(D) n + lift(D) for the part of a picture that ``planes`` cover from (top, left) on."""
    rows, columns = planes[0].shape
    part = (slice(top, top + rows), slice(left, left + columns))
    last = np.float32(law.deviation.shape[1] - 1)
    for channel, plane in enumerate(planes):
        d = density[(*part, channel)].copy()
        position = d * np.float32(LAW_PER_DENSITY)
        position += np.float32(0.5 - LAW_FROM * LAW_PER_DENSITY)
        np.clip(position, np.float32(0.0), last, out=position)
        index = position.astype(np.intp)
        np.take(law.deviation[channel], index, mode="clip", out=position)
        if law.squared is not None:  # sigma (n + k sigma): one look-up less
            noise = position * np.float32(law.squared)
            noise += plane
            position *= noise
            np.add(position, d, out=out[(*part, channel)])
            continue
        position *= plane
        position += d
        np.take(law.lift[channel], index, mode="clip", out=d)
        np.add(position, d, out=out[(*part, channel)])


def each(jobs: Sequence[tuple[int, int]], work: Callable[[tuple[int, int]], None], threads: int) -> None:
    """Every job once, on that many threads; what one raises is raised."""
    if threads <= 1 or len(jobs) < 2:
        for job in jobs:
            work(job)
        return
    workers = min(threads, len(jobs))

    def share(start: int) -> None:
        for job in jobs[start::workers]:
            work(job)

    with ThreadPoolExecutor(workers, thread_name_prefix="wetgate-grain") as pool:
        for done in [pool.submit(share, start) for start in range(workers)]:
            done.result()


def _cell_fields(whites: Counts, top: int, left: int, kernels: Sequence[Kernel], mix: Array, same: bool) -> list[Image]:
    """The three planes of one cell, each (CELL_HEIGHT, CELL_WIDTH)."""
    import cv2

    reach = max(k.radius for k in kernels)
    place = (slice(top - reach, top + CELL_HEIGHT + reach), slice(left - reach, left + CELL_WIDTH + reach))
    white = [(w[place].astype(np.float32) - np.float32(16)) * np.float32(1 / math.sqrt(8)) for w in whites]
    if same:  # alike in all layers: filter first, then mix, since that is less
        return _mixed([_filtered(w, kernels[0], reach, cv2) for w in white], mix)
    return [_filtered(m, k, reach, cv2) for m, k in zip(_mixed(white, mix), kernels, strict=True)]


def _mixed(planes: Sequence[Image], mix: Array) -> list[Image]:
    out: list[Image] = []
    for row in mix:
        total: Image | None = None
        for plane, weight in zip(planes, row, strict=False):
            if weight != 0:
                term = plane if weight == 1 else plane * np.float32(weight)
                total = term if total is None else total + term
        assert total is not None
        out.append(total)
    return out


def _filtered(plane: Image, kernel: Kernel, reach: int, cv2: object) -> Image:
    """The valid part of a convolution; the kernels are symmetric, so OpenCV's correlation is one."""
    total: Image | None = None
    for down, across in kernel.passes:
        part: Image = cv2.sepFilter2D(plane, -1, across, down)  # type: ignore[attr-defined]
        total = part if total is None else total + part
    assert total is not None
    return np.asarray(total[reach : reach + CELL_HEIGHT, reach : reach + CELL_WIDTH])
