"""The machine that the bundle is put on: its kind, its folders, its running programs. Tests have one of their own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["linux", "macos", "windows"]


def running_programs() -> frozenset[str] | None:
    """Names of the running programs, in lower case; None where the system does not tell."""
    try:
        if sys.platform == "win32":
            done = subprocess.run(["tasklist", "/fo", "csv", "/nh"], capture_output=True, text=True, timeout=20)
            names = [line.split('","')[0].strip('"') for line in done.stdout.splitlines()]
        elif Path("/proc/self/comm").exists():
            names = _names_in_proc(Path("/proc"))
        else:
            done = subprocess.run(["ps", "-axo", "comm="], capture_output=True, text=True, timeout=20)
            names = [line.rsplit("/", 1)[-1] for line in done.stdout.splitlines()]
    except (OSError, subprocess.SubprocessError):
        return None
    return frozenset(n.strip().lower() for n in names if n.strip())


def _names_in_proc(proc: Path) -> list[str]:
    names = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:  # comm is the main thread's name, which some hosts change; the command line tells the program
                names.append((entry / "comm").read_text(errors="replace"))
                program = (entry / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
                names.append(program.rsplit("/", 1)[-1])
            except OSError:  # it ended while we looked
                continue
    return names


def _this_kind() -> Kind:
    return {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Machine:
    """``root`` stands for ``/`` (or ``C:\\``), so that an image of a machine, or a test, can be worked on.

    ``environ`` gives the folders that a user or the system moved; ``programs`` the running programs
    (:func:`running_programs`).
    """

    kind: Kind = field(default_factory=_this_kind)
    root: Path | None = None
    home: Path = field(default_factory=Path.home)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    programs: Callable[[], frozenset[str] | None] = running_programs

    def at(self, absolute: str) -> Path:
        """A place of the system, ``/usr/OFX`` or ``C:/Program Files``, under :attr:`root`."""
        if self.root is None:
            return Path(absolute)
        return self.root / absolute.removeprefix("C:").lstrip("/")

    def folder(self, variable: str, otherwise: Path) -> Path:
        """The folder that an environment variable names; ``otherwise`` where it is unset or relative."""
        named = self.environ.get(variable, "")
        return Path(named) if named and Path(named).is_absolute() else otherwise

    @property
    def data(self) -> Path:
        """Where programs of this user keep their data."""
        if self.kind == "windows":
            return self.folder("APPDATA", self.home / "AppData/Roaming")
        if self.kind == "macos":
            return self.home / "Library/Application Support"
        # Resolve on Linux does not follow XDG_DATA_HOME.
        return self.home / ".local/share"

    @property
    def architecture(self) -> str:
        """The bundle's folder for this machine's binary (OFX packaging)."""
        if self.kind == "windows":
            return "Win64"
        if self.kind == "macos":
            return "MacOS"
        word = platform.machine() or "x86_64"
        return "Linux-x86-64" if word in ("x86_64", "AMD64") else f"Linux-{word}"
