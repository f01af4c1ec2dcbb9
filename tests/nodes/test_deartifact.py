"""Deartifact: better than its input where a codec was, the input where none was, inside what the file's code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

import wetgate
from support.movies import encode
from support.photographs import photograph
from wetgate.engine.graph import load_graph, parse_nodes
from wetgate.inference import without_models
from wetgate.io.jpeg_coding import jpeg_coding
from wetgate.io.opening import open_source
from wetgate.spec import Context, Frame, WetgateError, registry

SDR = "rec1886_rec709_display"
W, H = 256, 192


def psnr(a: Any, b: Any) -> float:
    return float(-10 * np.log10(np.mean((np.asarray(a, np.float64) - b) ** 2) + 1e-12))


def original(width: int = W, height: int = H) -> Any:
    return np.ascontiguousarray(photograph(width, height)[..., ::-1], np.float32) / np.float32(255)


def still(folder: Path, quality: int, picture: Any = None) -> Frame:
    """A JPEG still as it is read."""
    bgr = photograph(W, H) if picture is None else picture
    cv2.imwrite(str(folder / f"q{quality}.jpg"), bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return wetgate.read(folder / f"q{quality}.jpg", in_space="srgb_tx")[0]


def run(frames: Any, **params: Any) -> Any:
    return wetgate.run_node(registry.get("deartifact"), frames, **params)


@pytest.mark.parametrize("fidelity", ["forensic", "faithful"])
@pytest.mark.parametrize("quality", [8, 25, 60])
def test_a_jpeg_comes_closer_to_its_original(tmp_path: Path, quality: int, fidelity: str):
    frame = still(tmp_path, quality)
    assert psnr(run(frame, fidelity=fidelity).rgb, original()) > psnr(frame.rgb, original()) + 0.15


def test_a_mild_jpeg_is_not_made_worse(tmp_path: Path):
    frame = still(tmp_path, 94)
    assert psnr(run(frame).rgb, original()) > psnr(frame.rgb, original()) - 0.05


def test_what_was_never_compressed_is_left_alone():
    picture = original()
    made = run([picture, np.roll(picture, 3, 1)], in_space=SDR)
    assert all(psnr(m, p) > 45 for m, p in zip(made, (picture, np.roll(picture, 3, 1)), strict=True))
    assert np.array_equal(run(picture, in_space=SDR, deband=0.0), picture)


def test_every_pixel_block_lies_in_the_files_intervals_in_faithful_mode(tmp_path: Path):
    """By OpenCV's transform, from the file's table and the decoded pixels alone."""
    frame = still(tmp_path, 30)
    aovs: dict[int, dict[str, Any]] = {}
    made = run(frame, aovs=aovs)
    assert not np.array_equal(made.pixels, frame.pixels)
    table = jpeg_coding((tmp_path / "q30.jpg").read_bytes())["quantisation"][0].astype(np.float64)
    weights = np.array([0.299, 0.587, 0.114])
    before, after = (255 * (f.rgb.astype(np.float64) @ weights) - 128 for f in (frame, made))
    for y in range(0, H, 8):
        for x in range(0, W, 8):
            own, result = (cv2.dct(np.ascontiguousarray(p[y : y + 8, x : x + 8])) for p in (before, after))
            # Half a step about the code; a flat block's own code may be one that lies four beside (rounding of pixels).
            assert (np.abs(result - np.rint(own / table) * table) <= table / 2 + 0.05 + (table < 9) * 4.0).all()
    held = aovs[frame.number]["deartifact.held"]
    assert set(np.unique(held)) <= {0.0, 1.0}


def test_the_bound_is_found_again_from_files_alone(tmp_path: Path):
    still(tmp_path, 20)
    outcome = wetgate.render(
        tmp_path / "q20.jpg",
        tmp_path / "out.png",
        nodes=["deartifact"],
        in_space="srgb_tx",
    )
    assert not outcome.failed
    verdict = wetgate.verify(str(tmp_path / "out.png"), source=str(tmp_path / "q20.jpg"))
    (bound,) = verdict.bounds.values()
    assert bound.name.startswith("farthest coefficient")
    assert bound.ok, bound.sentence()


@pytest.mark.parametrize("codec", ["mjpeg", "libx264"])
def test_fused_results_stay_in_the_bound(tmp_path: Path, codec: str):
    """With neighbours from another place, so that fusing pulls results out of what the frame's own code says."""
    movie(tmp_path / "m.mkv", codec, **({"crf": "38"} if codec == "libx264" else {}))
    source = open_source(tmp_path / "m.mkv", codec_data=True)
    frames = [source.read(n).frame.with_(space=SDR) for n in source.numbers]
    node = registry.get("deartifact")
    fused = run(frames, coherence=1.0, coherence_radius=1)[2]
    alone = run(frames, coherence=0.0)[2]
    assert not np.array_equal(fused.pixels, alone.pixels)
    context = Context(source_space=SDR)
    given = frames[2].with_(space=node.space)
    bound = node.make().bound(given, fused.with_(space=node.space), context)
    assert 0 <= bound.value <= bound.limit
    # A result moved far is put back too.
    far = given.with_rgb(given.rgb + np.float32(0.3) * np.sin(np.arange(W, dtype=np.float32))[None, :, None])
    assert not node.make().bound(given, far, context).ok
    assert node.make().bound(given, node.make().within_bound(given, far, context), context).ok


