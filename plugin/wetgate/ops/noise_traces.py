"""Traces that the making of a picture leaves in its noise: the phase of a mosaic, and blocks that a codec emptied."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]
_CELL = 16
_EMPTY = 0.05  # of the median block's fine energy


def mosaic_phase(image: Image) -> Array:
    """How unlike the four places of a 2 x 2 mosaic are in each channel of (H, W, C), (C,): the largest mean logarithm
    of their fine energy against the average place.

    A demosaiced value is a mean of neighbours at some places and a photosite's own at others, so its noise differs
    (A. C. Gallagher and T. Chen, "Image authentication by detecting traces of demosaicing", CVPR Workshops 2008). 0
    without a mosaic; some 0.5 straight after one. A resize takes the trace away.
    """
    height, width = ((n - 2) // _CELL * _CELL for n in image.shape[:2])
    channels = image.shape[2]
    if height < 2 * _CELL or width < 2 * _CELL:
        return np.zeros(channels)
    inner = image[1 : 1 + height, 1 : 1 + width]
    sides = image[1 : 1 + height, :width] + image[1 : 1 + height, 2 : 2 + width]
    ends = image[:height, 1 : 1 + width] + image[2 : 2 + height, 1 : 1 + width]
    fine = np.square(inner - np.float32(0.25) * (sides + ends))
    table = fine.reshape(height // _CELL, _CELL // 2, 2, width // _CELL, _CELL // 2, 2, channels)
    energy = table.mean(axis=(1, 4), dtype=np.float64).transpose(0, 2, 1, 3, 4).reshape(-1, 4, channels)
    total = energy.mean(axis=1)
    # The quieter half of the cells: in the others the picture itself has a phase.
    out = np.zeros(channels)
    for c in range(channels):
        usable = total[:, c] > 0
        if usable.sum() < 8:
            continue
        quiet = usable & (total[:, c] <= np.median(total[usable, c]))
        logarithm = np.log(np.maximum(energy[quiet, :, c], 1e-3 * total[quiet, c, None]))
        out[c] = np.abs(np.median(logarithm - logarithm.mean(axis=1, keepdims=True), axis=0)).max()
    return out


def empty_share(image: Image) -> float:
    """Share of blocks of 8 x 8 of (H, W, C) whose fine energy is under a twentieth of the median block's, or nought:
    codecs leave such, noise does not."""
    grey = image.mean(axis=2, dtype=np.float32)
    fine = grey[1:, 1:] - grey[:-1, 1:] - grey[1:, :-1] + grey[:-1, :-1]
    height, width = (n // 8 * 8 for n in fine.shape)
    if not height or not width:
        return 0.0
    energy = np.square(fine[:height, :width]).reshape(height // 8, 8, width // 8, 8).mean(axis=(1, 3))
    return float(np.mean(energy <= _EMPTY * np.median(energy)))
