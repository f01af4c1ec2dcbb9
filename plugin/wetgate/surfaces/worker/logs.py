"""The worker's log: a file of its own for each worker, small, and only the latest few of them kept."""

from __future__ import annotations

import logging
import os
import tempfile
from logging.handlers import RotatingFileHandler
from pathlib import Path

from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.user_files import log_folder

log = logging.getLogger("wetgate.worker")
_MOST_BYTES = 1 << 20
_MOST_FILES = 16


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
    path = log_folder(Machine())
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
