"""The Wetgate nodes above a node, as a graph for the command line, and the node that they stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wetgate_nuke.catalogue import node_of_class
from wetgate_nuke.errors import WetgateError
from wetgate_nuke.knobs import get_params

SCHEMA = "wetgate.graph/1"
_PASSED = ("Dot", "Write", "Viewer", "NoOp")


def chain_above(node: Any) -> tuple[Any, list[Any]]:
    """The node below everything of ours, and our nodes from there up to ``node``; disabled ones are left out."""
    above: list[Any] = []
    at = node
    while at is not None:
        ours = node_of_class(at.Class()) is not None
        if not ours and at.Class() not in _PASSED:
            break
        if ours and not _is_disabled(at):
            above.append(at)
        at = at.input(0)
    if at is None:
        raise WetgateError(f"nothing is connected above {node.name()}")
    return at, above[::-1]


def graph_of(
    node: Any, frames: Iterable[int] = (), number: Callable[[int], int] = lambda frame: frame
) -> dict[str, Any]:
    """The Wetgate nodes above ``node`` as a graph (``wetgate.graph/1``), as JSON takes it.

    Animated parameters are read at ``frames``; ``number`` gives the footage's number of a script's frame.
    """
    wanted = list(frames)
    steps = []
    for one in chain_above(node)[1]:
        _demand_portable(one)
        known = node_of_class(one.Class())
        assert known is not None  # chain_above gives ours alone
        params = get_params(one, wanted)
        for name, value in params.items():
            if isinstance(value, dict):
                params[name] = {str(number(frame)): v for frame, v in value.items()}
        steps.append({"node": known["id"], "name": one.name(), "params": params})
    return {"graph": SCHEMA, "nodes": steps}


def _is_disabled(node: Any) -> bool:
    knob = node.knob("disable")
    return knob is not None and bool(knob.value())


def _demand_portable(node: Any) -> None:
    """What a node is told inside Nuke alone cannot go to the command line, and is not left out in silence."""
    if any(node.input(index) is not None for index in range(1, node.inputs())):
        raise WetgateError(f"{node.name()} has a mask connected, which only a render inside Nuke can use")
    for name in ("input_space", "output_space"):
        chosen, named = node.knob(name), node.knob(f"{name}_name")
        if (chosen is not None and int(chosen.getValue()) != 0) or (named is not None and str(named.value())):
            raise WetgateError(
                f"{node.name()} has an {name.replace('_', ' ')} of its own; the command line takes one for the whole "
                "shot: set it back, and give in_space or out_space"
            )
