"""The one way into Resolve: every call on one thread, under a time limit, its failures turned into errors.

The API reports a failure as ``None`` or ``False``, and raises for a method that this version does not have. A call may
never return: saving a project that was never saved, or anything at all while a dialog waits for its button. It runs on
a thread of its own, so that a command can say which call hangs, and end.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from dataclasses import dataclass
from typing import Any

from wetgate.spec import HostError

LIMIT_S = 30.0  # an ordinary call takes milliseconds; reading a large timeline's properties some tenths of a second
SLOW_LIMIT_S = 300.0  # what reads or writes media and projects: importing, saving, replacing
_DIALOG = "look at Resolve: close any dialog that is open, then run this again"


class Gate:
    """A thread that makes the calls, in order. One that hangs shuts the gate: no later call can get through either."""

    def __init__(self, limit: float = LIMIT_S) -> None:
        self.limit = limit
        self.methods: dict[type, frozenset[str]] = {}  # of each kind of object, asked once
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self.hangs = ""  # the call that has not returned in time
        # A daemon: a call that never returns must not keep the process from ending.
        threading.Thread(target=self._serve, name="wetgate-resolve", daemon=True).start()

    def run(self, what: str, call: Callable[[], Any], limit: float | None = None) -> Any:
        """The result of ``call``; what it raises is passed on. Raises :class:`HostError` after ``limit`` seconds."""
        if self.hangs:
            raise HostError(f"Resolve has not answered since {self.hangs}", remedy=_DIALOG)
        future: Future[Any] = Future()
        self._calls.put((future, call))
        seconds = self.limit if limit is None else limit
        try:
            return future.result(seconds)
        except OutOfTime:
            if future.done():  # the call itself raised one
                raise
            self.hangs = what
            raise HostError(f"Resolve does not answer: {what} has run for {seconds:g} s", remedy=_DIALOG) from None

    def _serve(self) -> None:
        while True:
            future, call = self._calls.get()
            try:
                future.set_result(call())
            except BaseException as error:  # everything goes to the caller
                future.set_exception(error)


@dataclass(frozen=True, slots=True)
class Handle:
    """An object of Resolve's. ``label`` is what errors call it: ``the timeline 'Reel 1'``."""

    raw: Any
    gate: Gate
    label: str

    def has(self, method: str) -> bool:
        """Whether this version has the method. On these objects ``hasattr`` is True for every name, ``dir`` is not."""
        names = self.gate.methods.get(type(self))
        if names is None:
            names = frozenset(self.gate.run(f"dir({self.label})", lambda: dir(self.raw)))
            self.gate.methods[type(self)] = names
        return method in names

    def ask(self, method: str, *arguments: Any, limit: float | None = None) -> Any:
        """The call's result as it comes, None and False included.

        Raises :class:`HostError` where the version has no such method, or where the call raises.
        """
        if not self.has(method):
            raise HostError(f"{self.label} has no {method} in this version of Resolve", remedy="update Resolve")
        what = f"{method} of {self.label}"
        try:
            return self.gate.run(what, lambda: getattr(self.raw, method)(*arguments), limit)
        except HostError:
            raise
        except Exception as error:
            raise HostError(f"{what} failed: {type(error).__name__}: {error}") from error

    def need(self, method: str, *arguments: Any, remedy: str = "", limit: float | None = None) -> Any:
        """The call's result; None or False is a :class:`HostError` with ``remedy``."""
        result = self.ask(method, *arguments, limit=limit)
        if result is None or result is False:
            raise HostError(f"Resolve refuses {method} of {self.label}", remedy=remedy or _DIALOG)
        return result


def whole(value: Any, what: str) -> int:
    """A frame count or position as Resolve gives it: int, float or text. Anything else is a :class:`HostError`."""
    try:
        return round(float(value))
    except (TypeError, ValueError, OverflowError):
        raise HostError(f"{what} is {value!r}, not a number", remedy=_DIALOG) from None
