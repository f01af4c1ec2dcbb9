"""``wetgate render cut.otio``: every clip's frames once, and a timeline that shows them and has lost nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time as clock
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import opentimelineio as otio
import pytest

import wetgate
from cli.conftest import Ran, child
from support.engine_nodes import declared
from support.timelines import clip, load, number_in, plate, save, sequence_reference, span, time, timeline
from wetgate.io.sink import WriteOptions

Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


@pytest.fixture
def plates(tmp_path: Path) -> tuple[Path, Path]:
    """Two plates: 1001 to 1040, and 0990 to 1019."""
    return plate(tmp_path / "plates", "A", range(1001, 1041)), plate(tmp_path / "plates", "B", range(990, 1020))


def a(pattern: Path) -> Any:
    return sequence_reference(pattern, 1001, 40, start=86400)


def b(pattern: Path) -> Any:
    return otio.schema.ExternalReference(str(pattern.parent / "B.[0990-1019].exr"), span(0, 30))


def rich(plates: tuple[Path, Path]) -> Any:
    """A cut with everything that must come through: transition, gap, retime, nested stack, markers, effects, metadata,
    a title, a generator, sound."""
    first = clip("first", a(plates[0]), span(86405, 10), metadata={"Resolve_OTIO": {"Link Group ID": 7}})
    first.markers.append(otio.schema.Marker(name="look", marked_range=span(86406, 1), color="GREEN"))
    first.effects.append(otio.schema.Effect(name="crop", effect_name="Resolve Effect", metadata={"x": 1}))
    second = clip("second", a(plates[0]), span(86412, 10))
    fast = clip("fast", b(plates[1]), span(4, 6))
    fast.effects.append(otio.schema.LinearTimeWarp(name="speed", time_scalar=2.0))
    inner = otio.schema.Track("inner", kind="Video", children=[clip("nested", a(plates[0]), span(86430, 5))])
    nest = otio.schema.Stack(name="nest", children=[inner], source_range=span(1, 3))
    bars = clip("bars", otio.schema.GeneratorReference(generator_kind="SMPTEBars", available_range=span(0, 9)))
    made = timeline(
        first,
        otio.schema.Transition("mix", "SMPTE_Dissolve", in_offset=time(2), out_offset=time(3)),
        second,
        otio.schema.Gap(source_range=span(0, 12)),
        fast,
        nest,
        bars,
    )
    made.global_start_time = time(86400)
    made.metadata["Resolve_OTIO"] = {"Resolve OTIO Meta Version": "1.0"}
    sound = clip("sound", otio.schema.ExternalReference("/nowhere.wav", span(0, 99)), span(0, 40))
    made.tracks.append(otio.schema.Track("A1", kind="Audio", children=[sound]))
    return made


def restored(folder: Path) -> dict[str, set[int]]:
    """The frames that were written, by the folder of their media."""
    out: dict[str, set[int]] = {}
    for path in folder.glob("*/*.exr"):
        out.setdefault(path.parent.name, set()).add(int(path.name.split(".")[1]))
    return out


def test_a_cut_comes_back_with_everything_but_its_footage_as_it_was(
    run: Run, tmp_path: Path, plates: tuple[Path, Path]
) -> None:
    made = rich(plates)
    save(made, tmp_path / "cut.otio")
    done = run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "-n", "t_gain:gain=3")
    assert done.code == 0, done.err
    after = load(tmp_path / "out/cut_restored.otio")
    clips = {c.name: c for c in after.find_clips()}
    for name in ("first", "second", "fast", "nested"):
        before = next(c for c in made.find_clips() if c.name == name)
        assert clips[name].metadata["wetgate"]["source"].is_equivalent_to(before.media_reference)
        clips[name].media_reference = before.media_reference.clone()
        del clips[name].metadata["wetgate"]
    assert after.name == "cut restored"
    after.name = "cut"
    assert json.loads(after.to_json_string()) == json.loads(made.to_json_string())


def test_each_clip_shows_the_frames_that_it_showed(run: Run, tmp_path: Path, plates: tuple[Path, Path]) -> None:
    made = rich(plates)
    save(made, tmp_path / "cut.otio")
    run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "-n", "t_gain:gain=2", "--dialect", "otio")
    after = load(tmp_path / "out/cut_restored.otio")
    for name in ("first", "second", "nested"):
        was, now = (next(c for c in t.find_clips() if c.name == name) for t in (made, after))
        for moment in (was.source_range.start_time, was.source_range.end_time_inclusive()):
            number = was.media_reference.frame_for_time(moment)
            assert now.media_reference.frame_for_time(moment) == number
            index = number - now.media_reference.start_frame
            path = Path(now.media_reference.target_url_for_image_number(index).removeprefix("file://"))
            assert number_in(path) == 2 * number


def test_frames_that_two_clips_share_are_rendered_once(run: Run, tmp_path: Path, plates: tuple[Path, Path]) -> None:
    save(rich(plates), tmp_path / "cut.otio")
    done = run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    frames = [(e["path"], e["frame"]) for e in events if e["event"] == "frame"]
    assert len(frames) == len(set(frames))
    assert [e["clips"] for e in events if e["event"] == "media"] == [["first", "second", "nested"], ["fast"]]
    # first shows 86405..86414 and 3 under the mix, second 2 before 86412..86421; the retime takes one frame more
    assert restored(tmp_path / "out") == {
        "A": {*range(1006, 1023), *range(1031, 1036)},
        "B": set(range(993, 1007)),
    }


def test_handles_reach_as_far_as_the_media(run: Run, tmp_path: Path, plates: tuple[Path, Path]) -> None:
    save(timeline(clip("x", a(plates[0]), span(86402, 5))), tmp_path / "cut.otio")
    run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "--handles", 4)
    assert restored(tmp_path / "out") == {"A": set(range(1001, 1012))}
    (clip_after,) = load(tmp_path / "out/cut_restored.otio").find_clips()
    assert clip_after.media_reference.available_range == span(86400, 11)
    assert clip_after.source_range == span(86402, 5)
    assert clip_after.media_reference.target_url == str(tmp_path / "out/A/A.[1001-1011].exr")


def test_missing_media_are_told_of_and_the_rest_is_done(run: Run, tmp_path: Path, plates: tuple[Path, Path]) -> None:
    gone = clip("gone", otio.schema.ExternalReference("/nowhere/x.mov", span(0, 30)), span(4, 6))
    title = clip("title", otio.schema.MissingReference(), span(0, 9))
    short = clip("short", sequence_reference(plates[0], 1001, 90), span(1035, 20))
    ramp = clip("ramp", b(plates[1]), span(0, 5))
    ramp.effects.append(otio.schema.TimeEffect(effect_name="ramp"))
    save(timeline(clip("x", a(plates[0]), span(86402, 5)), gone, title, short, ramp), tmp_path / "cut.otio")
    done = run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "--json")
    assert done.code == 3
    clips = {c["clip"]: c for c in json.loads(done.out.splitlines()[-1])["clips"]}
    assert {n: c["status"] for n, c in clips.items()} == {
        "x": "restored",
        "gone": "missing",
        "title": "missing",
        "short": "failed",
        "ramp": "failed",
    }
    assert "/nowhere/x.mov" in clips["gone"]["why"]
    assert "frames 1035 to 1054" in clips["short"]["why"]
    assert "its speed changes" in clips["ramp"]["why"]
    after = {c.name: c.media_reference for c in load(tmp_path / "out/cut_restored.otio").find_clips()}
    assert after["gone"].target_url == "/nowhere/x.mov"
    assert after["short"].schema_name() == "ImageSequenceReference"


def test_a_clip_of_which_a_frame_fails_keeps_its_source(run: Run, tmp_path: Path, plates: tuple[Path, Path]) -> None:
    (tmp_path / "plates/A.1004.exr").write_bytes(b"damaged")
    cut = timeline(clip("bad", a(plates[0]), span(86402, 5)), clip("good", a(plates[0]), span(86410, 5)))
    save(cut, tmp_path / "cut.otio")
    done = run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "--in-space", "ACEScg")
    assert done.code == 3
    assert "failed: bad (V1 at frame 0): frames 1004 failed" in done.out
    after = {c.name: c.media_reference.schema_name() for c in load(tmp_path / "out/cut_restored.otio").find_clips()}
    assert after == {"bad": "ImageSequenceReference", "good": "ExternalReference"}


def test_a_marker_or_metadata_gives_a_clip_its_own_graph(run: Run, tmp_path: Path, plates: tuple[Path, Path]) -> None:
    noted = clip("noted", a(plates[0]), span(86402, 3))
    noted.markers.append(
        otio.schema.Marker(
            name="wetgate", marked_range=span(86402, 1), metadata={"Resolve_OTIO": {"Note": "t_gain:gain=2"}}
        )
    )
    tabled = clip("tabled", a(plates[0]), span(86402, 3), metadata={"wetgate": {"nodes": ["t_gain:gain=3"]}})
    skipped = clip("skipped", a(plates[0]), span(86410, 3), metadata={"wetgate": {"graph": "skip"}})
    wrong = clip("wrong", a(plates[0]), span(86410, 3), metadata={"wetgate": {"nodes": ["t_gian:gain=3"]}})
    plain = clip("plain", a(plates[0]), span(86402, 3))
    save(timeline(noted, tabled, skipped, wrong, plain), tmp_path / "cut.otio")
    done = run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "-n", "t_gain:gain=5")
    assert done.code == 3
    assert "kept: skipped" in done.out
    assert "did you mean 't_gain'?" in done.out
    seen = {folder: number_in(tmp_path / f"out/{folder}/A.1003.exr") / 1003 for folder in ("A", "A-2", "A-3")}
    assert seen == {"A": 2, "A-2": 3, "A-3": 5}


def test_a_changed_cut_keeps_what_was_rendered(run: Run, tmp_path: Path, plates: tuple[Path, Path]) -> None:
    other = clip("other", a(plates[0]), span(86402, 3), metadata={"wetgate": {"nodes": ["t_gain:gain=3"]}})
    cut = tmp_path / "cut.otio"
    save(timeline(clip("x", a(plates[0]), span(86402, 5)), other), cut)
    run("render", cut, "-o", tmp_path / "out", "-n", "t_gain:gain=2")
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("out/*/*.exr")}
    # the clips change places and one grows: the folders stay, and only what is new is rendered
    save(timeline(other.clone(), clip("x", a(plates[0]), span(86402, 8))), cut)
    done = run("render", cut, "-o", tmp_path / "out", "-n", "t_gain:gain=2", "--resume", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    made = sorted(e["frame"] for e in events if e["event"] == "frame" and not e["kept"])
    assert made == [1008, 1009, 1010]
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_killed_run_goes_on_and_gives_the_same_files(tmp_path: Path, plates: tuple[Path, Path]) -> None:
    save(rich(plates), tmp_path / "cut.otio")
    arguments = ("render", "cut.otio", "-n", "t_slow:seconds=0.1", "--json")
    running = child(*arguments, "-o", "out", cwd=tmp_path)
    until = clock.monotonic() + 60
    while len(list(tmp_path.glob("out/A/*.exr"))) < 4 and clock.monotonic() < until:
        clock.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert not (tmp_path / "out/cut_restored.otio").exists()
    assert list(tmp_path.glob("out/A/*.exr"))
    for target, more in (("out", ["--resume"]), ("whole", [])):
        again = child(*arguments, "-o", target, *more, cwd=tmp_path)
        out, err = again.communicate(timeout=120)
        assert again.returncode == 0, err
    assert '"kept": true' not in out
    files = {p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert files == {p.relative_to(tmp_path / "whole") for p in (tmp_path / "whole").rglob("*") if p.is_file()}
    for name in files:
        one, two = ((tmp_path / f / name).read_bytes() for f in ("out", "whole"))
        assert one.replace(b"/out/", b"/whole/").replace(b'"out/', b'"whole/') == two, name


def test_an_interrupt_ends_with_130_and_no_timeline(tmp_path: Path, plates: tuple[Path, Path]) -> None:
    save(rich(plates), tmp_path / "cut.otio")
    running = child("render", "cut.otio", "-n", "t_slow:seconds=0.2", "-o", "out", cwd=tmp_path)
    until = clock.monotonic() + 60
    while not list(tmp_path.glob("out/A/*.exr")) and clock.monotonic() < until:
        clock.sleep(0.02)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    assert not (tmp_path / "out/cut_restored.otio").exists()
    assert not [p for p in tmp_path.glob("out/**/*") if p.name.endswith(".tmp")]


def test_a_movie_is_cut_by_its_time_code(run: Run, tmp_path: Path) -> None:
    frames = [wetgate.Frame(np.full((32, 48, 3), n / 40, np.float32), "rec1886_rec709_display", n) for n in range(24)]
    wetgate.write(frames, tmp_path / "tape.mkv", options=WriteOptions(codec="ffv1", rate=Fraction(24)))
    cut = timeline(
        clip("x", otio.schema.ExternalReference(str(tmp_path / "tape.mkv"), span(86400, 24)), span(86410, 4))
    )
    save(cut, tmp_path / "cut.otio")
    done = run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "--in-space", "rec1886_rec709_display")
    assert done.code == 0, done.err
    assert restored(tmp_path / "out") == {"tape": {10, 11, 12, 13}}
    (after,) = load(tmp_path / "out/cut_restored.otio").find_clips()
    assert after.media_reference.available_range == span(86410, 4)
    assert after.media_reference.target_url.endswith("tape.[0010-0013].exr")


def test_media_elsewhere_are_found_in_the_folders_that_are_named(
    run: Run, tmp_path: Path, plates: tuple[Path, Path]
) -> None:
    moved = sequence_reference(Path("/elsewhere/A.####.exr"), 1001, 40, start=86400)
    reel = clip("A", otio.schema.MissingReference(), span(1010, 5))
    save(timeline(clip("x", moved, span(86402, 5)), reel), tmp_path / "cut.otio")
    done = run("render", tmp_path / "cut.otio", "-o", tmp_path / "out", "--media", tmp_path / "plates")
    assert done.code == 0, done.err
    assert restored(tmp_path / "out") == {"A": {*range(1003, 1008), *range(1010, 1015)}}
    assert "read as the frame numbers" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frames", "1-2"], "--frames is given for a timeline"),
        (["--analysis", "a.json", "--report", "a.html"], "--report is given for a timeline"),
        (["--dialect", "hiero"], "allowed: resolve, otio"),
        (["--media", "none"], "there is no folder 'none'"),
        (["--rate", "25"], "says its own frame rate"),
        (["-o", "x.mov"], "allowed: a folder"),
        (["-o", "cut.otio"], "is the timeline and the result"),
        (["-n", "t_gian"], "did you mean"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(
    run: Run,
    tmp_path: Path,
    plates: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save(rich(plates), tmp_path / "cut.otio")
    before = sorted(tmp_path.rglob("*"))
    done = run("render", "cut.otio", *([] if "-o" in arguments else ["-o", "out"]), *arguments)
    assert done.code == 2
    assert said in done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_options_of_timelines_are_refused_for_footage(run: Run, plate: Path) -> None:
    done = run("render", plate / "plate.####.exr", "-o", plate / "out", "--handles", 8)
    assert done.code == 2
    assert "--handles is given for footage" in done.err


def test_an_edl_is_read_where_its_adapter_is_installed(run: Run, tmp_path: Path, plates: tuple[Path, Path]) -> None:
    if "cmx_3600" not in otio.adapters.available_adapter_names():
        pytest.skip("otio-cmx3600-adapter is not installed")
    (tmp_path / "cut.edl").write_text(
        "TITLE: CUT\nFCM: NON-DROP FRAME\n\n"
        "001  A V     C        00:00:40:10 00:00:40:15 01:00:00:00 01:00:00:05\n* FROM CLIP NAME: A.exr\n"
    )
    done = run("render", tmp_path / "cut.edl", "-o", tmp_path / "out", "--media", tmp_path / "plates", "--rate", "25")
    assert done.code == 0, done.err
    assert restored(tmp_path / "out") == {"A": set(range(1010, 1015))}


def test_a_question_about_timelines_loads_no_heavy_library() -> None:
    code = "import sys, wetgate.io.timeline, wetgate.engine.clip_graph; sys.exit('opentimelineio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
