"""Which pixels nothing has changed: all of them (True), none (False), or an (H, W) map.

A hop to another space and back rounds; where nothing was done in between, the pixels are taken from before instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Frame

Untouched = NDArray[np.bool_] | bool


def unchanged(before: Frame, after: Frame) -> Untouched:
    """Where ``after`` has the pixels of ``before``, bit for bit; nowhere if space or size differ."""
    if after.pixels is before.pixels:
        return True
    if after.space != before.space or after.pixels.shape != before.pixels.shape:
        return False
    channels = after.pixels == before.pixels
    same: NDArray[np.bool_] = channels[..., 0] & channels[..., 1] & channels[..., 2]
    if channels.shape[2] == 4:
        same &= channels[..., 3]
    if not same.any():
        return False
    return True if same.all() else same


def both(a: Untouched, b: Untouched) -> Untouched:
    """Where both hold."""
    if a is True:
        return b
    if b is True:
        return a
    if a is False or b is False:
        return False
    assert isinstance(a, np.ndarray)
    assert isinstance(b, np.ndarray)
    return a & b if a.shape == b.shape else False
