"""Random numbers addressed by where they are used, never drawn in order.

A value depends on (seed, stream name, frame, x, y, channel) alone, so a tile equals the same part of the whole
picture, and frame 100 needs no frame 99. The generator is Philox4x32-10 of J. K. Salmon et al., "Parallel random
numbers: as easy as 1, 2, 3", SC 2011, whose known-answer vectors the tests hold it to.

Layout of the 128-bit counter: word 0 is floor(x / 4), word 1 y, word 2 the frame, word 3 the channel (all modulo
2**32, so that negative coordinates have their own values); the four output words belong to x = 4k .. 4k + 3. The
64-bit key is a BLAKE2b digest of the seed and the stream's name, so streams of one seed do not meet.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wetgate.spec import Image

Words = NDArray[np.uint32]

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)  # multipliers of Salmon et al.
_W0, _W1 = 0x9E3779B9, 0xBB67AE85  # Weyl increments of the key: golden ratio, sqrt(3) - 1
_MASK = 0xFFFFFFFF
_BLOCKS_A_RUN = 1 << 14  # 4 x 64 KiB of words: the ten rounds stay in the second-level cache


def philox4x32(counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], key: tuple[int, int]) -> tuple[Words, ...]:
    """Ten rounds of Philox4x32 on a counter of four (arrays of) 32-bit words: four arrays of 32-bit words."""
    c0, c1, c2, c3 = (np.asarray(word, dtype=np.uint32) for word in counter)
    k0, k1 = key[0] & _MASK, key[1] & _MASK
    for _ in range(10):
        product0 = c0 * _M0
        product1 = c2 * _M1
        high0, high1 = (product0 >> np.uint64(32)).astype(np.uint32), (product1 >> np.uint64(32)).astype(np.uint32)
        c0, c2 = high1 ^ c1 ^ np.uint32(k0), high0 ^ c3 ^ np.uint32(k1)
        c1, c3 = product1.astype(np.uint32), product0.astype(np.uint32)
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return c0, c1, c2, c3


@dataclass(frozen=True, slots=True)
class Stream:
    """A named source of random numbers. ``Stream.of(seed, "grain")``; ``stream.child("red")`` is independent of it."""

    name: str

    @classmethod
    def of(cls, seed: int, *names: str) -> Stream:
        return cls("/".join((str(int(seed)), *names)))

    def child(self, *names: str | int) -> Stream:
        return Stream("/".join((self.name, *map(str, names))))

    @property
    def key(self) -> tuple[int, int]:
        digest = hashlib.blake2b(self.name.encode(), digest_size=8).digest()
        return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")

    def bits(self, frame: int, height: int, width: int, channels: int = 1, *, x: int = 0, y: int = 0) -> Words:
        """Uniform 32-bit words of shape (height, width, channels) for the pixels from (x, y) on."""
        return np.ascontiguousarray(np.moveaxis(self._field(frame, height, width, channels, x, y, _words), 0, -1))

    def uniform(self, frame: int, height: int, width: int, channels: int = 1, *, x: int = 0, y: int = 0) -> Image:
        """Float32 in the open interval (0, 1), shape (height, width, channels)."""
        field = self._field(frame, height, width, channels, x, y, _uniforms)
        return np.ascontiguousarray(np.moveaxis(field, 0, -1))

    def normal(self, frame: int, height: int, width: int, channels: int = 1, *, x: int = 0, y: int = 0) -> Image:
        """Standard normal float32, shape (height, width, channels); Box-Muller on pairs of neighbours in x."""
        return np.ascontiguousarray(np.moveaxis(self.normal_planes(frame, height, width, channels, x=x, y=y), 0, -1))

    def normal_planes(self, frame: int, height: int, width: int, channels: int, *, x: int = 0, y: int = 0) -> Image:
        """The values of :meth:`normal` as planes, shape (channels, height, width), which is how they are made."""
        return self._field(frame, height, width, channels, x, y, _normals)

    def uniforms(self, frame: int, rows: int, columns: int) -> NDArray[np.float64]:
        """A small table of uniforms in (0, 1), one row per thing (a speck, a scratch) and one column per property."""
        return self.uniform(frame, rows, columns)[..., 0].astype(np.float64)

    def normals(self, frame: int, rows: int, columns: int) -> NDArray[np.float64]:
        """A small table of standard normals, one row per thing and one column per property."""
        return self.normal(frame, rows, columns)[..., 0].astype(np.float64)

    def poisson(self, frame: int, mean: float) -> int:
        """One Poisson count: the number of events at ``frame`` (inverse of the cumulative distribution)."""
        if mean <= 0:
            return 0
        if mean > 500:  # exp(-mean) leaves float range near 700; the normal limit is exact to 0.1 % long before
            return max(0, round(mean + math.sqrt(mean) * float(self.normals(frame, 1, 1)[0, 0])))
        u, k = float(self.uniforms(frame, 1, 1)[0, 0]), 0
        term = total = float(np.exp(-mean))
        while u > total and k < 2000:
            k += 1
            term *= mean / k
            total += term
        return k

    def _field(
        self,
        frame: int,
        height: int,
        width: int,
        channels: int,
        x: int,
        y: int,
        finish: Callable[[tuple[Words, ...]], NDArray[Any]],
    ) -> NDArray[Any]:
        first, last = x >> 2, (x + width - 1) >> 2
        blocks = last - first + 1
        columns = ((first + np.arange(blocks)) & _MASK).astype(np.uint32)
        rows = max(1, _BLOCKS_A_RUN // blocks)
        key = self.key
        kind = np.uint32 if finish is _words else np.float32
        out = np.empty((channels, height, blocks * 4), kind)

        def fill(job: tuple[int, int]) -> None:
            channel, top = job
            count = min(rows, height - top)
            lines = ((y + top + np.arange(count)) & _MASK).astype(np.uint32)
            c0, c1 = np.tile(columns, count), np.repeat(lines, blocks)
            c2, c3 = np.full_like(c0, frame & _MASK), np.full_like(c0, channel)
            out[channel, top : top + count] = finish(philox4x32((c0, c1, c2, c3), key)).reshape(count, blocks * 4)

        jobs = list(_jobs(channels, height, rows))
        if len(jobs) < 4:
            for job in jobs:
                fill(job)
        else:
            with ThreadPoolExecutor() as pool:
                list(pool.map(fill, jobs))
        offset = x - first * 4
        return out[:, :, offset : offset + width]


def _jobs(channels: int, height: int, rows: int) -> Iterator[tuple[int, int]]:
    for channel in range(channels):
        for top in range(0, height, rows):
            yield channel, top


def _words(words: tuple[Words, ...]) -> Words:
    return np.stack(words, axis=-1)


def _uniforms(words: tuple[Words, ...]) -> Image:
    return np.stack([_open_interval(word) for word in words], axis=-1)


def _open_interval(word: Words) -> Image:
    # 23 bits and a half step: exactly representable, so 0 and 1 cannot come out of the rounding.
    return (word >> np.uint32(9)).astype(np.float32) * np.float32(2**-23) + np.float32(2**-24)


def _normals(words: tuple[Words, ...]) -> Image:
    out = np.empty((words[0].size, 4), np.float32)
    for pair in (0, 2):
        # All 32 bits in the radius: the tail reaches 6.6 standard deviations. + 0.5 keeps the logarithm finite.
        u = (words[pair].astype(np.float32) + np.float32(0.5)) * np.float32(2**-32)
        radius = np.sqrt(np.float32(-2.0) * np.log(np.minimum(u, np.float32(1.0))))
        angle = words[pair + 1].astype(np.float32) * np.float32(2 * np.pi * 2**-32)
        out[:, pair] = radius * np.cos(angle)
        out[:, pair + 1] = radius * np.sin(angle)
    return out
