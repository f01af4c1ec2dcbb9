"""Report ITU-R BT.2446-1, conversion method A: SDR to HDR (section 4.2, Table 4) and back (4.1, Tables 2 and 3).

Both directions work on the luma and colour differences of BT.2020 R'G'B' at gamma 2.4, which is what a signal of the
100-nit SDR display (BT.1886, black 0) or of the 1,000-nit HDR display is; here light goes in and comes out. Table 4
ends with a clamp of R'G'B' to 0..1000. There is none here: colours that leave Rec.2020 (strong ones do, through the
chroma gain) keep their negative light until a file's encoding takes it off.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wetgate.color.curves import floating
from wetgate.color.hdr.levels import GAMMA, LUMINANCE, SDR_WHITE, Defined, Ends, whole_curve
from wetgate.color.hdr.planes import Array, weigh
from wetgate.color.hdr.tables import GainTable

REPORT_PEAK = 1000.0

# Table 4: the exponent E = a Y''^2 + b Y'' + c, with Y'' = 255 Y', below and above the threshold T.
_THRESHOLD = 70.0
_LOW = (1.8712e-5, -2.7334e-3, 1.3141)
_HIGH = (2.8305e-6, -7.4622e-4, 1.2528)
# The two arms miss one another at T by 7e-5 of the luma, downwards. They are crossfaded over one code on either side,
# which makes the curve increase everywhere and moves no value by more than 0.03 %.
_CROSSFADE = 1.0
CHROMA_GAIN = 1.075  # Table 4, S_C = 1.075 Y'_HDR / Y'


def defined(peak: float = REPORT_PEAK) -> Defined:
    """The curve of neutral light, nits to nits, on 0..100.

    At 1,000 nits it is Table 4. The report has no other peak. For one, Table 4 is multiplied by the ratio of two exact
    inverses of Tables 2 and 3, for that peak and for 1,000: the report's own model of how its curve depends on the
    peak. That is our extension, and the node says so.
    """
    return Defined(lambda nits: np.asarray(_table_4(nits) * _peak_ratio(nits, peak)), SDR_WHITE)


def _exponent(code: Array) -> Array:
    low = (_LOW[0] * code + _LOW[1]) * code + _LOW[2]
    high = (_HIGH[0] * code + _HIGH[1]) * code + _HIGH[2]
    t = np.clip((code - _THRESHOLD + _CROSSFADE) / (2.0 * _CROSSFADE), 0.0, 1.0)
    return np.asarray(low + (high - low) * (t * t * (3.0 - 2.0 * t)))


def _table_4(nits: Array) -> Array:
    code = 255.0 * (nits / SDR_WHITE) ** (1.0 / GAMMA)
    return np.asarray(REPORT_PEAK * (code ** _exponent(code) / REPORT_PEAK) ** GAMMA)


def _peak_ratio(nits: Array, peak: float) -> Array | float:
    if peak == REPORT_PEAK:
        return 1.0
    luma = (nits / SDR_WHITE) ** (1.0 / GAMMA)
    perceptual = _knee_inverse(np.log1p((_rho(SDR_WHITE) - 1.0) * luma) / np.log(_rho(SDR_WHITE)))
    # Y' of the HDR display, made absolute: (rho^Y'p - 1) / (rho - 1) is relative to the peak's own gamma-2.4 code.
    there, here = (
        np.expm1(perceptual * np.log(_rho(p))) / (_rho(p) - 1.0) * p ** (1.0 / GAMMA) for p in (peak, REPORT_PEAK)
    )
    ratio: Array = (there / here) ** GAMMA
    return ratio


def _rho(peak: float) -> float:
    """rho of Table 2 (steps 1 and 3)."""
    return float(1.0 + 32.0 * (peak / 10000.0) ** (1.0 / GAMMA))


def _knee(perceptual: Array) -> Array:
    """Table 2, step 2."""
    middle = (-1.1510 * perceptual + 2.7811) * perceptual - 0.6302
    return np.where(
        perceptual <= 0.7399, 1.0770 * perceptual, np.where(perceptual < 0.9909, middle, 0.5 * perceptual + 0.5)
    )


def _knee_inverse(knee: Array) -> Array:
    """Table 2, step 2, solved for its input. Between its first two arms the report's step has a gap of 0.0006."""
    with np.errstate(invalid="ignore"):
        middle = (2.7811 - np.sqrt(2.7811**2 - 4.0 * 1.1510 * (knee + 0.6302))) / (2.0 * 1.1510)
    first = np.minimum(knee / 1.0770, 0.7399)
    return np.where(
        knee <= 1.0770 * 0.7399, first, np.where(knee < 0.99545, np.maximum(middle, 0.7399), 2.0 * knee - 1.0)
    )


