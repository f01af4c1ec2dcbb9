"""How a picture was coded travels with it: tables of JPEG stills and Motion JPEG, quantisers of movies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

import wetgate
from support.movies import counted, encode
from support.pictures import scene
from wetgate.engine.graph import build
from wetgate.io.jpeg_coding import jpeg_coding
from wetgate.io.opening import open_source
from wetgate.spec import Context, Result, Window, node, param, registry

# ITU-T T.81, table K.1: the luma table that libjpeg scales by quality; at quality 50 it is used as it stands.
K1_FIRST_ROW = [16, 11, 10, 16, 24, 40, 51, 61]


def jpeg(path: Path, quality: int, *, grey: bool = False, sampling: int = 0x221111, progressive: bool = False) -> bytes:
    picture = np.clip(scene(70, 50) * 120, 0, 255).astype(np.uint8)
    given: Any = picture[..., 1] if grey else picture
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)]
    if not grey:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    data = cv2.imencode(".jpg", given, options)[1].tobytes()
    path.write_bytes(data)
    return data


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_still_brings_its_tables_and_its_sampling(tmp_path: Path, progressive: bool) -> None:
    jpeg(tmp_path / "still.jpg", 50, progressive=progressive)
    codec = open_source(tmp_path / "still.jpg").read(0).frame.codec
    assert codec["coding"] == "jpeg"
    assert [t.shape for t in codec["quantisation"]] == [(8, 8)] * 3
    assert codec["quantisation"][0][0].tolist() == K1_FIRST_ROW
    assert codec["quantisation"][1] is not codec["quantisation"][0]
    assert codec["sampling"] == ((1, 1), (2, 2), (2, 2))
    assert codec["size"] == (70, 50)


def test_a_grey_jpeg_has_one_table(tmp_path: Path) -> None:
    jpeg(tmp_path / "grey.jpg", 50, grey=True)
    codec = open_source(tmp_path / "grey.jpg").read(0).frame.codec
    assert len(codec["quantisation"]) == 1
    assert codec["sampling"] == ((1, 1),)


@pytest.mark.parametrize(("factor", "chroma"), [(0x111111, (1, 1)), (0x211111, (2, 1)), (0x411111, (4, 1))])
def test_sampling_says_how_many_luma_samples_a_chroma_sample_spans(
    tmp_path: Path, factor: int, chroma: tuple[int, int]
) -> None:
    data = jpeg(tmp_path / "still.jpg", 80, sampling=factor)
    assert jpeg_coding(data)["sampling"][1:] == (chroma, chroma)


def test_other_stills_have_no_tables(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "still.png"), np.zeros((8, 8, 3), np.uint8))
    assert "quantisation" not in open_source(tmp_path / "still.png").read(0).frame.codec


def test_a_header_that_is_cut_or_changed_anywhere_gives_nothing_or_something_sound(tmp_path: Path) -> None:
    data = jpeg(tmp_path / "still.jpg", 50)
    head = data[: data.index(b"\xff\xda")]
    for end in range(len(head)):
        assert jpeg_coding(head[:end]) == {} or end > head.index(b"\xff\xc0")
    rng = np.random.default_rng(0)
    for _ in range(500):
        hurt = bytearray(data[:800])
        hurt[int(rng.integers(2, len(head)))] = int(rng.integers(0, 256))
        found = jpeg_coding(bytes(hurt))
        assert not found or all(t.shape == (8, 8) and t.min() >= 1 for t in found["quantisation"])


def test_every_picture_of_motion_jpeg_brings_its_tables(tmp_path: Path) -> None:
    path = encode(tmp_path / "m.avi", "mjpeg", counted(5, pixel_format="yuvj420p"), options={"q": "9"})
    plain = open_source(path).read(3).frame.codec
    assert "quantisation" not in plain
    source = open_source(path, codec_data=True)
    tables = [source.read(n).frame.codec["quantisation"] for n in (4, 0, 2)]
    assert all(len(t) == 3 and t[0].shape == (8, 8) and t[0].max() > 8 for t in tables)
    assert source.read(1).frame.codec["sampling"] == ((1, 1), (2, 2), (2, 2))


def test_what_the_decoder_tells_is_the_same_each_time(tmp_path: Path) -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (480, 720, 3)).astype(np.uint8), (0, 0), 1.0)
    moved = [np.ascontiguousarray(np.roll(noise, 3 * n, axis=1)) for n in range(12)]
    frames = [av.VideoFrame.from_ndarray(p, format="bgr24").reformat(format="yuv420p") for p in moved]
    path = encode(tmp_path / "m.mp4", "libx264", frames, options={"crf": "24"})

    def told() -> list[bytes]:
        source = open_source(path, codec_data=True)
        codecs = [source.read(n).frame.codec for n in source.numbers]
        source.close()
        return [c["blocks"].tobytes() + c.get("motion", np.zeros(0)).tobytes() for c in codecs]

    first = told()
    assert len(first) == 12
    for _ in range(15):  # one in five was another while several pictures were decoded at once
        assert told() == first


@pytest.fixture
def quantiser_probe():
    """A node that says what it finds in its frame's codec data."""

    @node(id="quantiser_probe", label="Quantiser probe", space="video", version=1, codec_data=True, analyzes=True)
    class QuantiserProbe:
        """Reports the mean quantiser of the blocks of each frame, and paints nothing; for a test of what travels."""

        strength: float = param(1.0, lo=0, hi=1, hint="Share of nothing that is done.")

        def render(self, frames: Window, ctx: Context) -> Result:
            return Result(frames.center, {}, {"mean": float(frames.center.codec["blocks"]["quantiser"].mean())})

        def analyze(self, shot: Any, ctx: Context) -> dict[str, Any]:
            return {"means": [float(f.codec["blocks"]["quantiser"].mean()) for f in shot]}

        def summary(self, results: dict[str, Any]) -> str:
            return f"{len(results['means'])} frames with quantisers"

    yield registry.get("quantiser_probe")
    registry.forget("quantiser_probe")


def test_quantisers_go_through_earlier_nodes_and_colour_hops_into_node_and_analysis(
    tmp_path: Path, quantiser_probe: Any
) -> None:
    options = {"qp": "24", "g": "8", "bf": "0", "aq-mode": "0"}
    path = encode(tmp_path / "m.mp4", "libx264", counted(4), options=options, tags=(1, 1, 1, 1))
    graph = build(
        {
            "graph": "wetgate.graph/1",
            "nodes": [{"node": "grain", "params": {"strength": 0.2}}, {"node": "quantiser_probe", "name": "probe"}],
        }
    )
    document = wetgate.analyze(str(path), graph=graph, step="probe", in_space="rec1886_rec709_display")
    # libx264 makes intra frames 3 finer (its ipratio of 1.4), P frames at the QP itself.
    assert document.results["means"] == [21.0, 24.0, 24.0, 24.0]
