"""Plates out of Resolve's own render queue: for media that Resolve alone decodes, in half-float EXR and untouched.

A timeline of its own holds the range, at the medium's rate and size and with output in the clip's own colour space, so
that nothing is graded, scaled or converted. It is rendered as a job of its own, checked on disk, and taken away again
with its job. Whether it is finished is told by the percentage, the error text and the files: the status is a word in
the language of the window. A render that fails can stand still until a person closes a dialog, so that has a limit.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from wetgate.engine.job import OnEvent
from wetgate.engine.pipeline import Abort
from wetgate.engine.record import digest
from wetgate.io.atomic import make_folder, sync_folder
from wetgate.io.movie_timecode import parse_timecode
from wetgate.io.pattern import Pattern, sequences
from wetgate.io.stills import describe
from wetgate.spec import HostError, Interrupted, WetgateError
from wetgate.surfaces.resolve.app import listed, set_settings
from wetgate.surfaces.resolve.media import Medium
from wetgate.surfaces.resolve.plan import Job
from wetgate.surfaces.resolve.session import PLATES, Session
from wetgate.surfaces.resolve.spaces import PROJECT
from wetgate.surfaces.resolve.timeline import Timeline
from wetgate.surfaces.resolve.walk import Use

_CODECS = ("RGBHalfZIP", "RGBHalf", "RGBHalfPIZ")  # EXR half: ids, not the descriptions that the window shows
_LONGEST_POLL_S = 2.0
_SETTLE_S = 5.0  # files of a network folder may show up after the queue says 100 %


@dataclass(slots=True)
class QueuePlates:
    """The plates of a session. ``preset`` is the render preset to start from; ``stall_s`` how long a job may stand
    still."""

    session: Session
    preset: str | None = None
    stall_s: float = 300.0
    on_event: OnEvent = lambda event: None
    abort: Abort | None = None

    def source(self, use: Use) -> str:
        """The plates' name: the medium's numbers, in a folder of the results."""
        plates = _pattern(self.session.wish.folder, use.medium)
        return str(plates.folder / plates.label)

    def make(self, job: Job) -> None:
        """Render what of the job's range is not on disk yet."""
        use = job.uses[0]
        plates = _pattern(self.session.wish.folder, use.medium)
        name = f"{PLATES}{digest(use.medium.path)[:8]} {job.frames}"
        target = plates.folder / f"queue-{job.frames}"
        self._clean(name, target)
        wanted = range(job.first, job.last + 1)
        if all(_is_plate(plates.path(n), use.medium) for n in wanted):
            return
        self.on_event({"event": "queue", "text": f"Resolve renders {use.medium.path}, frames {job.frames}"})
        make_folder(target)
        try:
            self._timeline(name, job, use)
            self._render(target, job, use)
            self._take(target, plates, job, use.medium)
        finally:
            if not self.session.resolve.gate.hangs:
                self._clean(name, target)

    # --- the timeline

    def _timeline(self, name: str, job: Job, use: Use) -> None:
        session, medium = self.session, use.medium
        pool = session.project.pool()
        pool.need("CreateEmptyTimeline", name, remedy="check that the project is not read-only")
        timeline = session.project.timeline(name)
        session.project.open_timeline(timeline)
        self._set(timeline, use)
        offset = job.first - medium.number(0)
        start = _timecode(medium, offset)
        if start:
            timeline.ask("SetStartTimecode", start)
        for first, extra in ((0, 0), (medium.first, 0), (0, -1), (0, 1), (medium.first, -1)):
            placement = {
                "mediaPoolItem": use.clip.raw,
                "startFrame": first + offset,
                "endFrame": first + offset + job.count + extra,
                "mediaType": 1,
                "trackIndex": 1,
                "recordFrame": timeline.start,
            }
            pool.append([placement])
            items = timeline.items(1)
            if len(items) == 1 and (items[0].duration, items[0].left) == (job.count, offset):
                return
            if items:
                session.resolve.open_page("edit")
                timeline.delete(items)
        raise HostError(
            f"Resolve puts no {job.count} frames of {use.clip.label} on a timeline of their own",
            remedy="render the plates by hand, and restore them with wetgate render",
        )

    def _set(self, timeline: Timeline, use: Use) -> None:
        """The medium's own rate, size and colour. What does not take would change the picture in silence."""
        width, _, height = use.medium.size.partition("x")
        wanted = {"useCustomSettings": "1"}
        refused = set_settings(timeline, wanted)
        settings = {"timelineFrameRate": _rate_text(use.medium.rate)}
        if width.isdigit() and height.isdigit():
            settings |= {"timelineResolutionWidth": width, "timelineResolutionHeight": height}
        settings |= self._colour(use)
        refused |= set_settings(timeline, settings)
        wrong = {k: v for k, v in refused.items() if not _same_number(v, settings.get(k, "1"))}
        if wrong:
            said = listed([f"{key} stays {value!r}" for key, value in wrong.items()])
            raise HostError(
                f"Resolve does not give the plates' timeline the clip's own form: {said}",
                remedy="render the plates by hand, and restore them with wetgate render",
            )

    def _colour(self, use: Use) -> dict[str, str]:
        """Settings by which the clip comes out in the space that it came in: working and output space are its own."""
        spaces = self.session.spaces
        if not spaces.property:
            return {}  # not managed: code values go through as they are
        if spaces.property != "Input Color Space":
            raise HostError(
                "an ACES project gives plates in its own spaces alone",
                remedy="render them by hand as ACES2065-1 (no output transform), and restore those with wetgate render",
            )
        name = use.properties.get("Input Color Space") or PROJECT
        gamma = use.properties.get("Input Gamma") or PROJECT
        own = spaces.default[0] if name == PROJECT else name
        settings = {"colorSpaceTimeline": own, "colorSpaceOutput": own}
        if spaces.apart:
            curve = spaces.default[1] if gamma == PROJECT else gamma
            settings |= {"colorSpaceTimelineGamma": curve, "colorSpaceOutputGamma": curve}
        return settings

    # --- the job

    def _render(self, target: Path, job: Job, use: Use) -> None:
        project = self.session.project
        presets = project.render_presets()
        preset = self.preset or next((p for p in presets if "audio" not in p.lower()), "")
        if not preset or not project.ask("LoadRenderPreset", preset):
            raise HostError(
                f"Resolve has no render preset {preset!r}", allowed=listed(presets) or "none", where="--render-preset"
            )
        codecs = project.render_codecs("exr")
        codec = next((c for c in _CODECS if c in codecs.values()), "")
        if not codec or not project.ask("SetCurrentRenderFormatAndCodec", "exr", codec):
            raise HostError("Resolve writes no half-float EXR", allowed=listed(sorted(codecs)) or "no EXR at all")
        project.need("SetCurrentRenderMode", 1)
        width, _, height = use.medium.size.partition("x")
        settings: dict[str, Any] = {
            "SelectAllFrames": True,
            "TargetDir": str(target),
            "CustomName": "plate",
            "ExportVideo": True,
            "ExportAudio": False,
            "ClipStartFrame": job.first,
        }
        if width.isdigit() and height.isdigit():
            settings |= {"FormatWidth": int(width), "FormatHeight": int(height)}
        if not project.ask("SetRenderSettings", settings):
            refused = [key for key, value in settings.items() if not project.ask("SetRenderSettings", {key: value})]
            vital = [key for key in refused if key not in ("ClipStartFrame", "ExportAudio")]  # numbers are set later
            if vital:
                raise HostError(f"Resolve refuses the render settings {listed(vital)}", remedy="update Resolve")
        key = str(project.need("AddRenderJob", remedy="look at the Deliver page: it says what the settings lack"))
        project.need("StartRendering", [key], False, remedy="stop the render that is going on, and run this again")
        self._wait(key)

    def _wait(self, key: str) -> None:
        """Until the job says 100 % or an error. Raises :class:`HostError` where it stands still for too long."""
        project = self.session.project
        percent, since, pause = -1.0, time.monotonic(), 0.02
        while True:
            try:
                (self.abort or Abort()).check()
            except Interrupted:
                project.ask("StopRendering")
                raise
            status = project.job_status(key)
            error = str(status.get("Error") or "").strip()
            if error:
                raise HostError(
                    f"Resolve's render failed: {error}", remedy="mend that on the Deliver page, and run this again"
                )
            now = _number(status.get("CompletionPercentage"))
            if now >= 100:
                return
            if now != percent:
                percent, since = now, time.monotonic()
                self.on_event({"event": "queue", "text": f"Resolve's queue: {max(0.0, now):g} %"})
            if time.monotonic() - since > self.stall_s:
                project.ask("StopRendering")
                raise HostError(
                    f"Resolve's render stands at {max(0.0, percent):g} % for {self.stall_s:g} s",
                    remedy="close any dialog that is open in Resolve, then run this again (or raise --stall-limit)",
                )
            time.sleep(pause)
            pause = min(_LONGEST_POLL_S, pause * 1.5)

    # --- the files

    def _take(self, target: Path, plates: Pattern, job: Job, medium: Medium) -> None:
        """Check what was written and give it the medium's numbers. The queue's word is not enough: a render that
        'completes' can be short, or sound alone."""
        last = time.monotonic() + _SETTLE_S
        while True:
            numbers, found = _written(target)
            if len(numbers) == job.count or time.monotonic() > last:
                break
            time.sleep(0.2)
        if len(numbers) != job.count or found is None:
            raise HostError(
                f"Resolve's queue says that it is done, and {len(numbers)} of {job.count} frames are in {target}",
                remedy="check the disk and the Deliver page, and run this again",
            )
        wrong = [n for n in numbers if not _is_plate(found.path(n), medium)]
        if wrong:
            raise HostError(
                f"{found.path(wrong[0])} is not a half-float EXR of {medium.size}",
                remedy="check what the Deliver page renders, and run this again",
            )
        for number, wanted in zip(numbers, range(job.first, job.last + 1), strict=True):
            found.path(number).replace(plates.path(wanted))
        sync_folder(plates.folder)

    def _clean(self, name: str, target: Path) -> None:
        """Take away the job and the timeline, those of a run that was killed as well, and go back to the reel."""
        session = self.session
        project = session.project
        for job in project.render_jobs():
            if job.get("TargetDir") == str(target):
                project.ask("DeleteRenderJob", job.get("JobId"))
        mine = [timeline for timeline in project.timelines() if timeline.name == name]
        current = project.ask("GetCurrentTimeline")
        if mine and (not current or Timeline.of(current, session.resolve.gate).name == name):
            project.open_timeline(session.timeline)
        if mine:
            project.pool().ask("DeleteTimelines", [timeline.raw for timeline in mine])
        if target.is_dir():
            for path in target.iterdir():
                path.unlink()
            target.rmdir()


