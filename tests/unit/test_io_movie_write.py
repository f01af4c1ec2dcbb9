"""Writing movies: code values, tags in stream and container, what travels with the picture."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from support.movies import FULL, HLG, LIMITED, PQ, RATE, SDR, bars_and_ramps, encode, frames_of, read_back, write
from wetgate.color.ycbcr import Layout, Quantisation
from wetgate.io.attributes import TimeCode
from wetgate.io.movie import open_movie, open_movie_sink
from wetgate.io.sink import WriteOptions
from wetgate.spec import Box, Frame, FrameError


@pytest.mark.parametrize(
    ("pixel_format", "step"),
    # Half a code of luma, and what half a code of chroma makes of R'G'B' beside it (BT.709: at most 1.8556 times).
    [
        ("yuv444p16le", 0.5 / 56064 + 1.8556 * 0.5 / 57344),
        ("yuv444p10le", 0.5 / 876 + 1.8556 * 0.5 / 896),
        ("gbrp16le", 0.5 / 65535),
        ("gbrp10le", 0.5 / 1023),
    ],
)
def test_a_lossless_movie_is_within_half_a_code(tmp_path: Path, pixel_format: str, step: float) -> None:
    pictures = [np.clip(bars_and_ramps(shift=n), 0, 1) for n in range(3)]
    write(tmp_path / "m.mkv", frames_of(pictures), pixel_format=pixel_format)
    for frame, picture in zip(read_back(tmp_path / "m.mkv", 3), pictures, strict=True):
        assert np.abs(frame.pixels - picture).max() <= step + 2e-6  # float32 arithmetic on the way


def away_from_edges(width: int, height: int) -> Any:
    """Where :func:`bars_and_ramps` has no edge within eight pixels: subsampled chroma smears them so far."""
    x, y = np.arange(width), np.arange(height)
    third, bar = height // 3, width // 8
    inside = (y % third >= 8) & (y % third < third - 8)
    columns = (x >= 8) & (x < width - 8)
    bars = (x % bar >= 8) & (x % bar < bar - 8)
    return inside[:, None] & np.where((y < third)[:, None], bars, columns)


@pytest.mark.parametrize(
    ("name", "options", "mean", "worst"),
    # Of R'G'B', away from the bars' edges. A code of 8 bits is 0.0046, of 10 bits 0.0011; crf 16 and the ProRes and
    # DNxHR quantisers are meant to be invisible, a few codes at worst.
    [
        ("m.mov", {}, 0.001, 0.008),
        ("m.mov", {"codec_options": {"profile": "4444xq"}}, 0.001, 0.006),
        ("m.mp4", {"codec": "libx264", "pixel_format": "yuv444p10le"}, 0.004, 0.04),
        ("m.mp4", {"codec": "libx264", "depth": "uint10"}, 0.004, 0.04),
        ("m.mp4", {}, 0.005, 0.04),
        ("m.mp4", {"codec": "libx265"}, 0.004, 0.04),
        ("m.webm", {}, 0.004, 0.04),
        ("m.mxf", {}, 0.001, 0.008),
        ("m.mkv", {"codec": "mpeg2video"}, 0.005, 0.04),
        ("m.mov", {"codec": "mjpeg"}, 0.005, 0.03),
        ("m.mov", {"codec": "v210"}, 0.001, 0.003),
    ],
)
def test_bars_and_ramps_come_back_from_every_codec(
    tmp_path: Path, name: str, options: dict[str, Any], mean: float, worst: float
) -> None:
    pictures = [bars_and_ramps(256, 144, shift=n) for n in range(3)]
    rate = Fraction(24) if name == "m.mxf" else RATE
    write(tmp_path / name, frames_of(pictures), rate=rate, **options)
    where = away_from_edges(256, 144)
    if options.get("codec") == "mjpeg":  # full range: what is beyond 0..1 is gone, and counted
        where[48:96] = False
    errors = [np.abs(f.pixels - p)[where] for f, p in zip(read_back(tmp_path / name, 3), pictures, strict=True)]
    assert np.mean(errors) < mean
    assert np.max(errors) < worst


@pytest.mark.parametrize("codec", ["ffv1", "prores_ks", "libx264", "libx265", "libsvtav1", "v210"])
def test_super_whites_and_sub_blacks_survive(tmp_path: Path, codec: str) -> None:
    picture = np.full((64, 96, 3), 0.5, np.float32)
    picture[:32, :48], picture[:32, 48:] = 1.08, -0.06
    suffix = {"libsvtav1": "mkv", "ffv1": "mkv"}.get(codec, "mov")
    depth = None if codec in ("ffv1", "prores_ks", "v210") else "uint10"
    sink_path = tmp_path / f"m.{suffix}"
    write(sink_path, frames_of([picture] * 2), codec=codec, depth=depth)
    pixels = read_back(sink_path, 2)[1].pixels
    # Two 10-bit codes: the patches are flat, so that even lossy coders hold them.
    assert pixels[8:24, 8:40] == pytest.approx(1.08, abs=2.5 / 876)
    assert pixels[8:24, 56:88] == pytest.approx(-0.06, abs=2.5 / 876)


def test_untouched_footage_keeps_its_codes(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    frame = av.VideoFrame(64, 48, "yuv420p10le")
    stored = [rng.integers(64, 940, (48, 64)), *(rng.integers(300, 700, (24, 32)) for _ in range(2))]
    from wetgate.io.movie_planes import components, fill

    fill(frame, stored)
    encode(tmp_path / "in.mkv", "ffv1", [frame], tags=(1, 1, 1, LIMITED))
    source = open_movie(tmp_path / "in.mkv")
    write(tmp_path / "out.mkv", [source.read(0).frame], pixel_format="yuv420p10le")
    with av.open(str(tmp_path / "out.mkv")) as container:
        again = [c.copy() for c in components(next(container.decode(video=0)))]
    for before, after in zip(stored, again, strict=True):
        assert np.array_equal(before, after)


def test_samples_without_a_code_are_clamped_and_counted(tmp_path: Path) -> None:
    picture = np.full((32, 32, 3), 0.5, np.float32)
    picture[0, :4] = [np.nan, 7.0, 0.5]
    picture[1, :3] = np.inf
    sink = open_movie_sink(
        tmp_path / "m.mkv", numbers=[0], options=WriteOptions(rate=RATE, pixel_format="gbrp16le"), space=SDR
    )
    # Eight samples of NaN and 7, nine of infinity: changed once, and the large ones clamped to the last code again.
    assert sink.write(Frame(picture, "", 0)).clamped == 4 + 4 + 9 + 4 + 9
    sink.finish()
    pixels = read_back(tmp_path / "m.mkv", 1)[0].pixels
    assert np.isfinite(pixels).all()
    assert pixels[0, 0].tolist() == pytest.approx([0.0, 1.0, 0.5], abs=1e-5)
    assert np.abs(pixels[5:] - 0.5).max() < 1e-5


def test_overflow_error_refuses_the_frame(tmp_path: Path) -> None:
    sink = open_movie_sink(
        tmp_path / "m.mkv", numbers=[0, 1], options=WriteOptions(rate=RATE, overflow="error"), space=SDR
    )
    sink.write(Frame(np.full((32, 32, 3), 1.05, np.float32), "", 0))
    with pytest.raises(FrameError, match="beyond what yuv444p16le holds"):
        sink.write(Frame(np.full((32, 32, 3), 1.5, np.float32), "", 1))
    sink.abort()


@pytest.mark.parametrize("name", ["m.mov", "x264.mp4", "x265.mp4", "m.mkv", "m.webm"])
@pytest.mark.parametrize(
    ("space", "codes"), [(SDR, (1, 1, 1)), (PQ, (9, 16, 9)), (HLG, (9, 18, 9)), ("srgb_display", (1, 13, 1))]
)
def test_the_tags_are_exact_in_stream_and_container(
    tmp_path: Path, name: str, space: str, codes: tuple[int, ...]
) -> None:
    codec = {"x264.mp4": "libx264", "x265.mp4": "libx265"}.get(name)
    write(tmp_path / name, frames_of([bars_and_ramps(64, 64)] * 2), space, codec=codec)
    with av.open(str(tmp_path / name)) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == codes
        assert context.color_range == LIMITED
        frame = next(container.decode(video=0))
        assert (frame.color_primaries, frame.color_trc, frame.colorspace) == codes
    info = open_movie(tmp_path / name).info
    assert info.hint.space == space
    assert not info.notes
    if name.endswith(("mov", "mp4")):  # the box that QuickTime reads: type, then three big-endian codes
        data = (tmp_path / name).read_bytes()
        at = data.index(b"colr") + 4
        assert data[at : at + 4] == (b"nclc" if name.endswith("mov") else b"nclx")
        assert tuple(int.from_bytes(data[at + 4 + 2 * i : at + 6 + 2 * i], "big") for i in range(3)) == codes


def test_full_range_is_written_and_tagged_when_asked_for(tmp_path: Path) -> None:
    picture = np.clip(bars_and_ramps(), 0, 1)
    write(tmp_path / "m.mkv", frames_of([picture]), pixel_format="yuv444p10le", full_range=True)
    with av.open(str(tmp_path / "m.mkv")) as container:
        frame = next(container.decode(video=0))
        assert frame.color_range == FULL
        luma = np.frombuffer(frame.planes[0], "<u2").reshape(48, -1)[:, :64]
    assert (luma.min(), luma.max()) == (0, 1023)
    assert np.abs(read_back(tmp_path / "m.mkv", 1)[0].pixels - picture).max() < 0.002  # half codes of 10 bits


def test_chroma_of_bt2020_lies_top_left_and_is_tagged_so(tmp_path: Path) -> None:
    write(tmp_path / "m.mp4", frames_of([bars_and_ramps(64, 64)] * 2), PQ)
    assert open_movie(tmp_path / "m.mp4").read(0).frame.codec["siting"] == "topleft"


@pytest.mark.parametrize(
    ("name", "options", "kept"),
    [
        ("m.mov", {}, True),
        ("m.mkv", {}, True),
        ("m.mp4", {}, False),
        ("m.mov", {"codec_options": {"profile": "hq"}}, False),
    ],
)
def test_alpha_is_kept_where_the_codec_has_it_and_missed_aloud_where_not(
    tmp_path: Path, name: str, options: dict[str, Any], kept: bool
) -> None:
    picture = np.full((64, 64, 4), 0.5, np.float32)
    picture[:32, :, 3] = 0.25
    picture[32:, :, 3] = 1.0
    sink = write(tmp_path / name, frames_of([picture]), **options)
    frame = read_back(tmp_path / name, 1)[0]
    assert ("A" in frame.layout) == kept
    assert any("alpha is left out" in note for note in sink.notes) == (not kept)
    if kept:
        assert frame.alpha is not None
        assert np.abs(frame.alpha - picture[..., 3]).max() < 0.001  # 10 bits of alpha in
        assert np.abs(frame.rgb - 0.5).max() < 0.01


@pytest.mark.parametrize("suffix", ["mov", "mp4", "mkv"])
@pytest.mark.parametrize("carried", [True, False])
def test_the_start_time_code_is_written(tmp_path: Path, suffix: str, carried: bool) -> None:
    given = {} if carried else {"start_timecode": "10:20:30:12"}
    metadata = {"timeCode": TimeCode.parse("10:20:30:12")} if carried else {}
    write(tmp_path / f"m.{suffix}", frames_of([bars_and_ramps(64, 64)], metadata=metadata), **given)
    assert open_movie(tmp_path / f"m.{suffix}").info.start_timecode == "10:20:30:12"


def test_rate_and_pixel_aspect_are_written(tmp_path: Path) -> None:
    metadata = {"framesPerSecond": Fraction(30000, 1001)}
    frames = frames_of([bars_and_ramps(64, 64)] * 4, metadata=metadata, pixel_aspect=128 / 117)
    write(tmp_path / "m.mov", frames, rate=None)
    info = open_movie(tmp_path / "m.mov").info
    assert info.rate == Fraction(30000, 1001)
    assert info.pixel_aspect == pytest.approx(128 / 117, rel=1e-5)


def test_the_display_window_is_what_a_movie_shows(tmp_path: Path) -> None:
    picture = np.full((20, 24, 3), 0.8, np.float32)
    frame = Frame(picture, "", 0, data_window=Box(-4, 10, 24, 20), display_window=Box(0, 0, 32, 32))
    write(tmp_path / "m.mkv", [frame])
    pixels = read_back(tmp_path / "m.mkv", 1)[0].pixels
    expected = np.zeros((32, 32, 3), np.float32)
    expected[10:30, 0:20] = 0.8
    assert np.abs(pixels - expected).max() < 1e-4  # 16 bits


def test_chroma_is_filtered_as_the_matrix_module_does(tmp_path: Path) -> None:
    picture = bars_and_ramps(64, 64)
    write(tmp_path / "m.mkv", frames_of([picture]), pixel_format="yuv422p10le")
    with av.open(str(tmp_path / "m.mkv")) as container:
        frame = next(container.decode(video=0))
        cb = np.frombuffer(frame.planes[1], "<u2").reshape(64, -1)[:, :32]
    expected = Layout(1, Quantisation(10, False), (2, 1), "left").codes(picture)[1]
    assert np.array_equal(cb, np.clip(np.floor(expected + 0.5), 0, 1023))
