"""A denoising network on linear light of any range: the picture is shown to it at several exposures.

A network that was trained on 0 to 1 has nothing to say about a lamp of 40.0, and a picture exposed for the lamp has no
shadows left. So the picture is cleaned at white, at eight times white and so on up to its peak, and each value is taken
from the lowest exposure that does not clip it, with a smooth change between them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wetgate.inference.encodings import Vst
from wetgate.inference.restoring import Network
from wetgate.spec import Image

STEP = 8.0  # of exposure, three stops: an exposure's noise of half a code at white is four codes of the one below
_FULL, _NOTHING = 0.9, 1.2  # of white: where an exposure counts whole, and from where it does not count
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
    out: Image | None = None
    peak = float(picture.max())
    exposure = white
    while exposure < peak and float(deviation.min()) > _STRONGEST * exposure:
        exposure *= STEP  # nothing is seen at this one
    while True:
        strength = deviation / np.float32(exposure)
        told = np.clip(strength, _WEAKEST, _STRONGEST)
        done = net.restore(
            [picture],
            maps={"noise": told, "coarseness": 0.0},
            encoding=Vst((0.0,) * 3, (1.0,) * 3, exposure),
            threads=threads,
            check_abort=check_abort,
            where=where,
        )
        made = picture + done.change * np.minimum(strength / told, 1)
        out = made if out is None else out + _beyond(picture, exposure / STEP) * (made - out)
        if peak <= _FULL * exposure:
            return out
        exposure *= STEP


def _beyond(picture: Image, white: float) -> Image:
    """1 where ``white`` clips a value, 0 where it shows it; (H, W, 1) by the brightest channel."""
    brightest = picture.max(axis=2, keepdims=True)
    t = np.clip((brightest / np.float32(white) - _FULL) / (_NOTHING - _FULL), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
