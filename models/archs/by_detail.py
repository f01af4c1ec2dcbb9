"""The network for what blur left: detail is weak there, and is shown to it apart from the light that it lies on.

The maps are a picture of three planes in signed log and the deviation of its noise. Blur takes detail by shares that
grow with its fineness, so what is to be put back is a multiple of what is left, which next to the light itself is
small, and below the step of bfloat16. So the network is shown, beside the picture, its difference from its mean over
squares of a few sizes, many times enlarged; the deviation of the noise is enlarged as the finest of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from models.archs.plain_unet import PlainUNet

PLANES = 3
_GREY = 0.5  # the picture is centred about it
_SIDES = (3, 7)  # px of the squares
_GAINS = (16.0, 6.0)  # what detail is enlarged by: after the sharper half of blurs it is a few hundredths
_MOST = 4.0  # enlarged detail is clamped there: an edge is an edge


class PlainByDetail(PlainUNet):
    """:class:`~models.archs.plain_unet.PlainUNet` that is shown detail."""

    def __init__(self, *, in_channels: int, **settings: Any) -> None:
        if in_channels != 2 * PLANES:
            raise ValueError(f"it has {2 * PLANES} maps, not {in_channels}")
        super().__init__(in_channels=in_channels + PLANES * len(_SIDES), **settings)
        for number, side in enumerate(_SIDES):
            self.register_buffer(f"mean{number}", torch.full((PLANES, 1, side, side), side**-2.0), persistent=False)

    def seen(self, maps: Tensor) -> Tensor:
        picture, noise = maps[:, :PLANES], maps[:, PLANES:]
        with torch.autocast(maps.device.type, enabled=False):
            details = [
                _GAINS[n]
                * (picture - functional.conv2d(picture, self.get_buffer(f"mean{n}"), padding=side // 2, groups=PLANES))
                for n, side in enumerate(_SIDES)
            ]
        shown = [d.clamp(-_MOST, _MOST) for d in details]
        return torch.cat([*shown, picture - _GREY, _GAINS[0] * noise], 1)
