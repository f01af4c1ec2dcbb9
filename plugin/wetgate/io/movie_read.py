"""A movie as a source of frames: R'G'B' code values of the footage, as its own matrix and range make them.

Frames are numbered from 0 in the order they are shown. Pixels come from the decoder's planes without swscale: nothing
is clipped, so that super-whites (limited range above 235, or 940 of 10 bits) come out above 1.0 and sub-blacks below 0.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from wetgate.color.ycbcr import Layout as Planes
from wetgate.color.ycbcr import Quantisation
from wetgate.io.attributes import TimeCode
from wetgate.io.movie_decoder import Decoder, Picture
from wetgate.io.movie_hdr import dynamic_hdr_of_frame, hdr_of_frame
from wetgate.io.movie_index import MovieIndex
from wetgate.io.movie_planes import Layout, Samples, components, layout_of
from wetgate.io.movie_side_data import codec_side_data
from wetgate.io.movie_tags import StreamTags, first_field
from wetgate.io.movie_timecode import parse_timecode
from wetgate.io.source import Loaded, OnMissing, SourceInfo
from wetgate.spec import Frame, FrameError, Image, UsageError

_PICTURE_TYPES = {1: "I", 2: "P", 3: "B", 4: "S", 5: "SI", 6: "SP", 7: "BI"}  # AVPictureType, libavutil/avutil.h


@dataclass(frozen=True, slots=True)
class Stream:
    """What is known of the video stream once it is open."""

    path: Path
    codec: str
    layout: Layout
    tags: StreamTags
    field_order: int
    hdr: Mapping[str, Any]


class MovieSource:
    """A movie, opened for reading: a :class:`wetgate.io.source.Source`, made by :func:`wetgate.io.movie.open_movie`."""

    def __init__(
        self,
        stream: Stream,
        info: SourceInfo,
        index: MovieIndex,
        decoder: Decoder,
        numbers: Sequence[int],
        on: OnMissing,
    ) -> None:
        self.info = info
        self.numbers = numbers
        self._stream = stream
        self._index = index
        self._decoder = decoder
        self._on_missing = on

    def read(self, number: int) -> Loaded:
        """The frame of that number, from 0. Safe to call from several threads: decoding is one at a time."""
        try:
            return self._loaded(number)
        except FrameError as error:
            if self._on_missing == "error":
                raise
            reason = error.what
        if self._on_missing == "black":
            return self._black(number, reason)
        return self._held(number, reason)

    def path_of(self, number: int) -> str:
        return str(self._stream.path)

    def close(self) -> None:
        self._decoder.close()

    def span(self, first: int, last: int) -> tuple[Fraction, Fraction]:
        """When frame ``first`` begins and frame ``last`` ends, in seconds of the movie's own clock."""
        times, base = self._index.times, self._index.time_base
        frame_time = 1 / self.info.rate if self.info.rate else Fraction(0)
        if self._index.ordinal:
            return first * frame_time, (last + 1) * frame_time
        end = times[last + 1] * base if last + 1 < len(times) else times[last] * base + frame_time
        return times[first] * base, end

    def _loaded(self, number: int) -> Loaded:
        there = len(self._index)
        total = there + max(0, self._index.promised - len(self._index.packets))
        where = str(self._stream.path)
        if not 0 <= number < there:
            if there <= number < total:
                raise FrameError(
                    f"frame {number} is cut off: the header lists {total} frames, the data ends after {there}",
                    where=where,
                    remedy="copy the file again, or render with --on-missing hold or black",
                )
            raise FrameError(f"frame {number} is not in the movie", where=where, allowed=f"0 to {there - 1}")
        picture = self._decoder.picture(number)
        frame = frame_of(picture, self._stream, number, self._when(number), self.info)
        notes = [f"frame {number}: {picture.note}"] if picture.note else []
        notes += self._changes(picture, number)
        return Loaded(frame, notes=tuple(notes))

    def _changes(self, picture: Picture, number: int) -> list[str]:
        frame, info = picture.frame, self.info
        if (frame.width, frame.height) != (info.width, info.height):
            return [f"frame {number} is {frame.width}x{frame.height}, the movie began with {info.width}x{info.height}"]
        return []

    def _when(self, number: int) -> dict[str, Any]:
        """Time code and rate of a frame, by the names that OpenEXR gives them."""
        entries: dict[str, Any] = {}
        rate, start = self.info.rate, self.info.start_timecode
        if rate is not None:
            entries["framesPerSecond"] = rate
        if rate is not None and start is not None:
            with contextlib.suppress(UsageError):  # above 40 frames a second it does not fit; info.notes says so
                entries["timeCode"] = TimeCode.parse(str(parse_timecode(start, rate).plus(number)))
        return entries

    def _held(self, number: int, reason: str) -> Loaded:
        there = len(self._index)
        nearest = min(max(number, -1), there)
        for other in (*range(nearest - 1, -1, -1), *range(max(nearest + 1, 0), there)):
            try:
                loaded = self._loaded(other)
            except FrameError:
                continue
            held = loaded.frame.with_(number=number, metadata={**loaded.frame.metadata, **self._when(number)})
            return replace(loaded, frame=held, held_from=other, notes=(*loaded.notes, f"{reason}: {other} was held"))
        raise FrameError(f"no frame of the movie can be decoded: {reason}", where=str(self._stream.path))

    def _black(self, number: int, reason: str) -> Loaded:
        alpha = self._stream.layout.has_alpha
        pixels = np.zeros((self.info.height, self.info.width, 4 if alpha else 3), np.float32)
        if alpha:
            pixels[..., 3] = 1.0
        frame = Frame(
            pixels,
            "",
            number,
            pixel_aspect=self.info.pixel_aspect,
            metadata=self._when(number),
            layout=self.info.channels,
        )
        return Loaded(frame, missing=True, notes=(f"{reason}: black stands in",))


