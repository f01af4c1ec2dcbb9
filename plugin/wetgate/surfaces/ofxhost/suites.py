"""How suites are made: a table of C function pointers over Python methods, each guarded."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.properties import Refused

if TYPE_CHECKING:
    from wetgate.surfaces.ofxhost.host import Host

Entry = tuple[Callable[..., Any] | None, tuple[Any, ...]]


class Table:
    """A suite in memory: an array of function pointers, in the order of the specification's struct.

    The callbacks live as long as the table; a plug-in may call them from any thread. An entry without a function is a
    null pointer.
    """

    def __init__(self, host: Host, entries: Sequence[Entry], *, nulls: bool = False) -> None:
        self._kept: list[Any] = []
        self._array = (ctypes.c_void_p * len(entries))()
        for slot, (function, arguments) in enumerate(entries):
            if function is None or nulls:
                continue
            callback = ctypes.CFUNCTYPE(ctypes.c_int, *arguments)(_guarded(host, function))
            self._kept.append(callback)
            self._array[slot] = ctypes.cast(callback, ctypes.c_void_p).value

    @property
    def address(self) -> int:
        return ctypes.addressof(self._array)


def _guarded(host: Host, function: Callable[..., Any]) -> Callable[..., int]:
    """A suite function for C: :class:`Refused` becomes its status, and no exception leaves it."""

    def call(*arguments: Any) -> int:
        lent = host.strings.taken()
        try:
            answer = function(*arguments)
            return abi.OK if answer is None else int(answer)
        except Refused as refused:
            return refused.status
        except BaseException as fault:
            host.faults.append(fault)
            return abi.ERR_UNKNOWN
        finally:
            host.strings.void(lent)

    return call


def text_of(given: bytes | None) -> str:
    """A C string; :class:`Refused` for a null pointer."""
    if given is None:
        raise Refused(abi.ERR_VALUE)
    return given.decode("utf-8", "replace")


def demand(address: int | None) -> int:
    """An address that the host is to write to; :class:`Refused` for null."""
    if not address:
        raise Refused(abi.ERR_VALUE)
    return address
