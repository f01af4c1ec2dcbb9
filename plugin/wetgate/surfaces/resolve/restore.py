"""Restoring a timeline: read it, plan, render each range, put the results where they belong, and say what came of it.

Nothing that is done is done twice: frames are kept by the record in their headers, clips are found in the bin, takes on
the item, finished items by the record on their marker. So a run that was killed at any point is finished by the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from wetgate.color.config import ColorConfig
from wetgate.engine.job import OnEvent
from wetgate.engine.pipeline import Abort
from wetgate.io.ranges import format_frames
from wetgate.spec import Fidelity, FrameError, HostError, Interrupted, UsageError, WetgateError
from wetgate.surfaces.resolve.app import SCIENCES, Project, Resolve
from wetgate.surfaces.resolve.journal import Journal
from wetgate.surfaces.resolve.marks import has_color, note_of
from wetgate.surfaces.resolve.placing import Placer, replace_clip
from wetgate.surfaces.resolve.plan import Job, Plan, Wish, make_plan, spaces_of
from wetgate.surfaces.resolve.pool import Pool
from wetgate.surfaces.resolve.results import is_ours, result_clip
from wetgate.surfaces.resolve.spaces import Spaces
from wetgate.surfaces.resolve.timeline import Timeline
from wetgate.surfaces.resolve.walk import Place, Use, Walk, walk

BIN = "Wetgate"
_COLOR_KEYS = ("colorSpaceInput", "colorSpaceInputGamma", "separateColorSpaceAndGamma", "colorAcesIDT")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which items: ``all``, ``selected`` on the Edit page, the ``current`` one under the playhead, or the ``marked``
    ones, whose marker has a ``wetgate`` note or, with ``color``, that colour."""

    clips: str = "all"
    color: str | None = None
    timeline: str | None = None
    assume_speed: bool = False


@dataclass(frozen=True, slots=True)
class Engine:
    """How frames are rendered."""

    config: str | None = None
    fidelity: Fidelity | None = None
    device: str = "auto"
    threads: int = 0
    sign: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one item: ``restored``, ``kept`` from before, ``skipped`` or ``failed``, and why."""

    place: Place
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run. ``saved`` says whether Resolve saved the project; None where that was not asked for."""

    items: tuple[Done, ...]
    rendered: int = 0
    kept: int = 0
    notes: tuple[str, ...] = ()
    saved: bool | None = None

    def of(self, state: str) -> list[Done]:
        return [item for item in self.items if item.state == state]

    @property
    def exit_code(self) -> int:
        """0 where everything that was asked for is restored, 3 where something failed."""
        return 3 if self.of("failed") else 0


class Plates(Protocol):
    """Where the frames of media come from that Wetgate does not read itself: Resolve's render queue."""

    def source(self, use: Use) -> str:
        """The plates' name, known before they are there."""
        ...

    def make(self, job: Job) -> None:
        """Have the job's frames on disk under that name. Raises a :class:`WetgateError` where that fails."""
        ...


