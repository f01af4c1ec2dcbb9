"""Hands HDR metadata to a muxer through PyAV, which has no other way to.

libavformat's muxers write mastering display and content light level into the container (``mdcv`` and ``clli`` boxes of
MP4 and MOV, ``MasteringMetadata`` of Matroska, descriptors of MXF) from the side data of a stream's parameters. PyAV
lets nobody set those, but copies them when a stream is made from the template of one that was read. So a template is
made: the smallest MP4 that has one video track without samples, and the boxes. It exists in memory only.

Boxes as in ISO/IEC 14496-12:2022: 8.5.2 (sample entry), 12.1.6 (``clli``), 12.1.7 (``mdcv``: green, blue, red).
"""

from __future__ import annotations

import io
import struct

import av
from av.container import InputContainer

from wetgate.io.movie_hdr import StaticHdr

# Sample entry codes by which libavformat's MOV reader knows the codec (isom_tags.c). Codecs not in it go without.
_CODES = {
    "hevc": b"hvc1",
    "h264": b"avc1",
    "av1": b"av01",
    "vp9": b"vp09",
    "prores": b"apch",
    "ffv1": b"FFV1",
    "dnxhd": b"AVdn",
    "v210": b"v210",
    "mjpeg": b"mjpa",
}
_UNITY = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def can_carry(codec: str) -> bool:
    """Whether there is a template for the codec, by libavcodec's canonical name."""
    return codec in _CODES


def carrier(codec: str, width: int, height: int, hdr: StaticHdr) -> InputContainer:
    """A container, open for reading, whose one video stream has the codec, the size and the HDR metadata. Close it."""
    boxes = b""
    if hdr.display is not None:
        d = hdr.display
        points = (*d.green, *d.blue, *d.red, *d.white)
        boxes += _box(b"mdcv", struct.pack(">8H2I", *points, d.max_luminance, d.min_luminance))
    if hdr.max_cll is not None:
        boxes += _box(b"clli", struct.pack(">2H", hdr.max_cll, hdr.max_fall or 0))
    movie = _movie(_CODES[codec], width, height, boxes)
    return av.open(io.BytesIO(movie), "r", format="mov")


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def _movie(code: bytes, width: int, height: int, boxes: bytes) -> bytes:
    entry = _box(
        code,
        bytes(6) + struct.pack(">H", 1),  # data reference 1
        bytes(16) + struct.pack(">2H", width, height) + struct.pack(">3I", 0x480000, 0x480000, 0),
        struct.pack(">H", 1) + bytes(32) + struct.pack(">Hh", 24, -1),  # one frame a sample, no name, depth
        boxes,
    )
    table = _box(
        b"stbl",
        _full(b"stsd", 0, struct.pack(">I", 1), entry),
        _full(b"stts", 0, bytes(4)),
        _full(b"stsc", 0, bytes(4)),
        _full(b"stsz", 0, bytes(8)),
        _full(b"stco", 0, bytes(4)),
    )
    reference = _box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", 1)))
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, struct.pack(">4I2H", 0, 0, 24, 0, 0x55C4, 0)),
        _full(b"hdlr", 0, bytes(4), b"vide", bytes(13)),
        _box(b"minf", _full(b"vmhd", 1, bytes(8)), reference, table),
    )
    header = struct.pack(">5I", 0, 0, 1, 0, 0) + bytes(16) + _UNITY + struct.pack(">2I", width << 16, height << 16)
    track = _box(b"trak", _full(b"tkhd", 3, header), media)
    clock = struct.pack(">5IH", 0, 0, 1000, 0, 0x10000, 0x100) + bytes(10) + _UNITY + bytes(24) + struct.pack(">I", 2)
    file_type = _box(b"ftyp", b"isom", bytes(4), b"isom")
    return file_type + _box(b"moov", _full(b"mvhd", 0, clock), track)