def movie(path: Path, codec: str = "libx264", **options: str) -> list[Any]:
    """A pan over a photograph, encoded; the pictures that went in, R'G'B'."""
    whole = photograph(W + 40, H + 24)
    pictures = [np.ascontiguousarray(whole[n : n + H, 2 * n : 2 * n + W]) for n in range(5)]
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    frames = [av.VideoFrame.from_ndarray(p, format="bgr24").reformat(format=pixels) for p in pictures]
    encode(path, codec, frames, options=options, tags=(1, 1, 1, 1))
    return [p[..., ::-1].astype(np.float32) / 255 for p in pictures]


def test_the_decoders_quantisers_reach_the_node_and_are_recorded(tmp_path: Path):
    movie(tmp_path / "m.mp4", qp="34", bf="0", **{"aq-mode": "0"})
    wetgate.render(tmp_path / "m.mp4", tmp_path / "o.####.exr", nodes=["deartifact"], in_space=SDR)
    record = json.loads((tmp_path / "o.wetgate.json").read_text())
    facts = [entry["facts"]["deartifact-1"] for entry in record["frames"]]
    assert {f["quantisers"] for f in facts} == {"the decoder's"}
    assert facts[2]["step"][0] == pytest.approx(255 / 219 * 0.625 * 2 ** (34 / 6), rel=0.01)


@pytest.mark.parametrize("quantiser", ["2", "6"])
def test_mild_mpeg_2_is_not_made_worse(tmp_path: Path, quantiser: str):
    originals = movie(tmp_path / "m.mkv", "mpeg2video", qmin=quantiser, qmax=quantiser)
    source = open_source(tmp_path / "m.mkv", codec_data=True)
    for number in (1, 2):
        frame = source.read(number).frame.with_(space=SDR)
        assert psnr(run(frame).rgb, originals[number]) > psnr(frame.rgb, originals[number]) - 0.02


def test_motion_jpeg_with_tables_of_its_own_is_worked_where_nobody_tells_too(tmp_path: Path):
    originals = movie(tmp_path / "m.mkv", "mjpeg", qmin="12", qmax="12")
    source = open_source(tmp_path / "m.mkv", codec_data=True)
    frame = source.read(1).frame.with_(space=SDR)
    told, blind = (psnr(run(f).rgb, originals[1]) for f in (frame, frame.with_(codec={})))
    before = psnr(frame.rgb, originals[1])
    assert told > before + 0.5
    assert blind > before + 0.6 * (told - before)  # what the file's intervals hold is known to the first alone


def test_motion_jpeg_whose_tables_change_is_worked_by_those_of_each_picture(tmp_path: Path):
    """A camera's rate control sets them anew: each picture is a JPEG still, in the intervals of its own."""
    photographs = [photograph(W, H)] * 3
    frames = []
    for number, (picture, quality) in enumerate(zip(photographs, (15, 30, 60), strict=True)):
        frames.append(still(tmp_path, quality, picture).with_(number=number))
    made = run(frames, coherence=0.0)
    for frame, result in zip(frames, made, strict=True):
        assert np.array_equal(result.rgb, run(frame).rgb)


