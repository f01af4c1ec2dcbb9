"""What a clip of the media pool stands for on disk: a file or numbered files, and how their frames are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from wetgate.io.pattern import PICTURE_SUFFIXES, Pattern, parse_pattern
from wetgate.io.source import MOVIE_SUFFIXES
from wetgate.spec import WetgateError
from wetgate.surfaces.resolve.app import rate_of

# What only Resolve, or its maker's library, decodes: such plates come through its render queue.
RAW_SUFFIXES = frozenset([".braw", ".r3d", ".ari", ".arx", ".arriraw", ".crm", ".rmf", ".nef", ".nev", ".dng", ".cine"])


@dataclass(frozen=True, slots=True)
class Medium:
    """A clip's frames. ``path`` as Resolve has it (``/plates/a.[1001-1100].exr``, ``/plates/a.mov``).

    ``frames`` is how many the clip has; its first one is frame ``head`` of the file, or, of a sequence, ``head`` after
    number ``first``. A sub-clip has a head above 0.
    """

    path: str
    frames: int
    rate: Fraction
    first: int
    head: int
    start_timecode: str
    size: str
    codec: str

    @property
    def pattern(self) -> Pattern | None:
        """Of a sequence: its name."""
        return None if Path(self.path).suffix.lower() in MOVIE_SUFFIXES else parse_pattern(self.path)

    @property
    def stem(self) -> str:
        """The name without frame numbers and suffix."""
        pattern = self.pattern
        name = Path(self.path).stem if pattern is None else pattern.head.rstrip("._- ")
        return name or "clip"

    @property
    def padding(self) -> int:
        """Digits of its frame numbers; of a movie's, which has none, four."""
        return 4 if self.pattern is None else max(self.pattern.width, 1)

    @property
    def source(self) -> str:
        """The name to open it by."""
        pattern = self.pattern
        return self.path if pattern is None else str(pattern.folder / pattern.label)

    def number(self, offset: int) -> int:
        """The number of the clip's frame ``offset``: in its files' names, or in the movie counted from 0."""
        return self.first + self.head + offset

    @property
    def is_raw(self) -> bool:
        return Path(self.path).suffix.lower() in RAW_SUFFIXES

    @property
    def is_readable(self) -> bool:
        """Whether Wetgate reads its kind of file."""
        suffix = Path(self.path).suffix.lower()
        return not self.is_raw and suffix in MOVIE_SUFFIXES | PICTURE_SUFFIXES

    def missing(self) -> str:
        """Why its files cannot be had on this machine, or ""."""
        pattern = self.pattern
        try:
            if pattern is None:
                return "" if Path(self.path).is_file() else f"{self.path} is not there"
            return "" if pattern.found() else f"no file matches {self.path}"
        except WetgateError as error:
            return error.what


def medium_of(properties: Mapping[str, str]) -> Medium | None:
    """The medium behind a clip's properties; None where it has no file (a compound, a nested timeline, a title)."""
    path = properties.get("File Path", "").strip()
    if not path:
        return None
    suffix = Path(path).suffix.lower()
    pattern = None if suffix in MOVIE_SUFFIXES else parse_pattern(path)
    first = pattern.numbers[0] if pattern is not None and pattern.numbers else 0
    start = _whole(properties.get("Start", ""))
    # Of a sequence Resolve counts Start by the files' numbers; were it to count from 0, that would show.
    head = start - first if start >= first else start
    try:
        rate = rate_of(properties.get("FPS", ""), "FPS")
    except WetgateError:
        rate = Fraction(0)
    return Medium(
        path=path,
        frames=_whole(properties.get("Frames", "")),
        rate=rate,
        first=first,
        head=head,
        start_timecode=properties.get("Start TC", ""),
        size=properties.get("Resolution", ""),
        codec=properties.get("Video Codec", ""),
    )


def _whole(text: str) -> int:
    try:
        return round(float(text))
    except ValueError:
        return 0
