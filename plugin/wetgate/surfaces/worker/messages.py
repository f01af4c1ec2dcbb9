"""Messages as bytes (PROTOCOL.md 2): their types, headers, and the fields of their bodies."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, field

from wetgate.spec import WorkerError

PROTOCOL = 1
MAGIC = b"WTG1"
HEADER = struct.Struct("<4sHHII")
MOST_BODY = 1 << 20


class Type(enum.IntEnum):
    """What a message is."""

    HELLO = 1
    WELCOME = 2
    LANE = 3
    BEAT = 4
    MAP = 5
    OK = 6
    UNMAP = 7
    RENDER = 8
    ANALYSE = 9
    CANCEL = 10
    PROGRESS = 11
    DONE = 12
    ERROR = 13
    FETCH = 14
    GIVE = 15
    ANALYSED = 16


class Code(enum.IntEnum):
    """What an ERROR is about."""

    PROTOCOL = 1
    VERSION = 2
    SCHEMA = 3
    TOKEN = 4
    USAGE = 5
    FRAME = 6
    MEMORY = 7
    MODEL = 8
    CANCELLED = 9
    LIMIT = 10
    INTERNAL = 11


class ProtocolError(WorkerError):
    """The other end sent what it must not; the connection ends."""


@dataclass(frozen=True, slots=True)
class Header:
    """The 16 bytes before a body: its type, how many descriptors came with it, its length, its request."""

    type: Type
    descriptors: int
    length: int
    request: int

    def pack(self) -> bytes:
        return HEADER.pack(MAGIC, self.type, self.descriptors, self.length, self.request)

    @classmethod
    def unpack(cls, raw: bytes | bytearray) -> Header:
        """Checked; a :class:`ProtocolError` says what is wrong."""
        magic, kind, descriptors, length, request = HEADER.unpack(raw)
        if magic != MAGIC:
            raise ProtocolError(f"a message begins with {magic.hex()}", allowed=MAGIC.hex())
        if kind not in Type.__members__.values():
            raise ProtocolError(f"there is no message type {kind}")
        if descriptors > 1:
            raise ProtocolError(f"a message announces {descriptors} descriptors", allowed="0 or 1")
        if length > MOST_BODY:
            raise ProtocolError(f"a message announces {length} bytes", allowed=f"at most {MOST_BODY}")
        return cls(Type(kind), descriptors, length, request)


class Reader:
    """Takes fields off a body in order. Whatever does not fit raises :class:`ProtocolError`."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def raw(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._body):
            raise ProtocolError(f"a body of {len(self._body)} bytes ends in the middle of a field")
        part = self._body[self._at : end]
        self._at = end
        return part

    def numbers(self, form: str) -> tuple[int, ...]:
        """Whole numbers by :mod:`struct` letters, little-endian."""
        layout = struct.Struct("<" + form)
        return layout.unpack(self.raw(layout.size))

    def number(self, letter: str) -> int:
        return self.numbers(letter)[0]

    def real(self) -> float:
        """An f64 that is a number."""
        value: float = struct.unpack("<d", self.raw(8))[0]
        if value != value or value in (float("inf"), float("-inf")):
            raise ProtocolError(f"a field is {value}", allowed="a finite number")
        return value

    def text(self, most: int) -> str:
        """A str of at most ``most`` bytes."""
        length = self.number("I")
        if length > most:
            raise ProtocolError(f"a text announces {length} bytes", allowed=f"at most {most}")
        raw = self.raw(length)
        if b"\0" in raw:
            raise ProtocolError("a text holds a NUL")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise ProtocolError("a text is not UTF-8") from None

    def zero(self, size: int) -> None:
        if any(self.raw(size)):
            raise ProtocolError("a field that must be 0 is not")

    def end(self) -> None:
        """Raise where bytes are left."""
        if self._at != len(self._body):
            raise ProtocolError(f"a body of {len(self._body)} bytes has {len(self._body) - self._at} too many")


@dataclass(slots=True)
class Writer:
    """Puts fields of a body one after the other."""

    body: bytearray = field(default_factory=bytearray)

    def numbers(self, form: str, *values: float) -> Writer:
        self.body += struct.pack("<" + form, *values)
        return self

    def raw(self, data: bytes) -> Writer:
        self.body += data
        return self

    def text(self, text: str, most: int) -> Writer:
        """A str, cut at a character's edge where it is longer than ``most`` bytes; NULs are left out."""
        raw = text.replace("\0", "").encode("utf-8", "replace")[:most]
        raw = raw.decode("utf-8", "ignore").encode()
        self.body += struct.pack("<I", len(raw)) + raw
        return self
