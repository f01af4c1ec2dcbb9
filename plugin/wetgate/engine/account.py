"""What the maker of a frame says of it, for whoever gathers the frames of many makers.

To verify a frame from its file alone, the file and its source are decoded: as much work as reading them for a render,
and one machine would have it for the frames of all the others. A maker that has just done that work leaves an account:
the frame's record, a digest of the file that holds it, and one of the file that it was made from. The gatherer then
compares bytes. It sees that the file is there, whole, and what the maker wrote, and that both read the same source;
that the pixels are those of the record was the maker's to know, as it is in a render by one process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.engine.record import FrameRecord
from wetgate.io.hashing import bytes_hash
from wetgate.io.source import MOVIE_SUFFIXES, Source


@dataclass(frozen=True, slots=True)
class Account:
    """``entry`` is the frame's part of the record, ``file`` the digest of the file that was written, ``source`` the
    mark of what was read (:func:`source_mark`). All of it is plain data."""

    entry: Mapping[str, Any]
    file: str
    source: str


def account_of(record: FrameRecord, path: str, source: Source) -> Account:
    """The account of a frame that is on the disk. Raises :class:`OSError` where it is not."""
    return Account(record.to_json(), bytes_hash(path), source_mark(source, record))


def source_mark(source: Source, record: FrameRecord) -> str:
    """What tells the source of a frame from another: the digest of a picture's file; of a movie, which holds all
    frames, size and time. "" where a frame was made of nothing."""
    path = Path(source.path_of(record.number if record.held_from is None else record.held_from))
    try:
        if path.suffix.lower() in MOVIE_SUFFIXES:
            stat = path.stat()
            return f"{stat.st_size} bytes of {int(stat.st_mtime)}"  # whole seconds: shares keep no more alike
        return bytes_hash(path)
    except FileNotFoundError:
        return ""
