"""Shared memory that the shim fills and the worker maps (PROTOCOL.md 5)."""

from __future__ import annotations

import gc
import mmap
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image, WorkerError
from wetgate.surfaces.worker.messages import ProtocolError, Reader

SOURCE, MASK, INFRARED, REFERENCE, OUTPUT = range(5)
OPAQUE, PREMULTIPLIED, UNPREMULTIPLIED = range(3)
MOST_POOLS = 4
MOST_BYTES = 64 << 30
_MOST_SIDE = 65_536
_REPEATED = 1
# fcntl(2): F_LINUX_SPECIFIC_BASE + 10, and its bits.
_F_GET_SEALS = 1034
_F_SEAL_SHRINK = 2
_F_SEAL_GROW = 4


class LimitError(WorkerError):
    """More of something than the protocol allows."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a picture lies and how it is meant; ``box`` is x1, y1, x2, y2 with y up, as OFX counts."""

    role: int
    channels: int
    alpha: int
    repeated: bool
    pool: int
    offset: int
    box: tuple[int, int, int, int]
    time: float

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]


def read_picture(body: Reader) -> Picture:
    """A picture's description, checked as far as that goes without the pool."""
    role, channels, alpha, flags = body.numbers("BBBB")
    (pool,) = body.numbers("I")
    (offset,) = body.numbers("Q")
    box = body.numbers("iiii")
    time = body.real()
    picture = Picture(
        role, channels, alpha, bool(flags & _REPEATED), pool, offset, (box[0], box[1], box[2], box[3]), time
    )
    if role > OUTPUT or alpha > UNPREMULTIPLIED or flags & ~_REPEATED:
        raise ProtocolError(f"a picture has role {role}, alpha {alpha}, flags {flags}")
    allowed = (1,) if role in (MASK, INFRARED) else (3, 4)
    if channels not in allowed:
        raise ProtocolError(f"a picture of role {role} has {channels} channels", allowed=" or ".join(map(str, allowed)))
    if not (1 <= picture.width <= _MOST_SIDE and 1 <= picture.height <= _MOST_SIDE):
        raise ProtocolError(f"a picture is {picture.width}x{picture.height}", allowed=f"1 to {_MOST_SIDE} a side")
    if offset % 64:
        raise ProtocolError(f"a picture lies at {offset}", allowed="a multiple of 64")
    return picture


class Pool:
    """A mapped memory file. ``size`` is what the shim says; it is what the file has, and stays so."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Check and map. The descriptor is the caller's to close."""
        if not 0 < size <= MOST_BYTES:
            raise LimitError(f"a pool has {size} bytes", allowed=f"1 to {MOST_BYTES}")
        self.size = size
        self._map: Any
        if sys.platform == "win32":
            from wetgate.surfaces.worker.pipes import map_section

            self._map = map_section(descriptor, size)
            return
        status = os.fstat(descriptor)
        if stat.S_ISSOCK(status.st_mode) or stat.S_ISFIFO(status.st_mode) or status.st_size != size:
            raise ProtocolError(f"a pool of {size} bytes came with a file of {status.st_size}")
        _demand_sealed(descriptor)
        try:
            self._map = mmap.mmap(descriptor, size)
        except (OSError, ValueError) as error:
            raise MemoryError(f"a pool of {size} bytes cannot be mapped: {error}") from None

    def view(self, picture: Picture) -> Image:
        """The picture's memory as (H, W, channels) float32; only an Output may be written to."""
        count = picture.width * picture.height * picture.channels
        if picture.offset + 4 * count > self.size:
            raise ProtocolError(
                f"a picture of {4 * count} bytes at {picture.offset} reaches past the pool's {self.size}"
            )
        flat: NDArray[np.float32] = np.frombuffer(self._map, np.dtype("<f4"), count, picture.offset)
        pixels = flat.reshape(picture.height, picture.width, picture.channels)
        if picture.role != OUTPUT:
            pixels.flags.writeable = False
        return pixels

    def close(self) -> None:
        """Unmap. Pictures that something still holds keep their memory until they are let go."""
        if sys.platform == "win32":
            self._map = b""
            return
        try:
            self._map.close()
        except BufferError:
            gc.collect()  # a traceback may hold a view
            try:
                self._map.close()
            except BufferError:
                raise WorkerError("a pool is still in use") from None


def _demand_sealed(descriptor: int) -> None:
    """Raise where the file could still shrink: reading past its end would kill this process."""
    if not sys.platform.startswith("linux"):
        return
    import fcntl

    try:
        seals = fcntl.fcntl(descriptor, _F_GET_SEALS)
    except OSError:
        seals = 0
    if seals & (_F_SEAL_SHRINK | _F_SEAL_GROW) != _F_SEAL_SHRINK | _F_SEAL_GROW:
        raise ProtocolError("a pool is not sealed against shrinking and growing")


View = Callable[[Picture], Image]


class Pools:
    """The pools of one lane, by the shim's numbers."""

    def __init__(self) -> None:
        self._pools: dict[int, Pool] = {}

    def map(self, number: int, descriptor: int, size: int) -> None:
        if number in self._pools:
            raise ProtocolError(f"there is a pool {number} already")
        if len(self._pools) >= MOST_POOLS:
            raise LimitError(f"a lane has {MOST_POOLS} pools already")
        self._pools[number] = Pool(descriptor, size)

    def unmap(self, number: int) -> None:
        if number not in self._pools:
            raise ProtocolError(f"there is no pool {number}")
        self._pools.pop(number).close()

    def view(self, picture: Picture) -> Image:
        """The picture's memory. :class:`ProtocolError` where it lies in no pool, or outside it."""
        pool = self._pools.get(picture.pool)
        if pool is None:
            raise ProtocolError(f"a picture lies in pool {picture.pool}, which is not mapped")
        return pool.view(picture)

    def close(self) -> None:
        """Unmap all."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            try:
                pool.close()
            except WorkerError:  # its last picture takes it along
                continue
