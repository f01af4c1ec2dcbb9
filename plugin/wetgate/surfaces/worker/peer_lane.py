"""The shim's end of a lane in Python: pictures in pools, RENDER and ANALYSE, and what comes back."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wetgate.spec import Image, Value, WorkerError
from wetgate.surfaces.worker.connection import Connection, Message
from wetgate.surfaces.worker.messages import Code, Reader, Type, Writer
from wetgate.surfaces.worker.pools import OUTPUT, SOURCE, UNPREMULTIPLIED

_F_ADD_SEALS, _SEALS = 1033, 1 | 2 | 4  # fcntl(2): SEAL, SHRINK, GROW


class Refused(WorkerError):
    """The worker answered ERROR."""

    def __init__(self, code: Code, text: str) -> None:
        self.code = code
        super().__init__(text)


class SharedFile:
    """A pool as the shim makes it: reserved, sealed and mapped. ``array`` is all of it, as float32."""

    def __init__(self, size: int) -> None:
        self.size = size
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("wetgate", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        else:
            self.descriptor, name = tempfile.mkstemp()
            Path(name).unlink()
        os.ftruncate(self.descriptor, size)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self.descriptor, 0, size)
        self._map = mmap.mmap(self.descriptor, size)
        if hasattr(os, "memfd_create"):
            import fcntl

            fcntl.fcntl(self.descriptor, _F_ADD_SEALS, _SEALS)
        self.array: Image = np.frombuffer(self._map, np.dtype("<f4"))

    def close(self) -> None:
        self.array = np.zeros(0, np.float32)
        with contextlib.suppress(BufferError):  # a picture of it is still held, and takes it along
            self._map.close()
        os.close(self.descriptor)


@dataclass(frozen=True, slots=True)
class Given:
    """A picture to send: pixels (H, W, channels), role, alpha, place of its lower left corner, time."""

    pixels: Image
    role: int = SOURCE
    alpha: int = UNPREMULTIPLIED
    corner: tuple[int, int] = (0, 0)
    time: float = 0.0
    repeated: bool = False

    def describe(self, writer: Writer, pool: int, offset: int) -> None:
        height, width, channels = self.pixels.shape
        writer.numbers("BBBB", self.role, channels, self.alpha, int(self.repeated)).numbers("IQ", pool, offset)
        x, y = self.corner
        writer.numbers("iiii", x, y, x + width, y + height).numbers("d", self.time)


@dataclass(frozen=True, slots=True)
class Ask:
    """The fields of RENDER, beside the pictures (PROTOCOL.md 6)."""

    node: str
    values: Mapping[str, Value] = field(default_factory=dict)
    time: float = 0.0
    version: int = 1
    scale: tuple[float, float] = (1.0, 1.0)
    input_space: str = ""
    output_space: str = ""
    clip_space: str = ""
    style: str = ""
    config: str = ""
    analysis: str = ""
    records: str = ""
    whole: tuple[int, int, int, int] = (0, 0, 0, 0)
    kinds: Mapping[str, int] = field(default_factory=dict)
    fields: int = 0
    flags: int = 8  # the host gives other times truly
    split: float = -1.0

    def write(self, writer: Writer) -> None:
        writer.text(self.node, 64).numbers("I", self.version).numbers("dddd", self.time, *self.scale, 1.0)
        writer.numbers("BBBB", 0, self.flags, self.fields, 0).numbers("d", self.split).numbers("iiii", *self.whole)
        writer.text(self.style, 64).text(self.config, 4096)
        writer.text(self.clip_space, 256).text(self.input_space, 256).text(self.output_space, 256)
        writer.text(self.analysis, 65_536).text(self.records, 4096).numbers("I", len(self.values))
        for name, value in self.values.items():
            writer.text(name, 64)
            _write_value(writer, value, self.kinds.get(name))


def _write_value(writer: Writer, value: Value, kind: int | None) -> None:
    if isinstance(value, bool):
        writer.numbers("BB", 3, value)
    elif isinstance(value, int):
        writer.numbers("Bq", 2, value)
    elif isinstance(value, float):
        writer.numbers("Bd", 1, value)
    elif isinstance(value, str):
        writer.numbers("B", kind or 4).text(value, 16_384)
    else:
        writer.numbers("B" + "d" * len(value), 6 if len(value) == 3 else 7, *value)


@dataclass(frozen=True, slots=True)
class Answer:
    """A rendered frame: pixels (H, W, channels), which picture held them, the notes, and if the first one warns."""

    pixels: Image
    picture: int
    notes: str
    warns: bool = False


class LanePeer:
    """The shim's end of a lane."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.beats = 0
        self.request = 0
        self.pools: dict[int, SharedFile] = {}
        self._number = 0

    def next_request(self) -> int:
        self.request += 1
        return self.request

    def map(self, size: int) -> int:
        """Make a pool and have the worker map it; its number."""
        self._number += 1
        shared = SharedFile(size)
        request = self.next_request()
        self.pools[self._number] = shared
        writer = Writer().numbers("IIQ", self._number, 0, size)
        self.connection.send(Type.MAP, writer, request, shared.descriptor)
        self.expect(Type.OK, request)
        return self._number

    def unmap(self, number: int) -> None:
        request = self.next_request()
        self.connection.send(Type.UNMAP, Writer().numbers("I", number), request)
        self.expect(Type.OK, request)
        self.pools.pop(number).close()

    def place(self, given: Sequence[Given], room: int = 0) -> tuple[int, list[int]]:
        """Pictures, and ``room`` more of the first one's size, in a pool that fits: its number and their offsets."""
        sizes = [_aligned(g.pixels.nbytes) for g in given] + [_aligned(given[0].pixels.nbytes)] * room
        total = sum(sizes)
        number = next((n for n, pool in self.pools.items() if pool.size >= total), 0) or self.map(total)
        offsets = [sum(sizes[:i]) for i in range(len(sizes))]
        array = self.pools[number].array
        for picture, offset in zip(given, offsets, strict=False):
            array[offset // 4 : offset // 4 + picture.pixels.size] = picture.pixels.reshape(-1)
        return number, offsets

    def start(self, ask: Ask, pictures: Sequence[Given], *, tail: bytes = b"", kind: Type = Type.RENDER) -> int:
        """Send RENDER (or ANALYSE) for these pictures, whose middle Source the Output is like; the request."""
        sources = [p for p in pictures if p.role == SOURCE]
        middle = sources[len(sources) // 2]
        number, offsets = self.place([*pictures, middle])
        writer = Writer()
        ask.write(writer)
        writer.numbers("I", len(pictures) + 1)
        for picture, offset in zip(pictures, offsets, strict=False):
            picture.describe(writer, number, offset)
        Given(middle.pixels, OUTPUT, middle.alpha, middle.corner, middle.time).describe(writer, number, offsets[-1])
        writer.raw(tail)
        request = self.next_request()
        self._places = [(number, o, p.pixels.shape) for o, p in zip(offsets, [*pictures, middle], strict=True)]
        self.connection.send(kind, writer, request)
        return request

    def finish(self, request: int) -> Answer:
        """Wait for DONE. :class:`Refused` where it is ERROR."""
        body = Reader(self.expect(Type.DONE, request).body)
        picture = body.number("B")
        body.zero(2)
        warns = body.number("B") == 1
        notes = body.text(8192)
        body.end()
        number, offset, shape = self._places[picture]
        flat = self.pools[number].array[offset // 4 : offset // 4 + int(np.prod(shape))]
        return Answer(flat.reshape(shape).copy(), picture, notes, warns)

    def ask(self, writer: Writer) -> int:
        """Send a RENDER that is written already, and wait; which picture holds the result."""
        request = self.next_request()
        self.connection.send(Type.RENDER, writer, request)
        return Reader(self.expect(Type.DONE, request).body).number("B")

    def render(self, ask: Ask, pictures: Sequence[Given]) -> Answer:
        return self.finish(self.start(ask, pictures))

    def analyse(self, ask: Ask, first: int, last: int, frame: Callable[[int], Given | None]) -> tuple[str, str]:
        """Run the whole-shot pass; ``frame`` gives the host's frames. The document, and what it found in a sentence."""
        like = frame(first)
        assert like is not None
        request = self.start(ask, [like], tail=bytes(Writer().numbers("ii", first, last).body), kind=Type.ANALYSE)
        while True:
            message = self.expect((Type.FETCH, Type.ANALYSED), request)
            body = Reader(message.body)
            if message.type is Type.ANALYSED:
                return body.text(65_536), body.text(1024)
            given = frame(body.number("i"))
            writer = Writer().numbers("I", 1 if given is None else 0)
            if given is not None:
                number, offsets = self.place([given])
                given.describe(writer, number, offsets[0])
            self.connection.send(Type.GIVE, writer, request)

    def cancel(self, request: int) -> None:
        self.connection.send(Type.CANCEL, request=request)

    def expect(self, wanted: Type | tuple[Type, ...], request: int) -> Message:
        """The next message of this request that is no BEAT or PROGRESS."""
        kinds = wanted if isinstance(wanted, tuple) else (wanted,)
        while True:
            message = self.connection.receive()
            if message.type is Type.BEAT:
                self.beats += 1
            elif message.type is Type.PROGRESS:
                continue
            elif message.type is Type.ERROR:
                raise refusal(message)
            elif message.type in kinds and message.request == request:
                return message
            else:
                raise WorkerError(f"{message.type.name} of request {message.request} came for request {request}")

    def close(self) -> None:
        self.connection.close()
        for pool in self.pools.values():
            pool.close()
        self.pools = {}


def _aligned(size: int) -> int:
    return (size + 63) // 64 * 64


def refusal(message: Message) -> Refused:
    """The error that an ERROR message holds."""
    body = Reader(message.body)
    code, _ = body.numbers("HH")
    return Refused(Code(code), body.text(8192))
