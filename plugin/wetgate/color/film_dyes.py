"""The dyes of colour films as scanners see them: spectral densities, scanner bands, and the 3x3 of their absorptions.

The spectral density of a frame is c_cyan A_c(w) + c_magenta A_m(w) + c_yellow A_y(w) + Dmin(w), and scanner density is
-log10 of the transmitted light integrated over each of the scanner's bands (Beer's law per wavelength; R. W. G. Hunt,
The Reproduction of Colour, 6th ed.). :func:`dye_matrix` is its linear part: the main absorption of each dye on the
diagonal, the side absorptions beside it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scanner = Literal["narrow", "broad"]
Medium = Literal["print", "negative"]
Spectrum = NDArray[np.float64]

# Gaussian bands: centres near the Status M peaks of ISO 5-3 (blue 450, green 540, red 640 nm). The narrow set has
# the width of light-emitting diodes, the broad one that of a white lamp and the dichroic filters of a trilinear
# sensor. Analytic stand-ins, not measurements of a product.
_CENTRES_NM = (640.0, 540.0, 450.0)
_WIDTH_NM: dict[str, float] = {"narrow": 22.0, "broad": 60.0}  # full width at half maximum
# Density of one dye at which its absorptions are taken: about that of a mid grey, where a picture has most of its area.
_MID_DENSITY = 0.7


@dataclass(frozen=True, eq=False)
class Stock:
    """A colour film: ``dyes`` (3, wavelengths) cyan, magenta, yellow at peak 1, ``minimum`` its base and mask."""

    id: str
    name: str
    medium: Medium
    wavelengths_nm: Spectrum
    dyes: Spectrum
    minimum: Spectrum


@cache
def stocks() -> dict[str, Stock]:
    """The films whose dyes are known, by number; figures and their source are in ``film_dyes.json``."""
    document = json.loads(files("wetgate.color").joinpath("film_dyes.json").read_text(encoding="utf-8"))
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
    return gaussian_bands(_CENTRES_NM, (_WIDTH_NM[scanner],) * 3)


def gaussian_bands(centres_nm: tuple[float, ...], widths_nm: tuple[float, ...]) -> Spectrum:
    """Bands (3, wavelengths) of sum one by their centres and full widths at half maximum."""
    wavelengths = stocks()["5384"].wavelengths_nm
    sigma = np.array(widths_nm)[:, None] / (2 * math.sqrt(2 * math.log(2)))
    bands = np.exp(-0.5 * ((wavelengths[None, :] - np.array(centres_nm)[:, None]) / sigma) ** 2)
    return np.asarray(bands / bands.sum(axis=1, keepdims=True))


def through_base(stock: Stock, bands: Spectrum) -> Spectrum:
    """What the scanner sees through the film's fresh base and mask: bands of sum one, against which density is
    measured."""
    seen = bands * np.power(10.0, -stock.minimum)[None, :]
    return np.asarray(seen / seen.sum(axis=1, keepdims=True))


def stain_spectrum(wavelengths_nm: Spectrum) -> Spectrum:
    """The yellow-brown of aged gelatine and couplers, density 1 at 440 nm: exp(-(w - 440 nm) / 60 nm).

    The exponential tail of absorption usual for degraded organic matter; the constant is ours, chosen so that green
    gets a fifth and red a thirtieth of blue's density.
    """
    return np.asarray(np.exp(-(wavelengths_nm - 440.0) / 60.0))


def dye_matrix(stock: Stock, bands: Spectrum) -> Spectrum:
    """A (3, 3): scanner density in red, green, blue of one unit of cyan, magenta, yellow, taken at a density of 0.7.

    Of each dye alone; the bands make the true densities bend away from it, less than 2 % within a density of 2 for
    bands of 22 nm.
    """
    transmitted = np.power(10.0, -_MID_DENSITY * stock.dyes) @ through_base(stock, bands).T
    return np.asarray(-np.log10(transmitted).T / _MID_DENSITY)


# Dye sets that a picture may be taken to consist of, each by the stocks that it is the mean of.
DYE_SETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "prints": ("Colour prints, mean of all", ("5381", "5383", "5384", "5386", "2383", "2393", "fuji3513")),
    "eastman_1950": ("Eastman Color Print 5381, from 1950", ("5381",)),
    "eastman_1974": ("Eastman Color SP Print 5383, from 1974", ("5383",)),
    "eastman_1981": ("Eastman Color Print 5384, from 1981", ("5384",)),
    "vision": ("Kodak Vision Print 2383 and 2393, from 1998", ("2383", "2393")),
    "fuji": ("Fujicolor Positive 3513", ("fuji3513",)),
    "agfa": ("Agfa, Gevaert, Orwo prints: not measured, mean of all", ("5381", "5383", "5384", "5386", "fuji3513")),
    "reversal": ("Ektachrome", ("ektachrome",)),
    "kodachrome": ("Kodachrome", ("kodachrome",)),
    "dye_transfer": ("Technicolor dye transfer, which hardly fades", ("technicolor",)),
    "negatives": ("Colour negatives, mean of all", ("5247", "5248", "5250", "5293", "5219")),
}


@cache
def set_matrix(dye_set: str, scanner: Scanner) -> Spectrum:
    """A (3, 3) of a dye set: the mean over its stocks, per unit of dye amount."""
    bands = scanner_bands(scanner)
    return np.asarray(np.mean([dye_matrix(stocks()[s], bands) for s in DYE_SETS[dye_set][1]], axis=0))
