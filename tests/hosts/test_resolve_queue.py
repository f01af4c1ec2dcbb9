"""``wetgate resolve restore --through-queue``: plates of camera raw by Resolve's own render queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate
from hosts.fake_resolve import project
from hosts.fake_resolve.state import FILE
from hosts.resolve_desk import API, COPY, GENERATIONS, NEW, Desk, Ran
from wetgate.io.stills import describe

MakeDesk = Callable[..., Desk]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> MakeDesk:
    """Makes a desk with a clip of camera raw and a plain one."""

    def make(version: tuple[int, ...] = NEW, **state: Any) -> Desk:
        items = project.camera(tmp_path, version=version)
        (tmp_path / "copy.yaml").write_text(COPY)
        monkeypatch.setenv(FILE, str(tmp_path / "resolve.json"))
        monkeypatch.setenv("RESOLVE_SCRIPT_API", str(API))
        here = Desk(tmp_path, items, capsys)
        here.change(**state)
        return here

    return make


def restore(here: Desk, *arguments: object) -> Ran:
    graph = here.folder / "copy.yaml"
    return here.restore("--graph", graph, "--handles", "1", "--through-queue", *arguments)


@pytest.mark.parametrize("version", GENERATIONS)
def test_camera_raw_comes_back_restored_with_its_own_numbers_and_nothing_is_left_behind(
    desk: MakeDesk, version: tuple[int, ...]
) -> None:
    here = desk(version, language="zh")  # the queue's words are not English
    before = here.state
    done = restore(here)
    assert done.code == 0, done.out + done.err
    shown = here.shown("raw")
    assert (shown["Start"], shown["Frames"], shown["FPS"], shown["Input Color Space"]) == ("1", "7", "25.0", "ACEScg")
    folder = Path(shown["Clip Directory"])
    for number in range(1, 8):
        source = wetgate.read(here.folder / "media/R003.####.exr", frames=str(number))[0]
        assert np.array_equal(wetgate.read(folder / f"R003.{number:04d}.exr")[0].pixels, source.pixels)
    (plates,) = (here.folder / "restored/plates").glob("R003-*")
    assert sorted(p.name for p in plates.iterdir()) == [f"R003.{n:04d}.exr" for n in range(1, 8)]
    assert describe(plates / "R003.0001.exr").depth == "half"
    state = here.state
    assert state["project"] == before["project"]  # no timeline more, and the reel is open
    assert (state["render"]["jobs"], state["page"]) == ({}, "color")


def test_a_preset_is_loaded_before_the_settings_and_never_one_of_sound_alone(desk: MakeDesk) -> None:
    here = desk()
    wrong = restore(here, "--render-preset", "Nobody's")
    assert (wrong.code, "H.264 Master" in wrong.out) == (3, True)
    here.change(log=[])
    assert restore(here).code == 0
    assert here.state["render"]["preset"] == "H.264 Master"
    log = here.state["log"]
    loaded, set_, added = (log.index(f"Project.{n}") for n in ("LoadRenderPreset", "SetRenderSettings", "AddRenderJob"))
    assert loaded < set_ < added


def test_a_job_that_waits_for_a_dialog_ends_with_what_to_do_and_is_done_by_the_next_run(desk: MakeDesk) -> None:
    here = desk(quirks={"modal": True})
    done = restore(here, "--stall-limit", "1", "--clips", "all")
    assert done.code == 3
    assert "close any dialog" in done.out
    assert here.state["render"]["jobs"] == {}
    here.change(quirks={})
    done = restore(here)
    assert (done.code, here.item("raw")["selected"]) == (0, 2), done.out


@pytest.mark.parametrize(
    ("quirks", "said"),
    [
        ({"lost_frames": 2}, "5 of 7 frames"),
        ({"sticky": ["colorSpaceOutput"]}, "colorSpaceOutput stays"),
        ({"sticky": ["timelineFrameRate"]}, "timelineFrameRate stays"),
    ],
)
def test_plates_that_would_be_wrong_are_refused_and_leave_nothing(
    desk: MakeDesk, quirks: dict[str, Any], said: str
) -> None:
    here = desk(quirks=quirks)
    before = here.state
    done = restore(here)
    assert done.code == 3
    assert said in next(line for line in done.out.splitlines() if line.startswith("failed") and "R003" in line)
    assert here.item("raw") == before["items"][here.items["raw"]]
    assert here.state["project"] == before["project"]
    assert here.state["render"]["jobs"] == {}


def test_files_that_resolve_numbers_otherwise_get_the_mediums_numbers(desk: MakeDesk) -> None:
    here = desk(quirks={"offset_names": 86400})
    assert restore(here).code == 0
    assert here.shown("raw")["Start"] == "1"


def test_plates_that_are_there_are_not_rendered_again(desk: MakeDesk) -> None:
    here = desk()
    assert restore(here).code == 0
    jobs = here.state["log"].count("Project.AddRenderJob")
    (here.folder / "other.yaml").write_text(COPY)
    done = here.restore("--graph", "hdr-lift", "--handles", "1", "--through-queue")
    assert done.code == 0, done.out + done.err
    assert here.state["log"].count("Project.AddRenderJob") == jobs


def test_without_the_queue_camera_raw_is_skipped_with_the_way_to_have_it(desk: MakeDesk) -> None:
    here = desk()
    done = here.restore("--graph", here.folder / "copy.yaml", "--json")
    (skipped,) = [e["text"] for e in done.events("clip") if e["state"] == "skipped"]
    assert "--through-queue" in skipped
    assert json.loads(done.out.splitlines()[-1])["clips"] == {"restored": 1, "kept": 0, "skipped": 1, "failed": 0}
