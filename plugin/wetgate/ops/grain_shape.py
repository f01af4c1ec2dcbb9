"""The shape of grain: its power spectrum on film, what a scanner's pixel makes of it, and kernels that have it.

Spectra are densities of power over frequency, in cycles a pixel, on an FFT grid of ``GRID`` x ``GRID`` (``fftfreq``
order); a kernel is what white noise is convolved with to have such a spectrum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wetgate.color.film_stocks import APERTURE_UM
from wetgate.ops.blur import gaussian_taps
from wetgate.spec import Image

Array = NDArray[np.float64]

GRID = 128
# Radii of the dye clouds about the nominal one, and how many there are of each: ours, a log-normal of 30 % in three
# classes. Clouds of one size alone would leave rings in the spectrum.
CLOUD_RADII = (0.7, 1.0, 1.35)
CLOUD_SHARES = (0.25, 0.5, 0.25)
_ALIASES = 3
_RADII = (2, 4, 6, 8, 12, 16, 24, 31)  # below a patch of white noise, and half of GRID
# A kernel is good when its spectrum is this near on every ring of frequency less than 35 dB below the top, and within
# three times as much down to 70 dB: coarse grain in small pixels falls so far within the picture's frequencies, and a
# floor in place of that fall would be a grit that the stock does not have.
_WITHIN_DB, _CUT_WITHIN_DB = 0.3, 0.25
_FLOOR, _FAINT, _FAINT_WEIGHT = 10**-7.0, 10**-3.5, 1 / 3
_WIDTHS = (0.0, *(float(round(0.3 * 2 ** (k / 2), 4)) for k in range(10)))
_MOST_GAUSSIANS = 5


@dataclass(frozen=True, slots=True)
class Kernel:
    """A symmetric convolution kernel of unit energy as a sum of separable passes: (taps down, taps across)."""

    passes: tuple[tuple[Image, Image], ...]

    @property
    def radius(self) -> int:
        return max(len(down) for down, _ in self.passes) // 2

    def image(self) -> Array:
        """The kernel itself, (2 r + 1, 2 r + 1)."""
        out = np.zeros((2 * self.radius + 1, 2 * self.radius + 1))
        for down, across in self.passes:
            margin = self.radius - len(down) // 2
            inner = slice(margin, margin + len(down))
            out[inner, inner] += np.outer(down.astype(np.float64), across.astype(np.float64))
        return out

    def overlap(self, other: Kernel) -> float:
        """Correlation at one pixel of two fields made by these kernels of the same white noise."""
        a, b = self.image(), other.image()
        r = min(self.radius, other.radius)
        a = a[self.radius - r : self.radius + r + 1, self.radius - r : self.radius + r + 1]
        b = b[other.radius - r : other.radius + r + 1, other.radius - r : other.radius + r + 1]
        return float((a * b).sum())


def frequencies() -> tuple[Array, Array]:
    """Frequency down (GRID, 1) and across (1, GRID), in cycles a pixel."""
    axis: Array = np.asarray(np.fft.fftfreq(GRID), np.float64)
    return axis[:, None], axis[None, :]


def clouds_power(frequency_per_um: Array, diameter_um: float) -> Array:
    """Power spectrum of dye clouds of a nominal diameter, strewn at random; 1 at zero frequency.

    The sum over cloud sizes of the squared transforms of their discs: D. Middleton's shot noise of discs, as
    J. C. Dainty and R. Shaw, Image Science (1974), section 8.3 have it for grain.
    """
    total, norm = np.zeros_like(frequency_per_um), 0.0
    for radius, share in zip(CLOUD_RADII, CLOUD_SHARES, strict=True):
        weight = share * radius**4
        total += weight * _disc(math.pi * diameter_um * radius * frequency_per_um) ** 2
        norm += weight
    return total / norm


def stock_power(diameter_um: float, pitch_um: float, softness_px: float) -> Array:
    """Spectrum of a stock's grain in pixels of ``pitch_um`` of film, (GRID, GRID), in units of the film's at zero
    frequency: averaged over the pixel's square, sampled (so aliased), and blurred by a Gaussian of ``softness_px``."""
    down, across = frequencies()
    reach = range(-_ALIASES, _ALIASES + 1)
    radii = np.linspace(0.0, 1.5 * (_ALIASES + 1), 2048)
    clouds = clouds_power(radii / pitch_um, diameter_um)
    power = np.zeros((GRID, GRID))
    for j in reach:
        for i in reach:
            square = np.sinc(down + j) ** 2 * np.sinc(across + i) ** 2
            power += np.interp(np.hypot(down + j, across + i), radii, clouds) * square
    return np.asarray(power * np.square(_gaussian_response(softness_px)))


