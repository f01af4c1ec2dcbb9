"""Reading movies: the right picture for a number, its exact code values, and what the stream says of itself."""

from __future__ import annotations

import random
import struct
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from support.movies import FULL, LIMITED, X264, X265, counted, encode, number_in, plane
from wetgate.io.movie import open_movie
from wetgate.spec import FrameError, UsageError

# What stands for each family of containers and of picture orders: B-frames, open groups, rolling refresh, no times.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "b_frames.mp4": ("libx264", {"options": X264}),
    "b_frames.mov": ("libx264", {"options": X264}),
    "b_frames.mkv": ("libx264", {"options": X264}),
    "open_groups.mp4": ("libx264", {"options": {**X264, "x264-params": "open-gop=1:bframes=3"}}),
    "open_groups.mkv": ("libx264", {"options": {**X264, "x264-params": "open-gop=1:bframes=3"}}),
    "open_groups.ts": ("libx264", {"options": {**X264, "x264-params": "open-gop=1:bframes=3"}}),
    "rolling_refresh.mp4": ("libx264", {"options": {**X264, "intra-refresh": "1"}}),
    "hevc_open_groups.mp4": ("libx265", {"options": X265}),
    "hevc_open_groups.ts": ("libx265", {"options": X265}),
    "fragments.mp4": ("libx264", {"options": X264, "container": {"movflags": "frag_keyframe+empty_moov"}}),
    "program_stream.mpg": ("mpeg2video", {"options": {"g": "8", "bf": "2", "b": "5M"}}),
    "transport_stream.ts": ("mpeg2video", {"options": {"g": "8", "bf": "2", "b": "5M"}}),
    "bare.264": ("libx264", {"options": X264, "muxer": "h264"}),
    "b_frames.avi": ("mpeg4", {"options": {"g": "8", "bf": "2", "b": "5M"}}),
    "no_times.avi": ("libx264", {"options": X264}),
    "lossless.mkv": ("ffv1", {}),
    "vp9.webm": ("libvpx-vp9", {"options": {"g": "8", "deadline": "realtime", "b": "2M"}}),
}
COUNT = 30


