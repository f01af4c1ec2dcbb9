"""``wetgate submit --to openjd``: the template, the runner's sessions, and what interrupted and broken jobs leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import wetgate
from cli.conftest import Ran, child, picture
from support.engine_nodes import declared
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame
from wetgate.surfaces.farm.tasks import our_frames, their_frames

pytest.importorskip("openjd.cli", reason="openjd-cli is not installed: pip install wetgate[farm]")
posix = pytest.mark.skipif(os.name != "posix", reason="the program of these tests is a shell script")
Run = Callable[..., Ran]
PATIENCE_S = 240  # a machine that does much else; no test waits for it where all is well


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """``wetgate`` with the sample nodes, as a farm's machines would start it."""
    root = Path(__file__).resolve().parents[2]
    script = tmp_path / "wetgate with nodes.sh"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH="{root / "plugin"}:{root / "tests"}" '
        f'exec "{sys.executable}" -m support.cli_with_samples "$@"\n'
    )
    script.chmod(0o755)
    return script


def make(folder: Path, count: int, name: str = "plate") -> Path:
    for number in range(1001, 1001 + count):
        frame = Frame(picture(number, (6, 8)), "ACEScg", number)
        wetgate.write(frame, folder / f"{name}.####.exr", options=WriteOptions(depth="half", compression="none"))
    return folder / f"{name}.####.exr"


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


def submit(program: Path, *arguments: object, cwd: Path) -> subprocess.Popen[str]:
    return child("submit", *arguments, "--to", "openjd", "--program", program, "--run", cwd=cwd)


