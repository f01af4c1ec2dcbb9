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
_PART = 64  # rows and columns


def combing(image: Image) -> float:
    """The share of the pixels of an (H, W) or (H, W, C) picture that are combed, 0 to 1, by its second channel, or its
    only one. Pictures under 8 rows have none."""
    return max(0.0, float(_combed(image).mean()))


def most_combed(image: Image) -> float:
    """The share in that part of the picture, of 64 rows, which is combed most: what moves may be small, or just one of
    many things."""
    combed = _combed(image)
    rows, columns = (min(_PART, n) for n in combed.shape)
    parts = combed[: len(combed) // rows * rows, : combed.shape[1] // columns * columns]
    means = parts.reshape(-1, rows, parts.shape[1] // columns, columns).mean(axis=(1, 3))
    return max(0.0, float(means.max()))


def _combed(image: Image) -> Image:
    """1 where a pixel is combed, negative where it is fine detail, else 0; a mean takes the one from the other."""
    if image.shape[0] < 8:
        return np.zeros((1, 1), np.float32)
    plane = image if image.ndim == 2 else image[..., min(1, image.shape[2] - 1)]
    rows = plane[:, :: max(1, plane.shape[1] // _COLUMNS)]
    near = _standing(rows[2:-2], rows[1:-3], rows[3:-1])
    far = _standing(rows[2:-2], rows[:-4], rows[4:])
    typical = np.median(np.abs(rows[4:] - rows[:-4])) + np.float32(1e-4)
    limit = (_STANDS_OUT * typical) ** 2
    # What is fine detail in the picture stands out at both distances, and takes away from the comb.
    return np.asarray((near > limit).astype(np.float32) - np.float32(2) * (far > limit), np.float32)


def _standing(middle: Image, above: Image, below: Image) -> Image:
    """The product of a row's differences from two others where both have one sign, else 0."""
    product: Image = (middle - above) * (middle - below)
    return np.maximum(product, 0)
