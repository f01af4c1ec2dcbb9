"""Names of image sequences: ``plate.####.exr``, ``plate.%04d.exr``, ``plate.@@@@.exr``, ``plate.[1001-1100].exr``.

One ``#`` or ``@`` is one digit at the least (Nuke's and OpenImageIO's reading; fileseq's default of four digits a ``#``
is not used here). The bracket form is DaVinci Resolve's; it names its frames too. A pattern's number is padded with
zeros to its width, and a longer number is written in full: ``plate.####.exr`` at 12345 is ``plate.12345.exr``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wetgate.io.ranges import format_frames, parse_frames
from wetgate.spec import UsageError

FORMS = "plate.####.exr, plate.%04d.exr, plate.@@@@.exr, plate.[1001-1100].exr, a folder or one image"

# What a folder may hold as a sequence: picture formats that a finishing house keeps as one file a frame.
PICTURE_SUFFIXES = frozenset(
    [
        ".exr",
        ".dpx",
        ".cin",
        ".tif",
        ".tiff",
        ".png",
        ".jpg",
        ".jpeg",
        ".jp2",
        ".j2k",
        ".jxl",
        ".webp",
        ".tga",
        ".hdr",
        ".bmp",
        ".sgi",
        ".rgb",
        ".pnm",
        ".ppm",
        ".pgm",
        ".psd",
        ".sxr",
    ]
)

_FIELD = re.compile(r"#+|@+|%0?(\d*)d|\[(-?\d+(?:-(-?\d+))?)\]")
_NUMBERED = re.compile(r"(.*?)(-?\d+)(\.[A-Za-z]\w*)\Z")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sequence's name: folder, what stands before and behind the frame number, and the number's least width.

    ``numbers`` are the frames that the name itself lists (the bracket form), else None.
    """

    folder: Path
    head: str
    tail: str
    width: int
    numbers: tuple[int, ...] | None = None

    def name(self, number: int) -> str:
        """The file name of a frame. The sign counts as part of the width, as in C's ``%04d``."""
        return f"{self.head}{number:0{self.width}d}{self.tail}"

    def path(self, number: int) -> Path:
        """The path of a frame."""
        return self.folder / self.name(number)

    @property
    def label(self) -> str:
        """The name to show: ``plate.####.exr``."""
        return f"{self.head}{'#' * self.width}{self.tail}"

    def number_of(self, name: str) -> int | None:
        """The frame number in a file name of this sequence, or None where the name is not of it."""
        if not (name.startswith(self.head) and name.endswith(self.tail) and len(name) > len(self.head + self.tail)):
            return None
        digits = name[len(self.head) : len(name) - len(self.tail)]
        if not re.fullmatch(r"-?\d+", digits):
            return None
        number = int(digits)
        return number if digits == f"{number:0{self.width}d}" else None

    def found(self) -> tuple[int, ...]:
        """The frames that are there, ascending. Raises :class:`UsageError` where one number has two files."""
        paddings: dict[int, list[str]] = {}
        for name in _names(self.folder):
            if name.startswith(self.head) and name.endswith(self.tail):
                digits = name[len(self.head) : len(name) - len(self.tail)]
                if re.fullmatch(r"-?\d+", digits):
                    paddings.setdefault(int(digits), []).append(name)
        twice = {n: names for n, names in paddings.items() if len(names) > 1}
        if twice:
            number, names = min(twice.items())
            raise UsageError(
                f"frame {number} of {self.label} is there twice, as {' and '.join(sorted(names))}",
                where=str(self.folder),
                remedy="move one of the two paddings to another folder",
            )
        return tuple(sorted(n for n, names in paddings.items() if names[0] == self.name(n)))

    def strangers(self) -> tuple[str, ...]:
        """Names that differ from the sequence's only in how the number is padded."""
        mine = []
        for name in _names(self.folder):
            if name.startswith(self.head) and name.endswith(self.tail) and self.number_of(name) is None:
                digits = name[len(self.head) : len(name) - len(self.tail)]
                if re.fullmatch(r"-?\d+", digits):
                    mine.append(name)
        return tuple(sorted(mine))


