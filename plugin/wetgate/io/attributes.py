"""Metadata values: what ``Frame.metadata`` holds, and how each lies in an OpenEXR header.

Names are OpenEXR's standard attribute names where there is one (``timeCode``, ``framesPerSecond``, ``owner``), whatever
file a frame came from. Values are plain Python wherever the plain value gives back the very same attribute::

    str  string        int  int        float  float        Fraction  rational (in lowest terms)
    tuple of 2, 3, 9, 16 floats  v2f, v3f, m33f, m44f      tuple of 2, 3 ints  v2i, v3i
    tuple of str  stringvector                             TimeCode  timecode

The standard names ``chromaticities`` and ``keyCode`` hold tuples of 8 floats and 7 ints. Every other type, known or
not, is a :class:`Typed`, so that it comes out as it went in.
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from wetgate.io.exr_header import Raw
from wetgate.spec import UsageError

# Layouts of the attribute types, little-endian (OpenEXR File Layout, "Predefined Attribute Types").
_LAYOUT = {
    "box2i": "<4i",
    "box2f": "<4f",
    "chromaticities": "<8f",
    "double": "<d",
    "float": "<f",
    "int": "<i",
    "keycode": "<7i",
    "m33f": "<9f",
    "m33d": "<9d",
    "m44f": "<16f",
    "m44d": "<16d",
    "rational": "<iI",
    "timecode": "<2I",
    "v2i": "<2i",
    "v2f": "<2f",
    "v2d": "<2d",
    "v3i": "<3i",
    "v3f": "<3f",
    "v3d": "<3d",
}
_STANDARD = {"chromaticities": "chromaticities", "keyCode": "keycode", "adoptedNeutral": "v2f"}
_FLOATS = {2: "v2f", 3: "v3f", 9: "m33f", 16: "m44f"}
_INTS = {2: "v2i", 3: "v3i"}


@dataclass(frozen=True, slots=True)
class Typed:
    """A value of a named OpenEXR attribute type: a tuple, a number, or bytes where the type is none we know."""

    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class TimeCode:
    """SMPTE ST 12-1 time code in the packing of OpenEXR (ImfTimeCode.h, TV60): two 32-bit words.

    ``packed`` holds binary-coded decimals, frames in the lowest byte (drop flag in bit 6), then seconds, minutes and
    hours; the other bits are flags. ``user_data`` holds the binary groups.
    """

    packed: int
    user_data: int = 0

    @property
    def text(self) -> str:
        """``HH:MM:SS:FF``, ``HH:MM:SS;FF`` where the drop-frame flag is set."""
        p = self.packed
        fields = [(p >> 24) & 0x3F, (p >> 16) & 0x7F, (p >> 8) & 0x7F, p & 0x3F]
        h, m, s, f = ((b >> 4) * 10 + (b & 0x0F) for b in fields)
        return f"{h:02d}:{m:02d}:{s:02d}{';' if self.drop_frame else ':'}{f:02d}"

    @property
    def drop_frame(self) -> bool:
        return bool(self.packed & 0x40)

    @classmethod
    def parse(cls, text: str) -> TimeCode:
        """From ``HH:MM:SS:FF``; ``;`` or ``.`` before FF sets the drop-frame flag."""
        fields = text.strip().replace(";", ":").replace(".", ":").split(":")
        if len(fields) != 4 or not all(f.isdigit() for f in fields):
            raise _no_timecode(text)
        h, m, s, f = (int(v) for v in fields)
        if h > 23 or m > 59 or s > 59 or f > 39:  # two bits hold the tens of frames
            raise _no_timecode(text)
        packed = 0
        for value in (h, m, s, f):
            packed = packed << 8 | (value // 10) << 4 | value % 10
        return cls(packed | (0x40 if ";" in text or "." in text else 0))


def _no_timecode(text: str) -> UsageError:
    return UsageError(f"time code {text!r}", allowed="HH:MM:SS:FF, or HH:MM:SS;FF for drop frame")


def decode(name: str, raw: Raw) -> Any:
    """The metadata value of an attribute."""
    value = _unpack(raw)
    plain = _plain(raw.type, value)
    with contextlib.suppress(UsageError):
        if plain is not None and encode(name, plain) == raw:
            return plain
    return Typed(raw.type, value)


def _unpack(raw: Raw) -> Any:
    if raw.type == "string":
        return raw.data.decode("utf-8", "surrogateescape")
    layout = _LAYOUT.get(raw.type)
    if layout is not None and struct.calcsize(layout) == len(raw.data):
        values = struct.unpack(layout, raw.data)
        return values if len(values) > 1 else values[0]
    if raw.type == "floatvector" and len(raw.data) % 4 == 0:
        return struct.unpack(f"<{len(raw.data) // 4}f", raw.data)
    if raw.type == "stringvector":
        out, at = [], 0
        while at + 4 <= len(raw.data):
            size = struct.unpack_from("<i", raw.data, at)[0]
            if size < 0 or at + 4 + size > len(raw.data):
                return raw.data
            out.append(raw.data[at + 4 : at + 4 + size].decode("utf-8", "surrogateescape"))
            at += 4 + size
        return tuple(out) if at == len(raw.data) else raw.data
    return raw.data


def _plain(kind: str, value: Any) -> Any:
    """The plain Python value of a type, or None where there is none."""
    if isinstance(value, bytes):
        return None
    if kind == "rational":
        return Fraction(*value) if value[1] > 0 else None
    if kind == "timecode":
        return TimeCode(*value)
    return None if kind == "double" else value


def encode(name: str, value: Any) -> Raw:
    """The attribute of a metadata value. Raises :class:`UsageError` for a value that has no attribute type."""
    kind = _kind(name, value)
    if isinstance(value, Typed):
        value = value.value
    if isinstance(value, bytes):
        return Raw(kind, value)
    if kind == "string":
        return Raw(kind, str(value).encode("utf-8", "surrogateescape"))
    if kind == "timecode":
        code = TimeCode.parse(value) if isinstance(value, str) else value
        value = (code.packed, code.user_data) if isinstance(code, TimeCode) else code
    elif kind == "rational" and isinstance(value, Fraction):
        value = (value.numerator, value.denominator)
    elif kind == "stringvector":
        texts = [text.encode("utf-8", "surrogateescape") for text in value]
        return Raw(kind, b"".join(struct.pack("<i", len(text)) + text for text in texts))
    elif kind == "floatvector":
        return Raw(kind, struct.pack(f"<{len(value)}f", *value))
    try:
        return Raw(kind, struct.pack(_LAYOUT[kind], *(value if isinstance(value, tuple) else (value,))))
    except (struct.error, TypeError, OverflowError, KeyError):
        raise _unfit(name, value) from None


def _kind(name: str, value: Any) -> str:
    """The attribute type that a value is stored as."""
    if isinstance(value, Typed):
        return value.type
    if isinstance(value, TimeCode) or (name == "timeCode" and isinstance(value, str)):
        return "timecode"
    if isinstance(value, str):
        return "string"
    if name in _STANDARD and isinstance(value, tuple):
        return _STANDARD[name]
    if isinstance(value, bool):
        raise _unfit(name, value)
    if isinstance(value, int):
        return "int" if -(2**31) <= value < 2**31 else "double"
    if isinstance(value, float):
        return "float"
    if isinstance(value, Fraction):
        return "rational"
    if isinstance(value, tuple) and value:
        if all(isinstance(v, str) for v in value):
            return "stringvector"
        if all(isinstance(v, int) and not isinstance(v, bool) for v in value) and len(value) in _INTS:
            return _INTS[len(value)]
        if all(isinstance(v, float) for v in value):
            return _FLOATS.get(len(value), "floatvector")
    raise _unfit(name, value)


def _unfit(name: str, value: Any) -> UsageError:
    return UsageError(
        f"metadata {name!r} is {value!r}, which fits no header attribute",
        allowed="str, int, float, Fraction, TimeCode, tuples of these, or Typed(type, value)",
    )