class Session:
    """One project and timeline, as they were found when the session began."""

    def __init__(self, resolve: Resolve, choice: Choice, wish: Wish, told: Mapping[str, str] | None = None) -> None:
        self.resolve = resolve
        self.choice = choice
        self.wish = wish
        self.project: Project = resolve.project()
        self.timeline: Timeline = self.project.timeline(choice.timeline)
        self.journal = Journal(wish.folder.absolute(), f"{self.project.id}/{self.timeline.id}")
        science = self.project.science
        settings = {key: self.project.setting(key) for key in _COLOR_KEYS}
        self.spaces: Spaces = spaces_of(settings, SCIENCES.get(science, ("", "Input Color Space"))[1], told or {})

    def walk(self, raw_too: bool = False) -> Walk:
        """The timeline, as far as it is asked for."""
        choice = self.choice
        only: frozenset[str] | None = None
        if choice.clips == "selected":
            items = self.timeline.selected()
            if items is None:
                raise UsageError(
                    f"Resolve {self.resolve.version_text} does not tell scripts what is selected",
                    where="--clips",
                    remedy="mark the clips and use --clips marked, or update to Resolve 21.0.4",
                )
            only = frozenset(item.id for item in items)
            if not only:
                raise UsageError("nothing is selected", where="--clips", remedy="select clips on the Edit page")
        elif choice.clips == "current":
            current = self.timeline.current()
            if current is None:
                raise UsageError("there is no clip under the playhead", where="--clips", remedy="move it onto one")
            only = frozenset([current.id])
        found = walk(
            self.timeline,
            is_ours=lambda clip: is_ours(clip, self.wish.folder),
            pending=self.journal.note,
            only=only,
            raw_too=raw_too,
            assume_speed=choice.assume_speed,
        )
        if choice.clips != "marked":
            return found
        marked = tuple(u for u in found.uses if _is_marked(u, choice.color))
        if not marked:
            what = f"a marker of colour {choice.color}" if choice.color else "a marker that says wetgate"
            raise UsageError(f"no clip has {what}", where="--clips", remedy="mark the clips, or use --clips all")
        return replace(found, uses=marked, skipped=())

    def plan(self, walked: Walk, config: ColorConfig, plates: Plates | None = None) -> Plan:
        source = (lambda use: use.medium.source) if plates is None else plates.source
        return make_plan(walked.uses, walked.skipped, self.wish, self.spaces, config, source)


def _is_marked(use: Use, color: str | None) -> bool:
    return has_color(use.markers, color) if color else note_of(use.markers) is not None


@dataclass(slots=True)
class _Run:
    """A plan being carried out."""

    session: Session
    engine: Engine
    on_event: OnEvent
    abort: Abort
    plates: Plates | None
    items: list[Done] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rendered: int = 0
    kept: int = 0

    def add(self, place: Place, state: str, text: str) -> None:
        self.items.append(Done(place, state, text))
        self.on_event(
            {
                "event": "clip",
                "state": state,
                "text": text,
                "index": place.index,
                "name": place.name,
                "track": place.track,
                "timecode": place.timecode,
                "start": place.start,
                "duration": place.duration,
            }
        )


def carry_out(
    session: Session,
    plan: Plan,
    engine: Engine,
    *,
    on_event: OnEvent = lambda event: None,
    abort: Abort | None = None,
    plates: Plates | None = None,
    save: bool = True,
) -> Report:
    """Render a plan's jobs and place their results. An item that fails leaves the others going on.

    Raises :class:`~wetgate.spec.Interrupted` where the user stops it, and :class:`HostError` where Resolve is gone.
    """
    run = _Run(session, engine, on_event, abort or Abort(), plates)
    for skipped in plan.skipped:
        state = "kept" if skipped.reason == "restored" else "skipped"
        run.add(skipped.place, state, skipped.text)
    pending = {use.clip.id for job in plan.jobs for use in job.uses}
    for kept in plan.kept:
        run.add(kept.use.place, "kept", f"{kept.record.graph}, frames {_span(kept.record.frames)}")
        session.journal.end(f"take:{kept.use.item.id}")
        if kept.use.clip.id not in pending:
            session.journal.end(f"replace:{kept.use.clip.id}")
    placer = Placer(session.resolve, session.timeline, session.journal)
    saved: bool | None = None
    away = bool(plan.jobs) or session.journal.note("home") is not None  # also where a run was killed on its way home
    with _Home(session) if away else nullcontext():
        for number, job in enumerate(plan.jobs, 1):
            on_event({"event": "job", "number": number, "of": len(plan.jobs)} | describe(job))
            problem = _rendered(run, job)
            if problem:
                for use in job.uses:
                    run.add(use.place, "failed", problem)
                continue
            _placed(run, job, placer)
        if save and away:
            saved = _save(run)
    run.items.sort(key=lambda done: done.place.index)
    return Report(tuple(run.items), run.rendered, run.kept, (*run.notes, *placer.notes), saved)


def describe(job: Job) -> dict[str, Any]:
    """A job as JSON."""
    return {
        "source": job.source,
        "frames": job.frames,
        "graph": job.label,
        "in_space": job.in_space,
        "out_space": job.out_space,
        "output": job.output,
        "clips": [use.place.index for use in job.uses],
        "tag": dict(job.tag.properties),
    }


