"""Nuke's scripts are put where Nuke looks, on every system, are examined there, and go without a trace."""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hosts.nuke_session import RUN
from wetgate.spec import UsageError
from wetgate.surfaces.cli.main import main
from wetgate.surfaces.hosts.doctor import examine
from wetgate.surfaces.hosts.editions import editions
from wetgate.surfaces.hosts.machine import Kind, Machine
from wetgate.surfaces.hosts.nuke_scripts import install_nuke, states, uninstall_nuke
from wetgate.surfaces.hosts.parts import Choice, install_parts, uninstall_parts
from wetgate.surfaces.hosts.places import BUNDLE

KINDS: tuple[Kind, ...] = ("linux", "macos", "windows")
NUKES = {"linux": "usr/local/Nuke{}", "macos": "Applications/Nuke{}", "windows": "Program Files/Nuke{}"}
RESOLVES = {
    "linux": ("opt/resolve", "bin/ResolvePython"),
    "macos": ("Applications/DaVinci Resolve/DaVinci Resolve.app", "Contents/Applications/ResolvePython"),
    "windows": ("Program Files/Blackmagic Design/DaVinci Resolve", "ResolvePython/ResolvePython.exe"),
}


def machine(tmp_path: Path, kind: Kind = "linux", environ: Mapping[str, str] = {}) -> Machine:
    """A machine of that kind under a folder, with nothing on it."""
    for name in ("home", "root"):
        (tmp_path / name).mkdir(exist_ok=True)
    return Machine(kind, tmp_path / "root", tmp_path / "home", environ, lambda: frozenset())


def with_nuke(tmp_path: Path, kind: Kind, *versions: str) -> None:
    for version in versions:
        (tmp_path / "root" / NUKES[kind].format(version)).mkdir(parents=True)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("kind", KINDS)
def test_the_editions_of_a_machine_are_told_with_their_python(tmp_path: Path, kind: Kind) -> None:
    here = machine(tmp_path, kind)
    assert editions(here) == []
    with_nuke(tmp_path, kind, "14.0v2", "15.1v4", "17.0v3", "16.0v1")
    (tmp_path / "root" / NUKES[kind].format("Studio")).mkdir()
    place, python = RESOLVES[kind]
    (tmp_path / "root" / place / python).parent.mkdir(parents=True)
    found = editions(here)
    assert [(e.host, e.version, e.supported) for e in found] == [
        ("DaVinci Resolve", "before 21.1", True),
        ("Nuke", "14.0v2", False),
        ("Nuke", "15.1v4", True),
        ("Nuke", "16.0v1", True),
        ("Nuke", "17.0v3", True),
    ]
    assert [e.python for e in found[1:]] == ["3.9", "3.10", "3.11", "3.11"]
    assert "the scripts do not" in found[1].text
    (tmp_path / "root" / place / python).write_text("")
    assert editions(here)[0].version == "21.1 or later"
    assert "3.14" in editions(here)[0].python


def test_the_property_list_of_resolve_tells_its_version_and_edition(tmp_path: Path) -> None:
    here = machine(tmp_path, "macos")
    place = tmp_path / "root" / RESOLVES["macos"][0] / "Contents/Info.plist"
    place.parent.mkdir(parents=True)
    said = {"CFBundleShortVersionString": "20.2.1", "CFBundleIdentifier": "com.blackmagic-design.DaVinciResolveLite"}
    place.write_bytes(plistlib.dumps(said))
    (edition,) = editions(here)
    assert edition.version == "20.2.1"
    assert "free edition" in edition.text
    place.write_bytes(b"damaged")
    assert editions(here)[0].version == "before 21.1"


@pytest.mark.parametrize("kind", KINDS)
def test_the_scripts_go_to_the_users_folder_and_leave_nothing_when_they_go(tmp_path: Path, kind: Kind) -> None:
    here = machine(tmp_path, kind)
    done = install_nuke(here)
    place = tmp_path / "home/.nuke/wetgate"
    assert done.written == (place,)
    assert (place / "wetgate_nuke/batch.py").is_file()
    assert not list(place.rglob("__pycache__"))
    assert [s.problems for s in states(here)] == [()]
    assert uninstall_nuke(here).removed == (place,)
    assert tree(tmp_path / "home") == {}


