"""How a shot was coded: from its decoder, its tables, its pixels; and as the document that an analysis keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from support.movies import encode
from support.photographs import photograph
from wetgate.io.opening import open_source
from wetgate.ops.coded_blocks import Steps, map_text, steps_of_codec, steps_of_map
from wetgate.ops.coding_measure import coding_of_frame, measure_coding
from wetgate.ops.quantiser import UNKNOWN
from wetgate.ops.shot_coding import DECODER, PIXELS, TABLES, ShotCoding
from wetgate.spec import Frame

W, H = 256, 192


class Shot:
    """Frames in a list, as :class:`wetgate.spec.Shot`."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = list(frames)
        self.numbers = [f.number for f in frames]
        self.cuts: Sequence[int] = ()

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, number: int) -> Frame:
        return next(f for f in self._frames if f.number == number)

    def params(self, number: int) -> Any:
        return None


def moving(count: int) -> list[Any]:
    """BGR pictures of a camera that pans over a photograph."""
    whole = photograph(W + 40, H + 24)
    return [np.ascontiguousarray(whole[n : n + H, 2 * n : 2 * n + W]) for n in range(count)]


def movie(path: Path, codec: str, count: int = 7, **options: str) -> list[Frame]:
    pictures = [av.VideoFrame.from_ndarray(p, format="bgr24").reformat(format="yuv420p") for p in moving(count)]
    source = open_source(encode(path, codec, pictures, options=options, tags=(1, 1, 1, 1)), codec_data=True)
    return [source.read(n).frame for n in source.numbers]


def without_codec(frames: Sequence[Frame]) -> Shot:
    return Shot([f.with_(codec={}) for f in frames])


def test_steps_of_h264_double_every_six_qp(tmp_path: Path):
    fine, coarse = (
        movie(tmp_path / f"{qp}.mp4", "libx264", 3, qp=qp, bf="0", **{"aq-mode": "0"})[2] for qp in ("24", "30")
    )
    a, b = (steps_of_codec(f.codec, f.height, f.width) for f in (fine, coarse))
    assert a is not None
    assert b is not None
    assert a.typical[0] == pytest.approx(0.625 * 2 ** (24 / 6) / 219, rel=1e-3)
    assert b.typical[0] == pytest.approx(2 * a.typical[0], rel=1e-3)
    assert np.asarray(a.luma).shape == (H, W)


def test_steps_are_painted_where_their_blocks_lie():
    blocks = np.array([(0, 0, 16, 16, 12), (16, 0, 16, 16, 24)], [(n, "i4") for n in ("x", "y", "w", "h", "quantiser")])
    codec = {"blocks": blocks, "quantiser_type": "mpeg2", "size": (30, 20)}
    steps = steps_of_codec(codec, 20, 30)
    assert steps is not None
    luma = np.asarray(steps.luma)
    assert luma[:16, :16] == pytest.approx(12 / 219)
    assert luma[:16, 16:] == pytest.approx(24 / 219)
    assert (luma[16:] == UNKNOWN).all()
    assert steps_of_codec(codec, 40, 60) is None  # the picture was enlarged since


def test_an_h264_shot_is_known_from_its_decoder_in_a_small_document(tmp_path: Path):
    frames = movie(tmp_path / "m.mp4", "libx264", 9, crf="33", g="4", bf="1")
    coding = measure_coding(Shot(frames))
    assert coding.source == DECODER
    assert coding.origin == (0, 0)
    assert {kind for kind, _, _ in coding.frames.values()} == {"I", "P", "B"}
    text = json.dumps(coding.to_json())
    assert len(text) < 40_000
    again = ShotCoding.from_json(json.loads(text))
    assert again.to_json() == coding.to_json()
    for frame in frames:  # what the document keeps of each block is within a quarter of an octave
        own, kept = steps_of_codec(frame.codec, H, W), again.steps_at(frame.number, H, W)
        assert own is not None
        ratio = np.log2(np.asarray(kept.luma) / np.asarray(own.luma))
        assert np.abs(ratio).max() < 0.25
        assert kept.typical[1] == pytest.approx(own.typical[1], rel=0.1)


