"""One step of a graph: a node with its parameters and keyframes, where it may act, and whose plate it puts back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from wetgate.engine.keyframes import Keyframes
from wetgate.engine.plate import Plate
from wetgate.spec import ENGINE_PARAMS, Fidelity, Node, Value

SOURCE = "source"
MASK_KEYS = ("channel", "files", "step", "view", "invert")
PLATE_KEYS = ("step", "amount")


@dataclass(frozen=True, slots=True)
class Mask:
    """Where a step may act: a channel of the picture (``channel``), a channel of other files (``files`` and
    ``channel``), or a view of an earlier step (``step`` and ``view``). 1 acts in full, 0 not at all.
    """

    channel: str = ""
    files: str = ""
    step: str = ""
    view: str = ""
    invert: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a graph. ``values`` are the checked constants, ``keys`` the keyframed parameters."""

    node: Node
    name: str
    input: str
    values: Mapping[str, Value]
    keys: Mapping[str, Keyframes] = field(default_factory=dict)
    mask: Mask | None = None
    plate: Plate | None = None

    @property
    def beside(self) -> tuple[str, ...]:
        """The steps that this one needs beside its input: for its mask, for its plate."""
        by_mask = (self.mask.step,) if self.mask is not None and self.mask.step else ()
        return by_mask + ((self.plate.step,) if self.plate is not None else ())

    @property
    def takes_plate(self) -> bool:
        """Whether the node itself is handed what a step took off, in place of the engine's adding it to the result."""
        return self.plate is not None and self.node.plates(self.at(0))

    @property
    def fidelity(self) -> Fidelity:
        """The node's fidelity; one that cannot synthesise is faithful."""
        return cast(Fidelity, self.values.get("fidelity", "faithful"))

    def values_at(self, number: int) -> dict[str, Value]:
        """Every parameter's value at a frame number."""
        return dict(self.values) | {name: k.at(number) for name, k in self.keys.items()}

    def at(self, number: int) -> Any:
        """The node's instance with its parameters at a frame number."""
        return self.node.bind(self.values_at(number))

    def reach(self, numbers: Iterable[int]) -> int:
        """The widest temporal reach over these frames."""
        if not self.keys:
            return self.node.reach(self.at(0))
        return max((self.node.reach(self.at(n)) for n in numbers), default=0)

    def own_reach(self, numbers: Iterable[int]) -> int:
        """The widest window that the node is given over these frames."""
        return max((self.node.own_reach(self.at(n)) for n in (numbers if self.keys else (0,))), default=0)

    def fused_reach(self, numbers: Iterable[int]) -> int:
        """The widest reach of fused results over these frames."""
        return max((self.node.fused_reach(self.at(n)) for n in (numbers if self.keys else (0,))), default=0)

    def settings_at(self, number: int) -> Hashable:
        """What tells the node's work at this frame from that at others: the values of the keyframed parameters, save
        those that act on what the node made."""
        later = self.node.finishing.union(ENGINE_PARAMS)
        return tuple(k.at(number) for name, k in self.keys.items() if name not in later)

    def is_identity(self, number: int) -> bool:
        """Whether the step returns its input bit for bit at this frame."""
        values = self.values_at(number)
        return values["view"] == "result" and (values["strength"] == 0 or values["mix"] == 0)

    def wants_analysis(self, numbers: Iterable[int], looked_at: bool = False) -> bool:
        """Whether what the step makes of these frames rests on its node's analysis. ``looked_at``: its views are
        wanted even where it returns its input."""
        return self.node.analyzes and any(
            (looked_at or not self.is_identity(n)) and self.node.needs_analysis(self.at(n)) for n in numbers
        )

    def with_values(self, **values: Value) -> Step:
        """The step with other values of those parameters that its node has."""
        return replace(self, values={**self.values, **{n: v for n, v in values.items() if n in self.values}})

    def record(self) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "node": self.node.id,
            "version": self.node.version,
            "name": self.name,
            "input": self.input,
            "params": dict(self.values) | {name: k.record() for name, k in self.keys.items()},
        }
        if self.mask is not None:
            entry["mask"] = {key: getattr(self.mask, key) for key in MASK_KEYS if getattr(self.mask, key)}
        if self.plate is not None:
            entry["plate"] = {key: getattr(self.plate, key) for key in PLATE_KEYS}
        return entry
