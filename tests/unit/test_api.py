"""The Python calls: what they take, and how they refuse what they cannot use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate
from support.engine_nodes import declared, grey
from wetgate.io.rates import given_rate
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame, UsageError, registry


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


def _gain(frames: Any, **options: Any) -> Any:
    return wetgate.run_node(registry.get("t_gain"), frames, **options)


@pytest.mark.parametrize("frames", [None, 5, "plate.exr", b"x", [[1, 2]], {"a": 1}])
def test_what_is_no_frame_is_said_to_be_none(frames: Any) -> None:
    with pytest.raises(UsageError, match="a frame is"):
        _gain(frames, in_space="ACEScg")


def test_a_shot_of_two_spaces_is_refused_not_reinterpreted() -> None:
    shot = [grey(1, 0.5, "ACEScg"), grey(2, 0.5, "srgb_tx")]
    with pytest.raises(UsageError, match="frame 1 is in ACEScg, frame 2 in srgb_tx"):
        _gain(shot)
    assert len(_gain(shot, in_space="ACEScg")) == 2  # one space for all, by word


def test_numbers_of_numpy_are_parameters() -> None:
    result = _gain(grey(1, 0.25), gain=np.float32(3))
    assert result.pixels == pytest.approx(0.75, rel=1e-6)
    assert _gain(grey(1, 0.25), gain=np.int64(2)).pixels == pytest.approx(0.5, rel=1e-6)


def test_a_graph_may_be_given_as_parsed_yaml() -> None:
    graph = {"graph": "wetgate.graph/1", "nodes": [{"node": "t_gain", "params": {"gain": 4}}]}
    assert wetgate.run_graph(graph, grey(1, 0.25)).pixels == pytest.approx(1.0, rel=1e-6)
    with pytest.raises(UsageError, match="a graph is int"):
        wetgate.run_graph(5, grey(1, 0.25))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"output": None}, "output is None"),
        ({"output": ""}, "output is ''"),
        ({"on_missing": "skip"}, "on_missing is 'skip'"),
        ({"on_error": "ignore"}, "allowed: continue, stop"),
        ({"fidelity": "high"}, "allowed: forensic, faithful, pleasing"),
        ({"frames": 1001}, "frames is 1001"),
        ({"threads": -1}, "threads is -1"),
        ({"device": "gpu"}, "the device is 'gpu'"),
        ({"write_behind": 0}, "write_behind is 0"),
        ({"options": {"depth": "half"}}, "options are no WriteOptions"),
    ],
)
def test_a_job_that_cannot_be_is_refused_before_its_source_is_opened(options: dict[str, Any], said: str) -> None:
    asked = {"output": "x.####.exr"} | options
    with pytest.raises(UsageError) as refused:
        wetgate.render("nowhere.####.exr", asked.pop("output"), **asked)
    assert said in str(refused.value)


def test_all_that_is_wrong_with_a_job_is_said_at_once() -> None:
    with pytest.raises(UsageError) as refused:
        wetgate.render("", "", threads=-1, device="gpu")
    assert len(refused.value.message().splitlines()) == 4


def test_one_node_may_be_given_without_a_list(tmp_path: Path) -> None:
    wetgate.write(grey(1, 0.25), tmp_path / "a.exr")
    wetgate.render(tmp_path / "a.exr", tmp_path / "b.exr", nodes="t_gain:gain=2")
    assert wetgate.read(tmp_path / "b.exr")[0].pixels == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("frames", [np.zeros((4, 4, 3), np.float32), [np.zeros((4, 4, 3), np.float32)], "a.exr"])
def test_only_frames_are_written(tmp_path: Path, frames: Any) -> None:
    with pytest.raises(UsageError, match=r"allowed: wetgate\.Frame"):
        wetgate.write(frames, tmp_path / "x.####.exr")


def test_two_frames_of_one_number_are_not_written_over_one_another(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two frames have the number 7"):
        wetgate.write([grey(7, 0.1), grey(7, 0.2)], tmp_path / "x.####.exr")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "exact"),
    [
        (24, Fraction(24)),
        ("23.976", Fraction(24000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        (Fraction(25), Fraction(25)),
        ("12.5", Fraction(25, 2)),
        (23.9, Fraction("23.9")),
    ],
)
def test_a_rounded_rate_is_the_exact_one_it_stands_for(given: Any, exact: Fraction) -> None:
    assert given_rate(given) == exact
    assert WriteOptions(rate=given).rate == exact


@pytest.mark.parametrize("given", [0, -24, "fast", "1/0", None, True, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="the rate is"):
        given_rate(given)


def test_an_error_of_a_reader_fails_its_frame_and_not_the_render(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wetgate.io.stills import StillSource

    for number in (1, 2, 3):
        wetgate.write(Frame(np.full((4, 4, 3), number, np.float32), "ACEScg", number), tmp_path / f"a.{number}.exr")
    read: Callable[..., Any] = StillSource.read

    def broken(self: StillSource, number: int) -> Any:
        if number == 2:
            raise MemoryError("a picture of 90 GB")
        return read(self, number)

    monkeypatch.setattr(StillSource, "read", broken)
    outcome = wetgate.render(tmp_path / "a.#.exr", tmp_path / "b.#.exr")
    assert outcome.written == (1, 3)
    assert "MemoryError: a picture of 90 GB" in outcome.failed[2]
