"""The work of a farm task, in the process that has the libraries loaded: the session's worker, or the task's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

from wetgate.engine.graph import build
from wetgate.engine.job import Job, OnEvent, Take
from wetgate.engine.pipeline import Abort, cores
from wetgate.engine.render import analyse_job, render
from wetgate.io.ranges import format_frames, parse_frames
from wetgate.spec import Interrupted, UsageError, WetgateError
from wetgate.surfaces.cli.rendering import job_of
from wetgate.surfaces.farm.tasks import Done, our_frames


def carry_out(
    kind: str,
    values: Mapping[str, Any],
    moved: Mapping[str, str],
    on_event: OnEvent,
    abort: Abort,
    accounts: bool = False,
) -> Done:
    """Do a task in this process. ``accounts``: the frames of a chunk come with what a gatherer checks them by."""
    try:
        job = _job(values, moved)
        if kind == "analyze":
            paths = analyse_job(replace(job, sign=None), on_event, abort)
            for path in paths:
                on_event({"event": "note", "text": f"analysis: {path}"})
            return Done(0)
        if kind == "chunk":
            job = replace(job, analyses=(), analyses_beside=True, chunk=True, accounts=accounts, resume=True, sign=None)
            outcome = render(job, on_event, None, abort)
        else:
            job = replace(job, analyses=(), analyses_beside=True)
            outcome = render(job, on_event, None, abort, take_all)
    except Interrupted as error:
        return Done(130, error=error.message())
    except WetgateError as error:
        return Done(error.exit_code, error=error.message())
    failed = {str(n): message for n, message in outcome.failed.items()}
    told = [asdict(account) for account in outcome.accounts]
    return Done(outcome.exit_code, len(outcome.written), len(outcome.kept), failed, accounts=told)


def take_all(numbers: Sequence[int], analyses: Sequence[str], take: Take, abort: Abort) -> Mapping[int, str]:
    """An :class:`~wetgate.engine.job.Elsewhere` that has nothing made: what is on the disk counts."""
    with ThreadPoolExecutor(cores(), thread_name_prefix="wetgate-verify") as pool:
        found = dict(zip(numbers, pool.map(lambda n: take(n, kept=True), numbers), strict=True))
    return {n: error.message() for n, error in found.items() if error is not None}


def _job(values: Mapping[str, Any], moved: Mapping[str, str]) -> Job:
    values = dict(values)
    within = values.pop("within", None)
    if values.get("frames"):
        values["frames"] = our_frames(str(values["frames"]))
    if within:
        values["frames"] = between(values.get("frames"), str(within))
    if isinstance(values.get("graph"), Mapping):
        values["graph"] = build(values["graph"])
    return replace(job_of(SimpleNamespace(**values)), moved=moved)


def between(frames: str | None, within: str) -> str:
    """Those of a job's frames that lie in a task's range. Managers give a task its first and last frame, and their
    ranges know nothing of the step between."""
    ends = parse_frames(within)
    first, last = min(ends), max(ends)
    if frames is None:
        return f"{first}-{last}"
    inside = [n for n in parse_frames(frames) if first <= n <= last]
    if not inside:
        raise UsageError(
            f"none of the frames {frames} is between {first} and {last}",
            where="--within",
            remedy="give a task the frames of its job",
        )
    return format_frames(inside)