def test_detail_kept_leaves_more_of_what_the_codec_sent(tmp_path: Path):
    movie(tmp_path / "m.mp4", crf="36")
    source = open_source(tmp_path / "m.mp4", codec_data=True)
    frame = source.read(2).frame.with_(space=SDR)

    def energy(picture: Any) -> float:
        luma = np.asarray(picture.rgb.mean(axis=2), np.float32)
        return float(np.square(luma - cv2.GaussianBlur(luma, (0, 0), 1.5)).mean())

    cleanest, kept = run(frame, detail=0.0), run(frame)
    assert energy(cleanest) < energy(kept)
    assert energy(kept) > 0.85 * energy(frame)


def test_a_picture_saved_again_on_another_grid_is_cleaned_of_the_coarser_save(tmp_path: Path):
    """Of its own file it is a mild JPEG, by which nothing would be done about the blocks of the first."""
    wide, tall = 384, 320
    once = still(tmp_path, 12, photograph(wide + 5, tall + 3))
    cut = np.ascontiguousarray((255 * once.rgb[3:, 5:, ::-1]).round().astype(np.uint8))
    truth = original(wide + 5, tall + 3)[3:, 5:]
    frame = still(tmp_path, 75, cut)
    mild = psnr(run(frame, quantiser=8.0, grid="hand", grid_x=0, grid_y=0).rgb, truth)
    for given in (frame, frame.with_(codec={})):
        cleaned = psnr(run(given).rgb, truth)
        assert cleaned > max(psnr(given.rgb, truth) + 0.6, mild + 0.4)


def test_the_best_network_sees_the_picture_from_four_sides_on_the_codecs_grid():
    """So what is its own mirror image remains that; the fine network has learnt no such thing."""
    half = original(96, 112)
    for width in (96, 91):  # the second is filled up to whole blocks on the right, and has no mirror image
        picture = np.concatenate([half, half[:, ::-1]], axis=1)[:, : 96 + width]
        settings = {"in_space": SDR, "quantiser": 40.0, "fidelity": "pleasing", "deband": 0.0}
        fine, best = (run(np.ascontiguousarray(picture), tier=tier, **settings) for tier in ("fine", "best"))
        assert 35 < psnr(best, fine) < 70
        if width == 96:
            askew = [float(np.abs(p - p[:, ::-1]).max()) for p in (fine, best)]
            assert askew[1] < 0.002 < askew[0]


def test_frames_that_are_fused_keep_their_fine_detail_too(tmp_path: Path):
    movie(tmp_path / "m.mp4", crf="36")
    source = open_source(tmp_path / "m.mp4", codec_data=True)
    frames = [source.read(n).frame.with_(space=SDR) for n in source.numbers]

    def energy(picture: Any) -> float:
        luma = np.asarray(picture.rgb.mean(axis=2), np.float32)
        return float(np.square(luma - cv2.GaussianBlur(luma, (0, 0), 1.5)).mean())

    alone, fused, free = (run(frames, coherence=c, detail=d)[2] for c, d in ((0.0, 0.93), (1.0, 0.93), (1.0, 0.0)))
    assert energy(free) < 0.97 * energy(alone) < energy(fused)


def test_without_a_decoder_the_movies_own_analysis_tells_as_much(tmp_path: Path):
    movie(tmp_path / "m.mp4", crf="36")
    document = wetgate.analyze(str(tmp_path / "m.mp4"), nodes=["deartifact"], in_space=SDR)
    frames = [f.with_(codec={}) for f in wetgate.read(tmp_path / "m.mp4", in_space=SDR)]
    graph = parse_nodes(["deartifact:coherence=0"])
    told = wetgate.run_graph(graph, frames, analyses={graph.output: document.results})
    shown = []
    source = open_source(tmp_path / "m.mp4", codec_data=True)
    for number in source.numbers:
        shown.append(run(source.read(number).frame.with_(space=SDR)))
    blind = wetgate.run_graph(graph, frames, analyses={graph.output: None})
    for t, d, b in zip(told, shown, blind, strict=True):
        # The document keeps each block's step to a quarter of an octave: nearly what the decoder's own give.
        assert np.abs(t.rgb - d.rgb).mean() < 0.5 * np.abs(b.rgb - d.rgb).mean()


