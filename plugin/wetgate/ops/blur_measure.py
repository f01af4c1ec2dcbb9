"""What kind of blur a shot has, and how much, from the spectrum of its light.

The spectrum of a photograph falls as a power of frequency, S(f) = c f^-a, with some direction to it. Blur multiplies it
by |H|^2 and noise adds a floor: E P(f) = S(f) |H(f)|^2 + N. Each family of H (a disc's has zeros on circles, a line's
on parallel lines, a Gaussian's none) is fitted to log P over blocks of all frames together, S with it; the family with
the least robust cost is the answer. a is held near what sharp photographs have, which is what tells a soft lens from a
soft subject. Spectra of blurred pictures: M. Cannon, "Blind deconvolution of spatially invariant image blurs with
phase", IEEE Trans. ASSP 24(1), 1976; of photographs: D. Tolhurst et al., Ophthalmic Physiol. Opt. 12, 1992.

H here is of the ideal shape; the figures that come out are those of :mod:`wetgate.ops.psf`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from wetgate.ops.blur import Kernel
from wetgate.spec import Image

Array = NDArray[np.float64]

BLOCK, LONG_BLOCK = 64, 128  # px; the long one resolves the lines of a long motion
SHARP = {"gaussian": 0.55, "defocus": 0.85, "motion": 3.0}  # px: sharp photographs measure up to 0.4 and 0.7
# px, sigma: how soft a sharp photograph is. What it measures as is not undone: Gaussians of 0.8 px on three photographs
# measured 0.87 to 0.89, so sharpened beyond the truth they came to 73 % of what is to be gained.
_OWN_SOFTNESS = 0.35
# px: discs up to this have no zeros below half a cycle a pixel (0.61 / radius), and from this on they show.
_RINGLESS = (1.2, 1.6)
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
_SIZES = {"gaussian": (0.3, 6.0), "defocus": (0.5, 12.0)}  # px, between which sizes are looked for
_TRIED = 20  # of them, before the best is refined
_SPREADS, _MIXED = (0.0, 0.15, 0.3), 5  # of a size over what is measured at once, and how many sizes stand for it
_LIMIT = 0.9  # of the largest size that is looked for: what is wider may be any
_OFF = 0.25  # of a size: another one, for the confidence in it
# Of cost a frequency by which a disc has to explain a spectrum better than a Gaussian does. Blur of lenses, film and
# scalers is round and has no sharp rim; undone as a disc's it rings. Discs on three photographs won by 0.12 to 1.3 at
# 0.5 % noise, five soft scans and photographs lie from -0.15 to 0.10.
_ROUND = 0.05
# Blur of a part of the frame alone, or that grows over it, is a mixture of sizes from nothing up to these, in px. Of
# cost a frequency by which one size has to explain a spectrum better than such mixtures do, or else than a sharp
# picture does, and what more makes 63 % of confidence. Of 96 photographs with even blur 94 pass by more, of 25 with
# blur of a part that measured as one, 1.
_UP_TO = {"defocus": (1.5, 8.0), "gaussian": (0.8, 5.0), "motion": (4.0, 24.0)}
_OVER_PARTS, _OVER_SHARP, _EVENLY = 0.7, 0.45, 0.1
LEAST_EVEN = 0.3
"""The confidence from which a blur counts as the whole picture's."""
_CERTAIN = 0.02  # of cost a frequency between the best family and the next, for a confidence of 63 %


@dataclass(frozen=True, slots=True)
class Spectrum:
    """``power`` (block, block // 2 + 1) of the light's luma, mean over ``count`` blocks; ``noise``: what white noise
    alone would have."""

    power: Array
    count: int
    noise: float

    @property
    def block(self) -> int:
        return int(self.power.shape[0])

    def with_more(self, other: Spectrum) -> Spectrum:
        count = self.count + other.count
        mean = (self.power * self.count + other.power * other.count) / count
        return Spectrum(mean, count, (self.noise * self.count + other.noise * other.count) / count)


