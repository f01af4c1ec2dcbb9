"""``wetgate render`` of footage, and ``wetgate analyze``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wetgate.engine.analyse import analyse_shot, analysing_step
from wetgate.engine.analysis import Analysis, summary_of
from wetgate.engine.graph import Graph
from wetgate.engine.job import Job, Outcome
from wetgate.engine.reel import analyse_reel, names
from wetgate.engine.render import render
from wetgate.engine.step import Step
from wetgate.io.atomic import make_folder
from wetgate.io.ranges import format_frames
from wetgate.io.rates import given_rate
from wetgate.io.sink import WriteOptions
from wetgate.io.timeline import SUFFIXES, is_timeline
from wetgate.spec import UsageError
from wetgate.surfaces.api import graph_of
from wetgate.surfaces.cli.arguments import one_of
from wetgate.surfaces.cli.progress import Progress, counted, emit, interruptible

ON_MISSING = ("error", "hold", "black")
_DEPTHS = ("half", "float", "uint8", "uint10", "uint12", "uint16")
_UNDONE = ("unmatched", "unreturned")  # facts of frames that a person has to be told
_FIDELITY = ("forensic", "faithful", "pleasing")


def write_options(args: Any) -> WriteOptions:
    """The storage options of a command's arguments."""
    return WriteOptions(
        depth=one_of(args.depth, _DEPTHS, "--depth"),
        compression=args.compression,
        overflow=one_of(getattr(args, "overflow", "clamp"), ("clamp", "error"), "--overflow"),
        rate=None if args.rate is None else given_rate(args.rate, "--rate"),
        codec=args.codec,
        quality=args.quality,
        pixel_format=getattr(args, "pixel_format", None),
    )


def job_of(args: Any) -> Job:
    """The job that the arguments of ``wetgate render`` describe; those that concern one process may be missing."""
    return Job(
        input=args.input,
        output=args.output,
        graph=graph_of(args.graph, args.node or []),
        frames=args.frames,
        in_space=args.in_space,
        out_space=args.out_space,
        config=args.config,
        options=write_options(args),
        on_missing=one_of(args.on_missing, ON_MISSING, "--on-missing"),
        on_error=one_of(getattr(args, "on_error", "continue"), ("continue", "stop"), "--on-error"),
        resume=getattr(args, "resume", False),
        aov_dir=args.aov,
        analyses=tuple(args.analysis or ()),
        fidelity=one_of(args.fidelity, _FIDELITY, "--fidelity"),
        device=args.device,
        threads=args.threads,
        sign=args.sign,
    )


def run_render(args: Any) -> int:
    """Render, say what came of it, and return the exit code."""
    if is_timeline(args.input):
        from wetgate.surfaces.cli.timelines import run_timeline

        return run_timeline(args)
    from wetgate.surfaces.report.collect import Collector

    _demand_footage_options(args)
    job = job_of(args)
    engine = one_of(args.engine, ("local", "dask"), "--engine")
    report = _report_path(args.report)
    grain = any(step.node.id == "grain" for step in job.graph.used())
    collector = Collector(job.config, device=job.device, grain=grain) if report is not None else None
    progress = Progress(args.as_json)
    try:
        with interruptible() as abort:
            if engine == "dask":
                from wetgate.surfaces.farm.distributed_render import render_on_dask

                outcome = render_on_dask(job, args, progress, abort)
            else:
                outcome = render(job, progress, collector, abort)
    finally:
        progress.close()
    if not args.as_json:
        emit(summary(outcome))
    if collector is not None and report is not None:
        collector.write(report, outcome)
        if not args.as_json:
            for line in collector.timing(outcome).lines():
                emit(line)
            emit(f"report: {report}")
    return outcome.exit_code


def _demand_footage_options(args: Any) -> None:
    given = [f"--{n}" for n in ("handles", "media") if getattr(args, n)]
    given += ["--dialect"] if args.dialect != "resolve" else []
    if given:
        raise UsageError(
            f"{', '.join(given)} is given for footage",
            where=args.input,
            allowed=f"a timeline: {', '.join(sorted(SUFFIXES))}",
            remedy="leave it out",
        )


def _report_path(text: str | None) -> Path | None:
    """Where the report goes, known to be possible before hours of work."""
    if text is None:
        return None
    path = Path(text)
    if not text or path.is_dir():
        raise UsageError(f"{text!r} is no file name", where="--report", remedy="name a page, report.html")
    make_folder(path.parent)
    return path


