"""Shots of one reel from the command line: analysed together, each rendered with its own document."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import wetgate
from wetgate.spec import Frame, UsageError

SPACE = "lin_rec709_srgb"


def faded(seed: int) -> np.ndarray:
    """A picture of patches with much less cyan than it had."""
    random = np.random.default_rng(seed)
    density = random.gamma(2.5, 0.3, (8, 10, 1)) + random.normal(0, 0.1, (8, 10, 3))
    density = np.kron(np.clip(density, 0, 2.6), np.ones((8, 8, 1))) * np.array([0.3, 0.85, 0.6])
    return np.asarray(10.0**-density, np.float32)


@pytest.fixture
def reel(tmp_path: Path) -> Path:
    for index, name in enumerate(("a", "b", "c")):
        for number in (1, 2):
            wetgate.write(Frame(faded(index), SPACE, number), tmp_path / f"{name}.{number:04d}.exr")
    return tmp_path


def shots(folder: Path) -> list[str]:
    return [str(folder / f"{name}.####.exr") for name in ("a", "b", "c")]


def test_shots_of_a_reel_share_its_fade_and_keep_their_own_document(reel, run):
    done = run("analyze", *shots(reel), "-n", "color_decay", "-o", reel / "docs")
    assert done.code == 0, done.err
    documents = [json.loads((reel / "docs" / f"{name}.json").read_text()) for name in ("a", "b", "c")]
    fades = [d["results"]["reel"] for d in documents]
    assert fades[0] == fades[1] == fades[2]
    assert fades[0]["shots"] == 3
    used = run(
        "render", reel / "b.####.exr", "-o", reel / "o/b.####.exr", "-n", "color_decay:strength=0.5",
        "--analysis", reel / "docs/b.json",
    )  # fmt: skip
    assert used.code == 0, used.err  # strength is of the render alone: the document still fits
    refused = run(
        "render",
        reel / "b.####.exr",
        "-o",
        reel / "o/b.####.exr",
        "-n",
        "color_decay",
        "--analysis",
        reel / "docs/a.json",
    )
    assert refused.code == 3
    assert "made from other pictures" in refused.err


def test_documents_made_before_are_pooled_without_their_pictures(reel):
    for shot, name in zip(shots(reel), ("a", "b", "c"), strict=True):
        wetgate.analyze(shot, nodes=["color_decay"]).save(reel / f"{name}.json")
        for number in (1, 2):
            (reel / f"{name}.{number:04d}.exr").unlink()
    pooled = wetgate.analyze_reel([reel / f"{name}.json" for name in ("a", "b", "c")], nodes=["color_decay"])
    assert [len(p.frames) for p in pooled] == [2, 2, 2]
    assert {p.results["reel"]["shots"] for p in pooled} == {3}


def test_what_cannot_be_a_reel_is_refused(reel, run):
    alone = run("analyze", *shots(reel), "-n", "hdr_lift", "-o", reel / "docs")
    assert alone.code == 2
    assert "hdr_lift looks at each shot by itself" in alone.err
    one_file = run("analyze", *shots(reel), "-n", "color_decay", "-o", reel / "reel.json")
    assert one_file.code == 2
    assert "name a folder" in one_file.err
    folder = run("analyze", shots(reel)[0], "-n", "color_decay", "-o", reel / "docs")
    assert folder.code == 2
    assert "name the document shot.json" in folder.err
    twice = run("analyze", shots(reel)[0], shots(reel)[0], "-n", "color_decay", "-o", reel / "docs")
    assert twice.code == 2
    assert "two shots would be kept as a.json" in twice.err


def test_a_document_made_with_another_film_is_not_pooled(reel):
    first = wetgate.analyze(shots(reel)[0], nodes=["color_decay"])
    first.save(reel / "first.json")
    with pytest.raises(UsageError, match="made with other parameters: scanner"):
        wetgate.analyze_reel([reel / "first.json", shots(reel)[1]], nodes=["color_decay:scanner=narrow"])


def test_a_reference_still_is_looked_at_and_named_in_the_document(tmp_path, run):
    random = np.random.default_rng(4)
    fine = np.kron(random.gamma(2.5, 0.3, (16, 20, 3)), np.ones((8, 8, 1)))
    wetgate.write(Frame(np.asarray(10.0 ** -(fine * [0.4, 0.9, 0.7]), np.float32), SPACE, 1), tmp_path / "a.0001.exr")
    wetgate.write(Frame(np.asarray(10.0**-fine, np.float32), SPACE, 1), tmp_path / "still.exr")
    arguments = ["analyze", tmp_path / "a.####.exr", "-o", tmp_path / "a.json", "--reference", tmp_path / "still.exr"]
    done = run(*arguments, "-n", "color_decay")
    assert done.code == 0, done.err
    document = json.loads((tmp_path / "a.json").read_text())
    assert len(document["reference"]) == 16
    assert document["results"]["reel"]["loss"][0] == pytest.approx(0.6, abs=0.1)
    refused = run(*arguments, "-n", "grain")
    assert refused.code == 2
    assert "grain looks at no reference picture" in refused.err
