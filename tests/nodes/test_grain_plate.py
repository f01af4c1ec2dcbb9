"""Grain split off, the picture restored, the grain returned: bit for bit where nothing was done, made where painted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wetgate.nodes.grain  # noqa: F401  declares the node
from wetgate.engine.direct import run_graph
from wetgate.engine.graph import Graph, build, parse_nodes
from wetgate.spec import DENSITY, Context, Frame, FrameError, Result, Split, Window, node, param, registry

GRAIN = registry.get("grain")
MARK = (slice(40, 120), slice(60, 180))


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    @node(id="t_degrain", label="Degrain", space="video", version=1, splits=True)
    class Degrain:
        """Takes the difference to the mean out of code values, for tests: it splits the grain off a flat picture."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")

        def render(self, frames: Window, ctx: Context) -> Result:
            rgb = frames.center.rgb
            mean = np.broadcast_to(rgb.mean(axis=(0, 1), keepdims=True), rgb.shape)
            return Result(frames.center.with_rgb(np.ascontiguousarray(rgb + self.strength * (mean - rgb))))

    @node(id="t_paint", label="Paint", space="scene", version=1, views={"synthesis": "Where it painted."})
    class Paint:
        """Paints a rectangle of flat light and tells that it invented it, for tests of grain over what was invented."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")

        def render(self, frames: Window, ctx: Context) -> Result:
            rgb = frames.center.rgb.copy()
            rgb[MARK] = 0.2
            plane = np.zeros(rgb.shape[:2], np.float32)
            plane[MARK] = 1
            return Result(frames.center.with_rgb(rgb), {"synthesis": plane} if "synthesis" in ctx.views else {})

    try:
        yield
    finally:
        registry.forget("t_degrain")
        registry.forget("t_paint")


def _grainy(width: int = 320, height: int = 256) -> Frame:
    clean = Frame(np.full((height, width, 3), 0.7, np.float32), DENSITY, 7)
    rgb = GRAIN.make({"gauge": "mm16", "seed": 9}).render(Window((clean,)), Context()).frame.rgb
    return Frame((10.0**-rgb).astype(np.float32), "ACEScg", 7)


def _graph(*nodes: dict[str, Any]) -> Graph:
    return build({"graph": "wetgate.graph/1", "nodes": list(nodes)})


SPLIT = {"node": "t_degrain", "name": "split"}
BACK = {"node": "grain", "name": "back", "params": {"engine": "plate"}}


def _log(frame: Frame) -> np.ndarray:
    return -np.log10(frame.rgb.astype(np.float64))


def test_grain_returns_bit_for_bit_where_nothing_was_restored_between() -> None:
    frame = _grainy()
    assert _log(run_graph(_graph(SPLIT), frame)).std() < 0.2 * _log(frame).std()
    assert np.array_equal(run_graph(_graph(SPLIT, BACK), frame).pixels, frame.pixels)


def test_the_chain_of_the_command_line_finds_its_split_and_records_it() -> None:
    graph = parse_nodes(["t_degrain", "grain:engine=plate"])
    assert graph.record()["nodes"][1]["plate"] == {"step": "t_degrain-1", "amount": 1.0}
    frame = _grainy()
    assert np.array_equal(run_graph(graph, frame).pixels, frame.pixels)
    assert "plate" not in parse_nodes(["t_degrain", "grain"]).record()["nodes"][1]


def test_what_was_invented_has_grain_like_the_shots_and_is_marked_and_the_rest_is_the_source() -> None:
    frame = _grainy()
    aovs: dict[int, dict[str, np.ndarray]] = {}
    made = run_graph(_graph(SPLIT, {"node": "t_paint"}, BACK), frame, aovs=aovs)
    outside = np.ones(frame.pixels.shape[:2], bool)
    outside[MARK] = False
    assert np.array_equal(made.pixels[outside], frame.pixels[outside])
    # 9,600 pixels of grain some two pixels across, and an analysis of 35 patches: the deviation is known to a tenth.
    ratio = _log(made)[MARK].std(axis=(0, 1)) / _log(frame).std(axis=(0, 1))
    assert np.abs(ratio - 1).max() < 0.2
    assert abs(np.corrcoef(_log(made)[MARK][..., 1].ravel(), _log(frame)[MARK][..., 1].ravel())[0, 1]) < 0.05
    synthesis = aovs[7]["back.synthesis"]
    assert synthesis[MARK].mean() > 0.01
    assert not synthesis[outside].any()


def test_forensic_returns_the_plate_and_makes_none() -> None:
    frame = _grainy()
    aovs: dict[int, dict[str, np.ndarray]] = {}
    run_graph(_graph(SPLIT, {"node": "t_paint"}, BACK), frame, aovs=aovs, fidelity="forensic")
    assert not aovs[7]["back.synthesis"].any()
    made = run_graph(_graph(SPLIT, BACK), frame, fidelity="forensic")
    assert np.array_equal(made.pixels, frame.pixels)


def test_amount_and_layers_scale_what_returns() -> None:
    frame = _grainy()
    half = run_graph(_graph(SPLIT, {**BACK, "params": {"engine": "plate", "amount": 0.5, "red": 0.0}}), frame)
    ratio = _log(half).std(axis=(0, 1)) / _log(frame).std(axis=(0, 1))
    assert ratio[0] < 0.01
    assert np.allclose(ratio[1:], 0.5, atol=0.02)


def test_a_match_after_a_split_measures_the_grain_from_before_it() -> None:
    frame = _grainy(512, 512)
    matched = run_graph(_graph(SPLIT, {"node": "grain", "params": {"match": True, "gauge": "mm16"}}), frame)
    ratio = _log(matched).std(axis=(0, 1)) / _log(frame).std(axis=(0, 1))
    assert np.abs(ratio - 1).max() < 0.1


def test_without_a_split_nothing_returns_and_the_record_says_so() -> None:
    frame = Frame(np.full((32, 32, 3), 0.7, np.float32), DENSITY, 1)
    made = GRAIN.make({"engine": "plate"}).render(Window((frame,)), Context())
    assert np.array_equal(made.frame.pixels, frame.pixels)
    assert "no grain was split off" in made.facts["unreturned"]


def test_a_plate_on_mid_grey_is_laid_on_the_picture() -> None:
    """As a host gives it: the difference of the plate's density from that of 0.18."""
    frame = Frame(np.full((32, 48, 3), 0.5, np.float32), DENSITY, 1)
    noise = np.random.default_rng(2).normal(0, 0.03, frame.pixels.shape).astype(np.float32)
    grey = frame.with_rgb(np.float32(-np.log10(0.18)) + noise)
    made = GRAIN.make({"engine": "plate"}).render(Window((frame,)), Context(split=Split(grey, None))).frame
    assert np.allclose(made.rgb - frame.rgb, noise, atol=1e-6)
    seen = GRAIN.make({"engine": "plate"}).render(
        Window((frame,)), Context(split=Split(grey, None), views=frozenset({"plate"}))
    )
    assert np.allclose(seen.aovs["plate"], grey.rgb, atol=1e-6)