def openjd(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "openjd", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def check(path: Path, extensions: list[str]) -> str:
    """What ``openjd check`` says against a template, with these extensions alone; "" where it passes."""
    from openjd.model import DecodeValidationError, decode_job_template

    try:
        decode_job_template(template=yaml.safe_load(path.read_text()), supported_extensions=extensions)
    except DecodeValidationError as error:
        return str(error)
    return ""


def template(job: Path) -> Any:
    return yaml.safe_load((job / "template.yaml").read_text())


# --- what is written


def test_every_argument_of_a_render_that_is_part_of_the_job_is_in_the_template(run: Run, tmp_path: Path) -> None:
    import inspect

    from wetgate.surfaces.cli.derived import job_parameters
    from wetgate.surfaces.cli.shot_commands import render

    footage = make(tmp_path / "in", 3)
    key = tmp_path / "key.pem"
    key.write_text("")
    given = {"in_space": "ACEScg", "out_space": "lin_rec709_srgb", "compression": "piz", "quality": "3.5"}
    given |= {"depth": "float", "fidelity": "forensic", "rate": "24", "aov": "views", "sign": str(key)}
    given |= {"codec": "none", "pixel_format": "none", "config": "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"}
    words = [w for name, value in given.items() for w in (f"--{name.replace('_', '-')}", value)]
    done = run("submit", footage, "-o", tmp_path / "out", "-n", "t_gain", *words, "--to", "openjd", "--write", tmp_path)
    assert done.code == 0, done.err
    text = (tmp_path / "template.yaml").read_text()
    for parameter in job_parameters(render):
        if parameter.name in ("input", "output", "node", "graph", "frames", "analysis"):
            continue
        assert f"--{parameter.name.replace('_', '-')}={{{{Param." in text, parameter.name
    checked = openjd("check", tmp_path / "template.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    missing = set(given) - set(inspect.signature(render, eval_str=True).parameters)
    assert not missing, "this test gives arguments that render does not have"
    verify = template(tmp_path)["steps"][-1]["script"]["actions"]["onRun"]["args"]
    restore = template(tmp_path)["steps"][0]["script"]["actions"]["onRun"]["args"]
    assert any(a.startswith("--sign=") for a in verify)
    assert not any(a.startswith("--sign=") for a in restore), "a private key goes where it is needed"


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("frames", ["1001-1009x2", "1001-1003,1007", "1001-1009"])
def test_the_template_passes_the_runners_own_check(run: Run, tmp_path: Path, frames: str, explicit: bool) -> None:
    footage = make(tmp_path / "a folder, with {odd} 'names'", 9)
    more = ["--explicit-chunks"] if explicit else []
    asked = ["-o", tmp_path / "out/x.####.exr", "-n", "t_level", "--frames", frames, "--chunk", 2, *more]
    assert run("submit", footage, *asked, "--to", "openjd", "--write", tmp_path / "job").code == 0
    assert check(tmp_path / "job/template.yaml", [] if explicit else ["TASK_CHUNKING"]) == ""
    paths = [p for p in template(tmp_path / "job")["parameterDefinitions"] if p["type"] == "PATH"]
    assert {p["name"]: p["dataFlow"] for p in paths} == {"InputFolder": "IN", "OutputFolder": "OUT", "Graph": "IN"}


@pytest.mark.parametrize("text", ["1001-1100", "1001-1099x2", "1,3,5-9", "-5--1x2,4"])
def test_frames_come_back_from_the_grammar_of_the_runner(text: str) -> None:
    from openjd.model import IntRangeExpr

    from wetgate.io.ranges import parse_frames

    assert sorted(IntRangeExpr.from_str(their_frames(text))) == sorted(parse_frames(text))
    assert our_frames(their_frames(text)) == text


def test_the_job_does_not_depend_on_presets_or_defaults_of_the_machines(run: Run, tmp_path: Path) -> None:
    from wetgate.engine.graph import load_graph, parse_nodes

    footage = make(tmp_path / "in", 3)
    asked = ["-o", tmp_path / "out/x.####.exr", "-n", "t_gain:gain=3", "-n", "t_mean"]
    assert run("submit", footage, *asked, "--to", "openjd", "--write", tmp_path / "job").code == 0
    assert load_graph(tmp_path / "job/graph.yaml").record() == parse_nodes(["t_gain:gain=3", "t_mean"]).record()


def test_what_a_farm_cannot_do_is_refused_where_it_is_submitted(run: Run, tmp_path: Path) -> None:
    footage = make(tmp_path / "in", 3)
    for output, said in (("x.mov", "many machines cannot write"), ("x.####.tga", "no room for a record")):
        done = run("submit", footage, "-o", tmp_path / output, "--to", "openjd", "--write", tmp_path / "job")
        assert done.code == 2
        assert said in done.err
    (tmp_path / "cut.otio").write_text("{}")
    done = run("submit", tmp_path / "cut.otio", "-o", tmp_path / "x", "--to", "openjd", "--write", tmp_path / "job")
    assert done.code == 2
    assert "submit the clips" in done.err
    done = run("submit", footage, "-o", tmp_path / "x.####.exr", "--to", "deadlin", "--write", tmp_path / "job")
    assert done.code == 2
    assert "did you mean 'deadline'" in done.err
    assert not (tmp_path / "job").exists()


def test_too_many_explicit_chunks_name_the_length_that_works(run: Run, tmp_path: Path) -> None:
    footage = make(tmp_path / "in", 1)
    (tmp_path / "in/plate.4000.exr").write_bytes((tmp_path / "in/plate.1001.exr").read_bytes())
    asked = ["-o", tmp_path / "x.####.exr", "--on-missing", "black", "--chunk", 1, "--explicit-chunks"]
    done = run("submit", footage, *asked, "--to", "openjd", "--write", tmp_path / "job")
    assert done.code == 2
    assert "3 or more frames a task" in done.err


# --- what runs


@posix
def test_a_job_of_100_frames_that_is_killed_and_run_again_ends_complete(tmp_path: Path, program: Path) -> None:
    footage = make(tmp_path / "in", 100)
    nodes = ["-n", "t_level", "-n", "t_slow:seconds=0.005"]
    asked = [footage, "-o", "out/x.####.exr", *nodes, "--chunk", "20", "--write", "job"]
    first = submit(program, *asked, cwd=tmp_path)
    _wait_for(lambda: len(list((tmp_path / "out").glob("x.*.exr"))) > 25)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 130, said
    assert "what is done is kept" in said
    done_before = len(list((tmp_path / "out").glob("x.*.exr")))
    assert 25 < done_before < 100
    assert not list((tmp_path / "out").glob(".*.tmp"))
    second = submit(program, *asked, cwd=tmp_path)
    _, said = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0, said
    assert "100 frames verified" in said
    whole = child("render", footage, "-o", "whole/x.####.exr", *nodes, cwd=tmp_path)
    whole.communicate(timeout=PATIENCE_S)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert "worker" in (tmp_path / "job/restore.log").read_text()
    assert "starts cold" not in (tmp_path / "job/restore.log").read_text()


@posix
def test_a_broken_frame_gives_exit_code_3_the_list_and_all_others(tmp_path: Path, program: Path) -> None:
    footage = make(tmp_path / "in", 12)
    (tmp_path / "in/plate.1003.exr").write_bytes(b"")
    ended = submit(
        program, footage, "-o", "out/x.####.exr", "-n", "t_gain", "--chunk", "4", "--write", "job", cwd=tmp_path
    )
    _, said = ended.communicate(timeout=PATIENCE_S)
    assert ended.returncode == 3, said
    assert "1 frame failed: 1003" in said
    assert len(list((tmp_path / "out").glob("x.*.exr"))) == 11
    record = json.loads((tmp_path / "out/x.wetgate.json").read_text())
    assert list(record["failed"]) == ["1003"]
    assert len(record["frames"]) == 11


@posix
def test_a_session_maps_paths_of_another_machine(run: Run, tmp_path: Path, program: Path) -> None:
    footage = make(tmp_path / "here/show", 4)
    make(tmp_path / "here/mattes", 4, "m")
    graph = tmp_path / "g.yaml"
    mask = {"files": "/there/mattes/m.####.exr", "channel": "R"}
    graph.write_text(yaml.safe_dump({"graph": "wetgate.graph/1", "nodes": [{"node": "t_gain", "mask": mask}]}))
    job = tmp_path / "job"
    local = graph.with_name("local.yaml")
    local.write_text(graph.read_text().replace("/there", str(tmp_path / "here")))
    asked = ["-o", tmp_path / "here/out/x.####.exr", "--graph", local, "--to", "openjd", "--program", program]
    assert run("submit", footage, *asked, "--write", job).code == 0
    for name in ("parameters.yaml", "graph.yaml"):  # as if it had been submitted on a machine that has it at /there
        path = job / name
        path.write_text(path.read_text().replace(str(tmp_path / "here"), "/there"))
    rule = {"source_path_format": "POSIX", "source_path": "/there", "destination_path": str(tmp_path / "here")}
    rules = json.dumps({"version": "pathmapping-1.0", "path_mapping_rules": [rule]})
    ended = openjd(
        *("run", job / "template.yaml", "-p", f"file://{job / 'parameters.yaml'}"),
        *("--step", "Verify", "--run-dependencies", "--path-mapping-rules", rules),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 frames verified" in ended.stdout
    record = json.loads((tmp_path / "here/out/x.wetgate.json").read_text())
    assert record["graph"]["nodes"][0]["mask"]["files"] == "/there/mattes/m.####.exr"


@posix
def test_a_full_disk_fails_frames_and_leaves_whole_files_alone(tmp_path: Path, program: Path) -> None:
    footage = make(tmp_path / "in", 6)
    full = program.with_name("full.sh")
    # No file may grow beyond a few kilobytes: the picture does not fit, the claim does.
    full.write_text(f'#!/bin/sh\ntrap "" XFSZ\nulimit -f 4\nexec "{program}" "$@"\n')
    full.chmod(0o755)
    for number in range(1001, 1007):
        big = Frame(picture(number, (64, 64)), "ACEScg", number)
        wetgate.write(big, tmp_path / "in/plate.####.exr", options=WriteOptions(depth="float", compression="none"))
    process = child("farm", "chunk", footage, "-o", "out/x.####.exr", "-n", "t_gain", cwd=tmp_path)
    process.communicate(timeout=PATIENCE_S)
    whole = files(tmp_path / "out")
    ended = subprocess.run(
        [str(full), "farm", "chunk", str(footage), "-o", "small/x.####.exr", "-n", "t_gain"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "check the free space" in ended.stdout
    assert not list((tmp_path / "small").glob("*.exr")), "half a frame is no frame"
    assert not list((tmp_path / "small").glob(".*.tmp"))
    assert len([n for n in whole if n.endswith(".exr")]) == 6


# --- the warm worker


@posix
def test_a_worker_serves_one_session_after_the_other_and_leaves_nothing(tmp_path: Path, program: Path) -> None:
    footage = make(tmp_path / "in", 4)
    session = tmp_path / "session"
    session.mkdir()

    def farm(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(program), "farm", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S)

    started = farm("start", "--session", session, "--program", program)
    assert started.returncode == 0, started.stdout + started.stderr
    pid = json.loads((session / "wetgate-worker.json").read_text())["pid"]
    assert (session / "wetgate-worker.json").stat().st_mode & 0o077 == 0
    for frames in ("1001-1002", "1003-1004"):
        done = farm("chunk", footage, "-o", "out/x.####.exr", "-n", "t_gain", "--frames", frames, "--session", session)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "cold" not in done.stdout
    bad = farm("chunk", footage, "-o", "out/x.####.exr", "-n", "t_gain:gain=99", "--session", session)
    assert bad.returncode == 2
    assert "gain is 99" in bad.stdout
    assert farm("stop", "--session", session).returncode == 0
    _wait_for(lambda: not _alive(pid))
    assert not (session / "wetgate-worker.json").exists()
    after = farm("chunk", footage, "-o", "out/x.####.exr", "-n", "t_gain", "--session", session)
    assert after.returncode == 0
    assert "starts cold" in after.stdout
    assert "4 kept from before" in after.stdout


@posix
def test_a_task_that_is_killed_takes_its_work_with_it_but_not_the_worker(tmp_path: Path, program: Path) -> None:
    footage = make(tmp_path / "in", 40)
    session = tmp_path / "session"
    session.mkdir()
    subprocess.run([str(program), "farm", "start", "--session", str(session), "--program", str(program)], check=True)
    pid = json.loads((session / "wetgate-worker.json").read_text())["pid"]
    asked = ["farm", "chunk", footage, "-o", "out/x.####.exr", "-n", "t_slow:seconds=0.1", "--session", session]
    task = child(*asked, cwd=tmp_path)
    _wait_for(lambda: (tmp_path / "out/x.1002.exr").exists())
    task.kill()
    task.communicate(timeout=PATIENCE_S)
    time.sleep(0.5)
    made = len(list((tmp_path / "out").glob("x.*.exr")))
    time.sleep(0.5)
    assert len(list((tmp_path / "out").glob("x.*.exr"))) == made < 40
    assert _alive(pid)
    for path in session.iterdir():  # the session's folder goes, as after openjd's clean-up
        path.unlink()
    _wait_for(lambda: not _alive(pid))


@posix
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="children are found in /proc")
def test_a_submission_that_is_killed_takes_its_runner_and_the_worker_with_it(tmp_path: Path, program: Path) -> None:
    footage = make(tmp_path / "in", 40)
    asked = [footage, "-o", "out/x.####.exr", "-n", "t_slow:seconds=0.2", "--write", "job", "--chunk", 10]
    process = submit(program, *asked, cwd=tmp_path)
    _wait_for(lambda: len(list((tmp_path / "out").glob("x.*.exr"))) >= 3)
    below = _below(process.pid)
    assert len(below) >= 3  # the runner, its task, the worker
    process.kill()
    process.communicate()
    _wait_for(lambda: not any(map(_alive, below)), 60)


def _below(pid: int) -> set[int]:
    """The processes that a process started, and theirs; the worker, which belongs to nobody, by its owner."""
    parents: dict[int, int] = {}
    servers = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:  # it has just ended
                continue
            if b"serve" in words and b"--owner" in words:
                servers.add((int(entry.name), int(words[words.index(b"--owner") + 1])))
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return (found | {server for server, owner in servers if owner in found}) - {pid}


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc").is_dir():
        try:
            return stat.read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:  # it has ended
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.05)
