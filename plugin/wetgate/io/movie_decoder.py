"""Decoding: any picture of a movie by its frame number, in any order, the same picture whatever was asked for before.

One decoder runs behind a lock. Going on from where it stands is the fast path; otherwise it seeks to the keyframe that
the index names, throws away what comes before, and decodes forward. The last few pictures are kept, so that several
threads that read ahead of one another do not send it back and forth.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from wetgate.io.jpeg_coding import jpeg_coding
from wetgate.io.movie_checksum import holds
from wetgate.io.movie_index import MovieIndex, video_stream
from wetgate.spec import FrameError

# How many decoded pictures are kept, and how many bytes of them at most (a UHD 10-bit 4:2:2 picture is 33 MB).
KEPT_PICTURES = 16
KEPT_BYTES = 400 << 20
# Containers without an index, whose demuxers look for a time by bisection.
_SEARCHED = frozenset({"mpeg", "mpegts", "vob"})


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture and what is doubtful about it: after damage, pictures up to the next keyframe refer to it.

    ``coding`` is what a picture that is a JPEG of its own says in its header (:mod:`wetgate.io.jpeg_coding`).
    """

    frame: av.VideoFrame
    note: str = ""
    coding: Mapping[str, Any] = field(default_factory=dict)


class Decoder:
    """Reads pictures of the first video stream of ``path``. Safe to call from several threads.

    ``conceal`` lets pictures through that the decoder patched.
    """

    def __init__(self, path: Path, index: MovieIndex, options: Mapping[str, str], conceal: bool = False) -> None:
        self.path = path
        self.index = index
        self._options = dict(options)
        self._conceal = conceal
        self._lock = threading.Lock()
        self._container: InputContainer | None = None
        self._stream: VideoStream | None = None
        self._pictures: Iterator[tuple[int | None, Picture]] = iter(())
        self._fed = -1  # place of the last packet given to the decoder
        self._reached = -1  # frame of the last picture that came out
        self._kept: OrderedDict[int, Picture] = OrderedDict()
        self._failed: dict[int, str] = {}
        self._closed = False
        self._seeks = True
        self._depth = 0
        self._checked: bool | None = None

    def picture(self, frame: int) -> Picture:
        """The picture of frame ``frame``, counted from 0. :class:`FrameError` where it cannot be decoded."""
        with self._lock:
            if self._closed:
                raise FrameError(f"frame {frame}: the movie is closed", where=str(self.path))
            kept = self._kept.get(frame)
            if kept is not None:
                self._kept.move_to_end(frame)
                return kept
            if frame not in self._failed:
                found = self._find(frame)
                if found is not None:
                    return found
            raise FrameError(
                f"frame {frame} cannot be decoded: {self._failed[frame]}",
                where=str(self.path),
                remedy="replace the file, or render with --on-missing hold or black",
            )

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._kept.clear()
            self._shut()

    def _find(self, frame: int) -> Picture | None:
        reason = ""
        starts = [0] if self.index.ordinal else list(dict.fromkeys(self.index.entries(frame)))
        if self._reached < frame and self._fed + 2 >= starts[0]:
            with contextlib.suppress(_Astray):
                found, reason = self._go_on(frame)
                if found is not None:
                    return found
        for start in starts:
            try:
                self._start(start)
                found, reason = self._go_on(frame)
            except _Astray:
                found, reason = self._from_head(start, frame)
            except (av.FFmpegError, OSError) as error:
                found, reason = None, error.strerror or str(error)
            if found is not None:
                return found
        self._failed[frame] = reason or "its data gives no picture (damaged, or cut off)"
        return None

    def _from_head(self, start: int, frame: int) -> tuple[Picture | None, str]:
        self._kept.clear()  # what came out since the seek may have the wrong number
        self._start(start)
        return self._go_on(frame)

    def _go_on(self, frame: int) -> tuple[Picture | None, str]:
        """Decode up to ``frame``, or past it: then it is not there."""
        reason = ""
        for number, picture in self._pictures:
            if number is None:
                reason = picture.note
                continue
            self._reached = max(self._reached, number)
            self._keep(number, picture)
            if number == frame:
                return picture, ""
            if number > frame:
                break
        return None, reason

    def _keep(self, number: int, picture: Picture) -> None:
        self._kept[number] = picture
        self._kept.move_to_end(number)
        each = sum(plane.buffer_size for plane in picture.frame.planes)
        room = max(2, min(KEPT_PICTURES, KEPT_BYTES // max(each, 1)))
        while len(self._kept) > room:
            self._kept.popitem(last=False)

    def _open(self) -> tuple[InputContainer, VideoStream]:
        self._shut()
        container = av.open(str(self.path))
        stream = video_stream(container)
        stream.codec_context.options = dict(self._options)
        # A decoder that works on several pictures at once tells of blocks before they are all decoded (H.264).
        stream.thread_type = "SLICE" if "export_side_data" in self._options else "AUTO"
        for other in container.streams:
            if other is not stream:
                other.discard = av.stream.Discard.all
        self._container, self._stream = container, stream
        if self._checked is None:
            self._checked = stream.codec_context.name == "ffv1" and self._has_checksums(container, stream)
            if stream.codec_context.name == "ffv1":
                return self._open()  # again from the head
        # A decoder that has learnt how deep pictures are reordered forgets it on a seek, and drops some (H.264).
        self._depth = max(self._depth, stream.codec_context.reorder_depth)
        return container, stream

    def _has_checksums(self, container: InputContainer, stream: VideoStream) -> bool:
        """Whether any of the first pictures carries right checksums: then all of them do."""
        return any(holds(bytes(packet)) for packet in islice(container.demux(stream), 3))

    def _start(self, packet: int) -> None:
        """Stand so that the packet at that place is the next to be decoded."""
        self._reached, self._fed = -1, packet - 1
        self._pictures = iter(())
        if self._container is None or self._stream is None or packet == 0:
            container, stream = self._open()
        else:
            container, stream = self._container, self._stream
        if packet == 0:
            self._pictures = self._decode(container, stream, 0, 0)
            return
        for time in self._seek_times(container, packet):
            container.seek(time, stream=stream)
            first = next(iter(container.demux(stream)), None)
            place = None if first is None else self.index.packet_at(first.pts, first.dts)
            if place is not None and place <= packet:
                container.seek(time, stream=stream)
                stream.codec_context.reorder_depth = self._depth
                self._pictures = self._decode(container, stream, place, packet)
                return
        container, stream = self._open()  # a container that cannot seek there: from the head, and skip
        self._pictures = self._decode(container, stream, 0, packet)

    def _seek_times(self, container: InputContainer, packet: int) -> list[int]:
        """Times to try, so that the demuxer stands at that packet or before. Tables go by pts or by dts."""
        if not self._seeks:
            return []
        if container.format.name in _SEARCHED:
            # Found by bisecting the file, which may end in the middle of a picture: aim well before.
            packet = self.index.key_before(packet)
            if packet <= 0:
                return []
        entry = self.index.packets[packet]
        return list(dict.fromkeys(t for t in (entry.pts, entry.dts) if t is not None))

    def _decode(
        self, container: InputContainer, stream: VideoStream, place: int, begin: int
    ) -> Iterator[tuple[int | None, Picture]]:
        """Pictures with their frame numbers; a None number tells of a packet that failed. Feeds from ``begin`` on."""
        counted = 0
        first = self._first_shown(begin)
        note = ""
        failed: set[int | None] = set()
        codings: dict[int | None, Mapping[str, Any]] = {}
        is_jpeg = stream.codec_context.name == "mjpeg" and "export_side_data" in self._options
        packets = container.demux(stream)
        while True:
            packet: av.Packet[VideoStream] | None
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                yield None, Picture(_NOTHING, error.strerror or str(error))
                packet = None
            if packet is not None and packet.size == 0 and packet.pts is None and packet.dts is None:
                packet = None  # PyAV's sign of the end
            if packet is not None:
                due = self.index.packets[place] if place < len(self.index.packets) else None
                if not self.index.ordinal and due is not None and (due.pts, due.dts) != (packet.pts, packet.dts):
                    self._seeks = False  # after a seek this demuxer dates packets otherwise: read from the head
                    raise _Astray
                if place < begin:
                    place += 1
                    continue
                self._fed = place
                place += 1
                if packet.is_keyframe:
                    note = ""
                if is_jpeg:
                    codings[packet.pts] = jpeg_coding(bytes(packet))
                if self._checked and not holds(bytes(packet)):
                    failed.add(packet.pts)
                    note = _AFTER_DAMAGE
            try:
                frames = stream.codec_context.decode(packet)
            except av.EOFError:
                return
            except (av.FFmpegError, OSError) as error:
                note = _AFTER_DAMAGE
                yield None, Picture(_NOTHING, error.strerror or str(error))
                if packet is None:
                    return
                continue
            for frame in frames:
                number = counted if self.index.ordinal else self.index.frame_at(frame.pts)
                counted += 1
                coding = codings.pop(frame.pts, {})
                if number is None or number < first:
                    continue
                damaged = frame.is_corrupt or frame.pts in failed
                if damaged and not self._conceal:
                    why = "its checksum does not match" if frame.pts in failed else "the decoder marks it as corrupt"
                    yield None, Picture(frame, why)
                    continue
                yield number, Picture(frame, "damaged, and patched by the decoder" if damaged else note, coding)
            if packet is None:
                return

    def _first_shown(self, begin: int) -> int:
        """The frame of the keyframe at ``begin``. What is shown before it refers to what was skipped: not trusted."""
        if self.index.ordinal or not begin < len(self.index.packets):
            return 0
        return self.index.frame_at(self.index.packets[begin].pts) or 0

    def _shut(self) -> None:
        self._pictures = iter(())
        if self._container is not None:
            self._container.close()
        self._container = self._stream = None


_AFTER_DAMAGE = "decoded after damaged data, and may show it until the next keyframe"


class _Astray(Exception):
    """The packets after a seek are not those of the index."""


_NOTHING = av.VideoFrame()
