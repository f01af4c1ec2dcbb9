"""``wetgate resolve status``: what can be reached, what is open, and why not."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from wetgate.spec import WetgateError
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.resolve_places import apis
from wetgate.surfaces.resolve.app import SCIENCES, Project, Resolve
from wetgate.surfaces.resolve.connect import connect, obstacles
from wetgate.surfaces.resolve.timeline import Timeline
from wetgate.surfaces.resolve.walk import timeline_rate


@dataclass(frozen=True, slots=True)
class Status:
    """``lines`` for people, ``facts`` for programs; ``reached`` whether Resolve answers."""

    reached: bool
    lines: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)


def status(machine: Machine, limit: float | None = None) -> Status:
    """Look at everything that a script needs of Resolve, changing nothing."""
    found = [api for api in apis(machine) if api.is_there]
    facts: dict[str, Any] = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "api": str(found[0].folder) if found else None,
        "library": str(found[0].library) if found else None,
    }
    try:
        resolve = connect(machine) if limit is None else connect(machine, limit)
        lines, more = _reached(resolve)
    except WetgateError as error:
        seen = [] if not found else list(obstacles(machine))
        said = [text for text in seen if text.lower() not in error.message().lower()]
        facts["error"] = error.message()
        return Status(False, (error.message(), *said), facts)
    return Status(True, tuple(lines), facts | more)


def _reached(resolve: Resolve) -> tuple[list[str], dict[str, Any]]:
    studio = resolve.is_studio
    facts: dict[str, Any] = {"product": resolve.product, "version": resolve.version_text, "studio": studio}
    lines = [f"{resolve.product} {resolve.version_text} answers; {_page(resolve)}"]
    if not studio:
        lines.append("this is the free edition: what only Studio does fails, and opens a dialog that stops later calls")
    try:
        project = resolve.project()
    except WetgateError as error:
        return [*lines, error.message()], facts
    facts |= _project_facts(project)
    science, key = SCIENCES.get(project.science, (project.science or "unknown", "Input Color Space"))
    lines.append(f"project: {project.name}; colour: {science}{_spaces(project, key)}")
    names = [timeline.name for timeline in project.timelines()]
    facts["timelines"] = names
    try:
        timeline = project.timeline()
    except WetgateError as error:
        return [*lines, f"{error.message()} ({', '.join(names) or 'there is none'})"], facts
    facts["timeline"] = _timeline_facts(timeline)
    seen = facts["timeline"]
    lines.append(
        f"timeline: {seen['name']}, {seen['rate']} frames/s from {seen['start_timecode']}, "
        f"{seen['items']} items on {seen['tracks']} video tracks"
    )
    if not seen["tells_selection"]:
        lines.append("this version does not tell what is selected: mark clips instead (Resolve 21.0.4 tells)")
    return lines, facts


def _page(resolve: Resolve) -> str:
    page = resolve.page
    return f"the {page} page is open" if page else "it has no window"


def _spaces(project: Project, key: str) -> str:
    if not key:
        return " (clips carry no colour space: give --in-space)"
    if key == "IDT":
        return f", input {project.setting('colorAcesIDT') or 'none'}"
    gamma = project.setting("colorSpaceInputGamma")
    apart = project.setting("separateColorSpaceAndGamma") == "1"
    return f", input {project.setting('colorSpaceInput')}{f' / {gamma}' if apart else ''}"


def _project_facts(project: Project) -> dict[str, Any]:
    return {"project": project.name, "science": project.science, "input_space": project.setting("colorSpaceInput")}


def _timeline_facts(timeline: Timeline) -> dict[str, Any]:
    tracks = timeline.tracks()
    return {
        "name": timeline.name,
        "rate": timeline_rate(timeline),
        "start_timecode": timeline.start_timecode,
        "tracks": tracks,
        "items": sum(len(timeline.items(track)) for track in range(1, tracks + 1)),
        "tells_selection": timeline.has("GetSelectedClips"),
    }
