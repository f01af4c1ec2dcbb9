"""The one tree of errors, and how each of them reads.

A message says what is wrong, where, what is allowed and what to do, on one line::

    strength is 1.4; at graph.nodes[2].params.strength; allowed: 0 to 1; give a value in that range
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class WetgateError(Exception):
    """Anything that Wetgate refuses or fails to do.

    ``what`` is the fact, ``where`` a path into the request or a file, ``allowed`` the values or states that
    would have been right, ``remedy`` what the user can do. ``exit_code`` is the command line's.
    """

    exit_code = 2

    def __init__(
        self, what: str, *, where: str | None = None, allowed: str | None = None, remedy: str | None = None
    ) -> None:
        self.what = what
        self.where = where
        self.allowed = allowed
        self.remedy = remedy
        super().__init__(self.message())

    def message(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"at {self.where}")
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.remedy:
            parts.append(self.remedy)
        return "; ".join(parts)

    def at(self, where: str) -> WetgateError:
        """The same error, its place prefixed by ``where`` (outer caller first)."""
        joined = where if not self.where else f"{where}.{self.where}"
        return type(self)(self.what, where=joined, allowed=self.allowed, remedy=self.remedy)


class UsageError(WetgateError):
    """The request cannot be carried out as it was put: a wrong name, value, path or combination."""


class FrameError(WetgateError):
    """One frame cannot be read, worked or written. The others go on where the failure policy says so."""

    exit_code = 3


class ModelError(WetgateError):
    """Network weights are missing, damaged, or not what their manifest says."""


class WorkerError(WetgateError):
    """The render process died, hung, or answered what it must not."""


class HostError(WetgateError):
    """A host application cannot be reached, refuses a call, or does not answer in time."""


class Problems(UsageError):
    """Every problem of one request at once, each a complete message."""

    def __init__(self, problems: Iterable[WetgateError]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(p.message() for p in self.problems))

    def at(self, where: str) -> Problems:
        return Problems(p.at(where) for p in self.problems)


def raise_all(problems: Iterable[WetgateError]) -> None:
    """Raise nothing, the single problem as it is, or all of them as ``Problems``."""
    found = list(problems)
    if len(found) == 1:
        raise found[0]
    if found:
        raise Problems(found)


def suggest(name: str, known: Iterable[str]) -> str:
    """A remedy for a wrong name: the nearest known one, or the list of all."""
    names = sorted(known)
    return nearest(name, names) or ("known: " + ", ".join(names) if names else "none is known")


def nearest(name: str, known: Iterable[str]) -> str:
    """The nearest known name as a question; "" where none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""
