"""What a task prints, in the words that its render manager listens for.

``openjd``: Open Job Description's ``openjd_progress: 42.0``, ``openjd_status: text`` and ``openjd_fail: text`` (How
Jobs Are Run, "Stdout/Stderr Messages"). ``deadline``: ``Progress: 42%``, which the CommandLine and Python plug-ins of
Deadline 10 match with ``.*Progress: (\\d+)%.*``. ``plain``: sentences.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wetgate.io.ranges import format_frames
from wetgate.spec import UsageError, suggest
from wetgate.surfaces.cli.progress import counted, emit

if TYPE_CHECKING:
    from wetgate.surfaces.farm.tasks import Done

STYLES = ("openjd", "deadline", "plain")
_EVERY_S = 1.0  # between two lines of progress: a manager stores each


class Lines:
    """Takes the engine's events and prints lines, all to stdout: managers keep one log."""

    def __init__(self, style: str) -> None:
        if style not in STYLES:
            raise UsageError(
                f"--lines is {style!r}", where="--lines", allowed=", ".join(STYLES), remedy=suggest(style, STYLES)
            )
        self._style = style
        self._lock = threading.Lock()
        self._total = 0
        self._done = 0
        self._began = time.monotonic()
        self._last = 0.0

    def __call__(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            kind = event["event"]
            if kind in ("start", "analysis"):
                self._total, self._done = int(event["frames"]), 0
                self._began = self._last = time.monotonic()
                self._status("analysing " * (kind == "analysis") + counted(self._total))
            elif kind == "analysing":
                self._progress(float(event["done"]))
            elif kind in ("frame", "failed"):
                self._done += 1
                if kind == "failed":
                    emit(f"frame {event['frame']} failed: {event['error']}")
                self._progress(self._done / max(self._total, 1))
            elif kind == "note":
                emit(f"note: {event['text']}")

    def say(self, text: str) -> None:
        """A sentence for the log."""
        emit(text)

    def end(self, kind: str, done: Done) -> None:
        """What came of it all."""
        if done.error:
            self._fail(done.error)
        elif done.failed:
            numbers = [int(n) for n in done.failed]
            self._fail(f"{counted(len(numbers))} failed: {format_frames(numbers)}")
        elif kind == "verify":
            self._status(f"{counted(done.written + done.kept)} verified")
        elif kind == "chunk":
            self._status(f"{counted(done.written)} written, {done.kept} kept from before")
        else:
            self._status("analysed")
        if not done.exit_code:
            self._progress(1.0, always=True)

    def _progress(self, share: float, always: bool = False) -> None:
        now = time.monotonic()
        if not always and now - self._last < _EVERY_S:
            return
        self._last = now
        if self._style == "openjd":
            emit(f"openjd_progress: {100 * share:.1f}")
        elif self._style == "deadline":
            emit(f"Progress: {int(100 * share)}%")
        if self._done and not always:
            self._status(f"{self._done} of {self._total} frames, {self._done / (now - self._began):.2f} frames/s")

    def _status(self, text: str) -> None:
        emit(f"openjd_status: {text}" if self._style == "openjd" else text)

    def _fail(self, text: str) -> None:
        for line in text.splitlines():
            emit(f"openjd_fail: {line}" if self._style == "openjd" else f"wetgate: {line}")
