"""The batch render: a job carried out from its source to its files, record and sidecars."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import Any

from wetgate.engine.account import Account, account_of, source_mark
from wetgate.engine.analysis import Analysis
from wetgate.engine.evaluate import Evaluator
from wetgate.engine.frames import SourceFrame, window_numbers
from wetgate.engine.job import Elsewhere, Job, Observer, OnEvent, Outcome
from wetgate.engine.outputs import Outputs, label_of, output_path
from wetgate.engine.pipeline import Abort, Timeline, WriteBehind, ahead
from wetgate.engine.preparation import Prepared, prepared
from wetgate.engine.record import FrameRecord, RunRecord
from wetgate.engine.shot import opened
from wetgate.engine.sidecars import job_record, save_documents, save_sidecars, source_record
from wetgate.io.source import Source
from wetgate.spec import Frame, FrameError, Interrupted, UsageError, WetgateError


def render(
    job: Job,
    on_event: OnEvent = lambda event: None,
    observer: Observer | None = None,
    abort: Abort | None = None,
    elsewhere: Elsewhere | None = None,
) -> Outcome:
    """Carry out a job. Raises :class:`UsageError` before anything is written where the job cannot be done.

    Frames that fail are listed in the outcome; the others are written. An interrupt leaves whole files only.
    ``elsewhere`` has the frames made in other processes; each counts once its file verifies, and the record that is
    written is the one that a render in this process would have written.
    """
    with _started(job, on_event, observer, abort, elsewhere) as made:
        return made.run()


def analyse_job(job: Job, on_event: OnEvent = lambda event: None, abort: Abort | None = None) -> list[str]:
    """Run the whole-shot passes of a job alone, and leave their documents where its render would; their paths."""
    with _started(job, on_event, None, abort, None) as made:
        return made.analyse()


@contextmanager
def _started(
    job: Job, on_event: OnEvent, observer: Observer | None, abort: Abort | None, elsewhere: Elsewhere | None
) -> Iterator[_Render]:
    graph = job.graph.with_fidelity(job.fidelity)
    source = opened(job.input, job.on_missing, graph.codec_data)
    try:
        job = replace(job, output=output_path(job.output, source), graph=graph)
        yield _Render(job, source, on_event, observer, abort or Abort(), elsewhere)
    finally:
        source.close()


class _Render:
    def __init__(
        self,
        job: Job,
        source: Source,
        on_event: OnEvent,
        observer: Observer | None,
        abort: Abort,
        elsewhere: Elsewhere | None,
    ) -> None:
        self.job = job
        self.elsewhere = elsewhere
        self.source = source
        self.on_event = on_event
        self.observer = observer
        self.abort = abort
        self.timeline = Timeline()
        self.notes: list[str] = []
        self.failed: dict[int, str] = {}
        self.refused = False
        self.records: dict[int, FrameRecord] = {}
        self.kept: list[int] = []
        self.accounts: list[Account] = []
        self.lock = threading.Lock()

    def run(self) -> Outcome:
        job, source = self.job, self.source
        began = time.perf_counter()
        with self._prepared() as ready:
            outputs = ready.outputs
            self.store = ready.store
            record = job_record(job, ready.config, ready.space, ready.out_space, ready.documents)
            outputs.begin(record)
            self.on_event({"event": "start", "frames": len(ready.numbers), "job": record.hash, "output": job.output})
            if self.elsewhere is not None:
                self._gather(ready, self.elsewhere)
            else:
                self._frames(ready)
            lost = bool(self.failed) and outputs.ordered
            if lost:
                self._note(f"{job.output} is not written: a movie has no holes, and a frame failed")
                self.records.clear()
                outputs.abort()
            else:
                outputs.finish()
            for note in outputs.notes:
                self._note(note)
        run = RunRecord(
            record,
            source_record(source, ready.numbers),
            label_of(job.output),
            list(self.records.values()),
            self.failed,
            self.notes,
        )
        # What stood under a movie's name before is still there, and so is its record.
        whole = not lost and not job.chunk
        files = save_sidecars(job, ready.numbers, ready.documents, run, outputs) if whole else []
        if self.elsewhere is not None:
            outputs.claim.release()
        outcome = Outcome(
            written=tuple(n for n in sorted(self.records) if n not in set(self.kept)),
            kept=tuple(sorted(self.kept)),
            failed=dict(sorted(self.failed.items())),
            notes=tuple(self.notes),
            record=str(outputs.record_path) if whole else "",
            files=tuple(files),
            source_space=ready.space,
            out_space=ready.out_space or ready.space,
            timeline=self.timeline,
            seconds=time.perf_counter() - began,
            run=run.to_json(),
            analyses={name: document.results for name, document in ready.documents.items()},
            found=ready.found,
            accounts=tuple(self.accounts),
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

    def analyse(self) -> list[str]:
        with self._prepared() as ready:
            return save_documents(self.job.output, ready.documents)

    def _prepared(self) -> AbstractContextManager[Prepared]:
        return prepared(
            self.job,
            self.source,
            self._pass_on,
            self.abort,
            self.timeline,
            views=bool(self.job.aov_dir) or self.observer is not None,
            shared=self.job.chunk or self.elsewhere is not None,
        )

    def _pass_on(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "note":
            self._note(event["text"])
        else:
            self.on_event(event)

    def _frames(self, ready: Prepared) -> None:
        job, numbers, outputs = self.job, ready.numbers, ready.outputs
        evaluator = Evaluator(
            job.graph,
            ready.colour,
            self.source.numbers,
            lambda n: self.store.get(n).frame,
            ready.setting,
            ready.out_space,
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
                self._one(number, evaluator, outputs, ready.documents, behind)
                if self.failed and (job.on_error == "stop" or outputs.ordered):
                    break
            behind.finish()
        except BaseException:
            behind.abandon()
            raise

    def _gather(self, ready: Prepared, elsewhere: Elsewhere) -> None:
        """The frames that others make, each taken in from the disk."""
        outputs = ready.outputs

        def take(number: int, *, kept: bool = False, account: Account | None = None) -> WetgateError | None:
            try:
                self.abort.check()
                outputs.claim.keep()
                record = None
                if account is not None:
                    record = outputs.told(number, account, lambda made: source_mark(self.source, made))
                if record is None:
                    record = outputs.kept(number, self.store.once(number).hash)
            except Interrupted:
                raise
            except WetgateError as error:
                return error
            if record is None:
                return outputs.missing(number)
            self._done(record, outputs, kept)
            return None

        paths = save_documents(self.job.output, ready.documents)
        for number, message in sorted(elsewhere(ready.numbers, paths, take, self.abort).items()):
            self.failed[number] = message
            self.on_event({"event": "failed", "frame": number, "error": message})
        self.abort.check()
        kinds = outputs.claim.machines()
        if len(kinds) > 1:
            self._note(
                f"frames were made on {len(kinds)} kinds of processors ({'; '.join(kinds)}): last bits may differ"
            )

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
        except Exception as error:
            self._fail(number, _unforeseen("rendering", number, error))
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
        if outputs.ordered and (self.failed or self.refused):
            return  # no movie will come of it
        try:
            self.abort.check()
            record = outputs.write(result, aovs, draft)
        except Interrupted:
            return
        except UsageError as error:
            if outputs.ordered:
                self.refused = True
                raise  # an encoder is opened by its first frame: this is the request's fault, not the frame's
            self._fail(number, error)
            return
        except WetgateError as error:
            self._fail(number, error)
            return
        except Exception as error:
            self._fail(number, _unforeseen("writing", number, error))
            return
        self.timeline.add("write", number, began, time.perf_counter())
        self._done(record, outputs, kept=False)

    def _done(self, record: FrameRecord, outputs: Outputs, kept: bool) -> None:
        path = outputs.path_of(record.number)
        if self.job.accounts and path is not None:
            with suppress(OSError):  # it went again: whoever gathers will not find it either
                self.accounts.append(account_of(record, path, self.source))
        with self.lock:
            self.records[record.number] = record
            if kept:
                self.kept.append(record.number)
        event: dict[str, Any] = {"event": "frame", "frame": record.number, "kept": kept}
        if path is not None:
            event["path"] = path
        for name in ("repaired", "clamped", "held_from", "missing"):
            value = getattr(record, name)
            if value or (name == "held_from" and value is not None):
                event[name] = value
        self.on_event(event)

    def _fail(self, number: int, error: WetgateError) -> None:
        with self.lock:
            self.failed[number] = error.message()
        self.on_event({"event": "failed", "frame": number, "error": error.message()})

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
            self.on_event({"event": "note", "text": text})


def _unforeseen(doing: str, number: int, error: Exception) -> FrameError:
    """What no module of ours foresaw (memory, a library's own exception) fails its frame, not the whole render."""
    return FrameError(
        f"{doing} failed: {type(error).__name__}: {error}",
        where=f"frame {number}",
        remedy="report this with the record; it is a fault of the program or of the machine's memory",
    )
