"""The scripts that run inside Resolve: old Python, no packages, Wetgate there or not, and the job never disturbed."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate
from hosts.fake_resolve import project
from hosts.fake_resolve.state import FILE, State, save
from wetgate.io.sink import WriteOptions
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.resolve.install import SCRIPTS, Settings, compose
from wetgate.surfaces.resolve.spool import Spool
from wetgate.surfaces.resolve.watch import watch

TESTS = Path(__file__).resolve().parents[1]
# As Resolve runs a script: its text, with what it lends as globals.
HOST = """
import json, sys
sys.path.insert(0, {tests!r})
from hosts.fake_resolve.objects import scriptapp
names = {{"__name__": "__main__", **json.loads({lent!r})}}
if {there!r}:
    names["resolve"] = scriptapp("Resolve")
path = {path!r}
exec(compile(open(path, encoding="utf-8").read(), path, "exec"), names)
"""
# The same for a Python that is too old for the fake: the few calls that a Deliver script makes.
OLD_HOST = """
import json
class Answer(object):
    def __init__(self, **results): self.__dict__.update((n, lambda *a, r=r: r) for n, r in results.items())
lent = json.loads({lent!r})
timeline = Answer(GetName="Cut", GetStartFrame=86400, GetMarkerByCustomData={{}}, AddMarker=True)
entry, state = lent.pop("entry"), lent.pop("state")
project = Answer(GetRenderJobList=[entry], GetRenderJobStatus=state, GetCurrentTimeline=timeline)
manager = Answer(GetCurrentProject=project)
resolve = Answer(GetVersion=[20, 3], GetProductName="Resolve", GetVersionString="20.3", GetProjectManager=manager)
path = {path!r}
exec(compile(open(path, encoding="utf-8").read(), path, "exec"), dict(lent, resolve=resolve, __name__="__main__"))
"""
VERMIN = (sys.executable, "-c", "from vermin import main; main()", "--no-tips", "--violations", "-t=3.6-")


def interpreters() -> list[str]:
    """Every Python from 3.6 on that is on this machine and starts."""
    found = [shutil.which(f"python3.{minor}") or "" for minor in range(6, 16)]
    found += map(str, Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3"))
    ask = ["-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    by_version = {}
    for path in filter(None, found):
        done = subprocess.run([path, *ask], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            by_version[done.stdout.strip()] = path
    return [by_version[v] for v in sorted(by_version, key=lambda v: int(v.partition(".")[2])) if v != "3.5"]


@pytest.fixture
def here() -> Machine:
    return Machine("linux", environ={})


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_of_python_3_6_and_of_the_standard_library(here: Machine, tmp_path: Path, name: str) -> None:
    text = compose(name, Settings(graph="hdr-lift"), here)
    tree = ast.parse(text, feature_version=(3, 6))
    imported = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= set(sys.stdlib_module_names)
    path = tmp_path / "script.py"
    path.write_text(text)
    found = subprocess.run(
        [*VERMIN, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    path.write_text(text + "\n\nif (late := 3) == 3:\n    pass\n")  # the tool does find what is too new
    found = subprocess.run([*VERMIN, str(path)], capture_output=True, text=True, check=False)
    assert found.returncode != 0


class Page:
    """The Deliver page: a project, a folder of frames, and the scripts."""

    def __init__(self, folder: Path, machine: Machine) -> None:
        self.folder = folder
        self.machine = machine
        self.target = folder / "deliver"
        self.spool = folder / "spool"
        project.cut(folder)
        self.job(percent=100)

    def job(self, **more: Any) -> None:
        """A job in the queue, as it stands at its end."""
        data = State(self.folder / "resolve.json").data
        job = {
            "timeline": data["project"]["current"],
            "state": "Complete",
            "percent": 100,
            "error": "",
            "polls": 0,
            "settings": {"TargetDir": str(self.target), "CustomName": "reel", "MarkIn": 86402},
            "format": "exr",
            "codec": "RGBHalf",
            "preset": "Custom",
        }
        data["render"].update(jobs={"job-1": job | more}, order=["job-1"])
        save(self.folder / "resolve.json", data)

    def frames(self, first: int = 86400, count: int = 4, name: str = "reel") -> None:
        """What Resolve renders."""
        for number in range(first, first + count):
            frame = wetgate.Frame(project.picture(number), "rec1886_rec709_display", number)
            path = self.target / f"{name}_{number:08d}.exr"
            path.parent.mkdir(exist_ok=True)
            wetgate.write(frame, path, options=WriteOptions(depth="half"))

    def run(
        self,
        name: str,
        settings: Settings,
        lent: dict[str, Any] | None = None,
        *,
        own: dict[str, Any] | None = None,
        there: bool = True,
        python: str = sys.executable,
        host: str = HOST,
    ) -> subprocess.CompletedProcess[str]:
        """A script, in a Python that knows nothing of ours."""
        script = self.folder / "script.py"
        script.write_text(compose(name, settings, self.machine))
        config = self.folder / "config"
        (config / "wetgate").mkdir(parents=True, exist_ok=True)
        (config / "wetgate/resolve.json").write_text(json.dumps(own or {}))
        code = host.format(tests=str(TESTS), lent=json.dumps(lent or {}), there=there, path=str(script))
        environment = {
            FILE: str(self.folder / "resolve.json"),
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(config),
            "PATH": os.defpath,
            "PYTHONHOME": "/nowhere",  # what a host leaves about
            "LANG": "C.UTF-8",
        }
        return subprocess.run(
            [python, "-I", "-S", "-c", code], env=environment, capture_output=True, text=True, check=False
        )

    def end(self, settings: Settings | None = None, **more: Any) -> str:
        """The end trigger; what it said. It must never fail."""
        lent = {"job": "job-1", "status": "Complete", "error": "", **more.pop("lent", {})}
        done = self.run("Deliver/Wetgate End of Job.py", settings or self.settings(), lent, **more)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done.stdout

    def settings(self, **more: Any) -> Settings:
        return Settings(**{"graph": "grain:amount=0", "spool": self.spool, **more})

    def jobs(self, state: str) -> list[dict[str, Any]]:
        return [json.loads(p.read_text()) for p in sorted((self.spool / state).glob("*.json"))]

    def marker(self) -> dict[str, Any] | None:
        timeline = State(self.folder / "resolve.json").data["timelines"]["timeline-3"]
        return next((m for m in timeline["markers"].values() if m["name"] == "Wetgate"), None)


@pytest.fixture
def page(tmp_path: Path, here: Machine) -> Page:
    return Page(tmp_path, Machine("linux", home=tmp_path, environ={}))


def test_a_finished_job_is_handed_on_rendered_and_reported_on_the_page(page: Page) -> None:
    page.frames()
    said = page.end()
    assert "4 files handed on" in said
    tally = watch(Spool(page.spool), once=True)
    assert (tally.done, tally.failed) == (1, 0), page.jobs("failed")
    (done,) = page.jobs("done")
    assert done["outputs"][0]["written"] == [86400, 86401, 86402, 86403]
    for number in range(86400, 86404):
        source = wetgate.read(page.target / f"reel_{number:08d}.exr")[0]
        result = wetgate.read(page.target / f"wetgate/reel_{number:08d}.exr")[0]
        assert np.array_equal(result.pixels, source.pixels)
    marker = page.marker()
    assert marker is not None
    assert (marker["color"], done["id"] in marker["note"]) == ("Mint", True)


def test_the_triggers_run_in_every_python_that_is_here(page: Page) -> None:
    entry = {"JobId": "job-1", "TargetDir": str(page.target), "OutputFilename": "reel_0.exr", "TimelineName": "Cut"}
    state = {"CompletionPercentage": 100, "TimeTakenToRenderInMs": 40}
    lent = {"job": "job-1", "status": "Complete", "error": "", "entry": entry, "state": state}
    tried = interpreters()
    assert tried
    for index, python in enumerate(tried):
        start = page.run("Deliver/Wetgate Start of Job.py", page.settings(), lent, python=python, host=OLD_HOST)
        assert (start.returncode, start.stdout, start.stderr) == (0, "", ""), python
        page.frames(86400 + 4 * index)
        end = page.run("Deliver/Wetgate End of Job.py", page.settings(), lent, python=python, host=OLD_HOST)
        assert (end.returncode, end.stderr) == (0, ""), python
        assert "4 files handed on" in end.stdout, python
    assert len(page.jobs("new")) == len(tried)


def test_only_what_the_job_made_is_handed_on_where_its_start_was_noted(page: Page) -> None:
    page.frames(count=2)
    page.frames(100, 2, "reel_old")
    lent = {"job": "job-1", "status": "", "error": ""}
    started = page.run("Deliver/Wetgate Start of Job.py", page.settings(), lent)
    assert (started.returncode, started.stdout) == (0, "")
    page.frames(86402, 3)
    assert "3 files handed on" in page.end()
    (job,) = page.jobs("new")
    assert [s["frames"] for s in job["sources"]] == [[86402, 86404]]
    assert not list((page.spool / "started").glob("*"))


@pytest.mark.parametrize(
    ("job", "lent", "said"),
    [
        ({"error": "disk full"}, {"error": "disk full"}, "disk full"),
        ({"state": "Cancelled", "percent": 43}, {"status": "已取消"}, "43 %"),
    ],
)
def test_a_job_that_failed_or_was_stopped_is_not_handed_on(
    page: Page, job: dict[str, Any], lent: dict[str, Any], said: str
) -> None:
    page.frames()
    page.job(**job)
    assert said in page.end(lent=lent)
    assert page.jobs("new") == []


def test_a_status_in_another_language_is_no_failure(page: Page) -> None:
    page.frames()
    assert "handed on" in page.end(lent={"status": "已完成"})


def test_without_wetgate_the_job_waits_and_the_page_is_told(page: Page) -> None:
    page.frames()
    own = {"command": ["/gone/python", "-I", "-m", "wetgate"]}
    said = page.end(page.settings(how="call"), own=own)
    assert "Wetgate is not at /gone/python" in said
    assert len(page.jobs("new")) == 1
    lent = {"job": "job-1"}
    assert (
        "Wetgate is not at"
        in page.run("Deliver/Wetgate Start of Job.py", page.settings(how="call"), lent, own=own).stdout
    )


def test_a_spool_folder_that_cannot_be_written_disturbs_nobody(page: Page) -> None:
    page.frames()
    page.spool.write_text("a file is in its place")
    done = page.run("Deliver/Wetgate End of Job.py", page.settings(), {"job": "job-1", "status": "", "error": ""})
    assert done.returncode == 0
    assert "was not handed on" in done.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_fails_where_resolve_itself_does_not_answer(page: Page, name: str) -> None:
    done = page.run(name, page.settings(), there=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Wetgate: " in done.stdout or "Start" in name


def test_the_page_waits_for_the_result_where_that_was_chosen(page: Page) -> None:
    page.frames()
    own = {"command": [sys.executable, "-I", str(_program(page.folder))]}
    said = page.end(page.settings(how="call", wait_s=60), own=own)
    assert "restored: 4 frames" in said
    marker = page.marker()
    assert marker is not None
    assert "restored" in marker["note"]


def test_it_does_not_wait_longer_than_was_chosen(page: Page) -> None:
    page.frames()
    assert "not done after 1 s" in page.end(page.settings(wait_s=1))


def _program(folder: Path) -> Path:
    """Wetgate of this checkout as a program of one file, whatever is installed."""
    path = folder / "program.py"
    plugin = Path(wetgate.__file__).resolve().parents[1]
    path.write_text(
        f"import sys; sys.path.insert(0, {str(plugin)!r})\nfrom wetgate.surfaces.cli.main import main\nmain()\n"
    )
    return path


@pytest.mark.parametrize(
    ("name", "clips"),
    [
        ("Edit/Wetgate Restore Timeline.py", "all"),
        ("Edit/Wetgate Restore Selection.py", "selected"),
        ("Edit/Wetgate Restore Marked Clips.py", "marked"),
        ("Color/Wetgate Restore This Clip.py", "current"),
    ],
)
def test_the_menu_starts_a_restore_of_what_its_name_says(page: Page, name: str, clips: str) -> None:
    told = page.folder / "told.json"
    program = page.folder / "record.py"
    program.write_text(
        "import json, os, sys\n"
        f"path = {str(told)!r}\n"
        "open(path + '.new', 'w').write(json.dumps([sys.argv[1:], os.environ.get('PYTHONHOME', '')]))\n"
        "os.rename(path + '.new', path)\n"
    )
    done = page.run(name, page.settings(), own={"command": [sys.executable, "-I", str(program)]})
    assert "restoring has begun" in done.stdout
    _until(told.is_file)
    arguments, home = json.loads(told.read_text())
    assert arguments == ["resolve", "restore", "--clips", clips, "--timeline", "Cut", "--graph", "grain:amount=0"]
    assert home == ""


def test_the_status_script_says_what_it_finds(page: Page) -> None:
    own = {"command": [sys.executable, "-I", str(_program(page.folder))]}
    said = page.run("Utility/Wetgate Status.py", page.settings(), own=own).stdout
    for text in ("DaVinci Resolve Studio 21.1.0.17", "Cut", f"wetgate {wetgate.__version__}", "0 new"):
        assert text in said


def _until(there: Callable[[], bool]) -> None:
    import time

    for _ in range(600):
        if there():
            return
        time.sleep(0.05)
    pytest.fail("it did not come within half a minute")