def _span(frames: tuple[int, int]) -> str:
    return f"{frames[0]}-{frames[1]}"


def _rendered(run: _Run, job: Job) -> str:
    """Render a job's frames; "" where every one is there, else why not: a result with a hole is no result."""
    from wetgate.surfaces.api import render

    engine, wish = run.engine, run.session.wish
    try:
        if run.plates is not None:
            run.plates.make(job)
        outcome = render(
            job.source,
            job.output,
            graph=job.graph,
            frames=job.frames,
            in_space=job.in_space,
            out_space=job.out_space,
            config=engine.config,
            # Resolve takes the rate of a sequence from its headers, and the project's where they have none.
            options=replace(wish.options, rate=job.uses[0].medium.rate),
            resume=True,
            fidelity=engine.fidelity,
            device=engine.device,
            threads=engine.threads,
            sign=engine.sign,
            on_event=run.on_event,
            abort=run.abort,
        )
    except (Interrupted, HostError):
        raise
    except WetgateError as error:
        return error.message()
    run.rendered += len(outcome.written)
    run.kept += len(outcome.kept)
    run.notes.extend(note for note in outcome.notes if note not in run.notes)
    if outcome.failed:
        first = next(iter(outcome.failed.values()))
        return f"frames {format_frames(outcome.failed)} of {job.source} failed: {first}"
    return ""


def _placed(run: _Run, job: Job, placer: Placer) -> None:
    """Put a job's result everywhere it is used."""
    session, result = run.session, run.session.wish.result
    demand_same(session)
    try:
        if result == "replace":
            clip = replace_clip(job, session.journal)
        else:
            clip = result_clip(job, result, session.project.pool(), BIN)
    except HostError as error:
        if session.resolve.gate.hangs:
            raise
        for use in job.uses:
            run.add(use.place, "failed", error.message())
        return
    for use in job.uses:
        run.abort.check()
        try:
            placer.place(use, job, clip, result)
        except (HostError, FrameError) as error:
            if session.resolve.gate.hangs:
                raise
            run.add(use.place, "failed", error.message())
        else:
            run.add(use.place, "restored", f"{job.label}, frames {job.frames}, as {_AS[result]}")
    session.journal.end(f"replace:{clip.id}")


_AS = {"take": "a take", "track": "a clip on a track above", "replace": "the clip itself"}


def demand_same(session: Session) -> None:
    """Raise :class:`HostError` where another project is open than when the session began."""
    now = session.resolve.project()
    if now.id != session.project.id:
        raise HostError(
            f"{session.project.label} is no longer open, but {now.label}",
            remedy="open it and run this again: frames that are rendered are kept",
        )
    current = session.project.ask("GetCurrentTimeline")
    if not current or Timeline.of(current, session.resolve.gate).id != session.timeline.id:
        session.project.open_timeline(session.timeline)


class _Home(AbstractContextManager[None]):
    """The bin, the timeline and the page that were open are open again at the end, also after a run that was killed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        session = self._session
        current = session.project.ask("GetCurrentTimeline")
        timeline = Timeline.of(current, session.resolve.gate).id if current else ""
        facts = {"bin": session.project.pool().current().id, "timeline": timeline, "page": session.resolve.page}
        session.journal.begin("home", facts)

    def __exit__(self, *_: object) -> None:
        session = self._session
        if session.resolve.gate.hangs:
            return
        noted = session.journal.note("home") or {}
        pool: Pool = session.project.pool()
        folder = pool.find(str(noted.get("bin", "")))
        if folder is not None and pool.current().id != folder.id:
            pool.open(folder)
        for timeline in session.project.timelines():
            if timeline.id == noted.get("timeline") and timeline.id != session.project.timeline().id:
                session.project.open_timeline(timeline)
        if noted.get("page") and session.resolve.page != noted["page"]:
            session.resolve.open_page(str(noted["page"]))
        session.journal.end("home")


def _save(run: _Run) -> bool:
    saved = run.session.resolve.save()
    if not saved:
        run.notes.append("Resolve did not save the project: save it by hand (a new project needs a name first)")
    return saved
