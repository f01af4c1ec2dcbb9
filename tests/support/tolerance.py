"""The one table of tolerances. A test names the row whose reason is its own, or makes a row with a reason beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two pictures may lie apart, per value.

    A value is within tolerance where ``|actual - expected| <= absolute + relative * |expected|``. A ``share`` of all
    values may lie outside it, as long as none is further away than ``hard`` times the allowed distance. ``reason``
    says why this much and not less.
    """

    reason: str
    absolute: float = 0.0
    relative: float = 0.0
    share: float = 0.0
    hard: float = 1.0


EXACT = Tolerance("the same bits are promised")

# One float32 operation rounds by at most 2**-24 = 6e-8 of its result (IEEE 754-2019, 4.3.1); a pixel sees some tens.
FLOAT32 = Tolerance("rounding of some tens of float32 operations", absolute=1e-6, relative=2e-6)

# Powers, logs and matrices in a row: curves that are steep near black multiply the rounding of what comes before.
COLOUR = Tolerance("float32 colour conversion there and back through steep curves", absolute=2e-5, relative=2e-4)

# binary16 has 11 significant bits and steps of 2**-24 below 2**-14 (IEEE 754-2019, table 3.5); half a step either way.
HALF = Tolerance("stored as 16-bit half float", absolute=2.0**-25, relative=2.0**-11)

# Half a code value either way, and a hair for the float32 division by the code range.
BITS_16 = Tolerance("stored as 16-bit integers", absolute=0.5001 / 65535)
BITS_12 = Tolerance("stored as 12-bit integers", absolute=0.5001 / 4095)
BITS_10 = Tolerance("stored as 10-bit integers", absolute=0.5001 / 1023)
BITS_8 = Tolerance("stored as 8-bit integers", absolute=0.5001 / 255)
