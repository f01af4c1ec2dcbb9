"""What a timeline needs rendered: every clip's frames of its media, and one job for all that use the same footage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wetgate.engine.clip_graph import asks, graph_of_metadata, graph_of_note
from wetgate.engine.graph import Graph
from wetgate.engine.job import Job
from wetgate.engine.media_ranges import ranges_of
from wetgate.engine.shot import opened
from wetgate.engine.timeline_use import Clock, Media, clock_of, needed, speed_of, stated_length
from wetgate.io.timeline import Timeline, place_of_clip, video_clips
from wetgate.io.timeline_media import MediaFolders, Place, exists, names_to_look_for, place_of
from wetgate.spec import UsageError, WetgateError


@dataclass(slots=True)
class ClipReport:
    """What came of one clip. ``status``: ``restored``; ``kept`` (nothing to do: generated, disabled, or told to skip);
    ``missing`` (no media); ``failed`` (why is said); ``planned`` before the render. ``missing`` and ``failed`` are
    faults."""

    clip: str
    place: str
    status: str
    why: str = ""
    media: str = ""
    frames: tuple[int, int] | None = None
    output: str = ""

    def to_json(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"clip": self.clip, "place": self.place, "status": self.status}
        for name in ("why", "media", "output"):
            if getattr(self, name):
                entry[name] = getattr(self, name)
        if self.frames is not None:
            entry["frames"] = list(self.frames)
        return entry

    @property
    def is_fault(self) -> bool:
        return self.status in ("missing", "failed")


@dataclass(slots=True)
class Use:
    """One clip's use of its media: the frame numbers (first, last) that it needs, handles included."""

    clip: Any
    report: ClipReport
    clock: Clock
    numbers: tuple[int, int]


@dataclass(slots=True)
class MediaJob:
    """All uses of one source through one graph. ``step`` lies between two frame numbers of the source that follow one
    another, ``width`` is how many digits they are written with."""

    spec: str
    key: str
    graph: Graph
    in_space: str | None
    width: int
    step: int
    is_image: bool
    uses: list[Use] = field(default_factory=list)

    def runs(self) -> list[tuple[int, int]]:
        """The frames to render as ranges that neither overlap nor touch, ascending."""
        return [(r.first, r.last) for r in ranges_of(self.uses, lambda use: use.numbers, self.step)]

    def run_of(self, use: Use) -> tuple[int, int]:
        """The range of :meth:`runs` that a use lies in."""
        return next(run for run in self.runs() if run[0] <= use.numbers[0] and use.numbers[1] <= run[1])

    def numbers(self) -> list[int]:
        """The frames to render, each once."""
        return [n for first, last in self.runs() for n in range(first, last + 1, self.step)]


@dataclass(frozen=True, slots=True)
class Plan:
    """Jobs in the order in which the timeline first needs them, and a report a clip."""

    jobs: tuple[MediaJob, ...]
    reports: tuple[ClipReport, ...]


def plan(
    timeline: Timeline, template: Job, handles: int, folders: MediaFolders, on_note: Callable[[str], None]
) -> Plan:
    """Look at every clip and its media. What cannot be done is in its clip's report, and does not stop the others."""
    planner = _Planner(timeline, template, handles, folders, on_note)
    for clip in video_clips(timeline):
        planner.add(clip)
    return Plan(tuple(planner.jobs.values()), tuple(planner.reports))


