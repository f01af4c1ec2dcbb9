"""How a network that was trained on a bounded range works on pictures that have no bounds.

Between the encoding and the network:

1. *Local shift*. Where everything in a neighbourhood of three blocks lies above the trained range, it is shifted down
   into it by a smooth field, and up where everything lies below. A picture with noise about 40.0 is then seen as the
   same noise about white. A pixel inside the range is never shifted, whatever lies beside it.
2. *Clamp*. What is still outside is clamped a margin outside the range: a lamp looks as clipped as in the footage
   that the network has seen.
3. *Attenuation*. The residual is weighted by 1 inside the range, falling smoothly to 0 at the margin: where the
   network saw a clamped value it has nothing to say, and the picture comes through bit for bit.

After the network, :meth:`wetgate.inference.blocks.Blocks.hold` keeps the mean of the residual over each block within
a bound: tone and colour are the source's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wetgate.inference.arrays import Array, library
from wetgate.inference.blocks import Blocks

# Margin as a share of the range: half a stop about white for signed log and 10-bit video.
MARGIN = 0.125
BLOCK = 32  # px; a neighbourhood is three of them


@dataclass(frozen=True, slots=True)
class Seen:
    """What the network is shown, and the weight of its residual at the middle picture (None: 1 everywhere)."""

    pictures: tuple[Array, ...]
    weight: Array | None
    shifted: bool


def bounded(encoded: Sequence[Array], low: float, high: float) -> Seen:
    """Encoded pictures of a window, (H, W, C) each and all of one size, brought into [low, high]."""
    middle = encoded[len(encoded) // 2]
    if all(low <= float(e.min()) and float(e.max()) <= high for e in encoded):
        return Seen(tuple(encoded), None, False)
    lib = library(middle)
    shift = _shift(encoded, low, high)
    pictures = tuple(encoded) if shift is None else tuple(e - shift for e in encoded)
    margin = MARGIN * (high - low)
    weight = _weight(pictures[len(pictures) // 2], low, high, margin)
    return Seen(tuple(lib.clip(p, low - margin, high + margin) for p in pictures), weight, shift is not None)


def _shift(encoded: Sequence[Array], low: float, high: float) -> Array | None:
    lib = library(encoded[0])
    grid = Blocks(encoded[0].shape[0], encoded[0].shape[1], BLOCK)
    least = grid.extreme(encoded[0], least=True)
    greatest = grid.extreme(encoded[0], least=False)
    for other in encoded[1:]:
        least = lib.minimum(least, grid.extreme(other, least=True))
        greatest = lib.maximum(greatest, grid.extreme(other, least=False))
    # Down until the greatest value is inside, as long as the least stays inside; nothing where some pixel is inside.
    down = lib.minimum(lib.clip(least - high, 0, None) * _BIG, lib.clip(greatest - high, 0, None))
    down = lib.minimum(down, lib.clip(least - low, 0, None))
    up = lib.minimum(lib.clip(low - greatest, 0, None) * _BIG, lib.clip(low - least, 0, None))
    up = lib.minimum(up, lib.clip(high - greatest, 0, None))
    values = down - up
    return grid.smooth(values) if bool((values != 0).any()) else None


_BIG = 8.0  # how fast the shift grows once a whole neighbourhood is outside: continuous, so that no step is made


def _weight(picture: Array, low: float, high: float, margin: float) -> Array:
    lib = library(picture)
    outside = lib.clip(lib.maximum(low - picture, picture - high) * (1 / margin), 0, 1)
    inside = 1 - outside
    return inside * inside * (3 - 2 * inside)  # smoothstep: C1 at both ends
