"""Film as its dyes: spectral densities of a stock, a scanner that looks at them, and the way back from what it saw.

The spectral density of a frame is c_cyan A_c(w) + c_magenta A_m(w) + c_yellow A_y(w) + Dmin(w), and scanner density
is -log10 of the transmitted light integrated over each of the scanner's bands (Beer's law per wavelength; R. W. G.
Hunt, The Reproduction of Colour, 6th ed.). Integration over a band makes it non-linear in the amounts, more
so the wider the band: nothing here is a 3x3 matrix.
"""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Scanner = Literal["narrow", "broad"]
Spectrum = NDArray[np.float64]

# Gaussian bands: centres near the Status M peaks of ISO 5-3 (blue 450, green 540, red 640 nm). The narrow set has
# the width of light-emitting diodes, the broad one that of a white lamp and the dichroic filters of a trilinear
# sensor. Analytic stand-ins, not measurements of a product.
_CENTRES_NM = (640.0, 540.0, 450.0)
_WIDTH_NM: dict[str, float] = {"narrow": 22.0, "broad": 60.0}  # full width at half maximum
_PIXELS_A_RUN = 1 << 14
_LN10 = math.log(10.0)
# Amounts are sought within what a stock can hold; density beyond passes through the fade as a difference of zero.
_DENSITY_LIMITS = (-0.3, 4.5)
_AMOUNT_LIMITS = (-0.5, 4.5)


@dataclass(frozen=True, eq=False)
class Stock:
    """A colour film: ``dyes`` (3, wavelengths) cyan, magenta, yellow at peak 1, ``minimum`` its base and mask."""

    id: str
    name: str
    medium: Literal["print", "negative"]
    wavelengths_nm: Spectrum
    dyes: Spectrum
    minimum: Spectrum


@cache
def stocks() -> dict[str, Stock]:
    """The stocks whose dyes are known, by number; figures and their source are in ``data/dyes.json``."""
    document = json.loads(files("wetgate.damage").joinpath("data/dyes.json").read_text(encoding="utf-8"))
    wavelengths = np.array(document["wavelengths_nm"], float)
    found = {}
    for stock_id, entry in document["stocks"].items():
        dyes = np.array([entry["cyan"], entry["magenta"], entry["yellow"]])
        minimum = np.array(entry.get("minimum", np.zeros(len(wavelengths))))
        found[stock_id] = Stock(stock_id, entry["name"], entry["medium"], wavelengths, dyes, minimum)
    return found


@cache
def scanner_bands(scanner: Scanner) -> Spectrum:
    """Responsivities (3, wavelengths) of red, green, blue, each of sum one."""
    wavelengths = stocks()["5384"].wavelengths_nm
    sigma = _WIDTH_NM[scanner] / (2 * math.sqrt(2 * math.log(2)))
    bands = np.exp(-0.5 * ((wavelengths[None, :] - np.array(_CENTRES_NM)[:, None]) / sigma) ** 2)
    return np.asarray(bands / bands.sum(axis=1, keepdims=True))


def stain_spectrum(wavelengths_nm: Spectrum) -> Spectrum:
    """The yellow-brown of aged gelatine and couplers, density 1 at 440 nm: exp(-(w - 440 nm) / 60 nm).

    The exponential tail of absorption usual for degraded organic matter; the constant is ours, chosen so that green
    gets a fifth and red a thirtieth of blue's density.
    """
    return np.asarray(np.exp(-(wavelengths_nm - 440.0) / 60.0))


def scan(stock: Stock, scanner: Scanner, amounts: Image, added: Image | None, extra: Spectrum | None = None) -> Image:
    """Scanner density (N, 3) of dye amounts (N, 3), over the density of the stock's fresh base.

    ``added`` (N,) scales the spectral density ``extra``, (wavelengths,) on top of the dyes: stain, or mask dyes
    that have gone (negative). Summed wavelength by wavelength, so that a pixel's value does not depend on its
    neighbours in memory.
    """
    bands = scanner_bands(scanner) * np.power(10.0, -stock.minimum)[None, :]
    bands = (bands / bands.sum(axis=1, keepdims=True)).astype(np.float32)
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


def amounts_of(stock: Stock, scanner: Scanner, density: Image, steps: int = 5) -> Image:
    """Dye amounts (N, 3) whose scan is ``density`` (N, 3): the chord iteration c += A^-1 (D - scan(c)).

    A is the derivative at a mid density. Five steps leave less than 2e-3 of density for 99 % of the pixels of
    photographs; the rest are colours that the dyes cannot make, and get the nearest amounts. The fade works with
    differences of scans, so that what is left here is no error of a fade of zero.
    """
    wanted = np.clip(density, *_DENSITY_LIMITS).astype(np.float32)
    inverse = _chord(stock, scanner)
    amounts = _times(wanted, inverse)
    for _ in range(steps):
        amounts += _times(wanted - scan(stock, scanner, amounts, None), inverse)
        np.clip(amounts, *_AMOUNT_LIMITS, out=amounts)
    return amounts


@cache
def _chord(stock: Stock, scanner: Scanner) -> Image:
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
