"""Frame rates: the exact ones in use, and what a rounded number stands for."""

from __future__ import annotations

from fractions import Fraction

from wetgate.spec import UsageError

# Rates in use (ST 2036-1, film and television of old).
_RATES = [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)] + [Fraction(n) for n in range(1, 121)]
_MEASURED = Fraction(20, 1_000_000)  # how far a container's rounded rate may be from the one that it stands for
_TYPED = Fraction(200, 1_000_000)  # 23.98 for 24000/1001; 24 and 24000/1001 lie 1000 apart
ALLOWED = "24, 25, 24000/1001, 23.976, ..."


def exact_rate(measured: Fraction | None) -> Fraction | None:
    """A container's rounded frame rate as the exact one it stands for: within 20 parts in a million."""
    return None if measured is None or measured <= 0 else _nearest(measured, _MEASURED)


def given_rate(value: object, where: str = "rate") -> Fraction:
    """A frame rate as a person or a script gives it: ``24``, ``23.976``, ``"24000/1001"``, a Fraction.

    A rounded NTSC rate is the exact one. Raises :class:`UsageError` for what is no rate above 0.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float, Fraction)):
            raise ValueError
        rate = Fraction(str(value).strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise UsageError(f"the rate is {value!r}", where=where, allowed=ALLOWED)
    return _nearest(rate, _TYPED)


def _nearest(rate: Fraction, share: Fraction) -> Fraction:
    near = min(_RATES, key=lambda known: abs(known - rate))
    return near if abs(near - rate) <= near * share else rate
