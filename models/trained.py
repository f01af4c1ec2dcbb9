"""Trained weights as a network in torch, and what it makes of maps of any size."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from models.archs.unet import UNet
from models.train.recipe import Recipe
from models.train.tasks import network_for


def network_of(recipe: Recipe, weights: Path) -> UNet:
    """The recipe's network with trained weights, ready to run."""
    network = network_for(recipe)
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return network.eval().to(memory_format=torch.channels_last)


def residual_of(network: UNet, maps: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """What the network adds, (N, 3, H, W) float32, for maps (N, C, H, W): continued by reflection to its multiple."""
    height, width = maps.shape[2:]
    multiple = network.multiple
    padded = functional.pad(maps, (0, -width % multiple, 0, -height % multiple), mode="reflect")
    with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        found = network(padded.contiguous(memory_format=torch.channels_last)).float()
    return found[:, :, :height, :width]
