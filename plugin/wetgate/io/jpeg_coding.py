"""How a JPEG stream was coded, from its own header: quantisation tables and sampling (ITU-T T.81, annex B).

It travels in :attr:`wetgate.spec.Frame.codec` of stills and of Motion JPEG movies, as ``coding`` ``"jpeg"``,
``quantisation``, a tuple of 8 x 8 int64 arrays in natural order, one a component (Y, Cb, Cr, or Y alone), ``sampling``,
how many luma samples one of each component spans, (across, down), and ``size``, (width, height) of the picture.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SOI, _DQT, _SOS, _EOI = 0xD8, 0xDB, 0xDA, 0xD9
# Start of frame: baseline, extended, progressive; those with arithmetic coding too. 0xC4, C8 and CC are other things.
_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_MOST = 1 << 24  # bytes that are looked through for the header; a large thumbnail may come first


def zigzag() -> NDArray[np.intp]:
    """Place in natural order of each coefficient as the stream has them (figure A.6)."""
    order = sorted(range(64), key=lambda k: (k // 8 + k % 8, (k // 8 if (k // 8 + k % 8) % 2 else k % 8)))
    return np.array(order, np.intp)


_ZIGZAG = zigzag()


def jpeg_coding(data: bytes) -> dict[str, Any]:
    """The entries described above, of a stream or its beginning; none where it is no JPEG that is known here."""
    tables: dict[int, NDArray[np.int64]] = {}
    frame: dict[str, Any] = {}
    for marker, body in _segments(data):
        if marker == _DQT:
            tables |= _tables(body)
        elif marker in _SOF and not frame:
            frame = _frame(body)
    chosen = [tables.get(number) for number in frame.get("tables", ())]
    if not chosen or any(table is None for table in chosen):
        return {}
    return {
        "coding": "jpeg",
        "quantisation": tuple(chosen),
        "sampling": frame["sampling"],
        "size": frame["size"],
    }


def read_jpeg_coding(path: Path) -> dict[str, Any]:
    """That of a file, {} where it cannot be had. Only the header is read."""
    data = bytearray()
    try:
        with path.open("rb") as file:
            while len(data) < _MOST and (piece := file.read(1 << 16)):
                data += piece
                found = jpeg_coding(bytes(data))
                if found:
                    return found
    except OSError:
        pass
    return {}


def quantisation_tables(data: bytes) -> list[NDArray[np.int64]]:
    """All 8 x 8 tables of a stream in natural order, by their number."""
    tables: dict[int, NDArray[np.int64]] = {}
    for marker, body in _segments(data):
        if marker == _DQT:
            tables |= _tables(body)
    return [tables[number] for number in sorted(tables)]


def _segments(data: bytes) -> list[tuple[int, bytes]]:
    """Marker and body of each segment up to the first scan, those that are whole."""
    found: list[tuple[int, bytes]] = []
    if len(data) < 4 or data[0] != 0xFF or data[1] != _SOI:
        return found
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker in (_SOS, _EOI):
            break
        length = struct.unpack_from(">H", data, at + 2)[0]
        if length < 2 or at + 2 + length > len(data):
            break
        found.append((marker, data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


def _tables(body: bytes) -> dict[int, NDArray[np.int64]]:
    found: dict[int, NDArray[np.int64]] = {}
    while body:
        wide, number = body[0] >> 4, body[0] & 15
        size = 64 * (2 if wide else 1)
        if len(body) < 1 + size:
            break
        values = np.frombuffer(body[1 : 1 + size], ">u2" if wide else "u1").astype(np.int64)
        table = np.zeros(64, np.int64)
        table[_ZIGZAG] = np.maximum(values, 1)
        found[number] = table.reshape(8, 8)
        body = body[1 + size :]
    return found


def _frame(body: bytes) -> dict[str, Any]:
    if len(body) < 6 or body[0] != 8 or body[5] not in (1, 3) or len(body) < 6 + 3 * body[5]:
        return {}
    height, width = struct.unpack_from(">HH", body, 1)
    parts = [body[6 + 3 * i : 9 + 3 * i] for i in range(body[5])]
    across = [part[1] >> 4 for part in parts]
    down = [part[1] & 15 for part in parts]
    if 0 in across + down or any(max(across) % a for a in across) or any(max(down) % d for d in down):
        return {}
    return {
        "tables": [part[2] for part in parts],
        "sampling": tuple((max(across) // a, max(down) // d) for a, d in zip(across, down, strict=True)),
        "size": (width, height),
    }
