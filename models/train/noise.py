"""Noise for training the denoisers: white or coarse, the same everywhere or not, with the maps that describe it.

A network sees seven maps: the picture (3), the deviation of its noise per channel (3), and how coarse that noise is
(1): the sigma in pixels of the Gaussian that would turn white noise into it. At run time they come from the noise
measurement, in the variance-stabilised encoding; so here the deviation varies over the patch as it does there and after
frames were averaged along motion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from models.train.pictures import Pictures
from models.train.recipe import Recipe
from models.train.task import Array, Examples, Task

MAPS = 7


def example(clean: Array, random: np.random.Generator, settings: Mapping[str, Any]) -> tuple[Array, Array]:
    """The seven maps (7, H, W) of a clean (H, W, 3) patch with noise, and the residual (3, H, W): clean - noisy.

    ``settings``: ``sigma`` (least and most, 8-bit codes), ``varying``, ``coarse``, ``mixed``, ``stretched`` (shares of
    the patches that have a varying deviation, coarse noise, channels in common, and light beyond 0 to 1).
    """
    height, width = clean.shape[:2]
    if random.random() < settings["stretched"]:
        gain = np.float32(np.exp(random.uniform(np.log(0.2), np.log(1.6))))
        clean = (clean - np.float32(0.5)) * gain + np.float32(random.uniform(0.0, 1.2))
    low, high = settings["sigma"]
    # Even in the square root: weak noise is what most footage has.
    sigma = np.float32(random.uniform(low**0.5, high**0.5) ** 2 / 255)
    channels = np.full(3, sigma, np.float32)
    if random.random() < 0.35:
        channels *= np.exp(random.uniform(-0.6, 0.6, 3)).astype(np.float32)
    deviation = np.broadcast_to(channels, (height, width, 3))
    if random.random() < settings["varying"]:
        deviation = deviation * _variation(clean, random)[..., None]
    white = random.standard_normal((height + 16, width + 16, 3), np.float32)
    coarseness = np.float32(0)
    if random.random() < settings["coarse"]:
        coarseness = np.float32(random.uniform(0.3, 1.3))
        white = coarse(white, float(coarseness))
    if random.random() < settings["mixed"]:
        share = np.float32(random.uniform(0.1, 0.9))
        white = np.sqrt(1 - share) * white + np.sqrt(share) * white[..., [1, 2, 0]].mean(axis=2, keepdims=True) * 3**0.5
        white /= white.std(axis=(0, 1), keepdims=True)
    noise = deviation * white[8:-8, 8:-8]
    maps = np.empty((MAPS, height, width), np.float32)
    maps[:3] = np.moveaxis(clean + noise, 2, 0)
    maps[3:6] = np.moveaxis(deviation, 2, 0)
    maps[6] = coarseness
    return maps, np.ascontiguousarray(np.moveaxis(-noise, 2, 0))


def coarse(white: Array, sigma: float) -> Array:
    """White noise through a Gaussian of ``sigma`` pixels, its variance one again."""
    reach = 6
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    taps /= np.sqrt(np.sum(taps**2))
    return np.asarray(cv2.sepFilter2D(white, -1, taps, taps, borderType=cv2.BORDER_REFLECT_101), np.float32)


def _variation(clean: Array, random: np.random.Generator) -> Array:
    """A factor of the deviation over the patch: with the light, smoothly, or in regions."""
    height, width = clean.shape[:2]
    kind = random.integers(3)
    if kind == 0:
        light = np.clip(clean.mean(axis=2), 0, None)
        share = np.float32(random.uniform(0.05, 1))
        return np.asarray(np.sqrt(share * light * 2 + (1 - share)), np.float32)
    knots = random.standard_normal((6, 6)).astype(np.float32)
    field = cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC)
    if kind == 1:
        return np.asarray(np.exp(np.float32(0.5) * field), np.float32)
    # Frames averaged along motion: 2 to 5 of them where the motion was found, one alone elsewhere.
    found = cv2.GaussianBlur((field > random.uniform(-1, 1)).astype(np.float32), (0, 0), float(random.uniform(0.5, 4)))
    return np.asarray(1 - found * np.float32(1 - random.integers(2, 6) ** -0.5), np.float32)


def _examples(recipe: Recipe, folders: Sequence[Path]) -> Examples:
    pictures = Pictures(folders, recipe.reductions, recipe.cleanest)
    return lambda random: example(pictures.patch(random, recipe.patch, recipe.shares), random, recipe.examples)


def loss_of(found: Tensor, wanted: Tensor, maps: Tensor) -> Tensor:
    """Mean absolute error in 8-bit codes, each patch weighed by (deviation + 4)^-1/2, so that strong noise, whose
    errors are larger, does not take all of the network."""
    deviation = maps[:, 3:6].mean(dim=(1, 2, 3)) * 255
    error = (found - wanted).abs().mean(dim=(1, 2, 3)) * 255
    return (error * (deviation + 4).rsqrt()).mean()


DENOISE = Task(MAPS, _examples, loss_of)
