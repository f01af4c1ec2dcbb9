"""Footage through Wetgate's command line, and the result as a Read with the right range and colour space."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nuke

from wetgate_nuke import catalogue, colour
from wetgate_nuke.chain import chain_above, graph_of
from wetgate_nuke.command import Outcome, run
from wetgate_nuke.errors import Cancelled, WetgateError
from wetgate_nuke.footage import FIELD, MOVIES, Footage, absolute, footage_of, wanted_frames
from wetgate_nuke.frames import format_frames, runs_of
from wetgate_nuke.progress import Task


@dataclass
class Prepared:
    """A render that is ready to start: everything that had to be asked of Nuke, which only its main thread may do."""

    node: Any
    footage: Footage
    output: str
    numbers: list[int]
    arguments: list[str]
    out_space: str
    graph: dict[str, Any] = field(default_factory=dict)


@dataclass
class Restored:
    """What :func:`restore` made: the new Read (None where it was not wanted), and what the command line said."""

    read: Any
    outcome: Outcome


def restore(node: Any, output: str, make_read: bool = True, **asked: Any) -> Restored:
    """Render a Read's footage, or what a Write renders, and wait for it; ``asked`` is what :func:`prepare` takes.

    :class:`WetgateError` says what cannot be done; frames that failed are in the result's ``outcome.failed``.
    """
    prepared = prepare(node, output, **asked)
    task = Task(Path(prepared.output).name, len(prepared.numbers))
    outcome = start(prepared, task.on_event, task.cancelled)
    return Restored(finish(prepared, outcome) if make_read else None, outcome)


def prepare(
    node: Any,
    output: str,
    preset: str | None = None,
    graph: str | None = None,
    nodes: Sequence[str] = (),
    frames: str | None = None,
    in_space: str | None = None,
    out_space: str | None = None,
    view: str | None = None,
    options: Sequence[str] = (),
    resume: bool = True,
) -> Prepared:
    """Ask Nuke everything that the render needs; a Write (or whatever stands above it) is rendered here, by Nuke.

    ``preset``, ``graph`` (a file) or ``nodes`` (``"grain:amount=0.5"``) say what is done; without any of them the
    Wetgate nodes above ``node`` do it, outside of Nuke. ``output`` is a pattern, ``restored/plate.####.exr``.
    ``frames`` are the script's: a range, ``global``, or ``input`` (the default: all that the footage has).
    ``out_space`` is the input's where none is named, or the working space for nodes that make HDR. ``options`` are
    further arguments of ``wetgate render``. With ``resume``, frames that are there and fit are kept.
    :class:`WetgateError` says what cannot be done.
    """
    if sum(bool(given) for given in (preset, graph, nodes)) > 1:
        raise WetgateError("preset, graph and nodes are alternatives: give one of them")
    steps: dict[str, Any] = {}
    hdr = False
    if preset or graph or nodes:
        source = node
        how = ["--graph", preset or graph or ""] if not nodes else [word for spec in nodes for word in ("-n", spec)]
        named = [step["node"] for step in catalogue.preset(preset)["graph"]["nodes"]] if preset else []
        hdr = _makes_hdr([*named, *(spec.partition(":")[0] for spec in nodes)])
    else:
        source, chain = chain_above(node)
        if not chain:
            raise WetgateError(f"there is no Wetgate node above {node.name()}: name a preset, a graph or nodes")
        how = []
    footage = _footage(source, frames, view, in_space)
    wanted = wanted_frames(frames, footage)
    if not how:
        steps = graph_of(node, wanted, footage.number)
        hdr = _makes_hdr(step["node"] for step in steps["nodes"])
    numbers = [footage.first] if footage.is_still else footage.numbers(wanted)
    target = _pattern(output, footage)
    space = out_space or (colour.working_space() if hdr else "")
    arguments = ["render", footage.path, "-o", target, *how, "--in-space", footage.space]
    if not footage.is_still:
        arguments += ["--frames=" + format_frames(numbers)]  # with "=": it may begin with a minus
    if space:
        arguments += ["--out-space", space]
    config = colour.config()
    if config:
        arguments += ["--config", config]
    arguments += [*(["--resume"] if resume else []), *options]
    return Prepared(source, footage, target, numbers, arguments, space, steps)


def start(
    prepared: Prepared,
    on_event: Callable[[Any], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run the command line to its end. Asks nothing of Nuke, so any thread may call it."""
    if not prepared.graph:
        return run(prepared.arguments, on_event, cancelled)
    with tempfile.TemporaryDirectory(prefix="wetgate-") as folder:
        path = Path(folder) / "graph.json"
        path.write_text(json.dumps(prepared.graph), encoding="utf-8")
        return run([*prepared.arguments, "--graph", str(path)], on_event, cancelled)