def _pattern(folder: Path, medium: Medium) -> Pattern:
    place = folder.absolute() / "plates" / f"{medium.stem}-{digest(medium.path)[:8]}"
    return Pattern(place, f"{medium.stem}.", ".exr", max(4, medium.padding))


def _is_plate(path: Path, medium: Medium) -> bool:
    """Whether a file is a whole half-float EXR of the medium's size."""
    try:
        stored = describe(path)
    except (WetgateError, OSError):
        return False
    size = f"{stored.display_window.width}x{stored.display_window.height}"
    return stored.depth == "half" and (not medium.size or size == medium.size)


def _written(target: Path) -> tuple[list[int], Pattern | None]:
    """The frames that a render left: its one sequence, or its one file."""
    found = sequences(target)
    if len(found) == 1:
        return list(found[0].found()), found[0]
    single = [p for p in target.glob("*.exr") if not p.name.startswith(".")]
    if len(single) == 1:
        return [0], Pattern(target, single[0].name, "", 0)
    return [], None


def _timecode(medium: Medium, offset: int) -> str:
    """The time code of a frame of the medium, "" where it has none that can be counted."""
    try:
        return str(parse_timecode(medium.start_timecode, medium.rate).plus(offset))
    except WetgateError:
        return ""


def _rate_text(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def _same_number(a: str, b: str) -> bool:
    """Resolve may write 24 as 24.0."""
    try:
        return abs(float(a) - float(b)) < 1e-3
    except ValueError:
        return a == b


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else -1.0
