"""Real encoders and decoders in memory, through PyAV: planes in, coded and decoded planes out, in order."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from wetgate.damage.planes import Planes
from wetgate.spec import Image, UsageError


@dataclass(frozen=True, slots=True)
class Coding:
    """An encoder and its settings. ``attributes`` are codec-context fields, ``options`` FFmpeg's by name.

    One thread: the frames that libx264 makes depend on how many it is given. ``keyframe_every`` forces intra frames at
    frame numbers divisible by it, so that a run that starts at one gives what a longer run gives.
    """

    encoder: str
    pixel_format: str
    options: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    keyframe_every: int = 12
    rate: Fraction = Fraction(25)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture: planes, "I", "P" or "B", bytes of its packet, and the quantiser of each block (rows,
    columns)."""

    planes: Planes
    kind: str
    size: int
    quantiser: Image | None


def transcode(pictures: Iterable[tuple[int, Planes]], coding: Coding) -> Iterator[Decoded]:
    """Encode and decode (frame number, planes) pairs; as many come out as went in, in the same order."""
    import av
    from av.video.frame import PictureType

    encoder: Any = None
    decoder: Any = None
    sizes: dict[int, int] = {}
    count = given = 0
    for number, planes in pictures:
        if encoder is None:
            encoder, decoder = _open(coding, planes)
        frame = _frame(planes, coding.pixel_format)
        frame.pts, frame.time_base = count, 1 / coding.rate
        if coding.keyframe_every and number % coding.keyframe_every == 0:
            frame.pict_type = PictureType.I
        count += 1
        for decoded in _decoded(encoder.encode(frame), encoder, decoder, sizes):
            given += 1
            yield decoded
    if encoder is None:
        return
    for decoded in _decoded([*encoder.encode(None), None], encoder, decoder, sizes):
        given += 1
        yield decoded
    if given != count:
        raise UsageError(
            f"{coding.encoder} gave back {given} of {count} frames", remedy=f"PyAV {av.__version__}: report it"
        )


def _open(coding: Coding, planes: Planes) -> tuple[Any, Any]:
    import av

    try:
        encoder: Any = av.CodecContext.create(coding.encoder, "w")
    except ValueError:
        raise UsageError(
            f"this build of PyAV has no encoder {coding.encoder}", remedy="install PyAV from its wheel"
        ) from None
    encoder.height, encoder.width = planes[0].shape
    encoder.pix_fmt = coding.pixel_format
    encoder.time_base, encoder.framerate = 1 / coding.rate, coding.rate
    encoder.thread_count = 1
    for name, value in coding.attributes.items():
        setattr(encoder, name, value)
    encoder.options = dict(coding.options)
    encoder.open()
    decoder: Any = av.CodecContext.create(encoder.codec.canonical_name, "r")
    decoder.thread_count = 1
    decoder.options = {"export_side_data": "venc_params"}
    decoder.width, decoder.height, decoder.pix_fmt = encoder.width, encoder.height, encoder.pix_fmt
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    return encoder, decoder


def _decoded(packets: Iterable[Any], encoder: Any, decoder: Any, sizes: dict[int, int]) -> Iterator[Decoded]:
    from av.video.frame import PictureType

    for packet in packets:
        if packet is not None and packet.pts is not None:
            sizes[packet.pts] = packet.size
        for frame in decoder.decode(packet):
            size = sizes.pop(frame.pts, 0) if frame.pts is not None else 0
            yield Decoded(_planes(frame), PictureType(frame.pict_type).name, size, _quantisers(frame))


def _frame(planes: Planes, pixel_format: str) -> Any:
    import av

    frame: Any = av.VideoFrame(planes[0].shape[1], planes[0].shape[0], pixel_format)
    for plane, source in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = source
        plane.update(rows)
    return frame


def _planes(frame: Any) -> Planes:
    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width].copy()
        for plane in frame.planes
    ]


def _quantisers(frame: Any) -> Image | None:
    """The quantiser of each 16 x 16 block, from FFmpeg's AVVideoEncParams (libavutil/video_enc_params.h, its C
    layout)."""
    from av.sidedata.sidedata import Type

    data = frame.side_data.get(Type.VIDEO_ENC_PARAMS)
    if data is None:
        return None
    raw = bytes(data)
    (count,) = struct.unpack_from("I", raw, 0)
    offset, stride = struct.unpack_from("QQ", raw, 8)
    kind, base = struct.unpack_from("ii", raw, 24)
    rows, columns = -(-frame.height // 16), -(-frame.width // 16)
    total, blocks = np.zeros((rows, columns)), np.zeros((rows, columns))
    for i in range(count):
        x, y, _, _, delta = struct.unpack_from("iiiii", raw, offset + i * stride)
        row, column = y // 16, x // 16
        if 0 <= row < rows and 0 <= column < columns:
            total[row, column] += base + delta
            blocks[row, column] += 1
    scale = 0.5 if kind == _MPEG2 else 1.0  # FFmpeg doubles the quantiser scale of MPEG-2 and MPEG-4
    return np.asarray(total / np.maximum(blocks, 1) * scale, dtype=np.float32)


_MPEG2 = 2  # AV_VIDEO_ENC_PARAMS_MPEG2
