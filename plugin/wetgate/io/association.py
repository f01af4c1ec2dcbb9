"""Alpha: taking it out of colour on reading, and putting it back on writing so that nothing is lost.

OpenEXR, and the TIFFs that say so, store colour multiplied by alpha; colour is worked un-premultiplied. Where alpha is
0 or below, or the quotient is not finite, colour is left as it is in both directions.

The way back is exact where the colour was not changed. For samples stored as half, ``half(float(p / a) * a) == p``
always: the two roundings to float move p by at most 2^-23 of itself, and neighbouring halfs lie 2^-11 apart (the next
smaller one 2^-12), so that rounding to half returns. For samples stored as float, about one in eight comes back one bit
off, and for some p no float c with ``float(c * a) == p`` exists at all. So those few samples are remembered
(:class:`Residue`, sparse: nothing for opaque or clear pixels), and are put back wherever the colour that is written
is still, to the bit, the quotient that was read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image


@dataclass(frozen=True, slots=True)
class Residue:
    """The stored samples that the product does not give back: flat indices into (H, W, 3), and their values."""

    index: NDArray[np.int64]
    stored: NDArray[np.float32]


def unassociate(pixels: Image, *, exact: bool) -> Residue | None:
    """Divide RGB by alpha, in place, in an (H, W, 4) picture. ``exact``: also find what a product would not return."""
    alpha = pixels[..., 3]
    where = np.flatnonzero((alpha > 0) & (alpha != 1))
    if where.size == 0:
        return None
    flat = pixels.reshape(-1, 4)
    stored = flat[where, :3]
    a = flat[where, 3:4]
    colour = _quotient(stored, a)
    flat[where, :3] = colour
    if not exact:
        return None
    row, channel = np.nonzero(colour * a != stored)
    if row.size == 0:
        return None
    return Residue((where[row] * 3 + channel).astype(np.int64), stored[row, channel])


def _quotient(stored: Image, alpha: Image) -> Image:
    with np.errstate(over="ignore"):
        colour = stored / alpha
    return np.where(np.isfinite(colour), colour, stored)


def associate(pixels: Image, residue: Residue | None) -> Image:
    """A copy of an (H, W, 4) picture with RGB times alpha; unchanged samples of ``residue`` as they were read."""
    out = pixels.copy()
    alpha = pixels[..., 3]
    where = np.flatnonzero((alpha > 0) & (alpha != 1))
    if where.size == 0:
        return out
    flat = out.reshape(-1, 4)
    with np.errstate(over="ignore"):  # an overflow is the depth's to clamp, and is counted there
        flat[where, :3] *= flat[where, 3:4]
    if residue is not None and residue.index.size and int(residue.index[-1]) < 3 * flat.shape[0]:
        pixel, channel = np.divmod(residue.index, 3)
        source = pixels.reshape(-1, 4)
        a = source[pixel, 3]
        fractional = (a > 0) & (a != 1)
        quotient = _quotient(residue.stored, np.where(fractional, a, np.float32(1)))
        same = fractional & (source[pixel, channel] == quotient)
        flat[pixel[same], channel[same]] = residue.stored[same]
    return out
