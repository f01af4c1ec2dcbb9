"""Graphs: what is parsed, what is refused and how it says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.engine_nodes import declared
from wetgate.engine.graph import build, load_graph, parse_nodes
from wetgate.engine.keyframes import keyframes
from wetgate.spec import Problems, UsageError, param
from wetgate.spec.params import Declared


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


def _graph(*nodes: object, **top: object) -> dict[str, object]:
    return {"graph": "wetgate.graph/1", "nodes": list(nodes), **top}


def test_a_chain_on_the_command_line_becomes_steps_in_order() -> None:
    graph = parse_nodes(["t_gain:gain=3,strength=0.5", "t_mean"])
    assert [s.node.id for s in graph.steps] == ["t_gain", "t_mean"]
    assert graph.steps[0].values["gain"] == 3.0
    assert graph.steps[1].input == graph.steps[0].name
    assert graph.output == graph.steps[1].name


def test_a_wrong_node_suggests_the_right_one() -> None:
    with pytest.raises(UsageError, match="did you mean 't_gain'"):
        parse_nodes(["t_gian"])


def test_every_problem_of_a_graph_is_told_at_once_with_its_path() -> None:
    bad = _graph(
        {"node": "t_gain", "params": {"gain": 17, "stength": 1}},
        {"node": "t_nothing"},
        {"node": "t_mean", "input": "elsewhere", "colour": 1},
    )
    with pytest.raises(Problems) as caught:
        build(bad)
    text = str(caught.value)
    assert "graph.nodes[0].params.gain" in text
    assert "allowed: a number from 0 to 16" in text
    assert "did you mean 'strength'" in text
    assert "graph.nodes[1].node" in text
    assert "input 'elsewhere' is no earlier step" in text
    assert "unknown key 'colour'" in text


def test_branches_take_their_input_by_name_and_unused_ones_are_left_out() -> None:
    graph = build(
        _graph(
            {"node": "t_gain", "name": "a"},
            {"node": "t_mean", "name": "b", "input": "source"},
            {"node": "t_gain", "name": "c", "input": "b", "mask": {"step": "a", "view": "above"}},
            {"node": "t_fail", "name": "d", "input": "a"},
            output="c",
        )
    )
    assert [s.name for s in graph.used()] == ["a", "b", "c"]


def test_reach_adds_up_along_the_longest_way() -> None:
    graph = parse_nodes(["t_mean:radius=2", "t_gain", "t_mean:radius=3"])
    assert graph.reach([1001]) == 5


def test_keyframes_are_interpolated_between_and_held_outside() -> None:
    graph = build(_graph({"node": "t_gain", "params": {"gain": {1001: 1.0, 1011: 3.0}}}))
    values = [graph.steps[0].values_at(n)["gain"] for n in (900, 1001, 1006, 1011, 2000)]
    assert values == [1.0, 1.0, 2.0, 3.0, 3.0]


def test_keyframes_of_a_choice_hold_until_the_next() -> None:
    made = param("a", choices={"a": "A", "b": "B"}, animates=True, hint="Which of the two it is.")
    assert isinstance(made, Declared)
    keys = keyframes(made.named("which", str), {1: "a", 5: "b"})
    assert [keys.at(n) for n in (0, 4, 5, 9)] == ["a", "a", "b", "b"]


def test_a_keyframe_out_of_range_is_refused_with_its_frame() -> None:
    with pytest.raises(UsageError, match=r"graph\.nodes\[0\]\.params\.gain\[1011\]"):
        build(_graph({"node": "t_gain", "params": {"gain": {1001: 1.0, 1011: 99}}}))


def test_a_parameter_that_cannot_be_animated_refuses_keyframes() -> None:
    with pytest.raises(UsageError, match="cannot be animated"):
        build(_graph({"node": "t_gain", "params": {"view": {1001: "result"}}}))


def test_the_fingerprint_depends_on_every_parameter_and_on_nothing_else() -> None:
    same = parse_nodes(["t_gain:gain=2"]), parse_nodes(["t_gain:strength=1"])
    assert same[0].fingerprint == same[1].fingerprint  # both spell defaults out or leave them
    assert parse_nodes(["t_gain:gain=2.5"]).fingerprint != same[0].fingerprint


def test_a_record_builds_the_same_graph_again() -> None:
    graph = build(
        _graph({"node": "t_gain", "name": "x", "params": {"gain": {1: 1.0, 9: 2.0}}, "mask": {"channel": "matte.R"}})
    )
    record = graph.record()
    assert build(record).fingerprint == graph.fingerprint


def test_a_graph_saved_by_an_older_node_keeps_its_picture() -> None:
    from wetgate.spec import Context, Result, Window, node, registry

    @node(id="t_grown", label="Grown", space="scene", version=2)
    class Grown:
        """A node that got a parameter in its second version, for the test of what old graphs make of it."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        knee: float = param(0.5, lo=0, hi=1, since=2, legacy=0.0, hint="New in version 2; 0 is what it did before.")

        def render(self, frames: Window, ctx: Context) -> Result:
            return Result(frames.center)

    try:
        old = build(_graph({"node": "t_grown", "version": 1}))
        new = build(_graph({"node": "t_grown"}))
        assert (old.steps[0].values["knee"], new.steps[0].values["knee"]) == (0.0, 0.5)
        with pytest.raises(UsageError, match="allowed: 1 to 2"):
            build(_graph({"node": "t_grown", "version": 3}))
    finally:
        registry.forget("t_grown")


def test_a_mask_must_name_something_that_is_there() -> None:
    with pytest.raises(UsageError, match="mask names nothing"):
        build(_graph({"node": "t_gain", "mask": {"invert": True}}))
    with pytest.raises(UsageError, match=r"no view 'abov'.*did you mean 'above'"):
        build(_graph({"node": "t_gain", "name": "a"}, {"node": "t_mean", "mask": {"step": "a", "view": "abov"}}))


@pytest.mark.parametrize(
    ("more", "step", "said"),
    [
        ({"in_space": 5}, {}, "in_space is 5"),
        ({"out_space": ["ACEScg"]}, {}, "the name of a colour space"),
        ({}, {"params": {1: 2}}, "1 is no parameter's name"),
        ({}, {"name": "../../evil"}, "files are named by it"),
        ({}, {"name": [1, 2]}, "files are named by it"),
        ({}, {"name": ""}, "files are named by it"),
    ],
)
def test_what_is_of_the_wrong_type_is_refused_by_its_place(more: dict, step: dict, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        build({"graph": "wetgate.graph/1", "nodes": [{"node": "t_gain"} | step]} | more)


@pytest.mark.parametrize("text", ["nodes: [", "[]", "graph: other/2\nnodes: []", "nodes: {}\ngraph: wetgate.graph/1"])
def test_files_that_are_no_graph_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "g.yaml"
    path.write_text(text)
    with pytest.raises(UsageError):
        load_graph(path)


def test_a_missing_preset_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="hdr-lift"):
        load_graph("hdr-lfit")
