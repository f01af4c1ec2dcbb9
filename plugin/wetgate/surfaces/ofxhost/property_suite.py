"""OfxPropertySuiteV1 (ofxProperty.h)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wetgate.surfaces.ofxhost.abi import D, I, P, S, write
from wetgate.surfaces.ofxhost.properties import PropertySet
from wetgate.surfaces.ofxhost.suites import Entry, demand, text_of

if TYPE_CHECKING:
    from wetgate.surfaces.ofxhost.host import Host

_C: dict[str, Any] = {"p": P, "s": S, "d": D, "i": I}
_ORDER = "psdi"


def entries(host: Host) -> list[Entry]:
    """The 18 functions in ABI order."""

    def found(handle: int | None) -> PropertySet:
        return host.handles.get(handle, PropertySet, host.action_name)

    def value_of(letter: str, given: Any) -> Any:
        if letter == "s":
            return text_of(given)
        return (given or 0) if letter == "p" else given

    def lent(letter: str, value: Any) -> Any:
        return host.strings.lend(str(value)) if letter == "s" else value

    def set_one(letter: str) -> Callable[..., None]:
        def prop_set(handle: int | None, name: bytes | None, index: int, value: Any) -> None:
            found(handle).plugin_set(text_of(name), letter, index, [value_of(letter, value)], host.action_name)

        return prop_set

    def set_many(letter: str) -> Callable[..., None]:
        def prop_set_n(handle: int | None, name: bytes | None, count: int, values: int | None) -> None:
            array = (_C[letter] * count).from_address(demand(values)) if count > 0 else []
            given = [value_of(letter, v) for v in array]
            found(handle).plugin_set(text_of(name), letter, 0, given, host.action_name)

        return prop_set_n

    def get(letter: str, handle: int | None, name: bytes | None, index: int, count: int, out: int | None) -> None:
        kind = P if letter == "s" else _C[letter]
        values = found(handle).plugin_get(text_of(name), letter, index, count, host.action_name)
        for place, value in enumerate(values):
            write(kind, demand(out), lent(letter, value), place)

    def get_one(letter: str) -> Callable[..., None]:
        return lambda handle, name, index, out: get(letter, handle, name, index, 1, out)

    def get_many(letter: str) -> Callable[..., None]:
        return lambda handle, name, count, out: get(letter, handle, name, 0, count, out)

    def reset(handle: int | None, name: bytes | None) -> None:
        found(handle).plugin_reset(text_of(name), host.action_name)

    def dimension(handle: int | None, name: bytes | None, out: int | None) -> None:
        write(ctypes.c_int, demand(out), found(handle).plugin_dimension(text_of(name), host.action_name))

    return [
        *((set_one(letter), (P, S, I, _C[letter])) for letter in _ORDER),
        *((set_many(letter), (P, S, I, P)) for letter in _ORDER),
        *((get_one(letter), (P, S, I, P)) for letter in _ORDER),
        *((get_many(letter), (P, S, I, P)) for letter in _ORDER),
        (reset, (P, S)),
        (dimension, (P, S, P)),
    ]
