"""Files in and out: OpenEXR and other stills, image sequences, movies; ranges, metadata, atomic writes, hashes.

Reading is ``open_source(...).read(number)``, writing ``open_sink(...).write(frame)``. What lies beyond is imported from
its own module (``wetgate.io.ranges``, ``.pattern``, ``.header``, ``.hashing``, ``.atomic``, ``.attributes``).
OpenImageIO and PyAV are imported when the first file needs them.
"""

from wetgate.io.opening import open_sink, open_source
from wetgate.io.sink import Sink, WriteOptions, Written
from wetgate.io.source import Loaded, Source, SourceInfo, SpaceHint

__all__ = [
    "Loaded",
    "Sink",
    "Source",
    "SourceInfo",
    "SpaceHint",
    "WriteOptions",
    "Written",
    "open_sink",
    "open_source",
]
