"""PSNR after the sRGB curve on clean pictures blurred in linear light: evenly, differently over the frame, not at all.

PSFs are those of :mod:`wetgate.ops.blur`; noise is white, in percent of white in linear light, and stays: the networks
leave it in the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.archs.unet import UNet
from models.trained import residual_of
from wetgate.color.curves import srgb_decode, srgb_encode
from wetgate.inference.encodings import SignedLog
from wetgate.ops.blur import convolve, disc, gaussian, motion
from wetgate.ops.metrics import psnr

Codes = NDArray[np.uint8]
Light = NDArray[np.float32]
NOISE = (0.0, 0.01)
_ENCODING = SignedLog()


def rows(network: UNet, pictures: Sequence[Codes]) -> Iterator[str]:
    """Lines of means over pictures (H, W, 3), R'G'B': the network's picture, the input, and the gain."""
    lights = [np.asarray(srgb_decode(p.astype(np.float32) / np.float32(255)), np.float32) for p in pictures]
    for name, blur in BLURS.items():
        for noise in NOISE:
            given, made = [], []
            for seed, light in enumerate(lights):
                white = np.random.default_rng(seed).standard_normal(light.shape).astype(np.float32)
                shown = blur(light) + np.float32(noise) * white
                given.append(_psnr(light, shown))
                made.append(_psnr(light, restored(network, shown, noise)))
            gain = np.mean(made) - np.mean(given)
            yield f"{name:16s} noise {noise:4.0%}: {np.mean(made):6.2f} dB, input {np.mean(given):6.2f}, {gain:+.2f}"


def restored(network: UNet, light: Light, noise: float) -> Light:
    """What a network makes of linear light (H, W, 3) with white noise of that deviation."""
    encoded = _ENCODING.encode(light)
    level = _ENCODING.deviation(light, np.full_like(light, max(noise, 1e-5)))
    maps = torch.from_numpy(np.moveaxis(np.concatenate([encoded, level], axis=2), 2, 0)[None].copy())
    residual = np.moveaxis(residual_of(network, maps)[0].numpy(), 0, 2)
    return np.asarray(light + _ENCODING.change(encoded, residual), np.float32)


def _psnr(truth: Light, shown: Light) -> float:
    return min(99.0, psnr(srgb_encode(truth), np.clip(srgb_encode(shown), 0, 1)))


def _across(blur: Callable[[float], Light], light: Light) -> Light:
    """PSFs of five sizes, from nothing at the left to the whole at the right, each passing into the next."""
    place = np.linspace(0, 4, light.shape[1], dtype=np.float32)
    parts = [np.clip(1 - np.abs(place - k), 0, 1)[None, :, None] * convolve(light, blur(k / 4)) for k in range(5)]
    return np.asarray(np.sum(parts, axis=0), np.float32)


BLURS: dict[str, Callable[[Light], Light]] = {
    "sharp": lambda light: light,
    "disc 1.5": lambda light: convolve(light, disc(1.5)),
    "disc 3": lambda light: convolve(light, disc(3)),
    "Gaussian 1.5": lambda light: convolve(light, gaussian(1.5)),
    "motion 7, 20": lambda light: convolve(light, motion(7, 20)),
    "motion 15, 70": lambda light: convolve(light, motion(15, 70)),
    "disc 0 to 4": lambda light: _across(lambda share: disc(4 * share), light),
    "motion 0 to 16": lambda light: _across(lambda share: motion(max(16 * share, 0.01), 30), light),
}
