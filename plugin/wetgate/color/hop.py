"""A hop: the pixels of one colour space in another, worked by OCIO on all cores.

Over every space of the built-in studio configs, light of -0.5..1000 comes back from a hop there and back (scene-linear,
and absolute display light) within 2e-5 of the brightest channel. What cannot hold that, and why:

- data spaces have no colour, and are refused;
- a space that is made with a 3D table or a look holds what the table holds: OCIO clips at its ends, and there is no one
  curve to carry on;
- HLG scales by a power of luminance, so an imaginary colour whose luminance nearly cancels (below 1e-4 of its largest
  channel) comes back with its rounding enlarged. OCIO also takes all luminance below 1e-4 of the peak for 1e-4: its HLG
  is then up to 0.002 nits off the standard's, both ways alike.

Light between zero and 1e-5 differs from OCIO's by less than 1e-5 in logarithmic spaces that OCIO ends there
(:mod:`wetgate.color.extension`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from wetgate.color.chain import Op, Step, group
from wetgate.spec import Image, UsageError

# Pixels a band: 16 KiB * 4 channels * 4 bytes = 256 KiB, so that the steps of a hop find it in the second-level cache.
_BAND_PIXELS = 1 << 14

_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


class Hop:
    """A conversion between two spaces, ready to run. Made by :meth:`wetgate.color.ColorConfig.hop`, and kept there.

    ``src`` and ``dst`` are canonical names. ``is_identity`` says that pixels come out as they go in.
    """

    def __init__(self, src: str, dst: str, ops: Sequence[Op], steps: Sequence[Step]) -> None:
        self.src = src
        self.dst = dst
        self._ops = tuple(ops)
        self._steps = tuple(steps)

    def __repr__(self) -> str:
        return f"Hop({self.src!r} -> {self.dst!r})"

    @property
    def is_identity(self) -> bool:
        return not self._steps

    @property
    def extends(self) -> bool:
        """Whether a curve on the way is carried on beyond where OCIO clips it."""
        return any(step.limits is not None for step in self._steps)

    def apply(self, image: Image, threads: int = 0, out: Image | None = None) -> Image:
        """The converted picture, new or in ``out``; the input is not written to.

        ``image`` is float32 (H, W, 3) or (H, W, 4); alpha comes out bit for bit. ``threads`` = 0 takes all cores; the
        result does not depend on it. NaN stays in its own pixel. ``out`` is contiguous, of the same shape and type,
        and may be ``image`` itself.
        """
        _demand_image(image)
        source = np.ascontiguousarray(image)
        if out is None:
            out = np.empty_like(source)
        elif out.shape != source.shape or out.dtype != np.float32 or not out.flags.c_contiguous:
            raise UsageError(f"out is {out.dtype} {out.shape}", allowed=f"contiguous float32 {source.shape}")
        if self.is_identity:
            np.copyto(out, source)
            return out
        target = out

        def work(first: int, last: int) -> None:
            block = target[first:last]
            np.copyto(block, source[first:last])
            alpha = block[..., 3].copy() if block.shape[-1] == 4 else None
            for step in self._steps:
                step.run(block)
            if alpha is not None:
                block[..., 3] = alpha

        in_bands(work, source.shape[0], source.shape[1], threads)
        return target

    def transform(self) -> Any:
        """The hop as an OCIO GroupTransform, for baking and export, without the extension beyond OCIO's clips."""
        return group(self._ops)


def in_bands(work: Callable[[int, int], None], height: int, width: int, threads: int = 0) -> None:
    """Call ``work(first_row, last_row)`` over bands of rows on a shared pool; bands depend on the width alone.

    Raises what a band raised. Work that calls this from inside a band runs there, so that the pool cannot wait for
    itself.
    """
    rows = max(1, _BAND_PIXELS // width)
    bands = [(first, min(first + rows, height)) for first in range(0, height, rows)]
    workers = min(threads if threads > 0 else cores(), len(bands))
    if workers <= 1 or threading.current_thread().name.startswith(_THREAD_NAME):
        for band in bands:
            work(*band)
        return

    def share(start: int) -> None:
        for band in bands[start::workers]:
            work(*band)

    futures = [_shared_pool().submit(share, start) for start in range(1, workers)]
    try:
        share(0)
    finally:
        for future in futures:
            future.exception()  # waits
    for future in futures:
        future.result()


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_THREAD_NAME = "wetgate-color"


def _shared_pool() -> ThreadPoolExecutor:
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max_workers=cores(), thread_name_prefix=_THREAD_NAME)
        return _pool


def _forget_pool() -> None:
    """In a forked child the pool's threads do not exist, and its lock may have been held."""
    global _pool, _pool_lock
    _pool = None
    _pool_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _demand_image(image: Image) -> None:
    if image.dtype != np.float32 or image.ndim != 3 or image.shape[2] not in (3, 4):
        raise UsageError(f"picture is {image.dtype} {image.shape}", allowed="float32 of (H, W, 3) or (H, W, 4)")