def pixel_over_aperture(power: Array, diameter_um: float, pitch_um: float) -> float:
    """Standard deviation of a pixel for a stock of which a 48 um aperture sees 1."""
    frequency = np.linspace(0.0, 8.0 / APERTURE_UM, 4096)
    seen = clouds_power(frequency, diameter_um) * _disc(math.pi * APERTURE_UM * frequency) ** 2
    aperture = float(np.trapezoid(seen * 2 * math.pi * frequency, frequency))
    return math.sqrt(float(power.mean()) / pitch_um**2 / aperture)


def measured_power(frequency: Array, power: Array, stretch: float, softness_px: float = 0.0) -> Array:
    """Spectrum on the grid of a radial one that was measured: ``power`` at ``frequency``, cycles a pixel.

    ``stretch`` above 1 makes grain that many times larger in pixels. Between samples the logarithm is linear; below
    the lowest the spectrum is held, above the highest it goes on as it fell there. Blurred by ``softness_px`` on top
    (8 at most).
    """
    down, across = frequencies()
    radius = np.hypot(down, across) * stretch
    level = np.log(np.maximum(power, power.max() * 1e-8))
    shape = np.interp(radius, frequency, level)
    slope = min(0.0, float((level[-1] - level[-4]) / (frequency[-1] - frequency[-4])))
    shape += slope * np.maximum(radius - frequency[-1], 0.0)
    return np.asarray(np.exp(shape) * np.square(_gaussian_response(softness_px)) * stretch**2)


def kernel_of(power: Array) -> Kernel:
    """The symmetric kernel whose squared transform is ``power`` (GRID, GRID), scaled to unit energy."""
    return _kernel(np.ascontiguousarray(power, np.float64).tobytes())


