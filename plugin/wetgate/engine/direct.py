"""A node, or a whole graph, on frames in memory: what ``wetgate.nodes.hdr_lift(frames, ...)`` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import numpy as np

from wetgate.color.config import ColorConfig
from wetgate.engine.analyse import analyse
from wetgate.engine.analysis import Analysis
from wetgate.engine.colour import Colour, unknown_space
from wetgate.engine.evaluate import Evaluator, Setting
from wetgate.engine.frames import FrameStore
from wetgate.engine.graph import SCHEMA, Graph, build, demand_output_space
from wetgate.engine.pipeline import cores
from wetgate.inference.devices import demand_device_name
from wetgate.io.repair import repair
from wetgate.io.source import Loaded, SourceInfo, SpaceHint
from wetgate.spec import Fidelity, Frame, Image, Node, UsageError

Frames = Frame | Image | Sequence[Frame] | Sequence[Image]


class MemorySource:
    """Frames in memory, as a :class:`wetgate.io.source.Source`."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = {f.number: f for f in frames}
        if len(self._frames) != len(frames):
            raise UsageError("two frames have the same number", remedy="number the frames of a shot apart")
        self.numbers: Sequence[int] = sorted(self._frames)
        first = frames[0]
        self.info = SourceInfo(
            kind="sequence",
            label="frames",
            width=first.width,
            height=first.height,
            channels=first.layout,
            rate=None,
            start_timecode=None,
            pixel_aspect=first.pixel_aspect,
            bit_depth="float",
            hint=SpaceHint(first.space or None, "frame", False),
        )

    def read(self, number: int) -> Loaded:
        frame = self._frames[number]
        pixels, repaired, notes = repair(frame.pixels)
        return Loaded(frame.with_(pixels=pixels) if repaired else frame, repaired, notes=notes)

    def path_of(self, number: int) -> str:
        return f"frame {number}"

    def close(self) -> None:
        return None


def run_graph(
    graph: Graph | Mapping[str, Any],
    frames: Frames,
    *,
    in_space: str | None = None,
    out_space: str | None = None,
    config: str | None = None,
    analyses: Mapping[str, Mapping[str, Any] | None] | None = None,
    fidelity: Fidelity | None = None,
    threads: int = 0,
    device: str = "auto",
    aovs: dict[int, dict[str, Image]] | None = None,
) -> Any:
    """Work a graph, or one as parsed YAML, on one frame or on a shot.

    ``frames`` is a :class:`~wetgate.spec.Frame` or an array (H, W, 3 or 4) float32, or a list of either, which is a
    shot: windows and analyses reach over the list. Returns the same kind. Arrays need ``in_space``; frames carry their
    space. The result is in ``out_space``, by default the space it came in; a node that makes HDR needs it named.
    ``analyses`` are results by step name; nodes that want one and have none are analysed over the
    list first, unless None is given for them: they then do without.
    ``aovs``, where given, receives every view by frame number and ``step.view``.
    """
    demand_device_name(device)
    graph = _graph(graph).with_fidelity(fidelity)
    single = isinstance(frames, (Frame, np.ndarray))
    if not single and (isinstance(frames, (str, bytes)) or not isinstance(frames, Iterable)):
        raise _no_frame(frames)
    given: list[Any] = [frames] if single else list(cast(Iterable[Any], frames))
    if not given:
        raise UsageError("there are no frames", remedy="give at least one")
    shot = [_as_frame(f, number, in_space) for number, f in enumerate(given)]
    loaded = ColorConfig.load(config)
    space = _one_space(shot)
    if graph.used() and not space:
        raise unknown_space("the frames")
    space = loaded.resolve(space) if space else ""
    demand_output_space(graph, space, out_space)
    colour = Colour(loaded, space, threads)
    source = MemorySource(shot)
    setting = Setting(
        analyses=dict(analyses or {}),
        views={s.name: frozenset(s.node.views) for s in graph.used()} if aovs is not None else {},
        threads=threads or cores(),
        device=device,
    )
    with ThreadPoolExecutor(1, thread_name_prefix="wetgate-read") as reader:
        store = FrameStore(source, space, reader, lambda *span: None, budget=1 << 62)
        for step in graph.used():
            seen = aovs is not None or graph.masks_by(step)
            if step.name not in setting.analyses and step.wants_analysis(source.numbers, seen):
                document = analyse(
                    graph,
                    step,
                    source.numbers,
                    source.numbers,
                    store,
                    colour,
                    setting,
                    lambda event: None,
                    sparing=True,
                )
                setting = replace(setting, analyses={**setting.analyses, step.name: document.results})
        evaluator = Evaluator(graph, colour, source.numbers, lambda n: store.get(n).frame, setting, out_space or "")
        results = []
        for frame in shot:
            results.append(evaluator.frame(frame.number))
            if aovs is not None:
                aovs[frame.number] = dict(evaluator.aovs)
    made = [r if isinstance(g, Frame) else r.pixels for r, g in zip(results, given, strict=True)]
    return made[0] if single else made


def run_node(node: Node, frames: Frames, **options: Any) -> Any:
    """Work one node: its parameters and the options of :func:`run_graph` as keywords, told apart by name.

    A parameter may be a dict of keyframes. ``analysis`` is a document of :func:`wetgate.analyze`, or its results.
    """
    names = ("in_space", "out_space", "config", "fidelity", "threads", "device", "aovs")
    own = {name: options.pop(name) for name in names if name in options and name not in node.params}
    if "analysis" in options:
        own["analyses"] = {node.id: _results(options.pop("analysis"))}
    options = {name: v.item() if isinstance(v, np.generic) else v for name, v in options.items()}
    graph = build({"graph": SCHEMA, "nodes": [{"node": node.id, "name": node.id, "params": options}]})
    return run_graph(graph, frames, **own)


def _as_frame(given: Any, number: int, in_space: str | None) -> Frame:
    if isinstance(given, Frame):
        return replace(given, space=in_space or given.space)
    if isinstance(given, np.ndarray):
        return Frame(given, in_space or "", number)
    raise _no_frame(given)


def _no_frame(given: object) -> UsageError:
    return UsageError(
        f"a frame is {type(given).__name__}",
        allowed="a Frame, or a float32 array of shape (H, W, 3) or (H, W, 4), or a list of them",
        remedy="read files with wetgate.read",
    )


def _one_space(shot: Sequence[Frame]) -> str:
    """The space of all frames; a shot of several would be taken for something that it is not."""
    other = next((f for f in shot if f.space != shot[0].space), None)
    if other is not None:
        raise UsageError(
            f"frame {shot[0].number} is in {shot[0].space or 'no space'}, frame {other.number} in"
            f" {other.space or 'no space'}",
            where="frames",
            remedy="bring a shot to one space first, or give in_space for all",
        )
    return shot[0].space


def _graph(given: Graph | Mapping[str, Any]) -> Graph:
    if isinstance(given, Graph):
        return given
    if isinstance(given, Mapping):
        return build(given)
    raise UsageError(f"a graph is {type(given).__name__}", allowed="a graph", remedy="load one by wetgate.load_graph")


def _results(given: object) -> Mapping[str, Any] | None:
    if given is None:
        return None
    if isinstance(given, Analysis):
        return given.results
    if isinstance(given, Mapping):
        return given
    raise UsageError(
        f"analysis is {type(given).__name__}", where="analysis", allowed="what wetgate.analyze returns, or its results"
    )
