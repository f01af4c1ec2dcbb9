"""``wetgate render`` and ``wetgate analyze``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from wetgate.engine.analyse import analyse_shot
from wetgate.engine.job import Job, Outcome
from wetgate.engine.render import render
from wetgate.io.sink import WriteOptions
from wetgate.spec import UsageError
from wetgate.surfaces.api import graph_of
from wetgate.surfaces.cli.arguments import one_of
from wetgate.surfaces.cli.progress import Progress, interruptible

ON_MISSING = ("error", "hold", "black")
_DEPTHS = ("half", "float", "uint8", "uint10", "uint12", "uint16")
_FIDELITY = ("forensic", "faithful", "pleasing")


def write_options(args: Any) -> WriteOptions:
    """The storage options of a command's arguments."""
    return WriteOptions(
        depth=one_of(args.depth, _DEPTHS, "--depth"),
        compression=args.compression,
        overflow=one_of(getattr(args, "overflow", "clamp"), ("clamp", "error"), "--overflow"),
        rate=_rate(args.rate),
        codec=args.codec,
        quality=args.quality,
        pixel_format=getattr(args, "pixel_format", None),
    )


def _rate(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise UsageError(f"the rate is {text!r}", where="--rate", allowed="24, 25, 24000/1001, 23.976, ...")
    return rate


def run_render(args: Any) -> int:
    """Render, say what came of it, and return the exit code."""
    from wetgate.surfaces.report.collect import Collector

    graph = graph_of(args.graph, args.node or [])
    job = Job(
        input=args.input,
        output=args.output,
        graph=graph,
        frames=args.frames,
        in_space=args.in_space,
        out_space=args.out_space,
        config=args.config,
        options=write_options(args),
        on_missing=one_of(args.on_missing, ON_MISSING, "--on-missing"),
        on_error=one_of(args.on_error, ("continue", "stop"), "--on-error"),
        resume=args.resume,
        aov_dir=args.aov,
        analyses=tuple(args.analysis or ()),
        fidelity=one_of(args.fidelity, _FIDELITY, "--fidelity"),
        device=args.device,
        threads=args.threads,
        sign=args.sign,
    )
    collector = Collector(job.config) if args.report else None
    progress = Progress(args.as_json)
    try:
        with interruptible() as abort:
            outcome = render(job, progress, collector, abort)
    finally:
        progress.close()
    if collector is not None:
        collector.write(Path(args.report), outcome)
    if not args.as_json:
        print(summary(outcome, args.report))
    return outcome.exit_code


def summary(outcome: Outcome, report: str | None = None) -> str:
    """What a person wants to read at the end."""
    frames = len(outcome.written)
    rate = f", {frames / outcome.seconds:.2f} frames/s" if outcome.seconds > 0 and frames else ""
    lines = [f"{frames} frames written in {outcome.seconds:.1f} s{rate}"]
    if outcome.kept:
        lines.append(f"{len(outcome.kept)} frames kept from before")
    if outcome.failed:
        lines.append(f"{len(outcome.failed)} frames failed: {' '.join(map(str, outcome.failed))}")
    lines.append(f"record: {outcome.record}")
    lines.extend(f"also: {path}" for path in outcome.files if path != outcome.record)
    if report:
        lines.append(f"report: {report}")
    return "\n".join(lines)


def run_analyze(args: Any) -> int:
    """Analyse, and keep the document."""
    progress = Progress(args.as_json)
    try:
        with interruptible() as abort:
            document = analyse_shot(
                args.input,
                graph_of(args.graph, args.node or []),
                step=args.step,
                frames=args.frames,
                in_space=args.in_space,
                config=args.config,
                on_missing=one_of(args.on_missing, ON_MISSING, "--on-missing"),
                on_event=progress,
                abort=abort,
            )
    finally:
        progress.close()
    path = Path(args.output)
    if path.suffix != ".json":
        raise UsageError(f"{path} does not end in .json", where="-o", remedy="name the document shot.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    document.save(path)
    result: Mapping[str, Any] = {
        "event": "done",
        "path": str(path),
        "frames": len(document.frames),
        "cuts": list(document.cuts),
    }
    if args.as_json:
        print(json.dumps(result))
    else:
        cuts = f", cuts at {' '.join(map(str, document.cuts))}" if document.cuts else ""
        print(f"{path}: {document.node}, {len(document.frames)} frames{cuts}", file=sys.stdout)
    return 0