@pytest.fixture(scope="module", params=KINDS)
def movie(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    codec, arguments = KINDS[request.param]
    return encode(tmp_path_factory.mktemp("movies") / request.param, codec, counted(COUNT), **arguments)


def test_frame_n_is_the_nth_picture_in_any_order(movie: Path) -> None:
    source = open_movie(movie)
    assert list(source.numbers) == list(range(COUNT))
    sequential = [source.read(n).frame.pixels for n in source.numbers]
    assert [number_in(p) for p in sequential] == list(range(COUNT))
    source.close()
    other = open_movie(movie)
    order = list(range(COUNT))
    random.Random(5).shuffle(order)
    for n in order:
        assert np.array_equal(other.read(n).frame.pixels, sequential[n]), n
    other.close()


def test_threads_that_read_at_once_get_their_own_frames(tmp_path: Path) -> None:
    source = open_movie(encode(tmp_path / "m.mp4", "libx264", counted(COUNT), options=X264))
    wrong: list[int] = []

    def read(numbers: list[int]) -> None:
        wrong.extend(n for n in numbers if number_in(source.read(n).frame.pixels) != n)

    orders = [random.Random(seed).sample(range(COUNT), COUNT) for seed in range(4)]
    threads = [threading.Thread(target=read, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_pictures_that_an_edit_list_hides_are_not_counted(tmp_path: Path) -> None:
    path = encode(tmp_path / "m.mov", "libx264", counted(24), options={**X264, "g": "12", "bf": "0"})
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 8  # version, flags; then the count, and per edit: duration, media time, rate
    duration, start = struct.unpack_from(">Ii", data, at + 4)
    rate_of_media = 12288
    struct.pack_into(">Ii", data, at + 4, duration, start + 5 * rate_of_media // 24)
    path.write_bytes(data)
    source = open_movie(path)
    assert number_in(source.read(0).frame.pixels) == 5
    assert number_in(source.read(14).frame.pixels) == 19
    assert len(source.numbers) == 19


def test_a_variable_rate_is_noted_and_frames_are_numbered_in_order(tmp_path: Path) -> None:
    times = np.cumsum([40 + (n % 3) * 25 for n in range(20)])
    path = encode(tmp_path / "m.mkv", "libx264", counted(20), options=X264, times=[int(t) for t in times])
    source = open_movie(path)
    assert any("variable frame rate" in note and "40.0 to 90.0" in note for note in source.info.notes)
    assert [number_in(source.read(n).frame.pixels) for n in (0, 7, 19)] == [0, 7, 19]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001)])
@pytest.mark.parametrize("suffix", ["mov", "mkv", "ts"])
def test_the_rate_is_exact(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    source = open_movie(encode(tmp_path / f"m.{suffix}", "libx264", counted(12), options=X264, rate=rate))
    assert source.info.rate == rate
    assert not any("variable" in note for note in source.info.notes)
    assert source.read(3).frame.metadata["framesPerSecond"] == rate


def test_the_start_time_code_goes_on_frame_by_frame(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    path = encode(
        tmp_path / "m.mov", "libx264", counted(6), options=X264, rate=rate, metadata={"timecode": "00:09:59;28"}
    )
    source = open_movie(path)
    assert source.info.start_timecode == "00:09:59;28"
    codes = [source.read(n).frame.metadata["timeCode"].text for n in range(4)]
    # Minute 10 drops nothing.
    assert codes == ["00:09:59;28", "00:09:59;29", "00:10:00;00", "00:10:00;01"]


def _flat(y: int, cb: int, cr: int, pixel_format: str = "yuv444p10le", width: int = 32) -> list[av.VideoFrame]:
    frame = av.VideoFrame(width, 32, pixel_format)
    for index, code in enumerate((y, cb, cr)):
        plane(frame, index, "<u2" if "10" in pixel_format else np.uint8)[...] = code
    return [frame]


@pytest.mark.parametrize(
    ("code", "value"),
    # Rec. ITU-R BT.2100-2 Table 9, 10 bits: black 64, white 940; 4 and 1019 are the last codes of the interface.
    [(64, 0.0), (940, 1.0), (1019, 955 / 876), (1023, 959 / 876), (4, -60 / 876), (0, -64 / 876), (502, 0.5)],
)
def test_super_whites_and_sub_blacks_come_through_unclipped(tmp_path: Path, code: int, value: float) -> None:
    path = encode(tmp_path / "m.mkv", "ffv1", _flat(code, 512, 512), tags=(1, 1, 1, LIMITED))
    pixels = open_movie(path).read(0).frame.pixels
    # float32 rounding of (code - 64) / 876 and of the matrix' unit weights
    assert np.abs(pixels - value).max() < 1e-6


@pytest.mark.parametrize(("matrix", "kr", "kb"), [(1, 0.2126, 0.0722), (6, 0.299, 0.114), (9, 0.2627, 0.0593)])
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range_are_those_of_the_tags(tmp_path: Path, matrix: int, kr: float, kb: float, full: bool) -> None:
    path = encode(tmp_path / "m.mkv", "ffv1", _flat(600, 700, 300), tags=(1, 1, matrix, FULL if full else LIMITED))
    frame = open_movie(path).read(0).frame
    y, cb, cr = (600 / 1023, 188 / 1023, -212 / 1023) if full else (536 / 876, 188 / 896, -212 / 896)
    red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    # H.273 8.3 worked in double precision; float32 keeps seven digits
    assert np.abs(frame.pixels - np.array([red, green, blue])).max() < 2e-6
    assert (frame.codec["matrix"], frame.codec["full_range"]) == (matrix, full)


@pytest.mark.parametrize(
    ("tags", "space"),
    [
        ((1, 1, 1, LIMITED), "rec1886_rec709_display"),
        ((9, 16, 9, LIMITED), "rec2100_pq_display"),
        ((9, 18, 9, LIMITED), "rec2100_hlg_display"),
        ((1, 13, 1, LIMITED), "srgb_display"),
        ((8, 1, 1, LIMITED), None),
    ],
)
def test_the_space_is_read_from_the_tags_and_never_guessed(tmp_path: Path, tags: Any, space: str | None) -> None:
    hint = open_movie(encode(tmp_path / "m.mkv", "ffv1", counted(1), tags=tags)).info.hint
    assert (hint.space, hint.assumed) == (space, False)
    assert "/".join(str(t) for t in tags[:3]) in hint.how


@pytest.mark.parametrize(("height", "named"), [(576, "BT.601"), (578, "BT.709")])
def test_an_untagged_stream_says_what_was_assumed(tmp_path: Path, height: int, named: str) -> None:
    path = encode(tmp_path / "m.mkv", "ffv1", counted(1, 32, height))
    info = open_movie(path).info
    assert info.hint.space is None
    assert info.hint.how == "stream tags 2/2/2: no primaries and no transfer"
    assert any("does not name its Y'CbCr matrix" in note and named in note for note in info.notes)
    assert any("does not name its range" in note for note in info.notes)


def test_asking_for_matrix_and_range_overrules_the_tags_and_is_noted(tmp_path: Path) -> None:
    path = encode(tmp_path / "m.mkv", "ffv1", _flat(600, 700, 300), tags=(1, 1, 1, LIMITED))
    source = open_movie(path, matrix=9, full_range=True)
    codec = source.read(0).frame.codec
    assert (codec["matrix"], codec["full_range"]) == (9, True)
    assert "Y'CbCr matrix 9 was asked for, the stream names matrix 1" in source.info.notes
    assert "full range was asked for, the stream names limited range" in source.info.notes


def test_a_matrix_that_cannot_be_worked_is_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "m.mkv", "ffv1", counted(1), tags=(9, 16, 14, LIMITED))
    with pytest.raises(UsageError, match="ICtCp"):
        open_movie(path)
    assert open_movie(path, matrix=9).read(0).frame.codec["matrix"] == 9


def test_rgb_streams_need_no_matrix_and_are_full_range(tmp_path: Path) -> None:
    frame = av.VideoFrame(32, 32, "gbrp10le")
    for index, code in enumerate((341, 682, 1023)):  # G, B, R
        plane(frame, index, "<u2")[...] = code
    source = open_movie(encode(tmp_path / "m.mkv", "ffv1", [frame]))
    assert np.allclose(source.read(0).frame.pixels[0, 0], [1.0, 1 / 3, 2 / 3], atol=1e-7)  # codes over 1023, float32
    assert not any("matrix" in note or "range" in note for note in source.info.notes)


def test_grey_and_alpha_are_named_in_the_layout(tmp_path: Path) -> None:
    grey = av.VideoFrame(32, 32, "gray10le")
    plane(grey, 0, "<u2")[...] = 940
    frame = open_movie(encode(tmp_path / "g.mkv", "ffv1", [grey], tags=(1, 1, 1, LIMITED))).read(0).frame
    assert frame.layout == ("Y",)
    assert np.allclose(frame.pixels, 1.0)
    keyed = av.VideoFrame(32, 32, "yuva444p10le")
    for index, code in enumerate((502, 512, 512, 1023)):
        plane(keyed, index, "<u2")[...] = code
    plane(keyed, 3, "<u2")[:, :16] = 0
    frame = open_movie(encode(tmp_path / "a.mkv", "ffv1", [keyed], tags=(1, 1, 1, LIMITED))).read(0).frame
    assert frame.layout == ("R", "G", "B", "A")
    assert frame.alpha is not None
    # Alpha is full range by definition, and colour under alpha 0 is kept.
    assert (frame.alpha[0, 0], frame.alpha[0, 31]) == (0.0, 1.0)
    assert np.allclose(frame.rgb, 0.5, atol=1e-6)


@pytest.mark.parametrize("siting", ["left", "topleft", "center"])
def test_the_chroma_location_of_the_stream_is_used(tmp_path: Path, siting: str) -> None:
    options = {**X264, "chroma_sample_location": siting}
    path = encode(tmp_path / "m.mp4", "libx264", counted(2), options=options, tags=(1, 1, 1, LIMITED))
    assert open_movie(path).read(0).frame.codec["siting"] == siting


def test_interlaced_chroma_is_not_mixed_between_fields(tmp_path: Path) -> None:
    frame = av.VideoFrame(64, 64, "yuv420p")
    plane(frame, 0)[...] = 120
    plane(frame, 2)[...] = 128
    plane(frame, 1)[0::2], plane(frame, 1)[1::2] = 90, 160  # one colour a field
    options = {"flags": "+ildct+ilme", "field_order": "tt", "g": "1", "q": "1", "qmin": "1", "qmax": "1"}
    path = encode(tmp_path / "m.mkv", "mpeg2video", [frame], options=options)
    source = open_movie(path)
    pixels = source.read(0).frame.pixels
    assert any("interlaced" in note for note in source.info.notes)
    top, bottom = pixels[0::2, :, 2], pixels[1::2, :, 2]
    # Each field is flat; 0.02 allows for MPEG-2 at its finest quantiser.
    assert np.ptp(top) < 0.02
    assert np.ptp(bottom) < 0.02
    assert (bottom.mean() - top.mean()) == pytest.approx(1.772 * 70 / 224, abs=0.02)


def test_pixel_aspect_and_codec_facts_travel_with_the_frame(tmp_path: Path) -> None:
    options = {**X264, "bf": "0", "sc_threshold": "0"}
    frames = counted(10)
    path = tmp_path / "m.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height = 96, 64
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)
        stream.codec_context.options = options
        for n, frame in enumerate(frames):
            frame.pts, frame.time_base = n, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    source = open_movie(path)
    assert source.info.pixel_aspect == pytest.approx(16 / 11)
    assert source.read(1).frame.pixel_aspect == pytest.approx(16 / 11)
    types = [source.read(n).frame.codec["picture_type"] for n in range(10)]
    assert types == ["I", *["P"] * 7, "I", "P"]
    assert [source.read(n).frame.codec["key_frame"] for n in (0, 1, 8)] == [True, False, True]


def test_quantisers_and_motion_come_along_when_asked_for(tmp_path: Path) -> None:
    path = encode(tmp_path / "m.mp4", "libx264", counted(6), options={"qp": "24", "g": "8", "bf": "0", "aq-mode": "0"})
    assert "blocks" not in open_movie(path).read(2).frame.codec
    codec = open_movie(path, side_data=True).read(2).frame.codec
    blocks, motion = codec["blocks"], codec["motion"]
    assert codec["quantiser_type"] == "h264"
    assert len(blocks) == 6 * 4  # macroblocks of 96x64
    assert {(int(b["w"]), int(b["h"])) for b in blocks} == {(16, 16)}
    assert set(blocks["quantiser"].tolist()) == {24}
    # The texture moves one pixel up and left a frame: found one pixel down and right in the frame before.
    inner = motion[(motion["x"] > 16) & (motion["x"] < 64) & (motion["y"] > 16) & (motion["y"] < 40)]
    assert len(inner)
    assert np.median(inner["from_x"] - inner["x"]) == pytest.approx(1.0, abs=0.25)  # quarter-pixel vectors
    assert np.median(inner["from_y"] - inner["y"]) == pytest.approx(1.0, abs=0.25)
    assert set(motion["reference"].tolist()) == {-1}


def test_chosen_frames_and_those_past_the_end(tmp_path: Path) -> None:
    path = encode(tmp_path / "m.mp4", "libx264", counted(10), options=X264)
    source = open_movie(path, frames="2-8x3,20")
    assert list(source.numbers) == [2, 5, 8, 20]
    with pytest.raises(FrameError, match=r"frame 20 is not in the movie.*allowed: 0 to 9"):
        source.read(20)
    held = open_movie(path, frames="8,20", on_missing="hold").read(20)
    assert (held.held_from, held.frame.number, number_in(held.frame.pixels)) == (9, 20, 9)
    black = open_movie(path, frames="8,20", on_missing="black").read(20)
    assert black.missing
    assert not black.frame.pixels.any()
    with pytest.raises(UsageError, match="none of the frames 50-60"):
        open_movie(path, frames="50-60")


def test_a_truncated_movie_gives_what_is_there_and_fails_the_rest(tmp_path: Path) -> None:
    path = encode(
        tmp_path / "m.mp4", "libx264", counted(40), options={**X264, "bf": "0"}, container={"movflags": "+faststart"}
    )
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    source = open_movie(path)
    assert any("the header lists 40 frames" in note for note in source.info.notes)
    assert len(source.numbers) == 40
    there = [n for n in source.numbers if _readable(source, n)]
    assert there == list(range(len(there)))
    assert 10 < len(there) < 35
    assert all(number_in(source.read(n).frame.pixels) == n for n in there)
    with pytest.raises(FrameError, match="cut off"):
        source.read(39)


def _readable(source: Any, number: int) -> bool:
    try:
        source.read(number)
    except FrameError:
        return False
    return True


def test_a_truncated_file_without_a_table_is_noted(tmp_path: Path) -> None:
    path = encode(tmp_path / "m.mkv", "libx264", counted(40), options=X264)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert any("cut off?" in note for note in open_movie(path).info.notes)


def test_a_damaged_picture_is_an_error_and_its_followers_are_noted(tmp_path: Path) -> None:
    path = encode(tmp_path / "m.mkv", "libx264", counted(24), options={**X264, "bf": "0"})
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        victim = bytes(packets[11])
    data = bytearray(path.read_bytes())
    at = data.index(victim) + len(victim) // 2
    data[at : at + 24] = bytes(24)
    path.write_bytes(data)
    source = open_movie(path)
    with pytest.raises(FrameError, match=r"frame 11 cannot be decoded.*m\.mkv"):
        source.read(11)
    assert number_in(source.read(10).frame.pixels) == 10
    assert any("damaged" in note for note in source.read(12).notes)
    assert not source.read(16).notes  # the next keyframe starts afresh
    assert open_movie(path, on_missing="hold").read(11).held_from == 10
    assert open_movie(path, conceal=True).read(11).frame.number == 11


def test_a_checksum_that_fails_is_a_damaged_picture(tmp_path: Path) -> None:
    options = {"level": "3", "slicecrc": "1", "g": "1", "slices": "4"}
    path = encode(tmp_path / "m.mkv", "ffv1", counted(6), options=options)
    with av.open(str(path)) as container:
        victim = bytes([p for p in container.demux(video=0) if p.size][3])
    data = bytearray(path.read_bytes())
    data[data.index(victim) + len(victim) // 3] ^= 0x10
    path.write_bytes(data)
    source = open_movie(path)
    with pytest.raises(FrameError, match="frame 3 cannot be decoded"):
        source.read(3)
    assert number_in(source.read(4).frame.pixels) == 4


@pytest.mark.parametrize("content", [b"", b"hello " * 500], ids=["empty", "text"])
def test_a_file_that_is_no_movie_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.mov"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read as a movie"):
        open_movie(path)


def test_a_movie_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the movie is not there"):
        open_movie(tmp_path / "m.mov")


def test_a_file_without_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 480), np.int16), layout="mono")
        sound.sample_rate = 48000
        out.mux(stream.encode(sound))
        out.mux(stream.encode(None))
    with pytest.raises(UsageError, match="holds no video"):
        open_movie(path)


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    picture = encode(tmp_path / "cover.mkv", "mjpeg", counted(1, pixel_format="yuvj420p"))
    with av.open(str(picture)) as cover, av.open(str(tmp_path / "song.mp4"), "w") as out:
        sound = out.add_stream("aac", rate=48000, layout="mono")
        art = out.add_stream_from_template(cover.streams.video[0], opaque=True)
        art.disposition = av.stream.Disposition.attached_pic
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        out.mux([*sound.encode(silence), *sound.encode(None)])
        for packet in [p for p in cover.demux(video=0) if p.size]:
            packet.stream = art
            out.mux(packet)
    with av.open(str(tmp_path / "song.mp4")) as song:
        assert song.streams.video  # a stream of one picture is there
    with pytest.raises(UsageError, match="holds no video"):
        open_movie(tmp_path / "song.mp4")


def test_real_clips_read_the_same_in_any_order(real_data: Path) -> None:
    for name in ("lowbitrate_carphone/carphone_distorted.mp4", "oldfilm_chaplin/chaplin.mp4"):
        source = open_movie(real_data / "video" / name)
        numbers = [0, 1, 2, 60, 61, 100, 119]
        first = [source.read(n).frame.pixels for n in numbers]
        other = open_movie(real_data / "video" / name)
        for n, expected in reversed(list(zip(numbers, first, strict=True))):
            assert np.array_equal(other.read(n).frame.pixels, expected)
