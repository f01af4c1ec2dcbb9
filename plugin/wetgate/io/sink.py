"""Where frames go: the protocol that image sequences and movies share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, Protocol

from wetgate.io.rates import given_rate
from wetgate.spec import Frame, UsageError

Depth = Literal["half", "float", "uint8", "uint10", "uint12", "uint16"]
Overflow = Literal["clamp", "error"]
_OVERFLOWS = ("clamp", "error")

# Given the hash of the pixels as they are stored ("" where the coding is lossy) and how many samples were clamped, the
# header entries to add.
Stamp = Callable[[str, int], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How frames are stored. None means the container's own default.

    Stills: ``depth`` (EXR: half, or float where the source was float; DPX: uint10; PNG and TIFF: uint16; JPEG:
    uint8) and ``compression`` (:mod:`wetgate.io.formats` lists them; with a level as in ``dwab:45``).
    ``overflow`` is what happens to values that the depth cannot hold: ``clamp`` them and count, or refuse the frame.
    ``rate`` in frames a second goes into their headers, where the format has a place for it.
    ``same_space`` says that the pixels are still in the space of the source, so that its own colour labels stay true.

    Movies: ``codec`` (libavcodec encoder name), ``pixel_format``, ``quality`` (the encoder's own scale, crf or
    qscale), ``codec_options`` (passed on as they are), ``rate`` in frames a second (whatever
    :func:`wetgate.io.rates.given_rate` takes becomes its exact Fraction), ``start_timecode`` and
    ``full_range`` (None: as the space prescribes, which for video is narrow).
    """

    depth: Depth | None = None
    compression: str | None = None
    overflow: Overflow = "clamp"
    same_space: bool = False
    rate: Fraction | None = None
    start_timecode: str | None = None
    codec: str | None = None
    pixel_format: str | None = None
    quality: float | None = None
    full_range: bool | None = None
    codec_options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.overflow not in _OVERFLOWS:
            raise UsageError(f"overflow is {self.overflow!r}", where="overflow", allowed=", ".join(_OVERFLOWS))
        if self.rate is not None:
            object.__setattr__(self, "rate", given_rate(self.rate))


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one frame.

    ``clamped`` counts the colour and alpha samples that the depth could not hold: beyond its range, or NaN, which
    becomes 0. ``bytes`` is the size of the file (for a movie: of the frame's packets so far known, or 0).
    ``pixel_hash`` is that of the pixels as stored, which :func:`wetgate.io.hashing.file_hash` finds again in the file;
    "" where the coding is lossy.
    """

    path: str
    clamped: int
    bytes: int
    pixel_hash: str = ""


class Sink(Protocol):
    """Files or a movie, opened for writing. ``ordered`` is True where frames must come in the order of ``numbers``;
    one that is missing then leaves no output at all. ``notes`` say what could not be kept."""

    ordered: bool
    notes: list[str]

    def write(self, frame: Frame, stamp: Stamp | None = None) -> Written:
        """Store one frame. Where ``ordered`` is False it is safe to call from several threads.

        ``stamp`` is called with the hash of the stored pixels and the count of clamped samples, and returns further
        header entries, so that a record in the header can name the hash of the pixels it travels with.
        A movie has no header for each frame and does not call it.
        Raises :class:`~wetgate.spec.FrameError`; nothing of the frame is then left on the disk.
        """
        ...

    def path_of(self, number: int) -> str | None:
        """The file that the frame is (or will be) in."""
        ...

    def finish(self) -> None:
        """Make everything durable under its final name."""
        ...

    def abort(self) -> None:
        """Give up: remove what is not finished. Finished files of a sequence stay."""
        ...
