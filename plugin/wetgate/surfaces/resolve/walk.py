"""What lies on a timeline: every use of a medium that can be restored, and every item that cannot, with the reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from wetgate.io.movie_timecode import Count
from wetgate.surfaces.resolve.app import rate_of
from wetgate.surfaces.resolve.marks import Record, parse_record, records
from wetgate.surfaces.resolve.media import Medium, medium_of
from wetgate.surfaces.resolve.pool import Clip
from wetgate.surfaces.resolve.timeline import Item, Marker, Timeline

TRACK = "Wetgate V"  # tracks of results are called Wetgate V1, Wetgate V2 after the track that they are of
Reason = Literal[
    "retime",
    "compound",
    "title",
    "generator",
    "offline",
    "still",
    "disabled",
    "unsupported",
    "colour",
    "asked",
    "restored",
]
# The clip property Type of what has no medium of its own. It is in the language of the window, so it only adds to what
# is known without it: such a clip has no file.
_NESTED = {
    "timeline": "a nested timeline",
    "compound": "a compound clip",
    "multicam": "a multicam clip",
    "fusion": "a Fusion clip",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item is: its number in the order of the timeline (from 1), track, name, start and length in frames of
    the timeline, and its start as a time code."""

    index: int
    track: int
    name: str
    start: int
    duration: int
    timecode: str

    @property
    def label(self) -> str:
        return f"{self.index}. {self.name} (V{self.track}, {self.timecode})"


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a medium. ``first`` and ``count`` are the frames of the clip that show (the first is 0), ``lead`` and
    ``tail`` those beyond them that transitions reach for."""

    place: Place
    item: Item
    clip: Clip
    medium: Medium
    properties: Mapping[str, str]
    first: int
    count: int
    markers: tuple[Marker, ...]
    lead: int = 0
    tail: int = 0

    @property
    def records(self) -> list[Record]:
        """What earlier runs left on the item."""
        return records(self.markers)

    @property
    def numbers(self) -> tuple[int, int]:
        """First and last frame that show, by the medium's numbers."""
        return self.medium.number(self.first), self.medium.number(self.first + self.count - 1)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An item that is not restored, and why."""

    place: Place
    reason: Reason
    text: str


@dataclass(frozen=True, slots=True)
class Walk:
    """The timeline as it was read. ``rate`` in frames a second."""

    timeline: Timeline
    rate: Fraction
    uses: tuple[Use, ...]
    skipped: tuple[Skipped, ...]


class _No(Exception):
    """An item that is not restored."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


def walk(
    timeline: Timeline,
    *,
    is_ours: Callable[[Clip], bool],
    pending: Callable[[str], Mapping[str, Any] | None] = lambda key: None,
    only: frozenset[str] | None = None,
    raw_too: bool = False,
    assume_speed: bool = False,
) -> Walk:
    """Read a timeline's video tracks.

    ``is_ours`` tells results of ours from sources, ``pending`` what a run that was killed had noted down before it
    changed something (:mod:`~wetgate.surfaces.resolve.journal`). ``only`` are the ids of the items that are asked for.
    ``raw_too`` takes media that only Resolve decodes. ``assume_speed`` takes items whose speed nobody knows for normal.
    """
    rate = rate_of(timeline_rate(timeline), "the timeline's frame rate")
    clock = _Clock(timeline, rate)
    above = [replace(m, frame=m.frame + timeline.start) for m in timeline.markers()]
    found: list[tuple[int, int, Item]] = []
    transitions: dict[int, list[tuple[int, int]]] = {}
    for track in range(1, timeline.tracks() + 1):
        if timeline.track_name(track).startswith(TRACK):
            continue
        items = [(item.start, item.duration, item) for item in timeline.items(track)]
        spans = [(start, start + duration) for start, duration, _ in items]
        for start, duration, item in items:
            if _is_transition(item, (start, start + duration), spans):
                transitions.setdefault(track, []).append((start, start + duration))
            else:
                found.append((track, start, item))
    found.sort(key=lambda entry: (entry[1], entry[0]))
    uses: list[Use] = []
    skipped: list[Skipped] = []
    for index, (track, start, item) in enumerate(found, 1):
        if only is not None and item.id not in only:
            continue
        place = Place(index, track, item.name, start, item.duration, clock.timecode(start))
        reader = _Reader(rate, is_ours, pending, raw_too, assume_speed)
        try:
            use = reader.use(item, place)
        except _No as no:
            skipped.append(Skipped(place, no.reason, no.text))
            continue
        own = [m for m in above if start <= m.frame < start + place.duration]
        uses.append(_reaching(replace(use, markers=(*use.markers, *own)), transitions.get(track, []), rate))
    return Walk(timeline, rate, tuple(uses), tuple(skipped))


