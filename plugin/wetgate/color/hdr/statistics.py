"""What an adaptive curve depends on: how bright a shot's bright areas are and how large, frame by frame.

Two numbers a frame decide: the light that SDR white is lifted to, and the knee. They are averaged over a finite window
inside the shot, so that the curve follows a pan or an opening door within a second or two and never pumps, and so
that a frame's curve depends on frames near it and on nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wetgate.color.hdr.adaptive import KNEE_WIDTH
from wetgate.color.hdr.levels import LUMINANCE, SDR_WHITE, nits_of, signal_of
from wetgate.color.hdr.planes import weigh

REACH = 48  # frames on either side that weigh on a frame's curve: two seconds at 24 a second
_BRIGHT = 85.0  # nits; SDR 93 %: the top of the scale, where expansion is felt
# Bright areas up to 0.3 % of the picture are lights and glints, from 25 % they are a sky, snow, a wall of paper.
_SMALL, _LARGE = 0.003, 0.25
_HIGH_KEY_WHITE = 82.0  # nits; diffuse white is not sought above this
_SUPER_WHITE = 0.45  # stops
_SAMPLES = 1 << 18


@dataclass(frozen=True, slots=True)
class Brightness:
    """One frame's: ``bright`` the share of pixels above 85 nits, ``high`` the 90th percentile of luminance in nits."""

    bright: float
    high: float


def brightness(rgb: Any) -> Brightness:
    """Measured on SDR light (H, W, 3) in nits, on an even grid of at most about 260,000 pixels."""
    pixels = np.asarray(rgb)
    step = max(1, math.isqrt(pixels.shape[0] * pixels.shape[1] // _SAMPLES))
    sampled = pixels[step // 2 :: step, step // 2 :: step].astype(np.float64)
    if sampled.size == 0:
        sampled = pixels.astype(np.float64)
    y = weigh(LUMINANCE, np.moveaxis(sampled, -1, 0)).ravel()
    return Brightness(float((y > _BRIGHT).mean()), float(np.quantile(y, 0.9)))


def white_and_knee(
    frame: Brightness, peak: float, diffuse_white: float, knee: float, protection: float, reserve: float
) -> tuple[float, float]:
    """The light that SDR white is lifted to, in nits, and the knee (SDR signal), for one frame.

    Small bright areas go towards the peak (above 1,000 nits the geometric mean of it and 1,000: a step of 8-bit SDR
    must not become a visible one), but for the stops kept free for light above SDR white: 0.45, and ``reserve`` for
    estimated highlights. Large ones stay near diffuse white, as far as ``protection`` (0..1) asks. In a high-key
    picture the knee moves up with its whites.
    """
    most = math.log2(min(peak, math.sqrt(peak * 1000.0))) - _SUPER_WHITE - reserve
    white_at = min(max(frame.high, nits_of(knee) * KNEE_WIDTH), max(_HIGH_KEY_WHITE, nits_of(knee)))
    least = min(most, math.log2(1.1 * diffuse_white * SDR_WHITE / white_at))
    t = math.log(max(frame.bright, 1e-9) / _SMALL) / math.log(_LARGE / _SMALL)
    t = min(max(t, 0.0), 1.0)
    share = t * t * (3.0 - 2.0 * t) * protection
    return 2.0 ** (most + (least - most) * share), max(knee, signal_of(white_at / KNEE_WIDTH))


def smoothed(values: Sequence[float], reach: int = REACH) -> list[float]:
    """A raised-cosine average over ``reach`` values on either side; at the ends over those that are there."""
    data = np.asarray(values, np.float64)
    kernel = 0.5 + 0.5 * np.cos(np.pi * np.arange(-reach, reach + 1) / (reach + 1))
    total = np.convolve(data, kernel)[reach : reach + data.size]
    weight = np.convolve(np.ones_like(data), kernel)[reach : reach + data.size]
    return [float(v) for v in total / weight]
