"""How far a render is: Nuke's progress bar where there is a window, lines where there is none."""

from __future__ import annotations

from typing import Any

import nuke


class Task:
    """Nuke's progress bar with its Cancel button; in a terminal, lines as Nuke itself prints them."""

    def __init__(self, name: str, total: int) -> None:
        self._count = 0
        self._total = total
        self._bar = nuke.ProgressTask(f"Wetgate: {name}") if nuke.GUI else None

    def on_event(self, event: Any) -> None:
        kind = event.get("event")
        if kind in ("frame", "failed"):
            self._count += 1
            self._show(f"Frame {event['frame']} ({self._count} of {self._total})", self._count / max(self._total, 1))
        if kind == "failed":
            nuke.tprint(f"Wetgate: frame {event['frame']} failed: {event['error']}")
        if kind == "note":
            nuke.tprint(f"Wetgate: {event['text']}")
        if kind == "analysing":
            self._show(f"Analysing, {float(event['done']):.0%}", float(event["done"]))

    def cancelled(self) -> bool:
        return self._bar is not None and bool(self._bar.isCancelled())

    def _show(self, text: str, share: float) -> None:
        if self._bar is None:
            nuke.tprint(text)
            return
        self._bar.setMessage(text)
        self._bar.setProgress(int(100 * share))
