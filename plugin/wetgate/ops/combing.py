"""Whether a picture holds two moments, one in every other row: the comb that motion leaves between two fields.

A row stands out against both rows beside it, and not against the rows of its own field two above and two below. Rows of
one moment, also noisy ones, stand out against the nearer rows no more often than against the farther.
"""

from __future__ import annotations

import numpy as np

from wetgate.spec import Image

# Of the rows' own typical difference; below it lie noise and fine texture.
_STANDS_OUT = 2.0
_COLUMNS = 512  # as many are looked at


def combing(image: Image) -> float:
    """The share of the pixels of an (H, W) or (H, W, C) picture that are combed, 0 to 1, by its second channel, or its
    only one. Pictures under 8 rows have none."""
    if image.shape[0] < 8:
        return 0.0
    plane = image if image.ndim == 2 else image[..., min(1, image.shape[2] - 1)]
    rows = plane[:, :: max(1, plane.shape[1] // _COLUMNS)]
    near = _standing(rows[2:-2], rows[1:-3], rows[3:-1])
    far = _standing(rows[2:-2], rows[:-4], rows[4:])
    typical = np.median(np.abs(rows[4:] - rows[:-4])) + np.float32(1e-4)
    limit = (_STANDS_OUT * typical) ** 2
    # What is fine detail in the picture stands out at both distances, and takes away from the comb.
    return max(0.0, float(np.mean(near > limit)) - 2 * float(np.mean(far > limit)))


def _standing(middle: Image, above: Image, below: Image) -> Image:
    """The product of a row's differences from two others where both have one sign, else 0."""
    product: Image = (middle - above) * (middle - below)
    return np.maximum(product, 0)
