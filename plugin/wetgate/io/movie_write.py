"""A movie as a sink of frames: our own matrix, range and chroma filter, tags in stream and container.

The encoder is opened at the first frame, which tells size, alpha and HDR metadata. The movie grows under a temporary
name beside its own and takes that name when it is complete: half a movie never looks like one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from wetgate.color.interop import names_like
from wetgate.color.tags import UNSPECIFIED, Tags, tags_of
from wetgate.io.atomic import clean_stale, replacing, sync_folder
from wetgate.io.attributes import TimeCode
from wetgate.io.movie_codecs import choose_encoder, choose_format, encoder_options, muxer_of
from wetgate.io.movie_coding import coding_of
from wetgate.io.movie_encode import OpenMovie, Plan
from wetgate.io.movie_hdr import StaticHdr, static_hdr
from wetgate.io.movie_planes import layout_of
from wetgate.io.movie_timecode import parse_timecode
from wetgate.io.sink import Stamp, WriteOptions, Written
from wetgate.spec import Frame, FrameError, UsageError

if TYPE_CHECKING:
    from wetgate.io.movie_read import MovieSource

_PQ, _HLG = 16, 18


def open_movie_sink(
    path: str | Path,
    *,
    numbers: Sequence[int],
    options: WriteOptions,
    space: str,
    interop_id: str | None = None,
    audio: MovieSource | None = None,
    untagged: bool = False,
) -> MovieSink:
    """Open a movie for writing the frames ``numbers``, in that order.

    ``space`` names the pixels' colour space; its H.273 tags go into stream and container. A space that has none is a
    :class:`UsageError`, unless ``untagged`` allows a movie that does not say what it is; ``space=""`` is a picture
    without colour (an AOV) and never tagged. ``audio`` is the source whose sound is copied, where the frames are its
    own, in order and without gaps. Raises :class:`UsageError` for what can be known before the first frame.
    """
    path = Path(path)
    muxer = muxer_of(path.suffix)
    names = (space, *names_like(space), *(names_like(interop_id) if interop_id else ()))
    tags = tags_of(names) if space else None
    if tags is None and space and not untagged:
        raise UsageError(
            f"{space} has no tags that a movie could carry (Rec. ITU-T H.273): players would show it wrong",
            where="out_space",
            allowed="rec1886_rec709_display, srgb_display, rec2100_pq_display, rec2100_hlg_display and the like",
            remedy="name one of these as --out-space, or write an image sequence",
        )
    choose_encoder(muxer, options, tags.transfer if tags else UNSPECIFIED)
    if not path.parent.is_dir():
        raise UsageError("the folder is not there", where=str(path.parent), remedy="make it first")
    if not numbers:
        raise UsageError("a movie of no frames", where=str(path))
    return MovieSink(path, muxer, numbers, options, tags, audio)


class MovieSink:
    """A movie, opened for writing. See :class:`wetgate.io.sink.Sink`. ``notes`` say what could not be kept."""

    ordered = True

    def __init__(
        self,
        path: Path,
        muxer: str,
        numbers: Sequence[int],
        options: WriteOptions,
        tags: Tags | None,
        audio: MovieSource | None = None,
    ) -> None:
        self.notes: list[str] = []
        self._path = path
        self._muxer = muxer
        self._numbers = numbers
        self._options = options
        self._tags = tags
        self._audio = audio
        self._lock = threading.Lock()
        self._place = contextlib.ExitStack()
        self._movie: OpenMovie | None = None
        self._done = 0
        clean_stale(path.resolve().parent, of=path.name)

    def path_of(self, number: int) -> str | None:
        return str(self._path)

    def write(self, frame: Frame, stamp: Stamp | None = None) -> Written:
        """Encode one frame. ``clamped`` counts samples of the stored planes that had no code."""
        with self._lock:
            if self._done >= len(self._numbers):
                raise FrameError(f"frame {frame.number}: the movie is complete", where=str(self._path))
            due = self._numbers[self._done]
            if frame.number != due:
                raise FrameError(
                    f"frame {frame.number} came where {due} was due: a movie has no holes",
                    where=str(self._path),
                    remedy="mend the frame that failed, or write an image sequence",
                )
            try:
                if self._movie is None:
                    self._movie = self._open(frame)
                clamped, size = self._movie.add(frame, self._done)
            except (av.FFmpegError, OSError) as error:
                raise FrameError(
                    f"frame {frame.number} cannot be written: {error.strerror or error}",
                    where=str(self._path),
                    remedy="check the free space and the permissions of the folder",
                ) from error
            self._done += 1
            return Written(str(self._path), clamped, size)

    def finish(self) -> None:
        """Flush the encoder, sync, and give the movie its name. :class:`FrameError` where frames are missing."""
        with self._lock:
            missing = len(self._numbers) - self._done
            if self._movie is None or missing:
                self._drop()
                raise FrameError(
                    f"the movie lacks {missing} of {len(self._numbers)} frames and is not kept",
                    where=str(self._path),
                    remedy="mend the frames that failed, or write an image sequence",
                )
            try:
                self._movie.close()
                self._place.close()
            except (av.FFmpegError, OSError) as error:
                self._drop()
                raise FrameError(
                    f"the movie cannot be completed: {error.strerror or error}",
                    where=str(self._path),
                    remedy="check the free space and the permissions of the folder",
                ) from error
            sync_folder(self._path.resolve().parent)

    def abort(self) -> None:
        """Remove the unfinished movie. Whatever had its name before is untouched."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._movie is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                self._movie.close(complete=False)
            self._movie = None
        with contextlib.suppress(_Abandoned, FrameError), self._place.pop_all():
            raise _Abandoned

    def _open(self, first: Frame) -> OpenMovie:
        options, tags = self._options, self._tags or Tags(UNSPECIFIED, UNSPECIFIED, UNSPECIFIED)
        rate = options.rate if options.rate is not None else first.metadata.get("framesPerSecond")
        if not isinstance(rate, Fraction) or rate <= 0:
            raise UsageError(
                "the frame rate is not known", where="rate", remedy="give it: --rate 24, --rate 24000/1001"
            )
        encoder, notes = choose_encoder(self._muxer, options, tags.transfer)
        self.notes += notes
        pixel_format, notes = choose_format(encoder, options, first.alpha is not None)
        self.notes += notes
        layout = layout_of(pixel_format)
        width, height = first.display.width, first.display.height
        if encoder.even and (width % layout.across or height % layout.down):
            raise UsageError(
                f"{encoder.name} as {pixel_format} does not take {width}x{height}",
                allowed=f"a width that {layout.across} and a height that {layout.down} divides",
                remedy="crop or pad the picture, or choose a pixel format without subsampling (yuv444p10le)",
            )
        hdr = self._hdr(first, tags.transfer)
        if encoder.matrix not in (None, tags.matrix):
            self.notes.append(f"Y'CbCr matrix {encoder.matrix} is used: {encoder.name} can name no other")
        if self._muxer == "mxf" and hdr.max_cll is not None:
            self.notes.append("MXF carries the mastering display, but no content light level")
        if self._muxer == "avi":
            self.notes.append("AVI carries neither colour tags nor time code: players will have to be told")
        quality = options.quality if options.quality is not None else encoder.best
        plan = Plan(
            muxer=self._muxer,
            encoder=encoder,
            coding=coding_of(layout, tags, options.full_range, height, encoder.matrix),
            width=width,
            height=height,
            rate=rate,
            pixel_aspect=first.pixel_aspect,
            options=encoder_options(encoder, pixel_format, options, hdr, tags.transfer, rate),
            quantiser=quality if encoder.quality == "quantiser" else None,
            hdr=hdr,
            timecode=self._timecode(first, rate),
            strict=options.overflow == "error",
            sound=self._sound(rate),
        )
        return OpenMovie(self._place.enter_context(replacing(self._path)), plan, self.notes)

    def _hdr(self, first: Frame, transfer: int) -> StaticHdr:
        hdr = static_hdr(first.metadata)
        if hdr and transfer not in (_PQ, _HLG):
            self.notes.append("HDR metadata of the frames is left out: the output is not HDR")
            return StaticHdr()
        if not hdr and transfer == _PQ:
            self.notes.append("the frames carry no mastering-display or content-light metadata: PQ without, not HDR10")
        return hdr

    def _timecode(self, first: Frame, rate: Fraction) -> str | None:
        given: Any = self._options.start_timecode
        if given is None:
            carried = first.metadata.get("timeCode")
            given = carried.text if isinstance(carried, TimeCode) else None
            if given is None:
                return None
            with contextlib.suppress(UsageError):
                return str(parse_timecode(given, rate))
            self.notes.append(f"the time code {given} of the first frame does not exist at {rate} frames a second")
            return None
        return str(parse_timecode(given, rate))

    def _sound(self, rate: Fraction) -> tuple[Path, Fraction, Fraction] | None:
        source = self._audio
        if source is None:
            return None
        steps = {b - a for a, b in zip(self._numbers, self._numbers[1:], strict=False)}
        if steps - {1} or source.info.rate != rate:
            self.notes.append("the sound is left out: the frames are not all of the source's, at its rate")
            return None
        begin, end = source.span(self._numbers[0], self._numbers[-1])
        return Path(source.path_of(self._numbers[0])), begin, end


class _Abandoned(Exception):
    """Leaves the temporary file's context without renaming it."""
