"""How far grain that was made is from grain that was measured, as the targets of a match are put.

Deviation by tone in percent, the radial spectrum by third-octave bands in dB, correlation between layers. Both are
:class:`~wetgate.ops.grain_analysis.MeasuredGrain`, so both went through the same analysis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.grain_analysis import MeasuredGrain
from wetgate.ops.metrics_grain import BANDS

Array = NDArray[np.float64]

# What a match is held to: per cent of the deviation, dB of the spectrum, hundredths of correlation.
DEVIATION_PERCENT, SPECTRUM_DB, CORRELATION = 3.0, 0.5, 0.03
_STEPS = 16  # frequencies that a band is averaged over


@dataclass(frozen=True, slots=True)
class GrainMatch:
    """Differences of ``made`` from ``source``. ``deviation_percent`` (T, 3) at the ``tones`` that both were measured
    at (densities, (T,)); ``spectrum_db`` (12, 3) by the bands of :data:`~wetgate.ops.metrics_grain.BANDS`;
    ``correlation`` (3, 3)."""

    tones: Array
    deviation_percent: Array
    spectrum_db: Array
    correlation: Array

    @property
    def worst(self) -> tuple[float, float, float]:
        """The largest of each, without its sign; nan where no tone is common."""
        deviation = float(np.abs(self.deviation_percent).max()) if self.deviation_percent.size else float("nan")
        return deviation, float(np.abs(self.spectrum_db).max()), float(np.abs(self.correlation).max())

    @property
    def holds(self) -> tuple[bool, bool, bool]:
        """Which of the three targets are met."""
        deviation, spectrum, correlation = self.worst
        return deviation <= DEVIATION_PERCENT, spectrum <= SPECTRUM_DB, correlation <= CORRELATION


def third_octaves(grain: MeasuredGrain) -> Array:
    """The power spectrum by third-octave band and layer, (12, 3), in dB against white noise of the same deviation."""
    levels = []
    for band in BANDS:
        inside = band * 2.0 ** np.linspace(-1 / 6, 1 / 6, _STEPS)
        layers = [np.interp(inside, grain.frequency, grain.power[:, c]) for c in range(3)]
        # A ring of the plane holds the more samples the longer it is.
        levels.append([float(np.average(layer, weights=inside)) for layer in layers])
    return np.asarray(10 * np.log10(np.maximum(np.array(levels), 1e-12)))


def compare(source: MeasuredGrain, made: MeasuredGrain) -> GrainMatch:
    """What ``made`` differs by, at its tones that ``source`` has too."""
    low = max(min(d[0] for d in g.density) for g in (source, made))
    high = min(max(d[-1] for d in g.density) for g in (source, made))
    knots = np.unique(np.concatenate([np.array(d) for d in made.density]))
    tones = knots[(knots >= low - 1e-9) & (knots <= high + 1e-9)]
    before, after = source.deviation_at(tones), made.deviation_at(tones)
    return GrainMatch(
        tones,
        100 * (after / np.maximum(before, 1e-12) - 1).T,
        third_octaves(made) - third_octaves(source),
        made.correlation - source.correlation,
    )
