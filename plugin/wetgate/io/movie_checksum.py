"""Checksums inside FFV1 pictures, the preservation codec: libavcodec only logs a mismatch and patches the slice.

Version 3 of FFV1 closes each slice with its size and, where the stream has them, a status byte and a CRC such that the
checksum over the whole slice is zero (RFC 9043, 4.9.1 slice_size to 4.9.3 slice_crc_parity): polynomial 0x04C11DB7,
highest bit first, which is zlib's CRC with the bits of each byte turned about.
"""

from __future__ import annotations

import zlib

_FOOTER = 8  # 3 bytes size, 1 status, 4 CRC
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ONES = 0xFFFFFFFF
# Start and remainder: zero in RFC 9043; the value that FFmpeg's version 4 streams start with (ffv1.c, crcref).
_STARTS = (0, int(f"{0x79408C7A:032b}"[::-1], 2))


def slices(packet: bytes) -> list[bytes]:
    """The slices of a picture with their footers, in order; empty where the sizes do not add up to the packet."""
    found: list[bytes] = []
    end = len(packet)
    while end >= _FOOTER:
        begin = end - _FOOTER - int.from_bytes(packet[end - _FOOTER : end - _FOOTER + 3], "big")
        if begin < 0:
            return []
        found.append(packet[begin:end])
        end = begin
    return found[::-1] if end == 0 else []


def holds(packet: bytes) -> bool:
    """Whether the packet is made of slices, and the checksum of every one is right."""
    parts = slices(packet)
    return bool(parts) and any(all(_remainder(part, start) == start for part in parts) for start in _STARTS)


def _remainder(data: bytes, start: int) -> int:
    return zlib.crc32(data.translate(_TURNED), start ^ _ONES) ^ _ONES
