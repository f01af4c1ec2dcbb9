"""Restoring a timeline: read it, plan, render each range, put the results where they belong, and say what came of it.

Nothing that is done is done twice: frames are kept by the record in their headers, clips are found in the bin, takes on
the item, finished items by the record on their marker. So a run that was killed at any point is finished by the next.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from wetgate.engine.job import OnEvent
from wetgate.engine.pipeline import Abort
from wetgate.io.ranges import format_frames
from wetgate.spec import Fidelity, FrameError, HostError, Interrupted, WetgateError
from wetgate.surfaces.resolve.placing import Placer, replace_clip
from wetgate.surfaces.resolve.plan import Job, Plan
from wetgate.surfaces.resolve.results import result_clip
from wetgate.surfaces.resolve.session import Home, Plates, Session, demand_same
from wetgate.surfaces.resolve.walk import Place

BIN = "Wetgate"


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
    with Home(session) if away else nullcontext():
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
    except WetgateError as error:
        if isinstance(error, Interrupted) or run.session.resolve.gate.hangs:
            raise
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


def _save(run: _Run) -> bool:
    saved = run.session.resolve.save()
    if not saved:
        run.notes.append("Resolve did not save the project: save it by hand (a new project needs a name first)")
    return saved