@pytest.mark.parametrize(
    "before",
    [
        b"import nuke\n",
        b"import nuke",
        b"import nuke\r\nnuke.tprint('x')\r\n",
        b"import nuke\r\n\r\n",
        "# Größe\n".encode("latin-1"),
        b"def broken(:\n",
    ],
)
def test_an_init_py_that_was_there_gets_one_line_and_is_given_back_as_it_was(tmp_path: Path, before: bytes) -> None:
    here = machine(tmp_path)
    init = tmp_path / "home/.nuke/init.py"
    init.parent.mkdir()
    init.write_bytes(before)
    init.chmod(0o640)
    for _ in range(2):
        install_nuke(here)
    now = init.read_bytes()
    assert now.startswith(before)
    assert now.count(b"pluginAddPath") == 1
    assert init.stat().st_mode & 0o777 == 0o640
    uninstall_nuke(here)
    assert init.read_bytes() == before
    assert init.stat().st_mode & 0o777 == 0o640


def test_lines_that_the_user_added_after_ours_stay(tmp_path: Path) -> None:
    here = machine(tmp_path)
    init = tmp_path / "home/.nuke/init.py"
    init.parent.mkdir()
    init.write_bytes(b"first = 1")
    install_nuke(here)
    init.write_bytes(init.read_bytes() + b"second = 2\n")
    uninstall_nuke(here)
    assert init.read_bytes() == b"first = 1\nsecond = 2\n"


def test_an_init_py_that_is_a_link_stays_one(tmp_path: Path) -> None:
    here = machine(tmp_path)
    real = tmp_path / "dotfiles_init.py"
    real.write_bytes(b"import nuke\n")
    (tmp_path / "home/.nuke").mkdir()
    link = tmp_path / "home/.nuke/init.py"
    link.symlink_to(real)
    install_nuke(here)
    assert link.is_symlink()
    assert b"pluginAddPath" in real.read_bytes()
    uninstall_nuke(here)
    assert real.read_bytes() == b"import nuke\n"


