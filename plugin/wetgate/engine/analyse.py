"""The whole-shot pass: of one step on the way to a render, and as a job of its own, ``wetgate analyze``."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from wetgate.color.config import ColorConfig
from wetgate.engine.analysis import Analysis, analyse_step, document_of
from wetgate.engine.colour import Colour, code_values, unknown_space
from wetgate.engine.evaluate import Evaluator, Setting
from wetgate.engine.frames import FrameStore, window_numbers
from wetgate.engine.graph import Graph
from wetgate.engine.job import OnEvent
from wetgate.engine.masks import MaskReader
from wetgate.engine.pipeline import Abort, ahead, cores
from wetgate.engine.reference import Reference, read_reference
from wetgate.engine.shot import opened, requested, source_space
from wetgate.engine.step import SOURCE, Step
from wetgate.io.source import OnMissing
from wetgate.ops.cuts import find_cuts, signature
from wetgate.spec import Context, Frame, FrameError, UsageError, suggest

_CUTS_SHARE = 0.3  # of an analysis: finding cuts reads every frame once, a node reads them once or twice more
_MOST_HELD = 512 << 20  # bytes of frames that steps below made: where all fit, each is made once


def analyse_shot(
    input: str,
    graph: Graph,
    *,
    step: str | None = None,
    frames: str | None = None,
    in_space: str | None = None,
    config: str | None = None,
    on_missing: OnMissing = "error",
    reference: str | None = None,
    reference_space: str | None = None,
    on_event: OnEvent = lambda event: None,
    abort: Abort | None = None,
) -> Analysis:
    """Analyse a shot for one step of a graph (``step``; the only analysing one, where it is not named).

    ``reference`` is a picture (the first frame of what it names) for a node that declares what it makes of one;
    ``reference_space`` its colour space, where its file does not say.
    """
    chosen = analysing_step(graph, step)
    source = opened(input, on_missing, chosen.node.codec_data or graph.codec_data)
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
                beside = None
                if reference is not None:
                    beside = read_reference(reference, reference_space, chosen, colour, note)
                try:
                    return analyse(graph, chosen, numbers, source.numbers, store, colour, setting, on_event, beside)
                finally:
                    store.close()
        finally:
            masks.close()
    finally:
        source.close()


def analysing_step(graph: Graph, name: str | None) -> Step:
    """The step of a graph to analyse: the one of that name, or the only one that has an analysis."""
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


def analyse(
    graph: Graph,
    step: Step,
    numbers: Sequence[int],
    shot: Sequence[int],
    store: FrameStore,
    colour: Colour,
    setting: Setting,
    on_event: OnEvent,
    reference: Reference | None = None,
    *,
    sparing: bool = False,
) -> Analysis:
    """Run one step's whole-shot pass over ``numbers``; ``shot`` are all frames that windows may reach into.

    ``sparing`` reads no more than the node has to see before a render, where it says which those are.

    Frames that cannot be read are left out, with a note: they will fail by themselves when they are rendered.
    Events: ``analysis`` as it begins, ``analysing`` with the share that is done, at each further hundredth.
    """
    pick = step.node.analysis_frames
    wanted = tuple(pick(numbers)) if sparing and pick is not None else tuple(numbers)
    picked = (numbers[0], numbers[-1]) if len(wanted) < len(numbers) else None
    numbers = wanted
    on_event({"event": "analysis", "step": step.name, "frames": len(numbers)})
    done = 0

    def progress(share: float) -> None:
        nonlocal done
        if int(100 * share) > done:
            done = int(100 * share)
            on_event({"event": "analysing", "step": step.name, "done": done / 100})

    below = replace(graph, output=_looked_at(graph, step))
    evaluator = Evaluator(below, colour, shot, lambda n: store.get(n).frame, setting)
    reach = below.reach(numbers)

    made: dict[int, tuple[Frame, str]] = {}

    def read(number: int) -> tuple[Frame, str]:
        if number in made:
            return made[number]
        position = numbers.index(number)
        wanted = (*window_numbers(shot, number, reach)[0], *ahead(numbers, position, 4))
        store.keep(wanted)
        for n in wanted:
            store.want(n)
        found = evaluator.entering(number), store.get(number).hash
        if below.output != SOURCE and len(numbers) * found[0].pixels.nbytes <= _MOST_HELD:
            made[number] = found
        return found

    readable: list[int] = []
    signatures = []
    for position, number in enumerate(numbers):
        setting.check_abort()
        progress(_CUTS_SHARE * position / len(numbers))
        try:
            frame = read(number)[0]
            if picked is None:  # of frames that lie apart no two tell a cut
                signatures.append(signature(code_values(frame, colour)))
        except FrameError as error:
            left_out = f"frame {number} was left out of the analysis of {step.name}: {error.message()}"
            on_event({"event": "note", "text": left_out})
            continue
        readable.append(number)
    if not readable:
        raise FrameError(f"no frame of the shot can be read for the analysis of {step.name}")
    context = Context(
        fidelity=step.fidelity,
        device=setting.device,
        threads=setting.threads,
        source_space=colour.source_space,
        convert=colour.to,
        reference=None if reference is None else reference.frame,
        check_abort=setting.check_abort,
        progress=lambda share: progress(_CUTS_SHARE + (1 - _CUTS_SHARE) * share),
    )
    cuts = find_cuts(readable, signatures) if picked is None else ()
    beside = "" if reference is None else reference.hash
    return analyse_step(step, readable, cuts, read, colour, context, beside, picked)


def imported(path: str, step: Step, numbers: Sequence[int], store: FrameStore, space: str) -> Analysis | None:
    """A measurement that was made elsewhere, as the step's analysis of a shot; None where its node reads none, or not
    that file. It holds for all of the shot, of which it knows the first frame.

    A node that reads such has ``imported(self, text) -> results | None``, which raises :class:`UsageError` for a file
    of its kind that is damaged.
    """
    if not step.node.imports:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    results = step.at(numbers[0]).imported(text)
    if results is None:
        return None
    first = {numbers[0]: store.get(numbers[0]).hash}
    return document_of(step, results, first, space, picked=(numbers[0], numbers[-1]))


def _looked_at(graph: Graph, step: Step) -> str:
    """The step whose output the analysis sees: the input, or what came before grain was split off."""
    if step.plate is not None and step.takes_plate:
        return graph.step(step.plate.step).input
    return step.input
