"""OpenEXR headers, attribute by attribute, as bytes.

OpenImageIO translates attributes into its own names and types, which loses some (empty strings, doubles, the type of an
unknown attribute) and adds others (``capDate`` = now). So that a file's metadata comes out as it went in, headers are
read and rewritten here; pixels stay OpenImageIO's business. Source: OpenEXR, "OpenEXR File Layout" (openexr.com/en/
latest/OpenEXRFileLayout.html): magic number, version and flags, then for each part attributes (name, type, size, value)
closed by an empty name; a multi-part file closes the list of headers by a further empty name; then the tables of chunk
offsets, which count from the start of the file.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from wetgate.spec import Box, FrameError

MAGIC = b"\x76\x2f\x31\x01"
TILED, LONG_NAMES, DEEP, MULTI_PART = 0x200, 0x400, 0x800, 0x1000  # flags in bits 9 to 12 of the version field
SHORT_NAME = 31  # longest name without the LONG_NAMES flag
LONGEST_HEADER = 256 << 20  # a header beyond this size is damage, or an attack

# What describes how the pixels lie in this very file: never carried from one file to another.
STRUCTURAL = frozenset(
    [
        "channels",
        "compression",
        "dataWindow",
        "displayWindow",
        "lineOrder",
        "pixelAspectRatio",
        "tiles",
        "type",
        "chunkCount",
        "version",
        "maxSamplesPerPixel",
        "dwaCompressionLevel",
    ]
)

COMPRESSIONS = (  # ImfCompression.h of OpenEXR 3.5, in the order of their numbers
    *("none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"),
    *("htj2k256", "htj2k32", "lj2k", "zstd"),
)
PIXEL_TYPES = ("uint", "half", "float")


class Raw(NamedTuple):
    """An attribute as it lies in the file: the name of its type, and its bytes."""

    type: str
    data: bytes


class Channel(NamedTuple):
    """An entry of the channel list."""

    name: str
    type: str
    x_sampling: int
    y_sampling: int


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one part."""

    attributes: Mapping[str, Raw]

    def text(self, name: str) -> str | None:
        raw = self.attributes.get(name)
        return raw.data.decode("utf-8", "surrogateescape") if raw is not None and raw.type == "string" else None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channel list, in the file's order (by name)."""
        data, at, out = self.attributes["channels"].data, 0, []
        while data[at : at + 1] not in (b"\0", b""):
            end = data.index(b"\0", at)
            kind, _linear, xs, ys = struct.unpack_from("<iB3xii", data, end + 1)
            kind_name = PIXEL_TYPES[kind] if 0 <= kind < len(PIXEL_TYPES) else f"type {kind}"
            out.append(Channel(data[at:end].decode("utf-8", "surrogateescape"), kind_name, xs, ys))
            at = end + 17
        return tuple(out)

    @property
    def compression(self) -> str:
        number = self.attributes["compression"].data[0]
        return COMPRESSIONS[number] if number < len(COMPRESSIONS) else f"compression {number}"

    @property
    def deep(self) -> bool:
        return (self.text("type") or "").startswith("deep")

    @property
    def levels(self) -> bool:
        """Whether the part is tiled and holds reduced levels (mip or rip maps) beside the picture."""
        raw = self.attributes.get("tiles")
        return raw is not None and raw.data[8] & 0x0F != 0

    @property
    def data_window(self) -> Box:
        return self._box("dataWindow")

    @property
    def display_window(self) -> Box:
        return self._box("displayWindow")

    @property
    def pixel_aspect(self) -> float:
        return float(struct.unpack("<f", self.attributes["pixelAspectRatio"].data)[0])

    def _box(self, name: str) -> Box:
        left, top, right, bottom = struct.unpack("<4i", self.attributes[name].data)
        return Box(left, top, right - left + 1, bottom - top + 1)


def read_headers(path: str | os.PathLike[str]) -> tuple[Header, ...]:
    """The headers of all parts. Raises :class:`FrameError` that names the file and what is wrong with it."""
    try:
        with Path(path).open("rb") as file:
            headers, _flags, _size = _parse(file, str(path))
    except OSError as error:
        raise unreadable(path, error) from None
    return headers


