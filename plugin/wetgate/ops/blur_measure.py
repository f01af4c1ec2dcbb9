"""What kind of blur a shot has, and how much, from the spectrum of its light.

The spectrum of a photograph falls as a power of frequency, S(f) = c f^-a, with some direction to it. Blur multiplies it
by |H|^2 and noise adds a floor: E P(f) = S(f) |H(f)|^2 + N. Each family of H (a disc's has zeros on circles, a line's
on parallel lines, a Gaussian's none) is fitted to log P over blocks of all frames together, S with it; the family with
the least robust cost is the answer. a is held near what sharp photographs have, which is what tells a soft lens from a
soft subject. Spectra of blurred pictures: M. Cannon, "Blind deconvolution of spatially invariant image blurs with
phase", IEEE Trans. ASSP 24(1), 1976; of photographs: D. Tolhurst et al., Ophthalmic Physiol. Opt. 12, 1992.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wetgate.ops.blur import Kernel
from wetgate.ops.blur_fit import Fit
from wetgate.ops.blur_spectrum import Array, Spectrum

SHARP = {"gaussian": 0.55, "defocus": 0.85, "motion": 3.0}  # px: sharp photographs measure up to 0.4 and 0.7
# px, sigma: how soft a sharp photograph is. What it measures as is not undone: Gaussians of 0.8 px on three photographs
# measured 0.87 to 0.89, so sharpened beyond the truth they came to 73 % of what is to be gained.
_OWN_SOFTNESS = 0.35
# px: discs up to this have no zeros below half a cycle a pixel (0.61 / radius), and from this on they show.
_RINGLESS = (1.2, 1.6)
_SIZES = {"gaussian": (0.3, 6.0), "defocus": (0.5, 12.0)}  # px, between which sizes are looked for
_TRIED = 20  # of them, before the best is refined
_SPREADS = (0.0, 0.15, 0.3)  # of a size over what is measured at once
_LIMIT = 0.9  # of the largest size that is looked for: what is wider may be any
_OFF = 0.25  # of a size: another one, for the confidence in it
# Of cost a frequency by which a disc has to explain a spectrum better than a Gaussian does. Blur of lenses, film and
# scalers is round and has no sharp rim; undone as a disc's it rings. Discs on three photographs won by 0.12 to 1.3 at
# 0.5 % noise, five soft scans and photographs lie from -0.15 to 0.10.
_ROUND = 0.05
LEAST_EVEN = 0.3
"""The confidence from which a blur counts as the whole picture's."""


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


def blur_of(spectrum: Spectrum, long: Spectrum | None = None) -> Blur | None:
    """The blur that a spectrum shows; ``long``, of :data:`LONG_BLOCK`, refines a long motion. None where there is no
    picture in it beside the noise."""
    fit = Fit(spectrum)
    if not fit.has_picture:
        return None
    sharp = fit.sharpest()
    found = [(sharp, "sharp", 0.0, 0.0)]
    for kind, count in (("gaussian", 40), ("defocus", 60)):
        cost, size = min((fit.cost(kind, s), float(s)) for s in np.geomspace(*_SIZES[kind], count))
        found.append(_refined(fit, (cost, kind, size, 0.0), turns=False))
    line = _line(fit)
    if line[2] > 10 and long is not None:
        line = (line[0], *_refined(Fit(long), line)[1:])
    found.append(line)
    best, second = sorted(found)[:2]
    gaussian = found[1]
    if best[1] == "defocus" and gaussian[0] - best[0] < _ROUND * len(fit.log_power):
        best = gaussian
    if best[1] == "sharp" or best[2] < SHARP[best[1]]:
        return Blur("sharp", 0.0, 0.0, 1.0)
    size, angle = _beyond_own(best[1], best[2]), (best[3] + 90) % 180 - 90
    return Blur(best[1], size, angle, fit.confidence(second[0] - best[0]), fit.evenness(best[0], sharp))


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
    fit = Fit(spectrum)
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
    fit = Fit(spectrum)
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
    fit = Fit(spectrum)
    if not fit.has_picture:
        return None
    other = fit.sharpest()
    if even is not None and even.kind != "sharp":
        other = min(other, fit.cost(even.kind, even.size, even.angle))
    return np.array([*(fit.cost("motion", length, angle) for length in lengths), other]) / len(fit.log_power)


Candidate = tuple[float, str, float, float]  # cost, kind, size, angle


def _line(fit: Fit) -> Candidate:
    best: Candidate = (math.inf, "motion", 0.0, 0.0)
    for size in np.geomspace(3, 34, 44):
        for angle in np.arange(-90.0, 90.0, min(15.0, 100.0 / size)):
            best = min(best, (fit.cost("motion", size, angle), "motion", float(size), float(angle)))
    return _refined(fit, best)


def _refined(fit: Fit, start: Candidate, turns: bool = True) -> Candidate:
    _, kind, size, angle = start
    best = (fit.cost(kind, size, angle), kind, size, angle)
    for step in (1.0, 0.5, 0.25, 0.125, 0.06):
        _, _, size, angle = best
        for grown in (-0.05, -0.025, 0.0, 0.025, 0.05):
            for turned in (-4.0, -2.0, 0.0, 2.0, 4.0) if turns else (0.0,):
                s, a = size * (1 + step * grown), angle + step * turned
                best = min(best, (fit.cost(kind, s, a), kind, s, a))
    return best
