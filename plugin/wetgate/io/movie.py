"""Movies in and out. What is done to a movie is told by its file; here is how it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from wetgate.color.tags import Tags, space_of
from wetgate.color.ycbcr import luma_weights
from wetgate.io.movie_decoder import Decoder
from wetgate.io.movie_hdr import hdr_of_frame
from wetgate.io.movie_index import MovieIndex, index_packets, video_stream
from wetgate.io.movie_planes import layout_of
from wetgate.io.movie_read import MovieSource, Stream, bit_depth, channel_names
from wetgate.io.movie_side_data import DECODER_OPTIONS
from wetgate.io.movie_tags import StreamTags, chroma_location, find_timecode, first_field, read_tags
from wetgate.io.movie_timecode import parse_timecode
from wetgate.io.movie_write import MovieSink, open_movie_sink
from wetgate.io.ranges import parse_frames
from wetgate.io.rates import exact_rate
from wetgate.io.source import OnMissing, SourceInfo, SpaceHint
from wetgate.spec import UsageError

__all__ = ["MovieSink", "MovieSource", "open_movie", "open_movie_sink"]

# How many pictures are decoded on opening, to see whether the packets' times are those that the pictures carry.
TRIED_PICTURES = 3
# Elementary streams, without a container's clock.
_BARE_STREAMS = frozenset({"h264", "hevc", "mpegvideo", "obu", "m4v", "dirac", "vvc"})


def open_movie(
    path: str | Path,
    *,
    frames: str | None = None,
    on_missing: OnMissing = "error",
    matrix: int | None = None,
    full_range: bool | None = None,
    side_data: bool = False,
    conceal: bool = False,
) -> MovieSource:
    """Open the first video stream of a movie for reading, frames numbered from 0 as they are shown.

    ``matrix`` (H.273 MatrixCoefficients) and ``full_range`` overrule the stream's tags. ``side_data`` adds the
    decoder's quantisers and motion vectors to ``Frame.codec`` (:mod:`wetgate.io.movie_side_data`). Damaged pictures are
    errors, or as ``on_missing`` says, unless ``conceal`` lets the decoder patch them. Raises :class:`UsageError`
    where the file is no movie, holds no video, or one that cannot be worked.
    """
    path = Path(path)
    if matrix is not None:
        luma_weights(matrix)
    # A decoder that meets damage shall say so instead of drawing something there.
    options = {} if conceal else {"err_detect": "+explode"}
    if side_data:
        options.update(DECODER_OPTIONS)
    facts = _facts(path, options)
    index, head = facts.index, facts.head
    layout = layout_of(head.format.name)
    tags = read_tags(layout, head, facts.location, facts.codec, matrix=matrix, full_range=full_range)
    numbers: Sequence[int] = range(len(index)) if frames is None else parse_frames(frames)
    if frames is None and index.promised > len(index.packets):
        numbers = range(len(index) + index.promised - len(index.packets))
    if not any(0 <= n < len(index) for n in numbers):
        raise UsageError(f"none of the frames {frames} is in the movie", where=str(path), allowed=_span(index))
    timecode = facts.timecode
    info = SourceInfo(
        kind="movie",
        label=path.name,
        width=head.width,
        height=head.height,
        channels=channel_names(layout),
        rate=facts.rate,
        start_timecode=timecode,
        pixel_aspect=facts.pixel_aspect,
        bit_depth=bit_depth(layout),
        hint=space_hint(tags),
        notes=(*tags.notes, *_tag_notes(tags), *facts.notes, *_timecode_notes(timecode, facts.rate)),
    )
    stream = Stream(path, facts.codec, layout, tags, facts.field_order, hdr_of_frame(head).metadata)
    return MovieSource(stream, info, index, Decoder(path, index, options, conceal), numbers, on_missing)


def space_hint(tags: StreamTags) -> SpaceHint:
    """What the tags say of the pixels' colour space. Never a guess: a missing or unknown tag gives no space."""
    codes = Tags(tags.primaries, tags.transfer, tags.matrix)
    shown = f"stream tags {tags.stated}"
    lacking = [name for name in tags.missing if name in ("primaries", "transfer")]
    if lacking:
        return SpaceHint(None, f"{shown}: no {' and no '.join(lacking)}", False)
    space = space_of(codes)
    return SpaceHint(space, shown if space else f"{shown}, which name no space of the config", False)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What opening finds out."""

    index: MovieIndex
    head: av.VideoFrame
    codec: str
    location: str
    rate: Fraction | None
    timecode: str | None
    pixel_aspect: float
    field_order: int
    notes: list[str]


def _facts(path: Path, options: dict[str, str]) -> _Facts:
    try:
        with av.open(str(path)) as container:
            stream = video_stream(container)
            location = chroma_location(container, stream.index)
            for other in container.streams:
                if other is not stream:
                    other.discard = av.stream.Discard.all
            index = index_packets(container, stream)
            head, notes = _try_pictures(path, index, options)
            if index.promised > len(index.packets):
                notes.append(f"the header lists {index.promised} frames, {len(index.packets)} are there")
            if index.damage:
                notes.append(index.damage)
            if container.format.name in _BARE_STREAMS:  # the demuxer would say 25, whatever the stream says
                own = stream.codec_context.framerate
                rate = exact_rate(own)
            else:
                rate = _rate(stream.average_rate, stream.guessed_rate, index)
                notes += _short(container, stream, index)
            if index.is_variable(rate):
                spread = index.durations() or (Fraction(0), Fraction(0))
                notes.append(
                    "variable frame rate: frames last from {:.1f} to {:.1f} ms; they are numbered in order, and the "
                    "rate is their mean".format(*(float(1000 * t) for t in spread))
                )
            order = int(stream.codec_context.field_order)
            notes += _picture_notes(head, order)
            others = sum(s.type == "video" for s in container.streams) - 1
            if others:
                notes.append(f"the file has {others} more video streams, which are not read")
            aspect = stream.sample_aspect_ratio
            return _Facts(
                index=index,
                head=head,
                codec=stream.codec_context.codec.canonical_name,
                location=location,
                rate=rate,
                timecode=find_timecode(container, stream, head),
                pixel_aspect=float(aspect) if aspect else 1.0,
                field_order=order,
                notes=notes,
            )
    except (av.FFmpegError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise UsageError("the movie is not there", where=str(path), remedy="check the path") from None
        raise UsageError(
            f"the file cannot be read as a movie: {error.strerror or error}",
            where=str(path),
            remedy="check that it is complete, and not of another kind than its suffix says",
        ) from None


def _try_pictures(path: Path, index: MovieIndex, options: dict[str, str]) -> tuple[av.VideoFrame, list[str]]:
    """The first picture, with the index made true to what really comes out of the decoder."""
    notes: list[str] = []
    first: list[av.VideoFrame] = []
    times = _decoded(path, options, TRIED_PICTURES, first)
    if not first:
        raise UsageError(
            "no picture of the movie can be decoded", where=str(path), remedy="copy the file again, or convert it"
        )
    if index.ordinal:
        notes.append("the stream has no usable times: frames are counted from its start, and going back is slow")
        return first[0], notes
    if times:
        lead = index.frame_at(times[0])
        if lead and [index.frame_at(t) for t in times] == list(range(lead, lead + len(times))):
            notes.append(f"{lead} pictures before the first keyframe cannot be decoded and are left out")
            index.set_times(index.times[lead:])
            return first[0], notes
        if [index.frame_at(t) for t in times] == list(range(len(times))):
            return first[0], notes
    # Packets and pictures do not match (single fields, packed B-frames): decode it all once.
    times = _decoded(path, options, None, [])
    known = [t for t in times if t is not None]
    if len(known) == len(times) and all(a < b for a, b in pairwise(known)):
        index.set_times(known)
    else:
        index.ordinal = True
        index.set_times(list(range(len(times))))
        notes.append("the stream has no usable times: frames are counted from its start, and going back is slow")
    return first[0], notes


def _decoded(path: Path, options: dict[str, str], most: int | None, keep: list[av.VideoFrame]) -> list[int | None]:
    """The times of the first ``most`` pictures, or of all. The first picture itself is put into an empty ``keep``."""
    times: list[int | None] = []
    with av.open(str(path)) as container:
        stream = video_stream(container)
        stream.codec_context.options = dict(options)
        stream.thread_type = "AUTO" if most is None else "SLICE"
        packets = container.demux(stream)
        while most is None or len(times) < most:
            packet = None
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                frames = packet.decode()
            except (av.FFmpegError, OSError):
                if packet is None:
                    break  # the container gives no more
                continue
            if frames and not keep:
                keep.append(frames[0])
            times += [frame.pts for frame in frames]
    return times if most is None else times[:most]


def _short(container: InputContainer, stream: VideoStream, index: MovieIndex) -> list[str]:
    """Whether the picture ends well before the header says, in a file without a table of frames."""
    if index.promised or index.ordinal or len(index) < 2:
        return []
    stated = stream.duration * index.time_base if stream.duration and stream.time_base else None
    if stated is None and len(container.streams) == 1 and container.duration:
        stated = Fraction(container.duration, 1_000_000)  # av.time_base
    length = (index.times[-1] - index.times[0]) * index.time_base * Fraction(len(index), len(index) - 1)
    if stated is None or stated - length <= max(3 * length / len(index), Fraction(1, 4)):
        return []
    return [f"the header states {float(stated):.2f} s, the picture ends after {float(length):.2f} s: cut off?"]


def _rate(average: Fraction | None, guessed: Fraction | None, index: MovieIndex) -> Fraction | None:
    """Frames a second, exact: the container's mean, or its guess of the nominal rate where the two nearly agree.

    A mean that is faster than the shortest frame is none: libavformat's DV demuxer, and what was copied from it, state
    the clock's ticks a second.
    """
    spread = index.durations()
    if average is not None and average > 0 and spread is not None and 1 / average < spread[0] - index.time_base:
        average = guessed if not index.is_variable(guessed) else index.mean_rate()
    if average is None or average <= 0:
        return exact_rate(guessed)
    if guessed is not None and abs(guessed - average) <= average / 100 and not index.is_variable(guessed):
        return exact_rate(guessed)
    return exact_rate(average)


def _picture_notes(head: av.VideoFrame, order: int) -> list[str]:
    notes = []
    if head.interlaced_frame:
        field = first_field(order)
        notes.append(f"interlaced{f', {field} field first' if field else ''}: fields are kept woven, not separated")
    if head.rotation:
        notes.append(f"the file asks players to turn the picture by {head.rotation} degrees; it is worked as stored")
    return notes


def _tag_notes(tags: StreamTags) -> list[str]:
    lacking = [name for name in tags.missing if name in ("primaries", "transfer")]
    if not lacking:
        return []
    return [f"the stream does not name its {' and '.join(lacking)}: name the colour space (--in-space)"]


def _timecode_notes(timecode: str | None, rate: Fraction | None) -> list[str]:
    if timecode is None or rate is None:
        return []
    try:
        parse_timecode(timecode, rate)
    except UsageError as error:
        return [f"the start time code is not carried on to frames: {error.what}"]
    if rate > 40:
        return ["time codes of more than 40 frames a second are not carried on to single frames"]
    return []


def _span(index: MovieIndex) -> str:
    return f"0 to {len(index) - 1}"
