"""Grids of block edges of any size: after a resize they are neither 8 pixels wide nor on whole pixels.

A *profile* says how far each column edge (or row edge) of the picture stands out against those beside it, over all
rows. Block edges make it a comb; its period and phase are those for which a comb of three harmonics fits best.
Interpolation by itself leaves a regular pattern too, often in one harmonic alone, so no single harmonic may count for
more than the noise allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

# Periods that are looked for, in pixels: 8 reduced to 0.7 and enlarged to 1.4, with room.
LEAST_PERIOD, MOST_PERIOD = 5.45, 11.5
_WEIGHTS = (1.0, 1.0, 0.7)  # of the harmonics
_CAP = 6.0  # most that one harmonic counts, in deviations of the noise
_PHASES = 32
_BASE = 25  # columns: what changes more slowly than that is the picture
_OUTLIER = 4.0  # deviations at which the profile is cut off: single edges of the picture
_LEAST_SIZE = 64
_APART = 0.2  # periods over the whole profile: a size rounded by half a pixel, across and down, at the least period
_EXPECTED = 9.0  # score of both directions, at a place that was foretold
_BOTH = 2.0  # what the lesser of the first two harmonics counts besides
_COMPANION = 0.5  # of the best score, from which a comb is believed that explains it
# Measured on photographs (tests/bench/codec_measure.py): scores that no uncompressed picture reached.
_SCORE = 8.75
_LEAD = 1.15  # over the best other period
# Pixels between what the thirds of a picture tell, above which it is not told to a tenth of a pixel. Of 192 resized
# saves of 24 photographs for tuning 59 are told, each to within 0.08 (at 0.06 px 66 are, one of them 0.105 off).
_PARTS, _APART_MOST = 3, 0.05


@dataclass(frozen=True, slots=True)
class Comb:
    """Edges along one direction: ``period`` in pixels, ``phase`` the place of an edge (0 is the picture's own edge),
    0 <= phase < period; ``score`` in deviations of the noise; ``second`` the best score at another period."""

    period: float
    phase: float
    score: float
    second: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A grid: ``period`` and ``phase`` in pixels, (x, y). ``known`` says whether it is told to within a tenth of a
    pixel; ``confidence`` 0 to 1."""

    period: tuple[float, float]
    phase: tuple[float, float]
    known: bool
    confidence: float


def profile(plane: Image) -> Image:
    """How far each edge between columns stands out, in deviations: entry i is the edge at x = i + 1."""
    step = np.abs(np.diff(plane, axis=1))
    beside = 0.5 * (step[:, :-2] + step[:, 2:])
    middle = step[:, 1:-1]
    scale = beside + 0.25 * middle + np.float32(1 / 255)
    made = np.zeros(plane.shape[1] - 1, np.float64)
    made[1:-1] = np.clip((middle - beside) / scale, -1, 1).mean(axis=0)
    half = _BASE // 2
    made -= np.convolve(np.pad(made, half, mode="reflect"), np.full(_BASE, 1 / _BASE), "valid")
    deviation = float(np.sqrt((made**2).mean()))
    if deviation == 0:
        return np.zeros(len(made), np.float32)
    return np.asarray(np.clip(made / deviation, -_OUTLIER, _OUTLIER), np.float32)


class _Spectra:
    """The harmonics of a profile, in deviations of their noise, the middle of the profile as origin."""

    def __init__(self, made: Image) -> None:
        self.size = len(made)
        self.middle = (self.size + 1) / 2  # as an edge place
        self._places = np.arange(1, self.size + 1) - self.middle
        power = float((made.astype(np.float64) ** 2).sum())
        self._values = made.astype(np.float64) / np.sqrt(power) if power > 0 else made.astype(np.float64)

    def at(self, frequencies: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Three harmonics of each frequency (in cycles a pixel), (3, frequencies)."""
        first = np.exp(-2j * np.pi * np.outer(frequencies, self._places))
        second = first * first
        return np.stack([first @ self._values, second @ self._values, (second * first) @ self._values])


def _score(spectra: NDArray[np.complex128], phases: NDArray[np.float64]) -> NDArray[np.float64]:
    """The fit of a comb at each frequency and phase (in periods), (frequencies, phases)."""
    turns = np.exp(2j * np.pi * phases[None])
    first, second, third = (
        np.clip((spectra[k][:, None] * turns ** (k + 1)).real, -_CAP, _CAP) for k in range(len(_WEIGHTS))
    )
    # Edges are narrow: a comb has its first two harmonics. A pattern of interpolation is often one alone.
    return np.asarray(first + second + _WEIGHTS[2] * third + _BOTH * np.minimum(first, second))


def find_combs(profiles: Sequence[Image]) -> list[Comb]:
    """The comb of each profile, all of one period: that for which the sum of their scores is highest."""
    spectra = [_Spectra(p) for p in profiles]
    longest = max(s.size for s in spectra)
    frequencies = np.arange(1 / MOST_PERIOD, 1 / LEAST_PERIOD, 1 / (6 * longest))
    phases = np.arange(_PHASES) / _PHASES
    scores = [_score(s.at(frequencies), phases) for s in spectra]
    total = np.sum([s.max(axis=1) for s in scores], axis=0)
    frequency = _chosen(frequencies, total, spectra)
    width = 1 / (6 * longest)
    for _ in range(4):
        near = frequency + width * np.linspace(-1, 1, 9)
        fits = [_score(s.at(near), phases).max(axis=1) for s in spectra]
        frequency, width = float(near[int(np.sum(fits, axis=0).argmax())]), width / 3
    # What else the picture holds, but for what goes with this comb: its double, and its resampling pattern.
    away = np.abs(frequencies - frequency) > 2.5 / longest
    for other in (2 * frequency, frequency / 2, *_patterns(frequency)):
        away &= np.abs(frequencies - other) > 2.5 / longest
    return [
        _comb(s, frequency, float(score.max(axis=1)[away].max(initial=0.0)))
        for s, score in zip(spectra, scores, strict=True)
    ]


def _patterns(frequency: float) -> tuple[float, ...]:
    """The frequencies of the pattern that interpolation leaves in a picture whose blocks have this frequency: its old
    pixels, eight a block, against the new ones."""
    beat = 8 * frequency - round(8 * frequency)
    return (abs(beat), abs(2 * beat), abs(beat) / 2)


def _chosen(frequencies: NDArray[np.float64], total: NDArray[np.float64], spectra: list[_Spectra]) -> float:
    """The highest peak, or the one that it is a mere companion of: a comb twice as wide, or the blocks whose
    resampling it shows."""
    apart = 2.0 / max(s.size for s in spectra)
    inner = (total[1:-1] >= total[:-2]) & (total[1:-1] >= total[2:])
    peaks = 1 + np.flatnonzero(inner)
    peaks = peaks[np.argsort(total[peaks])[::-1][:12]]
    best = int(total.argmax())
    frequency = float(frequencies[best])
    for blocks in ((1 - frequency) / 8, (1 + frequency) / 8):  # what is at these places is not there by chance
        near = np.abs(frequencies - blocks) < apart / 4
        if near.any() and total[near].max() > _EXPECTED:
            return float(frequencies[near][int(total[near].argmax())])
    for peak in peaks:
        other = float(frequencies[peak])
        companion = abs(2 * other - frequency) < apart or any(abs(p - frequency) < apart for p in _patterns(other))
        if companion and total[peak] > _COMPANION * total[best]:
            return other
    return frequency


def _comb(spectra: _Spectra, frequency: float, second: float) -> Comb:
    fine = np.arange(400) / 400
    # Sizes are whole pixels, so that a resize is not quite the same across and down: each finds its own period.
    # What was capped to find the comb is not to place it: a score at its cap is as high over half a pixel.
    near = frequency + np.linspace(-_APART, _APART, 41) / spectra.size
    turns = np.exp(2j * np.pi * fine[None, ::4])
    sums = sum(
        w * (h[:, None] * turns ** (k + 1)).real
        for k, (w, h) in enumerate(zip(_WEIGHTS, spectra.at(near), strict=True))
    )
    frequency = float(near[int(np.max(sums, axis=1).argmax())])
    harmonics = spectra.at(np.array([frequency]))
    fits = _score(harmonics, fine)[0]
    place = int(fits.argmax())
    # The slope of the uncapped fit gives the phase between the steps.
    turn = sum(
        w * (k + 1) * np.angle(harmonics[k, 0] * np.exp(2j * np.pi * (k + 1) * fine[place])) * abs(harmonics[k, 0])
        for k, w in enumerate(_WEIGHTS)
    )
    weight = sum(w * (k + 1) ** 2 * abs(harmonics[k, 0]) for k, w in enumerate(_WEIGHTS))
    phase = fine[place] - float(turn / max(weight, 1e-9)) / (2 * np.pi)
    period = 1 / frequency
    return Comb(period, float((spectra.middle + phase * period) % period), float(fits[place]), second)


def find_grid_of(planes: Sequence[Image]) -> Grid | None:
    """The grid of block edges in luma planes (H, W) of one shot, 0 to 1; None where they are too small to tell."""
    if min(planes[0].shape) < _LEAST_SIZE:
        return None
    turned = [np.ascontiguousarray(p.T) for p in planes]
    across, down = (np.mean([profile(p) for p in way], axis=0) for way in (planes, turned))
    x, y = find_combs([across, down])
    known = _stands_out(x, y) and all(_agreed(c, way) for c, way in ((x, planes), (y, turned)))
    confidence = float(np.clip((x.score + y.score) / (4 * _SCORE), 0, 1))
    return Grid((x.period, y.period), (x.phase, y.phase), known, confidence)


def _stands_out(x: Comb, y: Comb) -> bool:
    score, second = x.score + y.score, x.second + y.second
    each = all(c.score > max(_SCORE / 2, c.second) for c in (x, y))
    return score > 2 * _SCORE and score > _LEAD * second and each


def _agreed(comb: Comb, planes: Sequence[Image]) -> bool:
    """Whether all parts of the pictures' rows have their edges at one place: what is there by chance, or is a pattern
    of the picture's own, seldom has."""
    places = []
    for rows in np.array_split(np.arange(planes[0].shape[0]), _PARTS):
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        spectra = _Spectra(np.mean([profile(p[part]) for p in planes], axis=0))
        own = _comb(spectra, 1 / comb.period, 0.0)
        turns = (spectra.middle - own.phase) / own.period  # compared in the middle, where the period matters least
        places.append(own.phase + own.period * round(turns))
    apart = (np.array(places) - places[0] + comb.period / 2) % comb.period - comb.period / 2
    return float(np.ptp(apart)) < _APART_MOST


def comb_at(made: Image, period: float, phase: float, harmonics: int) -> list[float]:
    """How far the harmonics of a comb at a known place stand out in a profile, in deviations, the first first."""
    power = float(np.sqrt((made.astype(np.float64) ** 2).sum()))
    if power == 0:
        return [0.0] * harmonics
    places = np.arange(1, len(made) + 1) - phase
    return [float(made @ np.cos(2 * np.pi * k * places / period)) / power for k in range(1, harmonics + 1)]
