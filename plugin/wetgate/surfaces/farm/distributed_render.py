"""The render command on a cluster: arguments to a request, the connection, and the job around it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wetgate.engine.job import Job, OnEvent, Outcome
from wetgate.engine.outputs import output_path, stem_of
from wetgate.engine.pipeline import Abort
from wetgate.engine.render import render
from wetgate.engine.shot import opened
from wetgate.io.atomic import make_folder
from wetgate.spec import UsageError
from wetgate.surfaces.farm.cluster import Cluster, DaskEngine, Request

# Arguments that are paths and travel to other machines; the others go as they are.
_PATHS = ("input", "output", "aov")


def render_on_dask(job: Job, args: Any, on_event: OnEvent, abort: Abort) -> Outcome:
    """Carry a job out on a Dask cluster. Raises :class:`UsageError` where it cannot be begun."""
    _demand_dask(args)

    def say(text: str) -> None:
        on_event({"event": "note", "text": text})

    cluster = Cluster(args.scheduler, resources(args.resources or []), say)
    try:
        source = opened(job.input, job.on_missing)
        try:
            first = source.path_of(source.numbers[0])
            folder = Path(stem_of(output_path(job.output, source))).absolute().parent
        finally:
            source.close()
        make_folder(folder)
        cluster.demand_workers([str(Path(first).absolute()), str(folder)])
        engine = DaskEngine(cluster, request_of(job, args), args.chunk, args.retries, job.resume, say)
        if any(step.node.analyzes for step in job.graph.used()) and not job.analyses:
            engine.analyse(abort)
            job = replace(job, analyses_beside=True)
        return render(job, on_event, None, abort, engine)
    finally:
        cluster.close()


def request_of(job: Job, args: Any) -> Request:
    """The job for other machines: whole paths, and the graph itself in place of a file or a preset's name."""
    skipped = ("sign", "analysis", "node", "graph", "report", "as_json", "frames")
    values: dict[str, Any] = {k: v for k, v in vars(args).items() if k not in skipped}
    for name in _PATHS:
        if values.get(name):
            values[name] = str(Path(values[name]).absolute())
    if values.get("config") and Path(values["config"]).is_file():
        values["config"] = str(Path(values["config"]).absolute())
    spaces = {k: v for k, v in (("in_space", job.graph.in_space), ("out_space", job.graph.out_space)) if v}
    values |= {"graph": {**job.graph.record(), **spaces}, "node": None, "analysis": None, "sign": None, "frames": None}
    masks = {s.mask.files for s in job.graph.used() if s.mask is not None and s.mask.files}
    return Request(values, {path: str(Path(path).absolute()) for path in masks})


def resources(given: list[str]) -> Mapping[str, float]:
    """``--resources GPU=1``: what a worker must offer, as Dask's workers are told with the same words."""
    found: dict[str, float] = {}
    for text in given:
        name, _, amount = text.partition("=")
        try:
            found[name.strip()] = float(amount or 1)
        except ValueError:
            raise UsageError(f"{text!r} is not NAME=AMOUNT", where="--resources", allowed="GPU=1") from None
    return found


def _demand_dask(args: Any) -> None:
    problems: list[tuple[bool, Callable[[], UsageError]]] = [
        (
            not args.scheduler,
            lambda: UsageError(
                "no scheduler is named", where="--scheduler", allowed="tcp://host:8786", remedy="name the cluster's"
            ),
        ),
        (
            args.report is not None,
            lambda: UsageError(
                "a report is made of frames as they are rendered, which other machines do",
                where="--report",
                remedy="leave it out, or render without --engine dask",
            ),
        ),
        (
            importlib.util.find_spec("distributed") is None,
            lambda: UsageError(
                "Dask is not installed", where="--engine", remedy="install it: pip install 'wetgate[farm]'"
            ),
        ),
    ]
    for wrong, error in problems:
        if wrong:
            raise error()
