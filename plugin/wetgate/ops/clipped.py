"""Where the footage's values stand at a ceiling: light that was clipped, and not measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

_ALIKE = 1e-4  # relative: what a change of space there and back leaves
_LEAST_SHARE, _LEAST_COUNT = 1e-4, 12  # of the pixels: fewer at the very top are a highlight that came through
_MOST_SHARE = 0.5  # a picture that is mostly of one value is flat, not clipped


def at_the_ceiling(rgb: Image) -> NDArray[np.bool_]:
    """(H, W, C): where a channel has its greatest value of the picture, and enough pixels share that value."""
    out = np.zeros(rgb.shape, np.bool_)
    for c in range(rgb.shape[2]):
        plane = rgb[..., c]
        top = float(plane.max())
        if top <= 0:
            continue
        mask = plane >= np.float32(top * (1 - _ALIKE))
        count = int(mask.sum())
        if max(_LEAST_COUNT, _LEAST_SHARE * plane.size) <= count <= _MOST_SHARE * plane.size:
            out[..., c] = mask
    return out
