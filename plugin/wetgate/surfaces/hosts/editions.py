"""Which editions of Resolve and Nuke are on a machine: version, Python, and whether Wetgate's scripts run in them.

Nothing is started: versions are read from folders' names and property lists. Sources: Foundry's install folders and the
VFX Reference Platform's Python of each year; the ``Developer/Scripting/README`` of Resolve 21.0 and 21.1.
"""

from __future__ import annotations

import plistlib
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.resolve_places import applications, bundled_python

_NUKE = re.compile(r"Nuke(\d+)\.(\d+)v(\d+)")
_NUKE_PYTHON = {13: "3.7", 14: "3.9", 15: "3.10", 16: "3.11", 17: "3.11"}
_OLDEST_NUKE = 15  # Python 3.10: what the scripts are written for


@dataclass(frozen=True, slots=True)
class Edition:
    """One installed host. ``version`` and ``python`` are "" where the disk does not tell; ``supported`` is whether the
    scripts run in it, and ``remark`` says what to know about it."""

    host: str
    path: Path
    version: str
    python: str
    supported: bool
    remark: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"path": str(self.path)}

    @property
    def text(self) -> str:
        parts = [f"{self.host} {self.version}".rstrip(), f"in {self.path}"]
        if self.python:
            parts.append(f"Python {self.python}")
        return ", ".join([*parts, *([self.remark] if self.remark else [])])


def editions(machine: Machine) -> list[Edition]:
    """Every edition of the hosts that scripts are for, oldest first."""
    return [*resolve_editions(machine), *nuke_editions(machine)]


def nuke_editions(machine: Machine) -> list[Edition]:
    """Every installed Nuke. Nuke, NukeX and Nuke Studio are one installation; the licence decides."""
    folders = {
        "linux": [machine.at("/usr/local"), machine.at("/opt"), machine.home],
        "macos": [machine.at("/Applications")],
        "windows": [machine.at("C:/Program Files")],
    }[machine.kind]
    found: dict[tuple[int, ...], Edition] = {}
    for folder in folders:
        for path in sorted(folder.glob("Nuke[0-9]*")):
            match = _NUKE.fullmatch(path.name)
            if match and path.is_dir():
                numbers = tuple(int(part) for part in match.groups())
                found.setdefault(numbers, _nuke(path, numbers))
    return [found[numbers] for numbers in sorted(found)]


def _nuke(path: Path, numbers: tuple[int, ...]) -> Edition:
    major, minor, patch = numbers
    supported = major >= _OLDEST_NUKE
    remark = "" if supported else f"older than Nuke {_OLDEST_NUKE}: the OFX bundle works in it, the scripts do not"
    if major > max(_NUKE_PYTHON):
        remark = "newer than this Wetgate knows"
    return Edition("Nuke", path, f"{major}.{minor}v{patch}", _NUKE_PYTHON.get(major, ""), supported, remark)


def resolve_editions(machine: Machine) -> list[Edition]:
    """Every installed Resolve: as a rule one."""
    return [_resolve(machine, path) for path in applications(machine) if path.exists()]


def _resolve(machine: Machine, path: Path) -> Edition:
    version, licence = _property_list(path / "Contents/Info.plist")
    if bundled_python(machine, path).exists():
        python, generation = "3.14 (its own)", "21.1 or later"
    else:
        python, generation = "3.6 or later, of the system", "before 21.1"
        if machine.kind == "windows":
            python = "3.10 to 3.12, of the system"
    remark = (
        licence or "wetgate resolve status tells, while it runs, whether it is Studio, which scripts from outside need"
    )
    return Edition("DaVinci Resolve", path, version or generation, python, True, remark)


def _property_list(path: Path) -> tuple[str, str]:
    """Version and edition from a macOS application's property list, each "" where it does not tell."""
    try:
        said = plistlib.loads(path.read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return "", ""
    lite = str(said.get("CFBundleIdentifier", "")).endswith("Lite")
    return str(
        said.get("CFBundleShortVersionString", "")
    ), "the free edition, without scripts from outside" if lite else ""
