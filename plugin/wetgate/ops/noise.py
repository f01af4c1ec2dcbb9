"""Correlated random fields and series built on counter-based white noise.

Each value has finite support in the white noise under it: a tile, or one frame alone, is what the whole would have
given.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import gaussian_taps, valid_separable
from wetgate.ops.random import Stream
from wetgate.spec import Image

Series = NDArray[np.float64]


def gaussian_mixture_field(
    stream: Stream,
    frame: int,
    height: int,
    width: int,
    channels: int,
    *,
    sigmas: tuple[float, ...],
    weights: tuple[float, ...],
    x: int = 0,
    y: int = 0,
) -> Image:
    """White normal noise through sum_i w_i Gaussian(sigma_i px), each kernel of sum one: (height, width, channels).

    The gain at zero frequency is sum(w), the variance that of :func:`gaussian_mixture_power`.
    """
    reach = max(_reach(s) for s in sigmas)
    white = stream.normal_planes(frame, height + 2 * reach, width + 2 * reach, channels, x=x - reach, y=y - reach)
    out = np.zeros((height, width, channels), np.float32)
    for channel in range(channels):
        for sigma, weight in zip(sigmas, weights, strict=True):
            r = _reach(sigma)
            taps = gaussian_taps(sigma, r)
            cut = reach - r
            inner = white[channel, cut : cut + height + 2 * r, cut : cut + width + 2 * r]
            out[..., channel] += np.float32(weight) * valid_separable(inner, taps, taps)
    return out


def gaussian_mixture_power(sigmas: tuple[float, ...], weights: tuple[float, ...]) -> float:
    """Variance of :func:`gaussian_mixture_field`: the sum of its squared impulse response."""
    reach = max(_reach(s) for s in sigmas)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for sigma, weight in zip(sigmas, weights, strict=True):
        taps = gaussian_taps(sigma, reach).astype(np.float64)
        kernel += weight * np.outer(taps, taps)
    return float((kernel**2).sum())


def _reach(sigma: float) -> int:
    return max(1, math.ceil(3.5 * sigma))


def red_series(stream: Stream, frame: int, columns: int, correlation_frames: float) -> Series:
    """Unit-variance red noise at ``frame``: ``columns`` independent series, exponential correlation over time.

    white noise through exp(-k / tau), k = 0 .. 6 tau: the Ornstein-Uhlenbeck process cut where 0.2 % of it is left,
    so a frame is computed without the ones before it. correlation_frames = tau; 0 gives white noise.
    """
    reach = math.ceil(6 * correlation_frames)
    weights = np.exp(-np.arange(reach + 1) / max(correlation_frames, 1e-9))
    weights /= math.sqrt(float((weights**2).sum()))
    # One table of white noise for all time: frames are its rows.
    white = stream.normal(0, reach + 1, columns, y=frame - reach)[::-1, :, 0].astype(np.float64)
    return np.asarray((weights[:, None] * white).sum(axis=0))


def step_series(stream: Stream, frame: int, columns: int, rate: float, memory: int = 240) -> Series:
    """A level that holds between random steps: at each frame one happens with probability ``rate``.

    The level is a standard normal drawn at the last step (or at the start of the memory where there was none).
    """
    if rate <= 0:
        return np.zeros(columns)
    chance = stream.uniform(0, memory, 1, y=frame - memory + 1)[:, 0, 0]
    steps = np.nonzero(chance < rate)[0]
    if not len(steps):
        return np.zeros(columns)
    drawn = stream.child("level").normals(frame - memory + 1 + int(steps[-1]), 1, columns)
    return np.asarray(drawn[0])


def curve_noise(stream: Stream, frame: int, positions: Series, period: float, octaves: int = 3) -> Series:
    """Smooth unit-ish noise along a line: cubic interpolation of normals spaced by ``period``, halved each octave.

    ``positions`` is any 1-D array; the same position gives the same value whatever else is asked for.
    """
    total, power = np.zeros(len(positions)), 0.0
    for octave in range(octaves):
        at = positions / (period * 0.5**octave)
        base = np.floor(at).astype(np.int64)
        low, high = int(base.min()) - 1, int(base.max()) + 3
        knots = stream.child(octave).normal(frame, 1, high - low, x=low)[0, :, 0].astype(np.float64)
        f, i = at - base, base - low
        before, left, right, after = knots[i - 1], knots[i], knots[i + 1], knots[i + 2]
        # Catmull-Rom spline through the knots.
        slope0, slope1 = 0.5 * (right - before), 0.5 * (after - left)
        cubic = (2 * f**3 - 3 * f**2 + 1) * left + (f**3 - 2 * f**2 + f) * slope0
        cubic += (-2 * f**3 + 3 * f**2) * right + (f**3 - f**2) * slope1
        gain = 0.6**octave
        total += gain * cubic
        power += gain * gain
    return total / math.sqrt(power)


def cosine_field(
    coefficients: NDArray[np.float64],
    height: int,
    width: int,
    *,
    x: int = 0,
    y: int = 0,
    full_height: int | None = None,
    full_width: int | None = None,
) -> Image:
    """A low-order field over a picture: sum c[j, i] cos(pi i u) cos(pi j v), u and v in 0..1 over the full picture.

    ``coefficients`` is (rows, columns); the value is of the pixels from (x, y), shape (height, width).
    """
    rows, columns = coefficients.shape
    u = (np.arange(x, x + width) + 0.5) / (full_width or width)
    v = (np.arange(y, y + height) + 0.5) / (full_height or height)
    across = np.cos(np.pi * np.arange(columns)[:, None] * u[None, :])
    down = np.cos(np.pi * np.arange(rows)[:, None] * v[None, :])
    return np.asarray(down.T @ coefficients @ across, dtype=np.float32)
