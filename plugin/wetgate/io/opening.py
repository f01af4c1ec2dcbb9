"""Opening what a user names: a still, a sequence or a movie, for reading and for writing.

The modules that know a format are imported when the first file of it is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wetgate.io.sink import Sink, WriteOptions
from wetgate.io.source import MOVIE_SUFFIXES, OnMissing, Source


def open_source(
    spec: str | Path, *, frames: str | None = None, on_missing: OnMissing = "error", codec_data: bool = False
) -> Source:
    """Open ``spec`` for reading: an image, a sequence pattern, a folder that holds one sequence, or a movie.

    Patterns are ``plate.####.exr``, ``plate.%04d.exr``, ``plate.@@@@.exr`` and ``plate.[1001-1100].exr``
    (:mod:`wetgate.io.pattern`). ``frames`` chooses frames by the grammar of :mod:`wetgate.io.ranges`
    (``1001-1100x2``); without it a sequence gives the frames from the first to the last file. ``on_missing`` says what
    a frame that is not there becomes: an error when it is read, a copy of the nearest frame before it (after it at the
    head), or black. ``codec_data`` has a movie's decoder tell how it found each block coded
    (:mod:`wetgate.io.movie_side_data`), which costs time; of a JPEG still the tables always come along.
    Raises :class:`~wetgate.spec.UsageError` where nothing readable is there.
    """
    if Path(spec).suffix.lower() in MOVIE_SUFFIXES:
        from wetgate.io.movie import open_movie

        return open_movie(Path(spec), frames=frames, on_missing=on_missing, side_data=codec_data)
    from wetgate.io.stills import open_stills

    return open_stills(spec, frames=frames, on_missing=on_missing)


def open_sink(
    spec: str | Path,
    *,
    numbers: Sequence[int],
    options: WriteOptions,
    space: str,
    interop_id: str | None,
    sound: Source | None = None,
) -> Sink:
    """Open ``spec`` for writing the frames ``numbers``: a pattern, a single image (one frame), or a movie.

    ``space`` is the OCIO name of the pixels that will be written and ``interop_id`` its colorInteropID: files are
    labelled with it, and where it is None they carry no label, whatever the source said. ``sound`` is the source
    whose audio a movie takes with it; whatever has none, or a container that cannot hold it, goes without.
    Raises :class:`~wetgate.spec.UsageError` where the format or the combination cannot be written.
    """
    if Path(spec).suffix.lower() in MOVIE_SUFFIXES:
        from wetgate.io.movie import MovieSource, open_movie_sink

        audio = sound if isinstance(sound, MovieSource) else None
        return open_movie_sink(
            Path(spec), numbers=numbers, options=options, space=space, interop_id=interop_id, audio=audio
        )
    from wetgate.io.still_sink import open_still_sink

    return open_still_sink(spec, numbers=numbers, options=options, space=space, interop_id=interop_id)
