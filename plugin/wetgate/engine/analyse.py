"""The whole-shot pass as a job of its own: ``wetgate analyze``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from wetgate.color.config import ColorConfig
from wetgate.engine.analysis import Analysis
from wetgate.engine.colour import Colour, unknown_space
from wetgate.engine.evaluate import Setting
from wetgate.engine.frames import FrameStore
from wetgate.engine.graph import Graph, Step
from wetgate.engine.job import OnEvent
from wetgate.engine.masks import MaskReader
from wetgate.engine.pipeline import Abort, cores
from wetgate.engine.render import analyse, opened, requested, source_space
from wetgate.io.source import OnMissing
from wetgate.spec import UsageError, suggest


def analyse_shot(
    input: str,
    graph: Graph,
    *,
    step: str | None = None,
    frames: str | None = None,
    in_space: str | None = None,
    config: str | None = None,
    on_missing: OnMissing = "error",
    on_event: OnEvent = lambda event: None,
    abort: Abort | None = None,
) -> Analysis:
    """Analyse a shot for one step of a graph (``step``; the only analysing one, where it is not named)."""
    chosen = _choose(graph, step)
    source = opened(input, on_missing)
    try:
        numbers = requested(frames, source)
        loaded = ColorConfig.load(config)
        space, notes = source_space(in_space or graph.in_space, source, loaded)
        if not space:
            raise unknown_space(source.info.label)

        def note(text: str) -> None:
            on_event({"event": "note", "text": text})

        for text in (*source.info.notes, *notes):
            note(text)
        masks = MaskReader(graph)
        setting = Setting(masks=masks.read, threads=cores(), check_abort=(abort or Abort()).check)
        try:
            with ThreadPoolExecutor(cores(), thread_name_prefix="wetgate-read") as readers:
                store = FrameStore(source, space, readers, lambda *span: None, budget=512 << 20)
                colour = Colour(loaded, space)
                try:
                    return analyse(graph, chosen, numbers, source.numbers, store, colour, setting, on_event)
                finally:
                    store.close()
        finally:
            masks.close()
    finally:
        source.close()


def _choose(graph: Graph, name: str | None) -> Step:
    analysing = {s.name: s for s in graph.steps if s.node.analyzes}
    if name is not None:
        if name not in analysing:
            raise UsageError(f"no step {name!r} has an analysis", where="--step", remedy=suggest(name, analysing))
        return analysing[name]
    if len(analysing) != 1:
        raise UsageError(
            f"{len(analysing)} steps of the graph have an analysis",
            where="--step",
            allowed=", ".join(analysing) or "a graph with a node that analyses",
            remedy="name one",
        )
    return next(iter(analysing.values()))
