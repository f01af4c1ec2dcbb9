"""The other commands, and the lift as its user has it: sequences and movies in, HDR10 out, numbers, LUTs, damage."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import wetgate
from cli.conftest import Ran
from wetgate.io.header import read_header
from wetgate.io.opening import open_source
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame, Part

Run = Callable[..., Ran]


def _sdr(number: int, size: tuple[int, int] = (36, 64)) -> np.ndarray:
    """SDR code values: a moving ramp in colour with a clipped lamp."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    picture = np.stack([(x + number) / 90, y / size[0], np.full_like(x, 0.3)], axis=2)
    picture[4:9, 8 + number : 14 + number] = 1.0
    return np.clip(picture, 0, 1).astype(np.float32)


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Six 16-bit PNG frames of SDR, without a label; the folder they are in."""
    for number in range(6):
        frame = Frame(_sdr(number), "", number)
        wetgate.write(frame, tmp_path / f"sdr.{number:04d}.png", options=WriteOptions(depth="uint16"))
    return tmp_path


LIFT = ("-n", "hdr_lift:method=bt2446a,peak=1000", "--in-space", "srgb_display", "--out-space", "rec2100_pq_display")


def test_a_png_sequence_is_lifted_to_pq_with_its_metadata(run: Run, footage: Path) -> None:
    done = run("render", footage / "sdr.####.png", "-o", footage / "out/hdr.####.exr", *LIFT)
    assert done.code == 0, done.err
    header = read_header(footage / "out/hdr.0003.exr")
    strict = json.loads((footage / "out/hdr.hdr-metadata.json").read_text())["strict"]
    assert header["hdr:max_cll"] == strict["max_cll"]
    assert header["hdr:mastering_display"].startswith("G(8500,39850)B(6550,2300)R(35400,14600)")
    # SDR white, 100 nits, becomes 1,000 by method A: PQ code 0.7518 (BT.2100-2 Table 4); half holds 3 decimals there
    lamp = wetgate.read(footage / "out/hdr.0003.exr")[0].pixels[6, 13]
    assert lamp == pytest.approx([0.7518] * 3, abs=5e-4)
    assert wetgate.read(footage / "out/hdr.0003.exr")[0].space == "Rec.2100-PQ - Display"


def test_a_movie_becomes_hdr10_and_says_so_in_stream_and_container(run: Run, footage: Path) -> None:
    made = run(
        "render", footage / "sdr.####.png", "-o", footage / "hdr.mp4", *LIFT[:2], "--in-space", "srgb_display",
        "--out-space", "rec2100_pq_display", "--rate", "24000/1001",
    )  # fmt: skip
    assert made.code == 0, made.err
    source = open_source(footage / "hdr.mp4")
    frame = source.read(2).frame
    assert (source.info.hint.space, str(source.info.rate)) == ("rec2100_pq_display", "24000/1001")
    strict = json.loads((footage / "hdr.mp4.hdr-metadata.json").read_text())["strict"]
    assert int(frame.metadata["hdr:max_cll"]) == strict["max_cll"]
    source.close()


def test_a_movie_is_a_source_like_any_other(run: Run, footage: Path) -> None:
    made = run(
        "render", footage / "sdr.####.png", "-o", footage / "sdr.mkv", "--codec", "ffv1", "--rate", "25",
        "--in-space", "rec1886_rec709_display",
    )  # fmt: skip
    assert made.code == 0, made.err
    done = run("render", footage / "sdr.mkv", "-o", footage / "frames", "--frames", "2-4")
    assert done.code == 0, done.err
    assert sorted(p.name for p in (footage / "frames").glob("*.exr")) == [f"sdr.{n:04d}.exr" for n in (2, 3, 4)]
    result = wetgate.read(footage / "frames/sdr.0003.exr")[0].pixels
    assert np.abs(result - _sdr(3)).max() < 1 / 512  # ffv1 keeps at least ten bits, half eleven


def test_a_failed_frame_leaves_no_movie_and_says_why(run: Run, footage: Path) -> None:
    path = footage / "sdr.0003.png"
    path.write_bytes(path.read_bytes()[:100])
    done = run(
        "render", footage / "sdr.####.png", "-o", footage / "x.mkv", "--rate", "25",
        "--in-space", "rec1886_rec709_display",
    )  # fmt: skip
    assert done.code == 3
    assert "sdr.0003.png" in done.err
    assert "a movie has no holes" in done.err
    assert not [p for p in footage.iterdir() if "mkv" in p.name and p.suffix != ".json"]


def test_hdr_without_an_output_space_is_refused(run: Run, footage: Path) -> None:
    done = run("render", footage / "sdr.####.png", "-o", footage / "o.####.exr", *LIFT[:4])
    assert done.code == 2
    assert "--out-space" in done.err


def test_timecode_windows_parts_and_unknown_metadata_come_through_a_lift(run: Run, tmp_path: Path) -> None:
    from wetgate.spec import Box

    depth = np.arange(36 * 64, dtype=np.float32).reshape(36, 64)
    first = Frame(_sdr(0), "sRGB - Display", 1001)
    wetgate.write(first, tmp_path / "plain.1001.exr", options=WriteOptions(depth="float"))
    typed = wetgate.read(tmp_path / "plain.1001.exr")[0]
    part = Part("matte", {"R": depth}, typed.window, typed.display, {})
    pixels = np.dstack([_sdr(0), np.clip(depth / depth.max(), 0, 1)]).astype(np.float32)
    frame = Frame(
        pixels,
        "sRGB - Display",
        1001,
        data_window=Box(-4, -2, 64, 36),
        display_window=Box(0, 0, 56, 30),
        pixel_aspect=1.5,
        extra={"depth.Z": depth},
        parts=(part,),
        metadata={"studio/shot": "AB_010", "owner": "an archive"},
    )
    wetgate.write(frame, tmp_path / "in.1001.exr", options=WriteOptions(depth="float"))
    done = run("render", tmp_path / "in.1001.exr", "-o", tmp_path / "out.1001.exr", *LIFT)
    assert done.code == 0, done.err
    result, source = (wetgate.read(tmp_path / f"{name}.1001.exr")[0] for name in ("out", "in"))
    assert (result.data_window, result.display_window) == (frame.data_window, frame.display_window)
    assert result.pixel_aspect == pytest.approx(1.5)
    assert np.array_equal(result.pixels[..., 3], source.pixels[..., 3])
    assert np.array_equal(result.extra["depth.Z"], depth)
    assert [p.name for p in result.parts] == ["matte"]
    assert np.array_equal(result.parts[0].channels["R"], depth)
    assert {k: result.metadata[k] for k in frame.metadata} == dict(frame.metadata)


def test_aovs_are_written_one_file_a_view_and_frame(run: Run, footage: Path) -> None:
    done = run("render", footage / "sdr.####.png", "-o", footage / "o/x.####.exr", *LIFT, "--aov", footage / "aov")
    assert done.code == 0, done.err
    names = {p.name.split(".")[1] for p in (footage / "aov").iterdir()}
    assert names == {"nits", "clip", "estimated", "waveform", "synthesis"}
    kept = run(
        "render", footage / "sdr.####.png", "-o", footage / "o/x.####.exr", *LIFT, "--aov", footage / "aov", "--resume"
    )
    assert "6 frames kept" in kept.out
    next((footage / "aov").glob("*.clip.0002.exr")).unlink()
    again = run(
        "render", footage / "sdr.####.png", "-o", footage / "o/x.####.exr", *LIFT, "--aov", footage / "aov", "--resume"
    )
    assert "1 frame written" in again.out


def test_a_report_comes_with_any_render(run: Run, footage: Path) -> None:
    page = footage / "pages/r.html"
    done = run("render", footage / "sdr.####.png", "-o", footage / "o/x.####.exr", *LIFT, "--report", page)
    assert done.code == 0, done.err
    text = page.read_text()
    assert "MaxCLL" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "hdr_lift" in text


def test_the_preset_lifts_and_names_its_output_space(run: Run, footage: Path) -> None:
    done = run(
        "render", footage / "sdr.####.png", "-o", footage / "o/x.####.exr", "--graph", "hdr-lift",
        "--in-space", "srgb_display",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert wetgate.read(footage / "o/x.0000.exr")[0].space == "Rec.2100-PQ - Display"


def test_verify_recomputes_the_bound_of_a_lift_from_files_alone(run: Run, footage: Path) -> None:
    run("render", footage / "sdr.####.png", "-o", footage / "o/x.####.exr", *LIFT)
    done = run("verify", footage / "o/x.####.exr", "--source", footage / "sdr.####.png", "--json")
    verdict = json.loads(done.out)
    assert verdict["ok"], verdict
    assert len(verdict["bounds"]) == 6
    assert max(b["value"] for b in verdict["bounds"].values()) < 0.2  # p99 of PQ code values in half


def test_analyze_finds_the_cut_and_render_uses_the_document(run: Run, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    looks = [random.uniform(0, 1, (9, 16, 3)).astype(np.float32).repeat(4, 0).repeat(4, 1) for _ in range(2)]
    for number in range(12):
        pixels = np.clip(looks[number // 6] * np.float32(1 + 0.002 * number), 0, 1)
        wetgate.write(Frame(pixels, "sRGB - Display", number), tmp_path / f"a.{number:04d}.exr")
    done = run("analyze", tmp_path / "a.####.exr", "-n", "hdr_lift", "-o", tmp_path / "shot.json")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "shot.json").read_text())["cuts"] == [6]
    used = run(
        "render", tmp_path / "a.####.exr", "-o", tmp_path / "o/x.####.exr", "-n", "hdr_lift",
        "--out-space", "rec2100_pq_display", "--analysis", tmp_path / "shot.json",
    )  # fmt: skip
    assert used.code == 0, used.err
    assert "analysing" not in used.err
    told = next(line for line in done.out.splitlines() if line.startswith("found: ")).removeprefix("found: ")
    assert told.startswith("2 shots; lifted, MaxCLL ")
    assert f"wetgate: hdr_lift-1: {told}" in used.err


def test_a_step_that_has_nothing_to_tell_of_its_analysis_says_nothing(run: Run, tmp_path: Path) -> None:
    wetgate.write(Frame(_sdr(1), "sRGB - Texture", 1), tmp_path / "in.exr")
    told = run(
        "render", tmp_path / "in.exr", "-o", tmp_path / "out.exr", "--in-space", "srgb_tx",
        "-n", "deblur:kind=custom,quality=fast",
    )  # fmt: skip
    assert told.code == 0, told.err
    assert "deblur-1: " not in told.err


def test_a_lut_agrees_with_the_chain_and_says_by_how_much_it_does_not(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lift.cube"
    done = run(
        "lut", "hdr_lift:method=bt2446a", "-o", path, "--in-space", "rec1886_rec709_display",
        "--out-space", "rec2100_pq_display", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert 0 < report["mean"] < 0.2  # dE ITP, a fifth of a just noticeable difference
    refused = run(
        "lut", "hdr_lift:method=adaptive", "-o", path, "--in-space", "srgb_display", "--out-space", "rec2100_pq_display"
    )
    assert refused.code == 2
    assert "depends on more than that pixel" in refused.err


def test_degrade_is_seeded_recorded_and_measured(run: Run, footage: Path) -> None:
    arguments = ("degrade", footage / "sdr.####.png", "-r", "grain", "-r", "flicker", "--in-space", "srgb_display")
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        done = run(
            *arguments, "-o", footage / f"{name}/x.####.exr", "--seed", seed, "--truth", footage / f"{name}/truth"
        )
        assert done.code == 0, done.err
    files = {name: (footage / f"{name}/x.0003.exr").read_bytes() for name in "abc"}
    assert files["a"] == files["b"] != files["c"]
    record = json.loads((footage / "a/x.degrade.json").read_text())
    assert [s["model"] for s in record["recipe"]["steps"]] == ["grain", "flicker"]
    assert (footage / "a/truth/truth.json").is_file()
    clean, aged = footage / "sdr.####.png", footage / "a/x.####.exr"
    measured = run("measure", clean, aged, "--metrics", "psnr,ssim", "--in-space", "srgb_display", "--json")
    assert measured.code == 0, measured.err
    assert 20 < json.loads(measured.out)["metrics"]["psnr"]["summary"]["mean"] < 50


def test_degrade_says_what_is_wrong_with_a_recipe(run: Run, footage: Path) -> None:
    done = run(
        "degrade", footage / "sdr.####.png", "-o", footage / "o.####.exr", "-r", "grian", "--in-space", "srgb_tx"
    )
    assert done.code == 2
    assert "grain" in done.err
    listed = run("degrade", "--list")
    assert "archive-film" in listed.out


def test_nodes_are_listed_for_people_and_for_machines(run: Run) -> None:
    assert "hdr_lift" in run("nodes").out
    assert "BT.2446" in run("nodes", "hdr_lift").out
    assert "hdr_lift" in [n["id"] for n in json.loads(run("nodes", "--json").out)["nodes"]]
    assert run("nodes", "hdr_lfit").code == 2


def test_a_node_is_a_function_of_its_name(footage: Path) -> None:
    frames = wetgate.read(footage / "sdr.####.png", in_space="srgb_display")
    lifted = wetgate.nodes.hdr_lift(frames[:2], method="bt2446a", out_space="ACEScg")
    # 1,000 nits in a scene-linear space whose 1.0 stands for 100 nits
    assert lifted[0].pixels[6, 10] == pytest.approx([10.0] * 3, rel=2e-3)
    with pytest.raises(wetgate.WetgateError, match="did you mean 'peak'"):
        wetgate.nodes.hdr_lift(frames[0], paek=500, out_space="ACEScg")
