"""Everything of a render before its first frame: source, spaces, outputs, and the analyses that its nodes want."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from wetgate.color.config import ColorConfig
from wetgate.engine.analyse import analyse, imported
from wetgate.engine.analysis import Analysis, demand_fit, load_analysis, summary_of
from wetgate.engine.colour import Colour, unknown_space
from wetgate.engine.evaluate import Setting
from wetgate.engine.frames import FrameStore
from wetgate.engine.graph import Graph, demand_output_space
from wetgate.engine.job import Job, OnEvent
from wetgate.engine.masks import MaskReader
from wetgate.engine.outputs import Outputs
from wetgate.engine.pipeline import Abort, Timeline, cores, limit_opencv
from wetgate.engine.shot import requested, source_space
from wetgate.engine.sidecars import analysis_path
from wetgate.engine.step import Step
from wetgate.io.source import Source
from wetgate.spec import UsageError, raise_all


@dataclass(frozen=True, slots=True)
class Prepared:
    """A render that can begin. ``space`` is the source's, ``out_space`` the output's ("" where it is the source's);
    ``found`` says the ``documents`` in a sentence each."""

    numbers: tuple[int, ...]
    config: ColorConfig
    space: str
    out_space: str
    colour: Colour
    store: FrameStore
    setting: Setting
    outputs: Outputs
    documents: Mapping[str, Analysis]
    found: Mapping[str, str]


@contextmanager
def prepared(
    job: Job, source: Source, on_event: OnEvent, abort: Abort, timeline: Timeline, *, views: bool, shared: bool
) -> Iterator[Prepared]:
    """Open and check all that a job needs, and run the analyses it was not given.

    Raises :class:`UsageError` before anything is written where the job cannot be done. ``views`` says that somebody
    looks at what the nodes show beside their result, ``shared`` that other processes make frames of the same job.
    An exception inside the block removes what is half written.
    """
    numbers = requested(job.frames, source)
    config = ColorConfig.load(job.config)
    space, notes = source_space(job.in_space or job.graph.in_space, source, config)
    for note in (*source.info.notes, *notes):
        on_event({"event": "note", "text": note})
    out_space = _out_space(job, source, config, space)
    colour = Colour(config, space, job.threads)
    masks = MaskReader(job.graph, job.moved)
    threads = job.threads or cores()
    limit_opencv(threads)
    with ThreadPoolExecutor(max(2, threads), thread_name_prefix="wetgate-read") as readers:
        store = FrameStore(source, space, readers, timeline.add, _budget(job.graph))
        try:
            setting = Setting(
                masks=masks.read,
                device=job.device,
                threads=threads,
                check_abort=abort.check,
                timeline=timeline,
            )
            outputs = Outputs(job, source, numbers, config, out_space or space, space, shared)
            try:
                # Files of a sequence are pieces of one whole, and a piece must have the same pixels whatever else is
                # rendered with it: an analysis looks at all of the source. A movie is a whole by itself, whose
                # metadata must be that of its own frames.
                analysed = numbers if outputs.ordered else tuple(source.numbers)
                shown = _views(job.graph) if views else {}
                shot = _Shot(job, source, store, colour, setting, on_event)
                documents = shot.analyses(analysed, shown)
                found = {s.name: summary_of(s, documents[s.name]) for s in job.graph.used() if s.name in documents}
                for name, text in found.items():
                    if text:
                        on_event({"event": "found", "step": name, "text": text})
                yield Prepared(
                    numbers,
                    config,
                    space,
                    out_space,
                    colour,
                    store,
                    replace(setting, analyses=_results(documents), views=shown),
                    outputs,
                    documents,
                    found,
                )
            except BaseException:
                outputs.abort()
                raise
        finally:
            store.close()
            masks.close()


def _budget(graph: Graph) -> int:
    """Bytes of source frames kept between passes: only a graph with an analysis reads the shot more than once."""
    return 512 << 20 if any(s.node.analyzes for s in graph.used()) else 0


def _out_space(job: Job, source: Source, config: ColorConfig, space: str) -> str:
    """The output's space, "" where it is the source's."""
    wanted = job.out_space or job.graph.out_space
    if (wanted or job.graph.used()) and not space:
        raise unknown_space(source.info.label)
    demand_output_space(job.graph, space, wanted)
    return config.resolve(wanted) if wanted else ""


def _views(graph: Graph) -> dict[str, frozenset[str]]:
    return {s.name: frozenset(s.node.views) for s in graph.used()}


def _results(documents: Mapping[str, Analysis]) -> dict[str, Mapping[str, Any]]:
    return {name: document.results for name, document in documents.items()}


class _Shot:
    """The analyses of a job: those that were given, and those that are made."""

    def __init__(
        self, job: Job, source: Source, store: FrameStore, colour: Colour, setting: Setting, on_event: OnEvent
    ) -> None:
        self._job = job
        self._source = source
        self._store = store
        self._colour = colour
        self._setting = setting
        self._on_event = on_event

    def analyses(self, numbers: Sequence[int], shown: Mapping[str, frozenset[str]]) -> dict[str, Analysis]:
        """The document of every step that needs one."""
        graph = self._job.graph
        given = [self._imported(path) or load_analysis(path) for path in self._job.analyses]
        documents: dict[str, Analysis] = {}
        matches: dict[str, int] = {}
        for step in graph.used():
            taken = set(matches.values())
            match = next((i for i, d in enumerate(given) if d.node == step.node.id and i not in taken), None)
            if match is not None:
                matches[step.name] = match
        self._demand_use(given, set(matches.values()))
        for step in graph.used():
            match = matches.get(step.name)
            if not step.wants_analysis(numbers, bool(shown) or graph.masks_by(step)):
                continue
            if match is not None:
                demand_fit(given[match], step, self._colour.source_space)
                documents[step.name] = given[match]
                continue
            beside = analysis_path(self._job.output, step.name)
            if self._job.analyses_beside and beside.is_file():
                documents[step.name] = load_analysis(beside)
                demand_fit(documents[step.name], step, self._colour.source_space)
                continue
            documents[step.name] = self._made(step, numbers, documents)
        return documents

    def _demand_use(self, given: Sequence[Analysis], used: Set[int]) -> None:
        raise_all(
            UsageError(
                f"the analysis {self._job.analyses[index]} is for {document.node}, which the graph does not use",
                where="--analysis",
                remedy="leave it out",
            )
            for index, document in enumerate(given)
            if index not in used
        )

    def _imported(self, path: str) -> Analysis | None:
        """What a step's node makes of a measurement in a format of its own; None where none knows the file."""
        for step in self._job.graph.used():
            document = imported(path, step, self._source.numbers, self._store, self._colour.source_space)
            if document is not None:
                return document
        return None

    def _made(self, step: Step, numbers: Sequence[int], documents: Mapping[str, Analysis]) -> Analysis:
        return analyse(
            self._job.graph,
            step,
            numbers,
            self._source.numbers,
            self._store,
            self._colour,
            replace(self._setting, analyses=_results(documents)),
            self._on_event,
            sparing=True,
        )
