"""Wetgate's own files in a user's folders: what was chosen for the worker and for Resolve, logs, and finished jobs."""

from __future__ import annotations

from pathlib import Path

from wetgate.surfaces.hosts.machine import Machine


def launch_file(machine: Machine) -> Path:
    """The user's own choice of a worker (PROTOCOL.md 8). Written by hand, and never removed by us."""
    return _choices(machine) / "worker.json"


def resolve_file(machine: Machine) -> Path:
    """What overrules the settings of the scripts in Resolve, for this user. Written by hand, as the launch file is."""
    return _choices(machine) / "resolve.json"


def log_folder(machine: Machine) -> Path:
    """Where this user's workers and scripts log."""
    if machine.kind == "macos":
        return machine.home / "Library/Logs/Wetgate"
    return _state(machine) / "Logs" if machine.kind == "windows" else _state(machine)


def spool_folder(machine: Machine) -> Path:
    """Where the Deliver scripts leave finished jobs for ``wetgate resolve watch``."""
    return _state(machine) / "spool"


def _choices(machine: Machine) -> Path:
    if machine.kind == "macos":
        return machine.home / "Library/Application Support/Wetgate"
    if machine.kind == "windows":
        return machine.data / "Wetgate"
    return machine.folder("XDG_CONFIG_HOME", machine.home / ".config") / "wetgate"


def _state(machine: Machine) -> Path:
    if machine.kind == "macos":
        return machine.home / "Library/Application Support/Wetgate"
    if machine.kind == "windows":
        return machine.folder("LOCALAPPDATA", machine.home / "AppData/Local") / "Wetgate"
    return machine.folder("XDG_STATE_HOME", machine.home / ".local/state") / "wetgate"


def documents_folder(machine: Machine) -> Path:
    """Where analyses lie that are too large for a project. They belong to projects, and are never removed by us."""
    if machine.kind == "macos":
        return machine.home / "Library/Application Support/Wetgate/Analyses"
    if machine.kind == "windows":
        return machine.data / "Wetgate/Analyses"
    return machine.folder("XDG_DATA_HOME", machine.home / ".local/share") / "wetgate/analyses"


def remove_logs(machine: Machine) -> tuple[Path, ...]:
    """Remove the logs, and their folder where nothing else is in it; what was removed."""
    place = log_folder(machine)
    removed = []
    for path in sorted(place.glob("worker-*.log*")):
        path.unlink(missing_ok=True)
        removed.append(path)
    if place.is_dir() and not any(place.iterdir()):
        place.rmdir()
    return tuple(removed)