def test_the_last_picture_of_mpeg2_takes_the_steps_of_its_like(tmp_path: Path):
    frames = movie(tmp_path / "m.mpg", "mpeg2video", 6, qmin="8", qmax="8")
    assert "blocks" not in frames[-1].codec  # FFmpeg keeps these back
    coding = measure_coding(Shot(frames))
    assert coding.frames[frames[-1].number][1] == pytest.approx(16 / 219, rel=0.01)


def test_a_jpeg_is_known_from_its_tables_and_an_earlier_coarser_save_from_its_pixels(tmp_path: Path):
    def still(picture: Any, quality: int) -> Frame:
        cv2.imwrite(str(tmp_path / "s.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return open_source(tmp_path / "s.jpg").read(0).frame

    once = measure_coding(Shot([still(photograph(W, H), 60)]))
    assert (once.source, once.quality, once.matrix) == (TABLES, None, 6)
    assert once.steps[0] == pytest.approx(10.8 / 255, rel=0.1)
    assert once.sampling == ((1, 1), (2, 2), (2, 2))
    first = cv2.imdecode(cv2.imencode(".jpg", photograph(W, H), [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 1)
    twice = measure_coding(Shot([still(first, 98)]))
    assert twice.source == TABLES
    assert twice.quality is not None
    assert abs(twice.quality - 30) <= 2
    assert twice.steps[0] > 5 * 1 / 255
    assert ShotCoding.from_json(twice.to_json()).to_json() == twice.to_json()


@pytest.mark.parametrize(
    ("codec", "options"),
    [("libx264", {"crf": "40"}), ("mpeg2video", {"qmin": "10", "qmax": "10"}), ("mpeg4", {"qmin": "12", "qmax": "12"})],
)
def test_without_its_decoder_a_shot_is_judged_by_its_pixels(tmp_path: Path, codec: str, options: dict[str, str]):
    frames = movie(tmp_path / "m.mkv", codec, **options)
    true = measure_coding(Shot(frames)).steps[0]
    found = measure_coding(without_codec(frames))
    assert found.source == PIXELS
    assert found.odds > 0.5
    # Within two octaves: on other footage than it was fitted to it is off by two thirds of one, rms.
    assert abs(np.log2(found.steps[0] / true)) < 2


def test_a_shot_that_was_never_compressed_is_left_alone():
    frames = [Frame(p[..., ::-1].astype(np.float32) / 255, "video", n) for n, p in enumerate(moving(5))]
    found = measure_coding(Shot(frames))
    assert found.steps == (0.0, 0.0)
    assert found.odds < 0.5


def test_one_frame_alone_says_what_it_can(tmp_path: Path):
    (frame, *_) = movie(tmp_path / "m.mp4", "libx264", 2, crf="30")
    assert coding_of_frame(frame).source == DECODER
    small = Frame(np.zeros((5, 9, 3), np.float32), "video")
    assert coding_of_frame(small).steps == (UNKNOWN, UNKNOWN)


def test_a_map_keeps_a_pattern_and_says_nothing_where_there_is_none():
    luma = np.full((40, 72), 0.1, np.float32)
    assert map_text(Steps(luma, 0.1), 16) is None
    luma[:16, :32] = 0.05
    text = map_text(Steps(luma, 0.1), 16)
    assert text is not None
    kept = np.asarray(steps_of_map(text, 16, Steps(luma, 0.1).typical, 40, 72).luma)
    assert np.abs(np.log2(kept / luma)).max() <= 0.13  # half of a quarter of an octave
    with pytest.raises(ValueError, match="reshape"):
        steps_of_map(text, 16, (0.1, 0.1), 80, 72)
