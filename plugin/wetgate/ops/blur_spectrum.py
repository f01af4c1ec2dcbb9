"""The power spectrum of a picture's light, over blocks of it and of other pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]

BLOCK, LONG_BLOCK = 64, 128  # px; the long one resolves the lines of a long motion


@dataclass(frozen=True, slots=True)
class Spectrum:
    """``power`` (block, block // 2 + 1) of the light's luma, mean over ``count`` blocks; ``noise``: what white noise
    alone would have."""

    power: Array
    count: int
    noise: float

    @property
    def block(self) -> int:
        return int(self.power.shape[0])

    def with_more(self, other: Spectrum) -> Spectrum:
        count = self.count + other.count
        mean = (self.power * self.count + other.power * other.count) / count
        return Spectrum(mean, count, (self.noise * self.count + other.noise * other.count) / count)


def luma_of(rgb: Image) -> Image:
    """The mean of the channels, (H, W): blur is that of all of them, and noise of three is less than that of one."""
    return np.asarray(rgb[..., :3].mean(axis=2), np.float32)


def spectrum_of(luma: Image, noise_variance: float, block: int = BLOCK) -> Spectrum | None:
    """The spectrum of (H, W) light whose noise has that variance; None where it is smaller than two blocks a side."""
    if min(luma.shape) < 2 * block:
        return None
    line = np.sin(math.pi * (np.arange(block) + 0.5) / block) ** 2
    window = np.outer(line, line)
    window /= math.sqrt(float(np.square(window).mean()))
    total, count = np.zeros((block, block // 2 + 1)), 0
    for top in range(0, luma.shape[0] - block + 1, block // 2):
        columns = range(0, luma.shape[1] - block + 1, block // 2)
        cut = np.stack([luma[top : top + block, left : left + block] for left in columns]).astype(np.float64)
        cut -= cut.mean(axis=(1, 2), keepdims=True)
        total += np.square(np.abs(np.fft.rfft2(cut * window))).sum(axis=0) / block**2
        count += len(columns)
    return Spectrum(total / count, count, noise_variance)
