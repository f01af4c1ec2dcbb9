"""Restoring a timeline: every clip's media rendered once, and a timeline that shows the results.

A clip that is used twice, or two clips of one shot that overlap, are rendered once. Results keep the numbers of the
frames that they came from, so that the clips' ranges hold as they are.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wetgate.engine.graph import demand_output_space
from wetgate.engine.job import Job, OnEvent, Outcome
from wetgate.engine.pipeline import Abort
from wetgate.engine.record import save_json
from wetgate.engine.render import render
from wetgate.engine.timeline_plan import ClipReport, MediaJob, Plan, Use, outputs_folder, plan
from wetgate.io.atomic import make_folder
from wetgate.io.ranges import format_frames
from wetgate.io.timeline import read_timeline, write_timeline
from wetgate.io.timeline_media import Dialect, MediaFolders, media_name, new_reference
from wetgate.spec import Interrupted, UsageError, WetgateError

SCHEMA = "wetgate.timeline/1"
METADATA = "wetgate"  # our table in the new timeline's metadata


@dataclass(frozen=True, slots=True)
class TimelineJob:
    """A timeline to restore. ``template`` is the job of every clip; its ``input`` is the timeline, its ``output`` a
    folder (or the new timeline's name), and its ``frames`` are not used. ``rate`` is an EDL's."""

    template: Job
    handles: int = 0
    dialect: Dialect = "resolve"
    folders: tuple[str, ...] = ()
    rate: Any = None

    def __post_init__(self) -> None:
        if not 0 <= self.handles <= 10_000:
            raise UsageError(f"handles is {self.handles}", where="--handles", allowed="0 to 10000 frames")


@dataclass(frozen=True, slots=True)
class TimelineOutcome:
    """What came of a timeline. ``jobs`` are the renders, by the media's spec."""

    path: str
    clips: tuple[ClipReport, ...]
    jobs: tuple[Outcome, ...]
    notes: tuple[str, ...]
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 where every clip of footage is restored, 3 where some are not."""
        return 3 if any(clip.is_fault for clip in self.clips) else 0


@dataclass(slots=True)
class _Folders:
    """Which folder holds the results of which job, as the record says; what an earlier run chose is kept, so that
    ``--resume`` finds its frames however the edit has changed since."""

    root: Path
    by_key: dict[str, str] = field(default_factory=dict)

    def of(self, job: MediaJob) -> str:
        if job.key not in self.by_key:
            name = stem = media_name(job.spec)
            count = 1
            while name in self.by_key.values():
                count += 1
                name = f"{stem}-{count}"
            self.by_key[job.key] = name
        return self.by_key[job.key]

    def output(self, job: MediaJob) -> str:
        """Where a job's frames go: with their own numbers, padded as the source's are."""
        name, stem = self.of(job), media_name(job.spec)
        return str(self.root / name / (f"{stem}.exr" if job.is_image else f"{stem}.{'#' * job.width}.exr"))


def render_timeline(
    job: TimelineJob, on_event: OnEvent = lambda event: None, abort: Abort | None = None
) -> TimelineOutcome:
    """Restore a timeline. Raises :class:`UsageError` before anything is written where it cannot be read, or where no
    clip's request can be understood; clips that cannot be done are in the outcome, and keep the media they had.

    Events are those of each render, and ``{"event": "timeline"}`` before the first, ``{"event": "media"}`` before each.
    """
    source = Path(job.template.input)
    timeline = read_timeline(source, job.rate)
    folder, target = outputs_folder(source, job.template.output)
    notes: list[str] = []

    def note(text: str) -> None:
        if text not in notes:
            notes.append(text)
            on_event({"event": "note", "text": text})

    planned = plan(timeline, job.template, job.handles, MediaFolders([Path(f) for f in job.folders]), note)
    if not planned.reports:
        raise UsageError(f"{source.name} has no clips on its picture tracks", where=str(source))
    _demand_output_spaces(planned, job.template.out_space)
    make_folder(folder)
    record = target.with_suffix(".wetgate.json")
    folders = _Folders(folder, _folders_before(record))
    for media in planned.jobs:
        folders.of(media)
    _save(record, timeline.name, folders, planned, notes)
    frames = sum(len(m.numbers()) for m in planned.jobs)
    on_event({"event": "timeline", "media": len(planned.jobs), "clips": len(planned.reports), "frames": frames})
    outcomes = []
    for index, media in enumerate(planned.jobs):
        output = folders.output(media)
        on_event(
            {
                "event": "media",
                "index": index + 1,
                "of": len(planned.jobs),
                "media": media.spec,
                "frames": format_frames(media.numbers()),
                "clips": [use.report.clip for use in media.uses],
            }
        )
        outcome = _render(job.template, media, output, on_event, abort)
        if outcome is not None:
            outcomes.append(outcome)
            _relink(media, outcome, output, job.dialect)
    timeline.root.name = f"{timeline.name} restored"
    write_timeline(timeline.root, target)
    _save(record, timeline.name, folders, planned, notes)
    done = TimelineOutcome(
        str(target), tuple(planned.reports), tuple(outcomes), tuple(notes), sum(o.seconds for o in outcomes)
    )
    on_event(
        {
            "event": "timeline_done",
            "timeline": done.path,
            "record": str(record),
            "clips": [clip.to_json() for clip in done.clips],
            "exit_code": done.exit_code,
        }
    )
    return done


def _demand_output_spaces(planned: Plan, out_space: str | None) -> None:
    """Raise what is wrong with the request itself: that no clip can be written in the space that is asked for."""
    problems: list[WetgateError] = []
    for media in planned.jobs:
        try:
            wanted = out_space or media.graph.out_space
            demand_output_space(media.graph, media.in_space or "the footage's space", wanted)
        except WetgateError as error:
            problems.append(error)
    if planned.jobs and len(problems) == len(planned.jobs):
        raise problems[0]


def _render(template: Job, media: MediaJob, output: str, on_event: OnEvent, abort: Abort | None) -> Outcome | None:
    """Render one job; None where it could not be begun, which its clips' reports then say."""
    aov = None if template.aov_dir is None else str(Path(template.aov_dir) / Path(output).parent.name)
    made = replace(
        template,
        input=media.spec,
        output=output,
        graph=media.graph,
        frames=None if media.is_image else format_frames(media.numbers()),
        in_space=media.in_space,
        aov_dir=aov,
    )
    try:
        return render(made, on_event, None, abort)
    except Interrupted:
        raise
    except WetgateError as error:
        for use in media.uses:
            use.report.status, use.report.why = "failed", error.message()
        on_event({"event": "note", "text": f"{media.spec}: {error.message()}"})
        return None


def _relink(media: MediaJob, outcome: Outcome, output: str, dialect: Dialect) -> None:
    """Point the clips at the results. A clip of which a frame failed keeps its source: nothing half restored ships."""
    for use in media.uses:
        first, last = use.numbers
        failed = [n for n in outcome.failed if first <= n <= last]
        if failed:
            use.report.status = "failed"
            use.report.why = f"frames {format_frames(failed)} failed: {outcome.failed[failed[0]]}"
            continue
        run = media.run_of(use)
        reference = new_reference(output, run, media.step, _available(use, run, media), dialect)
        reference.name = Path(output).stem
        before = use.clip.media_reference
        reference.metadata[METADATA] = {
            "colour_space": outcome.out_space,
            "job": str(outcome.run.get("job", "")),
            "graph": json.loads(json.dumps(media.graph.record())),
        }
        table = dict(use.clip.metadata.get(METADATA, {}) or {}) if _is_table(use.clip) else {}
        table["source"] = copy.deepcopy(before)
        use.clip.metadata[METADATA] = table
        use.clip.media_reference = reference
        use.report.status, use.report.output = "restored", output


def _is_table(clip: Any) -> bool:
    return hasattr(clip.metadata.get(METADATA, {}), "items")


def _available(use: Use, run: tuple[int, int], media: MediaJob) -> Any:
    """The media time of a run of frames; of a still, the range that it had."""
    import opentimelineio as otio

    if media.is_image:
        before = use.clip.media_reference.available_range or use.clip.source_range
        return copy.deepcopy(before)
    start, rate = use.clock.time(run[0]), use.clock.rate
    count = use.clock.time(run[1]) - start + 1
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(count, rate))


def _folders_before(record: Path) -> dict[str, str]:
    """The folders that an earlier run of this timeline chose; none where its record is not there or is another's."""
    try:
        data: Mapping[str, Any] = json.loads(record.read_bytes())
        media: Sequence[Mapping[str, Any]] = data["media"] if data["schema"] == SCHEMA else []
        return {str(m["key"]): str(m["folder"]) for m in media}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _save(record: Path, name: str, folders: _Folders, planned: Plan, notes: Sequence[str]) -> None:
    """The timeline's record: written before the first frame, so that an interrupted run is found again, and after."""
    used = {job.key: job for job in planned.jobs}
    media = [
        {"key": key, "folder": folder} | ({"frames": format_frames(used[key].numbers())} if key in used else {})
        for key, folder in sorted(folders.by_key.items(), key=lambda item: item[1])
    ]
    clips = [clip.to_json() for clip in planned.reports]
    save_json(record, {"schema": SCHEMA, "timeline": name, "media": media, "clips": clips, "notes": list(notes)})
