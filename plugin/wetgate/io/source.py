"""Where frames come from: the protocol that still images, image sequences and movies share.

A source knows its frame numbers before it reads a pixel, reads any of them in any order, and may be read from several
threads at once. It decides nothing about colour: it passes on what the file itself says (:class:`SpaceHint`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

from wetgate.spec import Frame

Kind = Literal["image", "sequence", "movie"]
OnMissing = Literal["error", "hold", "black"]

# Containers that libavformat reads and OpenImageIO does not (OpenImageIO's own movie reader is not in its wheel).
MOVIE_SUFFIXES = frozenset(
    [
        ".mov",
        ".mp4",
        ".m4v",
        ".mkv",
        ".webm",
        ".mxf",
        ".avi",
        ".mpg",
        ".mpeg",
        ".m2v",
        ".m2t",
        ".m2ts",
        ".mts",
        ".ts",
        ".vob",
        ".dv",
        ".y4m",
        ".nut",
        ".ogv",
        ".wmv",
        ".flv",
        ".3gp",
        ".264",
        ".265",
        ".h264",
        ".h265",
        ".hevc",
        ".ivf",
        ".obu",
    ]
)


@dataclass(frozen=True, slots=True)
class SpaceHint:
    """What a file says about the colour space of its pixels.

    ``space`` is a name that OCIO resolves in the built-in studio configs (an alias), or None where the file says
    nothing, or something that no config knows. ``how`` says from what it was read: ``colorInteropID``,
    ``acesImageContainerFlag``, ``stream tags 9/16/9``. ``assumed`` is True where a convention filled the gap, for
    instance chromaticities without a transfer curve taken as linear: the caller shows that to the user.
    ``interop_id`` is the file's own colorInteropID, known to a config or not.
    """

    space: str | None
    how: str
    assumed: bool
    interop_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source without reading its pixels, from the header of its first frame.

    ``label`` is the name to show and to name outputs by (``plate.####.exr``). ``width`` and ``height`` are those of the
    data window of the first frame: later frames of a sequence may differ, and each :class:`Loaded` frame carries its
    own. ``channels`` are the file's names in the file's order. ``rate`` is in frames a second, exact, or None.
    ``start_timecode`` reads ``HH:MM:SS:FF``, with ``;`` before FF where it drops frames. ``bit_depth`` is the type of
    the stored samples: ``half``, ``float``, ``uint10`` and so on, joined with ``+`` where channels differ.
    """

    kind: Kind
    label: str
    width: int
    height: int
    channels: tuple[str, ...]
    rate: Fraction | None
    start_timecode: str | None
    pixel_aspect: float
    bit_depth: str
    hint: SpaceHint
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """One frame as it was read, and what had to be done to it.

    ``frame.space`` is ``""``: the engine decides the space, from the hint or the user. ``repaired`` counts the NaN and
    infinite samples that were mended. ``held_from`` is the number of the frame that stands in for a missing one,
    ``missing`` is True for a black stand-in. ``notes`` are sentences for the record.
    """

    frame: Frame
    repaired: int = 0
    held_from: int | None = None
    missing: bool = False
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """A still, a sequence or a movie, opened for reading."""

    info: SourceInfo
    numbers: Sequence[int]

    def read(self, number: int) -> Loaded:
        """The frame of that number. Safe to call from several threads.

        Raises :class:`~wetgate.spec.FrameError` that names the file, what is wrong with it and what to do.
        """
        ...

    def path_of(self, number: int) -> str:
        """The file that holds the frame; for a movie, the movie."""
        ...

    def close(self) -> None:
        """Let go of files and buffers. Reading afterwards is an error."""
        ...
