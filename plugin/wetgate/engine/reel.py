"""Shots of one reel, analysed together: each keeps a document of its own, and all are solved as one.

A node whose findings belong to the reel and not to the shot has ``pool(results)``: from the results of several analyses
it makes as many, in their order. What it needs for that stands in the results, so that shots that were analysed before
can be pooled without their pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from wetgate.engine.analysis import Analysis, demand_fit, load_analysis
from wetgate.engine.outputs import stem_of
from wetgate.engine.step import Step
from wetgate.spec import UsageError

DOCUMENT = ".json"


def analyse_reel(inputs: Sequence[str], step: Step, analyse_one: Callable[[str], Analysis]) -> list[Analysis]:
    """The documents of several shots, solved together. ``inputs`` that end in ``.json`` are documents made before."""
    if not hasattr(step.node.cls, "pool"):
        raise UsageError(
            f"{step.node.id} looks at each shot by itself, and {len(inputs)} were given",
            where="IN",
            remedy="analyse the shots one by one",
        )
    made = [load_analysis(i) if i.endswith(DOCUMENT) else analyse_one(i) for i in inputs]
    return pooled(made, step)


def pooled(documents: Sequence[Analysis], step: Step) -> list[Analysis]:
    """The documents with the results that ``step``'s node makes of all of them."""
    for document in documents:
        if document.node != step.node.id:
            raise UsageError(
                f"an analysis of {document.node} cannot be pooled with those of {step.node.id}",
                where="IN",
                remedy="leave it out",
            )
        demand_fit(document, step, documents[0].space)
    node = step.at(min(documents[0].frames))
    results = node.pool([d.results for d in documents])
    return [replace(d, results=r) for d, r in zip(documents, results, strict=True)]


def names(inputs: Sequence[str]) -> list[str]:
    """A file name for the document of each input, all different; a :class:`UsageError` where two would be one."""
    found = [Path(i).name if i.endswith(DOCUMENT) else Path(stem_of(i)).name + DOCUMENT for i in inputs]
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise UsageError(
            f"two shots would be kept as {', '.join(twice)}",
            where="IN",
            remedy="analyse them by themselves under other names, then pool the documents",
        )
    return found
