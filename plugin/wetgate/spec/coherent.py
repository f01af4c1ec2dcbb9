"""Temporal coherence as a node declares it: ``@node(..., coherent=True)``.

The engine then makes the node's results agree with those of neighbouring frames, along the motion of the picture. The
node itself goes on working frame by frame; two parameters and a view come with the declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wetgate.spec.params import Declared, param

AMOUNT, RADIUS, COHERENCE_VIEW = "coherence", "coherence_radius", "coherence"
MOST_RADIUS = 4
# Parameters that act on what a node has made of its frames, not on how it makes it.
ENGINE_PARAMS = ("mix", "view", AMOUNT, RADIUS)


@dataclass(frozen=True, slots=True)
class Coherent:
    """The defaults of a node's coherence, and the node version that brought it (older projects keep their picture).

    ``fuses`` says what is made to agree. "change": what the node changed, so that the picture's own detail and grain
    come through whole; for a node that adds to what is there. "result": the results themselves; for a node that takes
    off what is new in every frame, as noise and coding errors are.

    A neighbour counts in full where it differs from the frame by up to ``agreed`` times the usual squared difference,
    and by ``unlike`` in encoded values at the most. What a node does not take off everywhere alike, as a codec's errors
    that come with each refreshed block, has a usual difference that says little of the largest.
    """

    fuses: Literal["result", "change"] = "result"
    amount: float = 1.0
    radius: int = 2
    since: int = 1
    agreed: float = 5.0
    unlike: float = 0.06

    def params(self) -> Mapping[str, tuple[type, Declared]]:
        """The two parameters, by id, each with its annotation."""
        since: dict[str, Any] = {"since": self.since, "group": "Time", "render_only": True}
        amount = param(
            self.amount,
            lo=0,
            hi=1,
            label="Temporal coherence",
            hint="How far results of neighbouring frames, carried along the motion, steady this one; 0 works on each"
            " frame alone.",
            legacy=0.0 if self.since > 1 else None,
            **since,
        )
        radius = param(
            self.radius,
            lo=0,
            hi=MOST_RADIUS,
            label="Coherence radius",
            unit="frames",
            hint="Frames on either side that steady the result; 0 uses none, and asks the host for none.",
            animates=False,
            legacy=0 if self.since > 1 else None,
            **since,
        )
        return {AMOUNT: (float, amount), RADIUS: (int, radius)}

    def views(self) -> dict[str, str]:
        return {
            COHERENCE_VIEW: "How far neighbouring frames steadied the result: 1 in full, 0 where motion is unsure or no"
            " neighbour counts."
        }

    def reach(self, instance: Any) -> int:
        """Frames on either side whose results are fused, for a node's parameters."""
        return int(instance.coherence_radius) if instance.coherence > 0 else 0