def unreadable(path: str | os.PathLike[str], error: OSError) -> FrameError:
    """The operating system's refusal to open a file, as a frame's error."""
    if isinstance(error, FileNotFoundError):
        return FrameError("the file is not there", where=str(path), remedy="check the path and the frame number")
    return FrameError(f"the file cannot be opened: {error.strerror}", where=str(path), remedy="check its permissions")


def _damaged(where: str, why: str) -> FrameError:
    return FrameError(f"{why}: the file is damaged or incomplete", where=where, remedy="render or copy it again")


def _parse(file: BinaryIO, where: str) -> tuple[tuple[Header, ...], int, int]:
    """Headers, the version field, and the header's size in bytes: where the offset tables begin."""
    data = file.read(1 << 16)
    if data[:4] != MAGIC:
        raise FrameError(
            "this is not an OpenEXR file" if data else "the file is empty",
            where=where,
            remedy="render or copy it again",
        )
    if len(data) < 8:
        raise _damaged(where, "the header ends early")
    version = struct.unpack_from("<I", data, 4)[0]
    while True:
        try:
            headers, end = _split(data, bool(version & MULTI_PART))
            break
        except (IndexError, ValueError, struct.error):
            more = file.read(len(data))
            if not more or len(data) > LONGEST_HEADER:
                raise _damaged(where, "the header ends early") from None
            data += more
    for header in headers:
        _demand_sound(header, where)
    return headers, version, end


# Attributes that every part has, and their sizes in bytes where those are fixed.
_NEEDED = {"channels": None, "compression": 1, "dataWindow": 16, "displayWindow": 16, "lineOrder": 1}
_NEEDED |= {"pixelAspectRatio": 4}
_SIZES = {**_NEEDED, "tiles": 9, "chunkCount": 4}
_LARGEST = 1 << 24  # pixels on a side; no picture of film or video comes near


def _demand_sound(header: Header, where: str) -> None:
    for name, size in _SIZES.items():
        raw = header.attributes.get(name)
        if raw is None and name in _NEEDED:
            raise _damaged(where, f"the header has no {name}")
        if raw is not None and size is not None and len(raw.data) != size:
            raise _damaged(where, f"the header's {name} has {len(raw.data)} bytes and not {size}")
    try:
        channels = header.channels
    except (ValueError, struct.error):
        raise _damaged(where, "the list of channels is broken") from None
    wrong = [c.name for c in channels if c.type not in PIXEL_TYPES or min(c.x_sampling, c.y_sampling) < 1]
    if wrong or not channels:
        raise _damaged(where, f"the header's channels are impossible: {', '.join(wrong) or 'none'}")
    for what, box in (("data", header.data_window), ("display", header.display_window)):
        if not (0 < box.width <= _LARGEST and 0 < box.height <= _LARGEST):
            raise _damaged(where, f"the header's {what} window is {box.width}x{box.height}")


def _split(data: bytes, multi: bool) -> tuple[tuple[Header, ...], int]:
    at = 8
    headers = []
    while True:
        attributes: dict[str, Raw] = {}
        while data[at] != 0:
            end = data.index(b"\0", at)
            name, at = data[at:end].decode("utf-8", "surrogateescape"), end + 1
            end = data.index(b"\0", at)
            kind, at = data[at:end].decode("utf-8", "surrogateescape"), end + 1
            size = struct.unpack_from("<i", data, at)[0]
            at += 4
            if size < 0 or at + size >= len(data):
                raise IndexError
            attributes[name] = Raw(kind, data[at : at + size])
            at += size
        headers.append(Header(attributes))
        at += 1
        if not multi:
            return tuple(headers), at
        if data[at] == 0:
            return tuple(headers), at + 1


def attribute_size(name: str, raw: Raw) -> int:
    """The bytes that an attribute takes in a header."""
    return len(_encode(name)) + len(_encode(raw.type)) + 6 + len(raw.data)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _join(headers: Sequence[Mapping[str, Raw]], version: int) -> bytes:
    out = bytearray(MAGIC)
    for attributes in headers:
        for name, raw in attributes.items():
            if len(_encode(name)) > SHORT_NAME or len(_encode(raw.type)) > SHORT_NAME:
                version |= LONG_NAMES
    out += struct.pack("<I", version)
    for attributes in headers:
        for name in sorted(attributes):
            raw = attributes[name]
            out += _encode(name) + b"\0" + _encode(raw.type) + b"\0" + struct.pack("<i", len(raw.data)) + raw.data
        out.append(0)
    if version & MULTI_PART:
        out.append(0)
    return bytes(out)