def finish(prepared: Prepared, outcome: Outcome) -> Any:
    """The result as a Read beside its source: its frames on the script's frames as the source's were, its space set."""
    made = sorted([*outcome.written, *outcome.kept])
    if not made:
        raise WetgateError(f"no frame of {prepared.output} could be made: {_first_failure(outcome)}")
    source, footage = prepared.node, prepared.footage
    read = nuke.nodes.Read()
    read["file"].setValue(prepared.output)  # fromUserText would stretch the script's own range to the file's
    for name in ("first", "origfirst"):
        read[name].setValue(made[0])
    for name in ("last", "origlast"):
        read[name].setValue(made[-1])
    if footage.offset and not footage.is_still:
        read["frame_mode"].setValue("offset")
        read["frame"].setValue(str(-footage.offset))
    for name in ("before", "after"):
        if source.knob(name) is not None:
            read[name].setValue(source[name].value())
    read["on_error"].setValue("error")
    same = not prepared.out_space and source.Class() == "Read"
    colour.set_space(read, prepared.out_space or footage.space, source if same else None)
    read["label"].setValue(f"Wetgate: {source.name()}")
    read.setXYpos(int(source.xpos()) + 110, int(source.ypos()))
    return read


def _footage(source: Any, frames: str | None, view: str | None, in_space: str | None) -> Footage:
    """A Read's files; a Write's once it has rendered them."""
    if source.Class() == "Read":
        return footage_of(source, view, in_space)
    if source.Class() != "Write":
        raise WetgateError(
            f"{source.name()} is a {source.Class()}, and the command line needs files: put a Write under it, and name "
            "what is to be done to its result by a preset, a graph or nodes"
        )
    footage = footage_of(source, view, in_space)
    ranges = runs_of(wanted_frames(frames, footage))
    try:
        nuke.executeMultiple((source,), ranges, list(nuke.views()) if view is None else [view])
    except RuntimeError as error:
        if str(error).strip().lower().startswith("cancel"):
            raise Cancelled() from None
        raise WetgateError(f"{source.name()} did not render: {error}") from None
    return footage


def _makes_hdr(node_ids: Any) -> bool:
    return any(catalogue.node(node_id)["hdr_output"] for node_id in node_ids)


def _pattern(output: str, footage: Footage) -> str:
    """The output, whole and with forward slashes, which Nuke wants on every system."""
    path = Path(output)
    if path.suffix.lower() in MOVIES or not path.suffix:
        raise WetgateError(f"the output is {output!r}; name a sequence, restored/plate.####.exr")
    if not footage.is_still and not FIELD.search(path.name):
        raise WetgateError(f"the output {path.name!r} has no frame field; name a sequence, restored/plate.####.exr")
    return absolute(path).as_posix()


def _first_failure(outcome: Outcome) -> str:
    return next(iter(outcome.failed.values()), "it has none")


def main(arguments: Sequence[str]) -> int:
    """``nuke -t wetgate_batch.py``: open a script, restore one of its nodes; the exit code of ``wetgate render``."""
    parser = argparse.ArgumentParser(
        prog="nuke -t wetgate_batch.py", description="Restore a Read, or a Write's result."
    )
    parser.add_argument("script", help="the .nk file")
    parser.add_argument("-n", "--node", required=True, help="a Read, a Write, or a Wetgate node above which a Read is")
    parser.add_argument("-o", "--output", required=True, help="restored/plate.####.exr")
    parser.add_argument("-g", "--graph", help="a preset, or a graph file; else the Wetgate nodes above the node")
    parser.add_argument("--frames", help="the script's frames; write --frames=1001-1100")
    parser.add_argument("--in-space", help="else what the node's knobs say")
    parser.add_argument("--out-space")
    parser.add_argument("--view")
    parser.add_argument("--option", action="append", default=[], help="a further argument of wetgate render; repeat")
    parser.add_argument("--save", help="save the script with the new Read under this name")
    args = parser.parse_args(list(arguments))
    try:
        nuke.scriptOpen(args.script)
        node = nuke.toNode(args.node)
        if node is None:
            names = (
                ", ".join(n.name() for n in nuke.allNodes() if n.Class() in ("Read", "Write")) or "no Read and no Write"
            )
            raise WetgateError(f"there is no node {args.node!r} in {args.script}; it has {names}")
        is_preset = any(p["name"] == args.graph for p in catalogue.presets())
        done = restore(
            node,
            args.output,
            preset=args.graph if is_preset else None,
            graph=None if is_preset else args.graph,
            frames=args.frames,
            in_space=args.in_space,
            out_space=args.out_space,
            view=args.view,
            options=args.option,
            make_read=bool(args.save),
        )
        if args.save:
            nuke.scriptSaveAs(args.save, 1)
    except Cancelled:
        return 130
    except (WetgateError, RuntimeError) as error:
        for line in str(error).splitlines():
            nuke.tprint(f"Wetgate: {line}")
        return 2
    outcome = done.outcome
    nuke.tprint(f"Wetgate: {len(outcome.written)} written, {len(outcome.kept)} kept, {len(outcome.failed)} failed")
    return 3 if outcome.failed else 0
