"""Descriptors that a peer may send where a pool or a lane is expected."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import tempfile
from collections.abc import Callable

_ADD_SEALS, _SEAL, _SHRINK, _GROW, _WRITE = 1033, 1, 2, 4, 8  # fcntl(2)


def memory_file(size: int, seals: int = _SEAL | _SHRINK | _GROW) -> int:
    """A memory file with these seals."""
    made = os.memfd_create("wetgate-fuzz", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(made, size)
    if seals:
        fcntl.fcntl(made, _ADD_SEALS, seals)
    return made


def _regular(size: int) -> int:
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        return os.dup(file.fileno())


def _pipe(size: int) -> int:
    reading, writing = os.pipe()
    os.close(writing)
    return reading


def _socket(size: int) -> int:
    ours, theirs = socket.socketpair()
    ours.close()
    return theirs.detach()


def _datagrams(size: int) -> int:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.close()
    return theirs.detach()


def _network(size: int) -> int:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM).detach()


def _poll(size: int) -> int:
    with select.epoll() as made:
        return os.dup(made.fileno())


# Each makes a descriptor for a message that speaks of so many bytes; the caller closes it.
FOREIGN: dict[str, Callable[[int], int]] = {
    "a pool": memory_file,
    "a pool that is too small": lambda size: memory_file(max(size // 2, 1)),
    "a pool that is one byte short": lambda size: memory_file(max(size - 1, 1)),
    "a pool that is too large": lambda size: memory_file(size + 4096),
    "an empty pool": lambda size: memory_file(0),
    "a pool without seals": lambda size: memory_file(size, 0),
    "a pool that may shrink": lambda size: memory_file(size, _GROW),
    "a pool that may grow": lambda size: memory_file(size, _SHRINK),
    "a pool that nobody may write": lambda size: memory_file(size, _SEAL | _SHRINK | _GROW | _WRITE),
    "a file": _regular,
    "a pipe": _pipe,
    "a socket": _socket,
    "a socket of datagrams": _datagrams,
    "a socket of the network": _network,
    "a folder": lambda size: os.open("/", os.O_RDONLY | os.O_DIRECTORY),
    "a path": lambda size: os.open("/", os.O_PATH),
    "nothing": lambda size: os.open(os.devnull, os.O_RDWR),
    "zeros": lambda size: os.open("/dev/zero", os.O_RDWR),
    "a poll": _poll,
}
