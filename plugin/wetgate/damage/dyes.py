"""A scanner that looks at film dyes, and the way back from what it saw: the spectral forward model of the fade.

Integration over a band makes scanner density non-linear in the amounts, more so the wider the band: nothing here is a
3x3 matrix. Dyes and bands are those of :mod:`wetgate.color.film_dyes`.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from wetgate.color.film_dyes import Scanner, Spectrum, Stock, scanner_bands, stain_spectrum, stocks, through_base
from wetgate.spec import Image

__all__ = ["Scanner", "Spectrum", "Stock", "amounts_of", "decayed", "scan", "scanner_bands", "stain_spectrum", "stocks"]

_PIXELS_A_RUN = 1 << 14
_LN10 = math.log(10.0)
# Amounts are sought within what a stock can hold; density beyond passes through the fade as a difference of zero.
_DENSITY_LIMITS = (-0.3, 4.5)
_AMOUNT_LIMITS = (-0.5, 4.5)


def scan(
    stock: Stock, scanner: Scanner | Spectrum, amounts: Image, added: Image | None, extra: Spectrum | None = None
) -> Image:
    """Scanner density (N, 3) of dye amounts (N, 3), over the density of the stock's fresh base.

    ``scanner`` is one by name, or bands of red, green, blue (3, wavelengths).
    ``added`` (N,) scales the spectral density ``extra``, (wavelengths,) on top of the dyes: stain, or mask dyes
    that have gone (negative). Summed wavelength by wavelength, so that a pixel's value does not depend on its
    neighbours in memory.
    """
    bands = through_base(stock, _bands(scanner)).astype(np.float32)
    dyes = (stock.dyes * _LN10).astype(np.float32)
    tail = None if extra is None else (extra * _LN10).astype(np.float32)
    out = np.empty(amounts.shape, np.float32)

    def run(start: int) -> None:
        part = slice(start, start + _PIXELS_A_RUN)
        c = [np.ascontiguousarray(amounts[part, k]) for k in range(3)]
        sums = [np.zeros_like(c[0]) for _ in range(3)]
        absorbed, term = np.empty_like(c[0]), np.empty_like(c[0])
        for w in range(dyes.shape[1]):
            np.multiply(c[0], -dyes[0, w], out=absorbed)
            for k in (1, 2):
                np.multiply(c[k], -dyes[k, w], out=term)
                absorbed += term
            if tail is not None and added is not None:
                np.multiply(added[part], -tail[w], out=term)
                absorbed += term
            np.exp(absorbed, out=absorbed)
            for k in range(3):
                if bands[k, w] > 1e-7:
                    np.multiply(absorbed, bands[k, w], out=term)
                    sums[k] += term
        for k in range(3):
            out[part, k] = np.log(sums[k]) * np.float32(-1 / _LN10)

    _each(run, len(amounts))
    return out


def amounts_of(stock: Stock, scanner: Scanner | Spectrum, density: Image, steps: int = 5) -> Image:
    """Dye amounts (N, 3) whose scan is ``density`` (N, 3): the chord iteration c += A^-1 (D - scan(c)).

    A is the derivative at a mid density. Five steps leave less than 2e-3 of density for 99 % of the pixels of
    photographs; the rest are colours that the dyes cannot make, and get the nearest amounts. The fade works with
    differences of scans, so that what is left here is no error of a fade of zero.
    """
    wanted = np.clip(density, *_DENSITY_LIMITS).astype(np.float32)
    inverse = _chord_of(stock, scanner) if isinstance(scanner, str) else _chord(stock, scanner)
    amounts = _times(wanted, inverse)
    for _ in range(steps):
        amounts += _times(wanted - scan(stock, scanner, amounts, None), inverse)
        np.clip(amounts, *_AMOUNT_LIMITS, out=amounts)
    return amounts


def decayed(amounts: Image, loss: Spectrum, extent: Image, order: float) -> Image:
    """Dye amounts (N, 3) after the decay dc/dt = -k c^order; amounts at or below zero stay.

    ``loss`` is the share of each dye that goes at c = 1 where the ``extent`` (N,) of k t is 1.
    """
    kept = np.empty_like(amounts)
    for k in range(3):
        c = amounts[:, k]
        survival = np.exp(extent * np.float32(np.log1p(-loss[k])))  # of c = 1, first order
        if abs(order - 1) < 1e-6:
            kept[:, k] = np.where(c > 0, c * survival, c)
            continue
        power = 1 - order
        # dc/dt = -k c^n integrated: c^(1-n) falls (or rises, n > 1) linearly in time.
        positive = np.maximum(c, np.float32(1e-6))
        moved = positive**power - 1 + survival**power
        left = np.maximum(moved, np.float32(1e-12)) ** (1 / power)
        kept[:, k] = np.where(c > 0, np.minimum(left, c), c)
    return kept


def _bands(scanner: Scanner | Spectrum) -> Spectrum:
    return scanner_bands(scanner) if isinstance(scanner, str) else scanner


@cache
def _chord_of(stock: Stock, scanner: Scanner) -> Image:
    return _chord(stock, scanner)


def _chord(stock: Stock, scanner: Scanner | Spectrum) -> Image:
    middle, step = 0.7, 0.05
    points = np.full((7, 3), middle, np.float32)
    for k in range(3):
        points[1 + k, k] += step
        points[4 + k, k] -= step
    seen = scan(stock, scanner, points, None).astype(np.float64)
    slope = np.stack([(seen[1 + k] - seen[4 + k]) / (2 * step) for k in range(3)], axis=1)
    return np.linalg.inv(slope).astype(np.float32)


def _times(vectors: Image, matrix: Image) -> Image:
    columns = [sum(vectors[:, k] * matrix[row, k] for k in range(3)) for row in range(3)]
    return np.stack(columns, axis=1).astype(np.float32)


def _each(run: object, count: int) -> None:
    assert callable(run)
    starts = range(0, count, _PIXELS_A_RUN)
    if len(starts) < 2:
        run(0)
        return
    with ThreadPoolExecutor() as pool:
        list(pool.map(run, starts))
