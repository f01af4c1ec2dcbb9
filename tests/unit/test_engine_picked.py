"""A render reads no more of a long shot than its analysis needs: some frames, where the node says which."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import wetgate
from support.movies import counted, encode
from wetgate.engine.analysis import load_analysis
from wetgate.engine.graph import parse_nodes
from wetgate.engine.job import Job
from wetgate.engine.render import render
from wetgate.nodes.deartifact import Deartifact
from wetgate.spec import UsageError, registry

COUNT = 60
SDR = "rec1886_rec709_display"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "long.mp4"
    return encode(path, "libx264", counted(COUNT), options={"qp": "34"})


def rendered(clip: Path, folder: Path, node: str, frames: str, **options: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    job = Job(str(clip), str(folder / "o.####.exr"), parse_nodes([node]), frames=frames, in_space=SDR, **options)
    assert not render(job, lambda event: events.append(dict(event))).failed
    return events


@pytest.mark.parametrize("node", ["deartifact", "denoise"])
def test_two_frames_of_a_long_shot_are_rendered_by_some_frames_of_it(clip: Path, tmp_path: Path, node: str):
    events = rendered(clip, tmp_path, node, "10-11")
    pick = registry.get(node).analysis_frames
    assert pick is not None
    wanted = list(pick(range(COUNT)))
    assert list(pick(wanted)) == wanted  # what it picked it picks again
    assert [e["frames"] for e in events if e["event"] == "analysis"] == [len(wanted)]
    assert len(wanted) < COUNT / 2
    (path,) = tmp_path.glob("*.analysis.json")
    made = load_analysis(path)
    assert sorted(made.frames) == wanted
    assert made.picked == (0, COUNT - 1)
    made.demand_frame(10, "whatever frame this is")
    with pytest.raises(UsageError, match="outside the analysis"):
        made.demand_frame(COUNT, "")
    with pytest.raises(UsageError, match="made from other pictures"):
        made.demand_frame(wanted[1], "another's")


def test_what_an_analysis_reads_again_is_made_once(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Denoise looks at twelve frames two or three times, each fused by Deartifact with its neighbours."""
    made: Counter[int] = Counter()
    cleaned = Deartifact._cleaned

    def counting(self: Deartifact, frame: Any, *given: Any, **named: Any) -> Any:
        made[frame.number] += 1
        return cleaned(self, frame, *given, **named)

    monkeypatch.setattr(Deartifact, "_cleaned", counting)
    nodes = ["deartifact:coherence=1", "denoise:radius=0"]
    assert not render(
        Job(str(clip), str(tmp_path / "o.####.exr"), parse_nodes(nodes), frames="30", in_space=SDR)
    ).failed
    assert len(made) > 15
    assert max(n for number, n in made.items() if not 28 <= number <= 32) == 1


def test_it_serves_other_frames_of_the_shot_with_the_same_pixels(clip: Path, tmp_path: Path):
    for name in ("both", "second"):
        (tmp_path / name).mkdir()
    rendered(clip, tmp_path / "both", "deartifact", "40-41")
    (path,) = (tmp_path / "both").glob("*.analysis.json")
    rendered(clip, tmp_path / "second", "deartifact", "41", analyses=(str(path),))
    first, second = (wetgate.read(tmp_path / name / "o.0041.exr")[0].pixels for name in ("both", "second"))
    assert (first == second).all()


def test_an_analysis_of_its_own_sees_every_frame(clip: Path):
    """It travels to where frames do not bring their decoder's data with them."""
    made = wetgate.analyze(str(clip), nodes=["deartifact"], in_space=SDR)
    assert sorted(made.frames) == list(range(COUNT))
    assert made.picked is None
    assert len(made.results["frames"]) == COUNT
