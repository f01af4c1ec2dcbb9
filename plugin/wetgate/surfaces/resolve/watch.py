"""``wetgate resolve watch``: renders what the Deliver page hands on, one job after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.engine.job import OnEvent
from wetgate.engine.pipeline import Abort
from wetgate.io.pattern import parse_pattern
from wetgate.io.ranges import format_frames
from wetgate.io.source import MOVIE_SUFFIXES
from wetgate.spec import Interrupted, WetgateError
from wetgate.surfaces.resolve.marks import graph_of_note
from wetgate.surfaces.resolve.spool import Claimed, Request, Shot, Spool, parse_request

POLL_S = 2.0
_FOLDER = "wetgate"  # beside the job's files, where it names no other


@dataclass(slots=True)
class Tally:
    """How many jobs ended how."""

    done: int = 0
    failed: int = 0

    @property
    def exit_code(self) -> int:
        return 3 if self.failed else 0


def watch(
    spool: Spool,
    *,
    once: bool = False,
    on_event: OnEvent = lambda event: None,
    abort: Abort | None = None,
    render: Mapping[str, Any] | None = None,
    poll_s: float = POLL_S,
) -> Tally:
    """Serve a spool folder: until it is empty (``once``), or until the user stops it, which is no error.

    ``render`` are further arguments of :func:`wetgate.render` (``device``, ``threads``, ``config``).
    """
    abort = abort or Abort()
    tally = Tally()
    try:
        while True:
            abort.check()
            for text in spool.recover():
                on_event({"event": "recovered", "text": text})
            job = spool.claim()
            if job is not None:
                _serve(spool, job, tally, on_event, abort, render or {})
            elif once:
                return tally
            else:
                _sleep(poll_s, abort)
    except Interrupted:
        return tally


def _sleep(seconds: float, abort: Abort) -> None:
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        abort.check()
        time.sleep(min(0.1, seconds))


def _serve(
    spool: Spool, job: Claimed, tally: Tally, on_event: OnEvent, abort: Abort, options: Mapping[str, Any]
) -> None:
    on_event({"event": "taken", "id": job.id, "tries": job.tries})
    try:
        with spool.alive(job):
            request = parse_request(job.text, job.path.name)
            made = [_one(request, shot, on_event, abort, options) for shot in request.shots]
    except Interrupted:
        spool.give_back(job)
        raise
    except WetgateError as error:
        result: dict[str, Any] = {"text": error.message(), "outputs": []}
        state = "failed"
    else:
        lost = [text for _, text in made if text]
        state = "failed" if lost else "done"
        frames = sum(len(outcome["written"]) + len(outcome["kept"]) for outcome, _ in made)
        said = "; ".join(lost) or f"{frames} frames to {', '.join(outcome['output'] for outcome, _ in made)}"
        result = {"text": said, "outputs": [outcome for outcome, _ in made]}
    spool.finish(job, state, result)
    setattr(tally, state, getattr(tally, state) + 1)
    on_event({"event": "job-done", "id": job.id, "state": state, "text": result["text"]})


def _one(
    request: Request, shot: Shot, on_event: OnEvent, abort: Abort, options: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """Render one sequence or movie; what came of it, and why it failed where it did. Frames of an earlier try stay."""
    from wetgate.surfaces.api import render

    graph, _ = graph_of_note(request.graph)
    output = output_of(request, shot)
    outcome = render(
        shot.path,
        output,
        graph=graph,
        frames=None if shot.frames is None else f"{shot.frames[0]}-{shot.frames[1]}",
        in_space=request.in_space,
        out_space=request.out_space,
        resume=True,
        on_event=on_event,
        abort=abort,
        **options,
    )
    facts = {
        "source": shot.path,
        "output": output,
        "record": outcome.record,
        "written": list(outcome.written),
        "kept": list(outcome.kept),
    }
    if outcome.failed:
        first = next(iter(outcome.failed.values()))
        return facts, f"frames {format_frames(outcome.failed)} of {shot.path} failed: {first}"
    return facts, ""


def output_of(request: Request, shot: Shot) -> str:
    """Where a shot's result goes: the same name, in the folder that the job names or in one beside the files."""
    path = Path(shot.path)
    folder = Path(request.output) if request.output else path.parent / _FOLDER
    if path.suffix.lower() in MOVIE_SUFFIXES:
        return str(folder / f"{path.stem}.mov")
    pattern = parse_pattern(path)
    head = path.stem if pattern is None else f"{pattern.head}{'#' * max(1, pattern.width)}"
    return str(folder / f"{head}.exr")
