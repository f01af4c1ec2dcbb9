"""The noise of a shot, measured from its frames: strength by level, spectrum, common parts, patterns, repeats.

``measure_noise(frames)`` works in whatever space the frames are in, unbounded, and all of its figures are in that
space's units: deviation in the units of the values, slope in units, offset in units squared, frequency in cycles a
pixel, lags in pixels. Clipped values are left out, so a clipped end does not pull the curve down; nothing is assumed of
the picture but that some of it is flatter than the rest. What the picture's own texture may have added is the curve's
``error``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.noise_blocks import BLOCK, Blocks, cut, radial_frequency
from wetgate.ops.noise_curve import NoiseCurve, fitted
from wetgate.ops.noise_level import Level, level_of
from wetgate.ops.noise_pattern import Pattern, pattern_of
from wetgate.ops.noise_temporal import difference_blocks, difference_energy, repeats
from wetgate.spec import Image

Array = NDArray[np.float64]

FORMAT = "wetgate.noise/1"
MOST_FRAMES = 6  # of a shot that its spatial estimate looks at, and pairs for its temporal one
_BLOCKS = 60_000
# Rings of the radial spectrum: their middles, in cycles a pixel.
RINGS: tuple[float, ...] = tuple((k + 1) / 16 for k in range(8))


@dataclass(frozen=True, slots=True)
class MeasuredNoise:
    """The noise of a shot of C channels.

    ``curves``: one by channel, from single frames. ``temporal``: the same from differences of neighbours, which still
    pictures leave; None for one frame, or where all repeat. ``spectrum`` (C, 64): power by 8 x 8 DCT coefficient,
    row-major, of mean 1 (index 0, the mean, is interpolated); ``white`` where it could not be told from a flat one.
    ``correlation`` (C, C): between channels, over all frequencies; ``correlation_coarse`` and ``correlation_fine``:
    below and above 1/4 cycle a pixel. ``pattern``: rows, columns, grid. ``repeated``: places in the run of frames that
    repeat the one before. ``independence`` (C,): temporal over spatial variance, 1 for noise that is new in every
    frame, nan where not known. ``flat``: share of blocks that hold nothing but noise. ``frames``: how many were seen.
    """

    curves: tuple[NoiseCurve, ...]
    temporal: tuple[NoiseCurve, ...] | None
    spectrum: Array
    white: bool
    correlation: Array
    correlation_coarse: Array
    correlation_fine: Array
    pattern: Pattern
    repeated: tuple[int, ...]
    independence: Array
    flat: float
    frames: int

    @property
    def best(self) -> tuple[NoiseCurve, ...]:
        """The curves to work by: of time where that says no more than single frames do, else of single frames.

        Texture raises what single frames say, motion what differences do: the lower is the truer, but for noise that
        stands still, which differences do not see; so below a hundredth of the spatial variance time is not believed.
        """
        if self.temporal is None:
            return self.curves
        pairs = zip(self.curves, self.temporal, self.independence, strict=True)
        return tuple(t if 0.01 < share <= 1.0 else s for s, t, share in pairs)

    def radial(self) -> Array:
        """Power by ring of frequency, (C, 8), mean 1 over the plane, at :data:`RINGS`."""
        ring = np.clip(np.rint(radial_frequency() * 16).astype(int) - 1, 0, len(RINGS) - 1)
        count = np.bincount(ring[1:], minlength=len(RINGS))
        return np.stack([np.bincount(ring[1:], row[1:], minlength=len(RINGS)) / count for row in self.spectrum])

    def autocorrelation(self) -> Array:
        """Correlation of a pixel with those 0 to 7 pixels (down, across) from it, (C, 8, 8)."""
        power = np.pad(self.spectrum.reshape(-1, BLOCK, BLOCK), ((0, 0), (0, 1), (0, 1)), mode="edge")
        basis = _lag_basis()
        raw = np.einsum("cuv,ul,vm->clm", power, basis, basis)
        return np.asarray(raw / raw[:, :1, :1])

    def deviation(self) -> Array:
        """Typical standard deviation by channel, (C,): rms over the knots."""
        return np.array([np.sqrt(np.mean(np.square(c.deviation))) for c in self.best])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON of some ten kilobytes; units as in the module's head."""
        return {
            "format": FORMAT,
            "frames": self.frames,
            "flat": round(self.flat, 4),
            "curves": [c.to_json() for c in self.curves],
            "temporal": None if self.temporal is None else [c.to_json() for c in self.temporal],
            "independence": [None if np.isnan(r) else round(float(r), 4) for r in self.independence],
            "repeated": list(self.repeated),
            "white": self.white,
            "spectrum": [_rounded(row) for row in self.spectrum],
            "correlation": [_rounded(row) for row in self.correlation],
            "correlation_coarse": [_rounded(row) for row in self.correlation_coarse],
            "correlation_fine": [_rounded(row) for row in self.correlation_fine],
            "pattern": {
                "row": _rounded(self.pattern.row),
                "column": _rounded(self.pattern.column),
                "row_excess": _rounded(self.pattern.row_excess),
                "column_excess": _rounded(self.pattern.column_excess),
                "blockiness": _rounded(self.pattern.blockiness),
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MeasuredNoise | None:
        """Back from :meth:`to_json`; None where nothing could be measured."""
        if not data.get("frames"):
            return None
        over_time = data["temporal"]
        return cls(
            tuple(NoiseCurve.from_json(c) for c in data["curves"]),
            None if over_time is None else tuple(NoiseCurve.from_json(c) for c in over_time),
            np.array(data["spectrum"], np.float64),
            bool(data["white"]),
            np.array(data["correlation"], np.float64),
            np.array(data["correlation_coarse"], np.float64),
            np.array(data["correlation_fine"], np.float64),
            Pattern(**{name: np.array(values, np.float64) for name, values in data["pattern"].items()}),
            tuple(data["repeated"]),
            np.array([np.nan if r is None else r for r in data["independence"]], np.float64),
            float(data["flat"]),
            int(data["frames"]),
        )


def chosen_frames(numbers: Sequence[int], most: int = MOST_FRAMES) -> list[int]:
    """Which frames of a shot to measure, in order: runs of neighbours, so that time can be read as well."""
    if len(numbers) <= most:
        return list(numbers)
    runs = max(1, most // 3)
    starts = np.linspace(0, len(numbers) - 3, runs).round().astype(int)
    return [numbers[i] for i in sorted({int(s) + k for s in starts for k in range(3)})]


def measure_noise(frames: Sequence[Image], numbers: Sequence[int] | None = None) -> MeasuredNoise | None:
    """The noise of frames, each (H, W, C) and all of one size; None where they hold too little to measure.

    ``numbers``: their frame numbers, where they are not one run: time is read from frames whose numbers follow one
    another.
    """
    images = [np.asarray(f, np.float32) for f in frames]
    if not images or min(images[0].shape[:2]) < BLOCK:
        return None
    order = list(range(len(images))) if numbers is None else list(numbers)
    pairs = [i for i in range(len(images) - 1) if order[i + 1] - order[i] == 1]
    energies = [difference_energy(images[i], images[i + 1]) for i in pairs]
    repeated = tuple(pairs[k - 1] + 1 for k in repeats(energies))
    fresh = [i for i in range(len(images)) if i not in repeated]
    spatial = _level([cut(images[i], most=_BLOCKS // len(fresh)) for i in fresh])
    if spatial is None:
        return None
    moving = [i for i in pairs if i + 1 not in repeated]
    over_time = None
    if moving:
        over_time = _level([difference_blocks(images[i], images[i + 1], _BLOCKS // len(moving)) for i in moving])
    curves = _curves(spatial)
    temporal = None if over_time is None else _curves(over_time)
    independence = np.full(len(curves), np.nan)
    if temporal is not None:
        # By flat places alone: texture moves, so what is read elsewhere is not the same in both.
        pairs_of = zip(*([c.firm or c for c in every] for every in (curves, temporal)), strict=True)
        for c, (single, change) in enumerate(pairs_of):
            alone = float(np.mean(np.square(single.deviation)))
            independence[c] = float(np.mean(change.variance_at(single.level))) / alone if alone > 0 else np.nan
    # Differences have the spectrum with less of the picture in it, unless what stands still is a part of the noise.
    source = over_time if over_time is not None and bool(np.all(independence > 0.5)) else spatial
    near = radial_frequency() < 0.25
    everything = np.ones(64, bool)
    return MeasuredNoise(
        curves,
        temporal,
        source.spectrum,
        source.white,
        _correlation(source, everything),
        _correlation(source, near),
        _correlation(source, ~near),
        _pattern([images[i] for i in fresh]),
        repeated,
        independence,
        spatial.flat,
        len(images),
    )


def _level(found: Sequence[Blocks]) -> Level | None:
    total = found[0]
    for more in found[1:]:
        total = total.merged(more)
    return level_of(total)


def _curves(level: Level) -> tuple[NoiseCurve, ...]:
    channels = zip(level.level, level.variance, level.count, level.rough, strict=True)
    return tuple(fitted(x, v, n, freedom=level.freedom, doubt=level.doubt, rough=r) for x, v, n, r in channels)


def _correlation(level: Level, where: NDArray[np.bool_]) -> Array:
    chosen = where.copy()
    chosen[0] = False
    total = level.covariance[..., chosen].sum(axis=2)
    scale = np.sqrt(np.maximum(np.diag(total), 1e-30))
    return np.asarray(np.clip(total / np.outer(scale, scale), -1.0, 1.0))


def _pattern(images: Sequence[Image]) -> Pattern:
    """The middle one of the patterns of the frames."""
    found = [pattern_of(i) for i in images]
    names = ("row", "column", "row_excess", "column_excess", "blockiness")
    return Pattern(*(np.median([getattr(p, n) for p in found], axis=0) for n in names))


def _rounded(values: Array) -> list[float]:
    return [float(f"{float(v):.4g}") for v in np.ravel(values)]


@cache
def _lag_basis() -> Array:
    """Weights that turn power at frequencies 0 to 8 sixteenths into autocovariance at lags 0 to 7, (9, 8): cosines, the
    two ends counted once where the others stand for two frequencies."""
    order, lag = np.arange(BLOCK + 1)[:, None], np.arange(BLOCK)[None, :]
    return np.asarray(np.cos(np.pi * order * lag / BLOCK) * np.where(order % BLOCK == 0, 0.5, 1.0))