def replace_attributes(
    file: BinaryIO, where: str, parts: Sequence[Mapping[str, Raw]], whole: Sequence[frozenset[str]]
) -> None:
    """Give each part of a finished file these attributes beside its structural ones, in place.

    ``whole`` names the channels of each part whose float samples are the bits of whole numbers (type ``uint``).
    ``file`` is open for reading and writing. Where the new header is as long as the old one only the header is
    written; else everything behind it is moved and the chunk offsets are corrected. The pixels are not touched.
    """
    file.seek(0)
    headers, version, size = _parse(file, where)
    if len(parts) != len(headers):
        raise ValueError(f"{len(parts)} sets of attributes for {len(headers)} parts")
    new = []
    for header, wanted, uints in zip(headers, parts, whole, strict=True):
        kept = {n: raw for n, raw in header.attributes.items() if n in STRUCTURAL or n.startswith("screenWindow")}
        if version & MULTI_PART:
            kept["name"] = header.attributes["name"]
        if uints:
            kept["channels"] = Raw("chlist", _retyped(header.attributes["channels"].data, uints))
        new.append({**kept, **{n: raw for n, raw in wanted.items() if n not in STRUCTURAL}})
    chunks = sum(_chunk_count(header) for header in headers)
    file.seek(size)
    offsets = struct.unpack(f"<{chunks}Q", file.read(8 * chunks))
    _demand_whole(file, where, offsets, bool(version & MULTI_PART))
    head = _join(new, version)
    shift = len(head) - size
    if shift:
        file.seek(size)
        body = bytearray(file.read())
        struct.pack_into(f"<{chunks}Q", body, 0, *(o + shift for o in offsets))
        file.seek(len(head))
        file.write(body)
        file.truncate()
    file.seek(0)
    file.write(head)


def _demand_whole(file: BinaryIO, where: str, offsets: Sequence[int], multi: bool) -> None:
    """Every chunk of scan lines is there to its last byte: not every write that a full disk cut short is reported."""
    last = max(offsets)
    file.seek(last + (4 if multi else 0))
    _line, size = struct.unpack("<ii", file.read(8).ljust(8, b"\0"))
    end = file.tell() + size
    if min(offsets) == 0 or size <= 0 or file.seek(0, os.SEEK_END) != end:
        raise FrameError(
            "the file was cut short while it was written", where=where, remedy="check the free space of the disk"
        )


def _retyped(channels: bytes, uints: frozenset[str]) -> bytes:
    """The channel list with the named channels declared as ``uint``."""
    data, at = bytearray(channels), 0
    while data[at]:
        end = data.index(b"\0", at)
        if data[at:end].decode("utf-8", "surrogateescape") in uints:
            struct.pack_into("<i", data, end + 1, PIXEL_TYPES.index("uint"))
        at = end + 17
    return bytes(data)


# Scan lines in a chunk, by compression (ImfCompression.cpp of OpenEXR, compression descriptions).
_LINES = {"none": 1, "rle": 1, "zips": 1, "zip": 16, "piz": 32, "pxr24": 16, "b44": 32, "b44a": 32, "dwaa": 32}
_LINES |= {"dwab": 256, "htj2k256": 256, "htj2k32": 32, "lj2k": 256, "zstd": 1}


def _chunk_count(header: Header) -> int:
    """How many chunks a flat part without reduced levels has."""
    stated = header.attributes.get("chunkCount")
    if stated is not None:
        return int(struct.unpack("<i", stated.data)[0])
    box = header.data_window
    tiles = header.attributes.get("tiles")
    if tiles is not None:
        across, down = struct.unpack_from("<II", tiles.data)
        return int(-(-box.width // across) * -(-box.height // down))
    return -(-box.height // _LINES[header.compression])
