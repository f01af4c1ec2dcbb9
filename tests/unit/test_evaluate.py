"""What a graph makes of frames: windows, mixing, masks, untouched pixels, analysis, purity."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wetgate
from support.engine_nodes import PAIRED, PREPARED, declared, grey
from wetgate.color import ColorConfig
from wetgate.engine.colour import Colour
from wetgate.engine.direct import run_graph
from wetgate.engine.evaluate import Evaluator, Setting
from wetgate.engine.graph import SCHEMA, build, parse_nodes
from wetgate.spec import Frame, FrameError, UsageError, registry


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


def _run(specs: list[str], frames: Any, **options: Any) -> Any:
    return run_graph(parse_nodes(specs), frames, **options)


def _noise(number: int = 1, space: str = "srgb_tx", channels: int = 3, size: tuple[int, int] = (9, 13)) -> Frame:
    pixels = np.random.default_rng(number).uniform(-0.5, 4.0, (*size, channels)).astype(np.float32)
    return Frame(pixels, space, number)


def test_an_empty_graph_returns_the_very_pixels() -> None:
    frame = _noise()
    assert run_graph(build({"graph": "wetgate.graph/1", "nodes": []}), frame).pixels is frame.pixels


@pytest.mark.parametrize("spec", ["t_gain:strength=0", "t_gain:mix=0", "t_gain:gain=1"])
def test_where_nothing_is_to_do_the_result_is_the_input_bit_for_bit(spec: str) -> None:
    frame = _noise(space="srgb_tx", channels=4)
    assert np.array_equal(_run([spec], frame).pixels, frame.pixels)


def test_pixels_that_no_node_touches_come_back_bit_for_bit_though_the_node_works_in_another_space() -> None:
    frame = _noise(space="srgb_tx", size=(8, 16))
    result = _run(["t_half"], frame)
    assert np.array_equal(result.pixels[:, 8:], frame.pixels[:, 8:])
    assert (result.pixels[:, :8] != frame.pixels[:, :8]).mean() > 0.9


def test_a_window_repeats_the_edge_frames_of_the_shot() -> None:
    shot = [grey(n, float(n)) for n in (1, 2, 3, 4)]
    results = _run(["t_mean:radius=1"], shot)
    # frame 1 sees 1, 1, 2; frame 2 sees 1, 2, 3; float32 division by three is exact to 1 ulp
    assert results[0].pixels[0, 0, 0] == pytest.approx(4 / 3, rel=1e-6)
    assert results[1].pixels[0, 0, 0] == pytest.approx(2.0, rel=1e-6)


def test_a_frame_is_prepared_once_and_handed_to_every_window_that_it_is_in() -> None:
    PREPARED.clear()
    results = _run(["t_prepared"], [grey(n, float(n)) for n in (1, 2, 3, 4)])
    assert PREPARED == [1, 2, 3, 4]
    # frame 1 sees 1, 1, 4; frame 2 sees 1, 4, 9; float32 of such means is exact to 1 ulp
    assert results[0].pixels[0, 0, 0] == pytest.approx(6 / 3, rel=1e-6)
    assert results[1].pixels[0, 0, 0] == pytest.approx(14 / 3, rel=1e-6)


def test_an_evaluator_lets_its_frames_go_at_once_when_it_is_gone() -> None:
    gc.disable()  # a cycle would keep a shot's frames until the collector runs
    try:
        kept = grey(1, 0.5)
        evaluator = Evaluator(
            parse_nodes(["t_gain:gain=2"]), Colour(ColorConfig.load(), kept.space), (1,), lambda _: kept, Setting()
        )
        made = weakref.ref(evaluator.frame(1).pixels)
        assert made() is not None
        del evaluator
        assert made() is None
    finally:
        gc.enable()


def test_a_window_of_one_frame_has_nothing_prepared() -> None:
    PREPARED.clear()
    results = _run(["t_prepared:radius=0"], [grey(1, 3.0)])
    assert PREPARED == []
    assert results[0].pixels[0, 0, 0] == 3.0


def test_what_is_made_of_a_pair_of_frames_is_kept_for_the_windows_that_it_is_in() -> None:
    PAIRED.clear()
    _run(["t_prepared"], [grey(n, float(n)) for n in (1, 2, 3, 4)])
    assert PAIRED == [(1, 1), (1, 2), (2, 3), (3, 4), (4, 4)]


def test_what_is_kept_of_a_pair_is_not_what_other_parameters_made_of_it() -> None:
    PAIRED.clear()
    graph = {"graph": SCHEMA, "nodes": [{"node": "t_prepared", "name": "p", "params": {"strength": {1: 0.5, 2: 1.0}}}]}
    run_graph(graph, [grey(n, float(n)) for n in (1, 2)])
    assert PAIRED.count((1, 2)) == 2


def test_windows_of_windows_reach_as_far_as_their_sum() -> None:
    shot = [grey(n, 1.0 if n == 5 else 0.0) for n in range(1, 10)]
    results = _run(["t_mean:radius=1", "t_mean:radius=2"], shot)
    touched = [r.number for r in results if r.pixels[0, 0, 0] > 0]
    assert touched == [2, 3, 4, 5, 6, 7, 8]


def test_a_frame_is_the_same_rendered_alone_or_among_others() -> None:
    shot = [_noise(n) for n in range(1, 8)]
    graph = parse_nodes(["t_mean:radius=2", "t_gain:gain=1.5"])
    together = run_graph(graph, shot)
    window = run_graph(graph, shot[1:6])
    assert np.array_equal(together[3].pixels, window[2].pixels)


def test_mix_blends_in_the_working_space() -> None:
    result = _run(["t_gain:gain=3,mix=0.25"], grey(1, 0.2))
    # ACEScg is the scene-linear role, so: 0.2 + 0.25 x (0.6 - 0.2)
    assert result.pixels[0, 0, 0] == pytest.approx(0.3, rel=1e-6)


def test_a_mask_channel_limits_the_change_and_its_zero_is_exact() -> None:
    mask = np.tile(np.array([0, 0.5, 1, 2], np.float32), (6, 2))
    frame = Frame(grey(1, 0.2).pixels, "ACEScg", 1, extra={"matte.R": mask})
    graph = build(
        {
            "graph": "wetgate.graph/1",
            "nodes": [{"node": "t_gain", "params": {"gain": 3.0}, "mask": {"channel": "matte.R"}}],
        }
    )
    row = run_graph(graph, frame).pixels[0, :4, 0]
    assert row[0] == frame.pixels[0, 0, 0]
    assert row == pytest.approx([0.2, 0.4, 0.6, 0.6], rel=1e-6)  # a mask above 1 counts as 1


def test_a_view_of_an_earlier_step_can_be_a_mask() -> None:
    pixels = grey(1, 0.2).pixels.copy()
    pixels[:, :4] = 0.9
    nodes = [
        {"node": "t_gain", "name": "find"},
        {"node": "t_gain", "input": "source", "params": {"gain": 10.0}, "mask": {"step": "find", "view": "above"}},
    ]
    result = run_graph(build({"graph": "wetgate.graph/1", "nodes": nodes}), Frame(pixels, "ACEScg", 1))
    assert result.pixels[0, 0, 0] == pytest.approx(9.0, rel=1e-6)
    assert result.pixels[0, 7, 0] == pixels[0, 7, 0]


def test_a_step_that_does_nothing_at_a_frame_still_has_its_views_there() -> None:
    nodes = [
        {"node": "t_gain", "name": "find", "params": {"strength": {1: 0.0, 2: 1.0}, "gain": 2.0}},
        {"node": "t_gain", "input": "source", "params": {"gain": 10.0}, "mask": {"step": "find", "view": "above"}},
    ]
    graph = build({"graph": "wetgate.graph/1", "nodes": nodes})
    shot = [Frame(np.full((4, 4, 3), level, np.float32), "ACEScg", n) for n, level in ((1, 0.75), (2, 0.75))]
    aovs: dict[int, dict[str, Any]] = {}
    first, second = run_graph(graph, shot, aovs=aovs)
    assert np.array_equal(first.pixels, shot[0].pixels)  # at strength 0 nothing is above 1: the mask is 0
    assert second.pixels == pytest.approx(7.5, rel=1e-6)
    assert aovs[1]["find.above"].max() == 0
    assert aovs[2]["find.above"].min() == 1


def test_a_mask_that_is_not_there_names_the_channels_that_are() -> None:
    graph = build({"graph": "wetgate.graph/1", "nodes": [{"node": "t_gain", "mask": {"channel": "matte.R"}}]})
    with pytest.raises(FrameError, match="allowed: R, G, B"):
        run_graph(graph, grey(1, 0.2))


def test_a_view_replaces_the_picture_and_difference_is_signed() -> None:
    above = _run(["t_gain:gain=8,view=above"], grey(1, 0.2), out_space="ACEScg")
    assert above.pixels.min() == 1.0
    difference = _run(["t_gain:gain=0.5,view=difference"], grey(1, 0.2))
    assert difference.pixels[0, 0, 0] == pytest.approx(-0.1, rel=1e-6)


def test_views_are_handed_out_by_frame_and_step() -> None:
    aovs: dict[int, dict[str, Any]] = {}
    run_graph(parse_nodes(["t_gain:gain=8"]), [grey(1, 0.2), grey(2, 0.01)], aovs=aovs)
    assert aovs[1]["t_gain-1.above"].max() == 1.0
    assert aovs[2]["t_gain-1.above"].max() == 0.0


def test_a_node_that_analyses_sees_the_whole_shot_first() -> None:
    shot = [grey(1, 1.0), grey(2, 3.0)]
    results = _run(["t_level"], shot)
    assert [r.pixels[0, 0, 0] for r in results] == pytest.approx([0.5, 1.5], rel=1e-6)


def test_a_node_that_is_told_all_by_hand_is_not_analysed() -> None:
    results = _run(["t_level:mean=2"], [grey(1, 1.0), grey(2, 3.0)])  # the node asserts that it sees no analysis
    assert [r.pixels[0, 0, 0] for r in results] == pytest.approx([0.5, 1.5], rel=1e-6)


def test_a_node_that_is_told_by_hand_at_some_frames_only_is_analysed() -> None:
    step = build({"graph": SCHEMA, "nodes": [{"node": "t_level", "name": "l", "params": {"mean": {1: 0.0, 2: 2.0}}}]})
    step = step.used()[0]
    assert step.wants_analysis([1, 2])
    assert not step.wants_analysis([2])


def test_an_analysis_sees_what_the_step_before_made() -> None:
    results = _run(["t_gain:gain=2", "t_level"], [grey(1, 1.0), grey(2, 3.0)])
    assert [r.pixels[0, 0, 0] for r in results] == pytest.approx([0.5, 1.5], rel=1e-6)


def test_a_node_cannot_write_to_its_input() -> None:
    from wetgate.spec import Context, Result, Window, node, param

    @node(id="t_writer", label="Writer", space="scene", version=1)
    class Writer:
        """Writes to the frame that it was given, which no node may do; for the test that says so, and no other."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")

        def render(self, frames: Window, ctx: Context) -> Result:
            frames.center.pixels[...] = 0
            return Result(frames.center)

    try:
        with pytest.raises(FrameError, match="read-only"):
            _run(["t_writer"], grey(1, 0.2))
    finally:
        registry.forget("t_writer")


