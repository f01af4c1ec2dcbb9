"""Files put into other programs' folders whole, and taken away without a trace."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from wetgate.spec import UsageError


def make_folders(target: Path) -> list[str]:
    """Make the folder and its parents, readable by everybody; those that were missing, innermost first."""
    missing = [p for p in (target, *target.parents) if not p.exists()]
    try:
        for path in reversed(missing):
            path.mkdir()
            path.chmod(0o755)  # whatever the umask: hosts run as other users
    except OSError as error:
        raise not_writable(target, error) from None
    return [str(p) for p in missing]


def remove_empty(created: Iterable[object]) -> None:
    """Remove folders that :func:`make_folders` made, innermost first, as far as nothing else lives there now."""
    for name in created:
        try:
            Path(str(name)).rmdir()
        except OSError:
            return


def flush(path: Path) -> None:
    """Bring a file's bytes to the disk."""
    with path.open("rb+" if path.stat().st_mode & stat.S_IWUSR else "rb") as file:
        if file.writable():
            os.fsync(file.fileno())


def swap(staged: Path, place: Path) -> None:
    """The staged folder under its name, in one step; a program that has old files mapped keeps them until it closes."""
    old = place.with_name(f".wetgate-{os.getpid()}.old")
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        place.rename(old)
    try:
        staged.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def remove(place: Path) -> None:
    """Remove a folder: programs see all of it, or nothing."""
    aside = place.with_name(f".wetgate-{os.getpid()}.old")
    try:
        place.rename(aside)
        if aside.is_symlink():
            aside.unlink()
        else:
            shutil.rmtree(aside)
    except OSError as error:
        raise not_writable(place.parent, error) from None


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def not_writable(target: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{target} cannot be written: {error.strerror or error}",
        remedy="run this as administrator (sudo); close hosts that hold the files, or name a folder by --to or --nuke",
    )
