"""A session with Resolve: the project and the timeline that were open when it began, walked and planned."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from wetgate.color.config import ColorConfig
from wetgate.spec import HostError, UsageError
from wetgate.surfaces.resolve.app import SCIENCES, Project, Resolve
from wetgate.surfaces.resolve.journal import Journal
from wetgate.surfaces.resolve.marks import has_color, note_of
from wetgate.surfaces.resolve.plan import Job, Plan, Wish, make_plan, spaces_of
from wetgate.surfaces.resolve.pool import Pool
from wetgate.surfaces.resolve.results import is_ours
from wetgate.surfaces.resolve.spaces import Spaces
from wetgate.surfaces.resolve.timeline import Timeline
from wetgate.surfaces.resolve.walk import Use, Walk, walk

PLATES = "Wetgate plates "  # timelines that are made for Resolve's render queue and taken away again begin with this
_COLOR_KEYS = ("colorSpaceInput", "colorSpaceInputGamma", "separateColorSpaceAndGamma", "colorAcesIDT")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which items: ``all``, ``selected`` on the Edit page, the ``current`` one under the playhead, or the ``marked``
    ones, whose marker has a ``wetgate`` note or, with ``color``, that colour."""

    clips: str = "all"
    color: str | None = None
    timeline: str | None = None
    assume_speed: bool = False


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
        self.timeline: Timeline = self._timeline()
        self.journal = Journal(wish.folder.absolute(), f"{self.project.id}/{self.timeline.id}")
        science = self.project.science
        settings = {key: self.project.setting(key) for key in _COLOR_KEYS}
        self.spaces: Spaces = spaces_of(settings, SCIENCES.get(science, ("", "Input Color Space"))[1], told or {})

    def _timeline(self) -> Timeline:
        """The one that is named or open. Where a run was killed while Resolve's queue made its plates, the one that it
        came from."""
        found = self.project.timeline(self.choice.timeline)
        if not found.name.startswith(PLATES):
            return found
        for timeline in self.project.timelines():
            if Journal(self.wish.folder.absolute(), f"{self.project.id}/{timeline.id}").note("home") is not None:
                self.project.open_timeline(timeline)
                return timeline
        raise HostError(f"{found.label} is one of our own, for plates", remedy="open yours, or name it with --timeline")

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


class Home(AbstractContextManager[None]):
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
