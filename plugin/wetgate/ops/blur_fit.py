"""What of a spectrum a blur explains: a robust cost for each shape of its transfer function H.

E P(f) = S(f) |H(f)|^2 + N, with S(f) = c f^-a of some direction fitted beside each H (:mod:`wetgate.ops.blur_measure`
says where that is from). H is of the ideal shape; the figures are those of :mod:`wetgate.ops.psf`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from wetgate.ops.blur import Kernel
from wetgate.ops.blur_spectrum import Array, Spectrum

_LEAST_CYCLES, _LEAST_ACROSS = 2.5, 1.5  # a block: below, and along the axes, windows leak
_LEAK = 1e-4  # of the power that a window's sides put into the zeros of a transfer function
_DOUBT = 0.25  # of log P, what no family explains
# a of S, and its directions cos 2t, sin 2t, cos 4t: typical value, and how far photographs stray from it.
_TYPICAL = np.array([0.0, 2.3, 0.0, 0.0, 0.0])
_STRAY = np.array([1e3, 0.35, 0.5, 0.5, 0.5])
# Cycles a pixel from where power that is less than the noise corrects it; and the share of it that is taken for sure:
# noise taken for 5 % too much hides the rings of a disc.
_HIGHEST, _BELIEVED = 0.42, 0.95
_QUIET = 0.2  # of the noise that was measured, where it was texture
_SHARP_LIKE = (("sharp", 0.0), ("gaussian", 0.4), ("defocus", 0.7))  # what sharp photographs measure
_MIXED = 5  # sizes that stand for a spread of them
# Blur of a part of the frame alone, or that grows over it, is a mixture of sizes from nothing up to these, in px. Of
# cost a frequency by which one size has to explain a spectrum better than such mixtures do, or else than a sharp
# picture does, and what more makes 63 % of confidence. Of 96 photographs with even blur 94 pass by more, of 25 with
# blur of a part that measured as one, 1.
_UP_TO = {"defocus": (1.5, 8.0), "gaussian": (0.8, 5.0), "motion": (4.0, 24.0)}
_OVER_PARTS, _OVER_SHARP, _EVENLY = 0.7, 0.45, 0.1
_CERTAIN = 0.02  # of cost a frequency between the best family and the next, for a confidence of 63 %


class Fit:
    """The cost of each shape of H for one spectrum."""

    def __init__(self, spectrum: Spectrum) -> None:
        self._spectrum = spectrum
        self._x, self._y, self._basis, use = _frequencies(spectrum.block)
        power = spectrum.power[use]
        highest = np.hypot(self._x, self._y) > _HIGHEST
        self._noise = _BELIEVED * min(spectrum.noise, float(power[highest].mean()))
        self.log_power = np.log(np.maximum(power, 1e-30))
        self.has_picture = bool(np.percentile(power, 99) > 4 * max(self._noise, 1e-20))
        self._weight = math.sqrt(len(power))

    def sharpest(self) -> float:
        """The cost of the sharp picture that explains the spectrum best.

        Texture of a sharp picture measures as noise, and taken off as noise leaves what looks soft: so a sharp one may
        have less. A blurred picture is no sharper for it.
        """
        quiet = Fit(replace(self._spectrum, noise=_QUIET * self._spectrum.noise))
        return min(fit.cost(*like) for fit in (self, quiet) for like in _SHARP_LIKE)

    def confidence(self, worse: float) -> float:
        """0 to 1, of an answer beside another whose cost is ``worse`` by so much."""
        return 1 - math.exp(-max(worse, 0.0) / len(self.log_power) / _CERTAIN)

    def evenness(self, cost: float, sharp: float) -> float:
        """0 to 1, that an answer of that ``cost`` is the blur of the whole picture and not of parts of it; ``sharp`` is
        the cost of the sharpest picture."""
        in_parts = min(self.cost_of(power) for power in _in_parts(self._spectrum.block))
        over_parts, over_sharp = ((other - cost) / len(self.log_power) for other in (in_parts, sharp))
        return 1 - math.exp(-max(over_parts - _OVER_PARTS, over_sharp - _OVER_SHARP, 0.0) / _EVENLY)

    def cost(self, kind: str, size: float, angle: float = 0.0) -> float:
        return self.cost_of(_SHAPES[kind](self._x, self._y, size, angle))

    def power_of(self, psf: Kernel) -> Array:
        """|H|^2 of a PSF at the frequencies that count."""
        y, x = (np.arange(n) - n // 2 for n in psf.shape)
        rows = np.exp(-2j * math.pi * np.outer(self._y, y)) @ psf.astype(np.float64)
        return np.asarray(np.square(np.abs((rows * np.exp(-2j * math.pi * np.outer(self._x, x))).sum(axis=1))))

    def spread_cost(self, kind: str, size: float, spread: float) -> float:
        """The cost of a mixture of sizes, from ``spread`` of ``size`` below it to as much above: blur that differs over
        what was measured has no zeros, and its least part has most of the power."""
        return self.cost_of(_mixed(self._spectrum.block, kind, size, spread))

    def cost_of(self, power: Array) -> float:
        """The cost of a transfer function by its |H|^2."""
        log_h2 = np.log(power * (1 - _LEAK) + _LEAK)
        c = _TYPICAL.copy()
        c[0] = float(np.median(self.log_power - self._basis @ c))
        prior = self._weight / np.square(_STRAY)
        for _ in range(6):
            signal = np.exp(np.clip(self._basis @ c + log_h2, -60, 60))
            left = self.log_power - np.log(signal + self._noise)
            slope = self._basis * (signal / (signal + self._noise))[:, None]
            weight = 1 / np.maximum(1, np.abs(left) / (2 * _DOUBT)) / _DOUBT**2
            normal = (slope * weight[:, None]).T @ slope + np.diag(prior)
            c = c + np.linalg.solve(normal, (slope * weight[:, None]).T @ left + prior * (_TYPICAL - c))
        signal = np.exp(np.clip(self._basis @ c + log_h2, -60, 60))
        off = np.abs(self.log_power - np.log(signal + self._noise)) / _DOUBT
        robust = np.where(off < 2, 0.5 * off * off, 2 * off - 2)
        return float(robust.sum() + 0.5 * (prior * np.square(c - _TYPICAL)).sum())


@cache
def _frequencies(block: int) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Horizontal and vertical frequency of the values that count, cycles a pixel; the basis of log S there; which."""
    y = np.fft.fftfreq(block)[:, None] * np.ones(block // 2 + 1)
    x = np.fft.rfftfreq(block)[None, :] * np.ones((block, 1))
    radius = np.hypot(x, y)
    use = (radius >= _LEAST_CYCLES / block) & (radius <= 0.5)
    use &= (np.abs(x) >= _LEAST_ACROSS / block) & (np.abs(y) >= _LEAST_ACROSS / block)
    x, y, radius = x[use], y[use], radius[use]
    turn = np.arctan2(y, x)
    columns = (np.ones_like(radius), -np.log(radius), np.cos(2 * turn), np.sin(2 * turn), np.cos(4 * turn))
    return x, y, np.stack(columns, axis=1), use


@lru_cache(maxsize=256)  # those that are tried first are the same for every cell
def _mixed(block: int, kind: str, size: float, spread: float) -> Array:
    x, y, _, _ = _frequencies(block)
    sizes = size * (1 + spread * np.linspace(-1, 1, _MIXED)) if spread else [size]
    return np.asarray(np.mean([_SHAPES[kind](x, y, float(s), 0.0) for s in sizes], axis=0))


@cache
def _in_parts(block: int) -> tuple[Array, ...]:
    """|H|^2 of blurs of which every size from none to the largest has the same share of the picture."""
    x, y, _, _ = _frequencies(block)
    made = []
    for kind, limits in _UP_TO.items():
        for most in np.geomspace(*limits, 6 if kind == "motion" else 8):
            for angle in np.arange(-90.0, 90.0, 15.0) if kind == "motion" else (0.0,):
                sizes = np.linspace(1e-3, most, 7)
                made.append(np.mean([_SHAPES[kind](x, y, float(size), float(angle)) for size in sizes], axis=0))
    return tuple(made)


def _disc(x: Array, y: Array, size: float, angle: float) -> Array:
    v = 2 * math.pi * size * np.hypot(x, y)
    return np.asarray(np.square(2 * special.j1(v) / v))


def _gaussian(x: Array, y: Array, size: float, angle: float) -> Array:
    return np.asarray(np.exp(-4 * math.pi**2 * size * size * (x * x + y * y)))


def _motion(x: Array, y: Array, size: float, angle: float) -> Array:
    along = x * math.cos(math.radians(angle)) - y * math.sin(math.radians(angle))
    return np.asarray(np.square(np.sinc(size * along)))


_SHAPES: dict[str, Callable[[Array, Array, float, float], Array]] = {
    "sharp": lambda x, y, size, angle: np.ones_like(x),
    "defocus": _disc,
    "gaussian": _gaussian,
    "motion": _motion,
}
