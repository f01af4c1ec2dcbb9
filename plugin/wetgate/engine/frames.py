"""Frames read ahead, kept while a window needs them, and let go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

from wetgate.io.hashing import pixel_hash
from wetgate.io.source import Loaded, Source
from wetgate.spec import Frame, FrameError, WetgateError

Clock = Callable[[str, int, float, float], None]


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A frame as it was read, in the source's colour space, with the hash of its pixels."""

    loaded: Loaded
    hash: str

    @property
    def frame(self) -> Frame:
        return self.loaded.frame


class FrameStore:
    """Source frames by number, each read once while it is wanted.

    :meth:`want` starts reading; :meth:`get` waits for it; :meth:`keep` lets everything else go, oldest first, once the
    frames held exceed ``budget`` bytes (so that the passes over a short shot read it once). Reading happens in
    ``executor``. A failed read is remembered and raised to every caller that asks for the frame.
    """

    def __init__(self, source: Source, space: str, executor: Executor, clock: Clock, budget: int = 0) -> None:
        self._source = source
        self._space = space
        self._executor = executor
        self._clock = clock
        self._budget = budget
        self._futures: dict[int, Future[SourceFrame]] = {}
        self._lock = threading.Lock()

    def want(self, number: int) -> Future[SourceFrame]:
        """Begin to read a frame, if it is not read or being read."""
        with self._lock:
            future = self._futures.get(number)
            if future is None:
                future = self._executor.submit(self._read, number)
                self._futures[number] = future
            return future

    def get(self, number: int) -> SourceFrame:
        """The frame, once it is read. Raises the reader's :class:`~wetgate.spec.FrameError`."""
        return self.want(number).result()

    def once(self, number: int) -> SourceFrame:
        """The frame, read in the caller's thread and not held."""
        return self._read(number)

    def keep(self, numbers: Iterable[int]) -> None:
        """Frames that are not among ``numbers`` may go."""
        kept = set(numbers)
        with self._lock:
            held = {n: _size(f) for n, f in self._futures.items()}
            total = sum(held.values())
            for number in [n for n in held if n not in kept]:
                if self._budget and total <= self._budget:
                    break
                self._futures.pop(number).cancel()
                total -= held[number]

    def close(self) -> None:
        """Let go of every frame, and of the reads that have not begun."""
        with self._lock:
            for future in self._futures.values():
                future.cancel()
            self._futures.clear()

    def _read(self, number: int) -> SourceFrame:
        began = time.perf_counter()
        try:
            loaded = self._source.read(number)
        except WetgateError:
            raise
        except Exception as error:  # a decoder's own: it fails this frame, not the whole render
            raise FrameError(
                f"reading failed: {type(error).__name__}: {error}",
                where=f"frame {number}",
                remedy="render or copy the file again",
            ) from error
        frame = replace(loaded.frame, space=self._space)
        read = SourceFrame(replace(loaded, frame=frame), pixel_hash(frame))
        self._clock("read", number, began, time.perf_counter())
        return read


def _size(future: Future[SourceFrame]) -> int:
    """Bytes of the frame that a finished read holds."""
    if not future.done() or future.cancelled() or future.exception() is not None:
        return 0
    frame = future.result().frame
    return frame.pixels.nbytes + sum(int(plane.nbytes) for plane in frame.extra.values())


def window_numbers(numbers: Sequence[int], number: int, reach: int) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """The frame numbers t-r..t+r, edge frames repeated, and which of them are repeats.

    Neighbours are neighbours in ``numbers``, the frames of the shot, whatever frames are being rendered.
    """
    center = numbers.index(number)
    places = range(center - reach, center + reach + 1)
    last = len(numbers) - 1
    return (
        tuple(numbers[min(max(p, 0), last)] for p in places),
        tuple(not 0 <= p <= last for p in places),
    )
