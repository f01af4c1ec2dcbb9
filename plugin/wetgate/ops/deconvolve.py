"""Deconvolution with a known PSF and a denoiser as prior: what the blur left is kept, what it took is the prior's.

Half-quadratic splitting (K. Zhang et al., "Plug-and-play image restoration with deep denoiser prior", IEEE TPAMI
44(10), 2022, eq. 6) of

    sum over valid pixels of ((y - k * x) / n)^2 + prior(x)

with y the picture, k the PSF, n the deviation of its noise, in the light that was blurred. Each round solves

    x = argmin |y - k * x|^2 + a |x - z|^2,   a = LAMBDA (n / s)^2        (in the Fourier domain)
    z = denoised x, taking its noise for s

with s falling from a share of white to n. s and n vary over the picture together, so a is one number and the first step
stays a division, whatever the law of the noise. Only about highlights far above white s starts as much higher: there
ringing would be as much stronger too. s starts high, since what the prior does not put in while a is small, the data
hold away for good: from 0.4 of white in ten rounds, photographs gained 0.7 dB over 0.1 in five.

When s has come down to n, the picture blurred again may be nearer to y than the noise: then it is noise that is fitted,
which is the rule where blur and noise are weak. Rounds go on with s rising until they differ by the noise, and the last
two pictures are mixed so that they just do (discrepancy principle: V. Morozov, 1966). That costs nothing in linear
light, and gained 0.3 dB in the shadows, after the sRGB curve.

Pixels that are not known, beyond the frame, clipped or masked, have no part in the first term, so that nothing wraps
around and no border is believed (unknown boundaries: M. Almeida and M. Figueiredo, IEEE TIP 22(8), 2013). x is then
found by conjugate gradients, which the division preconditions; ended early, at a twentieth of the residual, they cost
half a decibel where noise is weak. That a clipped value is a lower limit is not used:
counting it where the estimate is darker measured worse than leaving it out, since it holds the estimate at the limit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import Kernel
from wetgate.ops.fourier_canvas import Canvas, Mask
from wetgate.ops.halo_limit import limits_of
from wetgate.ops.noise_model import top_of
from wetgate.spec import Image

Values = NDArray[Any]  # one each for what is compared
# (picture, deviation of its noise at every value, number of the round) -> picture
Denoiser = Callable[[Image, Image, int], Image]

LAMBDA = 0.23  # of Zhang et al., sec. 4.2; 0.1 and 0.5 measured worse here as well
LEAST = 2e-3  # of white: noise is not taken to be weaker, since the network has seen none that is
# Within how much of the noise a re-blurred result has to give the picture again.
CONSISTENT = (0.95, 1.05)
_SPARE = 0.01
_NEAREST, _FARTHEST = CONSISTENT[0] + 2 * _SPARE, CONSISTENT[1] - _SPARE
_TOO_FAR = 1.1  # for a share of x to bring it back: another round is better
_RISE, _MOST_MORE = 1.5, 8  # of s in a round more, and how many of them
_BULK, _TIMES_BULK = 80.0, 4.0  # percentile of the light that is no lamp, and how far above it white may lie
_LEAST_WHITE = 1e-3
_EXACT_SINGLE = 2e5  # peak over noise from which single precision of the transforms would show


@dataclass(frozen=True, slots=True)
class Schedule:
    """``first``: s to begin with, as a share of white; ``fall``: s of a round over s of the one before. Conjugate
    gradients of a round end after ``steps``, or once the norm of their residual is ``tolerance`` of what it was."""

    first: float
    fall: float
    steps: int
    tolerance: float


FAST = Schedule(0.2, 0.05, 24, 0.01)
FINE = Schedule(0.4, 0.65, 24, 0.005)


@dataclass(frozen=True, slots=True)
class Deconvolved:
    """``picture`` (H, W, C); ``reblurred``, k * picture; ``ratio``, the rms of (y - reblurred) / n over valid pixels:
    1 where the two differ by the noise; ``rounds`` of the solver."""

    picture: Image
    reblurred: Image
    ratio: float
    rounds: int


def deconvolve(
    picture: Image,
    psf: Kernel,
    deviation: Image,
    denoise: Denoiser,
    *,
    white: float = 1.0,
    valid: Mask | None = None,
    clipped: Mask | None = None,
    overshoot: float = math.inf,
    certain: bool = True,
    schedule: Schedule = FINE,
    threads: int = 1,
    check_abort: Callable[[], None] = lambda: None,
) -> Deconvolved:
    """Undo ``psf`` (odd-sized, sum 1) in ``picture`` (H, W, C), linear light, unbounded.

    ``deviation`` (H, W, C) of the picture's noise; ``white`` the level that the denoiser takes for white. ``valid`` and
    ``clipped`` (H, W, C): where values are known, and where they are at a limit and not. The result overshoots by at
    most ``overshoot`` (:func:`~wetgate.ops.halo_limit.limits_of`), and is never below 0 where the picture is not,
    beyond its noise. Where the noise is not ``certain``, and may be texture that measured as noise, a result may be
    nearer to the picture than it.
    """
    floor = np.float32(LEAST * white)
    noise = np.maximum(deviation, floor).astype(np.float32)
    typical = float(np.median(noise))
    psf = _within(psf, max(picture.shape[:2]))
    double = float(np.abs(picture).max()) > _EXACT_SINGLE * float(noise.min())
    canvas = Canvas((picture.shape[0], picture.shape[1]), psf, double, threads)
    y = canvas.extended(picture)
    relative = canvas.extended(noise / np.float32(typical))
    known = canvas.inside(np.ones(picture.shape, np.bool_) if valid is None else valid)
    if clipped is not None and clipped.any():
        known &= ~canvas.inside(clipped)
    least, most = (canvas.extended(limit) for limit in limits_of(picture, noise, psf, overshoot, clipped))
    part = (slice(None), *canvas.cleaned)

    local = relative * np.float32(typical)
    made = itertools.count()

    def cleaned(planes: Image, deviation: Image) -> Image:
        shown, noise = (np.ascontiguousarray(p[part].transpose(1, 2, 0), np.float32) for p in (planes, deviation))
        out = y.copy()
        out[part] = np.clip(denoise(shown, noise, next(made)).transpose(2, 0, 1), least[part], most[part])
        return out

    def seen(z: Image) -> tuple[Image, Image, float]:
        again = canvas.blurred(z)
        left = ((y - again) / local)[known]
        return again, left, _rms(left)

    bright = canvas.extended(_brightness(picture, psf, white))[0]
    lifts = float(bright.max()) > 1
    first = max(schedule.first * white, typical)
    falls = falling(max(schedule.first * white * math.sqrt(float(bright.max())), typical), typical, schedule.fall)
    rounds = [float(s) for s in np.geomspace(first, typical, len(falls))]
    z = x = y
    for i, s in enumerate(rounds):
        check_abort()
        lift = bright ** np.float32(1 - i / max(len(rounds) - 1, 1))
        ease = np.square(1 / lift) if lifts else None
        x = canvas.solved(y, z, known, LAMBDA * (typical / s) ** 2, ease, schedule.steps, schedule.tolerance)
        z = cleaned(x, relative * (np.float32(s) * lift))
    again, left, found = seen(z)
    for _ in range(_MOST_MORE):
        if found <= _TOO_FAR:
            break
        check_abort()
        x = canvas.solved(y, z, known, LAMBDA, None, schedule.steps, schedule.tolerance)
        z = cleaned(x, local)
        before, (again, left, found) = found, seen(z)
        if found > before - _SPARE:
            break
    rise = 1.0
    while certain and found < _NEAREST - _SPARE and rise < _RISE**_MOST_MORE:
        check_abort()
        rise *= _RISE
        x = canvas.solved(y, z, known, LAMBDA, None, schedule.steps, schedule.tolerance)
        other = cleaned(x, local * np.float32(rise))
        step = canvas.blurred(other) - again
        share = np.float32(share_within(left, (step / local)[known], _NEAREST, most=True))
        z = z + share * (other - z)
        again, left, found = seen(z)
    if found > _FARTHEST:  # from the picture: some of x, which lies nearer
        other = np.clip(x, least, most)
        step = canvas.blurred(other) - again
        share = np.float32(share_within(left, (step / local)[known], _FARTHEST))
        z, again = z + share * (other - z), again + share * step
    out, reblurred = canvas.cut(z), canvas.cut(again)
    return Deconvolved(out, reblurred, residual_ratio(picture, reblurred, noise, valid, clipped), next(made))


def falling(first: float, last: float, fall: float) -> list[float]:
    """Levels from ``first`` to ``last``, evenly in their logarithm, none falling faster than ``fall``."""
    steps = math.ceil(math.log(max(first / last, 1.0)) / -math.log(fall) - 1e-9)
    return [float(s) for s in np.geomspace(first, last, steps + 1)] if steps else [last, last]


def _within(psf: Kernel, side: int) -> Kernel:
    """A PSF cut to reach no farther than ``side`` px: what lies beyond a small picture is unknown in any case."""
    y, x = (max(0, n // 2 - side) for n in psf.shape)
    cut = psf[y : psf.shape[0] - y, x : psf.shape[1] - x]
    return np.asarray(cut / cut.sum(), np.float32)


def white_of(picture: Image) -> float:
    """The level that a denoiser is to take for white: that of the shot, or less where a lamp alone makes it."""
    bulk = float(np.percentile(picture[::2, ::2].max(axis=2), _BULK))
    return max(_LEAST_WHITE, min(top_of(picture), _TIMES_BULK * bulk))


def residual_ratio(
    picture: Image, reblurred: Image, noise: Image, valid: Mask | None = None, clipped: Mask | None = None
) -> float:
    """Rms of (picture - reblurred) / noise over the values that are known."""
    off = np.square((picture - reblurred) / noise, dtype=np.float64)
    counted = np.ones(off.shape, np.bool_) if valid is None else valid
    if clipped is not None:
        counted = counted & ~clipped
    return math.sqrt(float(off[counted].mean())) if counted.any() else 0.0


def _brightness(picture: Image, psf: Kernel, white: float) -> Image:
    """How many times white the light within the PSF's reach is, (H, W, 1), at least 1."""
    size = (psf.shape[1] + 4, psf.shape[0] + 4)
    most = cv2.dilate(picture.max(axis=2), np.ones(size[::-1], np.uint8))
    times = np.maximum(most / np.float32(2 * white), 1)
    return np.asarray(np.exp(cv2.blur(np.log(times), size)), np.float32)[..., None]


def share_within(left: Values, step: Values, wanted: float, most: bool = False) -> float:
    """The t of 0 to 1 with the rms of left - t step nearest to ``wanted``: the least there is, or the ``most``."""
    from_it, by_step = left.astype(np.float64), step.astype(np.float64)
    aa, bb = _inner(by_step, by_step), _inner(from_it, by_step)
    cc = _inner(from_it, from_it) - wanted**2 * len(from_it)
    if aa <= 0:
        return 0.0
    root = math.sqrt(max(bb * bb - aa * cc, 0.0))
    t = (bb - root) / aa if cc > 0 and not most else (bb + root) / aa
    return min(max(t, 0.0), 1.0)


def _rms(values: Values) -> float:
    return math.sqrt(float(np.mean(np.square(values, dtype=np.float64)))) if values.size else 1.0


def _inner(a: Values, b: Values) -> float:
    """The inner product, in an order of its own: that of a library's may change with threads and places in memory."""
    return float(np.multiply(a, b, dtype=np.float64).sum())
