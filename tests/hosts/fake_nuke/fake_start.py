"""Nuke's plug-in path, and what it runs when it starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fake_window import is_gui

_plugin_path: list[Path] = []
_running: list[Path] = []  # the folder of the file that is being executed


def pluginAddPath(paths: object, addToSysPath: bool = True) -> None:
    """Relative paths start at the folder of the init.py that adds them."""
    for path in [paths] if isinstance(paths, str) else list(paths):
        folder = Path(os.path.normpath((_running[-1] if _running else Path.cwd()) / path))
        if folder not in _plugin_path:
            _plugin_path.insert(0, folder)
            if addToSysPath:
                sys.path.insert(0, str(folder))
            _run(folder, "init.py")


def pluginPath() -> list[str]:
    return [folder.as_posix() for folder in _plugin_path]


def _run(folder: Path, name: str) -> None:
    file = folder / name
    if not file.is_file():
        return
    _running.append(folder)
    try:
        names = {"__name__": "__main__", "__file__": str(file), "nuke": sys.modules["nuke"]}
        exec(compile(file.read_bytes(), str(file), "exec"), names)
    finally:
        _running.pop()


def start(home: str) -> None:
    """init.py of NUKE_PATH and of ~/.nuke, then, with a window, menu.py of every plug-in folder."""
    folders = [Path(p) for p in os.environ.get("NUKE_PATH", "").split(os.pathsep) if p]
    for folder in [*reversed(folders), Path(home, ".nuke")]:
        if folder.is_dir():
            pluginAddPath(str(folder))
    if is_gui():
        for folder in reversed(_plugin_path):
            _run(folder, "menu.py")
