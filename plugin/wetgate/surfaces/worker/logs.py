"""The worker's log: a file of its own for each worker, small, and only the latest few of them kept."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from logging.handlers import RotatingFileHandler
from pathlib import Path

log = logging.getLogger("wetgate.worker")
_MOST_BYTES = 1 << 20
_MOST_FILES = 16


def folder() -> Path:
    """Where workers of this user log: the system's place for such files."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Logs/Wetgate"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "Wetgate" / "Logs"
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else Path.home() / ".local/state") / "wetgate"


def begin() -> str:
    """Start logging; the file's path, or "" where none can be written (a log is no reason to fail)."""
    log.setLevel(logging.INFO)
    log.propagate = False
    for place in (_home_folder, _temporary_folder):
        try:
            path = place() / f"worker-{os.getpid()}.log"
            handler = RotatingFileHandler(path, maxBytes=_MOST_BYTES, backupCount=1, encoding="utf-8")
        except (OSError, RuntimeError):
            continue
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
        log.addHandler(handler)
        _prune(path.parent)
        return str(path)
    log.addHandler(logging.NullHandler())
    return ""


def _home_folder() -> Path:
    path = folder()
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="wetgate-"))


def _prune(place: Path) -> None:
    """Keep the latest logs alone."""
    try:
        files = sorted(place.glob("worker-*.log*"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in files[_MOST_FILES:]:
            old.unlink(missing_ok=True)
    except OSError:  # another worker was faster
        return
