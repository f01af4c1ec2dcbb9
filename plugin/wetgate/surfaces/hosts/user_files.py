"""What the worker and the bundle leave in a user's folders: logs, and the launch file that overrides the bundle's."""

from __future__ import annotations

from pathlib import Path

from wetgate.surfaces.hosts.machine import Machine


def launch_file(machine: Machine) -> Path:
    """The user's own choice of a worker (PROTOCOL.md 8). Written by hand, and never removed by us."""
    if machine.kind == "macos":
        return machine.home / "Library/Application Support/Wetgate/worker.json"
    if machine.kind == "windows":
        return machine.data / "Wetgate/worker.json"
    return machine.folder("XDG_CONFIG_HOME", machine.home / ".config") / "wetgate/worker.json"


def log_folder(machine: Machine) -> Path:
    """Where this user's workers log."""
    if machine.kind == "macos":
        return machine.home / "Library/Logs/Wetgate"
    if machine.kind == "windows":
        return machine.folder("LOCALAPPDATA", machine.home / "AppData/Local") / "Wetgate/Logs"
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
