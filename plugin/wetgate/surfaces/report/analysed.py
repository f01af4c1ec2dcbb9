"""The report of an analysis: what was measured, as it will be in the report of a render, without pictures."""

from __future__ import annotations

import json
from pathlib import Path

from wetgate.engine.analysis import Analysis
from wetgate.engine.step import Step
from wetgate.ops.grain_analysis import MeasuredGrain
from wetgate.spec import UsageError
from wetgate.surfaces.report.data import Plots, ReportData, Side
from wetgate.surfaces.report.grain import grain_plots
from wetgate.surfaces.report.noise import noise_plots
from wetgate.surfaces.report.page import write_report

_WIDTH = 1920  # pixels of the fields that are made, where the analysis does not know what a pixel saw


def write_analysis_report(path: Path, step: Step, document: Analysis, label: str) -> None:
    """Write the page. Raises :class:`UsageError` where the analysis holds nothing that a report shows."""
    plots = [p for p in (noise_plots(step.name, document.results), _grain(step, document)) if p is not None]
    if not plots:
        raise UsageError(
            f"an analysis of {document.node} has no plots, or nothing was measured",
            where="--report",
            remedy="leave it out: the document holds what was found",
        )
    facts = [("Frames", str(len(document.frames))), ("Node", document.node)]
    if document.cuts:
        facts.append(("Cuts at", " ".join(map(str, document.cuts))))
    data = ReportData(
        title="Analysis",
        subtitle=label,
        before=Side("Source", []),
        after=Side("Result", []),
        facts=facts,
        plots=plots,
        record=json.loads(document.to_json()),
    )
    write_report(path, data)


def _grain(step: Step, document: Analysis) -> Plots | None:
    if document.node != "grain":
        return None
    measured = MeasuredGrain.from_json(document.results)
    instance = step.at(min(document.frames))
    width = _WIDTH
    if measured is not None and measured.pitch_um > 0:
        width = max(64, round(instance.film_um / measured.pitch_um))
    # What a match would make, whether or not the step was told to match.
    return grain_plots(step.name, {**step.values, "match": True}, document.results, (width, width))
