"""The plate: what one step takes out comes back after others, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from support.engine_nodes import declared
from wetgate.engine.direct import run_graph
from wetgate.engine.graph import Graph, build
from wetgate.spec import Context, Frame, FrameError, Result, WetgateError, Window, node, param, registry


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():

        @node(id="t_smooth", label="Smooth", space="density", version=1)
        class Smooth:
            """Takes the difference to the row's mean out of density, for tests of plates: it splits grain off."""

            strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")

            def render(self, frames: Window, ctx: Context) -> Result:
                rgb = frames.center.rgb
                mean = np.broadcast_to(rgb.mean(axis=1, keepdims=True), rgb.shape)
                return Result(frames.center.with_rgb(np.ascontiguousarray(rgb + self.strength * (mean - rgb))))

        try:
            yield
        finally:
            registry.forget("t_smooth")


def _graph(*nodes: dict[str, Any]) -> Graph:
    return build({"graph": "wetgate.graph/1", "nodes": list(nodes)})


SPLIT = {"node": "t_smooth", "name": "split"}


def _grainy(space: str = "ACEScg") -> Frame:
    random = np.random.default_rng(4)
    return Frame((0.2 * 10 ** random.normal(0, 0.05, (24, 40, 3))).astype(np.float32), space, 7)


@pytest.mark.parametrize("space", ["ACEScg", "srgb_tx"])
def test_grain_that_is_split_off_and_returned_is_the_source_bit_for_bit_where_nothing_was_restored(space) -> None:
    frame = _grainy(space)
    same = {"node": "t_gain", "params": {"gain": 1.0}, "plate": {"step": "split"}}
    taken = run_graph(_graph(SPLIT), frame).rgb
    assert taken.std() < 0.5 * frame.rgb.std()
    assert np.array_equal(run_graph(_graph(SPLIT, same), frame).pixels, frame.pixels)


def test_what_was_restored_keeps_the_grain_of_its_place() -> None:
    """A stop more light after the split: the same density of grain on twice the light."""
    frame = _grainy()
    lifted = run_graph(_graph(SPLIT, {"node": "t_gain", "params": {"gain": 2.0}, "plate": {"step": "split"}}), frame)
    # Two hops between light and density in float32.
    assert np.allclose(lifted.rgb, 2 * frame.rgb, rtol=1e-5)


def test_half_of_the_change_leaves_the_other_half_untouched() -> None:
    frame = _grainy()
    made = run_graph(_graph(SPLIT, {"node": "t_half", "plate": {"step": "split"}}), frame)
    assert np.array_equal(made.pixels[:, 20:], frame.pixels[:, 20:])
    assert np.allclose(made.rgb[:, :20], 0.5 * frame.rgb[:, :20], rtol=1e-5)


def test_the_amount_scales_what_comes_back() -> None:
    frame = _grainy()
    same = {"node": "t_gain", "params": {"gain": 1.0}}
    deviation = [
        np.log(run_graph(_graph(SPLIT, {**same, "plate": {"step": "split", "amount": a}}), frame).rgb).std(axis=1)
        for a in (0.5, 1.0, 2.0)
    ]
    assert np.allclose(deviation[0], 0.5 * deviation[1], rtol=1e-3)
    assert np.allclose(deviation[2], 2 * deviation[1], rtol=1e-3)


def test_a_plate_is_recorded_and_its_split_counts_among_the_steps_used() -> None:
    graph = _graph(
        {"node": "t_mean", "name": "split", "params": {"radius": 2}},
        {"node": "t_gain", "input": "source", "plate": {"step": "split", "amount": 0.5}},
    )
    assert [s.name for s in graph.used()] == ["split", "t_gain-2"]
    assert graph.reach([1, 2, 3]) == 2
    assert graph.record()["nodes"][1]["plate"] == {"step": "split", "amount": 0.5}


def test_a_plate_of_no_earlier_step_or_of_a_wrong_amount_is_refused_at_once() -> None:
    with pytest.raises(WetgateError) as caught:
        _graph(SPLIT, {"node": "t_gain", "plate": {"step": "splitt", "amount": -1, "more": 2}})
    text = str(caught.value)
    for part in ("plate step 'splitt' is no earlier step", "split", "amount is -1", "0 to 4", "unknown key 'more'"):
        assert part in text


def test_a_plate_of_another_size_is_refused_with_a_remedy() -> None:
    from wetgate.engine.plate import put_back

    frame = _grainy()
    small = Frame(frame.pixels[:8].copy(), frame.space, frame.number)
    with pytest.raises(FrameError, match="before the step that changes the picture's size"):
        put_back(small, frame, frame, 1.0, True, "frame 7")
