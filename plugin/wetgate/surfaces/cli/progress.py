"""What long work shows: a bar with frames, rate and time left on a terminal, JSON lines, or plain lines in a log."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from wetgate.engine.pipeline import Abort

Event = Mapping[str, Any]
_PLAIN_EVERY = 5.0  # seconds between lines where stderr is no terminal


def counted(frames: int) -> str:
    """``1 frame``, ``24 frames``."""
    return f"{frames:,} frame" + ("" if frames == 1 else "s")


def emit(text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
    """Print a line. Work goes on where nobody can read it any more: a pipe that was closed, a log's disk that is full;
    the stream is silent from then on."""
    try:
        print(text, file=getattr(sys, stream), flush=True)
    except OSError:
        _close_quietly(getattr(sys, stream))
        setattr(sys, stream, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (open to the end)


def _close_quietly(stream: Any) -> None:
    """Closing flushes what is left, which would fail once more as the program ends."""
    with suppress(OSError, ValueError):
        stream.close()


class Progress:
    """Takes the engine's events, each by a method of its name. Everything for people goes to stderr; stdout carries
    results and JSON alone."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._lock = threading.Lock()
        self._total = 0
        self._done = 0
        self._began = time.monotonic()
        self._last = 0.0
        self._bar: Any = None
        self._task: Any = None
        self._terminal = sys.stderr.isatty() and not as_json

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._json:
                emit(json.dumps(event))
                return
            handler: Callable[[Event], None] | None = getattr(self, f"_on_{event['event'].replace('-', '_')}", None)
            if handler is not None:
                handler(event)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _on_start(self, event: Event) -> None:
        self._total = int(event["frames"])
        self._done = 0
        self._began = time.monotonic()
        self._last = self._began
        if self._terminal:
            self._open_bar("frames", self._total)

    def _open_bar(self, what: str, total: float) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.close()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task(what, total=total, rate="")
        self._bar.start()

    def _on_frame(self, event: Event) -> None:
        self._advance()
        for name, text in (("repaired", "NaN or infinite samples repaired"), ("clamped", "samples clamped")):
            if event.get(name):
                self._say(f"frame {event['frame']}: {event[name]} {text}")
        if event.get("held_from") is not None:
            self._say(f"frame {event['frame']} is missing: frame {event['held_from']} stands in")
        if event.get("missing"):
            self._say(f"frame {event['frame']} is missing: black stands in")

    def _on_failed(self, event: Event) -> None:
        self._advance()
        self._say(f"frame {event['frame']} failed: {event['error']}")

    def _on_note(self, event: Event) -> None:
        self._say(f"note: {event['text']}")

    def _on_found(self, event: Event) -> None:
        self._say(f"{event['step']}: {event['text']}")

    def _on_media(self, event: Event) -> None:
        self._say(f"{event['index']} of {event['of']}: {event['media']}, frames {event['frames']}")

    def _on_analysis(self, event: Event) -> None:
        self._say(f"analysing {counted(event['frames'])} for {event['step']}")
        self._began = time.monotonic()
        self._last = self._began
        if self._terminal:
            self._open_bar("analysis", 1.0)

    def _on_analysing(self, event: Event) -> None:
        share = float(event["done"])
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, completed=share, rate=f"{share:.0%}")
        elif not self._terminal and now - self._last > _PLAIN_EVERY:
            self._last = now
            left = (now - self._began) * (1 - share) / share
            self._say(f"analysis {share:.0%}, {left:.0f} s left")

    def _advance(self) -> None:
        self._done += 1
        now = time.monotonic()
        rate = self._done / max(now - self._began, 1e-9)
        if self._bar is not None:
            shown = f"{self._done}/{self._total}  {rate:.2f} frames/s"
            self._bar.update(self._task, completed=self._done, rate=shown)
        elif not self._terminal and (now - self._last > _PLAIN_EVERY or self._done == self._total):
            self._last = now
            left = (self._total - self._done) / rate
            self._say(f"{self._done} of {self._total} frames, {rate:.2f} frames/s, {left:.0f} s left")

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(f"wetgate: {text}", highlight=False, markup=False)
        else:
            emit(f"wetgate: {text}", "stderr")


@contextmanager
def interruptible() -> Iterator[Abort]:
    """The first Ctrl-C or SIGTERM ends the work cleanly, the second at once."""
    abort = Abort()
    if threading.current_thread() is not threading.main_thread():
        yield abort
        return

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        abort.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield abort
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
