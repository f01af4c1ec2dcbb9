"""Reversible encodings of unbounded pictures into what a network was trained on, each declared by its id.

An encoding has two parts: ``encode(x)`` gives v, and ``change(v, r)`` gives decode(v + r) - decode(v), the change in
the working space that a residual r in encoded values means. ``change`` is written without the subtraction, so that it
keeps its precision at 1000.0, and it is exactly 0 where r is 0: what a network leaves alone comes back bit for bit.

All take and give float32, NumPy or torch, (H, W, C).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wetgate.inference.arrays import Array, library, like
from wetgate.spec import UsageError

MID_GREY = 0.18  # reflectance of the grey card, scene-linear


class Encoding(Protocol):
    """What the wrapper asks of an encoding."""

    @property
    def id(self) -> str: ...
    def encode(self, x: Array) -> Array: ...
    def decode(self, v: Array) -> Array: ...
    def change(self, v: Array, r: Array) -> Array: ...
    def regained(self, v: Array, removed: Array) -> Array | None: ...


@dataclass(frozen=True, slots=True)
class Code:
    """The values as they are: v = x. For footage that is worked in its own code values."""

    id: str = "code"

    def encode(self, x: Array) -> Array:
        return x

    def decode(self, v: Array) -> Array:
        return v

    def change(self, v: Array, r: Array) -> Array:
        return r

    def regained(self, v: Array, removed: Array) -> None:
        return None


@dataclass(frozen=True, slots=True)
class SignedLog:
    """v = sign(x) ln(1 + |x| / m) / ln(1 + 1 / m), m = 0.18: stops above mid-grey, linear about 0, odd.

    0 gives 0, 0.18 gives 0.369, 1 gives 1, 1000 gives 4.59. Slope 2.95 at 0, so black is not stretched without end.
    """

    id: str = "signed_log"

    def encode(self, x: Array) -> Array:
        lib = library(x)
        return lib.sign(x) * (lib.log1p(lib.abs(x) * (1 / MID_GREY)) * (1 / _LOG_SPAN))

    def decode(self, v: Array) -> Array:
        lib = library(v)
        return lib.sign(v) * (lib.expm1(lib.abs(v) * _LOG_SPAN) * MID_GREY)

    def change(self, v: Array, r: Array) -> Array:
        lib = library(v)
        sign = lib.where(v < 0, like(-1.0, v), like(1.0, v))
        one_side = sign * lib.exp(lib.abs(v) * _LOG_SPAN) * lib.expm1(sign * r * _LOG_SPAN) * MID_GREY
        crosses = (v + r) * sign < 0  # decode bends at 0; near it nothing cancels
        if not bool(crosses.any()):
            return one_side
        return lib.where(crosses, self.decode(v + r) - self.decode(v), one_side)

    def regained(self, v: Array, removed: Array) -> None:
        return None

    def deviation(self, x: Array, deviation: Array) -> Array:
        """What a standard deviation at ``x`` is in encoded values, by the slope there."""
        return deviation / ((library(x).abs(x) + MID_GREY) * _LOG_SPAN)


_LOG_SPAN = math.log1p(1 / MID_GREY)


@dataclass(frozen=True, slots=True)
class Vst:
    """Generalised Anscombe transform of Poisson-Gaussian noise, var(x) = gain x + read, by channel.

    With c = 3/8 gain^2 + read (Makitalo and Foi, "Optimal inversion of the generalized Anscombe transformation",
    IEEE TIP 22(1), 2013, eq. 1) and the offset chosen so that 0 gives 0,

        f(x) = 2 x / (sqrt(gain x + c) + sqrt(c))      x >= 0
        f(x) = x / sqrt(c)                             x < 0, its tangent: below black there is read noise alone

    has noise of standard deviation 1 everywhere; it is exact for gain = 0 and inverts without a root:
    f^-1(u) = u sqrt(c) + gain / 4 max(u, 0)^2. Networks see v = f(x) / f(white), in which white is 1 and the noise has
    the standard deviation :attr:`sigma`, which is what the noise map has to say.

    The mean of f under noise lies below f of the mean, so an algebraic inverse comes out gain / 4 too dark where all
    noise was removed. :meth:`regained` gives that light back by the share of variance that really was removed: the
    exact unbiased inverse would assume that all was.
    """

    gain: tuple[float, ...]
    read: tuple[float, ...]
    white: float = 1.0
    id: str = "vst"

    def __post_init__(self) -> None:
        sound = len(self.gain) == len(self.read) and all(
            math.isfinite(g) and math.isfinite(r) and g >= 0 and r >= 0 and g + r > 0
            for g, r in zip(self.gain, self.read, strict=False)
        )
        if not sound or not (math.isfinite(self.white) and self.white > 0):
            raise UsageError(
                f"the noise model is gain {self.gain}, read {self.read}, white {self.white}",
                allowed="as many gains as reads, both at least 0 and not both 0; white above 0",
                remedy="measure the noise again",
            )

    @property
    def sigma(self) -> tuple[float, ...]:
        """Standard deviation of the noise in encoded values, by channel."""
        return tuple(1 / u for u in self._unit())

    def _offset(self) -> list[float]:
        return [max(0.375 * g * g + r, 1e-20) for g, r in zip(self.gain, self.read, strict=True)]

    def _unit(self) -> list[float]:
        """f(white)."""
        return [
            2 * self.white / (math.sqrt(g * self.white + c) + math.sqrt(c))
            for g, c in zip(self.gain, self._offset(), strict=True)
        ]

    def encode(self, x: Array) -> Array:
        lib = library(x)
        c = like(self._offset(), x)
        root = lib.sqrt(c)
        bright = lib.sqrt(like(self.gain, x) * lib.clip(x, 0, None) + c)
        return x * (like([2 / u for u in self._unit()], x) / (bright + root))

    def decode(self, v: Array) -> Array:
        lib = library(v)
        u = v * like(self._unit(), v)
        above = lib.clip(u, 0, None)
        return u * lib.sqrt(like(self._offset(), v)) + like(self.gain, v) * 0.25 * above * above

    def change(self, v: Array, r: Array) -> Array:
        lib = library(v)
        unit = like(self._unit(), v)
        u, d = v * unit, r * unit
        before, after = lib.clip(u, 0, None), lib.clip(u + d, 0, None)
        # On one side of 0 the difference of the clipped values is d itself.
        step = lib.where((u > 0) & (u + d > 0), d, after - before)
        return d * lib.sqrt(like(self._offset(), v)) + like(self.gain, v) * 0.25 * step * (before + after)

    def regained(self, v: Array, removed: Array) -> Array:
        """Light to add for a local mean square ``removed`` of the residual, in encoded values; 0 below black."""
        lib = library(v)
        unit = like(self._unit(), v)
        share = lib.clip(removed * unit * unit, 0, 1)  # noise has variance 1: what is above it was structure
        # Below black the inverse is a line and has no bias; half a standard deviation about 0 is between.
        above = lib.clip(v * unit * 0.5 + 0.5, 0, 1)
        return like(self.gain, v) * 0.25 * share * above


def encoding_of(name: str) -> Encoding:
    """The encoding of an id that needs no measurement. Raises :class:`UsageError` for ``vst`` and unknown ids."""
    if name == "code":
        return Code()
    if name == "signed_log":
        return SignedLog()
    raise UsageError(
        f"the encoding {name!r} needs the noise that was measured"
        if name == "vst"
        else f"there is no encoding {name!r}",
        allowed="code, signed_log, or a Vst(gain, read)",
    )


def vst(gain: Sequence[float] | float, read: Sequence[float] | float, white: float = 1.0, channels: int = 3) -> Vst:
    """A :class:`Vst` from one noise model for all channels, or one for each."""
    gains = (float(gain),) * channels if isinstance(gain, (int, float)) else tuple(float(g) for g in gain)
    reads = (float(read),) * channels if isinstance(read, (int, float)) else tuple(float(r) for r in read)
    return Vst(gains, reads, float(white))
