"""``wetgate demo``, small: everything that it promises is there, and its figures are what its files say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import wetgate
from wetgate.engine.pipeline import Abort
from wetgate.spec import Interrupted
from wetgate.surfaces.demo.demo import run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("demo")
    events: list[dict[str, Any]] = []
    report = run(folder, frames=3, size=(160, 90), on_event=lambda event: events.append(dict(event)))
    assert report == folder / "report.html"
    return folder, events


def test_it_leaves_every_shot_the_movie_the_records_and_the_report(made: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = made
    for shot in ("scene", "graded", "footage", "aged", "restored"):
        assert len(list((folder / shot).glob("*.exr"))) == 3, shot
    assert (folder / "restored.mp4").stat().st_size > 0
    assert list((folder / "restored").glob("*.json"))
    assert not list(folder.rglob("*.tmp"))


def test_the_restored_shot_has_light_that_the_footage_lost(made: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = made
    aged = wetgate.read(folder / "aged" / "aged.1001.exr")[0]
    restored = wetgate.read(folder / "restored" / "restored.1001.exr")[0]
    assert aged.pixels.max() <= 1.001  # half floats about 1 are 1/2048 apart
    assert restored.space == "ACEScg"
    assert restored.rgb.max() > 3.0  # 1.0 is 100 nits


def test_the_report_says_how_far_each_is_from_the_original_and_the_lift_is_nearer(
    made: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, _ = made
    html = (folder / "report.html").read_text(encoding="utf-8")
    row = re.search(r'Mean over the shot</th><td class="number">([\d.]+)</td><td class="number">([\d.]+)</td>', html)
    assert row is not None
    aged, restored = float(row[1]), float(row[2])
    truth = folder / "graded" / "graded.####.exr"
    found = wetgate.measure(truth, folder / "aged" / "aged.####.exr", ["deitp"], domain="hdr")
    assert aged == pytest.approx(found.summary(found.columns[0])["mean"], rel=1e-3)  # four digits are printed
    assert restored < 0.6 * aged


def test_progress_is_counted_to_its_end_and_is_plain_json(made: tuple[Path, list[dict[str, Any]]]) -> None:
    _, events = made
    starts = [e for e in events if e["event"] == "start"]
    assert len(starts) == 1
    assert sum(e["event"] == "frame" for e in events) == starts[0]["frames"]
    json.dumps(events)


def test_an_interrupt_leaves_no_half_written_file(tmp_path: Path) -> None:
    abort = Abort()

    def stop_soon(event: Any) -> None:
        if event["event"] == "frame":
            abort.set()

    with pytest.raises(Interrupted):
        run(tmp_path, frames=3, size=(96, 54), on_event=stop_soon, abort=abort)
    assert not list(tmp_path.rglob("*.tmp"))
    assert not (tmp_path / "report.html").exists()
