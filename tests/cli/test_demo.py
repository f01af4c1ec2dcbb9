"""``wetgate demo``, small: everything that it promises is there, and its figures are what its files say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate
from wetgate.damage import recipes
from wetgate.engine.pipeline import Abort
from wetgate.spec import Frame, Interrupted
from wetgate.surfaces.demo.demo import run
from wetgate.surfaces.demo.findings import compare


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
    rows = table_rows(folder)
    truth = folder / "graded" / "graded.####.exr"
    for shot, said in (("aged", rows["Error, whole picture"][1]), ("restored", rows["Error, whole picture"][3])):
        found = wetgate.measure(truth, folder / shot / f"{shot}.####.exr", ["deitp"], domain="hdr")
        # three digits are printed
        assert said == pytest.approx(found.summary(found.columns[0])["mean"], rel=6e-3)
    assert rows["Error, whole picture"][3] < 0.6 * rows["Error, whole picture"][1]


def test_the_clipped_highlights_gain_more_than_a_change_of_level_gives(
    made: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, _ = made
    rows = table_rows(folder)
    _, aged, level, restored = rows["Error where it had clipped"]
    assert restored < level < aged
    original, aged, level, restored = rows["Light where it had clipped, nits"]
    assert level == pytest.approx(2.03 * aged, rel=1e-2)  # three digits are printed
    assert level < restored < original
    html = (folder / "report.html").read_text(encoding="utf-8")
    head = html[: html.index('class="viewer"')]
    assert (
        f"{rows['Error, whole picture'][2]:.1f} over the picture" in head
    )  # what level alone would give, in plain view


def test_the_damage_models_are_shown_and_said_to_be_undone_by_nothing_yet(
    made: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, _ = made
    html = (folder / "report.html").read_text(encoding="utf-8")
    section = html[html.index("What the damage models do") :]
    assert "no finished node undoes all of this damage yet" in section
    for name in recipes():
        assert len(list((folder / "damage" / name).glob("*.exr"))) == 3, name
        found = wetgate.measure(
            folder / "footage" / "footage.####.exr", folder / "damage" / name / f"{name}.####.exr", ["psnr"]
        )
        assert f"<b>{name}</b>" in section
        assert f"PSNR {found.summary(found.columns[0])['mean']:.1f} dB" in section


def test_the_faded_print_comes_back_by_the_preset_and_has_a_report_of_its_own(
    made: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, _ = made
    fresh = folder / "film" / "print" / "print.####.exr"
    left = []
    for name in ("faded", "restored"):
        found = wetgate.measure(fresh, folder / "film" / name / f"{name}.####.exr", ["de2000"])
        left.append(found.summary(found.columns[0])["mean"])
    assert left[1] < 0.6 * left[0]
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "A faded print" in html
    assert f"{left[1]:.2f}" in html
    assert "Fade and stain" in (folder / "film" / "report.html").read_text(encoding="utf-8")


def test_a_shot_too_small_to_have_clipped_anywhere_has_dashes_and_no_crash(tmp_path: Path) -> None:
    dark = np.full((6, 9, 3), 0.25, np.float32)
    for name in ("aged", "restored", "graded"):
        (tmp_path / name).mkdir()
        wetgate.write(
            Frame(dark, "ACEScg" if name == "restored" else "rec1886_rec709_display", 7), shot(tmp_path, name)
        )
    found = compare(*(shot(tmp_path, n) for n in ("aged", "restored", "graded")), range(7, 8), lambda n: None, Abort())
    assert [name for name, _ in found.facts()] == ["Error to the HDR original"]
    assert found.gallery().table is not None
    assert "–" in str(found.gallery().table)
    assert len(found.details) == 6


def shot(folder: Path, name: str) -> Path:
    return folder / name / f"{name}.0007.exr"


def table_rows(folder: Path) -> dict[str, list[float]]:
    """The figures of the report's table: original, aged, level only, restored."""
    html = (folder / "report.html").read_text(encoding="utf-8")
    body = html[html.index("Against the HDR original") :].split("</table>")[0]
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th>(.*?)</tr>', body)
    return {
        name: [float("nan") if text == "–" else float(text) for text in re.findall(r"<td[^>]*>([^<]+)</td>", cells)]
        for name, cells in rows
    }


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
