"""``wetgate submit`` for Deadline Cloud, Deadline 10 and OpenCue: the files, against the formats as documented.

The managers themselves are not here. The documents are named in the modules that write the files.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

import wetgate
from cli.conftest import Ran, picture
from wetgate.engine.masks import here
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame

Run = Callable[..., Ran]
ODD = "shot 010 (v2), it's & 100% – Größe"


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Nine frames under a name that shells, XML and argument parsers trip over."""
    for number in range(1001, 1010):
        frame = Frame(picture(number, (4, 6)), "ACEScg", number)
        wetgate.write(frame, tmp_path / ODD / "a b.####.exr", options=WriteOptions(depth="half"))
    (tmp_path / ODD / "notes.txt").write_text("not footage")
    return tmp_path / ODD / "a b.####.exr"


def submitted(run: Run, footage: Path, to: str, *more: object, nodes: tuple[str, ...] = ("hdr_lift",)) -> Path:
    job = footage.parents[1] / "job files"
    asked = ["-o", footage.parents[1] / "the result/x.####.exr", "--out-space", "ACEScg", "--chunk", 3]
    given = [w for node in nodes for w in ("-n", node)]
    done = run("submit", footage, *asked, *given, "--to", to, "--write", job, *more)
    assert done.code == 0, done.err
    return job


def carried_out(run: Run, words: list[str]) -> Ran:
    """A task's command line, done here as a machine of the farm would do it."""
    assert words[0] == "wetgate"
    return run(*words[1:])


# --- Deadline Cloud


def test_a_bundle_lists_the_footage_and_nothing_else_of_its_folder(run: Run, footage: Path) -> None:
    job = submitted(run, footage, "deadline-cloud", "--frames", "1001-1003")
    references = yaml.safe_load((job / "asset_references.yaml").read_text())["assetReferences"]
    assert set(references) == {"inputs", "outputs", "referencedPaths"}
    frames = [str(footage.with_name(f"a b.{n}.exr")) for n in range(1001, 1010)]
    assert references["inputs"] == {"directories": [], "filenames": sorted([*frames, str(job / "graph.yaml")])}
    assert references["outputs"] == {"directories": [str(footage.parents[1] / "the result")]}
    template = yaml.safe_load((job / "template.yaml").read_text())
    flows = {p["name"]: p["dataFlow"] for p in template["parameterDefinitions"] if p["type"] == "PATH"}
    assert flows == {"InputFolder": "NONE", "OutputFolder": "OUT", "Graph": "IN"}


def test_a_bundle_names_every_value_that_its_template_has_no_default_for(run: Run, footage: Path) -> None:
    job = submitted(run, footage, "deadline-cloud", "--priority", 80)
    values = {
        v["name"]: v["value"] for v in yaml.safe_load((job / "parameter_values.yaml").read_text())["parameterValues"]
    }
    template = yaml.safe_load((job / "template.yaml").read_text())
    assert values["deadline:priority"] == 80
    open_ones = {p["name"] for p in template["parameterDefinitions"] if "default" not in p}
    assert open_ones == {name for name in values if not name.startswith("deadline:")}


def test_a_private_key_is_referenced_and_not_uploaded(run: Run, footage: Path) -> None:
    key = footage.parents[1] / "key.pem"
    key.write_text("")
    job = submitted(run, footage, "deadline-cloud", "--sign", key)
    references = yaml.safe_load((job / "asset_references.yaml").read_text())["assetReferences"]
    assert str(key) not in references["inputs"]["filenames"]
    assert references["referencedPaths"] == [str(key)]


# --- Deadline 10


def info(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines())


def parted(arguments: str) -> list[str]:
    """Arguments as .NET and the C runtime of Windows take them apart: at blanks outside double quotes."""
    return [w.replace('"', "") for w in re.findall(r'(?:"[^"]*"|[^\s"])+', arguments)]


