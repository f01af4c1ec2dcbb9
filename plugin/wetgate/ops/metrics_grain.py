"""How far the grain or noise of one picture is from another's: spectrum, strength by tone, correlation of channels.

Grain is what is left of the flattest patches of a picture after a smooth surface is taken out of each. Measured so,
two pictures need not hold the same grain, only the same kind of it. Pictures are (H, W, C) in one encoding that the
caller chooses: code values for video noise, density for film. Spectra need samples: pool frames
(:meth:`GrainSample.merged`) before reading small differences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image, UsageError

Array = NDArray[np.float64]

PATCH = 64
TONES = 8
# Third-octave centres, in cycles a pixel, from 1/32 to below Nyquist.
BANDS: tuple[float, ...] = tuple(2.0 ** (-5 + k / 3) for k in range(12))
_STEP = 32
_FFT = 2 * PATCH  # padded with zeros, so that the lowest rings are sampled finely enough to hold values
_FLAT_SHARE = 0.15
_FEWEST = 4


@dataclass(frozen=True, slots=True)
class GrainSample:
    """Sums over patches, from which all statistics follow; samples of several frames add up.

    ``power`` is the summed periodogram by band and channel, (12, C), each patch scaled to unit area;
    ``squares`` the summed variance by tone and channel, (8, C), ``weights`` the patches in each tone, (8, C);
    ``products`` the summed channel covariance, (C, C); ``patches`` how many there were.
    """

    power: Array
    squares: Array
    weights: Array
    products: Array
    patches: int

    def merged(self, other: GrainSample) -> GrainSample:
        """Both samples as one."""
        return GrainSample(
            self.power + other.power,
            self.squares + other.squares,
            self.weights + other.weights,
            self.products + other.products,
            self.patches + other.patches,
        )

    def spectrum(self) -> Array:
        """Power spectral density by third-octave band and channel, (12, C), in squared code values a (cycle/px)^2."""
        return self.power / self.patches

    def deviation(self) -> Array:
        """Standard deviation by tone and channel, (8, C); nan where no patch had the tone."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(self.squares / self.weights))

    def correlation(self) -> Array:
        """Correlation between channels, (C, C); nan beside a channel without grain."""
        scale = np.sqrt(np.diag(self.products))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.products / np.outer(scale, scale))


@dataclass(frozen=True, slots=True)
class GrainDistance:
    """``spectrum_db``: rms over bands and channels of the level difference in dB. ``deviation_percent``: rms relative
    difference of the standard deviation over the tones that both have. ``correlation``: largest difference of a
    correlation between channels. All are 0 for like grain; ``spectrum_db`` includes a difference of strength.
    """

    spectrum_db: float
    deviation_percent: float
    correlation: float


def flat_patches(image: Image, *, share: float = _FLAT_SHARE) -> list[tuple[int, int]]:
    """The (y, x) of the flattest patches of 64 pixels, on a grid of 32: where grain can be seen alone.

    Flatness is the variance of 8x8 block means, which grain moves little, structure a lot; patches whose mean lies in
    the lowest or highest hundredth of the picture's range are left out (crushed or clipped grain). ``share`` of the
    places, four at least. Raises :class:`UsageError` for a picture that does not hold one patch.
    """
    luma = image if image.ndim == 2 else image.mean(axis=2)
    if min(luma.shape) < PATCH:
        raise UsageError(
            f"grain cannot be measured on {luma.shape[1]}x{luma.shape[0]}", allowed=f"{PATCH} pixels or more a side"
        )
    low, high = float(luma.min()), float(luma.max())
    margin = 0.01 * (high - low)
    ranked: list[tuple[bool, float, int, int]] = []
    for y in range(0, luma.shape[0] - PATCH + 1, _STEP):
        for x in range(0, luma.shape[1] - PATCH + 1, _STEP):
            patch = np.asarray(luma[y : y + PATCH, x : x + PATCH], np.float64)
            blocks = _detrended(patch[..., None])[0][..., 0].reshape(8, 8, 8, 8).mean(axis=(1, 3))
            extreme = not low + margin <= patch.mean() <= high - margin
            ranked.append((extreme, float(blocks.var()), y, x))
    ranked.sort()
    return [(y, x) for _, _, y, x in ranked[: max(_FEWEST, int(len(ranked) * share))]]


