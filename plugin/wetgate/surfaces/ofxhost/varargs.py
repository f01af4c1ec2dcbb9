"""``printf`` for the message suites: the format string and arguments of a C call, as text."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence

_DIRECTIVE = re.compile(r"%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(hh|h|ll|l|j|z|t|L|q)?([diouxXeEfFgGaAcspn%])")


def formatted(template: str, integers: Sequence[int], doubles: Sequence[float]) -> str:
    """The text that ``printf`` would print (C11 7.21.6.1), for the directives that messages use.

    ``integers`` and ``doubles`` are the registers' contents in order, as :mod:`wetgate.surfaces.ofxhost.abi` says. A
    directive past the arguments that were passed gives rubbish, as it does in C; a null string prints ``(null)``.
    """
    whole = iter(integers)
    real = iter(doubles)

    def one(found: re.Match[str]) -> str:
        flags, width, precision, length, kind = found.groups()
        if kind == "%":
            return "%"
        if width == "*":
            width = str(_signed(next(whole), ""))
        if precision == "*":
            precision = str(max(0, _signed(next(whole), "")))
        dotted = "." in found.group(0)
        shape = "%" + flags + (width or "") + (f".{precision or 0}" if dotted else "")
        if kind in "di":
            return (shape + "d") % _signed(next(whole), length or "")
        if kind in "ouxX":
            return (shape + kind.replace("u", "d")) % _unsigned(next(whole), length or "")
        if kind in "eEfFgG":
            return (shape + kind) % next(real)
        if kind in "aA":
            return next(real).hex()
        if kind == "c":
            return (shape + "c") % chr(next(whole) & 0xFF)
        if kind == "p":
            return hex(next(whole))
        if kind == "s":
            address = next(whole)
            return (shape + "s") % (_text(address) if address else "(null)")
        return found.group(0)  # %n: writes to memory in C; no message has use for it

    return _DIRECTIVE.sub(one, template)


def directives(template: str) -> int:
    """How many arguments the format asks for (``%%`` asks for none)."""
    return sum(found.group(5) != "%" for found in _DIRECTIVE.finditer(template))


def _bits(length: str) -> int:
    return {"hh": 8, "h": 16, "": 32}.get(length, 64)


def _unsigned(register: int, length: str) -> int:
    return register & ((1 << _bits(length)) - 1)


def _signed(register: int, length: str) -> int:
    bits = _bits(length)
    value = register & ((1 << bits) - 1)
    return value - (1 << bits) if value >> (bits - 1) else value


def _text(address: int) -> str:
    return ctypes.string_at(address).decode("utf-8", "replace")
