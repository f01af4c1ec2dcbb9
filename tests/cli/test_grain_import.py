"""Grain that was measured elsewhere, given to a render in place of an analysis."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import wetgate
from cli.conftest import Ran
from wetgate.spec import Frame

Run = Callable[..., Ran]


@pytest.fixture
def measured(run: Run, tmp_path: Path) -> Path:
    """The folder of a render that measured grey grain, which AV1's 4:2:0 holds whole, and left it beside the result."""
    random = np.random.default_rng(5)
    for number in (1001, 1002):
        light = 0.18 * 10 ** random.normal(0, 0.05, (160, 192, 1)) * np.ones(3)
        wetgate.write(Frame(light.astype(np.float32), "ACEScg", number), tmp_path / f"grainy.{number}.exr")
    done = run("render", tmp_path / "grainy.####.exr", "-o", tmp_path / "out.####.exr", "-n", "grain:match=true")
    assert done.code == 0, done.err
    wetgate.write(Frame(np.full((160, 192, 3), 0.18, np.float32), "ACEScg", 7), tmp_path / "clean.7.exr")
    return tmp_path


@pytest.mark.parametrize("ending", ["grain.json", "av1-grain.tbl"])
def test_measured_grain_is_put_into_another_shot(run: Run, measured: Path, ending: str) -> None:
    (file,) = measured.glob(f"*.{ending}")
    given = ("render", measured / "clean.7.exr", "-o", measured / "made.7.exr", "-n", "grain:match=true")
    done = run(*given, "--analysis", file)
    assert done.code == 0, done.err
    (made,) = wetgate.read(measured / "made.7.exr")
    assert np.log10(made.rgb / 0.18).std() == pytest.approx(0.05, rel=0.05)
    facts = json.loads(next(measured.glob("made*.wetgate.json")).read_text(encoding="utf-8"))["frames"][0]["facts"]
    assert facts["grain-1"]["grain"] == "measured"


def test_a_damaged_table_or_measurement_is_refused_with_its_place(run: Run, measured: Path) -> None:
    (table,) = measured.glob("*.av1-grain.tbl")
    (grain,) = measured.glob("*.grain.json")
    table.write_text(table.read_text(encoding="utf-8").replace("\tsY", "\tsX"), encoding="utf-8")
    data = json.loads(grain.read_text(encoding="utf-8"))
    del data["spectrum"]
    grain.write_text(json.dumps(data), encoding="utf-8")
    given = ("render", measured / "clean.7.exr", "-o", measured / "no.7.exr", "-n", "grain:match=true", "--analysis")
    assert "line 4" in run(*given, table).err
    refused = run(*given, grain)
    assert refused.code == 2
    assert "spectrum" in refused.err
    other = run(*given[:-3], "-n", "color_decay", "--analysis", table)
    assert other.code == 2
    assert "no analysis document" in other.err
