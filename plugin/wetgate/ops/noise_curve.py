"""How strong noise is at each level: measured points, the Poisson-Gaussian law through them, or a smooth curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kind = Literal["constant", "poisson-gaussian", "free"]

# A point above the curve is more likely a rest of the picture than one below: it counts for less.
_ABOVE = 0.35
_SMOOTHING = 0.12
# Points know their variance no better than this (what is left of the picture in them), relative.
_LEAST_DOUBT = 0.06
# A law is believed where its points lie within this many of their doubts, rms.
_BELIEVED = 1.6
# Variance in blocks that are not flat over that of the noise, and how far that may be off: over levels of photographs
# whose noise is known, half lie within 1.0 to 1.35, a tenth above 2.
_TEXTURED, _TEXTURED_DOUBT = 1.15, 0.35
_ROUNDING, _TINY = 1e-6, 1e-20  # of float32, relative; and what a logarithm is kept from


@dataclass(frozen=True, slots=True)
class NoiseCurve:
    """Noise of one channel by level, both in the units of the picture that was measured.

    ``level`` (K,) ascending, ``deviation`` (K,): knots of the standard deviation of a pixel. ``points`` (K,): what was
    measured at the levels before any law or smoothing, nan where nothing was flat. ``law`` says what the
    knots lie on: ``constant``, ``poisson-gaussian`` or ``free`` (neither: a curve smoothed from the points). ``slope``
    and ``offset`` are a and b of the best variance = a x + b, whatever the law; ``misfit`` is the rms relative
    distance of the measured deviations from it; ``error`` the relative standard error of the curve's level. ``firm``,
    where there is one, is the curve by flat places alone; documents do not keep it.
    """

    level: Array
    deviation: Array
    law: Kind
    slope: float
    offset: float
    misfit: float
    error: float
    points: Array
    firm: NoiseCurve | None = None

    def variance_at(self, level: NDArray[Any]) -> Array:
        """Variance at any levels, an array of their shape: linear between knots; beyond them the law, or held."""
        variance = np.square(self.deviation)
        inside = np.interp(level, self.level, variance)
        if self.law != "poisson-gaussian":
            return np.asarray(inside)
        law = np.maximum(self.slope * np.asarray(level, np.float64) + self.offset, variance.min() * 0.25)
        beyond = (level < self.level[0]) | (level > self.level[-1])
        return np.asarray(np.where(beyond, law, inside))

    def deviation_at(self, level: NDArray[Any]) -> Array:
        """Standard deviation at any levels; see :meth:`variance_at`."""
        return np.sqrt(self.variance_at(level))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, rounded to what it is good for."""
        return {
            "level": [float(f"{x:.6g}") for x in self.level],
            "deviation": [float(f"{s:.5g}") for s in self.deviation],
            "law": self.law,
            "slope": float(f"{self.slope:.5g}"),
            "offset": float(f"{self.offset:.5g}"),
            "misfit": round(self.misfit, 4),
            "error": round(self.error, 4),
            "points": [None if np.isnan(s) else float(f"{s:.4g}") for s in self.points],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NoiseCurve:
        """Back from :meth:`to_json`."""
        return cls(
            np.array(data["level"], np.float64),
            np.array(data["deviation"], np.float64),
            data["law"],
            float(data["slope"]),
            float(data["offset"]),
            float(data["misfit"]),
            float(data["error"]),
            np.array([np.nan if s is None else s for s in data["points"]], np.float64),
        )


def fitted(
    level: Array, variance: Array, count: Array, *, freedom: float, doubt: float = 0.0, rough: Array | None = None
) -> NoiseCurve:
    """The curve through measured points: ``variance`` (K,) at ascending ``level`` (K,), each the mean of ``count`` (K,)
    blocks of ``freedom`` independent samples each; ``doubt`` is a relative error of variance that all share.

    ``rough`` (K,) is what the variance is at most, from blocks that are not flat, nan where not known: it speaks where
    there are no others. Points that nothing is known of are filled from their neighbours.
    """
    seen = count > 0
    rounding = np.square(_ROUNDING * np.abs(level).max())
    if not seen.any() or not (variance[seen] > max(rounding, _TINY)).any():
        nothing = np.zeros_like(level)
        return NoiseCurve(level, nothing, "constant", 0.0, 0.0, 0.0, 0.0, nothing)
    said = np.full_like(variance, np.nan) if rough is None else rough
    used = seen | (np.nan_to_num(said) > 0)
    x, y = level[used], np.maximum(np.where(seen, variance, said / _TEXTURED)[used], _TINY)
    sampled = np.sqrt(2.0 / (freedom * np.maximum(count, 1e-9)) + _LEAST_DOUBT**2)
    own = np.where(seen, sampled, _TEXTURED_DOUBT)[used]
    slope, offset = _line(x, y, own)
    line = np.maximum(slope * x + offset, y.min() * 0.25)
    flat = float(np.exp(np.average(np.log(y), weights=1 / own**2)))
    sure = seen[used]
    flat_fit, line_fit = (_misfit(y, np.asarray(law), own, sure) for law in (np.full_like(y, flat), line))
    law: Kind = "free"
    if flat_fit < _BELIEVED and flat_fit < line_fit + 0.25:
        law, at = "constant", np.full_like(level, _constant(y, own))
    elif line_fit < _BELIEVED:
        law, at = "poisson-gaussian", np.maximum(slope * level + offset, y.min() * 0.25)
    else:
        at = np.exp(np.interp(level, x, _smooth(np.log(y), own)))
    misfit = float(np.sqrt(np.average(np.square(0.5 * np.log(y / line)), weights=1 / own**2)))
    # Where nothing flat was seen, the curve may be as far off as what was seen there is from it.
    off = np.abs(np.log(np.maximum(said / _TEXTURED, _TINY) / np.maximum(at, _TINY)))
    unseen = np.where(seen, 0.0, np.where(said > 0, off, _TEXTURED_DOUBT))
    error = 0.5 * float(np.hypot(doubt, np.sqrt(1.0 / np.sum(1 / own[seen[used]] ** 2)))) + 0.25 * float(unseen.mean())
    points = np.sqrt(np.where(seen, variance, np.nan))
    firm = fitted(level, variance, count, freedom=freedom, doubt=doubt) if rough is not None else None
    return NoiseCurve(level, np.sqrt(at), law, slope, offset, misfit, error, points, firm)


def _line(x: Array, y: Array, own: Array) -> tuple[float, float]:
    """a and b of the variance a x + b, a not negative, by least squares of relative errors, points above counting
    less."""
    at, weight = y.copy(), np.ones_like(y)
    slope, offset = 0.0, float(y.mean())
    for _ in range(12):
        w = weight / np.square(own * at)
        mean_x, mean_y = np.average(x, weights=w), np.average(y, weights=w)
        spread = float(np.sum(w * np.square(x - mean_x)))
        slope = max(0.0, float(np.sum(w * (x - mean_x) * (y - mean_y))) / spread) if spread > 0 else 0.0
        offset = float(mean_y - slope * mean_x)
        at = np.maximum(slope * x + offset, y.min() * 0.25)
        weight = _weights((y - at) / (own * at))
    return slope, offset


def _constant(y: Array, own: Array) -> float:
    at = float(np.median(y))
    for _ in range(12):
        w = _weights((y - at) / (own * at)) / np.square(own)
        at = float(np.average(y, weights=w))
    return at


def _smooth(logarithm: Array, own: Array) -> Array:
    bend = np.diff(np.eye(len(logarithm)), 2, axis=0)
    out, weight = logarithm, np.ones_like(logarithm)
    for _ in range(8):
        w = weight / np.square(own) * _LEAST_DOUBT**2
        out = np.asarray(np.linalg.solve(np.diag(w) + _SMOOTHING * bend.T @ bend, w * logarithm), np.float64)
        weight = _weights((logarithm - out) / own)
    return np.asarray(out)


def _weights(off: Array) -> Array:
    """Weights of points that lie ``off`` doubts above (or below) the curve: Huber's, and less above."""
    weight = 1.5 / np.maximum(np.abs(off), 1.5)
    return np.where(off > 1.0, _ABOVE * weight, weight)


def _misfit(y: Array, at: Array, own: Array, firm: NDArray[np.bool_]) -> float:
    """How far a law is from points, in their doubts: those that are firm, and half of that from the rough ones."""
    off = _doubts(y[firm], at[firm], own[firm])
    rough = np.square(np.log(y[~firm] / at[~firm]) / own[~firm])
    return max(off, 0.7 * float(np.sqrt(rough.mean()))) if rough.size else off


def _doubts(y: Array, at: Array, own: Array) -> float:
    """Rms distance of the points from a law, in their doubts; the highest fifth left out."""
    off = np.square(np.log(y / at) / own)
    kept = np.sort(off)[: max(3, int(np.ceil(0.8 * len(off))))]
    return float(np.sqrt(kept.mean()))
