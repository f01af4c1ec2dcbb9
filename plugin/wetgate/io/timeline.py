"""Edited timelines in and out, by OpenTimelineIO: ``.otio`` itself, and EDL, FCPXML and AAF where an adapter is there.

A timeline is worked as OpenTimelineIO's own objects, so that whatever Wetgate does not know (effects, markers, other
programs' metadata) goes out as it came in. What is read may be any of :data:`SUFFIXES`; what is written is ``.otio``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from wetgate.io.atomic import write_bytes
from wetgate.io.timeline_dialects import after_fcp7, after_fcpxml, fcpxml_text, only_timeline
from wetgate.spec import UsageError

# Suffix, OpenTimelineIO's name of the adapter that reads it, and the package that brings that adapter.
_ADAPTERS: Mapping[str, tuple[str, str]] = {
    ".otio": ("otio_json", "OpenTimelineIO"),
    ".otiod": ("otiod", "OpenTimelineIO"),
    ".edl": ("cmx_3600", "otio-cmx3600-adapter"),
    ".fcpxml": ("fcpx_xml", "otio-fcpx-xml-adapter"),
    ".fcpxmld": ("fcpx_xml", "otio-fcpx-xml-adapter"),
    ".xml": ("fcp_xml", "otio-fcp-adapter"),
    ".aaf": ("AAF", "otio-aaf-adapter"),
}
SUFFIXES = frozenset(_ADAPTERS)
EDL_RATE = Fraction(24)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A timeline as it was read: OpenTimelineIO's root object, and the folder that relative media paths start from."""

    root: Any
    folder: Path
    path: Path

    @property
    def name(self) -> str:
        return str(getattr(self.root, "name", "") or self.path.stem)


def is_timeline(spec: str | Path) -> bool:
    """Whether a name is that of a timeline rather than of footage."""
    return Path(spec).suffix.lower() in SUFFIXES


def read_timeline(path: Path, rate: Fraction | None = None) -> Timeline:
    """Read a timeline. ``rate`` is that of an EDL, which does not say its own (24 without it).

    Raises :class:`UsageError` where the file is not there, is damaged, holds no timeline, or needs an adapter that is
    not installed; the last names the package.
    """
    suffix = path.suffix.lower()
    if suffix not in _ADAPTERS:
        raise UsageError(f"{path.name} is no timeline", allowed=", ".join(sorted(SUFFIXES)))
    if not path.exists():
        raise UsageError(f"there is no timeline {str(path)!r}", remedy="check the path")
    if rate is not None and suffix != ".edl":
        raise UsageError(f"{path.name} says its own frame rate", where="--rate", remedy="leave --rate out")
    adapter = _adapter(suffix)
    options: dict[str, Any] = {"rate": float(rate or EDL_RATE)} if suffix == ".edl" else {}
    file = path / "Info.fcpxml" if suffix == ".fcpxmld" and path.is_dir() else path
    import opentimelineio as otio

    try:
        if adapter == "fcpx_xml":
            text = fcpxml_text(file)
            root = otio.adapters.read_from_string(text, adapter_name=adapter)
            after_fcpxml(root, text)
        else:
            root = otio.adapters.read_from_file(str(file), adapter_name=adapter, **options)
        if adapter == "fcp_xml":
            after_fcp7(root)
    except UsageError:
        raise
    except Exception as error:  # every adapter has errors of its own
        said = " ".join(str(error).split())[:300]
        raise UsageError(
            f"{path.name} cannot be read as {adapter}: {type(error).__name__}: {said}",
            where=str(path),
            remedy="export the timeline again; OpenTimelineIO (.otio) loses least",
        ) from error
    if not hasattr(root, "find_clips"):
        kind = getattr(root, "schema_name", lambda: type(root).__name__)()
        raise UsageError(f"{path.name} holds no timeline, but {kind}", where=str(path))
    root = only_timeline(root, path)
    return Timeline(root, path if suffix == ".otiod" else path.parent, path)


def _adapter(suffix: str) -> str:
    import opentimelineio as otio

    name, package = _ADAPTERS[suffix]
    if name not in otio.adapters.available_adapter_names():
        raise UsageError(
            f"{suffix} needs the OpenTimelineIO adapter {name}, which is not installed",
            allowed="without it: .otio, .otiod",
            remedy=f"run python -m pip install {package}, or export the timeline as .otio",
        )
    return name


def write_timeline(timeline: Any, path: Path) -> None:
    """Write OpenTimelineIO's root object as ``.otio``, whole or not at all."""
    write_bytes(path, (timeline.to_json_string(indent=4) + "\n").encode())


def video_clips(timeline: Timeline) -> Iterator[Any]:
    """Every clip of every picture track, nested ones too, in the order of the timeline."""
    for clip in timeline.root.find_clips():
        if not any(kind == "Audio" for kind in _kinds_above(clip)):
            yield clip


def _kinds_above(item: Any) -> Iterator[str]:
    parent = item.parent()
    while parent is not None:
        yield getattr(parent, "kind", "")
        parent = parent.parent()


def place_of_clip(clip: Any) -> str:
    """Where a clip stands, for messages: track and position, ``V1 at frame 48``."""
    track = clip.parent()
    if track is None:
        return ""
    name = _name_of_track(track)
    try:
        start = track.range_of_child(clip).start_time
    except Exception:  # a composition that cannot be measured (missing media without ranges) still has a name
        return name
    return f"{name} at frame {round(start.value)}"


def _name_of_track(track: Any) -> str:
    """Its own name, where it has one that is more than a number; else V1, V2 from the bottom."""
    name = str(track.name or "")
    stack = track.parent()
    if (name and not name.isdigit()) or stack is None or not hasattr(track, "kind"):
        return name
    alike = [t for t in stack if getattr(t, "kind", "") == track.kind]
    return f"{str(track.kind)[:1]}{next(i for i, t in enumerate(alike, 1) if t is track)}"
