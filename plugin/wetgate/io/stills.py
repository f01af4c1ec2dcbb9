"""Images and image sequences as a source of frames."""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from wetgate.io.association import Residue, unassociate
from wetgate.io.attributes import TimeCode
from wetgate.io.jpeg_coding import read_jpeg_coding
from wetgate.io.labels import hint_of
from wetgate.io.pattern import FORMS, Pattern, in_folder, parse_pattern
from wetgate.io.quantise import to_float
from wetgate.io.ranges import format_frames, parse_frames
from wetgate.io.repair import repair
from wetgate.io.source import Loaded, OnMissing, SourceInfo
from wetgate.io.stored import STORED, Stored, StoredAs, is_exr, read_stored
from wetgate.spec import Frame, FrameError, Image, UsageError


def open_stills(spec: str | Path, *, frames: str | None = None, on_missing: OnMissing = "error") -> StillSource:
    """Open a pattern, a folder or a single image; see :func:`wetgate.io.opening.open_source`."""
    if on_missing not in ("error", "hold", "black"):
        raise UsageError(f"on_missing is {on_missing!r}", where="on_missing", allowed="error, hold, black")
    path = Path(spec)
    if path.is_file():
        return _single(path, frames)
    pattern = in_folder(path) if path.is_dir() else parse_pattern(path)
    if pattern is None:
        raise UsageError(f"there is no file {str(spec)!r}", allowed=FORMS, remedy=_nearby(path))
    found = pattern.found()
    if not found:
        strangers = pattern.strangers()
        remedy = f"its number is padded otherwise: {strangers[0]}" if strangers else _nearby(path)
        raise UsageError(f"no file matches {str(spec)!r}", allowed=FORMS, remedy=remedy)
    if frames is not None:
        numbers = parse_frames(frames)
    elif pattern.numbers is not None:
        numbers = pattern.numbers
    else:
        numbers = tuple(range(found[0], found[-1] + 1))
    return StillSource(pattern, numbers, found, on_missing)


def _single(path: Path, frames: str | None) -> StillSource:
    """One image is just that image. Its number is the last one in its name, or 0, so that outputs keep it."""
    pattern = Pattern(path.parent, path.name, "", 0)
    number = _number_in(path.stem)
    if frames is not None and parse_frames(frames) != (number,):
        raise UsageError(
            f"{path.name} is one image, frame {number}; the range asks for {frames}",
            where="frames",
            remedy=f"name the sequence by a pattern, for instance {_as_pattern(path)}",
        )
    return StillSource(pattern, (number,), (number,), "error", single=path)


def _number_in(stem: str) -> int:
    """The frame number at the end of a name: ``plate.1001`` is 1001; the 709 of ``Rec709`` is part of a word."""
    match = re.search(r"(?:^|[._\-\s])(\d+)\Z", stem)
    return int(match[1]) if match else 0


def _as_pattern(path: Path) -> str:
    stem = path.stem
    bare = stem.rstrip("0123456789")
    return f"{bare}{'#' * max(1, len(stem) - len(bare))}{path.suffix}"


