"""Transfer curves of video signals: BT.2100 PQ and HLG, BT.1886, sRGB, BT.709.

Every function takes an array of any shape and returns a new one of the same shape and floating type (whole numbers
become float64). Light is in cd/m2 ("nits") where the name or the text says so, else relative. Nothing is clipped:
below zero each curve continues oddly, ``f(-x) = -f(x)``, above its nominal white its formula goes on, so that
out-of-range light survives a trip to code values and back. NaN stays NaN in its own sample.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

# Rec. ITU-R BT.2100-2, Table 4, reference PQ EOTF. All are exact in binary.
_M1 = 2610 / 16384
_M2 = 2523 / 4096 * 128
_C1 = 3424 / 4096
_C2 = 2413 / 4096 * 32
_C3 = 2392 / 4096 * 32
PQ_PEAK = 10000.0
# The formula has a pole near code 1.99. Codes beyond this one (1.1e17 nits) are held: no signal is made of them.
PQ_CODE_LIMIT = 1.98

# Rec. ITU-R BT.2100-2, Table 5, reference HLG OETF.
_HLG_A = 0.17883277
_HLG_B = 1.0 - 4.0 * _HLG_A
_HLG_C = 0.5 - _HLG_A * math.log(4.0 * _HLG_A)
# Luminance weights of Rec.2020 light, BT.2100-2 Table 5 (OOTF).
_Y_WEIGHTS = (0.2627, 0.6780, 0.0593)

_BT1886_GAMMA = 2.4


def floating(values: Any) -> Array:
    """``values`` as a floating array: float32 and float64 as they are, everything else as float64."""
    array = np.asarray(values)
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(np.float64)


def pq_encode(nits: Any) -> Array:
    """PQ code value (0..1) of absolute light in nits: the inverse EOTF of BT.2100-2 Table 4.

    0 nits gives 7.3e-7, as the standard has it, 10,000 gives 1. Negative light gives the negated code of its
    magnitude; light above 10,000 nits gives codes above 1.
    """
    light = floating(nits)
    y = np.power(np.abs(light) / PQ_PEAK, _M1)
    # ((c1 + c2 y) / (1 + c3 y)) ** m2, written with log1p because c1 = c3 - c2 + 1: in float32 the plain form loses
    # two digits to the power of 78.8.
    base = (_C3 - _C2) * (1.0 - y) / (1.0 + _C3 * y)
    code = np.exp(_M2 * np.log1p(base))
    return np.copysign(code, light)


def pq_decode(code: Any) -> Array:
    """Absolute light in nits of a PQ code value: the EOTF of BT.2100-2 Table 4.

    Codes below 7.3e-7 in magnitude are 0 nits, as the standard has it. Codes above 1 continue the formula; beyond
    :data:`PQ_CODE_LIMIT`, close to its pole, they are held.
    """
    signal = floating(code)
    magnitude = np.minimum(np.abs(signal), PQ_CODE_LIMIT)
    with np.errstate(divide="ignore"):  # log(0) is -inf, expm1 of it -1, which the floor below makes black
        p = np.expm1(np.log(magnitude) / _M2)
    y = np.maximum(p + (1.0 - _C1), 0.0) / ((_C2 - _C3) - _C3 * p)
    return np.copysign(PQ_PEAK * np.power(y, 1.0 / _M1), signal)


def hlg_oetf(scene: Any) -> Array:
    """HLG signal (0..1) of relative scene light (0..1), per component: BT.2100-2 Table 5, OETF."""
    light = floating(scene)
    e = np.abs(light)
    with np.errstate(invalid="ignore", divide="ignore"):  # the log of the branch that is not taken
        code = np.where(e <= 1.0 / 12.0, np.sqrt(3.0 * e), _HLG_A * np.log(12.0 * e - _HLG_B) + _HLG_C)
    return np.copysign(code, light).astype(light.dtype, copy=False)


def hlg_oetf_inverse(code: Any) -> Array:
    """Relative scene light (0..1) of an HLG signal (0..1): BT.2100-2 Table 5, inverse OETF."""
    signal = floating(code)
    s = np.abs(signal)
    scene = np.where(s <= 0.5, s * s / 3.0, (np.exp((s - _HLG_C) / _HLG_A) + _HLG_B) / 12.0)
    return np.copysign(scene, signal).astype(signal.dtype, copy=False)


def hlg_gamma(peak: float) -> float:
    """System gamma of a reference display of that peak, in nits.

    1.2 at 1,000 nits; 1.2 + 0.42 log10(peak / 1000) from 400 to 2,000 (BT.2100-2 Table 5, note 5f); outside that,
    the extended model 1.2 * 1.111 ** log2(peak / 1000) (BT.2390, section on the HLG system gamma). The two differ
    by 0.007 at 2,000 nits and by 0.011 at 400.
    """
    if 400.0 <= peak <= 2000.0:
        return 1.2 + 0.42 * math.log10(peak / 1000.0)
    return 1.2 * math.pow(1.111, math.log2(peak / 1000.0))


def hlg_ootf(rgb_scene: Any, peak: float = 1000.0, black: float = 0.0) -> Array:
    """Display light in nits, Rec.2020 (..., 3), of relative scene light (0..1): BT.2100-2 Table 5, OOTF.

    ``black`` is the display's black in nits: it lifts the signal as the EOTF of the same table does,
    ``E' -> (1 - beta) E' + beta``. Negative luminance scales by its magnitude, so the curve is odd.
    """
    scene = floating(rgb_scene)
    gamma = hlg_gamma(peak)
    if black > 0.0:
        beta = _hlg_beta(peak, black, gamma)
        scene = hlg_oetf_inverse((1.0 - beta) * hlg_oetf(scene) + beta)
    return scene * (peak * _power_or_zero(_luminance(scene), gamma - 1.0))[..., None]


def hlg_ootf_inverse(rgb_nits: Any, peak: float = 1000.0, black: float = 0.0) -> Array:
    """Relative scene light (..., 3) of Rec.2020 display light in nits: the inverse of :func:`hlg_ootf`."""
    relative = floating(rgb_nits) / peak
    gamma = hlg_gamma(peak)
    scene: Array = relative * _power_or_zero(_luminance(relative), (1.0 - gamma) / gamma)[..., None]
    if black > 0.0:
        beta = _hlg_beta(peak, black, gamma)
        scene = hlg_oetf_inverse((hlg_oetf(scene) - beta) / (1.0 - beta))
    return scene


def hlg_encode(rgb_nits: Any, peak: float = 1000.0, black: float = 0.0) -> Array:
    """HLG signal (..., 3) that a reference display of that peak and black shows as ``rgb_nits`` (Rec.2020)."""
    return hlg_oetf(hlg_ootf_inverse(rgb_nits, peak, black))


def hlg_decode(rgb_code: Any, peak: float = 1000.0, black: float = 0.0) -> Array:
    """Light in nits, Rec.2020 (..., 3), of an HLG signal on a reference display: BT.2100-2 Table 5, EOTF."""
    return hlg_ootf(hlg_oetf_inverse(rgb_code), peak, black)


def bt1886_decode(code: Any, white: float = 100.0, black: float = 0.0) -> Array:
    """Light in nits of a video signal (0..1) on the reference display of BT.1886, Annex 1 (gamma 2.4).

    ``white`` and ``black`` are the display's, in nits. The power is odd about the code at which light is zero.
    """
    gain, lift = _bt1886_gain_and_lift(white, black)
    v = floating(code) + lift
    light: Array = gain * np.copysign(np.power(np.abs(v), _BT1886_GAMMA), v)
    return light


def bt1886_encode(nits: Any, white: float = 100.0, black: float = 0.0) -> Array:
    """Video signal (0..1) that the reference display of BT.1886, Annex 1 shows as ``nits``."""
    gain, lift = _bt1886_gain_and_lift(white, black)
    light = floating(nits)
    return np.copysign(np.power(np.abs(light) / gain, 1.0 / _BT1886_GAMMA), light) - lift


def srgb_decode(code: Any) -> Array:
    """Linear light (0..1) of an sRGB signal (0..1): IEC 61966-2-1:1999, 5.2."""
    signal = floating(code)
    s = np.abs(signal)
    light = np.where(s <= 0.04045, s / 12.92, np.power((s + 0.055) / 1.055, 2.4))
    return np.copysign(light, signal).astype(signal.dtype, copy=False)


def srgb_encode(light: Any) -> Array:
    """sRGB signal (0..1) of linear light (0..1): IEC 61966-2-1:1999, 5.3."""
    linear = floating(light)
    x = np.abs(linear)
    code = np.where(x <= 0.0031308, x * 12.92, 1.055 * np.power(x, 1.0 / 2.4) - 0.055)
    return np.copysign(code, linear).astype(linear.dtype, copy=False)


def bt709_oetf(scene: Any) -> Array:
    """Camera signal (0..1) of relative scene light (0..1): BT.709-6, item 1.2 (also BT.601-7 and BT.2020-2, 10-bit)."""
    linear = floating(scene)
    x = np.abs(linear)
    code = np.where(x < 0.018, x * 4.5, 1.099 * np.power(x, 0.45) - 0.099)
    return np.copysign(code, linear).astype(linear.dtype, copy=False)


def bt709_oetf_inverse(code: Any) -> Array:
    """Relative scene light (0..1) of a camera signal (0..1): the inverse of BT.709-6, item 1.2."""
    signal = floating(code)
    s = np.abs(signal)
    light = np.where(s < 0.081, s / 4.5, np.power((s + 0.099) / 1.099, 1.0 / 0.45))
    return np.copysign(light, signal).astype(signal.dtype, copy=False)


def _hlg_beta(peak: float, black: float, gamma: float) -> float:
    return math.sqrt(3.0 * math.pow(black / peak, 1.0 / gamma))  # BT.2100-2 Table 5, EOTF


def _luminance(rgb: Array) -> Array:
    r, g, b = _Y_WEIGHTS
    luminance: Array = rgb[..., 0] * r + rgb[..., 1] * g + rgb[..., 2] * b
    return luminance


def _power_or_zero(luminance: Array, exponent: float) -> Array:
    """|luminance| ** exponent, and 0 where the luminance is 0 (a negative exponent would make it infinite)."""
    y = np.abs(luminance)
    with np.errstate(divide="ignore"):
        return np.where(y == 0.0, y, np.power(y, exponent))


def _bt1886_gain_and_lift(white: float, black: float) -> tuple[float, float]:
    """a and b of BT.1886 Annex 1."""
    root_white = math.pow(white, 1.0 / _BT1886_GAMMA)
    root_black = math.pow(max(black, 0.0), 1.0 / _BT1886_GAMMA)
    span = root_white - root_black
    return math.pow(span, _BT1886_GAMMA), root_black / span
