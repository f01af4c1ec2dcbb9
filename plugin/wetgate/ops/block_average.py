"""Deblocking without a network: the picture coded again on shifted grids, and the mean of what comes out.

On each of sixteen shifts of the 8x8 grid, coefficients below a share of the quantiser's step are taken for its noise
and dropped; the mean over the shifts has no grid of its own (Nosratinia, Journal of VLSI Signal Processing 27, 2001;
hard thresholds as in FFmpeg's spp filter). Nothing is learnt and nothing is random.
"""

from __future__ import annotations

import numpy as np

from wetgate.ops.block_transform import SIDE, as_plane, forward, inverse, whole_blocks
from wetgate.spec import Image

# Sixteen shifts, four columns and rows apart from one another as evenly as a square lattice allows.
_SHIFTS = tuple((2 * (k % 4), (2 * (k // 4) + (k % 4) // 2) % SIDE) for k in range(16))


def average_recoded(plane: Image, threshold: Image) -> Image:
    """A plane (H, W) without the coefficients below ``threshold`` (H, W), in its own values: half a quantiser's step is
    what its rounding took. Where that is 0 or below, the plane stays."""
    height, width = plane.shape
    pad = ((SIDE, SIDE + -height % SIDE), (SIDE, SIDE + -width % SIDE))
    picture = np.pad(plane, pad, mode="edge")
    thresholds = np.pad(np.maximum(threshold, 0), pad, mode="edge")
    total = np.zeros(picture.shape, np.float32)
    weight = np.zeros(picture.shape, np.float32)
    for phase in _SHIFTS:
        coefficients = forward(whole_blocks(picture, phase))
        limit = whole_blocks(thresholds, phase)[..., SIDE // 2, SIDE // 2]
        small = np.abs(coefficients) < limit[..., None, None]
        small[..., 0, 0] = False
        # Blocks of few coefficients are smooth, and a smooth block says more about its pixels (Guleryuz, 2006).
        trust = 1 / (1 + (~small).sum(axis=(2, 3), dtype=np.float32))
        made = as_plane(inverse(np.where(small, 0, coefficients)) * trust[..., None, None])
        x, y = phase
        place = slice(y, y + made.shape[0]), slice(x, x + made.shape[1])
        total[place] += made
        weight[place] += np.repeat(np.repeat(trust, SIDE, 0), SIDE, 1)
    inner = slice(SIDE, SIDE + height), slice(SIDE, SIDE + width)
    cleaned = total[inner] / np.maximum(weight[inner], np.float32(1e-12))
    return np.where(threshold > 0, cleaned, plane)
