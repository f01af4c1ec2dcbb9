"""The content-adaptive lift: a curve per shot on the intensity of ICtCp, hue kept exactly, chromaticity nearly.

Three levels anchor the curve, in light: SDR mid-grey, SDR diffuse white and SDR white. Mid-grey goes to the level of
the grey card in BT.2408 and diffuse white to its HDR reference white; below mid-grey the gain is constant, between the
two it changes smoothly. Above the knee the gain grows with the square of the distance in stops, so that diffuse white
stays at its level and SDR white arrives at ``white_to``, which the shot decides (:mod:`wetgate.color.hdr.statistics`):
near the peak where bright areas are small, lower where they are large. The curve increases, and has no kink.

ICtCp is BT.2100-2 Table 7. The pair (Ct, Cp) is multiplied by one factor, so its angle, the hue, stays. The factor is
the one that keeps a pale colour's chromaticity when its light changes from L to L': PQ's slope per stop at L' over
that at L.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wetgate.color.curves import pq_decode, pq_encode
from wetgate.color.hdr.bt2408 import GREY_CARD, REFERENCE_WHITE
from wetgate.color.hdr.levels import SDR_WHITE, Defined, Ends, nits_of, whole_curve
from wetgate.color.hdr.planes import Array, multiply
from wetgate.color.hdr.ratio import no_way_back
from wetgate.color.ictcp import LMS_TO_ICTCP, RGB_TO_LMS
from wetgate.color.primaries import inverse

# The SDR signal of an 18 % grey card, by BT.709-6 item 1.2: 1.099 * 0.18^0.45 - 0.099 = 0.409; 11.7 nits on a display.
SDR_MID_GREY = nits_of(1.099 * 0.18**0.45 - 0.099)
KNEE = 0.78  # of the SDR signal: where Report BT.2446-1 method B begins to expand
# The expansion begins this much light under the knee and SDR diffuse white lies as much over it: with the knee at 0.78,
# 49 and 62 nits, 74 % and 82 % of the signal. Wider would lift skin with the highlights, narrower would make the curve
# so steep above that the grain of a bright sky shows (seen on photographs).
KNEE_WIDTH = 1.133
_LEAST_SLOPE = 0.25  # of the curve in stops per stop: the anchors are bent before the curve gets flatter than this
_MOST_DIP = 0.35  # stops by which the gain at diffuse white, before expansion, may fall below that at mid-grey


@dataclass(frozen=True, slots=True)
class Anchors:
    """What fixes an adaptive curve. Levels in nits, ``knee`` as a share of the SDR signal.

    ``white_to`` is where SDR white (100 nits) goes.
    """

    mid_grey: float = GREY_CARD
    diffuse_white: float = REFERENCE_WHITE
    white_to: float = 700.0
    knee: float = KNEE


@dataclass(frozen=True, slots=True)
class Bent:
    """Anchors as they could be met: mid-grey and diffuse white in stops of gain, ``white_to`` in nits."""

    mid_gain: float
    white_gain: float
    white_to: float
    start: float
    white_at: float


def bent(anchors: Anchors) -> Bent:
    """The anchors, moved towards one another where a curve through them would fall or nearly stand still."""
    start = nits_of(anchors.knee) / KNEE_WIDTH
    white_at = min(start * KNEE_WIDTH**2, SDR_WHITE * 0.98)
    mid = math.log2(anchors.mid_grey / SDR_MID_GREY)
    wanted = math.log2(anchors.diffuse_white / white_at)
    # A smoothstep falls by at most 1.5 times its drop over its width.
    width = math.log2(white_at / SDR_MID_GREY)
    wanted = max(wanted, mid - (1.0 - _LEAST_SLOPE) * width / 1.5)
    share = (math.log2(white_at / start) / math.log2(SDR_WHITE / start)) ** 2  # of the expansion, reached at white_at
    top = math.log2(anchors.white_to / SDR_WHITE)
    # Diffuse white holds its level although the expansion has begun: the gain before it is that much lower ...
    lowest = max(min(mid, wanted) - _MOST_DIP, mid - (1.0 - _LEAST_SLOPE) * width / 1.5)
    top = min(top, (wanted - (1.0 - share) * lowest) / share)
    # ... and SDR white may not come out so low that the curve stands still under it.
    top = max(top, wanted - (1.0 - _LEAST_SLOPE) * math.log2(SDR_WHITE / start) / 2.0 * (1.0 - share))
    base = (wanted - share * top) / (1.0 - share)
    return Bent(mid, base, SDR_WHITE * 2.0**top, start, white_at)


def defined(anchors: Anchors) -> Defined:
    """The curve through the anchors, nits to nits, on 0 to SDR white."""
    b = bent(anchors)
    low, width = math.log2(SDR_MID_GREY), math.log2(b.white_at / SDR_MID_GREY)
    begin, span = math.log2(b.start), math.log2(SDR_WHITE / b.start)
    expansion = math.log2(b.white_to / SDR_WHITE) - b.white_gain

    def curve(nits: Array) -> Array:
        with np.errstate(divide="ignore"):
            stops = np.log2(nits)
        t = np.clip((stops - low) / width, 0.0, 1.0)
        gain = b.mid_gain + (b.white_gain - b.mid_gain) * (t * t * (3.0 - 2.0 * t))
        e = np.maximum(stops - begin, 0.0) / span
        return np.asarray(nits * np.exp2(gain + expansion * e * e))

    return Defined(curve, SDR_WHITE)


class AdaptiveLift:
    """The lift, and its numeric inverse, on planes (3, N) of linear Rec.2020 light in nits.

    ``saturation`` multiplies ICtCp chroma.
    """

    def __init__(self, anchors: Anchors, ends: Ends, saturation: float = 1.0) -> None:
        self._forward, self._backward = _tables(anchors, ends)
        self._saturation = saturation

    def apply(self, planes: Array) -> Array:
        return self._bend(planes, self._forward, self._saturation)

    def invert(self, planes: Array) -> Array:
        if self._saturation == 0.0:
            raise no_way_back()
        return self._bend(planes, self._backward, 1.0 / self._saturation)

    def _bend(self, planes: Array, table: IntensityTable, saturation: float) -> Array:
        ictcp = multiply(LMS_TO_ICTCP, pq_encode(multiply(RGB_TO_LMS, planes)))
        intensity, factor = table.look_up(ictcp[0])
        if saturation != 1.0:
            factor *= planes.dtype.type(saturation)
        ictcp[0] = intensity
        ictcp[1:] *= factor
        return multiply(_LMS_TO_RGB, pq_decode(multiply(_ICTCP_TO_LMS, ictcp)))


_LMS_TO_RGB = inverse(RGB_TO_LMS)
_ICTCP_TO_LMS = inverse(LMS_TO_ICTCP)
_POINTS = 1 << 14
_TOP = float(pq_encode(np.array([1e7]))[0])  # code 1.65: far above any light that a picture holds


class IntensityTable:
    """Intensity out and the factor on chroma, by intensity in (PQ code), on an even grid from 0 to 10^7 nits."""

    def __init__(self, intensity: Array, factor: Array) -> None:
        self.intensity, self.factor = intensity, factor
        self._typed = {t: tuple(_with_rise(v, t) for v in (intensity, factor)) for t in ("float32", "float64")}

    def look_up(self, code: Array) -> tuple[Array, Array]:
        """Both values for codes of any sign (N,); the intensity is odd, the factor even."""
        scale = code.dtype.type((_POINTS - 1) / _TOP)
        position = np.abs(code)
        position *= scale
        np.minimum(position, code.dtype.type(_POINTS - 1), out=position)
        place = position.astype(np.int32)
        position -= place
        found = []
        for value, rise in self._typed[code.dtype.name]:
            result = np.take(rise, place, mode="clip")
            result *= position
            result += np.take(value, place, mode="clip")
            found.append(result)
        return np.copysign(found[0], code), found[1]


def _with_rise(values: Array, dtype: str) -> tuple[Array, Array]:
    return values.astype(dtype), np.append(np.diff(values), 0.0).astype(dtype)


@lru_cache(maxsize=64)
def _tables(anchors: Anchors, ends: Ends) -> tuple[IntensityTable, IntensityTable]:
    curve = whole_curve(defined(anchors), ends)
    codes = np.linspace(0.0, _TOP, _POINTS)
    nits = pq_decode(codes)
    out_codes = pq_encode(curve(np.maximum(nits, 1e-12)))
    out_codes[0] = 0.0
    forward = IntensityTable(out_codes, _chroma_factor(codes, out_codes))
    back = np.interp(codes, out_codes, codes)
    past = codes > out_codes[-1]
    back[past] = codes[past] - out_codes[-1] + codes[-1]
    return forward, IntensityTable(back, 1.0 / np.interp(back, codes, forward.factor))


def _chroma_factor(before: Array, after: Array) -> Array:
    """What keeps the chromaticity of pale colours: PQ's slope per stop after over before."""
    floor = float(pq_encode(np.array([1e-4]))[0])
    return np.asarray(_slope(np.maximum(after, floor)) / _slope(np.maximum(before, floor)))


def _slope(code: Array) -> Array:
    nits = pq_decode(code)
    return np.asarray(pq_encode(nits * 1.0005) - pq_encode(nits * 0.9995))