def test_the_installed_scripts_run_when_nuke_starts(tmp_path: Path) -> None:
    here = machine(tmp_path)
    (tmp_path / "home/.nuke").mkdir()
    (tmp_path / "home/.nuke/init.py").write_text("import nuke\nnuke.tprint('the user')")
    install_nuke(here)
    (tmp_path / "s.py").write_text(
        "import nuke, wetgate_nuke\nprint(list(nuke.menu('Nodes').items), nuke.pluginPath()[0])"
    )
    line = [sys.executable, "-I", "-S", "-B", str(RUN), str(tmp_path / "s.py")]
    environ = {"HOME": str(tmp_path / "home"), "FAKE_NUKE_GUI": "1", "PATH": os.defpath}
    done = subprocess.run(line, capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"the user\n['Wetgate'] {tmp_path}/home/.nuke/wetgate\n"


def test_a_studios_folder_is_left_alone_but_for_ours(tmp_path: Path) -> None:
    here = machine(tmp_path)
    studio = tmp_path / "studio"
    studio.mkdir()
    (studio / "init.py").write_text("x = 1\n")
    config = tmp_path / "c.ocio"
    config.write_text("")
    done = install_nuke(here, folder=studio, ofx=tmp_path / "ofx", ocio=config)
    assert any(f"NUKE_PATH={studio / 'wetgate'}" in note for note in done.notes)
    said = json.loads((studio / "wetgate/wetgate.json").read_text())
    assert (said["ofx"], said["ocio"]) == (str(tmp_path / "ofx"), str(config))
    assert (studio / "init.py").read_text() == "x = 1\n"
    assert list(states(here)) == []
    named = machine(tmp_path, environ={"NUKE_PATH": f"/other:{studio / 'wetgate'}"})
    assert [s.place for s in states(named)] == [studio / "wetgate"]
    assert uninstall_nuke(named).removed == (studio / "wetgate",)
    assert sorted(tree(studio)) == ["init.py"]


def test_a_folder_of_that_name_that_is_not_ours_is_not_touched(tmp_path: Path) -> None:
    here = machine(tmp_path)
    other = tmp_path / "home/.nuke/wetgate"
    other.mkdir(parents=True)
    (other / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="none of ours"):
        install_nuke(here)
    uninstall_nuke(here)
    assert (other / "notes.txt").read_text() == "mine"
    with pytest.raises(UsageError, match="there is no OCIO config"):
        install_nuke(here, folder=tmp_path, ocio=tmp_path / "none.ocio")


def test_what_is_stale_changed_or_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install_nuke(here)
    place = tmp_path / "home/.nuke/wetgate"
    settings = place / "wetgate.json"
    fresh = json.loads(settings.read_text())

    def problems() -> str:
        (state,) = states(here)
        return "; ".join(state.problems)

    assert problems() == ""
    settings.write_text(json.dumps(fresh | {"version": "0.0.1"}))
    assert "is of Wetgate 0.0.1" in problems()
    older = fresh["files"] | {"menu.py": "0" * 64}
    settings.write_text(json.dumps(fresh | {"files": older}))
    assert "older than the scripts of this Wetgate" in problems()
    settings.write_text(json.dumps(fresh | {"command": ["/nowhere/python"]}))
    assert "its command line is gone (/nowhere/python)" in problems()
    settings.write_text(json.dumps(fresh))
    (place / "menu.py").write_text("# my own\n")
    assert "menu.py was changed by hand" in problems()
    (place / "menu.py").unlink()
    assert "menu.py is missing" in problems()
    (tmp_path / "home/.nuke/init.py").unlink()
    assert "does not name it" in problems()
    install_nuke(here)
    assert problems() == ""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A bundle with a binary for each system."""
    place = tmp_path / "built" / BUNDLE
    for folder in ("Linux-x86-64", "Linux-aarch64", "MacOS", "Win64"):
        (place / "Contents" / folder).mkdir(parents=True)
        (place / "Contents" / folder / "Wetgate.ofx").write_bytes(b"x")
    return place


@pytest.mark.parametrize("kind", KINDS)
def test_install_takes_what_the_machine_has_a_use_for(tmp_path: Path, built: Path, kind: Kind) -> None:
    here = machine(tmp_path, kind)
    assert not (tmp_path / "home/.nuke").exists()
    assert len(install_parts(here, Choice(bundle=built)).written) == 1
    with_nuke(tmp_path, kind, "16.0v1")
    assert len(install_parts(here, Choice(bundle=built)).written) == 2
    assert len(uninstall_parts(here, Choice()).removed) == 2
    assert tree(tmp_path / "home") == {}
    only = install_parts(here, Choice(only=("nuke",)))
    assert [p.name for p in only.written] == ["wetgate"]
    assert len(uninstall_parts(here, Choice(only=("nuke",))).removed) == 1
    with pytest.raises(UsageError, match="no scripts of ours"):
        uninstall_parts(here, Choice(only=("nuke",)))
    with pytest.raises(UsageError, match="no installed bundle"):
        uninstall_parts(here, Choice())
    with pytest.raises(UsageError, match="there is no part 'nuk'"):
        Choice(only=("nuk",))


def test_a_bundle_in_a_folder_of_ones_own_is_named_to_nuke(tmp_path: Path, built: Path) -> None:
    here = machine(tmp_path)
    install_parts(here, Choice(bundle=built, folder=tmp_path / "ofx", nuke=tmp_path / "studio"))
    said = json.loads((tmp_path / "studio/wetgate/wetgate.json").read_text())
    assert said["ofx"] == str(tmp_path / "ofx")


def test_sudo_does_not_put_scripts_into_roots_folder(
    tmp_path: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    here = machine(tmp_path, environ={"SUDO_USER": "somebody"})
    (tmp_path / "home/.nuke").mkdir()
    done = install_parts(here, Choice(bundle=built))
    assert [p.name for p in done.written] == [BUNDLE]
    assert any("--only nuke without sudo" in note for note in done.notes)


def test_the_doctor_says_what_is_here_and_what_is_wrong(tmp_path: Path) -> None:
    here = machine(tmp_path)
    with_nuke(tmp_path, "linux", "16.0v1")
    said = [f.text for f in examine(here)]
    assert any(text.startswith("Nuke 16.0v1, in") for text in said)
    assert any("--only nuke" in text for text in said)
    install_nuke(here)
    assert any(f.state == "ok" and "Nuke's scripts in" in f.text for f in examine(here))
    (tmp_path / "home/.nuke/wetgate/menu.py").unlink()
    assert any(f.state == "wrong" and "menu.py is missing" in f.text for f in examine(here))


def test_the_command_lists_installs_and_removes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NUKE_PATH", str(tmp_path / "studio/wetgate"))
    monkeypatch.delenv("SUDO_USER", raising=False)

    def run(*arguments: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(["hosts", *arguments])
        assert not end.value.code
        return capsys.readouterr().out

    run("install", "--only", "nuke")
    run("install", "--only", "nuke", "--nuke", str(tmp_path / "studio"))
    said = json.loads(run("list", "--json"))
    assert [s["path"] for s in said["nuke_scripts"]] == [
        str(tmp_path / ".nuke/wetgate"),
        str(tmp_path / "studio/wetgate"),
    ]
    assert [s["problems"] for s in said["nuke_scripts"]] == [[], []]
    assert "editions" in said
    assert f"installed: Nuke's scripts in {tmp_path}/.nuke/wetgate" in run("list")
    assert f"removed {tmp_path}/.nuke/wetgate" in run("uninstall", "--only", "nuke")
    assert not (tmp_path / ".nuke").exists()
    assert not (tmp_path / "studio").exists()