def test_deadline_jobs_have_the_keys_of_the_manual_and_run_as_written(run: Run, footage: Path) -> None:
    job = submitted(run, footage, "deadline", "--frames", "1001-1009x2", "--priority", 70)
    names = [p.name for p in sorted(job.glob("*.job_info.txt"))]
    assert names == ["1-analyze.job_info.txt", "2-chunk.job_info.txt", "3-verify.job_info.txt"]
    frames = info(job / names[1])
    assert frames["Plugin"] == "CommandLine"
    assert (frames["Frames"], frames["ChunkSize"], frames["Priority"]) == ("1001-1009x2", "3", "70")
    assert frames["OutputFilename0"] == "x.####.exr"
    assert info(job / names[2])["ResumeOnFailedDependencies"] == "true"
    # Whether a manager cuts 1001-1009x2 into 1001-1005 and 1007-1009 or otherwise: no frame twice, none missing.
    tasks = {"1-analyze": [("0", "0")], "2-chunk": [("1001", "1005"), ("1007", "1009")], "3-verify": [("0", "0")]}
    for name, ranges in tasks.items():
        plugin = info(job / f"{name}.plugin_info.txt")
        assert set(plugin) == {
            "Executable",
            "Arguments",
            "StartupDirectory",
            "Shell",
            "ShellExecute",
            "SingleFramesOnly",
        }
        for first, last in ranges:
            text = plugin["Arguments"].replace("<STARTFRAME>", first).replace("<ENDFRAME>", last)
            done = carried_out(run, [plugin["Executable"], *parted(text)])
            assert done.code == 0, done.out + done.err
            assert re.search(r"Progress: 100%", done.out)
    result = footage.parents[1] / "the result"
    assert sorted(p.name for p in result.glob("x.*.exr")) == [f"x.{n}.exr" for n in range(1001, 1010, 2)]
    assert run("verify", result / "x.####.exr", "--source", footage).code == 0