def frame_of(decoded: Picture, stream: Stream, number: int, metadata: Mapping[str, Any], info: SourceInfo) -> Frame:
    """A decoded picture as a frame. Its own pixel format counts: a stream may change it."""
    picture = decoded.frame
    layout = stream.layout if picture.format.name == stream.layout.name else layout_of(picture.format.name)
    tags = stream.tags
    found = {**metadata, **stream.hdr, **hdr_of_frame(picture).metadata}
    codec: dict[str, Any] = {
        "codec": stream.codec,
        "pixel_format": layout.name,
        "size": (picture.width, picture.height),
        "bits": layout.bits,
        "matrix": tags.matrix,
        "full_range": tags.full_range,
        "subsampling": (layout.across, layout.down),
        "siting": tags.siting,
        "picture_type": _PICTURE_TYPES.get(int(picture.pict_type), ""),
        "key_frame": bool(picture.key_frame),
        "interlaced": bool(picture.interlaced_frame),
        "first_field": first_field(stream.field_order) if picture.interlaced_frame else "",
        **dynamic_hdr_of_frame(picture),
        **codec_side_data(picture),
        **decoded.coding,
    }
    return Frame(
        pixels=pixels_of(picture, layout, tags),
        space="",
        number=number,
        pixel_aspect=info.pixel_aspect,
        layout=channel_names(layout),
        metadata=found,
        codec=codec,
    )


def channel_names(layout: Layout) -> tuple[str, ...]:
    """The channels of a picture by the names of :attr:`wetgate.spec.Frame.layout`."""
    colour = ("Y",) if layout.model == "grey" else ("R", "G", "B")
    return (*colour, "A") if layout.has_alpha else colour


def pixels_of(picture: av.VideoFrame, layout: Layout, tags: StreamTags) -> Image:
    """R'G'B' or R'G'B'A, float32 (H, W, C), unclipped."""
    parts = components(picture)
    colour, alpha = parts[: layout.colours], parts[layout.colours :]
    rgb = _rgb(colour, layout, tags, bool(picture.interlaced_frame))
    if not alpha:
        return rgb
    out = np.empty((*rgb.shape[:2], 4), np.float32)
    out[..., :3] = rgb
    out[..., 3] = alpha[0] if layout.is_float else Quantisation(layout.bits, full=True).value(alpha[0])
    return out


def _rgb(parts: Sequence[Samples], layout: Layout, tags: StreamTags, interlaced: bool) -> Image:
    if layout.is_float:
        return np.stack([parts[min(i, len(parts) - 1)] for i in range(3)], axis=-1).astype(np.float32, copy=False)
    quantisation = Quantisation(layout.bits, tags.full_range)
    if layout.model == "grey":
        return np.repeat(quantisation.value(parts[0])[..., None], 3, axis=2)
    if layout.model == "rgb":
        red, green, blue = parts
        return Planes(0, quantisation).rgb(green, blue, red)
    planes = Planes(tags.matrix, quantisation, (layout.across, layout.down), tags.siting)
    if not (interlaced and layout.down > 1 and parts[0].shape[0] >= 4):
        return planes.rgb(*parts)
    # Interlaced 4:2:0: alternate rows of chroma belong to alternate fields, and mixing them would comb the colour. Each
    # field is worked as a picture (the quarter row by which its chroma sits off the middle, H.262 6.1.1.8, is left).
    out = np.empty((*parts[0].shape, 3), np.float32)
    for field in (0, 1):
        out[field::2] = planes.rgb(*(part[field::2] for part in parts))
    return out


def bit_depth(layout: Layout) -> str:
    """The type of the stored samples, as :class:`~wetgate.io.source.SourceInfo` words it."""
    if layout.is_float:
        return "half" if layout.dtype.itemsize == 2 else "float"
    return f"uint{layout.bits}"
