"""The contract that every node keeps, as functions that raise AssertionError where it does not.

``tests/contract/test_nodes.py`` applies :data:`CHECKS` to every node of the registry, and
``tests/contract/test_contract_bites.py`` to nodes that break it in one place each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from support.cases import Cases
from support.compare import assert_frames_match, assert_pixels_match
from support.pictures import frame, full_frame, highlights, ramp, scene
from support.tolerance import EXACT
from support.values import extreme_settings, sample_values, typed, wrong_values
from wetgate.engine.direct import run_node
from wetgate.engine.graph import build, parse_nodes
from wetgate.io.repair import repair
from wetgate.spec import DENSITY, SCENE, Context, Frame, Image, Node, Param, UsageError, Value, Window

Check = Callable[[Node, Cases], None]
WIDTH, HEIGHT = 40, 24
SIZES = ((1, 1), (1, 17), (17, 1), (3, 5), (31, 19))


def work(
    node: Node,
    cases: Cases,
    frames: Sequence[Frame],
    *,
    threads: int = 1,
    aovs: dict[int, dict[str, Image]] | None = None,
    **params: Value,
) -> list[Frame]:
    """The node on a shot through the engine, in and out in the space of the case."""
    made: list[Frame] = run_node(node, list(frames), out_space=cases.space, threads=threads, aovs=aovs, **params)
    return made


def shot(node: Node, cases: Cases, picture: Callable[..., Image] = scene, size: tuple[int, int] = (WIDTH, HEIGHT)):
    """Frames enough for the node's default window, and one more on either side; the picture moves where it can."""
    reach = node.reach(node.make()) + 1
    pixels = [picture(*size, shift=float(i)) if picture is scene else picture(*size) for i in range(2 * reach + 1)]
    return [frame(p, cases.space, number=1001 + i) for i, p in enumerate(pixels)]


