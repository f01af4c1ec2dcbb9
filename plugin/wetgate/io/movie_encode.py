"""An open encoder and muxer: pictures and packets of sound in, a file out.

Two ways lead to a stream. Without HDR metadata PyAV makes stream and encoder together. With it the stream is made from
a template that carries the metadata (:mod:`wetgate.io.movie_carrier`) and the encoder stands beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from wetgate.io.movie_audio import AudioCopy
from wetgate.io.movie_carrier import can_carry, carrier
from wetgate.io.movie_codecs import Encoder
from wetgate.io.movie_coding import Coding, on_display, set_tags
from wetgate.io.movie_hdr import StaticHdr
from wetgate.io.movie_planes import fill
from wetgate.spec import Frame, FrameError, UsageError

_PROGRESSIVE = 1  # AV_FIELD_PROGRESSIVE
_QUANTISER_STEP = 118  # FF_QP2LAMBDA (libavutil/avutil.h): libavcodec counts quantisers in these
NO_HDR = StaticHdr()
# The most that x265 reorders pictures: encoder.cpp, vps.numReorderPics, with a B pyramid.
X265_REORDER = 2
FOREVER = Fraction(10**9)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the first frame settled. ``sound`` is a file and the seconds of it that are copied."""

    muxer: str
    encoder: Encoder
    coding: Coding
    width: int
    height: int
    rate: Fraction
    pixel_aspect: float
    options: Mapping[str, str]
    quantiser: float | None = None
    hdr: StaticHdr = NO_HDR
    timecode: str | None = None
    strict: bool = False
    sound: tuple[Path, Fraction, Fraction] | None = None


class OpenMovie:
    """A movie that is being written to ``path``. ``notes`` gain what the container cannot take."""

    def __init__(self, path: Path, plan: Plan, notes: list[str]) -> None:
        self._plan = plan
        self._closed = False
        self._sent = 0
        self._audio: AudioCopy | None = None
        options = {"fflags": "+bitexact"}
        if plan.muxer == "mp4":
            options["movflags"] = "+faststart"
        self._out: OutputContainer = av.open(str(path), "w", format=plan.muxer, container_options=options)
        self._stream, self._context = _open_stream(self._out, plan, notes)
        if plan.timecode is not None:
            self._stream.metadata["timecode"] = plan.timecode
        if plan.sound is not None:
            self._audio = AudioCopy(*plan.sound, self._out)
            notes += self._audio.notes

    def add(self, frame: Frame, place: int) -> tuple[int, int]:
        """Encode a frame. Returns how many samples had no code, and how many bytes came out so far for it."""
        plan = self._plan
        pixels = on_display(frame)
        if pixels.shape[:2] != (plan.height, plan.width):
            raise FrameError(
                f"frame {frame.number} is {pixels.shape[1]}x{pixels.shape[0]}, the movie {plan.width}x{plan.height}",
                remedy="bring all frames to one size, or write an image sequence",
            )
        parts, clamped = plan.coding.parts(pixels)
        if clamped and plan.strict:
            raise FrameError(
                f"frame {frame.number}: {clamped} samples are beyond what {plan.coding.layout.name} holds",
                remedy="choose overflow clamp, or a deeper format",
            )
        picture = av.VideoFrame(plan.width, plan.height, plan.coding.layout.name)
        fill(picture, parts)
        picture.pts, picture.time_base = place, 1 / plan.rate
        set_tags(picture, plan.coding)
        size = self._mux(self._context.encode(picture))
        if self._audio is not None:
            self._audio.up_to((place + 1) / plan.rate, self._out)
        return clamped, size

    def close(self, complete: bool = True) -> None:
        """Flush and write the trailer; without ``complete`` only let go of everything."""
        if self._closed:
            return
        self._closed = True
        try:
            if complete:
                self._mux(self._context.encode(None))
                if self._audio is not None:
                    self._audio.up_to(FOREVER, self._out)
        finally:
            if self._audio is not None:
                self._audio.close()
            self._out.close()

    def _mux(self, packets: Sequence[Packet[Any]]) -> int:
        size = 0
        for packet in packets:
            packet.stream = self._stream
            if self._plan.encoder.name == "libx265" and packet.pts is not None:
                # x265 dates packets from uninitialised memory where a movie is shorter than its reordering.
                packet.dts = min(self._sent - X265_REORDER, packet.pts)
                self._sent += 1
            size += packet.size
            self._out.mux_one(packet)
        return size


