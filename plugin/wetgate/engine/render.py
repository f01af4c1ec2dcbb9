"""The batch render: a job carried out from its source to its files, record and sidecars."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from wetgate.color.config import ColorConfig
from wetgate.engine.analysis import Analysis, analyse_step, load_analysis
from wetgate.engine.colour import Colour, unknown_space
from wetgate.engine.cuts import code_values, find_cuts, signature
from wetgate.engine.evaluate import Evaluator, Setting
from wetgate.engine.frames import FrameStore, SourceFrame, window_numbers
from wetgate.engine.graph import Graph, Step, demand_output_space
from wetgate.engine.job import Job, Observer, OnEvent, Outcome
from wetgate.engine.masks import MaskReader
from wetgate.engine.outputs import Outputs, output_path, stem_of
from wetgate.engine.pipeline import Abort, Timeline, WriteBehind, ahead, cores
from wetgate.engine.record import FrameRecord, JobRecord, RunRecord, save_json
from wetgate.io.opening import open_source
from wetgate.io.ranges import parse_frames
from wetgate.io.source import Source
from wetgate.spec import Context, Frame, FrameError, Interrupted, UsageError, WetgateError

_SIGNATURES = 0.25  # share of an analysis that the search for cuts takes, for progress


def render(
    job: Job, on_event: OnEvent = lambda event: None, observer: Observer | None = None, abort: Abort | None = None
) -> Outcome:
    """Carry out a job. Raises :class:`UsageError` before anything is written where the job cannot be done.

    Frames that fail are listed in the outcome; the others are written. An interrupt leaves whole files only.
    """
    source = open_source(job.input, on_missing=job.on_missing)
    try:
        graph = job.graph.with_fidelity(job.fidelity)
        job = replace(job, output=output_path(job.output, source), graph=graph)
        return _Render(job, source, on_event, observer, abort or Abort()).run()
    finally:
        source.close()


def _budget(graph: Graph) -> int:
    """Bytes of source frames kept between passes: only a graph with an analysis reads the shot more than once."""
    return 512 << 20 if any(s.node.analyzes for s in graph.used()) else 0


def requested(job_frames: str | None, source: Source) -> tuple[int, ...]:
    """The frames to render: those asked for, all of which the source must have."""
    if job_frames is None:
        return tuple(source.numbers)
    wanted = parse_frames(job_frames)
    known = set(source.numbers)
    outside = [n for n in wanted if n not in known]
    if outside:
        raise UsageError(
            f"{len(outside)} of the frames are not in {source.info.label}, the first is {outside[0]}",
            where="--frames",
            allowed=f"{source.numbers[0]} to {source.numbers[-1]}",
            remedy="ask for frames that the source has",
        )
    return tuple(sorted(wanted))


def source_space(in_space: str | None, source: Source, config: ColorConfig) -> tuple[str, list[str]]:
    """The space of the source (``""`` where nobody knows it), and notes on how it was known."""
    if in_space:
        return config.resolve(in_space), []
    hint = source.info.hint
    if hint.space is None:
        return "", []
    try:
        space = config.resolve(hint.space)
    except UsageError:
        return "", [f"{source.info.label} is labelled {hint.space!r} ({hint.how}), which the config does not know"]
    if hint.assumed:
        return space, [f"assumed that {source.info.label} is {space}: {hint.how}; name it with --in-space"]
    return space, []


class _Render:
    def __init__(self, job: Job, source: Source, on_event: OnEvent, observer: Observer | None, abort: Abort) -> None:
        self.job = job
        self.source = source
        self.on_event = on_event
        self.observer = observer
        self.abort = abort
        self.timeline = Timeline()
        self.notes: list[str] = []
        self.failed: dict[int, str] = {}
        self.records: dict[int, FrameRecord] = {}
        self.kept: list[int] = []
        self.lock = threading.Lock()

    def run(self) -> Outcome:
        job, source = self.job, self.source
        began = time.perf_counter()
        numbers = requested(job.frames, source)
        config = ColorConfig.load(job.config)
        space, notes = source_space(job.in_space or job.graph.in_space, source, config)
        for note in (*source.info.notes, *notes):
            self._note(note)
        out_space = self._out_space(config, space)
        self.colour = Colour(config, space, job.threads)
        masks = MaskReader(job.graph)
        threads = job.threads or cores()
        with ThreadPoolExecutor(max(2, threads), thread_name_prefix="wetgate-read") as readers:
            self.store = FrameStore(source, space, readers, self.timeline.add, _budget(job.graph))
            try:
                setting = Setting(
                    masks=masks.read,
                    device=job.device,
                    threads=threads,
                    check_abort=self.abort.check,
                )
                documents = self._analyses(numbers, setting)
                setting = replace(
                    setting,
                    analyses={name: d.results for name, d in documents.items()},
                    views=self._views(),
                )
                record = self._job_record(config, space, out_space, documents)
                outputs = Outputs(job, source, numbers, record, config, out_space or space)
                self.on_event({"event": "start", "frames": len(numbers), "job": record.hash, "output": job.output})
                try:
                    self._frames(numbers, setting, outputs, out_space, documents)
                except BaseException:
                    outputs.abort()
                    raise
                if self.failed and outputs.ordered:
                    self._note(f"{job.output} is not written: a movie has no holes, and a frame failed")
                    self.records.clear()
                    outputs.abort()
                else:
                    outputs.finish()
                for note in outputs.notes:
                    self._note(note)
            finally:
                self.store.keep(())
                masks.close()
        run = RunRecord(
            record, self._source_record(numbers), job.output, list(self.records.values()), self.failed, self.notes
        )
        files = self._sidecars(numbers, documents, run, outputs)
        outcome = Outcome(
            written=tuple(n for n in sorted(self.records) if n not in set(self.kept)),
            kept=tuple(self.kept),
            failed=dict(sorted(self.failed.items())),
            notes=tuple(self.notes),
            record=str(outputs.record_path),
            files=tuple(files),
            source_space=space,
            out_space=out_space or space,
            timeline=self.timeline,
            seconds=time.perf_counter() - began,
            run=run.to_json(),
        )
        self.on_event(
            {
                "event": "done",
                "written": len(outcome.written),
                "kept": len(outcome.kept),
                "failed": len(outcome.failed),
                "seconds": round(outcome.seconds, 3),
                "record": outcome.record,
            }
        )
        return outcome

    def _out_space(self, config: ColorConfig, space: str) -> str:
        """The output's space, "" where it is the source's."""
        job = self.job
        wanted = job.out_space or job.graph.out_space
        steps = job.graph.used()
        if (wanted or steps) and not space:
            raise unknown_space(self.source.info.label)
        demand_output_space(job.graph, space, wanted)
        return config.resolve(wanted) if wanted else ""

    def _views(self) -> dict[str, frozenset[str]]:
        if not self.job.aov_dir and self.observer is None:
            return {}
        return {s.name: frozenset(s.node.views) for s in self.job.graph.used()}

    # --- analysis

    def _analyses(self, numbers: Sequence[int], setting: Setting) -> dict[str, Analysis]:
        given = [load_analysis(path) for path in self.job.analyses]
        documents: dict[str, Analysis] = {}
        used: set[int] = set()
        for step in self.job.graph.used():
            if not step.node.analyzes or all(step.is_identity(n) for n in numbers):
                continue
            match = next((i for i, d in enumerate(given) if d.node == step.node.id and i not in used), None)
            if match is not None:
                used.add(match)
                documents[step.name] = self._checked(given[match], step)
                continue
            self.on_event({"event": "analysis", "step": step.name, "frames": len(numbers)})
            documents[step.name] = self._analyse(step, numbers, setting, documents)
        for index, document in enumerate(given):
            if index not in used:
                raise UsageError(
                    f"the analysis {self.job.analyses[index]} is for {document.node}, which the graph does not use",
                    where="--analysis",
                    remedy="leave it out",
                )
        return documents

    def _checked(self, document: Analysis, step: Step) -> Analysis:
        if document.version != step.node.version:
            raise UsageError(
                f"the analysis was made by {document.node} version {document.version}, this is version"
                f" {step.node.version}",
                where="--analysis",
                remedy="analyse the shot again",
            )
        if dict(document.params) != step.record()["params"]:
            given, wanted = dict(document.params), step.record()["params"]
            different = sorted(name for name in wanted if given.get(name) != wanted[name])
            raise UsageError(
                f"the analysis of {document.node} was made with other parameters: {', '.join(different)}",
                where="--analysis",
                remedy="analyse the shot again with these parameters",
            )
        if document.space != self.colour.source_space:
            raise UsageError(
                f"the analysis took the source as {document.space}, this render as {self.colour.source_space}",
                where="--analysis",
                remedy="use the same --in-space for both",
            )
        return document

    def _analyse(
        self, step: Step, numbers: Sequence[int], setting: Setting, documents: Mapping[str, Analysis]
    ) -> Analysis:
        return analyse(
            self.job.graph,
            step,
            numbers,
            self.source.numbers,
            self.store,
            self.colour,
            replace(setting, analyses={name: d.results for name, d in documents.items()}),
            self._note,
        )

    # --- frames

    def _frames(
        self,
        numbers: Sequence[int],
        setting: Setting,
        outputs: Outputs,
        out_space: str,
        documents: Mapping[str, Analysis],
    ) -> None:
        job = self.job
        evaluator = Evaluator(
            job.graph, self.colour, self.source.numbers, lambda n: self.store.get(n).frame, setting, out_space
        )
        reach = job.graph.reach(numbers)
        behind = WriteBehind(max(1, job.write_behind), outputs.ordered)
        try:
            for position, number in enumerate(numbers):
                self.abort.check()
                needed = window_numbers(self.source.numbers, number, reach)[0]
                coming = ahead(numbers, position, job.read_ahead)
                self.store.keep({*needed, *coming})
                for n in (*needed, *coming):
                    self.store.want(n)
                self._one(number, evaluator, outputs, documents, behind)
                if self.failed and (job.on_error == "stop" or outputs.ordered):
                    break
            behind.finish()
        except BaseException:
            behind.abandon()
            raise

    def _one(
        self,
        number: int,
        evaluator: Evaluator,
        outputs: Outputs,
        documents: Mapping[str, Analysis],
        behind: WriteBehind,
    ) -> None:
        try:
            read = self.store.get(number)
            if self.job.resume:
                kept = outputs.kept(number, read.hash)
                if kept is not None:
                    self._done(kept, outputs, kept=True)
                    return
            for document in documents.values():
                document.demand_frame(number, read.hash)
            began = time.perf_counter()
            result = evaluator.frame(number)
            self.timeline.add("compute", number, began, time.perf_counter())
        except Interrupted:
            raise
        except WetgateError as error:
            self._fail(number, error)
            return
        aovs, facts = dict(evaluator.aovs), dict(evaluator.facts)
        if self.observer is not None:
            self.observer.frame(number, read.frame, result, aovs)
        behind.put(lambda: self._write(number, read, result, aovs, facts, outputs))

    def _write(
        self,
        number: int,
        read: SourceFrame,
        result: Frame,
        aovs: Mapping[str, Any],
        facts: Mapping[str, Any],
        outputs: Outputs,
    ) -> None:
        began = time.perf_counter()
        loaded = read.loaded
        draft = FrameRecord(
            number=number,
            input=read.hash,
            output="",
            repaired=loaded.repaired,
            held_from=loaded.held_from,
            missing=loaded.missing,
            notes=loaded.notes,
            facts=facts,
        )
        try:
            self.abort.check()
            record = outputs.write(result, aovs, draft)
        except Interrupted:
            return
        except WetgateError as error:
            self._fail(number, error)
            return
        self.timeline.add("write", number, began, time.perf_counter())
        self._done(record, outputs, kept=False)

    def _done(self, record: FrameRecord, outputs: Outputs, kept: bool) -> None:
        with self.lock:
            self.records[record.number] = record
            if kept:
                self.kept.append(record.number)
        event: dict[str, Any] = {"event": "frame", "frame": record.number, "kept": kept}
        path = outputs.path_of(record.number)
        if path is not None:
            event["path"] = path
        for name in ("repaired", "clamped", "held_from", "missing"):
            if getattr(record, name):
                event[name] = getattr(record, name)
        self.on_event(event)

    def _fail(self, number: int, error: WetgateError) -> None:
        with self.lock:
            self.failed[number] = error.message()
        self.on_event({"event": "failed", "frame": number, "error": error.message()})

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            self.on_event({"event": "note", "text": text})

    # --- records

    def _job_record(
        self, config: ColorConfig, space: str, out_space: str, documents: Mapping[str, Analysis]
    ) -> JobRecord:
        options = self.job.options
        storage: dict[str, Any] = {"format": Path(self.job.output).suffix.lower()}
        for name in ("depth", "compression", "overflow", "codec", "pixel_format", "quality", "full_range"):
            value = getattr(options, name)
            if value is not None:
                storage[name] = value
        if options.codec_options:
            storage["codec_options"] = dict(options.codec_options)
        return JobRecord(
            graph=self.job.graph.record(),
            source_space=space,
            out_space=out_space or space,
            config={"name": config.name, "fingerprint": config.fingerprint},
            storage=storage,
            analyses={name: d.fingerprint for name, d in documents.items()},
        )

    def _source_record(self, numbers: Sequence[int]) -> dict[str, Any]:
        info = self.source.info
        return {
            "label": info.label,
            "kind": info.kind,
            "size": [info.width, info.height],
            "channels": list(info.channels),
            "bit_depth": info.bit_depth,
            "rate": str(info.rate) if info.rate is not None else "",
            "start_timecode": info.start_timecode or "",
            "range": [numbers[0], numbers[-1]] if numbers else [],
        }

    def _sidecars(
        self, numbers: Sequence[int], documents: Mapping[str, Analysis], run: RunRecord, outputs: Outputs
    ) -> list[str]:
        files: list[str] = []
        stem = stem_of(self.job.output)
        for name, document in documents.items():
            path = Path(f"{stem}.{name}.analysis.json")
            document.save(path)
            files.append(str(path))
            instance = self.job.graph.step(name).at(numbers[0])
            if hasattr(instance, "sidecars"):
                for kind, data in instance.sidecars(document.results, list(numbers)).items():
                    save_json(Path(f"{stem}.{kind}.json"), data)
                    files.append(f"{stem}.{kind}.json")
        outputs.save_record(run)
        files.append(str(outputs.record_path))
        return files


def analyse(
    graph: Graph,
    step: Step,
    numbers: Sequence[int],
    shot: Sequence[int],
    store: FrameStore,
    colour: Colour,
    setting: Setting,
    note: Any,
) -> Analysis:
    """Run one step's whole-shot pass over ``numbers``; ``shot`` are all frames that windows may reach into.

    Frames that cannot be read are left out, with a note: they will fail by themselves when they are rendered.
    """
    below = replace(graph, output=step.input)
    evaluator = Evaluator(below, colour, shot, lambda n: store.get(n).frame, setting)
    reach = below.reach(numbers)

    def read(number: int) -> tuple[Frame, str]:
        position = numbers.index(number)
        wanted = (*window_numbers(shot, number, reach)[0], *ahead(numbers, position, 4))
        store.keep(wanted)
        for n in wanted:
            store.want(n)
        frame = evaluator.entering(number)
        return frame, store.get(number).hash

    readable: list[int] = []
    signatures = []
    for done, number in enumerate(numbers):
        setting.check_abort()
        setting.progress(_SIGNATURES * done / len(numbers))
        try:
            signatures.append(signature(code_values(read(number)[0], colour)))
        except FrameError as error:
            note(f"frame {number} was left out of the analysis of {step.name}: {error.message()}")
            continue
        readable.append(number)
    if not readable:
        raise FrameError(f"no frame of the shot can be read for the analysis of {step.name}")
    context = Context(
        fidelity=step.fidelity,
        device=setting.device,
        threads=setting.threads,
        source_space=colour.source_space,
        check_abort=setting.check_abort,
        progress=lambda share: setting.progress(_SIGNATURES + (1.0 - _SIGNATURES) * share),
    )
    return analyse_step(step, readable, find_cuts(readable, signatures), read, colour, context)