class _Planner:
    def __init__(
        self, timeline: Timeline, template: Job, handles: int, folders: MediaFolders, on_note: Callable[[str], None]
    ) -> None:
        self.timeline = timeline
        self.template = template
        self.handles = handles
        self.folders = folders
        self.on_note = on_note
        self.jobs: dict[str, MediaJob] = {}
        self.reports: list[ClipReport] = []
        self._seen: dict[str, Media | WetgateError] = {}

    def add(self, clip: Any) -> None:
        report = ClipReport(str(clip.name or "unnamed clip"), place_of_clip(clip), "failed")
        self.reports.append(report)
        try:
            self._add(clip, report)
        except WetgateError as error:
            report.why = error.message()

    def _add(self, clip: Any, report: ClipReport) -> None:
        kept = _nothing_to_do(clip)
        graph = None if kept else self._graph(clip)
        if graph is None:
            report.status, report.why = "kept", kept or "its note says skip"
            return
        place = self._place(clip, report)
        if place is None:
            return
        report.media = place.spec
        media = self._look(place.spec)
        speed = speed_of(clip)
        clock, found_out = clock_of(clip, place, media, speed)
        if found_out:
            self.on_note(found_out)
        numbers = needed(clip, clock, media, speed, self.handles)
        report.frames, report.status = numbers, "planned"
        self._job(place, media, graph, clip).uses.append(Use(clip, report, clock, numbers))

    def _graph(self, clip: Any) -> Graph | None:
        """The clip's own graph, from its markers or metadata, else the timeline's. None where it says skip."""
        folder = self.timeline.path.parent
        for marker in clip.markers:
            note = note_of_marker(marker)
            if note is not None:
                return graph_of_note(note, folder)
        entry = _plain(clip.metadata.get("wetgate"))
        return graph_of_metadata(entry, folder) if asks(entry) else self.template.graph

    def _place(self, clip: Any, report: ClipReport) -> Place | None:
        """Where the clip's media are; None, and said in the report, where nobody knows."""
        place: Place | None = None
        why = ""
        try:
            place = place_of(clip.media_reference, self.timeline.folder, stated_length(clip))
            if exists(place):
                return place
            why = f"its media are not there: {place.spec}; name the folder that holds them with --media"
        except WetgateError as error:
            why = error.message()
        found = self.folders.find(names_to_look_for(clip, place))
        if found is not None:
            return Place(found, place.first if place else None, place.step if place else 1)
        report.status, report.why = "missing", why
        report.media = place.spec if place else ""
        return None

    def _look(self, spec: str) -> Media:
        """What there is of a source; looked at once, however many clips use it."""
        if spec not in self._seen:
            try:
                source = opened(spec, self.template.on_missing)
                self._seen[spec] = Media(source.info, tuple(source.numbers))
                source.close()
            except WetgateError as error:
                self._seen[spec] = error
        media = self._seen[spec]
        if isinstance(media, WetgateError):
            raise media
        return media

    def _job(self, place: Place, media: Media, graph: Graph, clip: Any) -> MediaJob:
        in_space = self.template.in_space or _space_of(clip) or graph.in_space
        out_space = self.template.out_space or graph.out_space
        key = "|".join([place.spec, str(place.step), graph.fingerprint, in_space or "", out_space or ""])
        if key not in self.jobs:
            self.jobs[key] = MediaJob(place.spec, key, graph, in_space, media.width, place.step, media.is_image)
        return self.jobs[key]


def _nothing_to_do(clip: Any) -> str:
    """Why a clip is none of ours, or ""."""
    if not clip.enabled:
        return "it is disabled"
    reference = clip.media_reference
    if reference is not None and reference.schema_name() == "GeneratorReference":
        return f"it is generated ({reference.generator_kind}), not footage"
    return ""


def note_of_marker(marker: Any) -> str | None:
    """What a marker named ``wetgate`` says, or None for any other marker. The text may follow the name after a colon;
    else it is the note as DaVinci Resolve keeps it, or OpenTimelineIO's comment."""
    name, colon, rest = str(marker.name or "").partition(":")
    if name.strip().lower() != "wetgate":
        return None
    if colon and rest.strip():
        return rest
    resolve = marker.metadata.get("Resolve_OTIO", {})
    return str(resolve.get("Note", "") or getattr(marker, "comment", "") or "")


def _space_of(clip: Any) -> str | None:
    entry = clip.metadata.get("wetgate")
    said = entry.get("in_space") if hasattr(entry, "get") else None
    return str(said) if said else None


def _plain(value: Any) -> Any:
    """OpenTimelineIO's containers as Python's own."""
    if hasattr(value, "items"):
        return {str(k): _plain(v) for k, v in value.items()}
    if not isinstance(value, str) and isinstance(value, Iterable):
        return [_plain(v) for v in value]
    return value


def outputs_folder(path: Path, output: str) -> tuple[Path, Path]:
    """The folder for restored media and the new timeline's path, from ``-o``: a folder, or a name that ends in
    ``.otio``."""
    out = Path(output)
    if out.suffix.lower() == ".otio" and not out.is_dir():
        folder, target = out.parent, out
    elif out.suffix and not out.is_dir():
        raise UsageError(
            f"a timeline cannot be rendered to {out.name}", where="-o", allowed="a folder, or restored/cut.otio"
        )
    else:
        folder, target = out, out / f"{path.stem}_restored.otio"
    if target.exists() and path.exists() and target.samefile(path):
        raise UsageError(f"{target} is the timeline and the result", where="-o", remedy="choose another folder")
    return folder, target