def _nearby(path: Path) -> str:
    """A remedy for a name that is not there."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r}"
    names = sorted(n for n in os.listdir(folder) if not n.startswith("."))  # noqa: PTH208
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"in {str(folder)!r} there is {shown}" if names else f"the folder {str(folder)!r} is empty"


# How many damaged headers may come before a sound one.
_TRIES = 20


class StillSource:
    """A sequence of image files, or one image. Reading holds no state: any thread may read any frame."""

    def __init__(
        self,
        pattern: Pattern,
        numbers: Sequence[int],
        found: Sequence[int],
        on_missing: OnMissing,
        single: Path | None = None,
    ) -> None:
        self._pattern = pattern
        self._single = single
        self._found = tuple(found)
        self._there = frozenset(found)
        self._on_missing = on_missing
        self.numbers: Sequence[int] = tuple(numbers)
        self.info = self._describe([n for n in self.numbers if n not in self._there])

    def _first(self) -> tuple[Stored, tuple[str, ...]]:
        """The header of the first frame that has one; a damaged one before it fails when it is read."""
        problems: list[FrameError] = []
        for number in [n for n in self.numbers if n in self._there] or self._found:
            try:
                return describe(self.path_of(number)), tuple(str(problem) for problem in problems)
            except FrameError as error:
                problems.append(error)
            if len(problems) == _TRIES:
                break
        raise problems[0]

    def _describe(self, absent: Sequence[int]) -> SourceInfo:
        stored, problems = self._first()
        notes = list(problems)
        if absent:
            how = {"error": "which is an error", "hold": "held from the nearest", "black": "black"}[self._on_missing]
            notes.append(f"missing, {how}: {format_frames(absent)}")
        if stored.parts:
            notes.append(f"further parts are carried through: {', '.join(p.name for p in stored.parts)}")
        turned = stored.metadata.get("Orientation", 1)
        if turned != 1:
            notes.append(f"the picture is worked as stored; its header asks viewers to turn it (orientation {turned})")
        rate = stored.metadata.get("framesPerSecond")
        code = stored.metadata.get("timeCode")
        return SourceInfo(
            kind="image" if self._single is not None else "sequence",
            label=self._single.name if self._single is not None else self._pattern.label,
            width=stored.data_window.width,
            height=stored.data_window.height,
            channels=(*stored.layout, *stored.extra),
            rate=rate if isinstance(rate, Fraction) else None,
            start_timecode=code.text if isinstance(code, TimeCode) else None,
            pixel_aspect=stored.pixel_aspect,
            bit_depth=stored.depth,
            hint=hint_of(stored.format, stored.metadata),
            notes=tuple(notes),
        )

    def path_of(self, number: int) -> str:
        """The file of a frame, there or not."""
        return str(self._single if self._single is not None else self._pattern.path(number))

    def read(self, number: int) -> Loaded:
        """The frame; where its file is not there, what ``on_missing`` says. Raises :class:`FrameError`."""
        if number not in self._there:
            return self._stand_in(number)
        try:
            return self._loaded(number)
        except FrameError as error:
            if self._single is None and not Path(self.path_of(number)).exists() and self._on_missing != "error":
                return self._stand_in(number)  # removed since the source was opened
            raise error

    def _loaded(self, number: int) -> Loaded:
        path = self.path_of(number)
        stored = read_stored(path)
        loaded = to_frame(stored, number)
        if stored.format != "jpeg":
            return loaded
        codec = {**loaded.frame.codec, **read_jpeg_coding(Path(path))}
        return replace(loaded, frame=loaded.frame.with_(codec=codec))

    def _stand_in(self, number: int) -> Loaded:
        if self._on_missing == "error":
            raise FrameError(
                f"frame {number} is not there",
                where=self.path_of(number),
                allowed=format_frames(self._found),
                remedy="render or copy it, or choose on_missing hold or black",
            )
        others = [n for n in self._found if n != number]
        at = bisect.bisect_left(others, number)
        near = others[at - 1] if at > 0 else others[0]
        held = to_frame(read_stored(self.path_of(near)), number)
        if self._on_missing == "hold":
            note = f"frame {number} is missing and frame {near} stands in"
            return Loaded(held.frame, held.repaired, near, False, (note, *held.notes))
        black = held.frame.with_(
            pixels=np.zeros_like(held.frame.pixels),
            extra={n: np.zeros_like(p) for n, p in held.frame.extra.items()},
            parts=(),
            codec={},
        )
        return Loaded(black, 0, None, True, (f"frame {number} is missing and is black",))

    def close(self) -> None:
        """Nothing is held open between frames."""


def describe(path: str | os.PathLike[str]) -> Stored:
    """The header's facts of a still file as a :class:`Stored` whose samples are zeros that take no memory."""
    if not is_exr(path):
        from wetgate.io.raster import describe_raster

        return describe_raster(path)
    from wetgate.io.exr_pixels import describe_exr

    return describe_exr(path)


def to_frame(stored: Stored, number: int) -> Loaded:
    """A frame to work on: float32 RGB or RGBA, un-premultiplied, NaN and infinity mended; extra channels untouched."""
    pixels, repaired, notes = repair(to_float(stored.colour, stored.depth))
    pixels = _as_rgb(pixels, stored.layout)
    residue: Residue | None = None
    if stored.associated and pixels.shape[2] == 4:
        if not pixels.flags.writeable or pixels is stored.colour:
            pixels = pixels.copy()
        residue = unassociate(pixels, exact=stored.depth == "float")
    if repaired:
        notes = (f"{repaired} samples were NaN or infinite and were mended", *notes)
    frame = Frame(
        pixels=pixels,
        space="",
        number=number,
        data_window=stored.data_window,
        display_window=stored.display_window,
        pixel_aspect=stored.pixel_aspect,
        layout=stored.layout,
        extra=stored.extra,
        parts=stored.parts,
        metadata=stored.metadata,
        codec={STORED: StoredAs(stored.format, stored.depth, stored.associated, residue)},
    )
    return Loaded(frame, repaired, notes=tuple(notes))


def is_alpha(name: str) -> bool:
    """Whether a channel's name says alpha."""
    return name.rpartition(".")[2].lower() in ("a", "alpha")


def _as_rgb(pixels: Image, layout: tuple[str, ...]) -> Image:
    """Grey spread over R, G and B; absent ones of R, G, B are 0; alpha last."""
    alpha = pixels[..., -1:] if len(layout) > 1 and is_alpha(layout[-1]) else None
    colour = layout if alpha is None else layout[:-1]
    if len(colour) == 3:
        return pixels
    out = np.zeros((*pixels.shape[:2], 3 if alpha is None else 4), np.float32)
    places = places_of(colour)
    for i, name in enumerate(colour):
        for place in places[name]:
            out[..., place] = pixels[..., i]
    if alpha is not None:
        out[..., 3:] = alpha
    return out


def places_of(colour: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Where each colour channel of a layout goes among R, G and B. One channel of another name is grey: all three."""
    if len(colour) == 1 and colour[0].lower() not in _PLACES:
        return {colour[0]: (0, 1, 2)}
    return {name: (_PLACES[name.rpartition(".")[2].lower()],) for name in colour}


_PLACES = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2}
