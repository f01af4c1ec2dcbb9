"""Curves carried on beyond where OCIO clips them, so that no light is lost on the way into a space and back.

OCIO clips below zero in BT.1886, below the first entry of a table, under the smallest float of a logarithm. A
:class:`Limits` is found by trying the curve out, from code to light and back, so that it fits every config:

- **below**: the curve goes on as its own image through a point, ``f(pivot - d) = 2 f(pivot) - f(pivot + d)``: same
  value and slope there, and odd. The pivot is zero light where the curve gets there, the last point before the clip
  where a table ends, and 1e-5 for a logarithm, which never gets there (light from there down to zero differs from
  OCIO's, by less than 1e-5).
- **above** the last entry of a table: along the tangent.

Codes and light in between are OCIO's own, untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Apply = Callable[[Image], Image]
Triple = NDArray[np.float32]

LOG_PIVOT = 1e-5
# Light that must come back: wider than the -0.5..1000 that is promised, since matrices between spaces enlarge it.
_LEAST, _MOST = -10.0, 4000.0
# A clip at zero shows at -2e-6, a table's last value when it is 0.2 % off.
_ABSOLUTE, _RELATIVE = 2e-6, 2e-3
_CENTER = 0.18
_POINTS_PER_DECADE = 40


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a curve of three channels ends. Each field is float32 (3,); light -inf or +inf where it does not end.

    ``slope`` is light per code at the top. ``sign`` is 1 where light rises with the code, else -1.
    """

    low_code: Triple
    low_light: Triple
    high_code: Triple
    high_light: Triple
    slope: Triple
    sign: Triple

    def extend(self, block: Image, decodes: bool, process: Callable[[Image], None]) -> None:
        """``process`` (codes to light where ``decodes``, else light to codes) in place on (rows, W, 3 or 4)."""
        pixels = block.reshape(-1, block.shape[-1])
        outside = self._outside(pixels[:, :3], decodes)
        kept = pixels[outside, :3] if outside is not None else None
        process(block)
        if kept is not None:
            pixels[outside, :3] = self._beyond(kept, decodes, process)

    def _ends(self, decodes: bool) -> tuple[Triple, Triple]:
        if decodes:
            return np.where(np.isinf(self.low_light), -np.inf, self.low_code * self.sign), np.where(
                np.isinf(self.high_light), np.inf, self.high_code * self.sign
            )
        return self.low_light, self.high_light

    def _outside(self, rgb: Image, decodes: bool) -> NDArray[np.bool_] | None:
        low, high = self._ends(decodes)
        signed = rgb * self.sign if decodes and (self.sign < 0).any() else rgb
        if signed.min() >= low.max() and signed.max() <= high.min():  # false for NaN
            return None
        mask = np.asarray(((signed < low) | (signed > high)).any(axis=1))
        return mask if mask.any() else None

    def _beyond(self, rgb: Image, decodes: bool, process: Callable[[Image], None]) -> Image:
        low, high = self._ends(decodes)
        sign = self.sign if decodes else np.ones_like(self.sign)
        x = rgb * sign
        below = x < low
        x = np.where(below, 2 * np.where(below, low, 0) - x, x)
        above = x > high
        excess = np.where(above, x - np.where(above, high, 0), 0)
        y = np.ascontiguousarray(np.minimum(x, high) * sign, np.float32)
        process(y)
        if decodes:
            y += excess * sign * self.slope
            mirror = self.low_light
        else:
            y += excess / self.slope
            mirror = self.low_code
        return np.where(below, 2 * np.where(below, mirror, 0) - y, y).astype(np.float32)


def find_limits(decode: Apply, encode: Apply) -> Limits | None:
    """Where the curve of a space stops giving light back, or None where it does so nowhere from -10 to 4000.

    ``decode`` takes codes (N, 3) to light, ``encode`` is its inverse; both work each channel by itself. None also where
    the curve does not even hold at mid-grey: nothing can be carried on there.
    """
    light = _grid()
    good = _returns(light, decode, encode)
    center = int(np.argmin(np.abs(light[:, 0] - _CENTER)))
    if good.all() or not good[center].all():
        return None
    low = _edge(light, good, center, -1, decode, encode)
    high = _edge(light, good, center, +1, decode, encode)
    low_light, low_code = _pivot(low, decode, encode)
    high_code = _at(encode, high)
    high_light = np.where(np.isinf(high), np.inf, _at(decode, high_code))
    inside = high_light * np.float32(1 - _RELATIVE)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (high_light - _at(decode, _at(encode, inside))) / (high_code - _at(encode, inside))
    sign = np.sign(_at(encode, np.full(3, 1.0)) - _at(encode, np.full(3, _CENTER)))
    slope = np.where(np.isfinite(slope) & (slope != 0), slope, sign)
    return Limits(*(np.asarray(v, np.float32) for v in (low_code, low_light, high_code, high_light, slope, sign)))


def _grid() -> Image:
    small = np.log10(_ABSOLUTE)
    positive = np.logspace(small, np.log10(_MOST), int((np.log10(_MOST) - small) * _POINTS_PER_DECADE))
    negative = -positive[positive <= -_LEAST][::-1]
    return np.repeat(np.concatenate([negative, [0.0], positive])[:, None], 3, axis=1).astype(np.float32)


def _returns(light: Image, decode: Apply, encode: Apply) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore", over="ignore"):
        back = decode(encode(light))
        good: NDArray[np.bool_] = np.abs(back - light) <= _RELATIVE * np.abs(light) + _ABSOLUTE
    return good


def _edge(light: Image, good: NDArray[np.bool_], center: int, step: int, decode: Apply, encode: Apply) -> Triple:
    """The last light that comes back, from mid-grey down (-1) or up (+1), by bisection; infinite without an end."""
    inner = np.empty(3, np.float64)
    outer = np.empty(3, np.float64)
    ends = np.zeros(3, bool)
    for channel in range(3):
        path = good[center::step, channel]
        lost = np.flatnonzero(~path)
        ends[channel] = len(lost) > 0
        first = center + step * int(lost[0]) if len(lost) else center
        inner[channel], outer[channel] = light[first - step, channel], light[first, channel]
    for _ in range(40):
        middle = (inner + outer) / 2
        fits = _returns(middle[None].astype(np.float32), decode, encode)[0]
        inner, outer = np.where(fits, middle, inner), np.where(fits, outer, middle)
    return np.where(ends, inner, step * np.inf).astype(np.float32)


def _pivot(low: Triple, decode: Apply, encode: Apply) -> tuple[Triple, Triple]:
    """Light and code of the point through which each channel is mirrored."""
    # Two decades of light move the code of a power law less and less on the way to zero, of a logarithm equally.
    e4, e6, e8 = (_at(encode, np.full(3, v)) for v in (1e-4, 1e-6, 1e-8))
    reaches_zero = np.abs(e8 - e6) < 0.3 * np.abs(e6 - e4)
    near_zero = np.abs(low) <= 2 * _ABSOLUTE
    start = np.where(near_zero, np.where(reaches_zero, 0.0, LOG_PIVOT), low)
    code = _at(encode, np.where(np.isinf(low), _CENTER, start))
    light = np.where(near_zero & reaches_zero, 0.0, _at(decode, code))
    return np.where(np.isinf(low), -np.inf, light).astype(np.float32), code


def _at(curve: Apply, values: NDArray[np.floating]) -> Triple:
    """One triple through a curve; infinite ones give whatever, callers mask them."""
    finite = np.where(np.isfinite(values), values, _CENTER)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(curve(np.ascontiguousarray(finite[None], np.float32))[0], np.float32)