def parse_pattern(spec: str | os.PathLike[str]) -> Pattern | None:
    """The pattern that ``spec`` is, or None where its file name holds no frame field.

    Raises :class:`UsageError` where a name has two fields, or a field stands in a folder's name.
    """
    path = Path(spec)
    fields = list(_FIELD.finditer(path.name))
    if not fields:
        return None
    if len(fields) > 1:
        raise UsageError(
            f"{path.name!r} has {len(fields)} frame fields: {', '.join(f[0] for f in fields)}",
            allowed=FORMS,
            remedy="keep one",
        )
    field = fields[0]
    numbers = None
    if field[0][0] in "#@":
        width = len(field[0])
    elif field[0][0] == "%":
        width = int(field[1] or 1)
    else:
        ends = re.findall(r"(?<!\d)-?\d+", field[2])
        width = min(len(end) for end in ends)
        numbers = parse_frames(field[2])
    return Pattern(path.parent, path.name[: field.start()], path.name[field.end() :], width, numbers)


def sequences(folder: Path) -> tuple[Pattern, ...]:
    """The sequences of two or more pictures in a folder, by name.

    Raises :class:`UsageError` where one sequence is there with two paddings.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for name in _names(folder):
        match = _NUMBERED.match(name)
        if match and match[3].lower() in PICTURE_SUFFIXES and not name.startswith("."):
            head, digits = match[1], match[2]
            if digits.startswith("-") and head and head[-1] not in "._ ":
                head, digits = head + "-", digits[1:]  # shot-0001.exr: a hyphen, not a minus
            groups.setdefault((head, match[3]), []).append(digits)
    out = []
    for (head, tail), digits in sorted(groups.items()):
        if len(digits) < 2:
            continue
        pattern = Pattern(folder, head, tail, _width(digits))
        odd = [d for d in digits if d != f"{int(d):0{pattern.width}d}"]
        if odd:
            raise UsageError(
                f"{pattern.label} is there in two paddings: {head}{odd[0]}{tail} is not {pattern.name(int(odd[0]))}",
                where=str(folder),
                remedy="name the one you mean by a pattern",
            )
        out.append(pattern)
    return tuple(out)


def in_folder(folder: Path) -> Pattern:
    """The one sequence of a folder. Raises :class:`UsageError` that lists what is there where it is not just one."""
    found = sequences(folder)
    if len(found) == 1:
        return found[0]
    if not found:
        pictures = sorted(n for n in _names(folder) if Path(n).suffix.lower() in PICTURE_SUFFIXES and n[0] != ".")
        raise UsageError(
            f"{folder} holds no image sequence" + (f", only {_listed(pictures)}" if pictures else ""),
            allowed=FORMS,
            remedy="name the picture itself" if pictures else "give a folder that holds one sequence",
        )
    lines = [f"{p.label} ({format_frames(p.found())})" for p in found]
    raise UsageError(
        f"{folder} holds {len(found)} sequences: {_listed(lines)}", remedy="name one of them, with its folder"
    )


def _width(digits: Iterable[str]) -> int:
    """The zero padding of a set of numbers: of those that begin with 0, else of the shortest."""
    padded = [len(d) for d in digits if d.lstrip("-").startswith("0") and len(d.lstrip("-")) > 1]
    return max(padded) if padded else min(len(d) for d in digits)


def _listed(items: Iterable[str], most: int = 8) -> str:
    items = list(items)
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder or ".")  # noqa: PTH208 (names alone: iterdir makes a Path of each of 100,000)
    except FileNotFoundError:
        raise UsageError(f"there is no folder {str(folder)!r}", remedy="check the path") from None
    except NotADirectoryError:
        raise UsageError(f"{str(folder)!r} is a file, not a folder", allowed=FORMS) from None
    except OSError as error:
        raise UsageError(f"cannot list {str(folder)!r}: {error.strerror}", remedy="check its permissions") from None
