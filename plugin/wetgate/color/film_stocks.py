"""Film stocks: published granularity and MTF, and what follows for their grain on film.

The figures are in ``film_stocks.json`` beside this file, each stock with its source: data sheets of the manufacturers,
digitised by Jan Lohse's spectral_film_lut (MIT licence).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.color.density import CINEON_BLACK, CINEON_DENSITY_PER_CODE, CINEON_GAMMA, CINEON_WHITE

Array = NDArray[np.float64]
Kind = Literal["negative", "positive", "monochrome"]

# Aperture that RMS granularity is measured with, in um (ISO 10505:2009; data sheets print times 1000).
APERTURE_UM = 48.0
# Net density of diffuse white on a camera negative: the Cineon codes of white and black.
WHITE_NET_DENSITY = (CINEON_WHITE - CINEON_BLACK) * CINEON_DENSITY_PER_CODE

# Ours, since data sheets do not have them. A stock with one figure shares it among its layers like the mean of the
# stocks with curves (blue, on top and fastest, is the coarsest); its law is that of sites of which a share is
# developed, d (d_max - d) (J. C. Dainty and R. Shaw, Image Science, 1974, ch. 3), plus fog.
_LAYER_SHARES = (1.0, 1.1, 2.0)
_FOG = 0.08
_D_MAX: Mapping[Kind, float] = {"negative": 2.4, "positive": 3.4, "monochrome": 2.6}
_COLOUR_CORRELATION = 0.15  # an estimate: no source for it is known
# Share of the variance of a stock's line spread that its dye clouds have; the rest is light scattered in the layers.
_CLOUD_SHARE = 0.5
_KNOTS = tuple(float(k) for k in np.linspace(0.0, 3.2, 33))


@dataclass(frozen=True, slots=True)
class Stock:
    """Grain of a stock. ``density`` and ``rms`` are knots per layer: net density of the film, and the standard
    deviation of density through 48 um there. ``cloud_um`` is the diameter of the dye clouds, ``correlation`` the
    correlation between layers. ``source`` says where the figures are from, ``estimates`` which of them are ours or
    cannot be traced: pairs of what, and why."""

    label: str
    kind: Kind
    density: tuple[tuple[float, ...], ...]
    rms: tuple[tuple[float, ...], ...]
    cloud_um: float
    correlation: float
    source: str = ""
    estimates: tuple[tuple[str, str], ...] = ()

    def deviation(self, picture_density: Array) -> Array:
        """Standard deviation per layer through 48 um, (3, N), as it appears in a picture of these densities (N,).

        A positive has its grain where the picture is dense. A negative is carried to the picture at the gradient of
        the Cineon curve: net density 1.18 at diffuse white, 0.6 less a decade of light, noise divided by 0.6. Beyond
        its ends a curve is held.
        """
        if self.kind == "positive":
            net, gradient = picture_density, 1.0
        else:
            net, gradient = WHITE_NET_DENSITY - CINEON_GAMMA * picture_density, CINEON_GAMMA
        layers = [np.interp(net, d, r) for d, r in zip(self.density, self.rms, strict=True)]
        return np.stack(layers) / gradient

    def developed(self, picture_density: Array) -> Array:
        """Share of the film's sites that are developed at these densities of the picture: 0.02 to 0.98."""
        net = picture_density if self.kind == "positive" else WHITE_NET_DENSITY - CINEON_GAMMA * picture_density
        return np.clip((net + _FOG) / (_D_MAX[self.kind] + 2 * _FOG), 0.02, 0.98)


def cloud_um(mtf50_per_mm: float) -> float:
    """Diameter of the dye clouds, in um, of a stock whose MTF is 0.5 at that frequency.

    The MTF taken for a Gaussian has sigma = sqrt(ln 2 / 2) / (pi f50). Clouds have half of its variance (ours; the
    picture is made of them, so they cannot have more than all), and a disc of diameter d that of a Gaussian of d / 4.
    """
    sigma_um = 1000.0 * math.sqrt(math.log(2.0) / 2.0) / (math.pi * mtf50_per_mm)
    return 4.0 * math.sqrt(_CLOUD_SHARE) * sigma_um


def of_figure(label: str, kind: Kind, rms_1000: float, cloud_diameter_um: float) -> Stock:
    """A stock of one figure: RMS granularity times 1000 at net density 1, through 48 um."""
    density = np.asarray(_KNOTS)
    d_max = _D_MAX[kind]
    developed = np.clip(density, 0.0, d_max) + _FOG
    ceiling = d_max + 2 * _FOG
    law = np.sqrt(developed * (ceiling - developed) / ((1 + _FOG) * (ceiling - 1 - _FOG)))
    shares = (1.0, 1.0, 1.0) if kind == "monochrome" else _LAYER_SHARES
    rms = tuple(tuple(float(v) for v in law * rms_1000 / 1000 * share) for share in shares)
    correlation = 1.0 if kind == "monochrome" else _COLOUR_CORRELATION
    return Stock(label, kind, (_KNOTS,) * 3, rms, cloud_diameter_um, correlation)


@cache
def stocks() -> Mapping[str, Stock]:
    """The stocks by id."""
    text = Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    return {name: _read(entry) for name, entry in json.loads(text)["stocks"].items()}


def _read(entry: Mapping[str, Any]) -> Stock:
    label, kind = str(entry["label"]), entry["kind"]
    diameter = cloud_um(float(entry["mtf50_per_mm"]))
    source = f"data sheet, as digitised in spectral_film_lut, {entry['source']}"
    estimates = [("size of the dye clouds", "half of the line spread that the MTF tells, by a rule of ours")]
    if "estimate" in entry:
        source = f"digitised in spectral_film_lut, {entry['source']}"
        estimates.insert(0, ("granularity and MTF", str(entry["estimate"])))
    if kind != "monochrome":
        estimates.append(("correlation of the layers", f"{_COLOUR_CORRELATION}: no source is known"))
    if "rms_1000" in entry:
        estimates.append(("share of each layer and tone", "the mean of stocks with curves, and a law of filling sites"))
        made = of_figure(label, kind, float(entry["rms_1000"]), diameter)
        return replace(made, source=source, estimates=tuple(estimates))
    layers: list[dict[str, list[float]]] = entry["layers"]
    return Stock(
        label,
        kind,
        tuple(tuple(layer["density"]) for layer in layers),
        tuple(tuple(r / 1000 for r in layer["rms_1000"]) for layer in layers),
        diameter,
        _COLOUR_CORRELATION,
        source,
        tuple(estimates),
    )
