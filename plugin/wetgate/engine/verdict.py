"""What a check of a result found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wetgate.spec import Bound


@dataclass(slots=True)
class Verdict:
    """What was checked and what was found. ``problems`` are sentences; ``unchecked`` says what could not be told."""

    frames: int = 0
    signer: str | None = None
    problems: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    bounds: dict[int, Bound] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "frames": self.frames,
            "signer": self.signer,
            "problems": self.problems,
            "unchecked": self.unchecked,
            "bounds": {str(n): b.to_json() for n, b in self.bounds.items()},
        }
