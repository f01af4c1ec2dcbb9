"""Which pictures a movie holds: one pass over its packets, before any is decoded.

Packets come in decoding order, pictures are shown in the order of their presentation times. The index sorts them once,
so that frame n is the n-th picture shown, whatever the container counts: B-frames, open groups of pictures, edit lists
(whose discarded packets are left out) and times below zero need no further thought. It also knows where decoding has
to begin for each frame.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from wetgate.spec import UsageError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class Entry:
    """A packet in decoding order. ``pts`` and ``dts`` are in the stream's time base; None where the file has none."""

    pts: int | None
    dts: int | None
    key: bool
    shown: bool


@dataclass(slots=True)
class MovieIndex:
    """The pictures of a video stream.

    ``times`` are the presentation times in order, one a frame. ``promised`` is how many packets the container's table
    lists where it has one (0 where not): more than are there means a truncated file. ``damage`` tells where reading the
    packets broke off. Where times are missing or doubled, ``ordinal`` is True: frames can only be counted from the
    start, and :class:`~wetgate.io.movie_decoder.Decoder` then decodes up to the frame it is asked for.
    """

    packets: list[Entry]
    time_base: Fraction
    promised: int = 0
    damage: str = ""
    ordinal: bool = False
    times: list[int] = field(default_factory=list)
    _frame_of: dict[int, int] = field(default_factory=dict)
    _decoded_at: dict[int, int] = field(default_factory=dict)
    _keys: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = [i for i, p in enumerate(self.packets) if p.key]
        self._decoded_at = {p.pts: i for i, p in enumerate(self.packets) if p.pts is not None}
        shown = [p.pts for p in self.packets if p.shown]
        known = {t for t in shown if t is not None}
        if len(known) < len(shown) or len(self._decoded_at) < len(self.packets):
            self.ordinal = True
        self.set_times(list(range(len(shown))) if self.ordinal else sorted(known))

    def __len__(self) -> int:
        return len(self.times)

    def set_times(self, times: list[int]) -> None:
        """Take other presentation times, those of the pictures that really come out of the decoder."""
        self.times = times
        self._frame_of = {t: i for i, t in enumerate(times)}

    def frame_at(self, pts: int | None) -> int | None:
        """The frame shown at that time, or None where no packet promised one."""
        return None if pts is None else self._frame_of.get(pts)

    def packet_at(self, pts: int | None, dts: int | None) -> int | None:
        """The place in decoding order of the packet with these times."""
        place = None if pts is None else self._decoded_at.get(pts)
        return place if place is not None and self.packets[place].dts == dts else None

    def entries(self, frame: int) -> Iterator[int]:
        """Packets from which decoding may begin to reach ``frame``: the best first, then one further back, then 0.

        The best is the last keyframe before it in decoding order that is shown no later: pictures that follow a
        keyframe in the stream but are shown before it (leading pictures of an open group) refer to what precedes it.
        """
        wanted = self.times[frame]
        place = self._decoded_at.get(wanted, len(self.packets) - 1)
        given = 0
        for before in range(bisect_right(self._keys, place) - 1, -1, -1):
            key = self._keys[before]
            pts = self.packets[key].pts
            if pts is not None and pts <= wanted:
                yield key
                given += 1
                if key == 0 or given == 2:
                    break
        yield 0

    def key_before(self, packet: int) -> int:
        """The keyframe before the one at ``packet``, in decoding order; 0 where there is none."""
        before = bisect_right(self._keys, packet - 1) - 1
        return self._keys[before] if before >= 0 else 0

    def durations(self) -> tuple[Fraction, Fraction] | None:
        """The shortest and the longest time from one frame to the next, in seconds; None for a single frame."""
        if self.ordinal or len(self.times) < 2:
            return None
        steps = np.diff(np.asarray(self.times, np.int64))
        return int(steps.min()) * self.time_base, int(steps.max()) * self.time_base

    def mean_rate(self) -> Fraction | None:
        """Frames a second by their times; None for a single frame, or where the stream has no times."""
        if self.ordinal or len(self.times) < 2:
            return None
        return (len(self.times) - 1) / ((self.times[-1] - self.times[0]) * self.time_base)

    def is_variable(self, rate: Fraction | None) -> bool:
        """Whether frames last differently long, by more than one tick of the stream's clock (which rounds them)."""
        spread = self.durations()
        if spread is None:
            return False
        low, high = spread
        if rate is not None and rate > 0:
            nominal = 1 / rate
            return nominal - low > self.time_base * Fraction(101, 100) or high - nominal > self.time_base * Fraction(
                101, 100
            )
        return high - low > self.time_base * Fraction(101, 100)


def video_stream(container: InputContainer) -> VideoStream:
    """The first stream of moving pictures: cover art does not count. :class:`UsageError` where there is none."""
    import av

    still = av.stream.Disposition.attached_pic
    found = [s for s in container.streams.video if not s.disposition & still]
    if not found:
        raise UsageError("the file holds no video", where=container.name)
    if found[0].codec_context is None:
        raise UsageError("the file's video codec is not known to this build", where=container.name)
    return found[0]


# Containers with a table of every packet (their first name in libavformat); of others the index holds some, or none.
_TABLED = frozenset({"mov", "avi"})


def index_packets(container: InputContainer, stream: VideoStream) -> MovieIndex:
    """Index a stream. Where the codec has keyframes only and the container a table, the table alone is read."""
    import av

    assert stream.time_base is not None
    tabled = container.format.name.split(",")[0] in _TABLED
    if tabled and stream.codec_context.codec.intra_only and len(stream.index_entries) == stream.frames > 0:
        entries = list(stream.index_entries)
        whole = [e for e in entries if e.pos + e.size <= container.size]
        packets = [Entry(e.timestamp, e.timestamp, True, not e.is_discard) for e in whole]
        return MovieIndex(packets, stream.time_base, len(entries))
    packets = []
    damage = ""
    try:
        for packet in container.demux(stream):
            if packet.size == 0 and packet.pts is None and packet.dts is None:
                continue  # PyAV's flush packet at the end
            packets.append(Entry(packet.pts, packet.dts, packet.is_keyframe, not packet.is_discard))
    except (av.FFmpegError, OSError) as error:
        damage = f"reading stops after {len(packets)} pictures: {error.strerror}"
    promised = len(stream.index_entries) if tabled else 0
    return MovieIndex(packets, stream.time_base, promised, damage)