class MethodA:
    """The lift, and its numeric inverse, on planes (3, N) of linear Rec.2020 light in nits.

    ``saturation`` multiplies the report's chroma gain of 1.075 (1 is the report).
    """

    def __init__(self, ends: Ends, saturation: float = 1.0) -> None:
        curve = whole_curve(defined(ends.peak), ends)

        def luma_curve(luma: Array) -> Array:
            return (curve(SDR_WHITE * luma**GAMMA) / REPORT_PEAK) ** (1.0 / GAMMA)

        self._table = GainTable(luma_curve)
        self._chroma = CHROMA_GAIN**ends.strength * saturation

    def apply(self, planes: Array) -> Array:
        code = _root(planes / planes.dtype.type(SDR_WHITE))
        luma = weigh(LUMINANCE, code)
        gain = self._table.gain(luma)
        code -= luma
        code *= planes.dtype.type(self._chroma)
        code += luma
        code *= gain
        return _power(code)

    def invert(self, planes: Array) -> Array:
        code = _root(planes / planes.dtype.type(REPORT_PEAK))
        luma = weigh(LUMINANCE, code)
        gain = self._table.inverse().gain(luma)
        code -= luma
        code /= planes.dtype.type(self._chroma)
        code += luma
        code *= gain
        return np.copysign(planes.dtype.type(SDR_WHITE) * np.abs(code) ** planes.dtype.type(GAMMA), code)


def _root(light: Array) -> Array:
    return np.copysign(np.abs(light) ** light.dtype.type(1.0 / GAMMA), light)


def _power(code: Array) -> Array:
    return np.copysign(code.dtype.type(REPORT_PEAK) * np.abs(code) ** code.dtype.type(GAMMA), code)


def hdr_to_sdr(rgb_nits: Any, peak: float = REPORT_PEAK, white: float = SDR_WHITE) -> Array:
    """The report's HDR to SDR conversion (section 4.1, Tables 2 and 3): light (..., 3) in nits, Rec.2020, both ways.

    It is not the inverse of section 4.2: the report's own round trip moves colours by about 0.6 dE2000 in the mean.
    Nothing is clipped; the curve is odd in the luma, as are the gamma codes of negative light.
    """
    light = floating(rgb_nits) / peak
    code = _root(light)
    luma = weigh(LUMINANCE, np.moveaxis(code, -1, 0))
    size = np.abs(luma)
    perceptual = np.log1p((_rho(peak) - 1.0) * size) / np.log(_rho(peak))  # Table 2, step 1
    mapped = np.expm1(_knee(perceptual) * np.log(_rho(white))) / (_rho(white) - 1.0)  # steps 2 and 3
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(size > 0.0, mapped / (1.1 * size), 0.0)  # Table 3, colour scaling
    cb = factor * (code[..., 2] - luma) / 1.8814
    cr = factor * (code[..., 0] - luma) / 1.4746
    adjusted = np.copysign(mapped, luma) - np.maximum(0.1 * cr, 0.0)
    out = np.stack((adjusted + 1.4746 * cr, adjusted - 0.16455 * cb - 0.57135 * cr, adjusted + 1.8814 * cb), axis=-1)
    return np.asarray(np.copysign(white * np.abs(out) ** GAMMA, out), light.dtype)
