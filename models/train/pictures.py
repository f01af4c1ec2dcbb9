"""Training pictures in memory, and patches of them by step number."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.float16]


class Pictures:
    """Photographs as code values 0 to 1, each at several reductions, from which patches are cut.

    ``folders`` hold tiles beside a ``manifest.csv`` with columns ``file`` and ``flat_noise_sigma`` (8-bit codes): at
    full size only tiles whose own noise is at most ``cleanest`` are used; reduced by area averaging, all are.
    """

    def __init__(self, folders: Iterable[Path], reductions: Sequence[float], cleanest: float) -> None:
        self._levels: list[list[Codes]] = [[] for _ in reductions]
        for folder in folders:
            with (folder / "manifest.csv").open(newline="", encoding="utf-8") as table:
                rows = sorted(csv.DictReader(table), key=lambda row: row["file"])
            for row in rows:
                codes = cv2.imread(str(folder / row["file"]), cv2.IMREAD_COLOR)
                if codes is None:
                    raise FileNotFoundError(f"{folder / row['file']} is in the manifest, and cannot be read")
                rgb = codes[..., ::-1].astype(np.float32) / 255
                for level, reduction in zip(self._levels, reductions, strict=True):
                    if reduction == 1:
                        if float(row["flat_noise_sigma"]) <= cleanest:
                            level.append(rgb.astype(np.float16))
                        continue
                    size = (round(rgb.shape[1] / reduction), round(rgb.shape[0] / reduction))
                    level.append(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float16))
        for level, reduction in zip(self._levels, reductions, strict=True):
            if not level:
                raise ValueError(f"no training picture at reduction {reduction}")

    def __len__(self) -> int:
        return sum(len(level) for level in self._levels)

    def patch(self, random: np.random.Generator, size: int, shares: Sequence[float]) -> NDArray[np.float32]:
        """A (size, size, 3) patch, turned and mirrored; ``shares`` weigh the reductions."""
        level = self._levels[int(random.choice(len(self._levels), p=np.asarray(shares) / np.sum(shares)))]
        picture = level[int(random.integers(len(level)))]
        y = int(random.integers(picture.shape[0] - size + 1))
        x = int(random.integers(picture.shape[1] - size + 1))
        patch = np.rot90(picture[y : y + size, x : x + size], int(random.integers(4)))
        if random.integers(2):
            patch = patch[:, ::-1]
        return np.ascontiguousarray(patch, np.float32)


def noisy(rgb: NDArray[np.float32], sigma: float, random: np.random.Generator) -> NDArray[np.float32]:
    """R'G'B' (H, W, 3), 0 to 1, with Gaussian noise of ``sigma`` 8-bit codes, more of it in the mid-tones, as grain
    and sensors leave it in code values; half of it shared by the channels."""
    height, width = rgb.shape[:2]
    own, shared = random.standard_normal((height, width, 3)), random.standard_normal((height, width, 1))
    tone = 0.5 + 2 * rgb.mean(axis=2, keepdims=True) * (1 - rgb.mean(axis=2, keepdims=True))
    return np.asarray(rgb + sigma / 255 * tone * 0.5**0.5 * (own + shared), np.float32)
