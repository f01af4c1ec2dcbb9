"""JPEG files, packed in memory by OpenCV.

Not by OpenImageIO: where the disk is full its coder (libjpeg's default error handler) ends the whole process.
Chroma is kept at full resolution. Of metadata a comment and the record are kept, in COM segments (ITU-T T.81, B.2.4.5).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.io.formats import RECORD
from wetgate.spec import FrameError

_SOI, _COM, _SOS = b"\xff\xd8", b"\xff\xfe", b"\xff\xda"
_ROOM = 65533  # a segment's length is 16 bits and counts itself


def write_jpeg(path: Path, pixels: NDArray[Any], quality: int, comment: str, record: str) -> None:
    """Pack uint8 RGB (H, W, 3) or grey (H, W, 1) and write it, with a comment and the record of the render.

    Raises :class:`FrameError` or :class:`OSError`.
    """
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, packed = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), options)
    if not done:
        raise FrameError(f"a picture of {pixels.shape[1]}x{pixels.shape[0]} cannot be packed as JPEG")
    with path.open("wb") as file:
        file.write(_SOI)
        for segment in [*_cut(comment, b""), *_cut(record, RECORD.encode() + b" ")]:
            file.write(_COM + struct.pack(">H", len(segment) + 2) + segment)
        file.write(packed.tobytes()[len(_SOI) :])


def _cut(text: str, prefix: bytes) -> list[bytes]:
    data, room = text.encode(), _ROOM - len(prefix)
    return [prefix + data[at : at + room] for at in range(0, len(data), room)]


def read_comments(path: Path) -> tuple[str, str]:
    """The comment and the record in the COM segments of a file; "" where there is none."""
    comment, record = b"", b""
    with path.open("rb") as file:
        if file.read(2) != _SOI:
            return "", ""
        while len(head := file.read(4)) == 4 and head[0] == 0xFF and head[:2] != _SOS:
            size = struct.unpack(">H", head[2:])[0] - 2
            data = file.read(max(size, 0))
            if head[:2] == _COM and data.startswith(RECORD.encode() + b" "):
                record += data[len(RECORD) + 1 :]
            elif head[:2] == _COM:
                comment += data
    return comment.decode("utf-8", "replace"), record.decode("utf-8", "replace")
