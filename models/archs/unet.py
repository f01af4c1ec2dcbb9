"""The frame both networks share: a U-Net that starts at half resolution.

Pixels are folded two by two into channels (space to depth), so that the widest level works on a quarter of the pixels.
Every level is local: no global pooling and no normalisation over space, so that a tile with enough margin gives what
the whole picture gives.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

FOLD = 2


class Block(nn.Module):
    """A residual part of a level."""

    @abstractmethod
    def idle(self) -> None:
        """Make it the identity, as which a block that is put into a trained network begins."""


class UNet(nn.Module):
    """``in_channels`` maps in, a residual of ``out_channels`` out: (N, in, H, W) to (N, out, H, W).

    H and W are multiples of :attr:`multiple`. ``blocks`` is the number of blocks on each level of the way down, and
    again on the way up; ``middle`` that of the lowest level. Each level down has half the size and twice the channels.
    """

    def __init__(
        self,
        block: Callable[[int], Block],
        *,
        in_channels: int,
        out_channels: int,
        width: int,
        blocks: Sequence[int],
        middle: int,
    ) -> None:
        super().__init__()
        self.multiple = FOLD * 2 ** len(blocks)
        self.head = nn.Conv2d(in_channels * FOLD**2, width, 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        channels = width
        for count in blocks:
            self.down.append(nn.Sequential(*(block(channels) for _ in range(count))))
            self.shrink.append(nn.Conv2d(channels, 2 * channels, 2, stride=2))
            channels *= 2
        self.middle = nn.Sequential(*(block(channels) for _ in range(middle)))
        for count in reversed(blocks):
            self.grow.append(nn.ConvTranspose2d(channels, channels // 2, 2, stride=2))
            channels //= 2
            self.up.append(nn.Sequential(*(block(channels) for _ in range(count))))
        self.tail = nn.Conv2d(width, out_channels * FOLD**2, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)

    def begin_with(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of such a network. One with fewer blocks will do: each block more begins as the identity.

        Raises ``ValueError`` where other weights are missing or left, ``RuntimeError`` where a shape differs.
        """
        missing, left = (set(names) for names in self.load_state_dict(weights, strict=False))
        for name, block in self.named_modules():
            own = {f"{name}.{n}" for n, _ in block.named_parameters()} if isinstance(block, Block) else set()
            if own and own <= missing:
                block.idle()
                missing -= own
        if missing or left:
            raise ValueError(
                f"weights of another network: {len(missing)} missing and {len(left)} left, such as "
                f"{min(missing | left)}"
            )

    def forward(self, maps: Tensor) -> Tensor:
        first = self.head(functional.pixel_unshuffle(self.seen(maps), FOLD))
        return self.scaled(functional.pixel_shuffle(self.tail(self.between(first)), FOLD), maps)

    def seen(self, maps: Tensor) -> Tensor:
        """What the first convolution is given."""
        return maps

    def scaled(self, residual: Tensor, maps: Tensor) -> Tensor:
        """The residual of what the last convolution gives."""
        return residual

    def between(self, y: Tensor) -> Tensor:
        """What lies between the first convolution and the last, at half the picture's resolution."""
        kept: list[Tensor] = []
        for level, shrink in zip(self.down, self.shrink, strict=True):
            y = level(y)
            kept.append(y)
            y = shrink(y)
        y = self.middle(y)
        for grow, level in zip(self.grow, self.up, strict=True):
            y = level(grow(y) + kept.pop())
        return y


def reach(network: UNet, in_channels: int, size: int = 512) -> int:
    """Receptive field measured: how many pixels from a pixel the farthest input lies that can change it.

    The gradient of one output block to the input is followed, with every weight made positive so that nothing cancels.
    """
    probe = torch.zeros(1, in_channels, size, size, requires_grad=True)
    for parameter in network.parameters():
        parameter.data = parameter.data.abs() + 0.01
    multiple = network.multiple
    at = size // 2 // multiple * multiple
    output = network(probe + 1.0)[:, :, at : at + multiple, at : at + multiple]
    (gradient,) = torch.autograd.grad(output.sum(), probe)
    touched = gradient.abs().sum(dim=(0, 1)) > 0
    rows = torch.nonzero(touched.any(dim=1)).flatten()
    if rows[0] == 0 or rows[-1] == size - 1:
        raise ValueError(f"the receptive field fills {size} pixels: measure on a larger picture")
    return max(at - int(rows[0]), int(rows[-1]) - (at + multiple - 1))