def middle(frames: Sequence[Frame]) -> Frame:
    """The frame in the middle of a shot."""
    return frames[len(frames) // 2]


# --- declarations


def is_documented(node: Node, cases: Cases) -> None:
    """The help says what it does; every parameter, choice and view has a sentence or a label of its own."""
    assert node.label.strip()
    assert node.help.split("\n\n")[0].rstrip().endswith("."), "the help begins with a sentence"
    hints = [p.hint for p in node.params.values()]
    assert len(set(hints)) == len(hints), "two parameters share a hint"
    labels = [p.label for p in node.params.values()]
    assert len(set(labels)) == len(labels), "two parameters share a label"
    for param in node.params.values():
        assert param.hint[0].isupper(), f"{param.id}: the hint is a sentence"
        for choice, label in (param.choices or {}).items():
            assert label.strip(), f"{param.id}: choice {choice} has no label"
    for view, text in node.views.items():
        assert len(text) >= 10, f"view {view} is not described"
        assert text.rstrip().endswith("."), f"view {view}: what it shows is a sentence"
    if node.synthesises:
        assert "synthesis" in node.views, "a node that synthesises shows where: it has a view named synthesis"


def survives_json_and_command_line(node: Node, cases: Cases) -> None:
    """Values come back the same from JSON, from a graph's record and from the command line's text."""
    assert json.loads(json.dumps(node.schema())) == node.schema(), "the schema is not plain JSON"
    for param in node.params.values():
        for value in sample_values(param, cases):
            graph = build({"graph": "wetgate.graph/1", "nodes": [{"node": node.id, "params": {param.id: value}}]})
            again = build(_as_graph_file(graph.record()))
            assert again.record() == graph.record(), f"{param.id}={value!r} changes in a graph's record"
            assert again.steps[0].values == graph.steps[0].values
            chain = parse_nodes([f"{node.id}:{param.id}={typed(value)}"])
            assert chain.steps[0].values == graph.steps[0].values, f"{param.id}={value!r} changes at the command line"


def _as_graph_file(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's graph as the file that would be written of it: JSON, without the nodes' versions."""
    graph: dict[str, Any] = json.loads(json.dumps(record))
    for step in graph["nodes"]:
        del step["version"]
    return graph


def refuses_what_is_out_of_range(node: Node, cases: Cases) -> None:
    """One past a limit, a wrong type and a wrong name are refused: name, value, range and remedy are in the message."""
    for param in node.params.values():
        for wrong in wrong_values(param):
            error = _refusal(node, {param.id: wrong})
            assert error is not None, f"{param.id} takes {wrong!r}, allowed: {param.allowed()}"
            message = error.message()
            assert param.id in message, f"the name is not in {message!r}"
            parts = [wrong, *wrong] if isinstance(wrong, tuple) else [wrong]
            assert any(repr(part) in message for part in parts), f"the value is not in {message!r}"
            assert error.allowed == param.allowed(), f"the range is not in {message!r}"
            assert error.remedy, f"no remedy in {message!r}"
            assert error.where == param.id, f"{message!r} says {error.where} is the place"
    name = next(iter(node.params))
    unknown = _refusal(node, {name + "x": 1})
    assert unknown is not None, "a wrong name is taken"
    assert name in (unknown.remedy or ""), "a wrong name suggests the right one"


def _refusal(node: Node, values: Mapping[str, Any]) -> UsageError | None:
    try:
        node.values(values)
    except UsageError as error:
        return error
    return None


# --- rendering


def renders_at_every_limit(node: Node, cases: Cases) -> None:
    """Zero, both limits and every choice give a finite picture, alone."""
    frames = shot(node, cases)
    for param in node.params.values():
        for value in sample_values(param, cases):
            made = work(node, cases, frames, **{param.id: value})
            assert len(made) == len(frames)
            assert all(np.isfinite(f.pixels).all() for f in made), (
                f"{param.id}={value!r} makes values that are not numbers"
            )


def strength_and_mix_zero_are_the_input(node: Node, cases: Cases) -> None:
    """With strength 0, or mix 0, all that comes out is what went in, bit for bit, whatever else is set."""
    for name in ("strength", "mix"):
        for others in ({}, *extreme_settings(node, name)):
            source = full_frame(highlights(WIDTH, HEIGHT), cases.space)
            (made,) = work(node, cases, [source], **(others | {name: 0.0}))
            assert_frames_match(made, source, EXACT)


def strength_begins_at_nothing(node: Node, cases: Cases) -> None:
    """A thousandth of strength does at most a tenth of what all of it does: strength leads to the input."""
    frames = shot(node, cases)
    full = [
        np.abs(m.rgb - f.rgb).mean(dtype=np.float64) for m, f in zip(work(node, cases, frames), frames, strict=True)
    ]
    little = work(node, cases, frames, strength=0.001)
    for f, m, whole in zip(frames, little, full, strict=True):
        part = np.abs(m.rgb - f.rgb).mean(dtype=np.float64)
        assert part <= 0.1 * whole + 1e-5, f"strength 0.001 changes the mean by {part:.3g}, strength 1 by {whole:.3g}"


def leaves_its_input_alone(node: Node, cases: Cases) -> None:
    """Pixels and extra channels that go in are not written to."""
    source = [full_frame(f.pixels, cases.space, f.number) for f in shot(node, cases)]
    before = [(f.pixels.copy(), {n: p.copy() for n, p in f.extra.items()}) for f in source]
    for others in ({}, *extreme_settings(node, "strength")):
        work(node, cases, source, **others)
        render_directly(node, [replace(f, space=node.space) for f in source], others)
        for f, (pixels, extra) in zip(source, before, strict=True):
            assert_pixels_match(f.pixels, pixels, EXACT, name="the input")
            for name, plane in extra.items():
                assert_pixels_match(f.extra[name], plane, EXACT, name=f"the input's {name}")


def render_directly(node: Node, frames: Sequence[Frame], params: Mapping[str, Value]) -> None:
    """Call the node's own methods on arrays that it could write to; the engine's are read-only."""
    instance = node.make({k: v for k, v in params.items() if k in node.params})
    reach = node.own_reach(instance)
    centre = len(frames) // 2
    window = tuple(frames[min(max(centre + i, 0), len(frames) - 1)] for i in range(-reach, reach + 1))
    context = Context(source_space=node.space, views=frozenset(node.views))
    if node.analyzes:
        found = instance.analyze(_Shot(frames, instance), context)
        said = instance.summary(found)
        fits = isinstance(said, str) and len(said) <= 400 and not said.endswith(".")
        assert fits, f"the summary is no line: {said!r}"
        context = replace(context, analysis=found)
    prepared: tuple[Frame, ...] = ()
    if node.prepares:
        prepared = tuple(instance.prepare(f, replace(context, views=frozenset())) for f in window)
    instance.render(Window(window, prepared=prepared), context)


class _Shot:
    """Frames in a list, as a :class:`wetgate.spec.Shot`."""

    def __init__(self, frames: Sequence[Frame], instance: object) -> None:
        self._frames = {f.number: f for f in frames}
        self._instance = instance
        self.numbers = tuple(self._frames)
        self.cuts: tuple[int, ...] = ()

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames.values())

    def __getitem__(self, number: int) -> Frame:
        return self._frames[number]

    def __len__(self) -> int:
        return len(self._frames)

    def params(self, number: int) -> object:
        return self._instance


def keeps_what_travels_with_the_picture(node: Node, cases: Cases) -> None:
    """Alpha, windows, aspect, extra channels, parts, metadata and number come out as they went in."""
    source = [full_frame(f.pixels, cases.space, f.number) for f in shot(node, cases)]
    made = work(node, cases, source)
    for m, s in zip(made, source, strict=True):
        kept = replace(m, pixels=s.pixels, metadata={k: v for k, v in m.metadata.items() if k in s.metadata})
        assert_frames_match(kept, s, EXACT)
        assert m.alpha is not None
        assert s.alpha is not None
        assert_pixels_match(m.alpha, s.alpha, EXACT, name="alpha")


def bears_every_light(node: Node, cases: Cases) -> None:
    """From -0.5 to 1000 everything stays a finite number."""
    source = frame(highlights(64, 48), cases.space, number=1001)
    for others in ({}, *extreme_settings(node, "strength")):
        (made,) = work(node, cases, [source], **others)
        assert np.isfinite(made.pixels).all(), f"{others} makes values that are not numbers of -0.5..1000"


def clips_no_light(node: Node, cases: Cases) -> None:
    """Greys below 0 and above 1 that differ still differ afterwards: nothing is cut off flat at the defaults."""
    # 1000 times white: as light it is 1000, as code values of BT.1886 (gamma 2.4) 17.8.
    top = 1000.0 if node.space in (SCENE, DENSITY) else 1000.0 ** (1 / 2.4)
    below, above = ramp(WIDTH, 4, -0.5, -0.01), ramp(WIDTH, 4, 1.01, top)
    for word, pixels in (("below 0", below), ("above 1", above)):
        for made in work(node, cases, [frame(pixels, cases.space, number=1001)]):
            apart = len(np.unique(made.rgb[2, :, 1]))
            assert apart > WIDTH // 2, f"of {WIDTH} greys {word}, {apart} are left"


def bears_what_was_no_number(node: Node, cases: Cases) -> None:
    """A picture whose NaN and infinite samples were mended, as every reader does, gives finite numbers."""
    pixels = scene(WIDTH, HEIGHT)
    pixels[3, 4], pixels[9, 20, 1], pixels[HEIGHT - 1, 0] = np.nan, np.inf, -np.inf
    mended, count, _ = repair(pixels)
    assert count == 7
    (made,) = work(node, cases, [frame(mended, cases.space, number=1001)])
    assert np.isfinite(made.pixels).all()


def bears_every_size(node: Node, cases: Cases) -> None:
    """One pixel, one row, one column and odd sizes work, and keep their size."""
    for size in SIZES:
        frames = shot(node, cases, size=size)
        for made in work(node, cases, frames):
            assert (made.width, made.height) == size
            assert np.isfinite(made.pixels).all()


def every_parameter_changes_the_picture(node: Node, cases: Cases) -> None:
    """Each parameter has two values that give two pictures, at the settings that the node's cases name."""
    made = _Renders(node, cases)
    dead = [p.id for p in node.params.values() if not _changes(made, p)]
    assert not dead, f"nothing that was tried shows {', '.join(dead)}; name settings in {node.id}_cases.py"


class _Renders:
    """Shots rendered at their settings. The same settings give the same picture, so each is rendered once."""

    def __init__(self, node: Node, cases: Cases) -> None:
        self.node, self.cases = node, cases
        self._made: dict[tuple[Any, ...], list[Image]] = {}

    def of(self, picture: Callable[..., Image], params: Mapping[str, Value]) -> list[Image]:
        whole = {name: params.get(name, p.default) for name, p in self.node.params.items()}
        key = (picture, *whole.values())
        if key not in self._made:
            frames = work(self.node, self.cases, shot(self.node, self.cases, picture), **params)
            self._made[key] = [f.pixels for f in frames]
        return self._made[key]


def _changes(made: _Renders, param: Param) -> bool:
    settings = dict(made.cases.settings.get(param.id, {}))
    for picture in made.cases.pictures_for(param.id):
        first = made.of(picture, settings)
        for value in sample_values(param, made.cases):
            other = made.of(picture, settings | {param.id: value})
            if any(not np.array_equal(a, b) for a, b in zip(other, first, strict=True)):
                return True
    return False


# --- purity


def is_the_same_in_any_order_and_company(node: Node, cases: Cases) -> None:
    """A frame is the same alone, in a shot rendered backwards, twice over, on more threads and beside other work."""
    frames = shot(node, cases)
    reference = work(node, cases, frames)
    for threads in (2, 3):
        for a, b in zip(work(node, cases, frames, threads=threads), reference, strict=True):
            assert_frames_match(a, b, EXACT)
    for a, b in zip(work(node, cases, frames[::-1]), reference[::-1], strict=True):
        assert_frames_match(a, b, EXACT)
    with ThreadPoolExecutor(3) as pool:
        for made in pool.map(lambda _: work(node, cases, frames), range(3)):
            for a, b in zip(made, reference, strict=True):
                assert_frames_match(a, b, EXACT)


def knows_only_its_window(node: Node, cases: Cases) -> None:
    """Frames further away than the declared reach do not matter."""
    if node.analyzes:
        return  # the analysis sees the whole shot, and says so
    for others in ({}, *extreme_settings(node, "strength")):
        reach = node.reach(node.make({k: v for k, v in others.items() if k in node.params}))
        numbers = range(1001, 1001 + 2 * reach + 3)
        near = [frame(scene(WIDTH, HEIGHT, shift=float(n)), cases.space, number=n) for n in numbers]
        far = [near[0], *near[1:-1], near[-1]]
        far[0] = frame(scene(WIDTH, HEIGHT, peak=40.0), cases.space, number=numbers[0])
        far[-1] = frame(scene(WIDTH, HEIGHT, peak=0.1), cases.space, number=numbers[-1])
        a, b = (middle(work(node, cases, frames, **others)) for frames in (near, far))
        assert_frames_match(a, b, EXACT)


def is_pointwise_where_it_says_so(node: Node, cases: Cases) -> None:
    """Where the node declares itself pointwise, shuffling the pixels shuffles the result, bit for bit.

    Shuffled and cut pictures stand for every tiling there is.
    """
    source = scene(WIDTH, HEIGHT)
    order = np.random.default_rng(5).permutation(WIDTH * HEIGHT)
    shuffled = source.reshape(-1, 3)[order].reshape(HEIGHT, WIDTH, 3)
    for others in ({}, *extreme_settings(node, "strength")):
        if not node.pointwise(node.make({k: v for k, v in others.items() if k in node.params})):
            continue
        (whole,) = work(node, cases, [frame(source, cases.space)], **others)
        (mixed,) = work(node, cases, [frame(shuffled, cases.space)], **others)
        expected = np.ascontiguousarray(whole.pixels.reshape(-1, 3)[order].reshape(HEIGHT, WIDTH, 3))
        assert_pixels_match(mixed.pixels, expected, EXACT, name="shuffled pixels")
        (part,) = work(node, cases, [frame(source[3:14, 5:22], cases.space)], **others)
        assert_pixels_match(part.pixels, np.ascontiguousarray(whole.pixels[3:14, 5:22]), EXACT, name="a tile")


def shows_its_views(node: Node, cases: Cases) -> None:
    """Every declared view is made when it is asked for, finite, and asking for it changes nothing else."""
    frames = shot(node, cases)
    plain = work(node, cases, frames)
    aovs: dict[int, dict[str, Image]] = {}
    watched = work(node, cases, frames, aovs=aovs)
    for a, b in zip(watched, plain, strict=True):
        assert_frames_match(a, b, EXACT)
    for number, made in aovs.items():
        missing = [view for view in node.views if f"{node.id}.{view}" not in made]
        assert not missing, f"frame {number}: no view {', '.join(missing)}"
        for name, aov in made.items():
            assert aov.dtype == np.float32, f"view {name} is {aov.dtype}"
            assert aov.ndim in (2, 3), f"view {name} has shape {aov.shape}"
            assert np.isfinite(aov).all(), f"view {name} holds values that are not numbers"


def invents_nothing_when_forensic(node: Node, cases: Cases) -> None:
    """With fidelity forensic the synthesis view is nothing but zero."""
    if not node.synthesises:
        return
    aovs: dict[int, dict[str, Image]] = {}
    for picture in (scene, highlights):
        work(node, cases, shot(node, cases, picture), aovs=aovs, fidelity="forensic")
        for number, made in aovs.items():
            synthesis = made[f"{node.id}.synthesis"]
            assert not synthesis.any(), f"frame {number}: synthesis up to {float(np.abs(synthesis).max()):.3g}"


CHECKS: tuple[Check, ...] = (
    is_documented,
    survives_json_and_command_line,
    refuses_what_is_out_of_range,
    renders_at_every_limit,
    strength_and_mix_zero_are_the_input,
    strength_begins_at_nothing,
    leaves_its_input_alone,
    keeps_what_travels_with_the_picture,
    bears_every_light,
    clips_no_light,
    bears_what_was_no_number,
    bears_every_size,
    every_parameter_changes_the_picture,
    is_the_same_in_any_order_and_company,
    knows_only_its_window,
    is_pointwise_where_it_says_so,
    shows_its_views,
    invents_nothing_when_forensic,
)
