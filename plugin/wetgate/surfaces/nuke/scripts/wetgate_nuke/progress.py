"""How far a render is: Nuke's progress bar where there is a window; a line that changes, or one now and then, else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import nuke

EVERY_S = 5.0  # between two lines in a log


class Task:
    """Nuke's progress bar with its Cancel button; in a terminal, one line that is written anew; in a log, whose lines
    stay, one every five seconds and the last."""

    def __init__(self, name: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._count = 0
        self._total = total
        self._clock = clock
        self._said = clock()
        self._open = 0  # width of the line that is to be written anew
        self._bar = nuke.ProgressTask(f"Wetgate: {name}") if nuke.GUI else None

    def on_event(self, event: Any) -> None:
        kind = event.get("event")
        if kind in ("frame", "failed"):
            self._count += 1
            self._show(f"Frame {event['frame']} ({self._count} of {self._total})", self._count / max(self._total, 1))
        if kind == "failed":
            self._print(f"Wetgate: frame {event['frame']} failed: {event['error']}")
        if kind == "note":
            self._print(f"Wetgate: {event['text']}")
        if kind == "analysing":
            self._show(f"Analysing, {float(event['done']):.0%}", float(event["done"]))

    def cancelled(self) -> bool:
        return self._bar is not None and bool(self._bar.isCancelled())

    def _show(self, text: str, share: float) -> None:
        if self._bar is not None:
            self._bar.setMessage(text)
            self._bar.setProgress(int(100 * share))
        elif _is_terminal():
            sys.stdout.write("\r" + text.ljust(self._open) + ("\n" if share >= 1 else ""))
            sys.stdout.flush()
            self._open = 0 if share >= 1 else len(text)
        elif share >= 1 or self._clock() - self._said >= EVERY_S:
            self._said = self._clock()
            nuke.tprint(text)

    def _print(self, text: str) -> None:
        """A line that stays, after whatever was being written anew."""
        if self._open:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._open = 0
        nuke.tprint(text)


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
