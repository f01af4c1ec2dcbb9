"""What noise comes from: film grain, an electronic camera, compression, or nothing to speak of; with its evidence.

Each piece of evidence is one number that differs by origin. A softmax over them gives the odds: linear, so what each
piece adds to a verdict can be said. Where what is new in each frame is too little to matter there is nothing to judge,
and unless a codec has left its blocks the picture is clean. The weights (``noise_verdict.json``) are fitted by
``tests/bench/noise_verdict.py`` to stocks, cameras and codecs of the damage models, and tried there on others. Pictures
are scene-linear, (H, W, 3).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.noise_blocks import orders
from wetgate.ops.noise_curve import NoiseCurve
from wetgate.ops.noise_measure import MeasuredNoise
from wetgate.ops.noise_pattern import pattern_of
from wetgate.ops.noise_traces import empty_share, mosaic_phase
from wetgate.spec import Image

Array = NDArray[np.float64]

ORIGINS = ("grain", "electronic", "compression")
CLEAN, UNKNOWN = "clean", "unknown"
EVIDENCE: Mapping[str, str] = {
    "tone": "Exponent of variance against light: 2 and beyond for noise of density, 0 to 1 for counted photons.",
    "tilt": "Middle against fine frequencies, natural logarithm of power: 0 is white.",
    "clumps": "Coarse against middle frequencies, natural logarithm of power.",
    "unlike": "How much coarser red and blue are than green, as a mosaic makes them.",
    "common_fine": "Correlation between channels above a quarter cycle a pixel.",
    "common_coarse": "The same below.",
    "phase": "Trace of a colour mosaic in the noise of neighbouring pixels.",
    "lines": "Excess variance of rows or columns, natural logarithm.",
    "blocks": "Steps on a grid of 8 pixels, natural logarithm of one and their doubts.",
    "empty": "Share of blocks without any fine energy.",
    "new": "Share of the noise that is new in each frame; 0.9 where one frame is all there is.",
    "level": "Natural logarithm of the deviation at mid-grey that is new in each frame, in 8-bit sRGB codes.",
}
_GREY = 0.18
_SLOPE_AT_GREY = 1.055 / 2.4 * _GREY ** (1 / 2.4 - 1)  # of the sRGB curve, IEC 61966-2-1
# Below these odds nothing is said.
_SURE = 0.6
# Half of the deviation that rounding to 8 bits has itself (1 / sqrt 12 of a code): nothing that anybody would take out.
_CLEAN_BELOW = 0.15
_GRID = float(np.log1p(4.0))  # evidence "blocks" of a grid that is there: four doubts


@dataclass(frozen=True, slots=True)
class Verdict:
    """``origin``: one of :data:`ORIGINS`, ``clean``, or ``unknown`` where the evidence is thin; ``confidence`` 0 to 1,
    of the likeliest; ``odds`` of each; ``evidence`` by the names of :data:`EVIDENCE`; ``reasons``: the three names that
    did most for the likeliest origin against the next."""

    origin: str
    confidence: float
    odds: Mapping[str, float]
    evidence: Mapping[str, float]
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "origin": self.origin,
            "confidence": round(self.confidence, 4),
            "odds": {name: round(p, 4) for name, p in self.odds.items()},
            "evidence": {name: round(v, 4) for name, v in self.evidence.items()},
            "reasons": list(self.reasons),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """Back from :meth:`to_json`."""
        return cls(data["origin"], data["confidence"], data["odds"], data["evidence"], tuple(data["reasons"]))


def judge(measured: MeasuredNoise, frames: Sequence[Image]) -> Verdict:
    """The origin of noise that was measured in ``frames``, scene-linear (H, W, 3)."""
    evidence = evidence_of(measured, frames)
    values = np.array(list(evidence.values()))
    weights = _weights()
    unit = np.clip((values - weights["mean"]) / weights["scale"], -4.0, 4.0)
    score = weights["weight"] @ unit + weights["bias"]
    odds = np.exp(score - score.max())
    odds /= odds.sum()
    first, second = np.argsort(odds)[::-1][:2]
    share = (weights["weight"][first] - weights["weight"][second]) * unit
    reasons = tuple(list(EVIDENCE)[i] for i in np.argsort(share)[::-1][:3])
    confidence = float(odds[first])
    origin = ORIGINS[first] if confidence >= _SURE else UNKNOWN
    coded = odds[ORIGINS.index("compression")] >= 0.5 and evidence["blocks"] > _GRID
    if evidence["level"] < np.log(_CLEAN_BELOW) and not coded:
        # As sure as the level is far from the bound, by a logistic of its logarithm.
        origin = CLEAN
        confidence = float(1 / (1 + np.exp(evidence["level"] - np.log(_CLEAN_BELOW))))
    return Verdict(
        origin,
        confidence,
        {name: float(p) for name, p in zip(ORIGINS, odds, strict=True)},
        evidence,
        reasons,
    )


def evidence_of(measured: MeasuredNoise, frames: Sequence[Image]) -> dict[str, float]:
    """The numbers that a verdict rests on, by the names of :data:`EVIDENCE`."""
    order = orders()
    power = measured.spectrum
    coarse, middle, fine = (
        np.log(np.maximum(power[:, (order >= a) & (order <= b)].mean(axis=1), 1e-6))
        for a, b in ((1, 3), (5, 7), (9, 12))
    )
    tilt = middle - fine
    encoded = [_encoded(frame) for frame in frames]
    steps = max(float(pattern_of(image).blockiness.max()) for image in encoded)
    known = measured.independence[np.isfinite(measured.independence)]
    curves = measured.curves
    new = float(np.clip(known.mean(), 0.0, 1.2)) if len(known) else 0.9
    grey = np.mean([np.square((c.firm or c).deviation_at(np.array([_GREY]))[0]) for c in curves])
    if len(known):
        grey *= np.clip(new, 1e-3, 1.0)
    excess = max(float(np.median(measured.pattern.row_excess)), float(np.median(measured.pattern.column_excess)))
    return {
        "tone": float(np.mean([_exponent(c) for c in curves])),
        "tilt": float(tilt.mean()),
        "clumps": float((coarse - middle).mean()),
        "unlike": float((tilt[0] + tilt[-1]) / 2 - tilt[len(tilt) // 2]),
        "common_fine": _common(measured.correlation_fine),
        "common_coarse": _common(measured.correlation_coarse),
        "phase": max(float(mosaic_phase(image).max()) for image in encoded),
        "lines": float(np.log(max(excess, 0.5))),
        "blocks": float(np.log1p(max(steps, 0.0))),
        "empty": float(np.mean([empty_share(image) for image in encoded])),
        "new": new,
        "level": float(np.log(max(np.sqrt(grey) * _SLOPE_AT_GREY * 255, 1e-3))),
    }


def _exponent(curve: NoiseCurve) -> float:
    """Slope of the logarithm of variance against that of light, over the levels where both are there."""
    usable = np.isfinite(curve.points) & (curve.points > 0) & (curve.level > 0.004)
    if usable.sum() < 4:
        return 1.0
    x, y = np.log(curve.level[usable]), 2 * np.log(curve.points[usable])
    if np.ptp(x) < 0.5:
        return 1.0
    slopes = [(y[j] - y[i]) / (x[j] - x[i]) for i in range(len(x)) for j in range(i) if abs(x[j] - x[i]) > 0.25]
    return float(np.clip(np.median(slopes), -1.0, 4.0))  # of all pairs: H. Theil's, and robust


def _common(correlation: Array) -> float:
    size = len(correlation)
    return float(correlation[~np.eye(size, dtype=bool)].mean()) if size > 1 else 1.0


def _encoded(light: Image) -> Image:
    """Light as codes near enough to those that cameras and codecs work on."""
    return np.asarray(np.sign(light) * np.power(np.abs(light), np.float32(1 / 2.4)), np.float32)


@cache
def _weights() -> Mapping[str, Array]:
    data = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    if data["origins"] != list(ORIGINS) or data["evidence"] != list(EVIDENCE):
        raise ValueError("noise_verdict.json was fitted to other evidence: run tests/bench/noise_verdict.py --fit")
    return {name: np.array(data[name], np.float64) for name in ("mean", "scale", "weight", "bias")}
