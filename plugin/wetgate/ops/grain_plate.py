"""Grain that was taken off a picture put back into it, and grain that is made where the picture was invented since.

Where a share ``s`` of a pixel was invented, the plate counts 1 - s, and made grain of the same law sqrt(1 - (1 - s)^2):
the two are independent, so the variance is that of the shot's grain everywhere.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.grain_field import LAW_FROM, LAW_PER_DENSITY, Law
from wetgate.spec import Image

Array = NDArray[np.float64]


def put_plate(restored: Image, before: Image, after: Image | float, gains: Array, invented: Image | None) -> Image:
    """``restored`` with ``before`` - ``after``, all densities, times ``gains`` (3, N) over the law's densities, less
    where pixels were ``invented``."""
    plate = before - np.asarray(after, np.float32)
    if (gains == gains[0, 0]).all():
        plate *= np.float32(gains[0, 0])
    else:
        for c in range(3):
            plate[..., c] *= _at(gains[c], restored[..., c])
    if invented is not None:
        plate *= (np.float32(1) - invented)[..., None]
    return np.asarray(restored + plate, np.float32)


def matched(noise: Image, density: Image, law: Law, invented: Image) -> Image:
    """The density that made grain adds, (H, W, 3): ``noise`` is all of it, without what keeps the mean of light."""
    variance = (np.float32(1) - np.square(np.float32(1) - invented))[..., None]
    lift = np.stack([_at(law.deviation[c] ** 2 * (math.log(10.0) / 2), density[..., c]) for c in range(3)], axis=2)
    return np.asarray(np.sqrt(variance) * noise + variance * lift, np.float32)


def _at(table: Array | Image, density: Image) -> Image:
    place = np.clip((density - np.float32(LAW_FROM)) * np.float32(LAW_PER_DENSITY) + np.float32(0.5), 0, len(table) - 1)
    return np.asarray(np.take(np.asarray(table, np.float32), place.astype(np.intp)), np.float32)
