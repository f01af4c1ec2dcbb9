"""``wetgate hosts doctor``: is the bundle where hosts look, does its worker start, does a frame come out right?"""

from __future__ import annotations

import os
import platform
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np

import wetgate
from wetgate.spec import WetgateError
from wetgate.surfaces.hosts.bundle import SETTINGS, binaries, read_launch_file, read_settings, worker_command
from wetgate.surfaces.hosts.editions import editions, nuke_editions
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.nuke_scripts import states
from wetgate.surfaces.hosts.places import bundles, hosts, search_folders, standard_folder
from wetgate.surfaces.hosts.resolve_places import is_here
from wetgate.surfaces.hosts.user_files import launch_file, resolve_file
from wetgate.surfaces.hosts.verify import verify
from wetgate.surfaces.resolve.install import everywhere

State = Literal["ok", "note", "wrong"]
_NODE = "hdr_lift"
_SPACES = {"in_space": "rec1886_rec709_display", "out_space": "rec2100_pq_display"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``facts`` are for programs."""

    state: State
    text: str
    facts: dict[str, Any]


def examine(machine: Machine) -> Iterator[Finding]:
    """Look at everything, in the order in which it can go wrong."""
    found = list(bundles(machine))
    if not found:
        places = ", ".join(map(str, search_folders(machine)))
        yield _finding("wrong", f"no bundle in {places}: run wetgate hosts install", bundles=[])
    if len(found) > 1:
        yield _finding("note", f"{len(found)} bundles are installed; hosts take the first: {found[0]}")
    for bundle in found:
        yield from _bundle(bundle, machine)
    yield from _caches(machine)
    yield from _editions(machine)
    yield from _nuke_scripts(machine, found)
    yield from resolve_scripts_findings(machine)
    if machine.root is None:  # the binary of another machine's image cannot be loaded here
        for bundle in found:
            yield from _rendering(bundle)
    yield _versions()
    try:
        command, chosen_by = chosen_command(machine, found)
    except WetgateError as error:
        yield _finding("wrong", error.message())
    else:
        yield _finding("note", f"the worker is chosen by {chosen_by}", command=command)
        yield from worker(command)


def is_sound(findings: Sequence[Finding]) -> bool:
    return all(f.state != "wrong" for f in findings)


def _finding(state: State, text: str, **facts: Any) -> Finding:
    return Finding(state, text, facts)


def _bundle(bundle: Path, machine: Machine) -> Iterator[Finding]:
    built = binaries(bundle)
    if machine.architecture in built:
        size = built[machine.architecture].stat().st_size
        text = f"{bundle}: {', '.join(built)}, {size / 1e6:.1f} MB here"
        yield _finding("ok", text, bundle=str(bundle), architectures=list(built), bytes=size)
    else:
        text = f"{bundle} has no binary for {machine.architecture}: hosts here skip it"
        yield _finding("wrong", text, bundle=str(bundle), architectures=list(built))
    if bundle.parent != standard_folder(machine) and bundle.is_symlink():
        yield _finding("note", f"{bundle} is a link, which some hosts do not follow: install a copy")
    try:
        settings = read_settings(bundle)
    except WetgateError as error:
        yield _finding("wrong", error.message(), bundle=str(bundle))
        return
    if settings.get("version") != wetgate.__version__:
        yield _finding(
            "wrong",
            f"{bundle} is of Wetgate {settings.get('version')}, not {wetgate.__version__}: run wetgate hosts install",
            bundle=str(bundle),
            version=settings.get("version"),
        )
    yield from _permissions(bundle)


def _rendering(bundle: Path) -> Iterator[Finding]:
    """The whole way: host, bundle, worker and back, for every node."""
    began = time.perf_counter()
    results = list(verify(bundle))
    for result in results:
        if result.error:
            yield _finding("wrong", f"{bundle}: {result.node or 'the bundle'}: {result.error}", node=result.node)
    sound = [r.node for r in results if r.node and not r.error]
    if sound:
        seconds = time.perf_counter() - began
        text = f"{bundle}: {', '.join(sound)} described and rendered in an OFX host, {seconds:.1f} s in all"
        yield _finding("ok", text, nodes=sound, seconds=round(seconds, 2))


def _versions() -> Finding:
    """What this installation is made of; the optional parts, where they are missing, as such."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for name in ("numpy", "opencolorio", "OpenImageIO", "opencv-python-headless", "torch", "onnxruntime"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    said = ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())
    return _finding("note", f"Wetgate {wetgate.__version__}, {said}", wetgate=wetgate.__version__, **versions)


def _permissions(bundle: Path) -> Iterator[Finding]:
    """The shim refuses a launch file that others than its owner may change, or that others own (PROTOCOL.md 8)."""
    path = bundle / SETTINGS
    if not hasattr(os, "getuid"):
        return
    for place in (path, path.parent):
        status = place.stat()
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            yield _finding("wrong", f"{place} may be written by others, so the bundle refuses it: run chmod go-w on it")
    if path.stat().st_uid not in (0, os.getuid()):
        yield _finding("note", f"{path} belongs to another user: only that user's hosts accept it")


def _caches(machine: Machine) -> Iterator[Finding]:
    for host in hosts(machine):
        for cache in host.existing_caches():
            text = _refused(cache) if cache.suffix == ".xml" else ""
            if text:
                advice = "close it and run wetgate hosts install --clear-caches"
                yield _finding("wrong", f"{host.name} has put the bundle on its black list: {advice}", cache=str(cache))
            else:
                yield _finding("note", f"{host.name} remembers its plug-ins in {cache}", cache=str(cache))


def _editions(machine: Machine) -> Iterator[Finding]:
    found = editions(machine)
    for edition in found:
        yield _finding("ok" if edition.supported else "note", edition.text, **edition.to_json())
    if not found:
        yield _finding("note", "neither DaVinci Resolve nor Nuke is in its usual place", editions=[])


def _nuke_scripts(machine: Machine, found: Sequence[Path]) -> Iterator[Finding]:
    """Nuke's scripts: there, of this version, unchanged, seen; and a bundle that Nuke finds with them."""
    copies = list(states(machine))
    for copy in copies:
        facts = {"scripts": str(copy.place), "version": copy.version}
        if not copy.problems:
            yield _finding("ok", f"Nuke's scripts in {copy.place}, of Wetgate {copy.version}", **facts)
        for problem in copy.problems:
            yield _finding("wrong", f"Nuke's scripts in {copy.place}: {problem}", **facts)
    if not copies and any(edition.supported for edition in nuke_editions(machine)):
        yield _finding("note", "Nuke is here, and our scripts are not: run wetgate hosts install --only nuke")
    searched = search_folders(machine)
    if copies and found and not any(bundle.is_relative_to(folder) for bundle in found for folder in searched):
        text = f"Nuke is to be started with OFX_PLUGIN_PATH={found[0].parent}, which is not set here"
        yield _finding("note", text, folder=str(found[0].parent))


def resolve_scripts_findings(machine: Machine) -> Iterator[Finding]:
    """Resolve's scripts: there, of this version, starting this Wetgate, with a graph; and what overrules them."""
    there = everywhere(machine)
    places = dict.fromkeys(script.path.parent.parent for script in there)
    for place in places:
        own = [script for script in there if script.path.is_relative_to(place)]
        problems = list(dict.fromkeys(text for script in own for text in script.problems(machine)))
        facts = {"scripts": str(place), "version": own[0].version}
        if not problems:
            yield _finding("ok", f"{len(own)} scripts of Wetgate {own[0].version} for Resolve in {place}", **facts)
        for problem in problems:
            yield _finding("wrong", f"Resolve's scripts in {place}: {problem}", **facts)
        if not own[0].settings.graph:
            text = "they have no graph and restore marked clips alone: wetgate resolve install --graph PRESET"
            yield _finding("note", f"Resolve's scripts in {place}: {text}", **facts)
    if not there and is_here(machine):
        yield _finding("note", "Resolve is here, and our scripts are not: run wetgate hosts install --only resolve")
    overruled = resolve_file(machine)
    if there and overruled.is_file():
        yield _finding("note", f"{overruled} overrules the settings of Resolve's scripts", file=str(overruled))


def _refused(cache: Path) -> str:
    """The entry of a cache by which Resolve never tries our bundle again (``status`` other than 0), or ""."""
    try:
        lines = cache.read_text(encoding="utf-8", errors="replace").split("<")
    except OSError:
        return ""
    ours = [line for line in lines if "Wetgate.ofx" in line]
    return next(
        (line for line in ours if "status=" in line and 'status="0"' not in line and "status=0" not in line), ""
    )


def chosen_command(machine: Machine, found: Sequence[Path]) -> tuple[list[str], str]:
    """The command by which hosts start the worker, and what names it: the order of PROTOCOL.md 8.

    Without a bundle it is this installation's own.
    """
    named = machine.environ.get("WETGATE_WORKER", "")
    if named and not named.endswith(".json"):
        return [named, "-I", "-m", "wetgate.surfaces.worker"], "WETGATE_WORKER"
    user_file = launch_file(machine)
    if named or user_file.exists():
        path = Path(named) if named else user_file
        return list(read_launch_file(path)["command"]), str(path)
    if found:
        return list(read_settings(found[0])["command"]), str(found[0])
    return worker_command(), "this installation"


def worker(command: Sequence[str]) -> Iterator[Finding]:
    """Start a worker, have it render one frame, and compare that with the engine's own."""
    from wetgate.surfaces.worker.peer import Peer
    from wetgate.surfaces.worker.peer_lane import Ask, Given

    label = " ".join(command)
    y, x = np.mgrid[0:270, 0:480].astype(np.float32)
    picture = np.ascontiguousarray(np.stack([x / 479, y / 269, (x + y) / 748, np.ones_like(x)], axis=2))
    ask = Ask(_NODE, {"method": "bt2446a"}, input_space=_SPACES["in_space"], output_space=_SPACES["out_space"])
    began = time.perf_counter()
    try:
        with Peer(command) as peer:
            ready = time.perf_counter() - began
            lane = peer.lane()
            frame = lane.render(ask, [Given(picture)]).pixels
            first = time.perf_counter() - began
            again = time.perf_counter()
            lane.render(ask, [Given(picture)])
            warm = time.perf_counter() - again
            lane.close()
            welcome = peer.welcome
    except (WetgateError, OSError) as error:
        yield _finding("wrong", f"the worker {label} does not work: {error}", command=list(command))
        return
    facts = {
        "command": list(command),
        "version": welcome.version,
        "log": welcome.log,
        "seconds_to_start": round(ready, 3),
        "seconds_to_first_frame": round(first, 3),
        "seconds_a_frame": round(warm, 4),
    }
    text = f"worker of Wetgate {welcome.version} starts in {ready:.2f} s, first frame after {first:.2f} s, then"
    yield _finding("ok", f"{text} {1e3 * warm:.1f} ms (480x270); {label}", **facts)
    yield _finding("note", f"its log is {welcome.log or 'nowhere'}", log=welcome.log)
    expected = wetgate.run_node(wetgate.nodes.hdr_lift.node, picture, method="bt2446a", **_SPACES)
    if not np.array_equal(frame.view(np.uint32), expected.view(np.uint32)):
        yield _finding(
            "wrong", "its frame differs from this Wetgate's own: the installations differ", command=list(command)
        )
