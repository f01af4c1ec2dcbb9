"""Small movies for tests. :func:`encode` goes straight through PyAV: the reader is not tested by our writer alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from wetgate.io.movie import MovieSink, open_movie, open_movie_sink
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame, Image

LIMITED, FULL = 1, 2


def plane(frame: av.VideoFrame, index: int, dtype: Any = np.uint8) -> np.ndarray[Any, Any]:
    """A writable view of one plane of a frame, (rows, samples a row), padding left out."""
    found = frame.planes[index]
    size = np.dtype(dtype).itemsize
    return np.ndarray((found.height, found.width), dtype, buffer=memoryview(found), strides=(found.line_size, size))


def counted(count: int, width: int = 96, height: int = 64, pixel_format: str = "yuv420p") -> list[av.VideoFrame]:
    """8-bit planar pictures of a moving texture, in which Cb is 60 + 3 n: :func:`number_in` reads n back."""
    rng = np.random.default_rng(0)
    texture = rng.integers(60, 180, (height + count, width + count), dtype=np.uint8)
    texture = (texture // 4 + 100).astype(np.uint8)
    frames = []
    for n in range(count):
        frame = av.VideoFrame(width, height, pixel_format)
        plane(frame, 0)[...] = texture[n : n + height, n : n + width]
        plane(frame, 1)[...] = 60 + 3 * n
        plane(frame, 2)[...] = 128
        frames.append(frame)
    return frames


def number_in(pixels: np.ndarray[Any, Any]) -> int:
    """The n of a picture of :func:`counted`, out of decoded R'G'B' (matrix BT.601, limited range)."""
    luma = pixels @ np.array([0.299, 0.587, 0.114])
    cb = (pixels[..., 2] - luma).mean() / 1.772 * 224 + 128
    return round((cb - 60) / 3)


def encode(
    path: Path,
    codec: str,
    frames: Sequence[av.VideoFrame],
    *,
    options: Mapping[str, str] | None = None,
    container: Mapping[str, str] | None = None,
    muxer: str | None = None,
    times: Sequence[int] | None = None,
    rate: Fraction | int = 24,
    tags: Sequence[int] = (2, 2, 2, 0),
    flags: int = 0,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write the pictures. ``times`` are in milliseconds; ``tags`` are primaries, transfer, matrix and range."""
    with av.open(str(path), "w", format=muxer, options=dict(container or {})) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, frames[0].format.name
        context = stream.codec_context
        context.options = dict(options or {})
        context.flags |= flags
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        stream.metadata.update(metadata or {})
        base = Fraction(1, 1000) if times is not None else 1 / Fraction(rate)
        context.time_base = base
        for n, frame in enumerate(frames):
            frame.pts, frame.time_base = (n if times is None else times[n]), base
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = tags
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


X264 = {"preset": "fast", "g": "8", "crf": "10"}
X265 = {"preset": "ultrafast", "x265-params": "open-gop=1:keyint=8:bframes=3:log-level=none:info=0", "crf": "10"}

SDR, PQ, HLG = "rec1886_rec709_display", "rec2100_pq_display", "rec2100_hlg_display"
RATE = Fraction(24000, 1001)


def bars_and_ramps(width: int = 64, height: int = 48, shift: int = 0) -> Image:
    """Colour bars at 75 % above, a grey ramp from -0.07 to 1.09 in the middle, coloured ramps below."""
    colours = np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]])
    picture = np.empty((height, width, 3), np.float32)
    third = height // 3
    picture[:third] = 0.75 * colours[(np.arange(width) * 8 // width + shift) % 8]
    picture[third : 2 * third] = np.linspace(-0.07, 1.09, width)[:, None]
    x = np.linspace(0.0, 1.0, width)
    picture[2 * third :] = np.stack([x, 1 - x, 0.5 + 0 * x], axis=-1)
    return picture


def frames_of(pictures: Iterable[Image], **fields: Any) -> list[Frame]:
    return [Frame(p.astype(np.float32), "", n, **fields) for n, p in enumerate(pictures)]


def write(path: Path, frames: list[Frame], space: str = SDR, **options: Any) -> MovieSink:
    options.setdefault("rate", RATE)
    sink = open_movie_sink(
        path, numbers=[f.number for f in frames], options=WriteOptions(**options), space=space, interop_id=None
    )
    for frame in frames:
        sink.write(frame)
    sink.finish()
    return sink


def read_back(path: Path, count: int) -> list[Frame]:
    source = open_movie(path)
    assert len(source.numbers) == count
    return [source.read(n).frame for n in range(count)]
