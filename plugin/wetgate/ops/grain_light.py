"""What grain does to the mean of linear light, and what chance alone would do in as many pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wetgate.color.density import linear_from_density
from wetgate.ops.grain_field import LAW_FROM, LAW_PER_DENSITY, Law
from wetgate.ops.grain_shape import Kernel
from wetgate.spec import Image

Array = NDArray[np.float64]

_LN10 = float(np.log(10.0))


def light_shift(before: Image, after: Image, law: Law, kernels: Sequence[Kernel]) -> tuple[Array, Array]:
    """Shift of the mean of light from ``before`` to ``after`` (densities), and its standard deviation by chance, both
    in percent of the mean, (3,).

    Grain of the law multiplies light by 10 ** -(sigma n), of variance exp((ln(10) sigma)^2) - 1 about its mean; the
    mean over a picture of pixels that correlate as the kernel has it varies by the spectrum at zero frequency.
    """
    shift, chance = np.zeros(3), np.zeros(3)
    count = before.shape[0] * before.shape[1]
    for c, kernel in enumerate(kernels):
        light = linear_from_density(before[..., c].astype(np.float64))
        mean = max(float(np.abs(light).mean()), 1e-9)
        moved = linear_from_density(after[..., c].astype(np.float64)).mean() - light.mean()
        place = np.clip((before[..., c] - LAW_FROM) * LAW_PER_DENSITY + 0.5, 0, law.deviation.shape[1] - 1)
        deviation = law.deviation[c][place.astype(np.intp)].astype(np.float64)
        variance = np.square(light) * np.expm1(np.square(_LN10 * deviation))
        together = float(kernel.image().sum()) ** 2
        shift[c] = 100 * abs(float(moved)) / mean
        chance[c] = 100 * float(np.sqrt(variance.sum() * together)) / count / mean
    return shift, chance