@dataclass(frozen=True, slots=True)
class Blur:
    """``kind`` is sharp, defocus (``size`` a radius), gaussian (sigma) or motion (length, at ``angle`` degrees
    counter-clockwise from the right); ``size`` in px; ``confidence`` 0 to 1 that it is this kind and no other, and
    ``even`` 0 to 1 that it is the whole picture's and not that of parts of it."""

    kind: str
    size: float
    angle: float
    confidence: float
    even: float = 1.0

    @property
    def in_parts(self) -> bool:
        """Whether parts of the picture alone are blurred, as far as can be told."""
        return self.kind != "sharp" and self.even < LEAST_EVEN

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "size": round(self.size, 3),
            "angle": round(self.angle, 2),
            "confidence": round(self.confidence, 3),
            "even": round(self.even, 3),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Blur:
        size, angle, confidence = (float(data[name]) for name in ("size", "angle", "confidence"))
        return cls(str(data["kind"]), size, angle, confidence, float(data.get("even", 1.0)))


def luma_of(rgb: Image) -> Image:
    """The mean of the channels, (H, W): blur is that of all of them, and noise of three is less than that of one."""
    return np.asarray(rgb[..., :3].mean(axis=2), np.float32)


def spectrum_of(luma: Image, noise_variance: float, block: int = BLOCK) -> Spectrum | None:
    """The spectrum of (H, W) light whose noise has that variance; None where it is smaller than two blocks a side."""
    if min(luma.shape) < 2 * block:
        return None
    line = np.sin(math.pi * (np.arange(block) + 0.5) / block) ** 2
    window = np.outer(line, line)
    window /= math.sqrt(float(np.square(window).mean()))
    total, count = np.zeros((block, block // 2 + 1)), 0
    for top in range(0, luma.shape[0] - block + 1, block // 2):
        columns = range(0, luma.shape[1] - block + 1, block // 2)
        cut = np.stack([luma[top : top + block, left : left + block] for left in columns]).astype(np.float64)
        cut -= cut.mean(axis=(1, 2), keepdims=True)
        total += np.square(np.abs(np.fft.rfft2(cut * window))).sum(axis=0) / block**2
        count += len(columns)
    return Spectrum(total / count, count, noise_variance)


def blur_of(spectrum: Spectrum, long: Spectrum | None = None) -> Blur | None:
    """The blur that a spectrum shows; ``long``, of :data:`LONG_BLOCK`, refines a long motion. None where there is no
    picture in it beside the noise."""
    fit = _Fit(spectrum)
    if not fit.has_picture:
        return None
    found = [(fit.sharpest(), "sharp", 0.0, 0.0)]
    for kind, count in (("gaussian", 40), ("defocus", 60)):
        cost, size = min((fit.cost(kind, s), float(s)) for s in np.geomspace(*_SIZES[kind], count))
        found.append(_refined(fit, (cost, kind, size, 0.0), turns=False))
    line = _line(fit)
    if line[2] > 10 and long is not None:
        line = (line[0], *_refined(_Fit(long), line)[1:])
    found.append(line)
    best, second = sorted(found)[:2]
    gaussian = found[1]
    if best[1] == "defocus" and gaussian[0] - best[0] < _ROUND * len(fit.log_power):
        best = gaussian
    if best[1] == "sharp" or best[2] < SHARP[best[1]]:
        return Blur("sharp", 0.0, 0.0, 1.0)
    size, angle = _beyond_own(best[1], best[2]), (best[3] + 90) % 180 - 90
    return Blur(best[1], size, angle, fit.confidence(second[0] - best[0]), fit.evenness(best[0]))


def _beyond_own(kind: str, size: float) -> float:
    """What of a measured size is blur: a picture's own softness adds to it, as variances do, a disc's being a quarter
    of its radius squared. A disc whose first ring of zeros lies in the spectrum is measured by that, and has none of it
    in its size."""
    if kind == "gaussian":
        return math.sqrt(size**2 - _OWN_SOFTNESS**2)
    if kind == "defocus":
        first, last = _RINGLESS
        share = min(max((last - size) / (last - first), 0.0), 1.0)
        return math.sqrt(max(size**2 - share * 4 * _OWN_SOFTNESS**2, 0.0))
    return size


def explaining(spectrum: Spectrum) -> Callable[[Kernel], float] | None:
    """How much better a PSF explains a spectrum than that of a sharp picture does: the fall of the robust cost a
    frequency, below 0 where it is worse. None where there is no picture in it beside the noise."""
    fit = _Fit(spectrum)
    if not fit.has_picture:
        return None
    sharp = fit.sharpest()
    return lambda psf: (sharp - fit.cost_of(fit.power_of(psf))) / len(fit.log_power)


@dataclass(frozen=True, slots=True)
class Sized:
    """How well one kind of blur explains a spectrum at its best ``size``: ``cost`` of that, less is better, and the
    ``confidence``, 0 to 1, that it is this size and none that is a quarter off; a size of 0 is sharp. ``count`` of the
    frequencies that the cost is a sum over."""

    cost: float
    size: float
    confidence: float
    count: int = 1


def sizes_of(spectrum: Spectrum, kinds: Sequence[str]) -> dict[str, Sized] | None:
    """The size of each of the ``kinds`` (defocus, gaussian) that a spectrum shows, were it of that kind. None where
    there is no picture in it beside the noise."""
    fit = _Fit(spectrum)
    if not fit.has_picture:
        return None
    sharp = fit.sharpest()
    out = {}
    for kind in kinds:
        first, last = _SIZES[kind]
        step = (last / first) ** (1 / (_TRIED - 1))
        tried = [(s, spread) for s in (first * step**i for i in range(_TRIED)) for spread in _SPREADS]
        best = min((fit.spread_cost(kind, *t), *t) for t in tried)
        for share in (0.5, 0.25, 0.125):
            _, size, spread = best
            best = min(
                best, *((fit.spread_cost(kind, s, spread), s, spread) for s in (size * step**share, size / step**share))
            )
        cost, size, spread = best
        if sharp <= cost or size < SHARP[kind]:
            off = fit.cost(kind, (1 + _OFF) * SHARP[kind])
            sure = fit.confidence(off - min(sharp, cost))
            out[kind] = Sized(min(sharp, cost), 0.0, sure, len(fit.log_power))
        else:
            others = (fit.spread_cost(kind, share * size, spread) for share in (1 - _OFF, 1 + _OFF))
            sure = fit.confidence(min(*others, sharp) - cost) if size < _LIMIT * last else 0.0
            out[kind] = Sized(cost, _beyond_own(kind, size), sure, len(fit.log_power))
    return out


def line_costs(spectrum: Spectrum, lengths: Sequence[float], angle: float, even: Blur | None) -> Array | None:
    """The cost a frequency of lines of these ``lengths`` at ``angle``, and last that of an ``even`` blur or, None, of
    what is sharp, if that is less. None where there is no picture in a spectrum beside the noise."""
    fit = _Fit(spectrum)
    if not fit.has_picture:
        return None
    other = fit.sharpest()
    if even is not None and even.kind != "sharp":
        other = min(other, fit.cost(even.kind, even.size, even.angle))
    return np.array([*(fit.cost("motion", length, angle) for length in lengths), other]) / len(fit.log_power)


Candidate = tuple[float, str, float, float]  # cost, kind, size, angle


def _line(fit: _Fit) -> Candidate:
    best: Candidate = (math.inf, "motion", 0.0, 0.0)
    for size in np.geomspace(3, 34, 44):
        for angle in np.arange(-90.0, 90.0, min(15.0, 100.0 / size)):
            best = min(best, (fit.cost("motion", size, angle), "motion", float(size), float(angle)))
    return _refined(fit, best)


def _refined(fit: _Fit, start: Candidate, turns: bool = True) -> Candidate:
    _, kind, size, angle = start
    best = (fit.cost(kind, size, angle), kind, size, angle)
    for step in (1.0, 0.5, 0.25, 0.125, 0.06):
        _, _, size, angle = best
        for grown in (-0.05, -0.025, 0.0, 0.025, 0.05):
            for turned in (-4.0, -2.0, 0.0, 2.0, 4.0) if turns else (0.0,):
                s, a = size * (1 + step * grown), angle + step * turned
                best = min(best, (fit.cost(kind, s, a), kind, s, a))
    return best


class _Fit:
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
        quiet = _Fit(replace(self._spectrum, noise=_QUIET * self._spectrum.noise))
        return min(fit.cost(*like) for fit in (self, quiet) for like in _SHARP_LIKE)

    def confidence(self, worse: float) -> float:
        """0 to 1, of an answer beside another whose cost is ``worse`` by so much."""
        return 1 - math.exp(-max(worse, 0.0) / len(self.log_power) / _CERTAIN)

    def evenness(self, cost: float) -> float:
        """0 to 1, that an answer of that ``cost`` is the blur of the whole picture and not of parts of it."""
        in_parts = min(self.cost_of(power) for power in _in_parts(self._spectrum.block))
        over_parts, over_sharp = ((other - cost) / len(self.log_power) for other in (in_parts, self.sharpest()))
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
