"""What every lift does at the ends of the scale: the first light above black, and light above SDR white.

A report defines its curve from SDR black to SDR white (or to the super-whites that video carries). Scene-linear
pictures go further on both sides, and must come through: odd through zero, with a slope everywhere, without a kink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wetgate.color.hdr.planes import Array

SDR_WHITE = 100.0  # nits; the reference display of SDR: BT.2035-0, and the L_SDR of Report BT.2446-1
GAMMA = 2.4  # BT.1886 Annex 1
LUMINANCE = (0.2627, 0.6780, 0.0593)  # of R, G and B in Rec.2020: BT.2020-2 Table 4
# Light under which a curve's gain is held: 1/30 of the first 8-bit code of BT.1886. It gives curves that leave black
# with a slope of zero a small one instead, and moves that first code by 0.02 %.
_FLOOR = 5e-6
_RELAX = 0.25  # of the level at which the extension starts: how soon it settles on a constant gain
_KNEE_OF_PROTECTION = 0.25  # of the peak

Curve = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Defined:
    """A method's own curve, nits to nits, increasing from 0 to ``top``, where its definition ends."""

    curve: Curve
    top: float


@dataclass(frozen=True, slots=True)
class Ends:
    """What the user asks of the ends. ``black`` and ``peak`` in nits, ``protection`` and ``strength`` 0 to 1."""

    peak: float = 1000.0
    black: float = 0.0
    protection: float = 0.75
    strength: float = 1.0


def signal_of(nits: float) -> float:
    """The BT.1886 signal (0..1) that a 100-nit display shows as ``nits``."""
    return float((nits / SDR_WHITE) ** (1.0 / GAMMA))


def nits_of(signal: float) -> float:
    """The light of a BT.1886 signal on a 100-nit display."""
    return float(SDR_WHITE * signal**GAMMA)


def whole_curve(method: Defined, ends: Ends) -> Curve:
    """The method's curve for all positive light, with its black, its extension, its protection and its strength.

    Above ``top`` the curve goes on with its own slope and settles on the gain that it had there: light twice as strong
    comes out, in the end, twice as strong. ``protection`` turns what passes ``peak`` into a logarithm by that share.
    ``strength`` weighs the logarithm of the gain, so 0 is the input and every value between is a curve of its kind.
    """
    at_top = float(method.curve(np.array([method.top]))[0])
    before = float(method.curve(np.array([method.top * (1.0 - 1e-6)]))[0])
    slope = (at_top - before) / (method.top * 1e-6)
    gain = at_top / method.top
    span = method.top * _RELAX
    limit = max(ends.peak, at_top)

    def lifted(nits: Array) -> Array:
        light = method.curve(np.minimum(nits, method.top))
        over = np.maximum(nits - method.top, 0.0)
        light = light + gain * over + (slope - gain) * span * -np.expm1(-over / span)
        if ends.protection <= 0.0:
            return np.asarray(light)
        room = limit * _KNEE_OF_PROTECTION
        beyond = np.maximum(light - limit, 0.0)
        held = room * np.log1p(beyond / room)
        return np.asarray(light + ends.protection * (held - beyond))

    def curve(nits: Array) -> Array:
        # The share of black follows the strength too, so that a lift of next to nothing changes next to nothing.
        light = shifted_black(nits, ends.black * ends.strength)
        softened = np.hypot(light, _FLOOR)
        return np.asarray(light * (lifted(softened) / softened) ** ends.strength)

    return curve


def shifted_black(nits: Array, black: float) -> Array:
    """Light with ``black`` nits taken off (or, negative, put on), which zero itself keeps clear of.

    ``x - b (1 - exp(-x / 2b))``: far above black the whole of b is gone, at zero the slope is still a half.
    """
    if black == 0.0:
        return nits
    return np.asarray(nits + black * np.expm1(-nits / (2.0 * abs(black))))
