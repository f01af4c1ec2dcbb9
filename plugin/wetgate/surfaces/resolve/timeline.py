"""A timeline and the items on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wetgate.surfaces.resolve.calls import Gate, Handle, whole
from wetgate.surfaces.resolve.pool import Clip


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker. ``frame`` counts from the start of what it is on: the timeline, or the item's medium."""

    frame: int
    color: str
    name: str
    note: str
    data: str


@dataclass(frozen=True, slots=True)
class Take:
    """One of the takes that an item can show. ``index`` counts from 1."""

    index: int
    start: int
    end: int
    clip: Clip


class _Marked(Handle):
    __slots__ = ()

    def markers(self) -> list[Marker]:
        found = self.ask("GetMarkers") or {}
        return [
            Marker(
                whole(frame, "a marker's frame"),
                str(m.get("color", "")),
                str(m.get("name", "")),
                str(m.get("note", "")),
                str(m.get("customData", "")),
            )
            for frame, m in sorted(found.items(), key=lambda entry: float(entry[0]))
        ]

    def add_marker(self, frames: Iterable[int], color: str, name: str, note: str, data: Mapping[str, Any]) -> bool:
        """Put a marker at the first of ``frames`` that has none; False where Resolve takes it nowhere."""
        text = json.dumps(data, sort_keys=True)
        taken = {m.frame for m in self.markers()}
        free = (frame for frame in frames if frame not in taken)
        return any(self.ask("AddMarker", frame, color, name, note, 1, text) for frame in free)


class Item(_Marked):
    """A clip, title, generator or transition on a track. Positions are frames of the timeline."""

    __slots__ = ()

    @property
    def id(self) -> str:
        return str(self.ask("GetUniqueId") or "")

    @property
    def name(self) -> str:
        return str(self.ask("GetName") or "")

    @property
    def start(self) -> int:
        return whole(self.need("GetStart"), f"the start of {self.label}")

    @property
    def duration(self) -> int:
        return whole(self.need("GetDuration"), f"the duration of {self.label}")

    @property
    def left(self) -> int:
        """Frames of the medium before the first one used. Of a retimed item: in frames after the retime."""
        return whole(self.ask("GetLeftOffset") or 0, f"the left offset of {self.label}")

    @property
    def source_span(self) -> tuple[int, int] | None:
        """First and past-the-last frame of the medium, which tell of a retime; None where Resolve does not know them
        (0 and 0, of timelines that came from an XML)."""
        ends = [whole(self.ask(m) or 0, f"{m} of {self.label}") for m in ("GetSourceStartFrame", "GetSourceEndFrame")]
        return None if ends == [0, 0] else (ends[0], ends[1])

    @property
    def kind(self) -> str:
        """``video``, ``audio``, ``generator`` or ``transition`` from 21.1 on; "" before."""
        return str(self.ask("GetType") or "") if self.has("GetType") else ""

    @property
    def speed(self) -> float | None:
        """The speed where this version tells it (21.1): 100 or 1 is the speed of the medium. None where it does not."""
        if not self.has("GetSpeed"):
            return None
        found = self.ask("GetSpeed")
        if isinstance(found, Mapping):  # the key's name is not documented: take the one number that is there
            numbers = [v for k, v in found.items() if "speed" in str(k).lower() and isinstance(v, (int, float))]
            found = numbers[0] if len(numbers) == 1 else None
        return None if isinstance(found, bool) or not isinstance(found, (int, float)) else float(found)

    @property
    def is_enabled(self) -> bool:
        return not self.has("GetClipEnabled") or self.ask("GetClipEnabled") is not False

    @property
    def fusion_comps(self) -> int:
        return whole(self.ask("GetFusionCompCount") or 0, "the number of Fusion compositions")

    def has_picture_properties(self) -> bool:
        """Whether it has the properties of a picture (pan, zoom ...): a transition has none, nor a generator."""
        return bool(self.ask("GetProperties" if self.has("GetProperties") else "GetProperty"))

    def clip(self) -> Clip | None:
        """The clip of the media pool that it shows; None for titles, generators and transitions."""
        raw = self.ask("GetMediaPoolItem")
        return Clip.of(raw, self) if raw else None

    def track(self) -> tuple[str, int]:
        kind, index = self.need("GetTrackTypeAndIndex")
        return str(kind), whole(index, "the track's number")

    # --- takes

    @property
    def selected_take(self) -> int:
        """Number of the take that shows; 0 where the item has no takes."""
        return whole(self.ask("GetSelectedTakeIndex") or 0, "the selected take")

    def takes(self) -> list[Take]:
        count = whole(self.ask("GetTakesCount") or 0, "the number of takes")
        found = []
        for index in range(1, count + 1):
            info = self.ask("GetTakeByIndex", index) or {}
            if info.get("mediaPoolItem"):
                clip = Clip.of(info["mediaPoolItem"], self)
                start = whole(info.get("startFrame", 0), "a take's start")
                found.append(Take(index, start, whole(info.get("endFrame", 0), "a take's end"), clip))
        return found

    def add_take(self, clip: Clip, start: int, end: int) -> bool:
        return bool(self.ask("AddTake", clip.raw, start, end))

    def select_take(self, index: int) -> bool:
        if self.selected_take != index:
            self.ask("SelectTakeByIndex", index)
        return self.selected_take == index

    def delete_take(self, index: int) -> bool:
        return bool(self.ask("DeleteTakeByIndex", index))


class Timeline(_Marked):
    """A timeline. Its own markers count from its start, its items' positions do not."""

    __slots__ = ()

    @classmethod
    def of(cls, raw: Any, gate: Gate) -> Timeline:
        name = gate.run("GetName of the timeline", lambda: raw.GetName())
        return cls(raw, gate, f"the timeline {name!r}")

    @property
    def name(self) -> str:
        return str(self.need("GetName"))

    @property
    def id(self) -> str:
        return str(self.ask("GetUniqueId") or self.name)

    @property
    def start(self) -> int:
        return whole(self.need("GetStartFrame"), f"the first frame of {self.label}")

    @property
    def start_timecode(self) -> str:
        return str(self.ask("GetStartTimecode") or "")

    def tracks(self) -> int:
        return whole(self.ask("GetTrackCount", "video") or 0, "the number of video tracks")

    def track_name(self, index: int) -> str:
        return str(self.ask("GetTrackName", "video", index) or "")

    def items(self, track: int) -> list[Item]:
        """What lies on a video track (counted from 1), in order of time."""
        found = [self._item(raw) for raw in self.ask("GetItemListInTrack", "video", track) or [] if raw]
        return sorted(found, key=lambda item: item.start)

    def selected(self) -> list[Item] | None:
        """What is selected on the Edit page; None where this version (before 21.0.4) cannot say."""
        if not self.has("GetSelectedClips"):
            return None
        return [self._item(raw) for raw in self.ask("GetSelectedClips") or [] if raw]

    def current(self) -> Item | None:
        """The item under the playhead."""
        raw = self.ask("GetCurrentVideoItem")
        return self._item(raw) if raw else None

    def delete(self, items: list[Item]) -> bool:
        """Take items off the timeline, leaving the gap. Works on the Edit page alone."""
        return bool(self.ask("DeleteClips", [item.raw for item in items], False))

    def _item(self, raw: Any) -> Item:
        name = self.gate.run("GetName of an item", lambda: raw.GetName())
        return Item(raw, self.gate, f"{name!r}")
