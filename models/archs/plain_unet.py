"""The fast network: 3x3 convolutions and ReLU alone, which every runtime fuses and quantises to eight bits."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from models.archs.unet import Block, UNet


class PlainBlock(Block):
    """x + conv(ReLU(conv(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")
        nn.init.normal_(self.second.weight, std=0.3 * (9 * channels) ** -0.5)

    def idle(self) -> None:
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(x)))


class PlainUNet(UNet):
    """:class:`~models.archs.unet.UNet` of :class:`PlainBlock`."""

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int = 3,
        width: int = 32,
        blocks: Sequence[int] = (1, 2),
        middle: int = 3,
    ) -> None:
        super().__init__(
            PlainBlock, in_channels=in_channels, out_channels=out_channels, width=width, blocks=blocks, middle=middle
        )