def test_the_script_submits_each_deadline_job_behind_the_one_before(run: Run, footage: Path, tmp_path: Path) -> None:
    job = submitted(run, footage, "deadline")
    fake = tmp_path / "client" / "deadlinecommand"
    fake.parent.mkdir()
    fake.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        f"log = pathlib.Path({str(tmp_path / 'log')!r})\n"
        "before = log.read_text(encoding='utf-8') if log.exists() else ''\n"
        "job = pathlib.Path(sys.argv[1]).read_text(encoding='utf-8')\n"
        "log.write_text(before + '---\\n' + job + '\\n' + sys.argv[2] + '\\n', encoding='utf-8')\n"
        "print('Success\\nJobID=id%d' % (before.count('---') + 1))\n"
    )
    fake.chmod(0o755)
    environment = {"DEADLINE_PATH": str(fake.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, str(job / "submit.py")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sent = (tmp_path / "log").read_text(encoding="utf-8").split("---\n")[1:]
    assert [re.findall(r"^JobDependencies=(.*)$", text, re.MULTILINE) for text in sent] == [[], ["id1"], ["id2"]]
    assert [Path(text.splitlines()[-1]).name[0] for text in sent] == ["1", "2", "3"]


def test_paths_are_written_as_the_farms_windows_machines_know_them(run: Run, footage: Path, tmp_path: Path) -> None:
    job = submitted(run, footage, "deadline", "--map", f"{tmp_path}=P:\\show", "--map", "/elsewhere=X:")
    assert info(job / "2-chunk.job_info.txt")["OutputDirectory0"] == "P:\\show\\the result"
    words = parted(info(job / "2-chunk.plugin_info.txt")["Arguments"])
    assert f"P:\\show\\{ODD}\\a b.####.exr" in words
    assert "P:\\show\\job files\\graph.yaml" in words
    refused = run("submit", footage, "-o", "x.####.exr", "--to", "deadline", "--write", job, "--map", "nonsense")
    assert refused.code == 2
    assert "FROM=TO" in refused.err


def test_a_quote_in_a_name_is_refused_where_the_manager_cannot_hold_it(run: Run, tmp_path: Path) -> None:
    footage = tmp_path / 'a "b"' / "x.####.exr"
    wetgate.write(Frame(picture(1, (4, 6)), "ACEScg", 1), footage, options=WriteOptions(depth="half"))
    wetgate.write(Frame(picture(2, (4, 6)), "ACEScg", 2), footage, options=WriteOptions(depth="half"))
    done = run("submit", footage, "-o", tmp_path / "o/x.####.exr", "--to", "deadline", "--write", tmp_path / "job")
    assert done.code == 2
    assert "rename" in done.err


# --- OpenCue

# cjsl-1.13.dtd: what each element may hold, in this order.
ORDER: dict[str, list[str]] = {
    "spec": ["facility", "dept", "show", "shot", "user", "email", "uid", "job", "depends"],
    "job": [
        *("paused", "priority", "maxretries", "maxcores", "maxgpus", "autoeat", "localbook", "os", "env"),
        "layers",
    ],
    "layers": ["layer"],
    "layer": [
        *("cmd", "range", "chunk", "cores", "threadable", "memory", "gpus", "gpu", "gpu_memory", "timeout"),
        *("timeout_llu", "tags", "limits", "env", "services"),
    ],
    "services": ["service"],
    "depends": ["depend"],
    "depend": ["depjob", "deplayer", "depframe", "onjob", "onlayer", "onframe"],
}
NMTOKEN = re.compile(r"[\w.:-]+")


def test_an_opencue_job_has_the_elements_of_the_specification_in_order(run: Run, footage: Path) -> None:
    job = submitted(run, footage, "opencue", "--show", "film", "--shot", "010", "--device", "cuda:0", "--threads", 8)
    spec = ElementTree.parse(job / "job.xml").getroot()
    for element in spec.iter():
        allowed = ORDER.get(element.tag, [])
        places = [allowed.index(child.tag) for child in element]
        assert places == sorted(places), element.tag
        assert all(NMTOKEN.fullmatch(v) for v in element.attrib.values())
    assert [e.text for e in spec.findall("show")] == ["film"]
    layers: dict[str | None, Any] = {e.get("name"): e for e in spec.iter("layer")}
    assert layers["frames"].findtext("gpus") == "1"
    assert layers["verify"].find("gpus") is None
    pairs = [(d.findtext("deplayer"), d.findtext("onlayer")) for d in spec.iter("depend")]
    assert pairs == [("frames", "analyze"), ("verify", "frames")]


def test_an_opencue_command_survives_its_shell(run: Run, footage: Path) -> None:
    job = submitted(run, footage, "opencue", "--frames", "1002-1009")
    spec = ElementTree.parse(job / "job.xml").getroot()
    for name, ranges in (("analyze", [(1002, 1002)]), ("frames", [(1002, 1004), (1005, 1007), (1008, 1009)])):
        (layer,) = (e for e in spec.iter("layer") if e.get("name") == name)
        for first, last in ranges:
            text = str(layer.findtext("cmd")).replace("#FRAME_START#", str(first)).replace("#FRAME_END#", str(last))
            done = carried_out(run, shlex.split(text))
            assert done.code == 0, done.out + done.err
    assert len(list((footage.parents[1] / "the result").glob("x.*.exr"))) == 8


# --- paths of two systems


@pytest.mark.parametrize(
    ("path", "moved", "found"),
    [
        ("/mnt/show/a/b.exr", {"/mnt/show": "P:\\show"}, "P:\\show/a/b.exr"),
        ("/mnt/showreel/b.exr", {"/mnt/show": "/x"}, "/mnt/showreel/b.exr"),
        ("/mnt/show/b.exr", {"/mnt": "/x", "/mnt/show": "/y"}, "/y/b.exr"),
        ("P:\\Show\\a\\b.exr", {"p:/show": "/mnt/show"}, "/mnt/show/a/b.exr"),
        ("\\\\nas\\show\\b.exr", {"\\\\nas\\show": "/mnt"}, "/mnt/b.exr"),
        ("/mnt/show", {"/mnt/show/": "/y/"}, "/y"),
    ],
)
def test_a_path_is_moved_by_its_longest_known_beginning(path: str, moved: dict[str, str], found: str) -> None:
    assert here(path, moved) == found
