"""What time says of noise: frames that repeat, and the difference of neighbours, in which a still picture cancels.

Motion is not followed: sampling between pixels would change the noise. A whole-pixel shift of the picture is taken out,
and what still moves is texture in the difference, which the search for flat blocks leaves aside.
"""

from __future__ import annotations

import numpy as np

from wetgate.ops.channels import mean_of_channels
from wetgate.ops.noise_blocks import Blocks, cut
from wetgate.spec import Image

# A frame repeats the one before it where their difference has less than this share of the median difference's energy.
_REPEATS = 0.02
_LARGEST_SHIFT = 64


def difference_energy(first: Image, second: Image) -> float:
    """Median over blocks of 8 x 8 of the fine energy of the difference of two frames, mean of the channels: what
    noise changes, and no repeat does. nan where the frames hold no block."""
    change = second - first
    fine = change[1:, 1:] - change[:-1, 1:] - change[1:, :-1] + change[:-1, :-1]
    height, width = (n // 8 * 8 for n in fine.shape[:2])
    if not height or not width:
        return float("nan")
    blocks = np.square(fine[:height, :width]).reshape(height // 8, 8, width // 8, 8, -1).mean(axis=(1, 3, 4))
    return float(np.median(blocks))


def repeats(energies: list[float]) -> list[int]:
    """Which frames repeat the one before, of the energies of the differences of neighbours: 1 is the second frame."""
    known = [e for e in energies if np.isfinite(e)]
    changing = [e for e in known if e > 0]
    typical = float(np.median(changing)) if changing else 0.0
    return [i + 1 for i, e in enumerate(energies) if e == 0 or e < _REPEATS * typical]


def difference_blocks(first: Image, second: Image, most: int) -> Blocks:
    """Blocks of (second - first) / sqrt 2, at the level of the mean of both: independent noise has its own variance
    there. A common whole-pixel shift of up to 64 pixels is taken out first."""
    down, across = whole_shift(first, second)
    height, width = first.shape[:2]
    top, left = max(0, -down), max(0, -across)
    bottom, right = min(height, height - down), min(width, width - across)
    a = first[top:bottom, left:right]
    b = second[top + down : bottom + down, left + across : right + across]
    change = (b - a) * np.float32(1 / np.sqrt(2))
    return cut(change, level=(a + b) * np.float32(0.5), most=most)


def whole_shift(first: Image, second: Image) -> tuple[int, int]:
    """How many pixels (down, across) the picture moved from ``first`` to ``second``, by phase correlation of what is
    coarser than noise; (0, 0) where no shift explains the frames better than none."""
    grey, moved = mean_of_channels(first), mean_of_channels(second)
    a, b = _coarse(grey), _coarse(moved)
    if min(a.shape) < 16:
        return 0, 0
    cross = np.conj(np.fft.rfft2(a)) * np.fft.rfft2(b)
    peak = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-20), s=a.shape)
    place = np.unravel_index(int(np.argmax(peak)), peak.shape)
    near = [int(p) if p <= n // 2 else int(p) - n for p, n in zip(place, a.shape, strict=True)]
    candidates = [(0, 0)]
    for j in (-1, 0, 1):
        candidates += [(2 * near[0] + j, 2 * near[1] + i) for i in (-1, 0, 1)]
    allowed = [c for c in candidates if max(abs(c[0]), abs(c[1])) <= _LARGEST_SHIFT]
    return min(allowed, key=lambda c: _distance(grey, moved, *c))


def _coarse(grey: Image) -> Image:
    height, width = (n // 2 * 2 for n in grey.shape)
    small = grey[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    window = np.outer(np.hanning(small.shape[0]), np.hanning(small.shape[1]))
    return np.asarray((small - small.mean()) * window, np.float32)


def _distance(first: Image, second: Image, down: int, across: int) -> float:
    """Median squared difference of grey pictures under a shift: half of the picture has to agree."""
    height, width = first.shape
    top, left = max(0, -down), max(0, -across)
    bottom, right = min(height, height - down), min(width, width - across)
    if bottom - top < 16 or right - left < 16:
        return float("inf")
    step = max(1, min(bottom - top, right - left) // 256)
    a = first[top:bottom:step, left:right:step]
    b = second[top + down : bottom + down : step, left + across : right + across : step]
    return float(np.median(np.square(a - b)))
