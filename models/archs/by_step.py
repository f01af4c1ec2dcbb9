"""Networks that are told how coarsely the picture was quantised, and work in proportion to it.

The maps are a picture of three planes and two roots of quantiser steps (luma, chroma; negative: not known; see
:func:`wetgate.ops.quantiser.network_quantiser`). Damage grows about as the root. So the network is shown, beside the
picture, its fine detail divided by the root, in which the damage of all quantisers looks alike; and what it finds is
multiplied by the root: where the step is 0 the picture comes through bit for bit, whatever the weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.archs.gated_unet import GatedUNet
from models.archs.plain_unet import PlainUNet
from models.archs.unet import UNet

PLANES, STEPS = 3, 2
_GREY = 0.5  # luma is centred about it, as chroma is about 0
_REACH = 2  # px: fine detail is a pixel less the mean of the square about it
_UNIT = 0.1  # of the root, plus _LEAST: what detail is divided by
_LEAST = 0.01
_MOST = 4.0  # detail is clamped there: an edge is an edge
_GAIN = 0.5  # of the root: what the network's output is multiplied by


class _ByStep(UNet):
    def __init__(self, *, in_channels: int, **settings: Any) -> None:
        if in_channels != PLANES + STEPS:
            raise ValueError(f"a network by step has {PLANES + STEPS} maps, not {in_channels}")
        super().__init__(in_channels=in_channels + PLANES, **settings)
        side = 2 * _REACH + 1
        detail = torch.full((PLANES, 1, side, side), -1.0 / side**2)
        detail[:, 0, _REACH, _REACH] += 1
        self.detail = nn.Buffer(detail, persistent=False)

    def seen(self, maps: Tensor) -> Tensor:
        centred = torch.cat([maps[:, :1] - _GREY, maps[:, 1:PLANES]], 1)
        with torch.autocast(maps.device.type, enabled=False):  # bf16 has a step of half a code at white
            detail = functional.conv2d(centred, self.detail, padding=_REACH, groups=PLANES)
        fine = (detail / (_UNIT * _roots(maps) + _LEAST)).clamp(-_MOST, _MOST)
        return torch.cat([fine, centred, maps[:, PLANES:]], 1)

    def scaled(self, residual: Tensor, maps: Tensor) -> Tensor:
        return residual * (_GAIN * _roots(maps))


class PlainByStep(_ByStep, PlainUNet):
    """:class:`~models.archs.plain_unet.PlainUNet` in proportion to the step."""


class GatedByStep(_ByStep, GatedUNet):
    """:class:`~models.archs.gated_unet.GatedUNet` in proportion to the step."""


def _roots(maps: Tensor) -> Tensor:
    """The root that goes with each plane: luma's, and chroma's twice."""
    roots = maps[:, PLANES:].abs()
    return torch.cat([roots, roots[:, 1:]], 1)
