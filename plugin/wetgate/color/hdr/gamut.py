"""Limiting light to a smaller gamut than Rec.2020, for displays and deliveries that ask for P3."""

from __future__ import annotations

import numpy as np

from wetgate.color.hdr.planes import Array, multiply, weigh
from wetgate.color.primaries import rgb_to_rgb, rgb_to_xyz

_THRESHOLD = 0.9  # of the way from neutral to the gamut's edge: colours inside it are not touched


class GamutLimit:
    """Desaturates what lies outside the gamut of ``primaries``, at its own luminance and towards neutral.

    On planes (3, N) of linear Rec.2020 light. A colour's distance is how far its weakest channel lies below its
    luminance, as a share of that: 0 is neutral, 1 the edge. Distances up to 0.9 stay; from there a smooth, increasing
    curve ends at 1. So no channel is negative afterwards, no edge shows, and light itself is never limited. Pixels of
    no or negative luminance are not touched.
    """

    def __init__(self, primaries: str) -> None:
        self._into = rgb_to_rgb("rec2020", primaries)
        self._back = rgb_to_rgb(primaries, "rec2020")
        r, g, b = (float(w) for w in rgb_to_xyz(primaries)[1])
        self._weights = (r, g, b)

    def apply(self, planes: Array) -> Array:
        inside = multiply(self._into, planes)
        y = weigh(self._weights, inside)
        lit = y > 0.0
        distance = (y - inside.min(axis=0)) / np.where(lit, y, 1.0)
        far = lit & (distance > _THRESHOLD)
        if not far.any():
            return planes
        kind = planes.dtype.type
        room = kind(1.0 - _THRESHOLD)
        over = np.where(far, distance - kind(_THRESHOLD), 0.0)
        # x / (1 + x) leaves with slope 1 and ends at 1.
        held = kind(_THRESHOLD) + room * (over / (over + room))
        keep = held / np.where(far, distance, 1.0)
        limited = multiply(self._back, (inside - y) * keep + y)
        return np.where(far, limited, planes)
