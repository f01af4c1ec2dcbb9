"""One lift from SDR to HDR: method, ends and gamut put together, with its numeric inverse.

Light is linear Rec.2020 in nits throughout, SDR white at 100: the node's working space.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol

from wetgate.color.hdr import bt2408, bt2446b, bt2446c
from wetgate.color.hdr.adaptive import KNEE, AdaptiveLift, Anchors
from wetgate.color.hdr.bt2446a import MethodA
from wetgate.color.hdr.gamut import GamutLimit
from wetgate.color.hdr.levels import Ends
from wetgate.color.hdr.planes import Array, over_pixels
from wetgate.color.hdr.ratio import RatioLift

Method = Literal["bt2446a", "bt2446b", "bt2446c", "bt2408", "adaptive"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides a lift. Levels in nits, ``knee`` a share of the SDR signal, the rest 0..1 or a factor.

    ``white_to`` (adaptive) is the light that SDR white is lifted to; the analysis of a shot gives it.
    """

    method: Method = "adaptive"
    strength: float = 1.0
    peak: float = 1000.0
    diffuse_white: float = bt2408.REFERENCE_WHITE
    mid_grey: float = bt2408.GREY_CARD
    knee: float = KNEE
    black: float = 0.0
    saturation: float = 1.0
    crosstalk: float = bt2446c.CROSSTALK
    protection: float = 0.75
    p3_limit: bool = False
    white_to: float = 700.0

    @property
    def ends(self) -> Ends:
        """Those of the settings that every method has at the ends of its scale."""
        return Ends(self.peak, self.black, self.protection, self.strength)

    @property
    def colour(self) -> float:
        """The factor on saturation: like everything else it grows with the strength."""
        return 1.0 + (self.saturation - 1.0) * self.strength


class Lift(Protocol):
    """A lift without its gamut limit, on planes (3, N)."""

    def apply(self, planes: Array) -> Array: ...
    def invert(self, planes: Array) -> Array: ...


@lru_cache(maxsize=32)
def make(settings: Settings) -> Lift:
    """The lift of these settings; the same object for the same settings, since its tables take a while to make."""
    s = settings
    if s.method == "bt2446a":
        return MethodA(s.ends, s.colour)
    if s.method == "bt2446b":
        return RatioLift(bt2446b.defined(s.peak, s.knee), s.ends, s.colour)
    if s.method == "bt2446c":
        return RatioLift(bt2446c.defined(s.peak), s.ends, s.colour, bt2446c.weights(s.crosstalk))
    if s.method == "bt2408":
        return RatioLift(bt2408.defined(s.diffuse_white, s.peak), s.ends, s.colour)
    anchors = Anchors(s.mid_grey, min(s.diffuse_white, s.peak), min(s.white_to, s.peak), s.knee)
    return AdaptiveLift(anchors, s.ends, s.colour)


def lift(rgb: Any, settings: Settings, threads: int = 1, check: Callable[[], None] | None = None) -> Array:
    """HDR light (..., 3) of SDR light (..., 3), both in nits."""
    method = make(settings)
    if not settings.p3_limit:
        return over_pixels(method.apply, rgb, threads, check)
    limit = GamutLimit("p3d65")
    return over_pixels(lambda planes: limit.apply(method.apply(planes)), rgb, threads, check)


def invert(settings: Settings, threads: int = 1) -> Callable[[Any], Array]:
    """The function that takes HDR light back to the SDR light it was lifted from, both (..., 3) in nits.

    Exact to the tables' accuracy where the lift limited no gamut and estimated nothing; colours that the P3 limit
    moved come back desaturated.
    """
    method = make(settings)
    return lambda rgb: over_pixels(method.invert, rgb, threads)
