"""The grain of a shot in the report: what is made is measured, and a match is told by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wetgate.nodes.grain  # noqa: F401  declares the node
from wetgate.color.film_stocks import stocks
from wetgate.ops.grain_analysis import MeasuredGrain, combine
from wetgate.ops.grain_match import compare, third_octaves
from wetgate.ops.grain_patches import measure_frame
from wetgate.spec import DENSITY, Box, Context, Frame, Window, registry
from wetgate.surfaces.report.grain import grain_plots

NODE = registry.get("grain")
SIZE = (1920, 1080)
TONES = (0.35, 0.75, 1.15)


def _measured(**params: Any) -> MeasuredGrain:
    """The grain that the node makes on flat parts of a picture."""
    found = []
    for number, tone in enumerate(TONES):
        frame = Frame(
            np.full((384, 384, 3), tone, np.float32),
            DENSITY,
            number,
            data_window=Box(0, 0, 384, 384),
            display_window=Box(0, 0, *SIZE),
        )
        found.append(measure_frame(NODE.make(params).render(Window((frame,)), Context()).frame.rgb))
    measured = combine(found, WIDTH_UM / SIZE[0])
    assert measured is not None
    return measured


WIDTH_UM = 10260.0  # of 16 mm film


def _params(**given: Any) -> dict[str, Any]:
    return NODE.values({"gauge": "mm16", **given})


@pytest.fixture(scope="module")
def shot() -> MeasuredGrain:
    return _measured(gauge="mm16", stock="double_x", seed=3)


def test_a_match_is_told_in_percent_and_decibels_with_what_it_is_held_to(shot: MeasuredGrain) -> None:
    made = grain_plots("grain-1", _params(match=True), shot.to_json(), SIZE)
    assert made is not None
    table = next(t for t in made.tables if t.title == "Match")
    (row,) = table.rows
    deviation, spectrum, correlation = (float(str(cell).split()[0]) for cell in row[1:])
    # Three fields of 384 pixels against some of 512: what two draws differ by.
    assert deviation < 8
    assert spectrum < 2
    assert correlation < 0.05


def test_another_stock_is_no_match(shot: MeasuredGrain) -> None:
    other = _measured(gauge="super8", stock="vision3_500t")
    deviation, spectrum, correlation = compare(shot, other).worst
    assert deviation > 20
    assert spectrum > 2
    assert correlation > 0.3  # a black-and-white stock has one layer


def test_the_spectrum_of_white_noise_is_level() -> None:
    noise = np.random.default_rng(1).normal(0.7, 0.02, (512, 512, 3)).astype(np.float32)
    measured = combine([measure_frame(noise)], 0.0)
    assert measured is not None
    assert np.abs(third_octaves(measured)).max() < 0.5  # 225 patches: the lowest band is known to 0.3 dB


def test_strength_spectrum_and_the_sources_of_the_stock_are_shown(shot: MeasuredGrain) -> None:
    made = grain_plots("g", _params(stock="vision3_250d"), shot.to_json(), SIZE, source=shot, result=shot)
    assert made is not None
    assert [p.name for p in made.plots] == ["Strength by density", "Spectrum", "Before and after"]
    assert sum(1 for c in made.plots[0].curves if c.dots) == 3
    told = [str(cell) for table in made.tables for row in table.rows for cell in row]
    assert any("kodak_5207" in text for text in told)
    assert any("estimate" in text for text in told)
    same = next(row for t in made.tables if t.title == "Match" for row in t.rows)
    assert same[1:] == ["0.0 %", "0.00 dB", "0.000"]


def test_a_shot_without_flat_grain_shows_the_stock_and_says_so() -> None:
    made = grain_plots("g", _params(match=True), {"patches": 0, "frames": 3}, SIZE)
    assert made is not None
    assert "no flat grain" in made.about
    assert not any(t.title == "Match" for t in made.tables)


def test_every_stock_names_its_source_and_its_estimates() -> None:
    for stock in stocks().values():
        assert stock.source
        assert stock.estimates
        assert ("(estimate)" in stock.label) == any(name == "granularity and MTF" for name, _ in stock.estimates)
