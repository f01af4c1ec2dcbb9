"""``wetgate resolve restore`` on a reel of twelve clips, in both generations of Resolve's scripting API."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate
from hosts.fake_resolve import project
from hosts.fake_resolve.state import FILE
from hosts.resolve_desk import API, COPY, GENERATIONS, NEW, OLD, Desk

LIFT = ("-n", "hdr_lift:method=bt2446a", "--out-space", "rec2100_pq_display", "--handles", "3")
MakeDesk = Callable[..., Desk]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of both projects, made once. Their paths are in the states, so every desk has links to them."""
    folder = tmp_path_factory.mktemp("media")
    for name, make in (("reel", project.reel), ("cut", project.cut)):
        (folder / name).mkdir()
        (folder / name / "items.json").write_text(json.dumps(make(folder / name)))
    return folder


@pytest.fixture
def desk(tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> MakeDesk:
    """Makes a desk with one of the projects in a Resolve of that version."""

    def make(version: tuple[int, ...] = NEW, name: str = "reel", **state: Any) -> Desk:
        folder = tmp_path / "desk"
        folder.mkdir()
        text = (media / name / "resolve.json").read_text().replace(str(media / name), str(folder))
        shutil.copytree(media / name / "media", folder / "media")
        (folder / "resolve.json").write_text(json.dumps(json.loads(text) | {"version": list(version)} | state))
        monkeypatch.setenv(FILE, str(folder / "resolve.json"))
        monkeypatch.setenv("RESOLVE_SCRIPT_API", str(API))
        monkeypatch.setenv("HOME", str(tmp_path))
        return Desk(folder, json.loads((media / name / "items.json").read_text()), capsys)

    return make


def copy_graph(desk: Desk) -> Path:
    """A graph that changes nothing: what is restored has the source's very pixels."""
    path = desk.folder / "copy.yaml"
    path.write_text(COPY)
    return path


def number_shown(desk: Desk, name: str, at: int) -> int:
    """The number of the file that an item shows at its frame ``at``."""
    item, properties = desk.item(name), desk.shown(name)
    rate = float(properties["FPS"]) / 24
    return int(properties["Start"]) + item["left"] + int(at * rate)


def file_shown(desk: Desk, name: str, at: int) -> Path:
    path = desk.shown(name)["File Path"]
    return Path(re.sub(r"\[(\d+)-\d+\]", lambda m: f"{number_shown(desk, name, at):0{len(m[1])}d}", path))


@pytest.mark.parametrize("version", GENERATIONS)
def test_every_clip_shows_its_own_frames_restored_and_lies_where_it_lay(
    desk: MakeDesk, version: tuple[int, ...]
) -> None:
    here = desk(version)
    before = here.state["items"]
    done = here.restore("--graph", copy_graph(here), "--handles", "3")
    assert done.code == 0, done.out + done.err
    for name in ("trimmed", "whole", "again", "later", "tape", "film"):
        item, was = here.item(name), before[here.items[name]]
        assert (item["start"], item["duration"]) == (was["start"], was["duration"]), name
        source = here.state["clips"][was["clip"]]["properties"]
        for at in range(item["duration"]):
            shown = file_shown(here, name, at)
            assert shown.is_relative_to(here.folder / "restored")
            rate = float(source["FPS"]) / 24
            number = int(source["Start"]) + was["left"] + int(at * rate)
            original = re.sub(r"\[(\d+)-\d+\]", lambda m, n=number: f"{n:0{len(m[1])}d}", source["File Path"])
            read = wetgate.read(original, frames=str(number), in_space=None)[0]
            result = wetgate.read(shown)[0]
            assert np.array_equal(result.pixels, read.pixels.astype(np.float16).astype(np.float32)), (name, at)
            assert result.metadata["timeCode"] == read.metadata["timeCode"], (name, at)
    if version == NEW:
        assert here.state["deprecated"] == []


@pytest.mark.parametrize("version", GENERATIONS)
def test_what_cannot_be_restored_is_left_and_reported_with_the_reason(desk: MakeDesk, version: tuple[int, ...]) -> None:
    here = desk(version)
    before = here.state["items"]
    done = here.restore(*LIFT, "--json")
    skipped = {e["index"]: e["text"] for e in done.events("clip") if e["state"] == "skipped"}
    wanted = {5: "retime", 6: "title", 7: "offline", 11: "compound", 12: "generator"}
    assert set(skipped) == set(wanted)
    assert all(word in skipped[index] for index, word in wanted.items())
    for name in ("retime", "title", "offline", "compound", "generator"):
        assert here.item(name) == before[here.items[name]]


def test_a_range_that_is_used_twice_is_rendered_once_and_one_far_away_by_itself(desk: MakeDesk) -> None:
    here = desk()
    done = here.restore(*LIFT, "--json")
    jobs = {(Path(e["source"]).name, e["frames"]): e["clips"] for e in done.events("job")}
    assert jobs["A001.####.exr", "1006-1020"] == [1, 3]  # handles of 3, and 2 for the dissolve
    assert jobs["A001.####.exr", "1032-1040"] == [4]
    assert here.item("trimmed")["clip"] == here.item("again")["clip"] != here.item("later")["clip"]
    assert done.events("report")[0]["rendered"] == 72


def test_results_are_takes_in_their_own_colour_and_rate_with_the_sources_metadata(desk: MakeDesk) -> None:
    here = desk()
    assert here.restore(*LIFT).code == 0
    for name in ("trimmed", "tape", "film", "noted"):
        item = here.item(name)
        assert (len(item["takes"]), item["selected"]) == (2, 2)
        clip = here.state["clips"][item["clip"]]
        assert clip["properties"]["Input Color Space"] == "Rec.2100 ST2084"
        assert clip["metadata"]["Scene"] == "12"
        record = json.loads(clip["third"]["wetgate"])
        (marker,) = [m for m in item["markers"].values() if m["customData"]]
        assert json.loads(marker["customData"])["job"] == record["job"]
        sidecar = json.loads(Path(record["record"]).read_text())
        assert sidecar["schema"] == "wetgate.record/1"
    assert here.shown("tape")["FPS"] == "25.0"
    assert here.item("trimmed")["grade"] == "warm"
    state = here.state
    assert (state["page"], state["current_folder"], state["saves"]) == ("color", "folder-0", 1)


def test_a_kept_space_is_set_again_on_the_result(desk: MakeDesk) -> None:
    here = desk()
    assert here.restore("--graph", copy_graph(here)).code == 0
    assert here.shown("film")["Input Color Space"] == "ACEScg"
    assert here.shown("trimmed")["Input Color Space"] == "Project"


def test_a_marker_names_the_graph_of_its_clip(desk: MakeDesk) -> None:
    here = desk()
    done = here.restore("--graph", copy_graph(here), "--json")
    assert [e["graph"] for e in done.events("job") if 9 in e["clips"]] == ["grain"]
    assert [e["graph"] for e in done.events("job") if 10 in e["clips"]] == ["copy"]


def test_marked_clips_alone_are_restored_where_that_is_asked(desk: MakeDesk) -> None:
    here = desk()
    done = here.restore("--clips", "marked", "--json")
    assert [(e["index"], e["state"]) for e in done.events("clip")] == [(9, "restored")]


def test_the_selection_and_the_clip_under_the_playhead_can_be_restored_alone(desk: MakeDesk) -> None:
    here = desk()
    here.change(selected=[here.items["whole"], here.items["title"]], under_playhead=here.items["later"])
    done = here.restore(*LIFT, "--clips", "selected", "--json")
    assert [(e["index"], e["state"]) for e in done.events("clip")] == [(6, "skipped"), (2, "restored")]
    done = here.restore(*LIFT, "--clips", "current", "--json")
    assert [(e["index"], e["state"]) for e in done.events("clip")] == [(4, "restored")]


def test_a_resolve_that_cannot_tell_the_selection_says_what_to_do(desk: MakeDesk) -> None:
    done = desk(OLD).restore(*LIFT, "--clips", "selected")
    assert done.code == 2
    assert "--clips marked" in done.err


def test_a_second_run_changes_nothing_and_says_that_all_was_done(desk: MakeDesk) -> None:
    here = desk()
    assert here.restore(*LIFT).code == 0
    before = here.state
    done = here.restore(*LIFT)
    assert "7 kept, 5 skipped; 0 frames rendered" in done.out
    assert here.state == before


def test_another_graph_adds_another_take_and_leaves_the_first(desk: MakeDesk) -> None:
    here = desk(name="cut")
    assert here.restore(*LIFT).code == 0
    first = here.item("one")
    assert here.restore("--graph", copy_graph(here)).code == 0
    item = here.item("one")
    assert [t["clip"] for t in item["takes"][:2]] == [t["clip"] for t in first["takes"]]
    assert (len(item["takes"]), item["selected"], item["duration"]) == (3, 3, 4)
    assert number_shown(here, "one", 0) == 1004


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(desk: MakeDesk) -> None:
    here = desk()
    before = here.state
    done = here.restore(*LIFT, "--dry-run")
    assert done.code == 0
    assert "7 clips to restore from 6 ranges, 72 frames; 5 skipped" in done.out
    assert here.state == before
    assert not (here.folder / "restored").exists()


@pytest.mark.parametrize("version", GENERATIONS)
def test_a_track_of_results_lies_above_each_track_with_the_grade(desk: MakeDesk, version: tuple[int, ...]) -> None:
    here = desk(version)
    before = here.state["items"]
    done = here.restore(*LIFT, "--result", "track")
    assert done.code == 0, done.out + done.err
    tracks = here.state["timelines"][here.state["project"]["current"]]["tracks"]
    assert [t["name"] for t in tracks] == ["Video 1", "Wetgate V1", "Video 2", "Wetgate V2"]
    above = {here.state["items"][key]["start"]: here.state["items"][key] for key in tracks[1]["items"]}
    for name in ("trimmed", "whole", "again", "later", "tape", "film"):
        was = before[here.items[name]]
        assert here.item(name)["clip"] == was["clip"]
        assert above[was["start"]]["duration"] == was["duration"]
    assert above[before[here.items["trimmed"]]["start"]]["grade"] == "warm"
    again = here.restore(*LIFT, "--result", "track")
    assert "7 kept" in again.out


def test_replacing_a_clip_keeps_its_colour_space_and_its_metadata(desk: MakeDesk) -> None:
    here = desk(name="cut")
    done = here.restore("--graph", copy_graph(here), "--result", "replace")
    assert done.code == 0, done.out + done.err
    for name, space, first in (("one", "Project", 1004), ("two", "ACEScg", 102), ("three", "Project", 1006)):
        shown = here.shown(name)
        assert shown["Input Color Space"] == space
        assert Path(shown["File Path"]).is_relative_to(here.folder / "restored")
        assert number_shown(here, name, 0) == first
        assert here.state["clips"][here.item(name)["clip"]]["metadata"]["Scene"] == "12"
    assert "3 kept" in here.restore("--graph", copy_graph(here), "--result", "replace").out


@pytest.mark.parametrize("quirks", [{"take_end": 1}, {"number_origin": True}, {"take_end": 1, "number_origin": True}])
def test_a_take_lies_right_however_resolve_counts(desk: MakeDesk, quirks: dict[str, Any]) -> None:
    here = desk(name="cut", quirks=quirks)
    assert here.restore("--graph", copy_graph(here), "--handles", "1").code == 0
    assert [number_shown(here, name, 0) for name in ("one", "two", "three")] == [1004, 102, 1006]
    assert [here.item(name)["duration"] for name in ("one", "two", "three")] == [4, 3, 3]
    assert all(len(here.item(name)["takes"]) == 2 for name in ("one", "two", "three"))


@pytest.mark.parametrize("quirks", [{"append_end": 1}, {"number_origin": True}, {"track_index": False}])
def test_a_track_lies_right_however_resolve_counts(desk: MakeDesk, quirks: dict[str, Any]) -> None:
    here = desk(name="cut", quirks=quirks)
    done = here.restore("--graph", copy_graph(here), "--handles", "1", "--result", "track")
    assert done.code == 0, done.out + done.err
    state = here.state
    (track,) = [t for t in state["timelines"]["timeline-3"]["tracks"] if t["name"] == "Wetgate V1"]
    placed = sorted((state["items"][k]["start"] - 86400, state["items"][k]["duration"]) for k in track["items"])
    assert placed == [(0, 4), (4, 3), (7, 3)]
    assert ("lies on top" in done.out) == ("track_index" in quirks)


def test_a_colour_space_that_does_not_take_fails_the_clip_and_nothing_goes_on_the_timeline(desk: MakeDesk) -> None:
    here = desk(name="cut", quirks={"refused": {"Input Color Space": ["ACEScg"]}})
    before = here.item("two")
    done = here.restore("--graph", copy_graph(here))
    assert done.code == 3
    assert re.search(r"failed +2\. B002 .*Input Color Space.*ACEScg", done.out)
    assert here.item("two") == before
    here.change(quirks={})
    done = here.restore("--graph", copy_graph(here))
    assert (done.code, here.shown("two")["Input Color Space"]) == (0, "ACEScg")


def test_a_space_that_nobody_knows_is_asked_for(desk: MakeDesk) -> None:
    here = desk(name="cut")
    state = here.state
    state["clips"]["clip-2"]["properties"]["Input Color Space"] = "Grandma's Log"
    here.change(**state)
    done = here.restore("--graph", copy_graph(here))
    assert """--space "Grandma's Log=NAME\"""" in done.out
    done = here.restore("--graph", copy_graph(here), "--space", "Grandma's Log=ACEScct")
    assert re.search(r"failed +2\.", done.out) or re.search(r"restored +2\.", done.out)


def test_a_frame_that_fails_keeps_its_clip_off_the_timeline(desk: MakeDesk) -> None:
    here = desk(name="cut")
    (here.folder / "media/B/B002.0103.exr").write_bytes(b"not a picture")
    before = here.item("two")
    done = here.restore("--graph", copy_graph(here))
    assert done.code == 3
    assert "103" in next(line for line in done.out.splitlines() if line.startswith("failed"))
    assert here.item("two") == before
    assert here.item("one")["selected"] == 2


def test_a_project_that_was_never_saved_is_not_asked_to_be(desk: MakeDesk) -> None:
    here = desk(name="cut", saved=[])
    done = here.restore("--graph", copy_graph(here))
    assert done.code == 0
    assert "save it by hand" in done.out


def test_a_call_that_never_returns_ends_with_what_hangs_and_what_to_do(
    desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from hosts.fake_resolve.objects import Timeline

    stuck = threading.Event()
    here = desk(name="cut")
    monkeypatch.setattr(Timeline, "GetItemListInTrack", lambda *_: stuck.wait(60))
    done = here.restore("--graph", copy_graph(here), "--limit", "1")
    stuck.set()
    assert done.code == 2
    assert "GetItemListInTrack" in done.err
    assert "dialog" in done.err
