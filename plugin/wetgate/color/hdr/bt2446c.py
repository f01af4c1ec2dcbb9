"""Report ITU-R BT.2446-1, conversion method C: HDR to SDR (section 6.1) and its inverse, SDR to HDR (section 6.2).

The tone curve acts on the luminance of a signal that a crosstalk matrix has first desaturated; the chromaticity of
that signal is kept, and the matrix is undone. Because the step between the two matrices is one factor for all three
channels, the matrices cancel on the colour, and what stays of them is the weight with which each channel counts
towards the luminance: (1 - 3 alpha) Y + alpha (R + G + B).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from wetgate.color.curves import floating, hlg_gamma, hlg_oetf_inverse
from wetgate.color.hdr.levels import LUMINANCE, SDR_WHITE, Defined, nits_of
from wetgate.color.hdr.planes import Array, weigh

REPORT_PEAK = 1000.0
CROSSTALK = 0.04  # alpha. The report leaves it to the producer, from 0 to 0.33; see section 6.1.2.


@dataclass(frozen=True, slots=True)
class Constants:
    """k1..k4 of section 6.1.4 and the HDR luminance of the inflection point, in nits."""

    k1: float
    k2: float
    k3: float
    k4: float
    inflection: float


# As section 6.1.4 prints them. It prints the inflection at 58.5 / k1; 58.5 is 80 % SDR, 100 * 0.8^2.4 = 58.535,
# rounded, and only with the exact value do the two arms of the curve meet (they miss by 0.06 % otherwise).
REPORT = Constants(0.83802, 15.09968, 0.74204, 78.99439, nits_of(0.80) / 0.83802)


def constants(peak: float = REPORT_PEAK) -> Constants:
    """The constants for an HLG reference display of ``peak`` nits.

    Section 6.1.4 says what they stand for: skin, HLG 50 %, goes to SDR 70 %; the curve is straight up to SDR 80 %; HDR
    reference white, HLG 75 %, goes to SDR 96 %; value and slope meet at the inflection. Solved at 1,000 nits, the
    report's peak, they are :data:`REPORT` to all its decimals (a test shows it), without the rounding that would leave
    a kink; at other peaks they are the extension used here.
    """
    k1 = nits_of(0.70) / _hlg_light(0.50, peak)
    knee = nits_of(0.80)
    inflection = knee / k1
    reference = _hlg_light(0.75, peak) / inflection
    target = (nits_of(0.96) - knee) / knee
    # With u = 1 - k3, C1 at the inflection makes k2 = knee * u and k4 = knee - k2 ln u, and reference white asks for
    # u ln(1 + (reference - 1) / u) = target; the left side grows with u from 0 towards reference - 1.
    low, high = 1e-9, 1e6
    for _ in range(200):
        u = math.sqrt(low * high)
        low, high = (u, high) if u * math.log1p((reference - 1.0) / u) < target else (low, u)
    u = math.sqrt(low * high)
    return Constants(k1, knee * u, 1.0 - u, knee - knee * u * math.log(u), inflection)


def _hlg_light(signal: float, peak: float) -> float:
    """Light in nits of a neutral HLG signal on a reference display of that peak (BT.2100-2 Table 5)."""
    scene = float(hlg_oetf_inverse(np.float64(signal)))
    return float(peak * scene ** hlg_gamma(peak))


def defined(peak: float = REPORT_PEAK) -> Defined:
    """The SDR to HDR curve of luminance, nits to nits, up to the SDR level (a super-white) that gives ``peak``."""
    k = constants(peak)
    knee = k.k1 * k.inflection

    def curve(nits: Array) -> Array:
        above = k.inflection * (np.exp((np.maximum(nits, knee) - k.k4) / k.k2) + k.k3)
        return np.where(nits < knee, nits / k.k1, above)

    top = k.k2 * math.log(max(peak / k.inflection, 1.0) - k.k3) + k.k4
    return Defined(curve, max(top, SDR_WHITE))


def weights(alpha: float = CROSSTALK) -> tuple[float, float, float]:
    """How much R, G and B count towards the luminance behind a crosstalk matrix of that alpha."""
    r, g, b = ((1.0 - 3.0 * alpha) * w + alpha for w in LUMINANCE)
    return r, g, b


def hdr_to_sdr(rgb_nits: Any, peak: float = REPORT_PEAK, alpha: float = CROSSTALK) -> Array:
    """The report's HDR to SDR conversion (6.1.2 to 6.1.6): light (..., 3) in nits, Rec.2020, both ways.

    Without the optional chroma correction of 6.1.8. Light of negative luminance follows the straight arm.
    """
    k = constants(peak)
    light = floating(rgb_nits)
    y = weigh(weights(alpha), np.moveaxis(light, -1, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        above = k.k2 * np.log(np.maximum(y, k.inflection) / k.inflection - k.k3) + k.k4
        factor = np.where(y < k.inflection, k.k1, above / y)
    return np.asarray(light * factor[..., None], light.dtype)
