"""The same picture from two sources, laid over one another, and places by which their colours can be compared.

The second picture may have another size, crop, contrast and colour. What both have in common is structure: density less
its local mean, over its local deviation. An affine warp brings that of one onto the other's by the enhanced correlation
coefficient (G. Evangelidis and E. Psarakis, IEEE Transactions on Pattern Analysis and Machine Intelligence 30, 2008, as
OpenCV has it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]

_LONG_SIDE = 256  # pixels that both are compared at
_LOCAL = 8.0  # pixels: the sigma of what counts as local
_LEAST_CONTRAST = 0.03  # of density: what is flatter has no structure
_BLOCK = 6  # pixels a side of a place
_FLAT = 0.12  # of density: the most that a place may spread, in either picture
_STEPS, _PRECISION = 200, 1e-6
LEAST_AGREEMENT = 0.5  # correlation of the structures below which the pictures are not taken to show the same
_DENSEST = 3.5


@dataclass(frozen=True, eq=False)
class Matched:
    """Places that both pictures show: ``seen`` and ``wanted`` (N, 3), their densities in the first and the second, and
    ``places`` (N, 2), shares of the first one's width and height. ``agreement`` is the correlation of structure."""

    seen: Array
    wanted: Array
    places: Array
    agreement: float


def matched(picture: Image, still: Image) -> Matched:
    """Where ``picture`` and ``still``, densities (H, W, 3) each, show the same; nowhere without agreement."""
    import cv2

    height, width = picture.shape[:2]
    scale = min(1.0, _LONG_SIDE / max(height, width))
    size = (max(_BLOCK, round(width * scale)), max(_BLOCK, round(height * scale)))
    seen = cv2.resize(np.clip(picture, -0.5, _DENSEST), size, interpolation=cv2.INTER_AREA)
    wanted = cv2.resize(np.clip(still, -0.5, _DENSEST), size, interpolation=cv2.INTER_AREA)
    first, second = _structure(seen), _structure(wanted)
    warp = np.eye(2, 3, dtype=np.float32)
    ends = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, _PRECISION)
    try:
        agreement, warp = cv2.findTransformECC(first, second, warp, cv2.MOTION_AFFINE, ends, None, 5)
    except cv2.error:  # it does not converge: the pictures have nothing in common
        agreement = 0.0
    nowhere = np.empty((0, 3))
    if not agreement >= LEAST_AGREEMENT:
        return Matched(nowhere, nowhere, np.empty((0, 2)), float(max(agreement, 0.0)))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(wanted, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones(size[::-1], np.float32), warp, size, flags=flags)
    rows, columns = size[1] // _BLOCK, size[0] // _BLOCK
    both = [_blocks(p, rows, columns) for p in (seen, laid)]
    flat = np.all([b.std(axis=2).max(axis=2) < _FLAT for b in both], axis=0)
    whole = _blocks(inside[..., None], rows, columns).min(axis=(2, 3)) > 0.999
    y, x = np.nonzero(flat & whole)
    means = [b.mean(axis=2, dtype=np.float64)[y, x] for b in both]
    places = np.stack([(x + 0.5) * _BLOCK / size[0], (y + 0.5) * _BLOCK / size[1]], axis=1)
    return Matched(means[0], means[1], places, float(agreement))


def _structure(density: Image) -> Image:
    import cv2

    grey = density.mean(axis=2)
    local = grey - cv2.GaussianBlur(grey, (0, 0), _LOCAL)
    deviation = np.sqrt(cv2.GaussianBlur(local * local, (0, 0), _LOCAL))
    return np.asarray(local / (deviation + np.float32(_LEAST_CONTRAST)), np.float32)


def _blocks(picture: Image, rows: int, columns: int) -> Image:
    """(rows, columns, pixels of a block, channels)."""
    held = picture[: rows * _BLOCK, : columns * _BLOCK]
    split = held.reshape(rows, _BLOCK, columns, _BLOCK, -1).transpose(0, 2, 1, 3, 4)
    return split.reshape(rows, columns, _BLOCK * _BLOCK, -1)