def _open_stream(out: OutputContainer, plan: Plan, notes: list[str]) -> tuple[VideoStream, VideoCodecContext]:
    name = plan.encoder.name
    codec = av.codec.Codec(name, "w").canonical_name
    hdr = plan.hdr
    if hdr and not can_carry(codec):
        notes.append(f"the container carries no HDR metadata for {codec}")
        hdr = NO_HDR
    if not hdr:
        try:
            plain = out.add_stream(name, rate=plan.rate)
        except ValueError:
            raise _unfit(name, out) from None
        assert isinstance(plain, VideoStream)
        _open_encoder(plain.codec_context, plan)
        return plain, plain.codec_context
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, VideoCodecContext)
    _open_encoder(context, plan)
    try:
        with carrier(codec, plan.width, plan.height, hdr) as template:
            stream = out.add_stream_from_template(template.streams.video[0], opaque=True)
    except ValueError:
        raise _unfit(name, out) from None
    parameters = stream.codec_context
    parameters.extradata = context.extradata
    parameters.width, parameters.height, parameters.pix_fmt = plan.width, plan.height, context.pix_fmt
    parameters.framerate = plan.rate
    parameters.sample_aspect_ratio = context.sample_aspect_ratio
    parameters.field_order = _PROGRESSIVE
    if context.codec_tag.strip("\0"):
        parameters.codec_tag = context.codec_tag
    set_tags(parameters, plan.coding)
    stream.time_base = 1 / plan.rate
    return stream, context


def _unfit(name: str, out: OutputContainer) -> UsageError:
    return UsageError(
        f"{out.format.name} does not hold what {name} makes", where="codec", remedy="choose another suffix or codec"
    )


def _open_encoder(context: VideoCodecContext, plan: Plan) -> None:
    encoder, layout = plan.encoder, plan.coding.layout
    context.width, context.height, context.pix_fmt = plan.width, plan.height, layout.name
    context.framerate, context.time_base = plan.rate, 1 / plan.rate
    context.sample_aspect_ratio = Fraction(plan.pixel_aspect).limit_denominator(1000)
    context.field_order = _PROGRESSIVE
    set_tags(context, plan.coding)
    flags = av.codec.context.Flags
    context.flags |= flags.bitexact
    if plan.muxer in ("mov", "mp4", "matroska", "webm", "nut"):
        context.flags |= flags.global_header
    context.thread_count = encoder.threads
    if not encoder.threads:
        context.thread_type = "AUTO"  # frames beside one another, where the codec codes each alone
    if encoder.tag and plan.muxer in ("mov", "mp4"):
        context.codec_tag = encoder.tag
    options = dict(plan.options)
    if layout.down > 1 or layout.across > 1:
        options.setdefault("chroma_sample_location", plan.coding.siting)
    if plan.quantiser is not None:
        context.qscale = True
        options.setdefault("global_quality", str(round(plan.quantiser * _QUANTISER_STEP)))
    _start(context, options, encoder.name)


def _start(context: VideoCodecContext, options: dict[str, str], name: str) -> None:
    if name == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # it greets on stderr otherwise; 1 leaves its errors
    context.options = options
    try:
        context.open()
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"the encoder {name} refuses {context.width}x{context.height} {context.pix_fmt} at {context.framerate} "
            f"with {options}: {reason}",
            where="codec",
            remedy="check codec_options, size and rate",
        ) from None
    if context.options:
        raise UsageError(
            f"the encoder {name} has no option {', '.join(sorted(context.options))}",
            where="codec_options",
            remedy="ffmpeg -h encoder=" + name + " lists them",
        )
