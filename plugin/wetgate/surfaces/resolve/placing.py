"""Putting a result where its source shows: as a take, on a track above, or in the source's place.

Each step looks first and does only what is missing, so that a run that was killed is finished by the next one. Whether
``endFrame`` counts, and from where ``startFrame`` does, differs between calls and versions of Resolve; so the item is
read back after every placing, and one that does not lie exactly where its source lies is taken away again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wetgate.io.pattern import parse_pattern
from wetgate.spec import HostError
from wetgate.surfaces.resolve.app import Resolve
from wetgate.surfaces.resolve.journal import Journal
from wetgate.surfaces.resolve.marks import COLOR, parse_record
from wetgate.surfaces.resolve.media import Medium, medium_of
from wetgate.surfaces.resolve.plan import Job, Result
from wetgate.surfaces.resolve.pool import Clip
from wetgate.surfaces.resolve.results import demand_frames, record_of, set_rate, set_tag, write_record
from wetgate.surfaces.resolve.timeline import Item, Timeline
from wetgate.surfaces.resolve.walk import TRACK, Use


@dataclass(slots=True)
class Placer:
    """Places results on one timeline. ``notes`` are sentences for the person who reads the report."""

    resolve: Resolve
    timeline: Timeline
    journal: Journal
    notes: list[str] = field(default_factory=list)
    _way: tuple[bool, int] | None = None  # how this Resolve counts, once it has been found out

    def place(self, use: Use, job: Job, clip: Clip, result: Result) -> None:
        """Put the result where ``use`` is, and leave the record on the item. Raises :class:`HostError` where it cannot
        be, with the item as it was."""
        self._demand_unmoved(use)
        if result == "take":
            self._take(use, clip)
        elif result == "track":
            self._track(use, clip)
        self._mark(use, job, result)
        self.journal.end(f"take:{use.item.id}")

    # --- a take

    def _take(self, use: Use, clip: Clip) -> None:
        item, shown = use.item, _medium(clip)
        key = f"take:{item.id}"
        facts = {"start": use.place.start, "duration": use.place.duration, "first": use.first, "count": use.count}
        self.journal.begin(key, facts)
        offset = use.numbers[0] - shown.number(0)
        before = self._take_of(item, clip)
        if before:
            if item.select_take(before) and _lies(item, use, clip, offset):
                return
            self._drop_take(item, before)
        for way, start, end in self._ways(offset, use.count, shown):
            item.add_take(clip, start, end)
            added = self._take_of(item, clip)
            if not added:
                continue
            if item.select_take(added) and _lies(item, use, clip, offset):
                self._way = way
                return
            self._drop_take(item, added)
        self.journal.end(key)
        raise HostError(
            f"Resolve takes no take that lies as {use.place.label} does",
            allowed=f"{use.place.duration} frames from frame {offset} of the result on",
            remedy="add it by hand from the bin, or use --result track",
        )

    @staticmethod
    def _take_of(item: Item, clip: Clip) -> int:
        """Number of the take that shows the clip, or 0."""
        wanted = clip.id
        return next((take.index for take in item.takes() if take.clip.id == wanted), 0)

    @staticmethod
    def _drop_take(item: Item, index: int) -> None:
        """Take a take away, showing another one first: the source's is among those before it."""
        item.select_take(1 if index != 1 else 2)
        if not item.delete_take(index):
            raise HostError(
                f"Resolve keeps a take of {item.label} that lies wrong", remedy="delete its last take by hand"
            )

    # --- a track

    def _track(self, use: Use, clip: Clip) -> None:
        shown = _medium(clip)
        offset = use.numbers[0] - shown.number(0)
        track = self._track_above(use)
        there = self._at(track, use)
        if there is not None:
            if _lies(there, use, clip, offset):
                return self._copy_grade(use, there)
            shown_there = there.clip()
            if shown_there is None or shown_there.id != clip.id:
                raise HostError(
                    f"something else lies on the track {self.timeline.track_name(track)!r} where {use.place.label} is",
                    remedy="move it away, and run this again",
                )
            self._delete(there, track)  # a run was killed before it could take a wrong one away
        pool = self.resolve.project().pool()
        for way, start, end in self._ways(offset, use.count, shown):
            placement: dict[str, Any] = {
                "mediaPoolItem": clip.raw,
                "startFrame": start,
                "endFrame": end,
                "mediaType": 1,  # the picture alone
                "trackIndex": track,
                "recordFrame": use.place.start,  # absolute: counted from 00:00:00:00, not from the timeline's start
            }
            pool.append([placement])
            made = self._at(track, use)
            if made is None:
                continue
            if _lies(made, use, clip, offset):
                self._way = way
                return self._copy_grade(use, made)
            self._delete(made, track)
        raise HostError(
            f"Resolve puts no clip exactly above {use.place.label}",
            allowed=f"{use.place.duration} frames from frame {offset} of the result on",
            remedy="put it there by hand from the bin, or use --result take",
        )

    def _copy_grade(self, use: Use, made: Item) -> None:
        if not use.item.ask("CopyGrades", [made.raw]):
            self.notes.append(f"the grade of {use.place.label} could not be copied to the track above")

    def _at(self, track: int, use: Use) -> Item | None:
        """What lies on a track where the use does. The track is read again: what the call returned may not be there."""
        start, end = use.place.start, use.place.start + use.place.duration
        for item in self.timeline.items(track):
            if item.start < end and item.start + item.duration > start:
                return item
        return None

    def _delete(self, item: Item, track: int) -> None:
        """Works on the Edit page alone, and at times not at the first try."""
        wanted = item.id
        if self.resolve.page != "edit":
            self.resolve.open_page("edit")
        for _ in range(2):
            self.timeline.delete([item])
            if all(other.id != wanted for other in self.timeline.items(track)):
                return
        raise HostError(f"Resolve does not delete {item.label}, which lies wrong", remedy="delete it by hand")

    def _track_above(self, use: Use) -> int:
        """Number of the track of results above the use's own, made where it is not there."""
        own = use.item.track()[1]
        names = [self.timeline.track_name(i) for i in range(1, self.timeline.tracks() + 1)]
        # Our own tracks do not count: V2 stays V2 when one of ours comes to lie between V1 and V2.
        name = f"{TRACK}{sum(not n.startswith(TRACK) for n in names[:own])}"
        if name in names:
            self.journal.end(f"track:{name}")
            return names.index(name) + 1
        tracks = self._tracks()
        before = [(str(n), int(s)) for n, s in self.journal.begin(f"track:{name}", {"tracks": tracks})["tracks"]]
        if len(tracks) == len(before):
            if not self.timeline.ask("AddTrack", "video", {"index": own + 1}):
                self.timeline.need("AddTrack", "video", remedy="unlock the timeline")
            tracks = self._tracks()
        at = _inserted(before, tracks, own)
        if at == 0:
            raise HostError("Resolve made no new video track", remedy=f"make one and call it {name!r}")
        if at != own + 1:
            self.notes.append(
                f"the track {name!r} lies on top, not directly above V{own}: this Resolve cannot say where"
            )
        self.timeline.ask("SetTrackName", "video", at, name)
        if self.timeline.track_name(at) != name:
            raise HostError(f"Resolve does not name the new track {at}", remedy=f"call it {name!r} by hand")
        self.journal.end(f"track:{name}")
        return at

    def _tracks(self) -> list[tuple[str, int]]:
        """Name of each video track, and how many items lie on it."""
        count = self.timeline.tracks()
        return [(self.timeline.track_name(i), len(self.timeline.items(i))) for i in range(1, count + 1)]

    # --- what all share

    def _ways(self, offset: int, count: int, shown: Medium) -> Iterator[tuple[tuple[bool, int], int, int]]:
        """Start and end to try, in the order of likelihood: counted from 0 or by the files' numbers; the end past the
        last frame, on it, or one more, for a range between two rates is rounded down. The way that worked is first."""
        ways = [(by_number, extra) for by_number in (False, True) for extra in (0, -1, 1)]
        if self._way is not None:
            ways.sort(key=lambda way: way != self._way)
        for by_number, extra in ways:
            start = shown.number(offset) if by_number else offset
            if by_number and shown.number(0) == 0:
                continue  # the same as counting from 0
            yield (by_number, extra), start, start + count + extra

    def _mark(self, use: Use, job: Job, result: Result) -> None:
        record = record_of(job, result)
        if any(parse_record(m.data) == record for m in use.item.markers()):
            return
        note = f"{job.label}, frames {job.frames}; record: {record.record}"
        frames = (*range(use.place.duration), *range(use.first, use.first + use.count))
        if not use.item.add_marker(frames, COLOR, "Wetgate", note, record.to_json()):
            self.notes.append(
                f"no marker could be put on {use.place.label}: a second run will not know that it is done"
            )

    def _demand_unmoved(self, use: Use) -> None:
        """While frames rendered for hours, somebody may have gone on editing."""
        noted = self.journal.note(f"take:{use.item.id}")
        if noted is None and (use.item.start, use.item.duration) != (use.place.start, use.place.duration):
            raise HostError(
                f"{use.place.label} was moved or trimmed meanwhile",
                remedy="run this again: frames that are rendered are kept",
            )


