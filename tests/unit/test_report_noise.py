"""The noise of a shot in the report: every measured point is drawn, and the verdict stands with its evidence."""

from __future__ import annotations

import re

import numpy as np
import pytest

from wetgate.ops.noise_measure import measure_noise
from wetgate.ops.noise_verdict import EVIDENCE, judge
from wetgate.surfaces.report.charts import plot_chart
from wetgate.surfaces.report.data import Curve, Plot
from wetgate.surfaces.report.noise import noise_plots


@pytest.fixture(scope="module")
def results() -> dict[str, object]:
    random = np.random.default_rng(2)
    ramp = np.linspace(0.05, 0.9, 256, dtype=np.float32)[None, :, None] * np.ones((192, 1, 3), np.float32)
    frames = [(ramp + 0.03 * random.standard_normal(ramp.shape)).astype(np.float32) for _ in range(2)]
    measured = measure_noise(frames)
    assert measured is not None
    return {"noise": measured.to_json(), "verdict": judge(measured, frames).to_json()}


def test_curves_spectrum_and_evidence_are_shown(results: dict[str, object]) -> None:
    made = noise_plots("denoise-1", results)
    assert made is not None
    strength, spectrum = made.plots
    lines = [c for c in strength.curves if not c.dots]
    assert [c.name for c in lines] == ["red", "green", "blue"]
    told = np.array([[y for _, y in c.points] for c in lines])
    assert told.mean() == pytest.approx(0.03 * 255, rel=0.05)
    assert len(spectrum.curves) == 4
    rows = [row[0].removesuffix(" (decisive)") for table in made.tables for row in table.rows]
    assert set(rows) >= {name.replace("_", " ") for name in EVIDENCE}
    assert sum(str(row[0]).endswith("(decisive)") for row in made.tables[0].rows) == 3


def test_every_measured_point_is_a_dot_at_its_place(results: dict[str, object]) -> None:
    made = noise_plots("denoise-1", results)
    assert made is not None
    plot = made.plots[0]
    finite = sum(1 for c in plot.curves if c.dots for _, y in c.points if np.isfinite(y))
    drawn = re.findall(r'<circle class="dot (\w+)" cx="([\d.]+)" cy="([\d.]+)"', plot_chart(plot))
    assert len(drawn) == finite
    assert finite > 20


def test_what_lies_higher_is_drawn_higher_and_gaps_break_the_line() -> None:
    points = [(0.0, 1.0), (0.5, float("nan")), (1.0, 2.0), (2.0, 4.0)]
    chart = plot_chart(Plot("p", [Curve("c", points), Curve("d", points, dots=True)], "x", "y"))
    assert chart.count("<path") == 1
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', chart)]
    assert heights == sorted(heights, reverse=True)
    assert len(heights) == 3


def test_an_analysis_without_noise_has_no_section() -> None:
    assert noise_plots("fade", {"dyes": []}) is None
    assert noise_plots("denoise", {"noise": {"frames": 0}}) is None
