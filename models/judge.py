"""PSNR of a recipe's weights on clean pictures with white Gaussian noise: how a training stands.

``python -m models.judge RECIPE WEIGHTS --pictures DIR [--sigma 15 25 50]``. Noise is unclipped and its level told to
the network. What the finished node reaches, blind and beside its peers, is printed by ``tests/bench/denoise.py``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.archs import build
from models.train.noise import MAPS
from models.train.recipe import Recipe


def network_of(recipe: Recipe, weights: Path) -> nn.Module:
    """The recipe's network with trained weights, ready to run."""
    settings = dict(recipe.arch)
    network = build(settings.pop("name"), {"in_channels": MAPS} | settings)
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return network.eval().to(memory_format=torch.channels_last)


def psnr(network: nn.Module, clean: np.ndarray, sigma: float, seed: int, dtype: torch.dtype) -> float:
    """PSNR in dB (peak 1) of a (H, W, 3) picture of code values 0 to 1, noise of ``sigma`` 8-bit codes taken out."""
    noise = np.random.default_rng(seed).standard_normal(clean.shape).astype(np.float32) * np.float32(sigma / 255)
    height, width = clean.shape[:2]
    maps = torch.zeros(1, MAPS, height, width)
    maps[0, :3] = torch.from_numpy(np.moveaxis(clean + noise, 2, 0))
    maps[0, 3:6] = sigma / 255
    multiple: int = network.multiple  # type: ignore[assignment]
    padded = functional.pad(maps, (0, -width % multiple, 0, -height % multiple), mode="reflect")
    with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        residual = network(padded.contiguous(memory_format=torch.channels_last)).float()
    restored = maps[0, :3] + residual[0, :, :height, :width]
    error = (restored - torch.from_numpy(np.moveaxis(clean, 2, 0))).double().square().mean()
    return float(-10 * torch.log10(error))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.judge", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--sigma", type=float, nargs="+", default=[15, 25, 50])
    parser.add_argument("--most", type=int, default=1000, help="pictures to look at")
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    network = network_of(Recipe.read(given.recipe), given.weights)
    files = sorted(p for p in given.pictures.iterdir() if p.suffix in {".png", ".webp", ".tif", ".bmp"})[: given.most]
    pictures = [cv2.imread(str(f), cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255 for f in files]
    for sigma in given.sigma:
        found = [psnr(network, clean, sigma, seed, torch.float32) for seed, clean in enumerate(pictures)]
        print(f"sigma {sigma:g}: {np.mean(found):.2f} dB over {len(found)} pictures")


if __name__ == "__main__":
    main()
