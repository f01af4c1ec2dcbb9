"""The overlapped pipeline: frames are read ahead, worked in order, and written behind, in bounded memory.

Reading and writing run on pools of their own; the graph is worked in the caller's thread, so that an interrupt reaches
it at once. At most ``read_ahead`` frames beyond the window are read and at most ``write_behind`` wait to be written,
whatever the length of the shot.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

Span = tuple[str, int, float, float]


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_opencv(threads: int) -> None:
    """Give OpenCV as many threads as the render has: its pool is the process's own, of all processors otherwise, and of
    several workers on one machine each would take them all."""
    os.environ["OPENCV_FOR_THREADS_NUM"] = str(threads)  # what it reads where a node imports it later
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(threads)


@dataclass(slots=True)
class Timeline:
    """What happened when: spans (stage, frame, begin, end) in seconds from the start, kept for the report."""

    began: float = field(default_factory=time.perf_counter)
    spans: deque[Span] = field(default_factory=lambda: deque(maxlen=30_000))
    steps: dict[str, float] = field(default_factory=dict)  # seconds that each step's node worked, within "compute"

    def add(self, stage: str, number: int, begin: float, end: float) -> None:
        self.spans.append((stage, number, begin - self.began, end - self.began))

    @contextmanager
    def working(self, step: str) -> Iterator[None]:
        """Count what is done inside as work of a step's node."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.steps[step] = self.steps.get(step, 0.0) + time.perf_counter() - began

    def busy(self, stage: str) -> float:
        """Seconds spent in a stage, summed over its threads."""
        return sum(end - begin for name, _, begin, end in list(self.spans) if name == stage)

    def overlap(self) -> float:
        """Seconds of work for each second of the clock: above 1 means that stages ran beside one another."""
        spans = list(self.spans)
        if not spans:
            return 0.0
        length = max(s[3] for s in spans) - min(s[2] for s in spans)
        return sum(s[3] - s[2] for s in spans) / length if length > 0 else 0.0


class WriteBehind:
    """Writes in the background, at most ``limit`` at once; in order, one after the other, where the sink wants that."""

    def __init__(self, limit: int, ordered: bool) -> None:
        self._limit = limit
        self._pool = ThreadPoolExecutor(1 if ordered else max(1, limit // 2), thread_name_prefix="wetgate-write")
        self._waiting: set[Future[None]] = set()

    def put(self, write: Callable[[], None]) -> None:
        """Queue a write. Waits while ``limit`` are queued. ``write`` deals with its own errors."""
        while len(self._waiting) >= self._limit:
            done, self._waiting = wait(self._waiting, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
        self._waiting.add(self._pool.submit(write))

    def finish(self) -> None:
        """Wait for every write."""
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            future.result()
        self._pool.shutdown(wait=True)

    def abandon(self) -> None:
        """Drop what has not begun, and wait for what has."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._waiting = set()


class Abort:
    """A flag that an interrupt sets and long work looks at."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        """Whether the work is to end."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise :class:`~wetgate.spec.Interrupted` once the flag is set."""
        if self._event.is_set():
            from wetgate.spec import Interrupted

            raise Interrupted("interrupted")


def ahead(numbers: Sequence[int], position: int, count: int) -> Sequence[int]:
    """The next frames to render after ``position``."""
    return numbers[position + 1 : position + 1 + count]
