"""A node's consistency bound, recomputed from a source and a result (:class:`wetgate.spec.Bound`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wetgate.engine.colour import Colour
from wetgate.engine.graph import Graph
from wetgate.engine.pipeline import cores
from wetgate.engine.step import Step
from wetgate.engine.verdict import Verdict
from wetgate.spec import Bound, Context, Frame


def bounded_step(graph: Graph, verdict: Verdict) -> Step | None:
    """The one step whose bound can be recomputed; None, and why in the verdict, where there is none."""
    steps = graph.used()
    if len(steps) != 1:
        _once(verdict, f"bounds are recomputed for one node alone, the graph has {len(steps)}")
        return None
    step = steps[0]
    if not hasattr(step.node.cls, "bound"):
        _once(verdict, f"{step.node.id} states no consistency bound")
        return None
    plain = step.mask is None and not step.keys and step.values["view"] == "result" and step.values["mix"] == 1
    if not plain:
        _once(verdict, f"the bound of {step.node.id} holds for its whole, unmixed result alone")
        return None
    return step


def recomputed(
    step: Step, number: int, original: Frame, made: Frame, colour: Colour, analysis: Mapping[str, Any] | None
) -> Bound:
    """The bound of a step's result, in the space that the step works in."""
    context = Context(
        fidelity=step.fidelity,
        analysis=analysis,
        threads=cores(),
        source_space=colour.source_space,
        convert=colour.to,
    )
    before, after = colour.to(original, step.node.space), colour.to(made, step.node.space)
    bound: Bound = step.at(number).bound(before, after, context)
    return bound


def _once(verdict: Verdict, text: str) -> None:
    if text not in verdict.unchecked:
        verdict.unchecked.append(text)
