"""The reference engine: grain as the crystals and dye clouds that it is, an inhomogeneous Boolean model.

Discs of several sizes lie at random, independently, the denser the more of the film is developed; what any disc covers
is dye. A. Newson, J. Delon and B. Galerne, "A Stochastic Film Grain Model for Resolution-Independent Rendering",
Computer Graphics Forum 36 (2017), section 3: the number of discs an area is -ln(1 - p) / E(pi r^2), so that a share p
is covered. Sizes are micrometres of film, whatever the pixel. Where Newson et al. sample each pixel by Monte Carlo,
here discs are drawn on a lattice fine against them, which is exact but for their places being rounded to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import gaussian_taps
from wetgate.ops.grain_field import each, patch_words
from wetgate.ops.grain_shape import CLOUD_RADII, CLOUD_SHARES
from wetgate.ops.random import Stream
from wetgate.spec import Image

Array = NDArray[np.float64]

# Lattice sites in the radius of the nominal disc; at least two a pixel, at most as many as memory bears.
_SITES_A_RADIUS = 3.0
_LEAST_SITES, _MOST_SITES = 2, 24
_BAND = 16  # rows of pixels worked at once, at fixed places
_SPAN = 64  # pixels across a patch of random sites
_SHARES = np.linspace(0.02, 0.98, 25)
_EVERY = 4
_DEVIATIONS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Crystals:
    """Discs in a scan: diameter in pixels, and the Gaussian softness of the scan in pixels."""

    diameter_px: float
    softness_px: float

    @property
    def sites(self) -> int:
        """Lattice sites a pixel and axis."""
        return int(np.clip(math.ceil(2 * _SITES_A_RADIUS / self.diameter_px), _LEAST_SITES, _MOST_SITES))

    @property
    def discs(self) -> tuple[NDArray[np.uint8], ...]:
        """The discs of each size as masks on the lattice, one size of array."""
        radii = [max(0.5, self.diameter_px / 2 * k * self.sites) for k in CLOUD_RADII]
        reach = math.ceil(max(radii) - 0.5)
        axis = np.arange(-reach, reach + 1)
        distance = np.hypot(axis[:, None], axis[None, :])
        return tuple((distance <= r).astype(np.uint8) for r in radii)

    def intensity(self, share: Array) -> Array:
        """Discs of all sizes a site, for a share of the film that is covered: -ln(1 - p) over their mean area."""
        mean_area = sum(s * int(d.sum()) for s, d in zip(CLOUD_SHARES, self.discs, strict=True))
        return -np.log1p(-share) / mean_area

    def deviation(self) -> Array:
        """Standard deviation of the covered share of a pixel, softness included, at each of :func:`shares`."""
        return _deviation(self)

    def lift(self, share: Array, deviation: Array) -> Array:
        """Density that keeps the mean of light: log10 of the mean of 10 ** -(deviation n) over the field's values n,
        for film covered to ``share`` and grain of ``deviation``, both (N,)."""
        tabled = _light_gain(self)
        rows = np.interp(np.clip(deviation, 0.0, _DEVIATIONS[-1]), _DEVIATIONS, np.arange(len(_DEVIATIONS)))
        columns = np.interp(share, _SHARES[::_EVERY], np.arange(tabled.shape[1]))
        r = np.minimum(rows.astype(np.intp), len(_DEVIATIONS) - 2)
        c = np.minimum(columns.astype(np.intp), tabled.shape[1] - 2)
        v, u = rows - r, columns - c
        near = (1 - u) * tabled[r, c] + u * tabled[r, c + 1]
        return np.asarray((1 - v) * near + v * ((1 - u) * tabled[r + 1, c] + u * tabled[r + 1, c + 1]))


def shares() -> Array:
    """Covered shares at which :meth:`Crystals.deviation` is stated."""
    return _SHARES.copy()


def crystal_field(
    share: Image,
    crystals: Crystals,
    *,
    stream: Stream,
    frame: int,
    x: int = 0,
    y: int = 0,
    threads: int = 1,
    check_abort: Callable[[], None] = lambda: None,
) -> Image:
    """Grain of unit variance (H, W) in a picture whose film is covered to ``share`` (H, W), 0.02 to 0.98.

    What is covered, less what would be on average, over its standard deviation. (x, y) is the first pixel's place in
    the full picture; the picture is continued past its edges as it ends there, so a tile agrees with the whole one
    from a few pixels inside.
    """
    taps = gaussian_taps(crystals.softness_px)
    around = len(taps) // 2 + math.ceil(crystals.diameter_px) + 1
    height, width = share.shape
    padded = np.pad(share.astype(np.float64), around, mode="edge")
    covered = np.empty(padded.shape, np.float32)
    top, left = y - around, x - around

    def fill(band: tuple[int, int]) -> None:
        check_abort()
        first, last = max(band[0], top), min(band[1], top + padded.shape[0])
        part = covered[first - top : last - top]
        part[...] = _covered(padded, crystals, stream, frame, (first, last), (top, left))

    bands = [(r * _BAND, (r + 1) * _BAND) for r in range(top // _BAND, (top + padded.shape[0] - 1) // _BAND + 1)]
    each(bands, fill, threads)
    grain = covered - _expected(padded, crystals)
    grain = _soft(grain, taps)[around : around + height, around : around + width]
    return np.asarray(grain / np.interp(share, _SHARES, crystals.deviation()), np.float32)


def _covered(
    share: Array, crystals: Crystals, stream: Stream, frame: int, rows: tuple[int, int], corner: tuple[int, int]
) -> Image:
    """Covered share of each pixel of a band of rows (counted in the full picture), (rows, W)."""
    import cv2

    sites, discs = crystals.sites, crystals.discs
    margin = -(-(len(discs[0]) // 2) // sites)  # pixels that a disc reaches
    first, last = rows[0] - margin, rows[1] + margin
    left, right = corner[1] - margin, corner[1] + share.shape[1] + margin
    index_y = np.clip(np.arange(first, last) - corner[0], 0, share.shape[0] - 1)
    index_x = np.clip(np.arange(left, right) - corner[1], 0, share.shape[1] - 1)
    intensity = crystals.intensity(share[index_y][:, index_x])
    union: NDArray[np.uint8] | None = None
    for size, (disc, part) in enumerate(zip(discs, CLOUD_SHARES, strict=True)):
        chance = (-np.expm1(-part * intensity) * 2.0**32).astype(np.uint32)
        words = _site_words(stream.child(size), frame, (first, last), (left, right), sites)
        hit = words < np.repeat(np.repeat(chance, sites, axis=0), sites, axis=1)
        grown = cv2.dilate(hit.view(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        union = grown if union is None else union | grown
    assert union is not None
    cut = margin * sites
    inner = np.ascontiguousarray(union[cut : union.shape[0] - cut, cut : union.shape[1] - cut], np.float32)
    pixels = (inner.shape[1] // sites, inner.shape[0] // sites)
    return np.asarray(cv2.resize(inner, pixels, interpolation=cv2.INTER_AREA))


def _site_words(
    stream: Stream, frame: int, rows: tuple[int, int], columns: tuple[int, int], sites: int
) -> NDArray[np.uint32]:
    """Random words of the lattice sites of these pixels; each row of pixels and span of columns has its own counter."""
    key = stream.key
    philox = (key[0] | key[1] << 32, 1)
    spans = range(columns[0] // _SPAN, (columns[1] - 1) // _SPAN + 1)
    out = np.empty(((rows[1] - rows[0]) * sites, len(spans) * _SPAN * sites), np.uint32)
    for j in range(*rows):
        for k, span in enumerate(spans):
            words = patch_words(philox, frame, (j, span), 1, sites, _SPAN * sites)[0]
            place = (j - rows[0]) * sites
            out[place : place + sites, k * _SPAN * sites : (k + 1) * _SPAN * sites] = words
    offset = (columns[0] - spans[0] * _SPAN) * sites
    return out[:, offset : offset + (columns[1] - columns[0]) * sites]


def _expected(share: Array, crystals: Crystals) -> Image:
    """The mean covered share of each pixel: of the intensity that its discs see, so that edges hold no grain."""
    import cv2

    sites, discs = crystals.sites, crystals.discs
    mean_disc = sum(s * d.astype(np.float64) for s, d in zip(CLOUD_SHARES, discs, strict=True))
    assert isinstance(mean_disc, np.ndarray)
    margin = -(-(len(discs[0]) // 2 + 1) // sites)
    size = (2 * margin + 1) * sites
    spread = np.zeros((size, size))
    # From anywhere in the middle pixel: the disc about each of its sites, then summed into pixels.
    half = len(discs[0]) // 2
    for j in range(sites):
        for i in range(sites):
            y, x = margin * sites + j - half, margin * sites + i - half
            spread[y : y + len(mean_disc), x : x + len(mean_disc)] += mean_disc
    kernel = spread.reshape(2 * margin + 1, sites, 2 * margin + 1, sites).sum(axis=(1, 3)) / sites**2
    seen = cv2.filter2D(crystals.intensity(share), cv2.CV_64F, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(-np.expm1(-seen), np.float32)


def _soft(plane: Image, taps: Image) -> Image:
    import cv2

    return np.asarray(cv2.sepFilter2D(plane, -1, taps, taps, borderType=cv2.BORDER_REPLICATE))


@lru_cache(maxsize=32)
def _deviation(crystals: Crystals) -> Array:
    """From the model's covariance, exact on the lattice: two places h apart are both free with the probability
    exp(-sum of intensity (2 A - O(h))), O the overlap of discs h apart, so the covariance of coverage is
    (1 - p)^2 (exp(sum of intensity O(h)) - 1); it is summed over the pixel's square and the softness."""
    sites, discs = crystals.sites, crystals.discs
    taps = gaussian_taps(crystals.softness_px).astype(np.float64)
    weight = np.zeros(len(taps) * sites)
    for k, tap in enumerate(taps):
        weight[k * sites : (k + 1) * sites] = tap / sites
    pair = np.correlate(weight, weight, mode="full")  # weight of each distance, along one axis
    reach = len(discs[0]) - 1
    middle = len(pair) // 2
    near = np.zeros(2 * reach + 1)
    for h in range(-reach, reach + 1):
        if abs(h) <= middle:
            near[h + reach] = pair[middle + h]
    overlap = np.zeros((2 * reach + 1, 2 * reach + 1))
    size = 2 * reach + 1 + len(discs[0])
    for disc, part in zip(discs, CLOUD_SHARES, strict=True):
        power = np.square(np.abs(np.fft.rfft2(disc, s=(size, size))))
        full = np.fft.irfft2(power, s=(size, size))
        index = np.arange(-reach, reach + 1)
        overlap += part * full[np.ix_(index, index)]
    out = np.empty(len(_SHARES))
    for i, (p, intensity) in enumerate(zip(_SHARES, crystals.intensity(_SHARES), strict=True)):
        covariance = (1 - p) ** 2 * np.expm1(intensity * overlap)
        out[i] = math.sqrt(float(near @ covariance @ near))
    return out


@lru_cache(maxsize=32)
def _light_gain(crystals: Crystals) -> Array:
    """log10 of the mean of 10 ** -(deviation n), (deviations, shares): Boolean grain is not Gaussian, so its values
    are drawn: a flat field of 256 pixels a side at each of seven shares, from streams of their own."""
    some = _SHARES[::_EVERY]
    out = np.zeros((len(_DEVIATIONS), len(some)))
    for k, p in enumerate(some):
        flat = np.full((256, 256), p, np.float32)
        n = crystal_field(flat, crystals, stream=Stream.of(0, "grain", "light gain"), frame=k).astype(np.float64)
        values = np.sort((n - n.mean()).ravel()).reshape(-1, 64).mean(axis=1)
        values /= values.std()
        out[:, k] = np.log10(np.power(10.0, -_DEVIATIONS[:, None] * values[None, :]).mean(axis=1))
    return out
