"""Wetgate's command line as a process of its own: started free of Nuke's Python, followed by its JSON, cancelled."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wetgate_nuke.errors import Cancelled, WetgateError
from wetgate_nuke.settings import command

Event = Mapping[str, Any]
# Nuke sets these for itself; another Python or torch breaks by them.
_NOT_OURS = ("PYTHON", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_", "QT_", "TCL", "TK_", "NUKE_")
_PATIENCE = 60.0  # seconds for frames that are being written, after Cancel


@dataclass
class Outcome:
    """What came of a run: frames written and kept, messages of those that failed, and the last event."""

    written: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    done: dict[str, Any] = field(default_factory=dict)


def run(
    arguments: Sequence[str],
    on_event: Callable[[Event], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run ``wetgate ARGUMENTS --json`` to its end.

    Frames that failed are in the outcome. :class:`WetgateError` with the command line's own message where nothing could
    be done, :class:`Cancelled` where ``cancelled`` said so: frames that are finished by then stay.
    """
    line = [*command(), *arguments, "--json"]
    try:
        process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            text=True,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise WetgateError(f"{line[0]} cannot be started: {error.strerror or error}") from None
    said: deque[str] = deque(maxlen=20)
    lines: queue.Queue[str | None] = queue.Queue()
    readers = [
        threading.Thread(target=_read, args=(process.stdout, lines.put, lambda: lines.put(None)), daemon=True),
        threading.Thread(target=_read, args=(process.stderr, said.append, lambda: None), daemon=True),
    ]
    for reader in readers:
        reader.start()
    outcome = Outcome()
    refusal: list[str] = []
    try:
        _follow(process, lines, outcome, refusal, on_event, cancelled)
    finally:
        if process.poll() is None:
            _stop(process)
        for reader in readers:
            reader.join(5)
    if process.returncode == 130:
        raise Cancelled()
    if process.returncode not in (0, 3) or refusal:
        reason = refusal or [text for text in said if text.strip()] or ["it said nothing"]
        raise WetgateError("\n".join(reason[-5:]))
    return outcome


def _follow(
    process: Any,
    lines: queue.Queue[str | None],
    outcome: Outcome,
    refusal: list[str],
    on_event: Callable[[Event], None],
    cancelled: Callable[[], bool],
) -> None:
    while True:
        if cancelled():
            _stop(process)
            raise Cancelled()
        try:
            text = lines.get(timeout=0.1)
        except queue.Empty:
            continue
        if text is None:
            process.wait()
            return
        try:
            event = json.loads(text)
        except ValueError:
            continue  # a library's own line
        if isinstance(event, dict):
            _take(event, outcome, refusal)
            on_event(event)


def _take(event: dict[str, Any], outcome: Outcome, refusal: list[str]) -> None:
    kind = event.get("event")
    if kind == "frame":
        (outcome.kept if event.get("kept") else outcome.written).append(int(event["frame"]))
    elif kind == "failed":
        outcome.failed[int(event["frame"])] = str(event["error"])
    elif kind == "note":
        outcome.notes.append(str(event["text"]))
    elif kind == "error":
        refusal.append(str(event["error"]))
    elif kind == "done":
        outcome.done = event


def _read(stream: Any, take: Callable[[str], None], end: Callable[[], None]) -> None:
    for text in stream:
        take(text.rstrip("\n"))
    end()


def _stop(process: Any) -> None:
    """End it: asked first, so that the frames in work are finished or gone; then by force."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_NOT_OURS)}
