"""Files that are there whole or not at all.

A file is written beside its final name under a hidden one, ``.plate.1001.exr.<host>.<pid>-<n>.tmp``, which no sequence
pattern matches; its bytes are synced to the disk, then it is renamed (POSIX rename is atomic: readers see the old file
or the new one). The folder's own entry is made durable by :func:`sync_folder`, which may be done once for many files:
a crash before it can lose the newest names, never show half a file.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from wetgate.spec import FrameError, UsageError

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<host>[0-9a-f]{8})\.(?P<pid>\d+)-\d+\.tmp\Z")
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP)
_counter = itertools.count()
_live: set[Path] = set()  # temporary files of this process
_live_lock = threading.Lock()

# A temporary file of another machine may be in use for as long as a slow frame takes; after a day it is not.
FOREIGN_AGE_S = 24 * 3600.0


def _host() -> str:
    return hashlib.blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()


@contextlib.contextmanager
def replacing(final: Path) -> Iterator[Path]:
    """A temporary path to write to; on leaving, it is synced and takes the final name, or is removed on any error.

    Where ``final`` is a symbolic link its target is replaced. :class:`OSError` becomes a :class:`FrameError` that names
    the file (disk full, no permission); whatever stood under the final name before is then still there.
    """
    final = Path(os.path.realpath(final))
    temporary = final.parent / f".{final.name}.{_host()}.{os.getpid()}-{next(_counter)}.tmp"
    with _live_lock:
        _live.add(temporary)
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(final)
    except OSError as error:
        raise FrameError(
            f"the file cannot be written: {error.strerror or error}",
            where=str(final),
            remedy="check the free space and the permissions of the folder",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        with _live_lock:
            _live.discard(temporary)


def make_folder(folder: Path) -> None:
    """Make a folder for outputs, with those above it. One that cannot be is a :class:`UsageError` that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "a file is in its place" if isinstance(error, FileExistsError) else error.strerror
        raise UsageError(
            f"cannot make the folder {str(folder)!r}: {why}",
            remedy="check the path and the permissions, or choose another folder",
        ) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes that ask for this folder waiting, for a file there that is read, changed and written.

    It holds among processes of one system (and over file systems that share locks); elsewhere it does nothing.
    """
    if os.name != "posix":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_bytes(final: Path, data: bytes) -> None:
    """A whole file at once: written beside its name, synced, renamed, and the name made durable."""
    with replacing(final) as temporary:
        temporary.write_bytes(data)
    sync_folder(final.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Where the system cannot (Windows, some network file systems, which say
    EINVAL) the file system does it in its own time. Any other failure is a :class:`FrameError`."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _NO_FOLDER_SYNC:
            return
        raise FrameError(
            f"the folder cannot be made durable: {error.strerror or error}",
            where=str(folder),
            remedy="check the disk; its newest files may be lost in a crash",
        ) from error


def stale(folder: Path) -> tuple[Path, ...]:
    """The temporary files that a dead process of ours left in a folder.

    Of this machine: those whose process is gone. Of other machines (a farm writes into one folder): those older than a
    day. Files that a living process may be writing are not among them.
    """
    out = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _TEMPORARY.match(path.name)
        if match and not _in_use(path, match["host"], int(match["pid"])):
            out.append(path)
    return tuple(out)


def clean_stale(folder: Path, of: str | None = None) -> tuple[Path, ...]:
    """Remove them (only those for the file name ``of``, where given) and say which they were."""
    gone = []
    for path in stale(folder):
        match = _TEMPORARY.match(path.name)
        if of is not None and (match is None or match["name"] != of):
            continue
        with contextlib.suppress(OSError):
            path.unlink()
            gone.append(path)
    return tuple(gone)


def _in_use(path: Path, host: str, pid: int) -> bool:
    if host == _host() and os.name == "posix":
        if pid == os.getpid():
            with _live_lock:
                return path in _live
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True
    try:
        return time.time() - path.stat().st_mtime < FOREIGN_AGE_S
    except OSError:
        return False
