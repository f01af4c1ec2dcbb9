"""A page about an analysis: what it found, and a few of its frames as a render by it would make them."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from wetgate.engine.analysis import Analysis
from wetgate.engine.graph import Graph
from wetgate.engine.job import Job
from wetgate.engine.pipeline import Abort
from wetgate.engine.render import render
from wetgate.engine.step import Step
from wetgate.surfaces.report.collect import Collector
from wetgate.surfaces.report.page import write_report

_FRAMES = 6


def write_preview(
    page: Path,
    footage: str,
    graph: Graph,
    step: Step,
    document: Analysis,
    kept: Path,
    *,
    in_space: str | None,
    config: str | None,
    abort: Abort,
) -> None:
    """Render up to six frames of the footage as far as ``step`` by its document, kept at ``kept``, and write the page.

    The rendered frames are for the page alone, and go. Raises what a render raises.
    """
    numbers = sorted(document.frames)
    some = [numbers[i] for i in np.unique(np.linspace(0, len(numbers) - 1, _FRAMES).round().astype(int))]
    collector = Collector(
        config,
        title=f"Analysis for {step.node.label}",
        subtitle=f"{footage}, {len(numbers)} {'frame' if len(numbers) == 1 else 'frames'} analysed: {kept.name}",
        labels=("Source", "By this analysis"),
        grain=step.node.id == "grain",
    )
    with tempfile.TemporaryDirectory(prefix="wetgate-preview-") as folder:
        job = Job(
            footage,
            str(Path(folder) / "preview.####.exr"),
            replace(graph, output=step.name),
            frames=",".join(map(str, some)),
            in_space=in_space,
            config=config,
            analyses=(str(kept),),
        )
        data = collector.data(render(job, lambda event: None, collector, abort))
    after = replace(data.after, detail=f"{len(some)} frames, rendered for this page")
    write_report(page, replace(data, after=after, timing=None, record={"analysis": kept.name, **document.params}))
