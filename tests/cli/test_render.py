"""``wetgate render``: what comes out, what is refused, and what survives a kill."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import wetgate
from cli.conftest import Ran, child, picture
from support.engine_nodes import declared
from wetgate.io.header import read_header
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame

Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


def _pixels(path: Path) -> np.ndarray:
    return wetgate.read(path)[0].pixels


def _digest(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


def test_a_copy_has_the_same_pixels_and_a_record_of_them(run: Run, plate: Path) -> None:
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/copy.####.exr")
    assert (done.code, done.err.count("Traceback")) == (0, 0), done.err
    for number in range(1001, 1009):
        assert np.array_equal(_pixels(plate / f"out/copy.{number}.exr"), picture(number))
    record = json.loads((plate / "out/copy.wetgate.json").read_text())
    assert [f["frame"] for f in record["frames"]] == list(range(1001, 1009))
    assert all(f["input"] == f["output"] for f in record["frames"])  # the same float pixels in and out


def test_a_node_is_applied_and_named_in_every_header(run: Run, plate: Path) -> None:
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_gain:gain=3")
    assert done.code == 0, done.err
    expected = picture(1003) * np.float32(3)
    assert _pixels(plate / "out/x.1003.exr") == pytest.approx(expected, rel=1e-6)
    header = json.loads(read_header(plate / "out/x.1003.exr")["wetgate:record"])
    assert header["graph"]["nodes"][0]["params"]["gain"] == 3.0
    assert header["frame"] == 1003


def test_two_renders_of_the_same_input_are_the_same_files(run: Run, plate: Path) -> None:
    for name in ("a", "b"):
        os.chdir(plate)
        (plate / name).mkdir()
        os.chdir(plate / name)
        assert run("render", "../plate.####.exr", "-o", "out/x.####.exr", "-n", "t_mean", "-n", "t_level").code == 0
    assert _digest(plate / "a/out") == _digest(plate / "b/out")


def test_frames_can_be_chosen_and_windows_reach_beyond_them(run: Run, plate: Path) -> None:
    run("render", plate / "plate.####.exr", "-o", plate / "all/x.####.exr", "-n", "t_mean:radius=2")
    done = run(
        "render", plate / "plate.####.exr", "-o", plate / "some/x.####.exr", "-n", "t_mean:radius=2",
        "--frames", "1002-1008x3",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert sorted(p.name for p in (plate / "some").glob("*.exr")) == ["x.1002.exr", "x.1005.exr", "x.1008.exr"]
    for number in (1002, 1005, 1008):
        assert np.array_equal(_pixels(plate / f"some/x.{number}.exr"), _pixels(plate / f"all/x.{number}.exr"))


def test_a_folder_as_output_takes_the_name_of_the_source(run: Run, plate: Path) -> None:
    assert run("render", plate / "plate.####.exr", "-o", plate / "restored").code == 0
    assert (plate / "restored/plate.1001.exr").is_file()


def test_json_is_one_event_a_line_and_nothing_else(run: Run, plate: Path) -> None:
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert events[0]["event"] == "start"
    assert sorted(e["frame"] for e in events if e["event"] == "frame") == list(range(1001, 1009))
    assert events[-1]["event"] == "done"
    assert events[-1]["written"] == 8


# --- refused before anything is written


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-n", "t_gian"], "did you mean 't_gain'"),
        (["-n", "t_gain:gain=17"], "allowed: a number from 0 to 16"),
        (["-n", "t_gain:stength=1"], "did you mean 'strength'"),
        (["-n", "t_gain", "--in-space", "srgb_txx"], "srgb_tx"),
        (["--frames", "1001-1200"], "192 of the frames are not in"),
        (["--frames", "10o1"], "is not a frame"),
        (["--graph", "missing.yaml"], "is not there"),
        (["--graph", "hdr-lfit"], "did you mean 'hdr-lift'"),
        (["--on-missing", "skip"], "allowed: error, hold, black"),
        (["--depth", "quarter"], "allowed: half, float"),
        (["--analysis", "missing.json", "-n", "t_level"], "cannot be read"),
        (["-n", "deblur:kind=custom,psf=1 2/3"], "the PSF is rows of 1, 2 numbers"),
        (["-n", "t_gain", "--graph", "hdr-lift"], "give one of them"),
    ],
)
def test_a_wrong_request_is_one_clear_line_and_exit_code_2(
    run: Run, plate: Path, arguments: list[str], said: str
) -> None:
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", *arguments)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert not list((plate / "out").glob("*.exr")) if (plate / "out").exists() else True


def test_an_input_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    done = run("render", tmp_path / "nothing.####.exr", "-o", tmp_path / "out.####.exr")
    assert done.code == 2
    assert "nothing.####.exr" in done.err


def test_the_source_cannot_be_overwritten(run: Run, plate: Path) -> None:
    before = _digest(plate)
    done = run("render", plate / "plate.####.exr", "-o", plate / "plate.####.exr", "-n", "t_gain")
    assert done.code == 2
    assert "is the source and the output" in done.err
    assert _digest(plate) == before


def test_an_unlabelled_picture_needs_its_space(run: Run, tmp_path: Path) -> None:
    wetgate.write(Frame(picture(1), "", 1), tmp_path / "a.exr")
    done = run("render", tmp_path / "a.exr", "-o", tmp_path / "b.exr", "-n", "t_gain")
    assert done.code == 2
    assert "--in-space" in done.err


# --- frames that fail


def test_a_damaged_frame_fails_alone_and_is_listed(run: Run, plate: Path) -> None:
    path = plate / "plate.1004.exr"
    path.write_bytes(path.read_bytes()[:600])
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr")
    assert done.code == 3
    assert "1 frame failed: 1004" in done.out
    assert "plate.1004.exr" in done.err
    assert len(list((plate / "out").glob("x.*.exr"))) == 7
    record = json.loads((plate / "out/x.wetgate.json").read_text())
    assert list(record["failed"]) == ["1004"]


def test_a_damaged_frame_is_left_out_of_an_analysis_and_said_to_be(run: Run, plate: Path) -> None:
    (plate / "plate.1004.exr").write_bytes(b"")
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_level")
    assert done.code == 3
    assert "frame 1004 was left out of the analysis" in done.err
    assert len(list((plate / "out").glob("x.*.exr"))) == 7


def test_on_error_stop_ends_at_the_first_failure(run: Run, plate: Path) -> None:
    done = run(
        "render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_fail:frame=1002",
        "--on-error", "stop",
    )  # fmt: skip
    assert done.code == 3
    assert not (plate / "out/x.1008.exr").exists()


@pytest.mark.parametrize(("policy", "code", "files"), [("error", 3, 7), ("hold", 0, 8), ("black", 0, 8)])
def test_a_missing_frame_is_an_error_unless_a_policy_says_otherwise(
    run: Run, plate: Path, policy: str, code: int, files: int
) -> None:
    (plate / "plate.1004.exr").unlink()
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "--on-missing", policy)
    assert done.code == code, done.err
    assert len(list((plate / "out").glob("x.*.exr"))) == files
    if policy != "error":
        assert "frame 1004 is missing" in done.err
        entry = json.loads((plate / "out/x.wetgate.json").read_text())["frames"][3]
        assert entry.get("held_from") == (1003 if policy == "hold" else None)
        assert entry.get("missing", False) == (policy == "black")


def test_nan_and_infinity_are_repaired_counted_and_reported(run: Run, tmp_path: Path) -> None:
    pixels = picture(1)
    pixels[3, 4, 1], pixels[7, 7] = np.nan, np.inf
    wetgate.write(Frame(picture(1), "ACEScg", 1), tmp_path / "a.exr", options=WriteOptions(depth="float"))
    _write_raw(tmp_path / "a.exr", pixels)
    done = run("render", tmp_path / "a.exr", "-o", tmp_path / "b.exr", "--in-space", "ACEScg")
    assert done.code == 0, done.err
    assert "4 NaN or infinite samples repaired" in done.err
    result = _pixels(tmp_path / "b.exr")
    assert np.isfinite(result).all()
    good = np.isfinite(pixels)
    assert np.array_equal(result[good], pixels[good])


def _write_raw(path: Path, pixels: np.ndarray) -> None:
    """An EXR as some other program leaves it: our own writer mends NaN."""
    import OpenImageIO as oiio  # noqa: N813  (its users' own name for it)

    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], "float"))
    assert out.write_image(np.ascontiguousarray(pixels))
    out.close()


def test_light_beyond_half_is_clamped_counted_and_can_be_refused(run: Run, tmp_path: Path) -> None:
    pixels = picture(1)
    pixels[0, 0] = 70000.0
    wetgate.write(Frame(pixels, "ACEScg", 1), tmp_path / "a.exr", options=WriteOptions(depth="float"))
    done = run("render", tmp_path / "a.exr", "-o", tmp_path / "b.exr", "--depth", "half")
    assert done.code == 0
    assert "3 samples clamped" in done.err
    assert _pixels(tmp_path / "b.exr")[0, 0, 0] == 65504.0
    done = run("render", tmp_path / "a.exr", "-o", tmp_path / "c.exr", "--depth", "half", "--overflow", "error")
    assert done.code == 3
    assert not (tmp_path / "c.exr").exists()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3)])
def test_tiny_and_odd_pictures_work(run: Run, tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.full((*size, 3), 65504.0, np.float32)
    pixels[0, 0] = (-0.5, 0.0, 65504.0)
    wetgate.write(Frame(pixels, "ACEScg", 1), tmp_path / "a.exr", options=WriteOptions(depth="float"))
    done = run("render", tmp_path / "a.exr", "-o", tmp_path / "b.exr", "-n", "t_gain:gain=1", "-n", "t_mean:radius=2")
    assert done.code == 0, done.err
    assert np.array_equal(_pixels(tmp_path / "b.exr"), pixels)


def test_frames_of_other_sizes_are_worked_as_they_are(run: Run, plate: Path) -> None:
    frame = Frame(picture(1004, (12, 10)), "ACEScg", 1004)
    wetgate.write(frame, plate / "plate.1004.exr", options=WriteOptions(depth="float"))
    done = run("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_gain")
    assert done.code == 0, done.err
    assert _pixels(plate / "out/x.1004.exr").shape == (12, 10, 3)
    done = run("render", plate / "plate.####.exr", "-o", plate / "mean/x.####.exr", "-n", "t_mean")
    assert done.code == 3
    assert "3 frames failed: 1003-1005" in done.out
    assert "size" in done.err


def test_a_full_disk_is_said_to_be_full_and_leaves_no_part_of_a_frame(plate: Path) -> None:
    limit = 8_000  # bytes a file may have: less than the 9,216 of the pixels, more than the record

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = child(
        "render", "plate.####.exr", "-o", "out/x.####.exr", "--compression", "none", cwd=plate, preexec_fn=small_files
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, out + err
    assert "Traceback" not in err
    assert re.search(r"frame 1001 failed: .*x\.1001\.exr", err)
    assert not [p for p in (plate / "out").iterdir() if p.suffix != ".json" or p.name.startswith(".")]


# --- interrupted, killed, resumed


def test_ctrl_c_ends_with_130_and_leaves_whole_frames_alone(plate: Path) -> None:
    process = child("render", "plate.####.exr", "-o", "out/x.####.exr", "-n", "t_slow:seconds=0.3", cwd=plate)
    _wait_for(plate / "out/x.1002.exr", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not [p for p in (plate / "out").iterdir() if p.name.startswith(".")]
    for path in (plate / "out").glob("*.exr"):
        assert np.isfinite(_pixels(path)).all()


@pytest.mark.parametrize("after", [1001, 1004])
def test_killed_and_resumed_gives_the_files_of_an_undisturbed_run(plate: Path, after: int) -> None:
    arguments = ["render", "plate.####.exr", "-n", "t_slow:seconds=0.15", "-n", "t_mean", "-n", "t_level"]
    (plate / "a").mkdir()
    (plate / "b").mkdir()
    for name in ("a", "b"):
        for path in plate.glob("plate.*.exr"):
            (plate / name / path.name).symlink_to(path)
    whole = child(*arguments, "-o", "out/x.####.exr", cwd=plate / "a")
    whole.communicate(timeout=120)
    assert whole.returncode == 0
    killed = child(*arguments, "-o", "out/x.####.exr", cwd=plate / "b")
    _wait_for(plate / f"b/out/x.{after}.exr", killed)
    killed.kill()
    killed.communicate(timeout=60)
    assert not (plate / "b/out/x.1008.exr").exists()
    for path in (plate / "b/out").glob("x.*.exr"):
        assert path.read_bytes() == (plate / "a/out" / path.name).read_bytes()  # whole, or not there
    again = child(*arguments, "-o", "out/x.####.exr", "--resume", "--json", cwd=plate / "b")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert any(json.loads(line).get("kept") for line in out.splitlines())
    assert _digest(plate / "b/out") == _digest(plate / "a/out")


def test_resume_makes_a_changed_damaged_or_foreign_frame_again(run: Run, plate: Path) -> None:
    arguments = ("render", plate / "plate.####.exr", "-o", plate / "out/x.####.exr", "-n", "t_gain")
    run(*arguments)
    before = _digest(plate / "out")
    damaged = plate / "out/x.1002.exr"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    wetgate.write(Frame(picture(5), "ACEScg", 1003), plate / "out/x.1003.exr", options=WriteOptions(depth="float"))
    done = run(*arguments, "--resume")
    assert "6 frames kept from before" in done.out
    assert _digest(plate / "out") == before
    done = run(*arguments[:-1], "t_gain:gain=3", "--resume")
    assert "kept" not in done.out  # another job


def test_an_analysis_is_refused_for_other_pictures_and_other_parameters(run: Run, plate: Path) -> None:
    document = plate / "shot.json"
    done = run("analyze", plate / "plate.####.exr", "-n", "t_level", "-o", document)
    assert done.code == 0, done.err
    fine = run(
        "render", plate / "plate.####.exr", "-o", plate / "o/x.####.exr", "-n", "t_level", "--analysis", document
    )
    assert fine.code == 0, fine.err
    other = run(
        "render", plate / "plate.####.exr", "-o", plate / "p/x.####.exr", "-n", "t_level:strength=0.5",
        "--analysis", document,
    )  # fmt: skip
    assert other.code == 2
    assert "made with other parameters: strength" in other.err
    lost = run("render", plate / "plate.####.exr", "-o", plate / "r/x.####.exr", "-n", "deblur", "--analysis", document)
    assert lost.code == 2
    assert "is for t_level, which the graph does not use" in lost.err
    assert "analysing" not in lost.err
    wetgate.write(Frame(picture(99), "ACEScg", 1004), plate / "plate.1004.exr", options=WriteOptions(depth="float"))
    changed = run(
        "render", plate / "plate.####.exr", "-o", plate / "q/x.####.exr", "-n", "t_level", "--analysis", document
    )
    assert changed.code == 3
    assert "frame 1004 differs" in changed.err


# --- records


def test_verify_finds_a_changed_pixel_a_changed_record_and_another_source(run: Run, plate: Path) -> None:
    result = plate / "out/x.####.exr"
    run("render", plate / "plate.####.exr", "-o", result, "-n", "t_gain")
    good = run("verify", result, "--source", plate / "plate.####.exr")
    assert good.code == 0, good.out
    frame = wetgate.read(plate / "out/x.1005.exr")[0]
    pixels = frame.pixels.copy()
    pixels[0, 0, 0] += 0.25
    wetgate.write(frame.with_(pixels=pixels), plate / "out/x.1005.exr", options=WriteOptions(depth="float"))
    changed = run("verify", result)
    assert changed.code == 3
    assert "frame 1005: its pixels were changed" in changed.out
    record = plate / "out/x.wetgate.json"
    record.write_text(record.read_text().replace('"gain": 2.0', '"gain": 3.0'))
    assert "does not have the hash" in run("verify", result).out
    wetgate.write(Frame(picture(99), "ACEScg", 1002), plate / "plate.1002.exr", options=WriteOptions(depth="float"))
    assert "frame 1002 was not made from this source" in run("verify", result, "--source", plate / "plate.####.exr").out


def test_a_signed_record_holds_until_it_is_changed(run: Run, plate: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (plate / "key.pem").write_bytes(key)
    result = plate / "out/x.####.exr"
    done = run("render", plate / "plate.####.exr", "-o", result, "--sign", plate / "key.pem")
    assert done.code == 0, done.err
    assert "signed by" in run("verify", result).out
    record = plate / "out/x.wetgate.json"
    record.write_text(record.read_text().replace('"notes": []', '"notes": ["all is well"]'))
    changed = run("verify", result)
    assert changed.code == 3
    assert "the signature does not fit" in changed.out
    wrong = run("render", plate / "plate.####.exr", "-o", plate / "p/x.####.exr", "--sign", plate / "plate.1001.exr")
    assert wrong.code == 2
    assert "openssl genpkey" in wrong.err


def _wait_for(path: Path, process: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.01)
