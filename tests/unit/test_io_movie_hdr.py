"""HDR metadata: in the stream, in the container, and back."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from support.movies import counted, encode
from wetgate.io.movie import open_movie, open_movie_sink
from wetgate.io.movie_hdr import MasteringDisplay, StaticHdr, parse_mastering_display, static_hdr
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame, UsageError

# BT.2020 primaries, D65, 0.005 to 1000 cd/m2; then P3 to 4000.
REC2020 = "G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)"
P3 = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,1)"


def hdr_frames(count: int = 3, display: str = REC2020, cll: Any = 987, fall: Any = 213) -> list[Frame]:
    metadata = {"hdr:mastering_display": display, "hdr:max_cll": cll, "hdr:max_fall": fall}
    rng = np.random.default_rng(1)
    return [Frame(rng.random((64, 64, 3)).astype(np.float32), "", n, metadata=metadata) for n in range(count)]


def write(path: Path, frames: list[Frame], space: str = "rec2100_pq_display", **options: Any) -> list[str]:
    options.setdefault("rate", Fraction(24))
    sink = open_movie_sink(path, numbers=range(len(frames)), options=WriteOptions(**options), space=space)
    for frame in frames:
        sink.write(frame)
    sink.finish()
    return sink.notes


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("hevc.mp4", None),
        ("hevc.mov", "libx265"),
        ("hevc.mkv", "libx265"),
        ("av1.mp4", "libsvtav1"),
        ("av1.webm", None),
        ("avc.mp4", "libx264"),
        ("prores.mov", None),
        ("ffv1.mkv", None),
    ],
)
@pytest.mark.parametrize("display", [REC2020, P3])
def test_static_metadata_reads_back_equal(tmp_path: Path, name: str, codec: str | None, display: str) -> None:
    assert write(tmp_path / name, hdr_frames(display=display), codec=codec) == []
    source = open_movie(tmp_path / name)
    assert source.info.hint.space == "rec2100_pq_display"
    for number in (0, 2):
        metadata = source.read(number).frame.metadata
        assert metadata["hdr:mastering_display"] == display
        assert (metadata["hdr:max_cll"], metadata["hdr:max_fall"]) == (987, 213)


def _sei_payloads(path: Path) -> dict[int, bytes]:
    """SEI messages of the HEVC pictures themselves, by payload type (H.265 7.3.5): no container has a part in it."""
    found: dict[int, bytes] = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        annex_b = av.bitstream.BitStreamFilterContext("hevc_mp4toannexb", stream)
        data = b"".join(bytes(p) for packet in container.demux(stream) if packet.size for p in annex_b.filter(packet))
    for unit in data.split(b"\x00\x00\x01")[1:]:
        if (unit[0] >> 1) & 63 == 39:  # PREFIX_SEI_NUT
            body = unit[2:].replace(b"\x00\x00\x03", b"\x00\x00")
            while len(body) > 2:
                kind, size = body[0], body[1]
                found[kind] = body[2 : 2 + size]
                body = body[2 + size :]
    return found


def test_the_hevc_stream_itself_carries_the_metadata(tmp_path: Path) -> None:
    write(tmp_path / "m.mp4", hdr_frames())
    messages = _sei_payloads(tmp_path / "m.mp4")
    # 137 mastering display colour volume, G B R white (x, y) in 0.00002, then max and min in 0.0001 cd/m2 (D.2.28).
    assert messages[137] == b"".join(
        n.to_bytes(2, "big") for n in (8500, 39850, 6550, 2300, 35400, 14600, 15635, 16450)
    ) + (10_000_000).to_bytes(4, "big") + (50).to_bytes(4, "big")
    # 144 content light level: MaxCLL, MaxFALL (D.2.35).
    assert messages[144] == (987).to_bytes(2, "big") + (213).to_bytes(2, "big")
    assert 5 not in messages  # no greeting of the encoder, which would name this machine


@pytest.mark.parametrize("name", ["m.mp4", "m.mov"])
def test_the_boxes_of_the_sample_entry_carry_the_metadata(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, hdr_frames(), codec="libx265" if name == "m.mp4" else None)
    data = (tmp_path / name).read_bytes()
    mdcv, clli = data.index(b"mdcv") + 4, data.index(b"clli") + 4
    assert data.index(b"stsd") < mdcv < data.index(b"stts")
    assert data[mdcv : mdcv + 4] == (8500).to_bytes(2, "big") + (39850).to_bytes(2, "big")
    assert data[mdcv + 16 : mdcv + 24] == (10_000_000).to_bytes(4, "big") + (50).to_bytes(4, "big")
    assert data[clli : clli + 4] == (987).to_bytes(2, "big") + (213).to_bytes(2, "big")


@pytest.mark.parametrize("name", ["m.mp4", "m.mov", "m.mkv", "m.webm"])
def test_another_parser_sees_the_metadata_in_the_container(tmp_path: Path, name: str) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="brings an ffmpeg binary").get_ffmpeg_exe()
    write(tmp_path / name, hdr_frames())
    printed = subprocess.run(
        [ffmpeg, "-hide_banner", "-i", str(tmp_path / name)], capture_output=True, text=True
    ).stderr
    assert "bt2020nc/bt2020/smpte2084" in printed
    assert "min_luminance=0.005000, max_luminance=1000.000000" in printed
    assert "r(0.7080,0.2920) g(0.1700,0.7970) b(0.1310 0.0460) wp(0.3127, 0.3290)" in printed
    assert "MaxCLL=987, MaxFALL=213" in printed


def test_hevc_in_mp4_has_the_code_that_players_of_apple_ask_for(tmp_path: Path) -> None:
    write(tmp_path / "m.mp4", hdr_frames())
    with av.open(str(tmp_path / "m.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert context.codec_tag == "hvc1"
        assert context.pix_fmt == "yuv420p10le"
        assert context.profile == "Main 10"


def test_hdr_metadata_of_the_source_does_not_end_up_in_an_sdr_movie(tmp_path: Path) -> None:
    notes = write(tmp_path / "m.mp4", hdr_frames(), "rec1886_rec709_display")
    assert notes == ["HDR metadata of the frames is left out: the output is not HDR"]
    metadata = open_movie(tmp_path / "m.mp4").read(0).frame.metadata
    assert not [key for key in metadata if key.startswith("hdr:")]


def test_pq_without_metadata_is_said_not_to_be_hdr10(tmp_path: Path) -> None:
    frames = [frame.with_(metadata={}) for frame in hdr_frames()]
    assert any("not HDR10" in note for note in write(tmp_path / "m.mp4", frames))


def test_hlg_is_tagged_and_needs_no_metadata(tmp_path: Path) -> None:
    frames = [frame.with_(metadata={}) for frame in hdr_frames()]
    assert write(tmp_path / "m.mp4", frames, "rec2100_hlg_display") == []
    assert open_movie(tmp_path / "m.mp4").info.hint.space == "rec2100_hlg_display"


def test_av1_stands_in_where_there_is_no_hevc_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wetgate.io import movie_codecs

    there = movie_codecs.available
    monkeypatch.setattr(movie_codecs, "available", lambda name: name != "libx265" and there(name))
    notes = write(tmp_path / "m.mp4", hdr_frames())
    assert notes == ["this build has no HEVC encoder: HDR is written as AV1"]
    source = open_movie(tmp_path / "m.mp4")
    assert source.read(0).frame.codec["codec"] == "av1"
    assert source.read(0).frame.metadata["hdr:max_cll"] == 987


def test_a_metadata_stream_made_by_another_encoder_is_read(tmp_path: Path) -> None:
    options = {
        "x265-params": f"log-level=none:frame-threads=1:master-display={P3}:max-cll=4000,350",
        "preset": "ultrafast",
    }
    path = encode(tmp_path / "m.mkv", "libx265", counted(2), options=options, tags=(9, 16, 9, 1))
    metadata = open_movie(path).read(1).frame.metadata
    assert metadata["hdr:mastering_display"] == P3
    assert (metadata["hdr:max_cll"], metadata["hdr:max_fall"]) == (4000, 350)


def test_the_notation_reads_and_prints_itself() -> None:
    display = parse_mastering_display(REC2020)
    assert display == MasteringDisplay((35400, 14600), (8500, 39850), (6550, 2300), (15635, 16450), 10_000_000, 50)
    assert str(display) == REC2020
    assert not StaticHdr()
    assert static_hdr({"hdr:max_cll": 812.4}).metadata == {"hdr:max_cll": 812, "hdr:max_fall": 0}


@pytest.mark.parametrize(
    "text",
    [
        "G(0.17,0.797)B(0.131,0.046)R(0.708,0.292)WP(0.3127,0.329)L(1000,0.005)",
        "R(35400,14600)G(8500,39850)B(6550,2300)WP(15635,16450)L(10000000,50)",
        REC2020.replace("8500", "60000"),
        REC2020.replace("10000000,50", "50,10000000"),
        "",
    ],
)
def test_a_notation_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="mastering display"):
        parse_mastering_display(text)


def test_light_levels_beyond_their_field_are_refused() -> None:
    with pytest.raises(UsageError, match="hdr:max_cll"):
        static_hdr({"hdr:max_cll": 70000})
