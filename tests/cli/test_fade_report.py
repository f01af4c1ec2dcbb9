"""``wetgate analyze --report``: a page about what the analysis of a faded reel found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import wetgate
from cli.conftest import Ran
from nodes.color_decay_cases import faded
from wetgate.spec import Frame

Run = Callable[..., Ran]


@pytest.fixture
def shot(tmp_path: Path) -> str:
    for number in (1001, 1002):
        wetgate.write(Frame(faded(128, 96), "ACEScg", number), tmp_path / f"faded.{number}.exr")
    return str(tmp_path / "faded.####.exr")


def test_the_page_tells_the_fade_in_figures_plots_and_pictures(run: Run, shot: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = run("analyze", shot, "-n", "color_decay", "-o", tmp_path / "shot.json", "--report", page)
    assert done.code == 0, done.err
    html = page.read_text(encoding="utf-8")
    for part in ("Density in the scan", "Density restored", "Dye curves", "Fade and stain", "What it stands on"):
        assert part in html
    assert "Unevenness, 1001-1002" in html
    assert "clear film" in html
    assert "wetgate-preview-" not in html  # the folder that its frames were rendered to is gone


def test_a_picture_that_does_not_tell_its_fade_is_said_to_be_left_as_it_is(run: Run, tmp_path: Path) -> None:
    one = np.broadcast_to(np.float32([0.5, 0.12, 0.1]), (64, 64, 3)).copy()
    one[:, ::2] *= np.float32(0.8)
    wetgate.write(Frame(one, "ACEScg", 1), tmp_path / "red.exr")
    page = tmp_path / "page.html"
    done = run("analyze", tmp_path / "red.exr", "-n", "color_decay", "-o", tmp_path / "red.json", "--report", page)
    assert done.code == 0, done.err
    assert "nothing is done, since" in done.out
    assert "cautious=false" in done.out
    assert "nothing is done, since" in page.read_text(encoding="utf-8")


def test_pages_of_several_shots_go_into_a_folder(run: Run, shot: str, tmp_path: Path) -> None:
    other = tmp_path / "other.exr"
    wetgate.write(Frame(faded(128, 96), "ACEScg", 7), other)
    given = ("analyze", shot, other, "-n", "color_decay", "-o", tmp_path / "reel")
    assert run(*given, "--report", tmp_path / "pages").code == 0
    assert len(list((tmp_path / "pages").glob("*.html"))) == 2
    refused = run(*given, "--report", tmp_path / "one.html")
    assert refused.code == 2
    assert "name a folder" in refused.err


def test_a_page_needs_footage(run: Run, shot: str, tmp_path: Path) -> None:
    document = tmp_path / "shot.json"
    assert run("analyze", shot, "-n", "color_decay", "-o", document).code == 0
    copy = tmp_path / "again.json"
    copy.write_bytes(document.read_bytes())
    refused = run("analyze", document, copy, "-n", "color_decay", "-o", tmp_path / "reel", "--report", tmp_path / "p")
    assert refused.code == 2
    assert "a page shows footage" in refused.err


def test_an_analysis_of_an_earlier_version_is_rendered_and_the_page_says_what_it_lacks(
    run: Run, shot: str, tmp_path: Path
) -> None:
    document, page = tmp_path / "shot.json", tmp_path / "page.html"
    assert run("analyze", shot, "-n", "color_decay", "-o", document).code == 0
    data = json.loads(document.read_text(encoding="utf-8"))
    results = data["results"]
    del results["reel"]["matrix"]
    for part in results["shots"]:
        del part["trust"]
    for seen in results["gathered"]["shots"]:
        del seen["statistics"][59:]
    document.write_text(json.dumps(data), encoding="utf-8")
    given = ("render", shot, "-o", tmp_path / "out.####.exr", "-n", "color_decay", "--analysis", document)
    done = run(*given, "--report", page)
    assert done.code == 0, done.err
    assert "an earlier version of Wetgate" in page.read_text(encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_bytes(document.read_bytes())
    refused = run("analyze", document, other, "-n", "color_decay", "-o", tmp_path / "reel")
    assert refused.code == 2
    assert "analyse the shot again" in refused.err