def grain_sample(image: Image, places: list[tuple[int, int]], *, tones: Image | None = None) -> GrainSample:
    """The grain of ``image`` at ``places``, each patch less its fitted quadratic surface.

    ``tones`` gives the tone that patches are sorted by, 0 to 1 in eight classes (default: the image itself), so that
    a test picture is sorted by the reference's tones.
    """
    values = np.asarray(image if image.ndim == 3 else image[..., None], np.float64)
    guide = values if tones is None else np.asarray(tones if tones.ndim == 3 else tones[..., None], np.float64)
    channels = values.shape[2]
    power = np.zeros((len(BANDS), channels))
    squares, weights = np.zeros((TONES, channels)), np.zeros((TONES, channels))
    products = np.zeros((channels, channels))
    window = np.outer(np.hanning(PATCH), np.hanning(PATCH))[..., None]
    gain = 1.0 / float(np.sum(window**2))
    for y, x in places:
        rest, freedom = _detrended(values[y : y + PATCH, x : x + PATCH])
        covariance = np.einsum("yxc,yxd->cd", rest, rest) / freedom
        products += covariance
        tone = guide[y : y + PATCH, x : x + PATCH].mean(axis=(0, 1))
        for c in range(channels):
            k = int(np.clip(tone[c] * TONES, 0, TONES - 1))
            squares[k, c] += covariance[c, c]
            weights[k, c] += 1
        power += _bands(np.square(np.abs(np.fft.fft2(rest * window, s=(_FFT, _FFT), axes=(0, 1)))) * gain)
    return GrainSample(power, squares, weights, products, len(places))


def grain_distance(reference: GrainSample, test: GrainSample) -> GrainDistance:
    """How the grain of ``test`` differs from ``reference``. A picture without grain is infinitely far from grain."""
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = 10.0 * np.log10(test.spectrum() / reference.spectrum())
        ratio = test.deviation() / reference.deviation() - 1.0
    levels[np.isnan(levels)] = 0.0  # 0/0: neither has any
    both = ratio[np.isfinite(ratio)]
    apart = np.abs(test.correlation() - reference.correlation())
    return GrainDistance(
        spectrum_db=float(np.sqrt(np.mean(np.square(levels)))),
        deviation_percent=100.0 * float(np.sqrt(np.mean(np.square(both)))) if both.size else math.nan,
        correlation=float(np.nanmax(apart)) if np.isfinite(apart).any() else math.nan,
    )


def _detrended(patch: Array) -> tuple[Array, int]:
    """The patch less its least-squares quadratic surface, and the degrees of freedom that are left."""
    q = _surfaces()
    flat = patch.reshape(PATCH * PATCH, -1)
    return np.asarray((flat - q @ (q.T @ flat)).reshape(patch.shape)), len(q) - q.shape[1]


@cache
def _surfaces() -> Array:
    """An orthonormal basis of the quadratic surfaces on a patch, (4096, 6)."""
    axis = np.linspace(-1, 1, PATCH)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    basis = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, 6)
    q = np.linalg.qr(basis)[0]
    q.flags.writeable = False
    return q


def _bands(power: Array) -> Array:
    """Mean periodogram in each third-octave ring."""
    return np.stack([power[ring].mean(axis=0) for ring in _rings()])


@cache
def _rings() -> tuple[NDArray[np.bool_], ...]:
    frequency = np.fft.fftfreq(_FFT)
    radius = np.hypot(frequency[:, None], frequency[None, :])
    half = 2.0 ** (1 / 6)
    return tuple((radius >= f / half) & (radius < f * half) for f in BANDS)
