"""``wetgate render``: where its files go, what their records say, and what a second run does to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import wetgate
from cli.conftest import Ran, child, picture
from support.engine_nodes import declared
from wetgate.io.exr_header import read_headers
from wetgate.io.header import read_header
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame

Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


def _files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


# --- refused at once


@pytest.mark.parametrize("option", ["-o", "--aov"])
def test_a_place_that_cannot_be_a_folder_is_refused_before_the_analysis(run: Run, plate: Path, option: str) -> None:
    (plate / "file").write_text("no folder")
    places = {"-o": plate / "out/x.####.exr", "--aov": plate / "aov"}
    places[option] = plate / "file" / "x.####.exr"
    asked = [word for pair in places.items() for word in pair]
    done = run("render", plate / "plate.####.exr", *asked, "-n", "t_level")
    assert done.code == 2
    assert "cannot make the folder" in done.err
    assert "Traceback" not in done.err
    assert "analysing" not in done.err


@pytest.mark.parametrize(("options", "said"), [(["--depth", "uint8"], "depth"), (["--compression", "lzw"], "zips")])
def test_what_cannot_be_written_is_refused_before_the_analysis(
    run: Run, plate: Path, options: list[str], said: str
) -> None:
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_level", *options)
    assert done.code == 2
    assert said in done.err
    assert "analysing" not in done.err


def test_a_movie_that_cannot_be_encoded_is_a_wrong_request_and_the_movie_before_it_stays(run: Run, plate: Path) -> None:
    movie = plate / "m.mkv"
    asked = ["render", plate / "plate.####.exr", "-o", movie, "--out-space", "srgb_display", "--codec", "ffv1"]
    assert run(*asked, "--rate", "24").code == 0
    before = movie.read_bytes(), (plate / "m.mkv.wetgate.json").read_bytes()
    done = run(*asked)  # EXR frames without a rate
    assert done.code == 2
    assert "give it: --rate" in done.err
    assert "was due" not in done.err  # one message, not one a frame
    (plate / "plate.1004.exr").write_bytes(b"")
    failed = run(*asked, "--rate", "24")
    assert failed.code == 3
    assert "is not written" in failed.err
    assert (movie.read_bytes(), (plate / "m.mkv.wetgate.json").read_bytes()) == before


@pytest.mark.parametrize("command", ["render", "degrade", "analyze"])
def test_footage_of_which_nothing_can_be_read_is_a_wrong_request(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    output = tmp_path / ("out.json" if command == "analyze" else "out.exr")
    more = {"render": [], "degrade": ["-r", "grain"], "analyze": ["-n", "t_level"]}[command]
    done = run(command, tmp_path / "notes.png", "-o", output, *more, "--in-space", "srgb_tx")
    assert done.code == 2
    assert "notes.png" in done.err
    assert not output.exists()


def test_the_shell_completes_nodes_parameters_choices_and_spaces() -> None:
    from wetgate.surfaces.cli.arguments import _complete_nodes, _complete_spaces

    assert _complete_nodes("hdr") == ["hdr_lift"]
    assert _complete_nodes("hdr_lift:peak=1000,pro") == ["hdr_lift:peak=1000,protection="]
    assert _complete_nodes("hdr_lift:method=bt2446") == [f"hdr_lift:method=bt2446{m}" for m in "abc"]
    assert _complete_nodes("hdr_lift:nothing=") == []
    assert "srgb_tx" in _complete_spaces("srgb")
    assert all(" " not in word for word in _complete_spaces(""))


# --- where nobody listens


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&- 1>&- 2>&-", "1>/dev/full", "2>/dev/full"])
@pytest.mark.parametrize("json_lines", ["", "--json"])
def test_a_stream_that_cannot_be_written_does_not_stop_the_work(plate: Path, closed: str, json_lines: str) -> None:
    if "/dev/full" in closed and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root / "plugin")}
    command = (
        f"'{sys.executable}' -m wetgate.surfaces.cli.main render 'plate.####.exr' -o 'out/x.####.exr' {json_lines}"
    )
    done = subprocess.run(["sh", "-c", f"{command} {closed}"], cwd=plate, env=environment, check=False, timeout=60)
    assert done.returncode == 0
    assert (plate / "out/x.wetgate.json").is_file()
    assert len(list((plate / "out").glob("x.*.exr"))) == 8


def test_a_reader_that_goes_away_does_not_stop_the_work(plate: Path) -> None:
    process = child(
        "render", "plate.####.exr", "-o", "out/x.####.exr", "-n", "t_slow:seconds=0.05", "--json", cwd=plate
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert (plate / "out/x.wetgate.json").is_file()
    assert process.stderr is not None
    with process.stderr as errors:
        assert errors.read() == ""


# --- one deliverable in several runs


def test_chunks_have_the_pixels_and_the_record_of_the_whole(run: Run, plate: Path) -> None:
    asked = ["render", plate / "plate.####.exr", "-n", "t_level"]
    assert run(*asked, "-o", plate / "whole/x.####.exr").code == 0
    for frames in ("1005-1008", "1001-1004"):
        assert run(*asked, "-o", plate / "chunks/x.####.exr", "--frames", frames).code == 0
    assert _files(plate / "chunks") == _files(plate / "whole")
    assert run("verify", plate / "chunks/x.####.exr", "--source", plate / "plate.####.exr").code == 0


def test_a_frame_that_failed_and_is_made_again_leaves_a_whole_record(run: Run, plate: Path) -> None:
    good = (plate / "plate.1004.exr").read_bytes()
    (plate / "plate.1004.exr").write_bytes(b"")
    asked = ["render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_gain"]
    assert run(*asked).code == 3
    (plate / "plate.1004.exr").write_bytes(good)
    assert run(*asked, "--frames", "1004").code == 0
    record = json.loads((plate / "out/x.wetgate.json").read_text())
    assert [f["frame"] for f in record["frames"]] == list(range(1001, 1009))
    assert record["failed"] == {}
    assert record["source"]["range"] == [1001, 1008]


def test_another_job_starts_a_record_of_its_own(run: Run, plate: Path) -> None:
    asked = ["render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr"]
    assert run(*asked, "-n", "t_gain").code == 0
    assert run(*asked, "-n", "t_gain:gain=3", "--frames", "1002").code == 0
    record = json.loads((plate / "out/x.wetgate.json").read_text())
    assert [f["frame"] for f in record["frames"]] == [1002]
    found = run("verify", plate / "out/x.####.exr")
    assert found.code == 3
    assert "the record does not know frames 1001,1003-1008" in found.out


def test_records_are_the_same_however_the_paths_are_written(
    run: Run, plate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("render", plate / "plate.####.exr", "-o", plate / "absolute/x.####.exr", "-n", "t_level").code == 0
    monkeypatch.chdir(plate)
    assert run("render", "./plate.%04d.exr", "-o", "relative/x.@@@@.exr", "-n", "t_level").code == 0
    assert _files(plate / "absolute") == _files(plate / "relative")


def test_a_review_copy_beside_the_exr_has_a_record_of_its_own(run: Run, plate: Path) -> None:
    for suffix in ("exr", "png"):
        out = plate / f"out/x.####.{suffix}"
        assert run("render", plate / "plate.####.exr", "-o", out, "--out-space", "srgb_tx").code == 0
    for suffix in ("exr", "png"):
        assert run("verify", plate / f"out/x.####.{suffix}").code == 0


# --- AOVs


def test_a_resumed_render_keeps_no_view_of_another_job(run: Run, plate: Path) -> None:
    asked = ["render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr"]
    assert run(*asked, "-n", "t_gain:gain=0.1", "--aov", plate / "aov").code == 0
    assert run(*asked, "-n", "t_gain").code == 0
    assert run(*asked, "-n", "t_gain", "--aov", plate / "aov", "--resume").code == 0
    clean = ["render", plate / "plate.####.exr", "-o", plate / "clean/x.####.exr", "-n", "t_gain"]
    assert run(*clean, "--aov", plate / "clean/aov").code == 0
    assert _files(plate / "aov") == _files(plate / "clean/aov")


# --- tampering


def test_verify_finds_a_header_that_was_changed(run: Run, plate: Path) -> None:
    result = plate / "out/x.####.exr"
    assert run("render", plate / "plate.####.exr", "-o", result, "-n", "t_gain").code == 0
    path = plate / "out/x.1003.exr"
    pristine = path.read_bytes()
    # One byte of the display window, which no hash of pixels covers.
    window = read_headers(path)[0].attributes["displayWindow"].data
    at = pristine.index(window, pristine.index(b"displayWindow\0"))
    path.write_bytes(pristine[:at] + b"\x01" + pristine[at + 1 :])
    changed = run("verify", result)
    assert changed.code == 3
    assert "frame 1003: its header was changed" in changed.out
    # A fact in the record of the header: the job and the pixels are as they were.
    record = read_header(path)["wetgate:record"].encode()
    assert b'"factor":2.0' in record
    path.write_bytes(pristine.replace(b'"factor":2.0', b'"factor":3.0'))
    changed = run("verify", result)
    assert changed.code == 3
    assert "frame 1003: the record in its header is not the one" in changed.out


def test_a_folder_can_be_verified(run: Run, plate: Path) -> None:
    assert run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_gain").code == 0
    done = run("verify", plate / "out")
    assert done.code == 0, done.err
    assert "8 frames checked" in done.out


def test_a_frame_held_from_frame_0_is_recorded_as_such(run: Run, tmp_path: Path) -> None:
    for number in (0, 2):
        frame = Frame(picture(number), "ACEScg", number)
        wetgate.write(frame, tmp_path / f"a.{number}.exr", options=WriteOptions(depth="float"))
    done = run("render", tmp_path / "a.#.exr", "-o", tmp_path / "out/a.#.exr", "--on-missing", "hold")
    assert done.code == 0, done.err
    assert "frame 1 is missing: frame 0 stands in" in done.err
    record = json.loads((tmp_path / "out/a.wetgate.json").read_text())
    assert record["frames"][1]["held_from"] == 0
    assert np.array_equal(wetgate.read(tmp_path / "out/a.1.exr")[0].pixels, picture(0))


def test_two_steps_that_measure_the_light_leave_one_metadata_file_of_the_result(run: Run, plate: Path) -> None:
    asked = ["render", plate / "plate.####.exr", "-n", "t_level", "-n", "t_gain:gain=4", "-n", "t_level"]
    done = run(*asked, "-o", plate / "out/x.####.exr")
    assert done.code == 0, done.err
    assert done.out.count("x.level.json") == 1
    # The second step sees four times a shot whose mean is 1.
    assert json.loads((plate / "out/x.level.json").read_text())["mean"] == pytest.approx(4.0, rel=1e-5)


def test_a_frame_where_nothing_is_done_is_kept_with_its_views(run: Run, plate: Path) -> None:
    asked = ["render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_gain:strength=0"]
    assert run(*asked, "--aov", plate / "aov").code == 0
    assert len(list((plate / "aov").glob("t_gain-1.above.*.exr"))) == 8
    assert "8 frames kept" in run(*asked, "--aov", plate / "aov", "--resume").out


# --- one picture, however it is worked


@pytest.mark.parametrize("method", ["adaptive", "bt2446a", "bt2446b", "bt2446c", "bt2408"])
def test_a_lift_is_the_same_file_from_any_start_and_with_any_threads(run: Run, plate: Path, method: str) -> None:
    asked = ["render", plate / "plate.####.exr", "-n", f"hdr_lift:method={method}", "--out-space", "ACEScg"]
    assert run(*asked, "-o", plate / "whole/x.####.exr", "--threads", 1).code == 0
    for threads, frames in ((7, "1006-1008"), (2, "1001 1003 1002"), (1, "1005-1004")):
        assert run(*asked, "-o", plate / "parts/x.####.exr", "--threads", threads, "--frames", frames).code == 0
    assert _files(plate / "parts") == _files(plate / "whole")


def test_the_bound_of_a_coding_with_loss_is_no_problem_of_the_record(run: Run, plate: Path) -> None:
    out = plate / "out/x.mov"
    asked = ["render", plate / "plate.####.exr", "-o", out, "-n", "hdr_lift", "--rate", "24"]
    done = run(*asked, "--out-space", "rec2100_pq_display", "--codec", "prores_ks")
    assert done.code == 0, done.err
    found = run("verify", out, "--source", plate / "plate.####.exr")
    assert found.code == 0, found.out
    assert "coding with loss" in found.out


@pytest.mark.parametrize("number", [1001, 1002])
def test_a_still_of_another_name_is_checked_against_the_frame_that_it_was_made_from(
    run: Run, plate: Path, number: int
) -> None:
    source, result = plate / f"plate.{number}.exr", plate / "out/chosen.exr"
    assert run("render", source, "-o", result, "-n", "t_level").code == 0
    done = run("verify", result, "--source", source)
    assert (done.code, "1 frame checked" in done.out) == (0, True), done.out
    other = run("verify", result, "--source", plate / "plate.1003.exr")
    assert f"frame {number} was not made from this source" in other.out
    result.unlink()
    result.write_bytes(source.read_bytes())
    assert run("verify", result).code != 0
