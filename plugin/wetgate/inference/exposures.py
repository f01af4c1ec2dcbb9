"""A denoising network on linear light of any range: the picture is shown to it at several exposures.

A network that was trained on 0 to 1 has nothing to say about a lamp of 40.0, and a picture exposed for the lamp has no
shadows left. So the picture is cleaned at white, at eight times white and so on up to its peak, and each value is taken
from the lowest exposure that does not clip it, with a smooth change between them. A picture with a peak of up to twice
white is exposed once, for the peak; a higher exposure sees the part of the picture that needs it.

The networks learnt from photographs in code values, in which shadows have more room than in linear light. So they are
shown the light by a square root that begins a few deviations of the noise above black, below which it is a line: a
steeper one would bend the noise itself. On four photographs at white noise of 1 % of white the fine network's picture
was 1.0 dB better by it after the sRGB curve, and 0.2 dB in linear light.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wetgate.inference.encodings import Vst
from wetgate.inference.restoring import Network
from wetgate.inference.turning import laid, laid_back
from wetgate.spec import Image

STEP = 8.0  # of exposure, three stops: an exposure's noise of half a code at white is four codes of the one below
_FULL, _NOTHING = 0.9, 1.2  # of white: where an exposure counts whole, and from where it does not count
_ONE_STOP = 2.0  # times white: up to there one exposure, for the peak, shows all of a picture
_ABOUT = 64  # px of surroundings that a part of a picture is shown with
_WEAKEST, _STRONGEST = 0.5 / 255, 70 / 255  # noise that the networks are trained on, of white
# Light from which the root begins to bend, in deviations of the strongest noise: 1 and 10 measured worse.
_BENDS_AT = 3.0
_ROOT_GAIN = 1e-6  # of the transform whose root it is: so little that no light is given back for noise (Vst.regained)
_SMOOTH_PX = 5  # side of the mean that the root's slope is taken at: noise is not to choose its own strength


def clean_light(
    net: Network,
    picture: Image,
    deviation: Image,
    white: float,
    *,
    coarseness: float = 0.0,
    turn: int = 0,
    threads: int = 1,
    check_abort: Callable[[], None] = lambda: None,
    where: str = "",
) -> Image:
    """``picture`` (H, W, C) without noise of ``deviation`` (H, W, C), both linear light; ``white`` is what the first
    exposure takes for 1. Values below 0 are kept. Where the noise is weaker than any that the network was trained on,
    at the exposure that a value is taken from, less of the change is taken. ``coarseness`` of the noise is the sigma in
    pixels of the Gaussian through which white noise would look like it. ``turn`` says how the picture
    is laid before the network, turned and mirrored (:func:`~wetgate.inference.turning.laid`); who cleans a picture over
    and over takes another one each time, so that what the network does to one direction does not add up."""

    def shown(part: tuple[slice, slice], exposure: float) -> Image:
        here, noise = picture[part], deviation[part]
        encoding, strength = _rooted(here, noise, exposure)
        known = bool(strength.min() >= _WEAKEST and strength.max() <= _STRONGEST)
        told = strength if known else np.clip(strength, _WEAKEST, _STRONGEST)
        done = net.restore(
            [laid(here, turn)],
            maps={"noise": laid(told, turn), "coarseness": coarseness},
            encoding=encoding,
            threads=threads,
            check_abort=check_abort,
            where=where,
        )
        change = laid_back(done.change, turn)
        return np.asarray(here + (change if known else change * np.minimum(strength / told, 1)), np.float32)

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


def _rooted(picture: Image, deviation: Image, exposure: float) -> tuple[Vst, Image]:
    """The root by which a picture is shown at an exposure, and the deviation of its noise in what is shown."""
    import cv2

    seen = deviation
    if float(picture.max()) > _NOTHING * exposure:
        shown = picture.max(axis=2) <= _NOTHING * exposure
        seen = deviation[shown] if shown.any() else deviation
    bend = _BENDS_AT * float(seen.max())
    if bend <= 0:
        bend = exposure
    light = cv2.blur(picture, (_SMOOTH_PX, _SMOOTH_PX), borderType=cv2.BORDER_REFLECT).reshape(picture.shape)
    root = np.maximum(light, 0)
    root += np.float32(bend)
    np.sqrt(root, out=root)
    # The slope of the root, over the value that it has at the exposure's white.
    per_white = (math.sqrt(exposure + bend) + math.sqrt(bend)) / (2 * exposure)
    encoding = Vst((_ROOT_GAIN,) * 3, (_ROOT_GAIN * bend,) * 3, exposure)
    return encoding, np.asarray(deviation * (np.float32(per_white) / root), np.float32)


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