def replace_clip(job: Job, journal: Journal) -> Clip:
    """Put the result under the source's clip, wherever that is used, and give it back the colour space and the metadata
    that it loses by it. What they were is noted down first, and the note stays until every use has its record."""
    clip = job.uses[0].clip
    key = f"replace:{clip.id}"
    facts = {
        "properties": dict(job.uses[0].properties),
        "metadata": clip.metadata(),
        "third_party": clip.third_party(),
    }
    noted = journal.begin(key, facts)
    pattern = parse_pattern(job.output)
    assert pattern is not None  # jobs write sequences
    forms = (str(pattern.path(job.first)), str(pattern.folder / f"{pattern.head}[{job.frames}]{pattern.tail}"))
    for path in forms:
        if _shows(clip, job):
            break
        clip.replace(path)
    shown = demand_frames(clip, job)
    source = medium_of(noted["properties"])
    if source is not None:
        set_rate(clip, shown, source)
    now = clip.metadata()
    clip.set_metadata({k: v for k, v in noted["metadata"].items() if v and now.get(k) != v})
    mine = clip.third_party()
    clip.set_third_party({k: v for k, v in noted["third_party"].items() if mine.get(k) != v})
    set_tag(clip, job.tag)
    write_record(clip, record_of(job, "replace"))
    return clip