def test_values_that_are_not_numbers_are_an_error_of_the_node_by_name() -> None:
    with pytest.raises(FrameError, match="t_fail-1 made 1 values that are not numbers"):
        _run(["t_fail:frame=1"], grey(1, 0.2))


def test_the_input_is_not_changed() -> None:
    frame = _noise()
    before = frame.pixels.copy()
    _run(["t_gain", "t_mean", "t_half"], frame)
    assert np.array_equal(frame.pixels, before)


def test_alpha_windows_and_other_channels_come_through() -> None:
    depth = np.arange(9 * 13, dtype=np.float32).reshape(9, 13)
    frame = _noise(channels=4).with_(
        data_window=wetgate.Box(-3, -2, 13, 9),
        display_window=wetgate.Box(0, 0, 7, 5),
        pixel_aspect=1.5,
        extra={"depth.Z": depth},
        metadata={"unknown/thing": "kept"},
    )
    result = _run(["t_gain"], frame)
    assert np.array_equal(result.pixels[..., 3], frame.pixels[..., 3])
    assert (result.data_window, result.display_window) == (frame.data_window, frame.display_window)
    assert result.extra["depth.Z"] is depth
    assert (result.pixel_aspect, result.metadata) == (1.5, frame.metadata)


def test_arrays_need_their_space_and_give_arrays_back() -> None:
    pixels = grey(1, 0.2).pixels
    with pytest.raises(UsageError, match="--in-space"):
        _run(["t_gain"], pixels)
    assert isinstance(_run(["t_gain"], pixels, in_space="ACEScg"), np.ndarray)


def test_a_node_is_a_function_of_its_name_with_keyframes() -> None:
    call = wetgate.run_node(registry.get("t_gain"), [grey(1, 1.0), grey(3, 1.0)], gain={1: 1.0, 3: 5.0})
    assert [f.pixels[0, 0, 0] for f in call] == pytest.approx([1.0, 5.0], rel=1e-6)


def test_values_that_are_not_numbers_are_repaired_on_the_way_in() -> None:
    pixels = grey(1, 0.2).pixels.copy()
    pixels[2, 3, 1], pixels[4, 4] = np.nan, np.inf
    result = _run(["t_gain:gain=2"], Frame(pixels, "ACEScg", 1))
    assert result.pixels == pytest.approx(np.full_like(pixels, 0.4), rel=1e-6)
