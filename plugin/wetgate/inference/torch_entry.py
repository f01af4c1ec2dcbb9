"""A graph in bfloat16 whose first convolutions see the picture in float32.

bfloat16 has eight bits: between a half and one it is as coarse as a picture of eight bits, and noise or detail weaker
than that would be gone before the network has seen it. What convolutions make of the picture has other scales, and
bears the rounding: measured on ramps with noise of 1.3 of 255 above mid-grey, 0.28 of the noise was left where the
picture was rounded, 0.18 where it was not, as in float32 throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wetgate.inference.torch_operators import Operator, Step, conv

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class _Typed:
    """An operator whose inputs at ``cast`` are given to it, or whose result is given on, in another type."""

    operator: Operator
    dtype: torch.dtype
    cast: frozenset[int] = frozenset()
    result: bool = False

    @property
    def makes_new(self) -> bool:
        """Whether the result's memory is nobody else's."""
        return self.result

    def __call__(self, given: Sequence[Any], attributes: dict[str, Any]) -> Any:
        args = [x.to(self.dtype) if i in self.cast else x for i, x in enumerate(given)]
        made = self.operator(args, attributes)
        return made.to(self.dtype) if self.result else made


def entering_exactly(steps: Sequence[Step], constants: dict[str, Any], given: str, dtype: torch.dtype) -> list[Step]:
    """``steps``, whose constants are in float32, in ``dtype`` but for those between the input ``given`` and the first
    convolutions, and these; ``constants`` are cast in place, where no such step needs them."""
    exact: set[str] = {given}
    entering: set[str] = set()
    needed: set[str] = set()
    for operator, names, _, outputs in steps:
        fed = [n for n in names if n and n not in constants]
        if operator is conv and fed == [n for n in fed if n in exact]:
            entering.update(outputs)
        elif operator is not conv and set(fed) <= exact:
            exact.update(outputs)
        else:
            continue
        needed.update(n for n in names if n in constants)
    for name, value in constants.items():
        if name not in needed and value.is_floating_point():
            constants[name] = value.to(dtype)
    out: list[Step] = []
    for operator, names, attributes, outputs in steps:
        if outputs[0] in exact:
            out.append((operator, names, attributes, outputs))
        elif outputs[0] in entering:
            out.append((_Typed(operator, dtype, result=True), names, attributes, outputs))
        else:
            float32 = {n for n in needed if constants[n].is_floating_point()} | exact
            cast = frozenset(i for i, n in enumerate(names) if n in float32)
            out.append((_Typed(operator, dtype, cast) if cast else operator, names, attributes, outputs))
    return out
