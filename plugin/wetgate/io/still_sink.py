"""Images and image sequences as a sink of frames."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.io.association import associate
from wetgate.io.atomic import clean_stale, make_folder, replacing, sync_folder
from wetgate.io.formats import (
    Format,
    checked_compression,
    checked_depth,
    default_depth,
    format_of,
    lossless,
)
from wetgate.io.hashing import hash_samples
from wetgate.io.labels import EXR_LABELS, RASTER_LABELS, exr_labels, raster_labels
from wetgate.io.pattern import FORMS, parse_pattern
from wetgate.io.quantise import to_depth
from wetgate.io.sink import Stamp, WriteOptions, Written
from wetgate.io.stills import is_alpha, places_of
from wetgate.io.stored import STORED, Stored, StoredAs, read_stored
from wetgate.spec import Box, Frame, FrameError, Image, UsageError

# How many finished files may wait for their names to be made durable (see wetgate.io.atomic).
SYNC_EVERY = 16


def open_still_sink(
    spec: str | Path, *, numbers: Sequence[int], options: WriteOptions, space: str, interop_id: str | None
) -> StillSink:
    """Open a pattern or a single image for writing; see :func:`wetgate.io.opening.open_sink`."""
    path = Path(spec)
    if path.is_dir() or str(spec).endswith(("/", os.sep)):
        raise UsageError(
            f"{str(spec)!r} is a folder", allowed=FORMS.replace("a folder or ", ""), remedy="add a file name"
        )
    form = format_of(path.name)
    pattern = parse_pattern(path)
    if pattern is None and len(numbers) > 1:
        raise UsageError(
            f"{len(numbers)} frames cannot go into one image, {path.name}",
            allowed=FORMS,
            remedy=f"name the output {path.stem}.####{path.suffix}",
        )
    if pattern is not None and pattern.numbers is not None:
        outside = sorted(set(numbers) - set(pattern.numbers))
        if outside:
            raise UsageError(f"{path.name} has no place for frame {outside[0]}", remedy="write #### for the number")
    checked_depth(form, options.depth)
    compression = checked_compression(form, options.compression)
    paths = {n: (pattern.path(n) if pattern is not None else path) for n in numbers}
    return StillSink(paths, form, compression, options, space, interop_id)


class StillSink:
    """Writes each frame to its own file, atomically, in any order and from any thread."""

    ordered = False

    def __init__(
        self,
        paths: Mapping[int, Path],
        form: Format,
        compression: str,
        options: WriteOptions,
        space: str,
        interop_id: str | None,
    ) -> None:
        self.notes: list[str] = []
        self._paths = paths
        self._form = form
        self._compression = compression
        self._options = options
        self._space = space
        self._interop_id = interop_id
        self._lock = threading.Lock()
        self._unsynced = 0
        self._folder = next(iter(paths.values())).parent if paths else Path()
        make_folder(self._folder)

    def path_of(self, number: int) -> str | None:
        """The file of a frame, or None where the frame is none of this sink's."""
        path = self._paths.get(number)
        return None if path is None else str(path)

    def write(self, frame: Frame, stamp: Stamp | None = None) -> Written:
        """Store one frame under a temporary name, sync it, rename it. See :class:`wetgate.io.sink.Sink`."""
        path = self._paths.get(frame.number)
        if path is None:
            raise FrameError(f"frame {frame.number} is not among those this output was opened for")
        stored, clamped = self._stored(frame)
        if clamped and self._options.overflow == "error":
            raise FrameError(
                f"{clamped} samples do not fit {stored.depth}",
                where=str(path),
                remedy="write float, or let them be clamped (overflow=clamp)",
            )
        pixel_hash = self._hash(stored)
        metadata = dict(stored.metadata)
        if stamp is not None:
            metadata.update(stamp(pixel_hash, clamped))
        final = replace(stored, metadata=metadata)
        label = raster_labels(
            self._form.name, frame.metadata, self._space, self._interop_id, same_space=self._options.same_space
        )
        with replacing(path) as temporary:
            self._write(temporary, path, final, label)
            size = temporary.stat().st_size
        self._count_unsynced()
        return Written(str(path), clamped, size, pixel_hash)

    def _stored(self, frame: Frame) -> tuple[Stored, int]:
        """The frame as samples of the file's type, and how many of them were clamped."""
        known = frame.codec.get(STORED)
        source = known if isinstance(known, StoredAs) else None
        depth = self._options.depth or default_depth(self._form, source.depth if source else None)
        associated = self._associated(source)
        pixels, data = frame.pixels, frame.window
        if not self._form.windows and frame.window != frame.display:
            pixels, data = _fitted(pixels, frame.window, frame.display), frame.display
            source = None
        if frame.alpha is not None and associated:
            pixels = associate(pixels, source.residue if source is not None and source.depth == depth else None)
        layout, pixels = self._channels(frame.layout, pixels)
        colour, clamped = to_depth(pixels, depth)
        exr = self._form.windows
        if not exr:
            data, display = Box(0, 0, data.width, data.height), Box(0, 0, data.width, data.height)
        else:
            display = frame.display
        stored = Stored(
            format=self._form.name,
            depth=depth,
            colour=colour,
            layout=layout,
            data_window=data,
            display_window=display,
            pixel_aspect=frame.pixel_aspect,
            associated=associated,
            extra=frame.extra if exr else {},
            parts=frame.parts if exr else (),
            metadata=self._metadata(frame, depth),
        )
        return stored, clamped

    def _associated(self, source: StoredAs | None) -> bool:
        """OpenEXR is associated; TIFF stays as its TIFF source was; all else is not."""
        if self._form.name == "tiff":
            return source is not None and source.format == "tiff" and source.associated
        return self._form.name == "openexr"

    def _channels(self, layout: tuple[str, ...], pixels: Image) -> tuple[tuple[str, ...], Image]:
        """The channels of the file: the frame's own where the layout still fits the picture, else R G B [A]."""
        colour = layout[:-1] if len(layout) > 1 and is_alpha(layout[-1]) else layout
        has_alpha = pixels.shape[2] == 4
        if len(colour) < 3:
            kept = _narrowed(colour, pixels)
            if kept is None:
                layout = tuple("RGBA"[: pixels.shape[2]])
            else:
                pixels = np.concatenate([kept, pixels[..., 3:]], -1) if has_alpha else kept
                layout = (*colour, layout[-1] if len(layout) > len(colour) else "A") if has_alpha else colour
        elif has_alpha != (len(layout) == 4):
            layout = (*colour, "A") if has_alpha else colour
        if has_alpha and not self._form.alpha:
            if (pixels[..., -1] != 1).any():
                raise FrameError(
                    f"{self._form.name} has no alpha, and this frame's is not 1 throughout",
                    remedy="write OpenEXR, TIFF or PNG, or composite it first",
                )
            layout, pixels = layout[:-1], np.ascontiguousarray(pixels[..., :-1])
        return layout, pixels

    def _metadata(self, frame: Frame, depth: str) -> dict[str, Any]:
        """The frame's metadata without the source's colour labels, and the labels of what is written."""
        own = {n: v for n, v in frame.metadata.items() if n not in EXR_LABELS | RASTER_LABELS}
        if self._options.rate is not None:
            own["framesPerSecond"] = self._options.rate
        same = self._options.same_space
        if self._form.name != "openexr":
            return own
        container = depth == "half" and self._compression == "none" and not frame.extra and not frame.parts
        return own | exr_labels(frame.metadata, self._interop_id, same_space=same, aces_container=container)

    def _hash(self, stored: Stored) -> str:
        others = frozenset(_TYPE_NAMES.get(p.dtype.str[1:], "uint") for p in stored.extra.values())
        if not lossless(self._form, self._compression, stored.depth, others):
            return ""
        return hash_samples(stored.colour, stored.extra, [p.channels for p in stored.parts])

    def _write(self, temporary: Path, path: Path, stored: Stored, label: Mapping[str, Any]) -> None:
        try:
            if self._form.name == "openexr":
                from wetgate.io.exr_pixels import write_exr

                write_exr(temporary, stored, self._compression)
                return
            from wetgate.io.raster import write_raster

            write_raster(temporary, stored, self._form, self._compression, label, path.name)
            self._demand_whole(temporary, stored)
        except FrameError as error:
            raise FrameError(error.what, where=str(path), allowed=error.allowed, remedy=error.remedy) from None

    def _demand_whole(self, temporary: Path, stored: Stored) -> None:
        """Read the file back: not every coder reports a write that a full disk cut short."""
        try:
            back = read_stored(temporary)
            whole = not self._form.lossless or np.array_equal(back.colour, stored.colour)
        except FrameError:
            whole = False
        if not whole:
            raise FrameError(
                "the file that was written does not hold the picture", remedy="check the free space of the disk"
            )

    def _count_unsynced(self) -> None:
        with self._lock:
            self._unsynced += 1
            due = self._unsynced >= SYNC_EVERY
            if due:
                self._unsynced = 0
        if due:
            sync_folder(self._folder)

    def finish(self) -> None:
        """Make the names of all finished files durable."""
        sync_folder(self._folder)

    def abort(self) -> None:
        """Remove what a killed process left of these files; finished ones stay."""
        for path in self._paths.values():
            clean_stale(self._folder, path.name)
        with contextlib.suppress(FrameError):  # an abort must not hide the error that led to it
            sync_folder(self._folder)


_TYPE_NAMES = {"f2": "half", "f4": "float", "u4": "uint"}


def _narrowed(colour: tuple[str, ...], pixels: Image) -> Image | None:
    """The picture in its fewer channels again; None where it no longer fits them: a grey picture that got colour."""
    places = places_of(colour)
    if len(colour) == 1 and len(places[colour[0]]) == 3:
        if not (np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2])):
            return None
        return np.ascontiguousarray(pixels[..., :1])
    used = {p for where in places.values() for p in where}
    if any(pixels[..., p].any() for p in range(3) if p not in used):
        return None
    return np.stack([pixels[..., places[name][0]] for name in colour], -1)


def _fitted(pixels: Image, data: Box, display: Box) -> Image:
    """The picture cut, or padded with black, to its display window: for formats that know no data window."""
    out: NDArray[np.float32] = np.zeros((display.height, display.width, pixels.shape[2]), np.float32)
    left, top = max(data.x, display.x), max(data.y, display.y)
    right, bottom = min(data.right, display.right), min(data.bottom, display.bottom)
    if left < right and top < bottom:
        out[top - display.y : bottom - display.y, left - display.x : right - display.x] = pixels[
            top - data.y : bottom - data.y, left - data.x : right - data.x
        ]
    return out
