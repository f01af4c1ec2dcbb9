"""Lifts that multiply the three channels of a pixel by one number: methods B and C, and BT.2408 direct mapping.

Chromaticity stays exactly; only the measure of light that picks the factor, and the curve, differ between them.
"""

from __future__ import annotations

from wetgate.color.hdr.levels import LUMINANCE, Defined, Ends, whole_curve
from wetgate.color.hdr.planes import Array, weigh
from wetgate.color.hdr.tables import GainTable
from wetgate.spec import UsageError


class RatioLift:
    """The lift, and its numeric inverse, on planes (3, N) of linear Rec.2020 light in nits.

    ``weights`` make the measure of light from R, G, B. ``saturation`` moves the result along the straight line between
    it and the neutral of its own luminance (1 leaves it).
    """

    def __init__(
        self,
        method: Defined,
        ends: Ends,
        saturation: float = 1.0,
        weights: tuple[float, float, float] = LUMINANCE,
    ) -> None:
        self._table = GainTable(whole_curve(method, ends))
        self._weights = weights
        self._saturation = saturation

    def apply(self, planes: Array) -> Array:
        out = planes * self._table.gain(weigh(self._weights, planes))
        if self._saturation != 1.0:
            y = weigh(LUMINANCE, out)
            out -= y
            out *= planes.dtype.type(self._saturation)
            out += y
        return out

    def invert(self, planes: Array) -> Array:
        out = planes
        if self._saturation != 1.0:
            if self._saturation == 0.0:
                raise no_way_back()
            y = weigh(LUMINANCE, planes)
            out = (planes - y) / planes.dtype.type(self._saturation) + y
        return out * self._table.inverse().gain(weigh(self._weights, out))


def no_way_back() -> UsageError:
    """The error of an inverse that was asked for where the colour is gone."""
    return UsageError(
        "a lift with saturation 0 has no inverse: the colour is gone",
        where="saturation",
        allowed="more than 0",
        remedy="invert the lift that was used",
    )
