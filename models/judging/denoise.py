"""PSNR on clean pictures with white Gaussian noise, unclipped, its level told to the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.archs.unet import UNet
from models.train.noise import MAPS
from models.trained import residual_of

Codes = NDArray[np.uint8]
SIGMAS = (15.0, 25.0, 50.0)


def rows(network: UNet, pictures: Sequence[Codes]) -> Iterator[str]:
    """A line for each noise level, of pictures (H, W, 3), R'G'B'."""
    for sigma in SIGMAS:
        found = [
            psnr(network, codes.astype(np.float32) / np.float32(255), sigma, seed)
            for seed, codes in enumerate(pictures)
        ]
        yield f"sigma {sigma:g}: {np.mean(found):.2f} dB over {len(found)} pictures"


def psnr(network: UNet, clean: NDArray[np.float32], sigma: float, seed: int) -> float:
    """PSNR in dB (peak 1) of a picture of code values 0 to 1, noise of ``sigma`` 8-bit codes taken out."""
    noise = np.random.default_rng(seed).standard_normal(clean.shape).astype(np.float32) * np.float32(sigma / 255)
    maps = torch.zeros(1, MAPS, *clean.shape[:2])
    maps[0, :3] = torch.from_numpy(np.moveaxis(clean + noise, 2, 0))
    maps[0, 3:6] = sigma / 255
    restored = maps[0, :3] + residual_of(network, maps)[0]
    error = (restored - torch.from_numpy(np.moveaxis(clean, 2, 0))).double().square().mean()
    return float(-10 * torch.log10(error))
