"""The sound of a movie, copied packet for packet beside a restored picture. Nothing is decoded or resampled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

# Streams of a file run side by side; one that is this far past the end leaves nothing of the others before it.
INTERLEAVED_S = 2


class AudioCopy:
    """Copies the audio of ``path`` between two times, in step with the picture that is written.

    ``begin`` and ``end`` are seconds on the source's own clock: where the first frame starts and the last one ends. A
    packet is copied if it starts in between; the sound keeps its place to the sample, but for the packet that is cut
    at the head. ``notes`` say what cannot be copied.
    """

    def __init__(self, path: Path, begin: Fraction, end: Fraction, out: OutputContainer) -> None:
        self.notes: list[str] = []
        self._begin = begin
        self._end = end
        self._container: InputContainer = av.open(str(path))
        self._streams: dict[int, Stream] = {}
        self._next: tuple[Fraction, Packet[Any]] | None = None
        for stream in self._container.streams.audio:
            try:
                made = out.add_stream_from_template(stream)
            except (ValueError, av.FFmpegError):
                name = stream.codec_context.name if stream.codec_context is not None else "unknown"
                self.notes.append(f"the sound (stream {stream.index}, {name}) cannot be copied into {out.format.name}")
                continue
            made.metadata.update({k: v for k, v in stream.metadata.items() if k in ("language", "title")})
            self._streams[stream.index] = made
        self._packets = self._demux()

    def __bool__(self) -> bool:
        return bool(self._streams)

    def up_to(self, seconds: Fraction, out: OutputContainer) -> None:
        """Write every packet that starts before ``seconds`` after the first frame."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            if self._next is None or self._next[0] >= seconds:
                return
            out.mux_one(self._next[1])
            self._next = None

    def close(self) -> None:
        self._container.close()

    def _demux(self) -> Iterator[tuple[Fraction, Packet[Any]]]:
        if not self._streams:
            return
        wanted: Sequence[Stream] = [self._container.streams[i] for i in self._streams]
        self._container.seek(max(0, int(self._begin * 1_000_000) - 500_000))  # in microseconds, av.time_base
        for packet in self._container.demux(wanted):
            if packet.pts is None or packet.time_base is None or packet.size == 0:
                continue
            start = packet.pts * packet.time_base
            if start < self._begin:
                continue
            if start >= self._end:
                if start > self._end + INTERLEAVED_S:
                    return
                continue
            shift = round(self._begin / packet.time_base)
            packet.pts -= shift
            if packet.dts is not None:
                packet.dts -= shift
            packet.stream = self._streams[packet.stream_index]
            yield start - self._begin, packet