def test_no_coefficient_changes_by_more_than_its_step(tmp_path: Path):
    movie(tmp_path / "m.mp4", crf="40")
    source = open_source(tmp_path / "m.mp4", codec_data=True)
    frame = source.read(2).frame.with_(space=SDR)
    node = registry.get("deartifact")
    made = run(frame)
    bound = node.make().bound(frame.with_(space=node.space), made.with_(space=node.space), Context(source_space=SDR))
    assert 0 < bound.value <= bound.limit
    free = run(frame, fidelity="pleasing", quantiser=200.0, gain=4.0)
    told = node.make().bound(frame.with_(space=node.space), free.with_(space=node.space), Context(source_space=SDR))
    assert told.value > bound.value


def test_a_grid_by_hand_moves_where_blocks_are_looked_for(tmp_path: Path):
    frame = still(tmp_path, 50)
    cut = frame.with_(
        pixels=np.ascontiguousarray(frame.pixels[3:, 5:]), data_window=None, display_window=None, codec={}
    )
    by_hand = run(cut, quantiser=30.0, grid="hand", grid_x=3, grid_y=5, fidelity="forensic")
    found = run(cut, quantiser=30.0, fidelity="forensic")
    assert np.array_equal(by_hand.pixels, found.pixels)
    beside = run(cut, quantiser=30.0, grid="hand", grid_x=0, grid_y=0, fidelity="forensic")
    assert not np.array_equal(beside.pixels, found.pixels)


def test_fields_are_worked_apart():
    """Each field of a woven picture comes out as it does alone."""
    a, b = (np.ascontiguousarray(original(W, 2 * H)[k::2][:H]) for k in (0, 1))
    woven = np.empty((2 * H, W, 3), np.float32)
    woven[0::2], woven[1::2] = a, np.roll(b, 9, 1)
    settings = {"quantiser": 25.0, "in_space": SDR, "fidelity": "forensic", "grid": "hand"}
    made = run(woven, fields="fields", **settings)
    assert np.allclose(made[0::2], run(a, fields="frame", **settings), atol=1e-6)
    auto = run(woven, fields="auto", **settings)
    assert np.array_equal(auto, made)  # combing was seen


@pytest.mark.parametrize("moved", [0, 9])
def test_a_stream_that_says_interlaced_is_believed_where_its_pictures_show_it(moved: int):
    """Progressive film and video often come in streams that say so all the same, DV always."""
    picture = original(W, 2 * H)
    picture[1::2] = np.roll(picture[1::2], moved, 1)
    frame = Frame(picture, SDR, codec={"interlaced": True})
    settings = {"quantiser": 25.0, "fidelity": "forensic"}
    made = run([frame, frame.with_(number=1)], **settings)
    wanted = run(frame, fields="fields" if moved else "frame", **settings)
    assert np.array_equal(made[0].rgb, wanted.rgb)


def test_forensic_loads_no_network(tmp_path: Path):
    frame = still(tmp_path, 20)
    with without_models("this test"):
        run(frame, fidelity="forensic")
        with pytest.raises(WetgateError, match="no network is loaded"):
            run(frame, fidelity="faithful")


def test_views_show_grid_quantiser_and_change(tmp_path: Path):
    frame = still(tmp_path, 30)
    aovs: dict[int, dict[str, Any]] = {}
    made = run(frame, aovs=aovs, fidelity="forensic")
    views = aovs[frame.number]
    grid = views["deartifact.grid"]
    assert not np.array_equal(grid[0::8], frame.rgb[0::8])
    assert np.array_equal(grid[1:8, 1:8], frame.rgb[1:8, 1:8])
    assert 0 < views["deartifact.quantiser"].mean() < 1
    assert np.allclose(views["deartifact.removed"], 0.5 + 5 * (frame.rgb - made.rgb), atol=1e-5)
    assert views["deartifact.synthesis"].min() >= 0


@pytest.mark.parametrize("name", ["web-video", "broadcast-tape", "home-video"])
def test_presets_begin_with_the_codec(name: str):
    assert load_graph(name).steps[0].node.id == "deartifact"
    assert parse_nodes(["deartifact:quantiser=20,fields=fields"]).steps[0].values["quantiser"] == 20
