"""``wetgate hosts`` puts the bundle where hosts look, on every system, and takes all of it away again."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import wetgate.nodes  # noqa: F401  (declares the nodes)
from wetgate.spec import UsageError, registry
from wetgate.surfaces.cli.main import main
from wetgate.surfaces.hosts import bundle as bundle_module
from wetgate.surfaces.hosts.bundle import SETTINGS, binaries, read_settings, worker_command
from wetgate.surfaces.hosts.doctor import chosen_command, examine, is_sound, worker
from wetgate.surfaces.hosts.install import install, uninstall
from wetgate.surfaces.hosts.machine import Kind, Machine, running_programs
from wetgate.surfaces.hosts.places import BUNDLE, bundles, hosts, search_folders, standard_folder
from wetgate.surfaces.hosts.user_files import launch_file, log_folder
from wetgate.surfaces.hosts.verify import verify

KINDS: tuple[Kind, ...] = ("linux", "macos", "windows")
PLACES = {
    "linux": "usr/OFX/Plugins",
    "macos": "Library/OFX/Plugins",
    "windows": "Program Files/Common Files/OFX/Plugins",
}
RESOLVE_CACHES = {
    "linux": ".local/share/DaVinciResolve/OFXPluginCacheV2.xml",
    "macos": "Library/Application Support/Blackmagic Design/DaVinci Resolve/OFXPluginCacheV2.xml",
    "windows": "AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/OFXPluginCacheV2.xml",
}


def machine(
    tmp_path: Path, kind: Kind = "linux", programs: frozenset[str] | None = frozenset(), environ: Mapping[str, str] = {}
) -> Machine:
    """A machine of that kind under a folder, with nothing on it."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (tmp_path / "root").mkdir(exist_ok=True)
    return Machine(kind, tmp_path / "root", home, environ, lambda: programs)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A bundle with a binary for each system."""
    place = tmp_path / "built" / BUNDLE
    for folder in ("Linux-x86-64", "Linux-aarch64", "MacOS", "Win64"):
        (place / "Contents" / folder).mkdir(parents=True)
        (place / "Contents" / folder / "Wetgate.ofx").write_bytes(folder.encode())
    (place / "Contents" / "Info.plist").write_text("<plist/>")
    return place


def tree(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_bundle_goes_to_the_systems_folder_and_leaves_nothing_when_it_goes(
    tmp_path: Path, built: Path, kind: Kind
) -> None:
    here = machine(tmp_path, kind)
    change = install(here, bundle=built)
    place = tmp_path / "root" / PLACES[kind] / BUNDLE
    assert change.written == (place,)
    assert set(binaries(place)) == set(binaries(built))
    assert list(bundles(here)) == [place]
    assert tree(place) == sorted([*tree(built), "Contents/Resources", str(SETTINGS)])
    log = log_folder(here) / "worker-1.log"
    log.parent.mkdir(parents=True)
    log.write_text("x")
    assert set(uninstall(here).removed) == {place, log}
    assert tree(tmp_path / "root") == []
    assert not log.parent.exists()


def test_folders_that_were_there_before_stay(tmp_path: Path, built: Path) -> None:
    here = machine(tmp_path)
    other = standard_folder(here) / "Other.ofx.bundle"
    other.mkdir(parents=True)
    install(here, bundle=built)
    uninstall(here)
    assert tree(tmp_path / "root") == ["usr", "usr/OFX", "usr/OFX/Plugins", "usr/OFX/Plugins/Other.ofx.bundle"]


def test_folders_of_a_first_installation_are_still_known_after_a_second(tmp_path: Path, built: Path) -> None:
    here = machine(tmp_path)
    install(here, bundle=built)
    install(here, bundle=built)
    uninstall(here)
    assert tree(tmp_path / "root") == []


def test_the_settings_name_this_interpreter_and_only_the_owner_may_write_them(tmp_path: Path, built: Path) -> None:
    before = os.umask(0)
    try:
        (place,) = install(machine(tmp_path), bundle=built).written
    finally:
        os.umask(before)
    settings = json.loads((place / SETTINGS).read_text())
    assert settings["wetgate"] == 1
    assert settings["command"] == worker_command()
    assert settings["command"][:2] == [str(Path(sys.executable).absolute()), "-I"]
    assert Path(settings["command"][2]).is_file()
    for path in (place, *place.rglob("*"), *place.parents[:3]):
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path


def test_an_older_bundle_is_replaced_whole(tmp_path: Path, built: Path) -> None:
    here = machine(tmp_path)
    (place,) = install(here, bundle=built).written
    (place / "Contents" / "left-over").write_text("old")
    mapped = (place / "Contents/Linux-x86-64/Wetgate.ofx").open("rb")
    install(here, bundle=built)
    assert not (place / "Contents" / "left-over").exists()
    assert mapped.read() == b"Linux-x86-64"  # a host that holds the old binary keeps it
    mapped.close()
    assert [p.name for p in place.parent.iterdir()] == [BUNDLE]


def test_a_copy_that_fails_leaves_the_old_bundle_and_no_rest(
    tmp_path: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = machine(tmp_path)
    (place,) = install(here, bundle=built).written
    before = tree(place.parent)

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wetgate.surfaces.hosts.install.flush", full)
    with pytest.raises(UsageError, match="No space left"):
        install(here, bundle=built)
    assert tree(place.parent) == before


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path, built: Path) -> None:
    here = machine(tmp_path)
    (tmp_path / "root" / "usr").write_text("a file")
    with pytest.raises(UsageError, match="--to"):
        install(here, bundle=built)


def test_a_bundle_for_another_system_is_refused(tmp_path: Path, built: Path) -> None:
    (built / "Contents/Win64/Wetgate.ofx").unlink()
    with pytest.raises(UsageError, match="no binary for Win64"):
        install(machine(tmp_path, "windows"), bundle=built)


def test_another_folder_comes_with_the_variable_that_hosts_need(tmp_path: Path, built: Path) -> None:
    change = install(machine(tmp_path), folder=tmp_path / "own", bundle=built)
    assert any(f"OFX_PLUGIN_PATH={tmp_path / 'own'}" in note for note in change.notes)
    searched = machine(tmp_path, environ={"OFX_PLUGIN_PATH": f"@/skipped:{tmp_path / 'own'}"})
    assert search_folders(searched)[0] == tmp_path / "own"
    assert uninstall(searched).removed == (tmp_path / "own" / BUNDLE,)
    assert not (tmp_path / "own").exists()


def test_nothing_to_remove_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no installed bundle"):
        uninstall(machine(tmp_path))


def cache_of(tmp_path: Path, kind: Kind = "linux", text: str = "<x/>") -> Path:
    cache = tmp_path / "home" / RESOLVE_CACHES[kind]
    cache.parent.mkdir(parents=True)
    cache.write_text(text)
    return cache


@pytest.mark.parametrize("kind", KINDS)
def test_caches_are_cleared_when_told_and_the_host_is_closed(tmp_path: Path, built: Path, kind: Kind) -> None:
    here = machine(tmp_path, kind)
    cache = cache_of(tmp_path, kind)
    change = install(here, bundle=built)
    assert cache.exists()
    assert any("--clear-caches" in note for note in change.notes)
    assert install(here, bundle=built, caches=True).caches == (cache,)
    assert not cache.exists()


@pytest.mark.parametrize("programs", [frozenset({"resolve", "bash"}), frozenset({"resolve.exe"}), None])
def test_the_cache_of_a_host_that_runs_or_might_run_is_left(
    tmp_path: Path, built: Path, programs: frozenset[str] | None
) -> None:
    cache = cache_of(tmp_path)
    change = install(machine(tmp_path, programs=programs), bundle=built, caches=True)
    assert cache.exists()
    assert change.caches == ()
    assert any("running" in note for note in change.notes)


def test_programs_of_like_names_are_not_the_host(tmp_path: Path) -> None:
    here = machine(tmp_path, programs=frozenset({"resolvectl", "systemd-resolve", "nukebot"}))
    assert [h.is_running(here) for h in hosts(here)] == [False, False, False]
    assert [h.is_running(machine(tmp_path, programs=frozenset({"nuke17.0"}))) for h in hosts(here)] == [
        False,
        True,
        False,
    ]


def test_this_process_is_among_the_running_ones() -> None:
    running = running_programs()
    assert running is not None
    assert Path(sys.executable).name.lower() in running or any("python" in n or "pytest" in n for n in running)


def states(findings: list[Any]) -> list[str]:
    return [f.state for f in findings]


def test_the_doctor_finds_a_sound_installation_and_starts_its_worker(tmp_path: Path, built: Path) -> None:
    here = machine(tmp_path)
    install(here, bundle=built)
    findings = list(examine(here))
    assert is_sound(findings), [f.text for f in findings]
    facts = next(f.facts for f in findings if "seconds_to_first_frame" in f.facts)
    assert facts["seconds_to_first_frame"] > facts["seconds_to_start"] > 0
    assert facts["command"] == worker_command()


def test_the_doctor_says_what_is_wrong(tmp_path: Path, built: Path) -> None:
    here = machine(tmp_path)
    assert any("no bundle" in f.text and f.state == "wrong" for f in examine(here))
    (place,) = install(here, bundle=built).written
    cache_of(tmp_path, text='<bundle path="/usr/OFX/Plugins/Wetgate.ofx.bundle/x/Wetgate.ofx" status="2">')
    settings = json.loads((place / SETTINGS).read_text())
    (place / SETTINGS).write_text(json.dumps(settings | {"version": "0.0.9", "command": ["/nowhere/python"]}))
    (place / SETTINGS).chmod(0o666)
    wrong = [f.text for f in examine(here) if f.state == "wrong"]
    for said in ("0.0.9", "may be written by others", "black list", "/nowhere/python"):
        assert any(said in text for text in wrong), said


def test_the_worker_is_chosen_in_the_order_of_the_protocol(tmp_path: Path, built: Path) -> None:
    here = machine(tmp_path)
    found = list(install(here, bundle=built).written)
    assert chosen_command(here, found) == (worker_command(), str(found[0]))
    own = launch_file(here)
    own.parent.mkdir(parents=True)
    own.write_text('{"wetgate": 1, "command": ["/own/python"]}')
    assert chosen_command(here, found) == (["/own/python"], str(own))
    named = machine(tmp_path, environ={"WETGATE_WORKER": "/named/python"})
    assert chosen_command(named, found)[0] == ["/named/python", "-I", "-m", "wetgate.surfaces.worker"]


def test_a_worker_of_another_picture_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import wetgate

    real = wetgate.run_node
    monkeypatch.setattr(wetgate, "run_node", lambda *a, **k: real(*a, **(k | {"strength": 0.5})), raising=False)
    assert states(list(worker(worker_command())))[-1] == "wrong"


def test_damaged_settings_are_named(tmp_path: Path, built: Path) -> None:
    (place,) = install(machine(tmp_path), bundle=built).written
    for text in ("{", "[]", '{"command": []}', '{"command": ["python"]}', '{"command": [1]}'):
        (place / SETTINGS).write_text(text)
        with pytest.raises(UsageError):
            read_settings(place)


def test_an_installation_without_a_bundle_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundle_module, "_PLACES", (tmp_path / "none",))
    with pytest.raises(UsageError, match="has no OFX bundle"):
        install(machine(tmp_path))


def test_the_command_installs_lists_and_uninstalls(
    tmp_path: Path, built: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("OFX_PLUGIN_PATH", str(tmp_path / "ofx"))

    def run(*arguments: str) -> Any:
        with pytest.raises(SystemExit) as end:
            main(["hosts", *arguments, "--json"])
        assert end.value.code == 0
        return json.loads(capsys.readouterr().out)

    place = str(tmp_path / "ofx" / BUNDLE)
    assert run("install", "--bundle", str(built), "--to", str(tmp_path / "ofx"))["written"] == [place]
    assert place in [b["path"] for b in run("list")["bundles"]]
    assert run("uninstall", "--to", str(tmp_path / "ofx"))["removed"][0] == place
    assert not (tmp_path / "ofx").exists()


def test_help_needs_no_heavy_library() -> None:
    code = (
        "import sys\nfrom wetgate.surfaces.cli.main import main\n"
        "try: main(['hosts', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'cv2', 'PyOpenColorIO', 'OpenImageIO', 'torch'} & set(sys.modules), 'loaded'"
    )
    plugin = Path(bundle_module.__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(plugin)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "doctor" in done.stdout


def test_the_built_bundle_renders_every_node_from_where_it_was_installed(root: Path, tmp_path: Path) -> None:
    made = root / "ofx_bridge" / "build" / BUNDLE
    if Machine().architecture not in binaries(made):
        pytest.skip("no bundle is built: run python3 ofx_bridge/build.py")
    (place,) = install(Machine(), folder=tmp_path / "ofx", bundle=made).written
    results = list(verify(place))
    assert [r.node for r in results] == list(registry.nodes())
    assert [r.error for r in results] == [""] * len(results)


def test_a_binary_that_cannot_be_loaded_is_told_of(built: Path) -> None:
    (result,) = verify(built)
    assert result.node == ""
    assert "Wetgate.ofx" in result.error


def test_verify_without_a_bundle_says_so(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wetgate.surfaces.hosts.places.standard_folder", lambda machine: tmp_path / "none")
    monkeypatch.delenv("OFX_PLUGIN_PATH", raising=False)
    spec = importlib.util.spec_from_file_location("verify_script", root / "install" / "verify.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.main([]) == 2
    assert "wetgate hosts install" in capsys.readouterr().err
