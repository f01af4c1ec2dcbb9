"""``wetgate resolve``: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wetgate.color.config import ColorConfig
from wetgate.engine.graph import SCHEMA, build
from wetgate.io.sink import WriteOptions
from wetgate.spec import UsageError
from wetgate.surfaces.api import graph_of
from wetgate.surfaces.cli.arguments import one_of
from wetgate.surfaces.cli.progress import Event, Progress, counted, emit, interruptible
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.resolve.connect import connect
from wetgate.surfaces.resolve.plan import Job, Plan, Wish
from wetgate.surfaces.resolve.queue import QueuePlates
from wetgate.surfaces.resolve.restore import Engine, Report, carry_out, describe
from wetgate.surfaces.resolve.session import Choice, Session
from wetgate.surfaces.resolve.spaces import parse_told
from wetgate.surfaces.resolve.status import status
from wetgate.surfaces.resolve.walk import Place, Use

_CLIPS = ("all", "selected", "current", "marked")
_RESULTS = ("take", "track", "replace")
_STATES = ("restored", "kept", "skipped", "failed")


def run_status(limit: float, as_json: bool) -> int:
    """0 where Resolve answers, 2 where it does not."""
    found = status(Machine(), limit)
    if as_json:
        emit(json.dumps({"reached": found.reached, "lines": list(found.lines)} | found.facts))
    else:
        for line in found.lines:
            emit(line)
    return 0 if found.reached else 2


def _session(args: Any) -> tuple[Session, ColorConfig]:
    """The session that the arguments ask for: what is wrong with them is said before Resolve is asked anything."""
    given = bool(args.graph or args.node)
    graph = graph_of(args.graph, args.node or []) if given else None
    label = (
        Path(args.graph).stem if isinstance(args.graph, str) else "+".join(n.partition(":")[0] for n in args.node or [])
    )
    config = ColorConfig.load(args.config)
    for name in (args.in_space, args.out_space):
        if name is not None:
            config.resolve(name)
    clips = one_of(args.clips, _CLIPS, "--clips")
    if args.marker_color and clips != "marked":
        raise UsageError("--marker-color needs --clips marked", where="--marker-color")
    wish = Wish(
        folder=Path(args.output).absolute(),
        graph=graph,
        label=label,
        handles=args.handles,
        result=one_of(args.result, _RESULTS, "--result"),
        in_space=args.in_space,
        out_space=args.out_space,
        options=WriteOptions(
            depth=one_of(getattr(args, "depth", "half"), ("half", "float"), "--depth"),
            compression=getattr(args, "compression", "zip"),
        ),
    )
    told = parse_told(args.space or [])
    for alias in told.values():
        config.resolve(alias)
    choice = Choice(clips, args.marker_color, args.timeline, args.assume_speed)
    return Session(connect(limit=args.limit), choice, wish, told), config


def run_timeline(args: Any) -> int:
    """Print the table. Without a graph it shows what any graph could restore."""
    if not (args.graph or args.node):
        args.graph = build({"graph": SCHEMA, "nodes": []})
    session, config = _session(args)
    walked = session.walk()
    plan = session.plan(walked, config)
    rows = _rows(plan, list(walked.uses))
    if args.as_json:
        head = {"timeline": session.timeline.name, "project": session.project.name, "rate": str(walked.rate)}
        emit(json.dumps(head | {"items": rows, "jobs": [describe(job) for job in plan.jobs]}))
        return 0
    emit(f"{session.project.name}, {session.timeline.name}, {float(walked.rate):g} frames/s")
    _table(rows)
    emit(_totals(plan))
    return 0


def run_restore(args: Any) -> int:
    """Restore, and say what came of every clip."""
    session, config = _session(args)
    if session.wish.graph is None and args.clips != "marked":
        raise UsageError(
            "no graph is given", where="--graph or -n", remedy="name one, or mark clips and use --clips marked"
        )
    shown = _Shown(args.as_json)
    plates = QueuePlates(session, args.render_preset, args.stall_limit, shown) if args.through_queue else None
    if args.render_preset and plates is None:
        raise UsageError("--render-preset needs --through-queue", where="--render-preset")
    walked = session.walk(raw_too=plates is not None)
    plan = session.plan(walked, config, plates)
    if args.dry_run:
        return _dry(plan, list(walked.uses), args.as_json)
    engine = Engine(
        args.config,
        one_of(args.fidelity, ("forensic", "faithful", "pleasing"), "--fidelity"),
        args.device,
        args.threads,
        args.sign,
    )
    try:
        with interruptible() as abort:
            if plates is not None:
                plates.abort = abort
            report = carry_out(session, plan, engine, on_event=shown, abort=abort, plates=plates, save=args.save)
    finally:
        shown.close()
    _say(report, session, args.as_json)
    return report.exit_code


class _Shown(Progress):
    """A line for each range before its frames, and nothing of clips until the end."""

    def _on_job(self, event: Event) -> None:
        clips = ", ".join(map(str, event["clips"]))
        self._say(
            f"{event['number']} of {event['of']}: {Path(event['source']).name} {event['frames']}, "
            f"{event['graph']}, for clip{'s' if len(event['clips']) > 1 else ''} {clips}"
        )

    def _on_queue(self, event: Event) -> None:
        self._say(event["text"])


def _dry(plan: Plan, uses: Sequence[Use], as_json: bool) -> int:
    if as_json:
        emit(json.dumps({"items": _rows(plan, uses), "jobs": [describe(job) for job in plan.jobs]}))
        return 0
    _table(_rows(plan, uses))
    for job in plan.jobs:
        emit(f"would render {_job_line(job)}")
    emit(_totals(plan))
    emit("nothing was changed: this was a dry run")
    return 0


def _job_line(job: Job) -> str:
    space = job.in_space or "the space that the file names"
    into = f", out {job.out_space}" if job.out_space else ""
    return f"{job.source} {job.frames} with {job.label}, in {space}{into}, to {job.output}"


def _totals(plan: Plan) -> str:
    uses = sum(len(job.uses) for job in plan.jobs)
    frames = sum(job.count for job in plan.jobs)
    parts = [f"{uses} clip{_s(uses)} to restore from {len(plan.jobs)} range{_s(len(plan.jobs))}, {counted(frames)}"]
    if plan.kept:
        parts.append(f"{len(plan.kept)} done before")
    if plan.skipped:
        parts.append(f"{len(plan.skipped)} skipped")
    return "; ".join(parts)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _rows(plan: Plan, uses: Sequence[Use]) -> list[dict[str, Any]]:
    """A row for each item, in the order of the timeline."""
    job_of = {use.place.index: job for job in plan.jobs for use in job.uses}
    kept_of = {kept.use.place.index: kept for kept in plan.kept}
    rows = [_skipped_row(s.place, s.reason, s.text) for s in plan.skipped]
    left_out = {row["index"] for row in rows}
    for use in uses:
        if use.place.index in left_out:
            continue
        job, kept = job_of.get(use.place.index), kept_of.get(use.place.index)
        row = _place(use.place) | {
            "state": "kept" if kept else "restore",
            "media": use.medium.path,
            "used": list(use.numbers),
            "media_range": [use.medium.number(0), use.medium.number(use.medium.frames - 1)],
            "rate": str(use.medium.rate),
            "tag": {k: v for k, v in use.properties.items() if k in ("Input Color Space", "Input Gamma", "IDT") and v},
        }
        if job is not None:
            row |= {"render": [job.first, job.last], "graph": job.label, "in_space": job.in_space}
            row["handles"] = [use.numbers[0] - job.first, job.last - use.numbers[1]]
            row["text"] = f"{job.label}"
        if kept is not None:
            row |= {"render": list(kept.record.frames), "graph": kept.record.graph, "in_space": kept.in_space}
            row["text"] = f"{kept.record.graph}, done before"
        rows.append(row)
    return sorted(rows, key=lambda row: row["index"])


def _place(place: Place) -> dict[str, Any]:
    return {
        "index": place.index,
        "track": place.track,
        "name": place.name,
        "timecode": place.timecode,
        "start": place.start,
        "duration": place.duration,
    }


def _skipped_row(place: Place, reason: str, text: str) -> dict[str, Any]:
    state = "kept" if reason == "restored" else "skip"
    return _place(place) | {"state": state, "reason": reason, "text": text}


_HEADS = ("", "track", "starts", "frames", "clip", "uses", "renders", "colour", "")


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Columns as wide as they need to be; what is said of a skipped clip stands where its ranges would."""
    cells: list[tuple[str, ...]] = [_HEADS]
    for row in rows:
        head = (str(row["index"]), f"V{row['track']}", row["timecode"], str(row["duration"]), row["name"])
        if row["state"] == "skip" or "used" not in row:
            cells.append((*head, f"{row['state']}: {row['text']}"))
            continue
        used, render = row["used"], row.get("render")
        space = row.get("in_space") or next(iter(row["tag"].values()), "")
        cells.append(
            (
                *head,
                f"{used[0]}-{used[1]}",
                f"{render[0]}-{render[1]}" if render else "",
                str(space),
                row.get("text", ""),
            )
        )
    widths = [max(len(row[i]) for row in cells if len(row) == len(_HEADS) or i < 5) for i in range(len(_HEADS))]
    for line in cells:
        full = [
            text.rjust(w) if i in (0, 3) else text.ljust(w)
            for i, (text, w) in enumerate(zip(line, widths, strict=False))
        ]
        emit("  ".join(full).rstrip())


def _say(report: Report, session: Session, as_json: bool) -> None:
    counts = {state: len(report.of(state)) for state in _STATES}
    if as_json:
        done = {"event": "report", "rendered": report.rendered, "kept": report.kept, "notes": list(report.notes)}
        emit(json.dumps(done | {"clips": counts, "saved": report.saved, "output": str(session.wish.folder)}))
        return
    for item in report.items:
        emit(f"{item.state:<8}  {item.place.label}: {item.text}")
    for note in report.notes:
        emit(f"note: {note}")
    said = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    frames = f"{counted(report.rendered)} rendered"
    emit(f"{said or 'nothing to do'}; {frames}" + (f", {report.kept:,} kept" if report.kept else ""))
    if counts["restored"]:
        emit(
            f"results: {session.wish.folder}, and the bin Wetgate" + ("; the project is saved" if report.saved else "")
        )
