"""``wetgate resolve install``: into the right folders of three systems, and out again without a trace."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from wetgate.spec import UsageError
from wetgate.surfaces.hosts.doctor import resolve_scripts_findings
from wetgate.surfaces.hosts.machine import Kind, Machine
from wetgate.surfaces.hosts.parts import Choice, install_parts, uninstall_parts
from wetgate.surfaces.hosts.resolve_places import apis, is_here, shared_scripts, user_scripts
from wetgate.surfaces.hosts.user_files import log_folder, spool_folder
from wetgate.surfaces.resolve.install import SCRIPTS, Settings, everywhere, install, uninstall
from wetgate.surfaces.resolve.spool import Spool

USER = {
    "linux": "home/.local/share/DaVinciResolve/Fusion/Scripts",
    "macos": "home/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
    "windows": "home/AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts",
}
SHARED = {
    "linux": "root/opt/resolve/Fusion/Scripts",
    "macos": "root/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
    "windows": "root/ProgramData/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
}
KINDS: tuple[Kind, ...] = ("linux", "macos", "windows")


def machine(tmp_path: Path, kind: Kind = "linux") -> Machine:
    for name in ("home", "root"):
        (tmp_path / name).mkdir(exist_ok=True)
    return Machine(kind, tmp_path / "root", tmp_path / "home", {}, frozenset)


def tree(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("everybody", [False, True])
def test_the_scripts_go_where_resolve_looks_and_leave_nothing(tmp_path: Path, kind: Kind, everybody: bool) -> None:
    here = machine(tmp_path, kind)
    place = tmp_path / (SHARED if everybody else USER)[kind]
    written = install(here, Settings(graph="hdr-lift"), everybody=everybody)
    assert written == [place / name for name in SCRIPTS]
    assert not any(p.is_symlink() for p in written)
    Spool(spool_folder(here))
    log = log_folder(here) / "resolve.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("x")
    install(here, Settings(), everybody=everybody)  # a second time: the folders of the first are still known
    uninstall(here)
    left = [name for name in tree(tmp_path) if not (tmp_path / name).is_dir()]
    assert left == []
    assert not place.exists()
    assert not spool_folder(here).exists()


def test_what_others_put_there_stays(tmp_path: Path) -> None:
    here = machine(tmp_path)
    other = user_scripts(here) / "Edit" / "Mine.py"
    other.parent.mkdir(parents=True)
    other.write_text("print('mine')\n")
    install(here, Settings())
    uninstall(here)
    assert tree(user_scripts(here)) == ["Edit", "Edit/Mine.py"]


def test_jobs_that_wait_are_not_thrown_away(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install(here, Settings())
    job = spool_folder(here) / "new" / "a.json"
    Spool(spool_folder(here))
    job.write_text("{}")
    uninstall(here)
    assert job.is_file()


def test_a_folder_that_cannot_be_written_leaves_the_older_scripts_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine(tmp_path)
    install(here, Settings(graph="old"))
    before = {s.path: s.path.read_bytes() for s in everywhere(here)}

    def full(self: Path, mode: int) -> None:
        if "End of Job" in self.name:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "chmod", full)
    with pytest.raises(UsageError, match="No space left"):
        install(here, Settings(graph="new"))
    assert {s.path: s.path.read_bytes() for s in everywhere(here)} == before
    assert not list(user_scripts(here).rglob("*.new"))


def test_nothing_to_remove_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no scripts of ours"):
        uninstall(machine(tmp_path))


def test_paths_for_every_user_are_those_of_each(tmp_path: Path) -> None:
    here = machine(tmp_path)
    install(here, Settings(), everybody=True)
    text = (shared_scripts(here) / "Deliver/Wetgate End of Job.py").read_text()
    assert '"spool": "~/.local/state/wetgate/spool"' in text
    assert everywhere(here)[0].spool == str(spool_folder(here))


def test_a_doubled_roaming_folder_is_used_where_it_is_there(tmp_path: Path) -> None:
    here = machine(tmp_path, "windows")
    doubled = here.data / "Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts"
    doubled.mkdir(parents=True)
    assert user_scripts(here) == doubled


def test_the_api_that_the_environment_names_comes_first(tmp_path: Path) -> None:
    here = Machine("linux", tmp_path, tmp_path, {"RESOLVE_SCRIPT_API": "/own/api", "RESOLVE_SCRIPT_LIB": "/own/lib.so"})
    assert str(apis(here)[0].folder) == "/own/api"
    assert {str(a.library) for a in apis(here)} == {"/own/lib.so"}
    assert len(apis(here)) == 3  # and the two places of the installers


def test_hosts_install_puts_the_scripts_where_resolve_is_and_keeps_what_was_chosen(tmp_path: Path) -> None:
    here = machine(tmp_path)
    (tmp_path / "home/.local/share/DaVinciResolve").mkdir(parents=True)
    first = install_parts(here, Choice(only=("resolve",)))
    assert first.written == tuple(tmp_path / USER["linux"] / name for name in SCRIPTS)
    assert any("no graph yet" in note for note in first.notes)
    chosen = Settings(graph="hdr-lift", output="/shows/x", how="call", wait_s=60.0, marker=False)
    install(here, chosen)
    stale = tmp_path / USER["linux"] / "Utility/Wetgate Status.py"
    stale.write_text(stale.read_text().replace('"version": "', '"version": "0.0.'))
    assert any("is of Wetgate 0.0." in p for script in everywhere(here) for p in script.problems(here))
    said = {f.state for f in resolve_scripts_findings(here)}
    assert said == {"wrong"}
    again = install_parts(here, Choice(only=("resolve",)))
    assert not any("no graph" in note for note in again.notes)
    for script in everywhere(here):
        assert replace(script.settings, spool=None) == chosen
        assert not list(script.problems(here))
    assert {f.state for f in resolve_scripts_findings(here)} == {"ok"}
    gone = uninstall_parts(here, Choice(only=("resolve",)))
    assert len(gone.removed) == len(SCRIPTS)
    with pytest.raises(UsageError, match="no scripts of ours are installed"):
        uninstall_parts(here, Choice(only=("resolve",)))


def test_hosts_install_leaves_a_machine_without_resolve_alone(tmp_path: Path) -> None:
    here = machine(tmp_path)
    assert not is_here(here)
    with pytest.raises(UsageError, match="bundle"):  # none is built for a machine of tests
        install_parts(here, Choice(bundle=tmp_path / "none"))
    assert not everywhere(here)
    assert not list(resolve_scripts_findings(here))


def test_a_script_whose_wetgate_has_gone_is_told_of(tmp_path: Path) -> None:
    here = machine(tmp_path)
    (written, *_) = install(here, Settings(graph="hdr-lift"))
    written.write_text(written.read_text().replace(sys.executable, "/gone/python"))
    assert any("its command line is gone (/gone/python)" in f.text for f in resolve_scripts_findings(here))
