"""What a plug-in did against the specification, and what a host did not expect: one report for a whole run."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

Severity = Literal["violation", "advice"]


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that the plug-in did wrong.

    ``clause`` is the header and the item of the OFX specification, ``what`` the fact, ``action`` the action during
    which it happened ("" outside any), ``severity`` whether the specification forbids it or a real host is known to
    stumble over it.
    """

    clause: str
    what: str
    action: str = ""
    severity: Severity = "violation"

    def line(self) -> str:
        during = f" (during {self.action})" if self.action else ""
        return f"{self.severity}: {self.what}{during} [{self.clause}]"


class Report:
    """Violations in the order in which they were first seen, each with how often; any thread may add."""

    def __init__(self) -> None:
        self._seen: dict[Violation, int] = {}
        self._lock = threading.Lock()

    def add(self, clause: str, what: str, action: str = "", severity: Severity = "violation") -> None:
        found = Violation(clause, what, action, severity)
        with self._lock:
            self._seen[found] = self._seen.get(found, 0) + 1

    @property
    def violations(self) -> list[Violation]:
        """Those that the specification forbids."""
        with self._lock:
            return [v for v in self._seen if v.severity == "violation"]

    @property
    def advice(self) -> list[Violation]:
        with self._lock:
            return [v for v in self._seen if v.severity == "advice"]

    def lines(self) -> list[str]:
        with self._lock:
            return [v.line() + (f", {n} times" if n > 1 else "") for v, n in self._seen.items()]
