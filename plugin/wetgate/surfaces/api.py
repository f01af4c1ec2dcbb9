"""The Python calls that mirror the command line: ``wetgate.render``, ``read``, ``write``, ``measure`` and the rest."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wetgate.color.config import ColorConfig
from wetgate.engine.analyse import analyse_shot, analysing_step
from wetgate.engine.analysis import Analysis
from wetgate.engine.graph import SCHEMA, Graph, build, load_graph, parse_nodes
from wetgate.engine.job import Job, Observer, OnEvent, Outcome
from wetgate.engine.pipeline import Abort
from wetgate.engine.reel import analyse_reel
from wetgate.engine.render import render as _render
from wetgate.engine.shot import source_space
from wetgate.io.opening import open_sink, open_source
from wetgate.io.sink import WriteOptions, Written
from wetgate.io.source import OnMissing
from wetgate.spec import Frame, UsageError

if TYPE_CHECKING:
    from wetgate.engine.measure import Measurement
    from wetgate.engine.verdict import Verdict


def graph_of(graph: Graph | str | Path | None, nodes: str | Sequence[str]) -> Graph:
    """The graph that was asked for: one that is made, a file or preset, or a chain of ``node:param=value`` strings."""
    if graph is not None and nodes:
        raise UsageError("a graph and nodes are both given", allowed="--graph or -n", remedy="give one of them")
    if isinstance(graph, Graph):
        return graph
    if graph is not None:
        return load_graph(graph)
    nodes = [nodes] if isinstance(nodes, str) else nodes
    return parse_nodes(nodes) if nodes else build({"graph": SCHEMA, "nodes": []})


def render(
    input: str | Path,
    output: str | Path,
    *,
    nodes: Sequence[str] = (),
    graph: Graph | str | Path | None = None,
    on_event: OnEvent = lambda event: None,
    observer: Observer | None = None,
    abort: Abort | None = None,
    options: WriteOptions | None = None,
    **job: Any,
) -> Outcome:
    """Render ``input`` through a graph into ``output``: ``wetgate render`` as a call.

    ``nodes`` are ``node:param=value,...`` strings, ``graph`` a YAML file, a preset or a graph; neither copies the
    frames (and converts them where ``out_space`` says so). Further keywords are the fields of
    :class:`wetgate.engine.job.Job`: ``frames``, ``in_space``, ``out_space``, ``config``, ``on_missing``, ``on_error``,
    ``resume``, ``aov_dir``, ``analyses``, ``fidelity``, ``device``, ``threads``, ``sign``.
    """
    made = Job(_path(input), _path(output), graph_of(graph, nodes), options=options or WriteOptions(), **job)
    return _render(made, on_event, observer, abort)


def _path(given: str | Path) -> Any:
    """A path as text; what is none stays as it is, for the job to refuse."""
    return str(given) if isinstance(given, os.PathLike) else given


def read(
    spec: str | Path,
    *,
    frames: str | None = None,
    in_space: str | None = None,
    config: str | None = None,
    on_missing: OnMissing = "error",
) -> list[Frame]:
    """The frames of an image, a sequence or a movie, in the space that ``in_space`` or the file names."""
    source = open_source(spec, frames=frames, on_missing=on_missing)
    try:
        space, _ = source_space(in_space, source, ColorConfig.load(config))
        return [source.read(n).frame.with_(space=space) for n in source.numbers]
    finally:
        source.close()


def write(frames: Frame | Iterable[Frame], spec: str | Path, *, options: WriteOptions | None = None) -> list[Written]:
    """Write frames to a pattern, an image or a movie, labelled with the space that they carry."""
    shot = [frames] if isinstance(frames, Frame) else list(frames)
    stranger = next((f for f in shot if not isinstance(f, Frame)), None)
    if stranger is not None:
        raise UsageError(
            f"a frame to write is {type(stranger).__name__}",
            allowed="wetgate.Frame",
            remedy="name its space and number: Frame(pixels, 'ACEScg', 1001)",
        )
    twice = next((n for n, count in Counter(f.number for f in shot).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"two frames have the number {twice}", remedy="number the frames of a shot apart")
    if not shot:
        raise UsageError("there are no frames to write", remedy="give at least one")
    spaces = {f.space for f in shot}
    if len(spaces) > 1:
        raise UsageError(f"the frames are in {len(spaces)} spaces", remedy="convert them to one")
    space = spaces.pop()
    sink = open_sink(
        spec,
        numbers=[f.number for f in shot],
        options=options or WriteOptions(),
        space=space,
        interop_id=ColorConfig.load().interop_id(space) if space else None,
    )
    try:
        written = [sink.write(f) for f in shot]
    except BaseException:
        sink.abort()
        raise
    sink.finish()
    return written


def analyze_reel(
    inputs: Sequence[str | Path],
    *,
    nodes: Sequence[str] = (),
    graph: Graph | str | Path | None = None,
    step: str | None = None,
    **options: Any,
) -> list[Analysis]:
    """The analyses of several shots of one reel, solved together: ``wetgate analyze A B ...`` as a call.

    An input that ends in ``.json`` is a document made before. ``options`` are those of :func:`analyze`.
    """
    made = graph_of(graph, nodes)
    return analyse_reel(
        [str(i) for i in inputs],
        analysing_step(made, step),
        lambda one: analyse_shot(one, made, step=step, **options),
    )


def analyze(
    input: str | Path,
    *,
    nodes: Sequence[str] = (),
    graph: Graph | str | Path | None = None,
    step: str | None = None,
    frames: str | None = None,
    in_space: str | None = None,
    config: str | None = None,
    on_missing: OnMissing = "error",
    reference: str | Path | None = None,
    reference_space: str | None = None,
    on_event: OnEvent = lambda event: None,
    abort: Abort | None = None,
) -> Analysis:
    """Run a node's whole-shot pass: ``wetgate analyze`` as a call. ``step`` names it where the graph has several.

    ``reference`` is a picture that the node is to compare with, in ``reference_space`` where its file does not say.
    """
    return analyse_shot(
        str(input),
        graph_of(graph, nodes),
        step=step,
        frames=frames,
        in_space=in_space,
        config=config,
        on_missing=on_missing,
        reference=None if reference is None else str(reference),
        reference_space=reference_space,
        on_event=on_event,
        abort=abort,
    )


def degrade(input: str | Path, output: str | Path, recipe: str | Sequence[str], **options: Any) -> dict[str, Any]:
    """Damage a shot by a recipe: ``wetgate degrade`` as a call. See :func:`wetgate.engine.degrade.degrade`."""
    from wetgate.engine.degrade import degrade as damaged

    return damaged(str(input), str(output), [recipe] if isinstance(recipe, str) else list(recipe), **options)


def measure(
    a: str | Path, b: str | Path, metrics: str | Sequence[str] = ("psnr", "ssim"), **options: Any
) -> Measurement:
    """Compare two shots: ``wetgate measure`` as a call. See :func:`wetgate.engine.measure.measure`."""
    from wetgate.engine.measure import measure as measured

    return measured(str(a), str(b), [metrics] if isinstance(metrics, str) else list(metrics), **options)


def verify(result: str | Path, *, source: str | Path | None = None, **options: Any) -> Verdict:
    """Check a result against its record, and against its source. See :func:`wetgate.engine.verify.verify`."""
    from wetgate.engine.verify import verify as verified

    return verified(str(result), source=None if source is None else str(source), **options)