def test_a_plate_of_another_size_is_refused() -> None:
    frame = Frame(np.full((32, 48, 3), 0.5, np.float32), DENSITY, 1)
    other = Frame(np.full((16, 48, 3), 0.5, np.float32), DENSITY, 1)
    with pytest.raises(FrameError, match="before the step that changes the picture's size"):
        GRAIN.make({"engine": "plate"}).render(Window((frame,)), Context(split=Split(other, other)))


@pytest.mark.parametrize("engine", ["spectral", "crystal"])
def test_the_bound_holds_for_grain_and_breaks_for_light_that_moved(engine: str) -> None:
    ramp = np.broadcast_to(np.linspace(0.1, 1.8, 256, dtype=np.float32)[None, :, None], (192, 256, 3)).copy()
    frame = Frame(ramp, DENSITY, 3)
    grain = GRAIN.make({"engine": engine, "gauge": "mm16"})
    made = grain.render(Window((frame,)), Context()).frame
    bound = grain.bound(frame, made, Context())
    assert bound.ok, bound.sentence()
    brighter = made.with_rgb(made.rgb - np.float32(0.01))
    assert not grain.bound(frame, brighter, Context()).ok
    assert not grain.bound(frame, made, Context(fidelity="forensic")).ok
    assert grain.bound(frame, frame, Context(fidelity="forensic")).ok
