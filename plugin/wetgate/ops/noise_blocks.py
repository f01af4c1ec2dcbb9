"""Pictures cut into blocks of 8 by 8 pixels and transformed: what noise is measured on.

A block is flat where its coarse frequencies hold no more than noise does. Noise in one frequency says nothing of
another, so blocks that are chosen by some frequencies are measured, without bias, in the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

BLOCK = 8
_MOST = 60_000  # blocks of one picture: they overlap where it is small, and lie apart where it is large
# A value at the end of the range that more than this share of the samples have is a clip, not a coincidence.
_PILED = 5e-4


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of one or several pictures.

    ``coefficients`` (N, C, 64): of the orthonormal DCT, row-major from the mean; ``level`` (N, C): mean of the block;
    ``clip`` (C, 2): where each channel is cut off below and above (infinite where it is not); ``share``: how many
    independent blocks one of them counts for, since they overlap.
    """

    coefficients: NDArray[np.float32]
    level: NDArray[np.float32]
    clip: NDArray[np.float64]
    share: float

    def __len__(self) -> int:
        return len(self.level)

    @property
    def channels(self) -> int:
        return int(self.level.shape[1])

    def merged(self, other: Blocks) -> Blocks:
        """Both as one."""
        low = np.maximum(self.clip[:, 0], other.clip[:, 0])
        high = np.minimum(self.clip[:, 1], other.clip[:, 1])
        return Blocks(
            np.concatenate([self.coefficients, other.coefficients]),
            np.concatenate([self.level, other.level]),
            np.stack([low, high], axis=1),
            (self.share * len(self) + other.share * len(other)) / max(len(self) + len(other), 1),
        )


def orders() -> NDArray[np.intp]:
    """Vertical plus horizontal index of each coefficient, (64,): 0 is the mean, 14 the finest checkerboard."""
    down, across = np.divmod(np.arange(BLOCK * BLOCK), BLOCK)
    return np.asarray(down + across)


def radial_frequency() -> NDArray[np.float64]:
    """Frequency of each coefficient in cycles a pixel, (64,)."""
    down, across = np.divmod(np.arange(BLOCK * BLOCK), BLOCK)
    return np.asarray(np.hypot(down, across) / (2.0 * BLOCK))


def cut(image: Image, *, level: Image | None = None, most: int = _MOST) -> Blocks:
    """The blocks of a picture (H, W, C), at most ``most`` of them; those that hold a clipped value are left out.

    ``level`` is the picture that the blocks' levels are read from, where it is another (the mean of two frames, when
    ``image`` is their difference); its clipped values count then.
    """
    guide = image if level is None else level
    ends = clipped_ends(guide)
    height, width, channels = image.shape
    if min(height, width) < BLOCK:
        return Blocks(np.empty((0, channels, 64), np.float32), np.empty((0, channels), np.float32), ends, 1.0)
    step = _step(height, width, most)
    windows = np.lib.stride_tricks.sliding_window_view(image, (BLOCK, BLOCK), axis=(0, 1))[::step, ::step]
    samples = np.ascontiguousarray(windows).reshape(-1, BLOCK * BLOCK)
    coefficients: NDArray[np.float32] = _transformed(samples).reshape(-1, channels, BLOCK * BLOCK)
    if level is None:
        values, mean = samples.reshape(coefficients.shape), coefficients[..., 0] / np.float32(BLOCK)
    else:
        seen = np.lib.stride_tricks.sliding_window_view(level, (BLOCK, BLOCK), axis=(0, 1))[::step, ::step]
        values = np.ascontiguousarray(seen).reshape(coefficients.shape)
        mean = values.mean(axis=2)
    low, high = ends[:, 0, None].astype(np.float32), ends[:, 1, None].astype(np.float32)
    whole = np.isfinite(coefficients).all(axis=(1, 2)) & ((values > low) & (values < high)).all(axis=(1, 2))
    return Blocks(coefficients[whole], mean[whole], ends, min(1.0, (step / BLOCK) ** 2))


def clipped_ends(image: Image) -> NDArray[np.float64]:
    """Where each channel of (H, W, C) is cut off, (C, 2): its least and greatest value where those pile up."""
    ends = np.empty((image.shape[2], 2))
    for channel in range(image.shape[2]):
        plane = image[..., channel]
        low, high = plane.min(), plane.max()
        flat = low == high  # a picture of one value: nothing is cut off, there is only no noise
        ends[channel, 0] = low if not flat and np.mean(plane == low) > _PILED else -np.inf
        ends[channel, 1] = high if not flat and np.mean(plane == high) > _PILED else np.inf
    return ends


def _step(height: int, width: int, most: int) -> int:
    step = 2
    while ((height - BLOCK) // step + 1) * ((width - BLOCK) // step + 1) > most:
        step += 1
    return step


def _transformed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The transform of flattened blocks, (N, 64), 64 at a time: linear algebra shares a product among its threads from
    twice that size on, and then its last bits, and which blocks count as flat, differ with their number."""
    at_once = BLOCK * BLOCK
    count = -(-len(samples) // at_once)
    whole = np.zeros((count * at_once, BLOCK * BLOCK), np.float32)
    whole[: len(samples)] = samples
    made = whole.reshape(count, at_once, BLOCK * BLOCK) @ _transform().T
    return np.asarray(made.reshape(whole.shape)[: len(samples)])


@cache
def _transform() -> NDArray[np.float32]:
    """The orthonormal two-dimensional DCT-II as a matrix on flattened blocks, (64, 64)."""
    order = np.arange(BLOCK)[:, None]
    place = np.arange(BLOCK)[None, :]
    line = np.cos(np.pi * (2 * place + 1) * order / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    line[0] /= np.sqrt(2)
    return np.kron(line, line).astype(np.float32)
