"""A denoising network on linear light of any range: the picture is shown to it at several exposures.

A network that was trained on 0 to 1 has nothing to say about a lamp of 40.0, and a picture exposed for the lamp has no
shadows left. So the picture is cleaned at white, at eight times white and so on up to its peak, and each value is taken
from the lowest exposure that does not clip it, with a smooth change between them. A picture with a peak of up to twice
white is exposed once, for the peak; a higher exposure sees the part of the picture that needs it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wetgate.inference.encodings import Vst
from wetgate.inference.restoring import Network
from wetgate.spec import Image

STEP = 8.0  # of exposure, three stops: an exposure's noise of half a code at white is four codes of the one below
_FULL, _NOTHING = 0.9, 1.2  # of white: where an exposure counts whole, and from where it does not count
_ONE_STOP = 2.0  # times white: up to there one exposure, for the peak, shows all of a picture
_ABOUT = 64  # px of surroundings that a part of a picture is shown with
_WEAKEST, _STRONGEST = 0.5 / 255, 70 / 255  # noise that the networks are trained on, of white


def clean_light(
    net: Network,
    picture: Image,
    deviation: Image,
    white: float,
    *,
    threads: int = 1,
    check_abort: Callable[[], None] = lambda: None,
    where: str = "",
) -> Image:
    """``picture`` (H, W, C) without noise of ``deviation`` (H, W, C), both linear light; ``white`` is what the first
    exposure takes for 1. Values below 0 are kept. Where the noise is weaker than any that the network was trained on,
    at the exposure that a value is taken from, less of the change is taken."""

    def shown(part: tuple[slice, slice], exposure: float) -> Image:
        here, strength = picture[part], deviation[part] / np.float32(exposure)
        told = np.clip(strength, _WEAKEST, _STRONGEST)
        done = net.restore(
            [np.ascontiguousarray(here)],
            maps={"noise": told, "coarseness": 0.0},
            encoding=Vst((0.0,) * 3, (1.0,) * 3, exposure),
            threads=threads,
            check_abort=check_abort,
            where=where,
        )
        return np.asarray(here + done.change * np.minimum(strength / told, 1), np.float32)

    peak = float(picture.max())
    exposure = max(white, peak / _FULL) if peak <= _ONE_STOP * _FULL * white else white
    while exposure < peak and float(deviation.min()) > _STRONGEST * exposure:
        exposure *= STEP  # nothing is seen at this one
    out = shown((slice(None), slice(None)), exposure)
    while peak > _FULL * exposure:
        weight = _beyond(picture, exposure)
        exposure *= STEP
        part = _around(weight[..., 0] > 0)
        out[part] += weight[part] * (shown(part, exposure) - out[part])
    return out


def _around(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The box about what is true in a mask (H, W), with surroundings."""
    sides = []
    for axis, size in enumerate(mask.shape):
        found = np.flatnonzero(mask.any(axis=1 - axis))
        first, last = (int(found[0]), int(found[-1])) if found.size else (0, 0)
        sides.append(slice(max(0, first - _ABOUT), min(size, last + 1 + _ABOUT)))
    return sides[0], sides[1]


def _beyond(picture: Image, white: float) -> Image:
    """1 where ``white`` clips a value, 0 where it shows it; (H, W, 1) by the brightest channel."""
    brightest = picture.max(axis=2, keepdims=True)
    t = np.clip((brightest / np.float32(white) - _FULL) / (_NOTHING - _FULL), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
