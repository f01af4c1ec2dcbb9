"""Coded pictures for training the deartifacters: JPEG saved on the spot, video from a pool of real encodes.

A network sees five maps: Y', Cb, Cr of the decoded picture (H.273 values, chroma at luma resolution) and the steps of
the quantisers of luma and chroma as :func:`wetgate.ops.quantiser.network_quantiser` tells them. The codec's grid of
8 x 8 blocks lies on multiples of 8. It should find what the source was before, chroma in full.

Mild compression is learned from tiles that were reduced twofold, whose own JPEG is gone; where the damage is far above
that of the tiles, they are used at full size too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.train.codec_pool import Pool, is_pool
from models.train.pictures import Pictures, noisy
from models.train.recipe import Recipe
from models.train.task import Array, Examples, Pair, Task
from wetgate.color.ycbcr import rgb_to_ycbcr_matrix
from wetgate.damage.jpeg import coded
from wetgate.ops.quantiser import UNKNOWN, in_values, jpeg_step, network_quantiser

MAPS = 5
Codes = NDArray[np.uint8]

_JPEG_MATRIX = rgb_to_ycbcr_matrix(6).astype(np.float32)  # JFIF: BT.601, full range
_CHROMA_WEIGHT = 0.2  # of each chroma plane in the loss, luma the rest
_FLOOR_CODES = 1.5  # of the deviation by which a patch is weighed


class CodedPictures:
    """Examples by the shares of ``settings["kinds"]``: ``jpeg``, ``twice`` (two saves, the first one's grid shifted),
    ``video`` (from the pool) and ``clean`` (not coded, nothing to find)."""

    def __init__(self, pictures: Pictures, pool: Pool, recipe: Recipe) -> None:
        settings: Mapping[str, Any] = recipe.examples
        self._pictures, self._pool, self._settings = pictures, pool, settings
        self._shares, self._patch = recipe.shares, recipe.patch
        self._kinds: dict[str, Callable[[np.random.Generator], Pair]] = {
            "jpeg": self._jpeg,
            "twice": self._twice,
            "video": self._video,
            "clean": self._clean,
        }
        unknown = set(settings["kinds"]) - set(self._kinds)
        if unknown:
            raise ValueError(f"examples.kinds names {', '.join(sorted(unknown))}; there are {', '.join(self._kinds)}")

    def __call__(self, random: np.random.Generator) -> Pair:
        names, shares = zip(*self._settings["kinds"].items(), strict=True)
        return self._kinds[str(random.choice(names, p=np.asarray(shares) / np.sum(shares)))](random)

    def _jpeg(self, random: np.random.Generator) -> Pair:
        quality = self._quality(random)
        clean = self._codes(random, quality, self._patch)
        grey, chroma = self._layout(random)
        done, tables = coded(clean, quality, chroma, grey)
        return self._pair(clean, done, random, [jpeg_step(t) for t in tables], grey)

    def _twice(self, random: np.random.Generator) -> Pair:
        first, second = self._quality(random), self._quality(random)
        clean = self._codes(random, min(first, second), self._patch + 8)
        grey, chroma = self._layout(random)
        y, x = (int(n) for n in random.integers(0, 8, 2))
        size = self._patch
        once, earlier = coded(clean, first, chroma, grey)
        clean, once = clean[y : y + size, x : x + size], once[y : y + size, x : x + size]
        done, tables = coded(once, second, chroma, grey)
        steps = [jpeg_step(t) for t in tables]
        if random.random() < self._settings["coarser"]:  # of the two, as where somebody found the first
            steps = [max(step, jpeg_step(t)) for step, t in zip(steps, earlier, strict=True)]
        return self._pair(clean, done, random, steps, grey)

    def _video(self, random: np.random.Generator) -> Pair:
        wanted, shown, steps = self._pool.cut(random, self._patch)
        return self._told(wanted, shown, steps, random)

    def _clean(self, random: np.random.Generator) -> Pair:
        clean = self._codes(random, 100, self._patch)
        return self._pair(clean, clean, random, [0.0, 0.0], False)

    def _quality(self, random: np.random.Generator) -> int:
        low, high = self._settings["quality"]
        return round(low + (high - low) * float(random.random()) ** self._settings["coarse_first"])

    def _codes(self, random: np.random.Generator, quality: int, size: int) -> Codes:
        fine = quality > self._settings["reduced_above"]
        shares = self._settings["shares_fine"] if fine else self._shares
        patch = self._pictures.patch(random, size, shares)
        noise = self._settings.get("noise")
        if noise and random.random() < noise["share"]:
            patch = np.clip(noisy(patch, float(random.uniform(*noise["sigma"])), random), 0, 1)
        return np.rint(patch * np.float32(255)).astype(np.uint8)

    def _layout(self, random: np.random.Generator) -> tuple[bool, str]:
        grey = bool(random.random() < self._settings["grey"])
        return grey, str(random.choice(["420", "422", "444"], p=self._settings["chroma"]))

    def _pair(self, clean: Codes, done: Codes, random: np.random.Generator, steps: Sequence[float], grey: bool) -> Pair:
        wanted, shown = _ycc(clean), _ycc(done)
        if grey:
            wanted[1:], shown[1:] = 0, 0
            steps = [steps[0], 0.0]
        told = np.asarray([in_values(s, full_range=True) for s in steps], np.float32)
        return self._told(wanted, shown, np.broadcast_to(told[:, None, None], (2, *shown.shape[1:])), random)

    def _told(self, wanted: Array, shown: Array, steps: Array, random: np.random.Generator) -> Pair:
        """The maps: now and then the steps are not known, or are off as an estimate or a hand would have them."""
        draw = float(random.random())
        if draw < self._settings["unknown"]:
            steps = np.full_like(steps, UNKNOWN)
        elif draw < self._settings["unknown"] + self._settings["astray"]:
            steps = steps * np.exp(random.uniform(-0.5, 0.5)).astype(np.float32)
        maps = np.concatenate([shown, network_quantiser(steps)])
        return maps, wanted - shown


def _ycc(rgb8: Codes) -> Array:
    """(3, H, W) values of 8-bit full-range R'G'B'."""
    flat = rgb8.reshape(-1, 3).astype(np.float32) @ (_JPEG_MATRIX.T / np.float32(255))
    return np.ascontiguousarray(flat.T, np.float32).reshape(3, *rgb8.shape[:2])


def _examples(recipe: Recipe, folders: Sequence[Path]) -> Examples:
    """``folders``: tiles with their ``manifest.csv``, and one pool that :mod:`models.train.codec_pool` made."""
    pools = [folder for folder in folders if is_pool(folder)]
    if len(pools) != 1:
        raise ValueError(f"{len(pools)} of the data folders are pools of encodes; make one: models.train.codec_pool")
    tiles = [folder for folder in folders if folder not in pools]
    pictures = Pictures(tiles, recipe.reductions, recipe.cleanest)
    return CodedPictures(pictures, Pool(pools[0], recipe.examples["pool"]), recipe)


def loss_of(found: Tensor, wanted: Tensor, maps: Tensor) -> Tensor:
    """Mean absolute and root mean square error in 8-bit codes, half and half: flats count, and the mean is aimed at.

    Luma counts most. Each patch is weighed by (deviation of its damage + 1.5)^-1/2, so that coarse quantisers, whose
    errors are larger, do not take all of the network.
    """
    error = 255 * (found - wanted)
    damage = 255 * wanted[:, 0].square().mean(dim=(1, 2)).sqrt()
    both = error.abs().mean(dim=(2, 3)) + (error.square().mean(dim=(2, 3)) + 0.01).sqrt()
    luma, chroma = both[:, 0], both[:, 1] + both[:, 2]
    planes = (1 - 2 * _CHROMA_WEIGHT) * luma + _CHROMA_WEIGHT * chroma
    return 0.5 * (planes * (damage + _FLOOR_CODES).rsqrt()).mean()


DEARTIFACT = Task(MAPS, _examples, loss_of)
