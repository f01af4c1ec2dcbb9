"""The records folder: what a frame leaves there, and what ``wetgate verify`` makes of it and of the host's files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate
from support.ofx_session import HDR, SPACE, Launch, Session, sdr_pixels
from wetgate.engine.verify import verify
from wetgate.io import WriteOptions
from wetgate.spec import Frame, UsageError
from wetgate.surfaces.cli.main import main
from wetgate.surfaces.ofxhost import render_frame

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the bundle is built on Linux")
FLOAT = WriteOptions(depth="float")
NAMES = {"in": "in.####.exr", "out": "out.####.exr"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "records"
    made.mkdir()
    return made


class Shot:
    """Three frames on the disk, and runs of the bundle over them by the command."""

    def __init__(self, binary: Path, place: Path) -> None:
        self.binary, self.place = binary, place
        for number in (4, 5, 6):
            wetgate.write(Frame(sdr_pixels(number, 3), SPACE, number), place / f"in.{number:04d}.exr", options=FLOAT)

    def run(
        self, node: str, folder: Path | str, *more: str, source: str = "in.####.exr", out: str = "out.####.exr"
    ) -> int:
        spaces = ["-p", f"input_space_name={SPACE}"]
        if node == "hdr_lift":
            spaces += ["-p", f"output_space_name={HDR}"]
        given, made = str(self.place / source), str(self.place / out)
        try:
            main(["host", "run", str(self.binary), node, given, "-o", made, "-p", f"records={folder}", *spaces, *more])
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    def at(self, name: str) -> str:
        return str(self.place / name)


@pytest.fixture
def shot(binary: Path, launch: Launch, tmp_path: Path) -> Shot:
    return Shot(binary, tmp_path)


def documents(folder: Path) -> dict[str, Any]:
    return {p.name: json.loads(p.read_bytes()) for p in sorted(folder.glob("*.wetgate.json"))}


def test_what_a_host_writes_is_verified_by_the_records_of_what_it_was_handed(shot: Shot, folder: Path) -> None:
    assert shot.run("hdr_lift", folder) == 0
    assert [name.split(".")[:2] for name in documents(folder)] == [["hdr_lift", f"{n:07d}"] for n in (4, 5, 6)]
    verdict = verify(shot.at("out.####.exr"), record=str(folder), source=shot.at("in.####.exr"))
    assert (verdict.problems, verdict.frames) == ([], 3)
    assert sorted(verdict.bounds) == [4, 5, 6]
    assert all(bound.ok for bound in verdict.bounds.values())


def test_a_file_of_sixteen_bits_is_what_was_handed_over_rounded(shot: Shot, folder: Path) -> None:
    assert shot.run("grain", folder, "--depth", "half") == 0
    verdict = verify(shot.at("out.####.exr"), record=str(folder))
    assert (verdict.problems, verdict.frames) == ([], 3)


def test_files_that_hold_something_else_are_found_out(shot: Shot, folder: Path) -> None:
    assert shot.run("grain", folder) == 0
    frame = wetgate.read(shot.place / "out.0005.exr")[0]
    frame.pixels[3, 3, 1] = np.nextafter(frame.pixels[3, 3, 1], np.float32(9))
    wetgate.write(frame, shot.place / "out.0005.exr", options=FLOAT)
    wetgate.write(frame.with_(number=9), shot.place / "out.0009.exr", options=FLOAT)
    problems = verify(shot.at("out.####.exr"), record=str(folder)).problems
    assert len(problems) == 2
    assert "frame 5: its pixels are none that a record of it names" in problems[0]
    assert "frame 9: there is no record of it" in problems[1]
    wetgate.write(Frame(sdr_pixels(8, 3), SPACE, 4), shot.place / "in.0004.exr", options=FLOAT)
    [problem] = verify(shot.at("out.0004.exr"), record=str(folder), source=shot.at("in.####.exr")).problems
    assert "frame 4: the host gave the node other pixels than the source's" in problem


def test_a_record_that_was_changed_is_found_out(shot: Shot, folder: Path) -> None:
    assert shot.run("grain", folder) == 0
    path = sorted(folder.glob("grain.0000004.*"))[0]
    path.write_text(path.read_text().replace('"amount": 1.0', '"amount": 0.5'))
    problems = verify(shot.at("out.####.exr"), record=str(folder)).problems
    assert any("the job does not have the hash" in p for p in problems)
    assert any("was changed after it was written" in p for p in problems)
    path.write_text("{")
    with pytest.raises(UsageError, match="is damaged"):
        verify(shot.at("out.####.exr"), record=str(folder))


def test_a_folder_without_records_is_said_to_be_one(shot: Shot, folder: Path) -> None:
    with pytest.raises(UsageError, match="no record of a host's frames"):
        verify(shot.at("in.####.exr"), record=str(folder))


def test_nodes_in_a_row_are_followed_back_to_the_source(shot: Shot, folder: Path) -> None:
    assert shot.run("grain", folder, out="mid.####.exr") == 0
    assert shot.run("hdr_lift", folder, source="mid.####.exr") == 0
    verdict = verify(shot.at("out.####.exr"), record=str(folder), source=shot.at("in.####.exr"))
    assert verdict.problems == []
    assert "it went through 2" in verdict.unchecked[0]


def test_the_same_render_again_leaves_the_file_and_another_leaves_another(
    session: Callable[..., Session], folder: Path
) -> None:
    host = session("strict")
    values = {"records": str(folder)}
    first, second = host.create("grain", values), host.create("grain", values)
    host.render(first, 4, "grain")
    once = {name: (folder / name).stat().st_mtime_ns for name in documents(folder)}
    host.render(second, 4, "grain")
    host.render(first, 4, "grain")
    assert {name: (folder / name).stat().st_mtime_ns for name in documents(folder)} == once
    host.render(host.create("grain", values | {"amount": 2.0}), 4, "grain")
    host.render(first, 5, "grain")
    assert len(documents(folder)) == 3
    assert not list(folder.glob(".*"))


def test_a_frame_that_the_node_leaves_as_it_is_has_its_record(session: Callable[..., Session], folder: Path) -> None:
    host = session("strict")
    made = host.render(host.create("grain", {"records": str(folder), "strength": 0.0}), 4, "grain")
    np.testing.assert_array_equal(made, sdr_pixels(4))
    [document] = documents(folder).values()
    [frame] = document["frames"]
    assert frame["given"] == frame["handed"]
    assert frame["input"] == frame["output"]


def test_a_record_says_what_else_decided_the_frame(session: Callable[..., Session], folder: Path) -> None:
    host = session("strict")
    instance = host.create("hdr_lift", {"records": str(folder), "analysis_first": 3, "analysis_last": 5})
    host.plugin("hdr_lift").changed(instance, ["analyse"])
    host.render(instance, 4)
    host.render(host.create("grain", {"records": str(folder), "field_order": "Upper field first"}), 4, "grain")
    lifted, grain = sorted(documents(folder).values(), key=lambda d: -len(d["graph"]["nodes"][0]["node"]))
    assert lifted["analyses"]["hdr_lift"][:16] in [p.name.split(".")[0] for p in folder.glob("*.analysis.json")]
    assert lifted["frames"][0]["facts"]["hdr_lift"]["method"] == "adaptive"
    assert grain["storage"] == {"format": "ofx", "fields": "upper first"}


def test_proxies_leave_no_record(session: Callable[..., Session], folder: Path) -> None:
    host = session("strict")
    instance = host.create("grain", {"records": str(folder)})
    render_frame(host.plugin("grain"), instance, 4.0, scale=(0.5, 0.5))
    assert documents(folder) == {}
    assert instance.persistent is None


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("{missing}", "does not exist; at Records folder; make the folder, or choose another"),
        ("{file}", "is a file"),
        ("records", "allowed: a whole path"),
        ("/proc/self", "the frame has no record"),
    ],
)
def test_a_folder_that_takes_no_record_is_a_warning_and_costs_no_frame(
    session: Callable[..., Session], folder: Path, place: str, said: str
) -> None:
    (folder / "file").touch()
    host = session("strict")
    wanted = host.render(host.create("grain"), 4, "grain")
    named = place.format(missing=folder / "nowhere", file=folder / "file")
    instance = host.create("grain", {"records": named})
    np.testing.assert_array_equal(host.render(instance, 4, "grain"), wanted)
    assert instance.persistent.type == "OfxMessageWarning"
    assert said in instance.persistent.text
    instance.params["records"].set((str(folder),))
    host.render(instance, 4, "grain")
    assert instance.persistent is None
    assert len(documents(folder)) == 1


def test_an_analysis_too_large_for_a_project_is_a_file_that_the_project_names(
    session: Callable[..., Session], folder: Path
) -> None:
    last = 799
    host = session("strict")
    media = {"Source": _long(host, last)}
    values = {"input_space_name": SPACE, "output_space_name": HDR, "analysis_last": last}
    plugin = host.plugin("hdr_lift")
    instance = plugin.create(media, values | {"records": str(folder)})
    plugin.changed(instance, ["analyse"])
    held = json.loads(instance.params["wetgate_analysis"].get(0.0)[0])
    assert held["schema"] == "wetgate.analysis-file/1"
    file = Path(held["path"])
    assert file.parent == folder
    assert file.stat().st_size > 65_536
    lifted = host.render(instance, 4)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"cuts": [3]}))
    assert "is not the one that was made" in _failure(host, plugin, instance)
    file.unlink()
    assert "its file is not there" in _failure(host, plugin, instance)
    plugin.changed(instance, ["analyse"])
    np.testing.assert_array_equal(host.render(instance, 4), lifted)


def test_without_a_records_folder_a_large_analysis_goes_to_the_users_own(
    session: Callable[..., Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    host = session("strict")
    plugin = host.plugin("hdr_lift")
    values = {"input_space_name": SPACE, "output_space_name": HDR, "analysis_last": 799}
    instance = plugin.create({"Source": _long(host, 799)}, values)
    plugin.changed(instance, ["analyse"])
    held = json.loads(instance.params["wetgate_analysis"].get(0.0)[0])
    assert Path(held["path"]).parent == tmp_path / "data" / "wetgate" / "analyses"


def _long(host: Session, last: int) -> Any:
    """A long shot of small pictures."""
    from wetgate.surfaces.ofxhost import ClipMedia

    return ClipMedia(lambda n: sdr_pixels(n, 3)[:4, :4], 0, last, 4, 4, 3, premultiplication="OfxImageOpaque")


def _failure(host: Session, plugin: Any, instance: Any) -> str:
    failed = render_frame(plugin, instance, 4.0, keep_failed=True).failure
    assert failed is not None
    return failed.message()
