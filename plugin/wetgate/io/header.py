"""Headers without pixels: what a finished or half-finished render says of itself."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from wetgate.io.exr_header import read_headers
from wetgate.io.formats import RECORD
from wetgate.io.stored import is_exr
from wetgate.spec import FrameError


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The metadata of a still file, as ``Frame.metadata`` would hold it, without reading pixels.

    OpenEXR headers are read by this package alone, in well under a millisecond. Raises :class:`FrameError`.
    """
    if is_exr(path):
        from wetgate.io.exr_pixels import metadata_of

        return metadata_of(read_headers(path)[0])
    from wetgate.io.raster import read_raster_header

    return read_raster_header(path)


def header_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of everything that a still file's header says but the record, hexadecimal: windows, channels and
    attributes of every part of an EXR byte by byte, the metadata as they are read of other formats."""
    digest = hashlib.sha256()
    if is_exr(path):
        for part in read_headers(path):
            for name, raw in sorted(part.attributes.items()):
                if name != RECORD:
                    digest.update(f"{name}\0{raw.type}\0{len(raw.data)}\0".encode("utf-8", "surrogateescape"))
                    digest.update(raw.data)
            digest.update(b"\0part\0")
    else:
        for name, value in sorted(read_header(path).items()):
            if name != RECORD:
                digest.update(f"{name}\0{value!r}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def read_record(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The record of the render that wrote a file, from its header; None where there is none.

    Raises :class:`FrameError` where the header cannot be read or the record is not JSON.
    """
    text = read_header(path).get(RECORD)
    if text is None:
        return None
    try:
        record = json.loads(text)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise FrameError("the record in the header is damaged", where=str(path), remedy="render the frame again")
    return record