@lru_cache(maxsize=64)
def _kernel(raw: bytes) -> Kernel:
    power = np.frombuffer(raw, np.float64).reshape(GRID, GRID)
    wanted = _Wanted.of(power)
    passes = min((p for p in (_of_gaussians(wanted), _of_anything(power, wanted)) if p), key=_cost)
    scale = 1.0 / math.sqrt(float((Kernel(passes).image() ** 2).sum()))
    return Kernel(tuple(((v * scale).astype(np.float32), h.astype(np.float32)) for v, h in passes))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The rings of frequency of a spectrum of unit mean: which of them count and how much, and the level of each."""

    counts: NDArray[np.bool_]
    level: Array
    weight: Array

    @classmethod
    def of(cls, power: Array) -> _Wanted:
        rings = _ring_means(power) / power.mean()
        counts = (rings > _FLOOR * rings.max()) & (np.arange(len(rings)) <= GRID // 2)
        weight = np.where(rings > _FAINT * rings.max(), 1.0, _FAINT_WEIGHT)
        return cls(counts, rings, weight[counts])

    def off(self, power: Array) -> float:
        """How far a spectrum is from this one, in dB, on its worst ring; faint rings weigh less."""
        rings = _ring_means(power) / power.mean()
        levels = 10 * np.log10(np.maximum(rings[self.counts], 1e-30) / self.level[self.counts])
        return float((np.abs(levels) * self.weight).max())


def _of_gaussians(wanted: _Wanted) -> tuple[tuple[Image, Image], ...]:
    """A sum of Gaussians, each one separable pass, or nothing where five of them do not make the spectrum.

    Chosen one by one from a ladder of widths, each time the one that with the others brings the amplitude nearest, by
    least squares of its relative error.
    """
    amplitude = np.sqrt(np.maximum(wanted.level, wanted.level.max() * _FLOOR))
    weights = np.where(np.arange(len(amplitude)) <= GRID // 2, 1.0, 0.3) / amplitude
    columns = np.stack([_ring_means(_gaussian_response(s)) for s in _WIDTHS], axis=1) * weights[:, None]
    target = amplitude * weights
    chosen: list[int] = []
    for _ in range(_MOST_GAUSSIANS):
        best, least = -1, math.inf
        for k in range(len(_WIDTHS)):
            if k in chosen:
                continue
            left = columns[:, [*chosen, k]]
            rest = float(np.square(left @ np.linalg.lstsq(left, target, rcond=None)[0] - target).sum())
            if rest < least:
                best, least = k, rest
        chosen.append(best)
        shares = np.linalg.lstsq(columns[:, chosen], target, rcond=None)[0]
        response = sum(w * _gaussian_response(_WIDTHS[k]) for w, k in zip(shares, chosen, strict=True))
        if wanted.off(np.square(response)) < _WITHIN_DB:
            taps = [gaussian_taps(_WIDTHS[k], _radius(_WIDTHS[k])) for k in chosen]
            return tuple((t * np.float32(w), t) for w, t in zip(shares, taps, strict=True))
    return ()


def _of_anything(power: Array, wanted: _Wanted) -> tuple[tuple[Image, Image], ...]:
    """The kernel by an inverse transform, cut where it may be, and split into passes by its singular values: of the
    radii that hold the spectrum, the cheapest, since a cut that is too close takes more passes to follow."""
    full = np.fft.fftshift(np.real(np.fft.ifft2(np.sqrt(power))))
    centre = GRID // 2
    best: tuple[tuple[Image, Image], ...] = ()
    for radius in _RADII:
        cut = full[centre - radius : centre + radius + 1, centre - radius : centre + radius + 1]
        if radius < _RADII[-1] and wanted.off(_transformed(cut)) >= _CUT_WITHIN_DB:
            continue
        left, values, right = np.linalg.svd(cut)
        most = len(values) if not best else _cost(best) // (2 * len(values) + 8)  # more passes would cost more
        for rank in range(1, most + 1):
            if wanted.off(_transformed((left[:, :rank] * values[:rank]) @ right[:rank])) < _WITHIN_DB:
                break
        else:
            if best:
                continue
        passes = [(left[:, k] * values[k], right[k]) for k in range(rank)]
        best = tuple((v.astype(np.float32), h.astype(np.float32)) for v, h in passes)
    return best


def _cost(passes: tuple[tuple[Image, Image], ...]) -> int:
    """Taps that a pixel takes, and about eight more for reading and adding up a pass."""
    return sum(len(down) + len(across) + 8 for down, across in passes)


def _transformed(kernel: Array) -> Array:
    return np.asarray(np.square(np.abs(np.fft.fft2(kernel, s=(GRID, GRID)))))


def _radius(sigma: float) -> int:
    return max(1, math.ceil(3.5 * sigma)) if sigma > 0 else 0


@lru_cache(maxsize=64)
def _gaussian_response(sigma: float) -> Array:
    """Transform of a Gaussian blur, (GRID, GRID), the taps integrated over each pixel."""
    centred = np.zeros(GRID)
    r = _radius(sigma)
    centred[np.arange(-r, r + 1)] = gaussian_taps(sigma, r)
    response = np.real(np.fft.fft(centred))
    return np.asarray(response[:, None] * response[None, :])


def _ring_means(power: Array) -> Array:
    ring = np.rint(np.hypot(*frequencies()) * GRID).astype(np.intp).ravel()
    return np.bincount(ring, power.ravel()) / np.bincount(ring)


def mixing(correlation: Array, kernels: Sequence[Kernel]) -> Array:
    """How to mix white noise for three layers, (3, 3) lower triangular, so that the fields correlate as asked.

    Layers of unlike spectra cannot correlate fully: what cannot be had is brought to the nearest that can.
    """
    overlap = np.array([[a.overlap(b) for b in kernels] for a in kernels])
    wanted = np.clip(correlation / overlap, -1.0, 1.0)
    np.fill_diagonal(wanted, 1.0)
    values, vectors = np.linalg.eigh((wanted + wanted.T) / 2)
    possible = (vectors * np.maximum(values, 0.0)) @ vectors.T
    scale = 1.0 / np.sqrt(np.diag(possible))
    return _cholesky(possible * np.outer(scale, scale))


def _cholesky(matrix: Array) -> Array:
    """Lower-triangular root of a matrix that may be singular, where numpy's wants it positive definite."""
    size = len(matrix)
    root = np.zeros((size, size))
    for j in range(size):
        rest = matrix[j, j] - root[j, :j] @ root[j, :j]
        root[j, j] = math.sqrt(rest) if rest > 1e-9 else 0.0
        for i in range(j + 1, size):
            root[i, j] = (matrix[i, j] - root[i, :j] @ root[j, :j]) / root[j, j] if root[j, j] else 0.0
    return root


def _disc(x: Array) -> Array:
    """2 J1(x) / x, the transform of a disc: (2 / pi) times the integral of sqrt(1 - t^2) cos(x t) over -1..1, by
    Gauss-Chebyshev quadrature of the second kind (exact to rounding for x below 100 with 96 nodes)."""
    angle = math.pi * np.arange(1, 97) / 97
    weights = 2.0 / 97 * np.sin(angle) ** 2
    nodes = np.cos(angle)[:48]  # the integrand is even
    out = np.zeros_like(x)
    for node, weight in zip(nodes, weights[:48], strict=True):
        out += 2.0 * weight * np.cos(x * node)
    return out