def _shows(clip: Clip, job: Job) -> bool:
    medium = medium_of(clip.properties())
    return medium is not None and Path(medium.path).parent == Path(job.output).parent and medium.frames == job.count


def _lies(item: Item, use: Use, clip: Clip, offset: int) -> bool:
    """Whether an item shows the result's frames from ``offset`` on exactly where the use shows its own."""
    there = item.clip()
    return (
        there is not None
        and there.id == clip.id
        and (item.start, item.duration, item.left) == (use.place.start, use.place.duration, offset)
    )


def _medium(clip: Clip) -> Medium:
    medium = medium_of(clip.properties())
    if medium is None:
        raise HostError(f"{clip.label} has no files", remedy="delete it from its bin, and run this again")
    return medium


def _inserted(before: Sequence[tuple[str, int]], now: Sequence[tuple[str, int]], own: int) -> int:
    """Number of the track that is new; 0 where there is none. Directly above its own is tried first, and by name and
    number of items before by the number of items alone: Resolve may call tracks anew when one comes between them."""
    empty: list[int] = [
        at for at in (own + 1, len(now), *range(1, len(now) + 1)) if 1 <= at <= len(now) and now[at - 1][1] == 0
    ]
    rest = {at: [*now[: at - 1], *now[at:]] for at in empty}
    same = [at for at in empty if rest[at] == list(before)]
    alike = [at for at in empty if [size for _, size in rest[at]] == [size for _, size in before]]
    return (same or alike or [0])[0]
