"""Results fused along motion by the engine: what shimmers less, what must not change, what is asked for and kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from support.engine_nodes import SHIMMERED, declared
from support.pictures import scene
from wetgate.engine.direct import run_graph
from wetgate.engine.graph import build, parse_nodes
from wetgate.spec import Frame, Image, registry

SIZE = (96, 64)


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


def _shot(count: int, shift: float = 1.5, first: int = 1, **options: Any) -> list[Frame]:
    return [Frame(scene(*SIZE, shift=shift * i, **options), "ACEScg", first + i) for i in range(count)]


def _run(spec: str, shot: list[Frame], **options: Any) -> list[Frame]:
    made: list[Frame] = run_graph(parse_nodes([spec]), shot, **options)
    return made


def _error(made: list[Frame], shot: list[Frame]) -> float:
    inner = (slice(8, -8), slice(8, -8))
    return float(np.mean([np.square(m.rgb[inner] - s.rgb[inner]).mean() for m, s in zip(made, shot, strict=True)]))


def test_what_is_another_in_every_frame_is_averaged_away_along_the_motion() -> None:
    shot = _shot(7)
    alone, fused = _run("t_shimmer:coherence=0", shot), _run("t_shimmer", shot)
    # The mean of five frames keeps a fifth of the variance; the bound is for a flow that is good nearly everywhere.
    assert _error(fused[2:-2], shot[2:-2]) < 0.35 * _error(alone[2:-2], shot[2:-2])


def test_coherence_of_nothing_is_the_node_frame_by_frame_bit_for_bit() -> None:
    shot = _shot(4)
    plain = [_run("t_shimmer:coherence=0", [frame])[0] for frame in shot]
    for off in ("coherence=0", "coherence_radius=0", "coherence=0,coherence_radius=4"):
        for a, b in zip(_run(f"t_shimmer:{off}", shot), plain, strict=True):
            assert np.array_equal(a.pixels, b.pixels)
    node = registry.get("t_shimmer")
    assert [node.reach(node.make({"coherence": c})) for c in (0.0, 0.01, 1.0)] == [0, 2, 2]


def test_a_fused_frame_is_the_same_from_any_start_and_in_any_order() -> None:
    shot = _shot(9)
    whole = _run("t_shimmer", shot)
    part = _run("t_shimmer", shot[2:7])
    assert np.array_equal(whole[4].pixels, part[2].pixels)
    backwards = _run("t_shimmer", shot[::-1])
    for a, b in zip(whole, backwards[::-1], strict=True):
        assert np.array_equal(a.pixels, b.pixels)


def test_each_frame_is_rendered_once_though_five_results_need_it() -> None:
    SHIMMERED.clear()
    _run("t_shimmer", _shot(8))
    assert sorted(SHIMMERED) == list(range(1, 9))


def test_what_a_parameter_keeps_of_the_footage_is_the_frame_s_own_and_not_averaged() -> None:
    noise = [np.random.default_rng(i).normal(0, 0.05, (64, 96, 3)).astype(np.float32) for i in range(5)]
    shot = [Frame(np.float32(0.4) + n, "ACEScg", i) for i, n in enumerate(noise)]
    whole, half = (_run(f"t_halved:strength={s}", shot) for s in (1, 0.5))
    for made, full, given in zip(half, whole, shot, strict=True):
        assert np.abs(made.rgb - (full.rgb + given.rgb) / 2).max() < 1e-6


def test_a_keyframed_parameter_of_the_finish_renders_no_frame_twice() -> None:
    SHIMMERED.clear()
    keys = {"graph": "wetgate.graph/1", "nodes": [{"node": "t_halved", "params": {"strength": {1: 0.2, 6: 1.0}}}]}
    run_graph(build(keys), _shot(6))
    assert sorted(SHIMMERED) == list(range(1, 7))


def test_nothing_is_fused_across_a_cut() -> None:
    before = _shot(4)
    after = [Frame(f.pixels[::-1, ::-1].copy() * np.float32(0.2), "ACEScg", 5 + i) for i, f in enumerate(_shot(4))]
    together = _run("t_shimmer", [*before, *after])
    apart = [*_run("t_shimmer", before), *_run("t_shimmer", after)]
    for a, b in zip(together, apart, strict=True):
        assert np.array_equal(a.pixels, b.pixels), a.number


def test_a_repeated_frame_counts_once() -> None:
    a, b, c = _shot(3)
    twice = [Frame(f.pixels, "ACEScg", n) for n, f in enumerate((a, a, b, b, c, c), 1)]
    aovs: dict[int, dict[str, Image]] = {}
    run_graph(parse_nodes(["t_pulse:coherence_radius=2"]), twice, aovs=aovs)
    counts = _facts("t_pulse:coherence_radius=2", twice)
    assert counts == [1, 1, 2, 2, 1, 1]


def _facts(spec: str, shot: list[Frame]) -> list[int]:
    from concurrent.futures import ThreadPoolExecutor

    from wetgate.color.config import ColorConfig
    from wetgate.engine.colour import Colour
    from wetgate.engine.direct import MemorySource
    from wetgate.engine.evaluate import Evaluator, Setting
    from wetgate.engine.frames import FrameStore

    graph = parse_nodes([spec])
    source = MemorySource(shot)
    with ThreadPoolExecutor(1) as reader:
        store = FrameStore(source, "ACEScg", reader, lambda *span: None, 1 << 62)
        evaluator = Evaluator(
            graph, Colour(ColorConfig.load(None), "ACEScg"), source.numbers, lambda n: store.get(n).frame, Setting()
        )
        found = []
        for frame in shot:
            evaluator.frame(frame.number)
            found.append(evaluator.facts[graph.steps[0].name]["coherence"]["frames"])
    return found


def test_lamps_and_light_below_black_come_through() -> None:
    shot = [Frame(f.pixels.copy(), "ACEScg", f.number) for f in _shot(5, shift=0.7)]
    for i, frame in enumerate(shot):
        frame.pixels[10:20, 20 + i : 30 + i] = 1000.0
        frame.pixels[40:50, 20 + i : 30 + i] = -0.4
    made = _run("t_pulse:gain=0.02", shot)[2].rgb
    assert made[12:18, 24:30].min() > 950
    assert made[42:48, 24:30].max() < -0.38
    assert made[8, 20:34].max() < 1.5  # no ringing beside the lamp: the sky is 0.7 there at most
    assert made[8, 20:34].min() > 0.1


def test_light_that_changes_in_the_footage_is_not_averaged_away() -> None:
    steady = _shot(7, shift=0.0, peak=0.5)
    levels = (1.0, 1.3, 0.9, 1.2, 0.8, 1.1, 1.0)
    shot = [Frame(f.pixels * np.float32(g), "ACEScg", f.number) for f, g in zip(steady, levels, strict=True)]
    for spec in ("t_pulse:gain=0.01", "t_shimmer:deviation=0.003"):
        for made, given in zip(_run(spec, shot), shot, strict=True):
            assert made.rgb.mean() == pytest.approx(given.rgb.mean(), rel=0.015), spec


def test_what_the_node_leaves_alone_is_left_alone() -> None:
    noises = [np.random.default_rng(i).normal(0, 0.05, (SIZE[1], SIZE[0], 3)).astype(np.float32) for i in range(5)]
    noisy = [f.with_rgb(f.rgb + noise) for f, noise in zip(_shot(5), noises, strict=True)]
    for spec in ("t_pulse:gain=0", "t_shimmer:deviation=0"):
        for made, given in zip(_run(spec, noisy), noisy, strict=True):
            assert np.array_equal(made.pixels, given.pixels), spec


def test_an_old_project_keeps_its_picture() -> None:
    shot = _shot(3)
    entry = {"node": "t_pulse", "version": 1, "params": {"gain": 0.1}}
    old = run_graph(build({"graph": "wetgate.graph/1", "nodes": [entry]}), shot)
    for a, b in zip(old, _run("t_pulse:coherence=0", shot), strict=True):
        assert np.array_equal(a.pixels, b.pixels)


def test_the_view_shows_where_neighbours_counted() -> None:
    aovs: dict[int, dict[str, Image]] = {}
    made = _run("t_shimmer", _shot(6), aovs=aovs)
    inner = {number: float(views["t_shimmer-1.coherence"][8:-8, 8:-8].mean()) for number, views in aovs.items()}
    assert inner[3] > 0.7
    assert inner[1] < 0.6  # half of the window lies outside the shot
    (alone,) = _run("t_shimmer", _shot(1), aovs=(single := {}))
    assert not single[1]["t_shimmer-1.coherence"].any()
    (off,) = _run("t_shimmer:coherence=0", _shot(1), aovs=(single := {}))
    assert np.array_equal(alone.pixels, off.pixels)
    assert not single[1]["t_shimmer-1.coherence"].any()
    shown = _run("t_shimmer:view=coherence", _shot(6))[2]
    assert shown.rgb[8:-8, 8:-8, 0].mean() == pytest.approx(inner[3], abs=1e-5)
    assert made[2].pixels.shape == shown.pixels.shape


def test_keyframed_parameters_are_those_of_the_frame_for_its_neighbours_too() -> None:
    shot = _shot(5, shift=0.0)
    keyed = {"node": "t_pulse", "params": {"gain": {1: 0.0, 2: 0.0, 3: 0.2, 4: 0.0}}}
    graph = build({"graph": "wetgate.graph/1", "nodes": [keyed]})
    assert np.array_equal(run_graph(graph, shot)[2].pixels, _run("t_pulse:gain=0.2", shot)[2].pixels)


def test_a_shot_whose_pictures_change_size_is_fused_within_each_size() -> None:
    small = _shot(3)
    large = [Frame(np.ascontiguousarray(np.tile(f.pixels, (2, 1, 1))), "ACEScg", 4 + i) for i, f in enumerate(small)]
    together = _run("t_shimmer", [*small, *large])
    for a, b in zip(together, [*_run("t_shimmer", small), *_run("t_shimmer", large)], strict=True):
        assert np.array_equal(a.pixels, b.pixels)
