"""Film density: scanner density of linear light, and the printing-density codes of Cineon, DPX and ADX files.

Density is a decimal logarithm and ends at zero light. Here it goes on below 1e-5 along its tangent, so that negative
pixels of a scan (noise about black, filter undershoot) survive the trip into density and back.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wetgate.color.curves import Array, floating

# Below this share of the base the logarithm gives way to its tangent; the density there is 5.
TANGENT_BELOW = 1e-5
TANGENT_DENSITY = 5.0
_LN10 = math.log(10.0)

# Cineon / DPX printing density: 0.002 a code value at 10 bits (SMPTE ST 268-1, transfer characteristic 1; Kodak,
# "Conversion of 10-bit Log Film Data to 8-bit Linear or Video Data", 1995, which also has the next three: code of
# 90 % white card, code of 1 % black, gamma of the negative).
CINEON_DENSITY_PER_CODE = 0.002
CINEON_WHITE = 685.0
CINEON_BLACK = 95.0
CINEON_GAMMA = 0.6
_CINEON_SLOPE = CINEON_GAMMA / (CINEON_DENSITY_PER_CODE * math.log(10.0))  # codes a natural log unit of light
_CINEON_LEAST = math.exp(-CINEON_WHITE / _CINEON_SLOPE)  # the power at code 0

# ADX (SMPTE ST 2065-3): integer codes of Academy Printing Density (ST 2065-2). A code is 500 D + 95 at 10 bits and
# 8000 D + 1520 at 16. The way from APD to ACES (ST 2065-2 tables, unbuilding the negative) is the OCIO config's own,
# its spaces ADX10 and ADX16; scanner density below is not APD, which has the spectral products of a print in it.
ADX10_CODES_PER_DENSITY = 500.0
ADX10_OFFSET = 95.0
ADX16_CODES_PER_DENSITY = 8000.0
ADX16_OFFSET = 1520.0


def density_from_linear(linear: Any, base: float | Any = 1.0) -> Array:
    """Scanner density D = -log10(linear / base); same shape and floating type.

    ``base`` is the linear value of the clear film: a number, or an array that broadcasts (three values, one a
    channel). With x = linear / base below 1e-5, D = 5 + (1e-5 - x) / (1e-5 ln 10): the same value and slope there,
    and no end below. NaN stays NaN.
    """
    light = floating(linear)
    x = light / np.asarray(base, light.dtype)
    beyond = np.maximum(TANGENT_BELOW - x, 0.0) / (TANGENT_BELOW * _LN10)
    return np.asarray(beyond - np.log10(np.maximum(x, TANGENT_BELOW)), light.dtype)


def linear_from_density(density: Any, base: float | Any = 1.0) -> Array:
    """Linear light of a scanner density: the inverse of :func:`density_from_linear`."""
    d = floating(density)
    beyond = np.maximum(d - TANGENT_DENSITY, 0.0) * (TANGENT_BELOW * _LN10)
    x = np.exp(np.minimum(d, TANGENT_DENSITY) * -_LN10) - beyond
    return np.asarray(x * np.asarray(base, d.dtype), d.dtype)


def cineon_density(code10: Any) -> Array:
    """Printing density above the base of a 10-bit Cineon or DPX code (0..1023, may lie outside): 0.002 a code."""
    return floating(code10) * CINEON_DENSITY_PER_CODE


def cineon_code(density: Any) -> Array:
    """10-bit code, not rounded, of a printing density above the base: the inverse of :func:`cineon_density`."""
    return floating(density) / CINEON_DENSITY_PER_CODE


def adx_density(code: Any, bits: int = 10) -> Array:
    """Academy Printing Density of an ADX code (ST 2065-3): (code - 95) / 500 at 10 bits, (code - 1520) / 8000 at 16."""
    slope, offset = _adx(bits)
    return (floating(code) - offset) / slope


def adx_code(density: Any, bits: int = 10) -> Array:
    """ADX code, not rounded, of Academy Printing Density: the inverse of :func:`adx_density`."""
    slope, offset = _adx(bits)
    return floating(density) * slope + offset


def linear_from_cineon(code10: Any) -> Array:
    """Relative scene light of 10-bit Cineon codes: black (95) is 0, white (685) is 1, code 1023 is 13.5.

    (10 ** ((code - 685) * 0.002 / 0.6) - k) / (1 - k), with k the same power at code 95. Below code 0 (light of
    -0.0057) it goes on along its tangent.
    """
    code = floating(code10)
    black = _cineon_black()
    power = np.exp((np.maximum(code, 0.0) - CINEON_WHITE) / _CINEON_SLOPE)
    beyond = np.minimum(code, 0.0) * (_CINEON_LEAST / _CINEON_SLOPE)
    return np.asarray((power + beyond - black) / (1.0 - black), code.dtype)


def cineon_from_linear(linear: Any) -> Array:
    """10-bit Cineon code, not rounded, of relative scene light: the inverse of :func:`linear_from_cineon`."""
    light = floating(linear)
    black = _cineon_black()
    power = light * (1.0 - black) + black
    beyond = np.minimum(power - _CINEON_LEAST, 0.0) * (_CINEON_SLOPE / _CINEON_LEAST)
    return np.asarray(np.log(np.maximum(power, _CINEON_LEAST)) * _CINEON_SLOPE + CINEON_WHITE + beyond, light.dtype)


def _adx(bits: int) -> tuple[float, float]:
    if bits == 10:
        return ADX10_CODES_PER_DENSITY, ADX10_OFFSET
    if bits == 16:
        return ADX16_CODES_PER_DENSITY, ADX16_OFFSET
    raise ValueError(f"ADX has 10 or 16 bits, not {bits}")


def _cineon_black() -> float:
    return math.pow(10.0, (CINEON_BLACK - CINEON_WHITE) * CINEON_DENSITY_PER_CODE / CINEON_GAMMA)
