"""Where OFX hosts look for bundles, and where they remember what they found.

Sources: OpenFX 1.5 reference, "Packaging" (standard folders, ``OFX_PLUGIN_PATH``); the caches are those that installers
of other OFX plug-ins delete (Nuke's ``ofxplugincache`` folder; Resolve's are in
:mod:`wetgate.surfaces.hosts.resolve_places`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wetgate.surfaces.hosts import resolve_places
from wetgate.surfaces.hosts.machine import Machine

BUNDLE = "Wetgate.ofx.bundle"


def standard_folder(machine: Machine) -> Path:
    """The folder that every OFX host on this system scans."""
    if machine.kind == "windows":
        common = machine.environ.get("CommonProgramW6432") if machine.root is None else None
        return Path(common) / "OFX/Plugins" if common else machine.at("C:/Program Files/Common Files/OFX/Plugins")
    return machine.at("/Library/OFX/Plugins" if machine.kind == "macos" else "/usr/OFX/Plugins")


def search_folders(machine: Machine) -> list[Path]:
    """Every folder that hosts scan, in their order: ``OFX_PLUGIN_PATH`` first. Names beginning with @ are skipped."""
    separator = ":" if machine.kind == "linux" else ";"
    named = [p for p in machine.environ.get("OFX_PLUGIN_PATH", "").split(separator) if p and not p.startswith("@")]
    return list(dict.fromkeys([*map(Path, named), standard_folder(machine)]))


def bundles(machine: Machine) -> Iterator[Path]:
    """Our bundles, wherever on the search path they lie: sub-folders count, as deep as four levels."""
    for folder in search_folders(machine):
        yield from _bundles_in(folder, 4)


def _bundles_in(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(e for e in folder.iterdir() if e.is_dir() and not e.name.startswith("@"))
    except OSError:
        return
    for entry in entries:
        if entry.name == BUNDLE:
            yield entry
        elif depth > 1 and not entry.name.endswith(".ofx.bundle"):
            yield from _bundles_in(entry, depth - 1)


@dataclass(frozen=True, slots=True)
class Host:
    """A host that keeps a cache of what it found. ``program`` matches the names of its processes, in lower case.

    ``caches`` are files; a host scans again when they are gone. ``present`` says whether it looks installed.
    """

    name: str
    program: str
    caches: tuple[Path, ...]
    present: bool

    def is_running(self, machine: Machine) -> bool | None:
        """Whether one of its programs runs; None where the system does not tell."""
        running = machine.programs()
        if running is None:
            return None
        return any(re.fullmatch(self.program, name) for name in running)

    def existing_caches(self) -> tuple[Path, ...]:
        return tuple(p for p in self.caches if p.is_file())


def hosts(machine: Machine) -> tuple[Host, ...]:
    """The hosts whose caches we know."""
    resolve = Host(
        "DaVinci Resolve",
        resolve_places.PROGRAM,
        resolve_places.caches(machine),
        resolve_places.is_here(machine),
    )
    return (resolve, _nuke(machine), _gaffer(machine))


def _nuke(machine: Machine) -> Host:
    if machine.kind == "windows":
        local = machine.folder("LOCALAPPDATA", machine.home / "AppData/Local")
        folder = machine.folder("NUKE_TEMP_DIR", local / "Temp/nuke")
        installed = machine.at("C:/Program Files")
    else:
        user = f"nuke-u{os.getuid()}" if hasattr(os, "getuid") else "nuke"
        folder = machine.folder("NUKE_TEMP_DIR", machine.at("/var/tmp") / user)
        installed = machine.at("/Applications" if machine.kind == "macos" else "/usr/local")
    caches = tuple(sorted((folder / "ofxplugincache").glob("*.xml")))
    present = bool(caches) or any(p.is_dir() for p in installed.glob("Nuke[0-9]*"))
    return Host("Nuke", r"nuke[\dx.]*(\.exe)?", caches, present)


def _gaffer(machine: Machine) -> Host:
    cache = machine.home / "gaffer/GafferOFXPluginCache.xml"
    return Host("Gaffer", r"gaffer(\.py|\.exe)?", (cache,), cache.parent.is_dir())
