"""The fine network: blocks that multiply two halves of their channels in place of an activation.

After L. Chen, X. Chu, X. Zhang and J. Sun, Simple baselines for image restoration, ECCV 2022 (the gate and the
two-part block), with two changes for pictures that are worked in tiles: no channel attention, which pools over the
whole picture, and normalisation by each pixel's own channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.archs.unet import Block, UNet


def pixel_norm(x: Tensor) -> Tensor:
    """Each pixel's channels divided by their root mean square; the gain per channel is the next layer's to learn."""
    return x * torch.rsqrt((x * x).mean(dim=1, keepdim=True) + 1e-4)


def gate(x: Tensor) -> Tensor:
    """The product of the first half of the channels and the second."""
    first, second = x.chunk(2, dim=1)
    return first * second


class GatedBlock(Block):
    """Two residual parts: a gated depthwise 3x3 convolution for space, a gated 1x1 for channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spread = nn.Conv2d(channels, 2 * channels, 1)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.gather = nn.Conv2d(channels, channels, 1)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(channels, channels, 1)
        for last in (self.gather, self.narrow):  # a block begins near the identity
            nn.init.normal_(last.weight, std=0.3 * channels**-0.5)

    def idle(self) -> None:
        for last in (self.gather, self.narrow):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.gather(gate(self.depthwise(self.spread(pixel_norm(x)))))
        return x + self.narrow(gate(self.widen(pixel_norm(x))))


class GatedUNet(UNet):
    """:class:`~models.archs.unet.UNet` of :class:`GatedBlock`."""

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int = 3,
        width: int = 48,
        blocks: Sequence[int] = (1, 2, 2),
        middle: int = 2,
    ) -> None:
        super().__init__(
            GatedBlock, in_channels=in_channels, out_channels=out_channels, width=width, blocks=blocks, middle=middle
        )
