"""``wetgate render`` of a timeline: every clip restored once, and a timeline that shows the results."""

from __future__ import annotations

from typing import Any

from wetgate.engine.timeline import TimelineJob, TimelineOutcome, render_timeline
from wetgate.io.rates import given_rate
from wetgate.io.timeline_media import DIALECTS
from wetgate.spec import UsageError, WetgateError, raise_all
from wetgate.surfaces.cli.arguments import one_of
from wetgate.surfaces.cli.progress import Progress, counted, emit, interruptible
from wetgate.surfaces.cli.rendering import job_of

# Options of footage that mean nothing for a timeline, and why.
_NOT_HERE = {
    "frames": "the timeline says which frames",
    "analysis": "each clip is analysed by itself",
    "report": "a report is about one shot: render the clip by itself",
    "codec": "clips are written as EXR",
    "quality": "clips are written as EXR",
    "pixel_format": "clips are written as EXR",
}


def run_timeline(args: Any) -> int:
    """Restore the timeline, say what came of every clip, and return the exit code."""
    problems: list[WetgateError] = [
        UsageError(f"--{name.replace('_', '-')} is given for a timeline", remedy=f"leave it out: {why}")
        for name, why in _NOT_HERE.items()
        if getattr(args, name)
    ]
    raise_all(problems)
    rate = None if args.rate is None else given_rate(args.rate, "--rate")
    args.rate = None  # of the timeline (an EDL), not of the EXR that is written
    job = TimelineJob(
        job_of(args),
        handles=args.handles,
        dialect=one_of(args.dialect, DIALECTS, "--dialect"),
        folders=tuple(args.media or ()),
        rate=rate,
    )
    progress = Progress(args.as_json)
    try:
        with interruptible() as abort:
            outcome = render_timeline(job, progress, abort)
    finally:
        progress.close()
    if not args.as_json:
        emit(summary(outcome))
    return outcome.exit_code


def summary(outcome: TimelineOutcome) -> str:
    """What a person wants to read at the end: the sums, each clip that is not restored and why, the new timeline."""
    restored = [clip for clip in outcome.clips if clip.status == "restored"]
    written = sum(len(job.written) for job in outcome.jobs)
    kept = sum(len(job.kept) for job in outcome.jobs)
    lines = [f"{len(restored)} of {len(outcome.clips)} clips restored: {counted(written)} written"]
    if kept:
        lines[0] += f", {kept:,} kept from before"
    lines[0] += f", {outcome.seconds:.1f} s"
    spaces = sorted({job.out_space for job in outcome.jobs if job.out_space})
    if spaces:
        lines.append(f"colour space of the results: {', '.join(spaces)}")
    for clip in outcome.clips:
        if clip.status != "restored":
            lines.append(f"{clip.status}: {clip.clip} ({clip.place}): {clip.why}")
    return "\n".join([*lines, f"timeline: {outcome.path}"])