def summary(outcome: Outcome) -> str:
    """What a person wants to read at the end."""
    frames = len(outcome.written)
    rate = f", {frames / outcome.seconds:.2f} frames/s" if outcome.seconds > 0 and frames else ""
    lines = [f"{counted(frames)} written in {outcome.seconds:.1f} s{rate}"]
    if outcome.kept:
        lines.append(f"{counted(len(outcome.kept))} kept from before")
    if outcome.failed:
        lines.append(f"{counted(len(outcome.failed))} failed: {format_frames(outcome.failed)}")
    lines.extend(_left_undone(outcome))
    if outcome.record:
        lines.append(f"record: {outcome.record}")
    lines.extend(f"also: {path}" for path in outcome.files if path != outcome.record)
    return "\n".join(lines)


def _left_undone(outcome: Outcome) -> list[str]:
    """What a step could not do as it was asked, once for each sentence."""
    facts = [f.get("facts", {}) for f in outcome.run.get("frames", ())]
    found = {(step, said[key]) for f in facts for step, said in f.items() for key in _UNDONE if key in said}
    return [f"{step}: {text}" for step, text in sorted(found)]


def run_analyze(args: Any) -> int:
    """Analyse, and keep the document, or one for each shot of a reel."""
    path = Path(args.output)
    several = len(args.input) > 1
    if several == (path.suffix == ".json"):
        raise UsageError(
            f"{args.output!r} is no name for {'several documents' if several else 'a document'}",
            where="-o",
            remedy="name a folder, which gets a document for each shot" if several else "name the document shot.json",
        )
    if several and args.reference:
        raise UsageError(
            "a reference shows one shot, and several were given",
            where="--reference",
            remedy="analyse its shot by itself with it, then pool the documents",
        )
    graph = graph_of(args.graph, args.node or [])
    step = analysing_step(graph, args.step)
    paths = [path / name for name in names(args.input)] if several else [path]
    make_folder(paths[0].parent)
    pages = _preview_paths(args, paths)
    progress = Progress(args.as_json)
    try:
        with interruptible() as abort:
            options = {
                "step": args.step,
                "frames": args.frames,
                "in_space": args.in_space,
                "config": args.config,
                "on_missing": one_of(args.on_missing, ON_MISSING, "--on-missing"),
                "reference": args.reference,
                "reference_space": args.reference_space,
                "on_event": progress,
                "abort": abort,
            }
            if several:
                documents = analyse_reel(args.input, step, lambda one: analyse_shot(one, graph, **options))
            else:
                documents = [analyse_shot(args.input[0], graph, **options)]
    finally:
        progress.close()
    for document, kept in zip(documents, paths, strict=True):
        document.save(kept)
        _tell_document(document, summary_of(step, document), kept, args.as_json)
    if pages:
        _preview(args, graph, step, documents, paths, pages)
    return 0


def _preview_paths(args: Any, paths: Sequence[Path]) -> list[Path]:
    """Where the pages about the documents go: one, or of several shots one beside another in a folder."""
    if args.report is None:
        return []
    pooled = [one for one in args.input if Path(one).suffix == ".json"]
    if pooled:
        raise UsageError(
            "a page shows footage, and a document was given",
            where=pooled[0],
            remedy="leave --report out, or give the footage of every shot",
        )
    if len(paths) == 1:
        page = _report_path(args.report)
        return [] if page is None else [page]
    folder = Path(args.report)
    if folder.suffix == ".html":
        raise UsageError(
            f"{args.report!r} is no name for several pages", where="--report", remedy="name a folder, which gets them"
        )
    make_folder(folder)
    return [folder / path.with_suffix(".html").name for path in paths]


def _preview(
    args: Any,
    graph: Graph,
    step: Step,
    documents: Sequence[Analysis],
    paths: Sequence[Path],
    pages: Sequence[Path],
) -> None:
    from wetgate.surfaces.report.preview import write_preview

    with interruptible() as abort:
        for footage, document, kept, page in zip(args.input, documents, paths, pages, strict=True):
            write_preview(
                page, footage, graph, step, document, kept, in_space=args.in_space, config=args.config, abort=abort
            )
            if not args.as_json:
                emit(f"report: {page}")


def _tell_document(document: Analysis, found: str, path: Path, as_json: bool) -> None:
    result: Mapping[str, Any] = {
        "event": "done",
        "path": str(path),
        "frames": len(document.frames),
        "cuts": list(document.cuts),
        "found": found,
    }
    if as_json:
        emit(json.dumps(result))
    else:
        cuts = f", cuts at {' '.join(map(str, document.cuts))}" if document.cuts else ""
        emit(f"{path}: {document.node}, {counted(len(document.frames))}{cuts}")
        if found:
            emit(f"found: {found}")