def timeline_rate(timeline: Timeline) -> str:
    """The timeline's frame rate as its settings have it."""
    from wetgate.surfaces.resolve.app import setting

    return setting(timeline, "timelineFrameRate") or "24"


class _Clock:
    def __init__(self, timeline: Timeline, rate: Fraction) -> None:
        self._nominal = max(1, round(rate))
        self._drop = ";" in timeline.start_timecode or "DF" in timeline_rate(timeline)

    def timecode(self, frame: int) -> str:
        return str(Count(frame, self._nominal, self._drop and self._nominal in (30, 60)))


def _is_transition(item: Item, span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    """A transition is an item too. Before 21.1 it is known by lying on a cut, without a medium and a picture."""
    if item.kind:
        return item.kind == "transition"
    start, end = span
    over_cut = any(start < cut < end for other in others if other != span for cut in other)
    return over_cut and item.clip() is None and not item.has_picture_properties()


def _reaching(use: Use, transitions: Iterable[tuple[int, int]], rate: Fraction) -> Use:
    """The use with the frames that transitions at its ends need beyond the cuts."""
    start, end = use.place.start, use.place.start + use.place.duration
    lead = max((start - t0 for t0, t1 in transitions if t0 < start < t1), default=0)
    tail = max((t1 - end for t0, t1 in transitions if t0 < end < t1), default=0)
    factor = use.medium.rate / rate
    return replace(use, lead=math.ceil(lead * factor), tail=math.ceil(tail * factor))


@dataclass(frozen=True, slots=True)
class _Reader:
    rate: Fraction
    is_ours: Callable[[Clip], bool]
    pending: Callable[[str], Mapping[str, Any] | None]
    raw_too: bool
    assume_speed: bool

    def use(self, item: Item, place: Place) -> Use:
        clip = item.clip()
        if clip is None:
            raise _without_medium(item)
        if not item.is_enabled:
            raise _No("disabled", "the clip is disabled")
        noted = self.pending(f"take:{item.id}")
        if self.is_ours(clip):
            return self._restored_before(item, clip, place, noted)
        properties = clip.properties()
        medium = self._medium(properties)
        if noted is not None:  # a run was killed while it placed a take on this one: what it saw before is what counts
            return self._made(item, clip, place, medium, properties, int(noted["first"]), int(noted["count"]))
        self._demand_normal_speed(item, place, medium)
        count = math.ceil(place.duration * medium.rate / self.rate)
        return self._made(item, clip, place, medium, properties, item.left, count)

    def _restored_before(self, item: Item, ours: Clip, place: Place, noted: Mapping[str, Any] | None) -> Use:
        """An item that shows a result of ours: as a use of the medium that the result was made from."""
        source = next((take.clip for take in item.takes() if not self.is_ours(take.clip)), None)
        if source is None:
            before = self.pending(f"replace:{ours.id}")
            if before is None:
                record = parse_record(ours.record())
                raise _No("restored", f"its medium is already replaced, by {record.output if record else 'a result'}")
            properties = dict(before["properties"])  # a run was killed while it replaced this one
            medium = self._medium(properties)
            return self._made(item, ours, place, medium, properties, item.left, self._count(place, medium))
        properties = source.properties()
        medium = self._medium(properties)
        if noted is not None:
            place = replace(place, start=int(noted["start"]), duration=int(noted["duration"]))
            return self._made(item, source, place, medium, properties, int(noted["first"]), int(noted["count"]))
        shown = medium_of(ours.properties())
        if shown is None:
            raise _No("unsupported", "its restored take has no files")
        first = shown.number(item.left) - medium.number(0)  # a result has its source's numbers
        return self._made(item, source, place, medium, properties, first, self._count(place, medium))

    def _count(self, place: Place, medium: Medium) -> int:
        return math.ceil(place.duration * medium.rate / self.rate)

    def _made(
        self,
        item: Item,
        clip: Clip,
        place: Place,
        medium: Medium,
        properties: Mapping[str, str],
        first: int,
        count: int,
    ) -> Use:
        if first < 0 or first + count > medium.frames:
            # One frame too many is the rounding between two rates; more is a freeze or a fault.
            if first < 0 or first + count > medium.frames + 1:
                raise _No("unsupported", f"it shows frames {first} to {first + count - 1} of a clip of {medium.frames}")
            count = medium.frames - first
        return Use(place, item, clip, medium, properties, first, count, tuple(item.markers()))

    def _medium(self, properties: Mapping[str, str]) -> Medium:
        medium = medium_of(properties)
        kind = properties.get("Type", "").lower()
        nested = next((what for word, what in _NESTED.items() if word in kind), None)
        if medium is None or nested is not None:
            raise _No("compound", f"{nested or 'a clip without a file of its own'}: open it and restore what is in it")
        if properties.get("Online Status", "").lower() == "offline":
            raise _No("offline", f"its medium is offline: {medium.path}")
        away = medium.missing()
        if away:
            raise _No("offline", f"not on this machine: {away}")
        if medium.is_raw and not self.raw_too:
            raise _No("unsupported", "camera raw, which Resolve alone decodes: use --through-queue")
        if not medium.is_readable and not (medium.is_raw and self.raw_too):
            raise _No("unsupported", f"Wetgate reads no such file: {medium.path}")
        if medium.frames <= 1:
            raise _No("still", "a still: restore it with wetgate render")
        if medium.rate <= 0:
            raise _No("unsupported", f"Resolve gives its frame rate as {properties.get('FPS', '')!r}")
        return medium

    def _demand_normal_speed(self, item: Item, place: Place, medium: Medium) -> None:
        """Refuse a retime. Only the span of the medium that is played tells of one before 21.1: the offset of a retimed
        item is counted in frames after the retime."""
        speed = item.speed
        if speed is not None and min(abs(speed - 1), abs(speed - 100)) > 1e-3:
            raise _No("retime", f"a retime ({speed:g} %): bake it in Resolve, or restore the medium")
        span = item.source_span
        if span is None:
            if speed is None and not self.assume_speed:
                raise _No("retime", "Resolve does not tell its speed: if it is 100 %, use --assume-speed")
            return
        played, expected = span[1] - span[0], place.duration * medium.rate / self.rate
        off = abs(played - expected)
        # Both ends are known to be off by one at times, which is much for a clip of a few frames.
        if off > Fraction(3, 2) or (off >= 1 and expected < 5):
            shown = f"{round(100 * played / float(expected))} %" if expected else "of no length"
            raise _No("retime", f"a retime (about {shown}): bake it in Resolve, or restore the medium")
        heads = {0, medium.head, medium.first + medium.head}
        if all(abs(span[0] - head - item.left) > 1 for head in heads):
            raise _No("retime", "its offset is that of a retimed clip: bake it in Resolve, or restore the medium")


def _without_medium(item: Item) -> _No:
    if item.fusion_comps:
        return _No("title", "a title or Fusion composition: it has no medium")
    return _No("generator", "a generator, title or adjustment clip: it has no medium")
