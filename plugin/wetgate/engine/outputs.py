"""Where a render's results go: the frames, the AOVs, the record, and which finished frames a resumed render keeps."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wetgate.color.config import ColorConfig
from wetgate.engine.account import Account
from wetgate.engine.claim import Claim
from wetgate.engine.job import Job
from wetgate.engine.record import (
    HEADER_KEY,
    FrameRecord,
    JobRecord,
    RunRecord,
    frame_record,
    header_entry,
    load_record,
    merged,
    parse_header,
    save_json,
)
from wetgate.engine.signing import check, demand_usable_key, sign
from wetgate.io.atomic import clean_stale, locked, make_folder
from wetgate.io.formats import FORMATS, format_of
from wetgate.io.hashing import bytes_hash, file_hash
from wetgate.io.header import header_hash, read_header
from wetgate.io.opening import open_sink
from wetgate.io.pattern import parse_pattern
from wetgate.io.sink import Sink, Stamp, WriteOptions
from wetgate.io.source import MOVIE_SUFFIXES, Source
from wetgate.spec import Frame, FrameError, Image, UsageError, WetgateError

_FRAME_TOKEN = re.compile(r"[._-]?(#+|@+|%0?\d*d|\[-?\d+--?\d+\])$")


def stem_of(output: str) -> str:
    """The path that sidecars are named by: the output without its frame token and, for EXR, without its suffix.

    Movies and other pictures keep theirs (``shot.mov``, ``shot.png``), so that a review copy beside the EXR has a
    record of its own.
    """
    path = Path(output)
    if path.suffix.lower() in MOVIE_SUFFIXES:
        return output
    return str(path.with_name(_bare(path) + ("" if path.suffix.lower() == ".exr" else path.suffix)))


def label_of(output: str) -> str:
    """The output's name as the record has it, the same however its path was written: ``shot.####.exr``."""
    path = Path(output)
    pattern = None if path.suffix.lower() in MOVIE_SUFFIXES else parse_pattern(path)
    return path.name if pattern is None else pattern.label


def _bare(path: Path) -> str:
    return _FRAME_TOKEN.sub("", path.stem) or "render"


def output_path(output: str, source: Source) -> str:
    """The output's pattern: a folder (no suffix, or one that exists) takes the source's name and writes EXR."""
    path = Path(output)
    if path.suffix and not path.is_dir():
        return output
    stem = _bare(Path(source.info.label))
    token = "" if source.info.kind == "image" else ".####"
    return str(path / f"{stem}{token}.exr")


def demand_apart(source: Source, sink: Sink, numbers: Sequence[int]) -> None:
    """Raise :class:`UsageError` where an output is a file that is read: the source would be lost."""
    for number in numbers:
        written, read = sink.path_of(number), source.path_of(number)
        if written is None or not Path(written).exists() or not Path(read).exists():
            continue
        if Path(written).samefile(read):
            raise UsageError(
                f"{written} is the source and the output", where="-o", remedy="write to another name or folder"
            )


class Outputs:
    """The sinks of one render, opened before any work is done, so that what cannot be written is refused at once.

    ``space`` is that of the pixels to be written, ``source_space`` that of those that were read. ``shared``: processes
    of the same job write there too. :meth:`begin` gives the record; then :meth:`write` may be called, from several
    threads where ``ordered`` is False.
    """

    def __init__(
        self,
        job: Job,
        source: Source,
        numbers: Sequence[int],
        config: ColorConfig,
        space: str,
        source_space: str,
        shared: bool = False,
    ) -> None:
        if job.sign:
            demand_usable_key(job.sign)
        self._job = job
        self._numbers = numbers
        self._lock = threading.Lock()
        self._aov_sinks: dict[str, Sink] = {}
        stem = stem_of(job.output)
        self.record_path = Path(f"{stem}.wetgate.json")
        self.claim = Claim(stem)
        make_folder(Path(stem).parent)
        if job.aov_dir:
            make_folder(Path(job.aov_dir))
            clean_stale(Path(job.aov_dir))
        clean_stale(Path(stem).parent)
        self._sink = open_sink(
            job.output,
            numbers=numbers,
            options=replace(job.options, same_space=space == source_space),
            space=space,
            interop_id=config.interop_id(space) if space else None,
            sound=source,
        )
        self.ordered = self._sink.ordered
        self._shared = shared
        try:
            if shared:
                self._demand_record()
            demand_apart(source, self._sink, numbers)
        except BaseException:
            self._sink.abort()
            raise

    def begin(self, record: JobRecord) -> None:
        """The job that every frame's header will name. Raises :class:`UsageError` where processes of another job are
        writing here."""
        self._record = record
        if self._shared:
            self.claim.join(record)
        elif not self.ordered:
            self.claim.demand_free(record)

    def _demand_record(self) -> None:
        """Frames made by many processes are told apart by the record in their headers."""
        if self.ordered:
            raise UsageError(
                f"{self._job.output} is one file, which many processes cannot write",
                where="-o",
                allowed="a sequence, shot.####.exr",
                remedy="render frames, then make the movie of them",
            )
        form = format_of(self._job.output)
        if form.record is None:
            raise UsageError(
                f"{form.name} has no room for a record in its header",
                where="-o",
                allowed=", ".join(f.suffixes[0] for f in FORMATS if f.record is not None),
                remedy="write another format where many processes make the frames",
            )

    @property
    def notes(self) -> Sequence[str]:
        """What the output could not keep."""
        return self._sink.notes

    def path_of(self, number: int) -> str | None:
        """The file that a frame goes to."""
        return self._sink.path_of(number)

    def write(self, frame: Frame, aovs: Mapping[str, Image], draft: FrameRecord) -> FrameRecord:
        """Write a frame and its AOVs; the finished entry of the record. AOVs go first: a frame marks them complete."""
        self.claim.keep()
        if self._job.aov_dir:
            for key, aov in aovs.items():
                self._aov_sink(key, aov).write(_aov_frame(frame, aov), self._aov_stamp(draft))
        made: list[FrameRecord] = []

        def stamp(pixel_hash: str, clamped: int) -> Mapping[str, Any]:
            made.append(replace(draft, output=pixel_hash, clamped=clamped))
            return {HEADER_KEY: header_entry(self._record, made[-1])}

        metadata = {k: v for k, v in frame.metadata.items() if k != HEADER_KEY}
        written = self._sink.write(replace(frame, metadata=metadata), stamp)
        if made:
            return replace(made[-1], header=header_hash(written.path))
        return replace(draft, output=written.pixel_hash, clamped=written.clamped)

    def kept(self, number: int, input_hash: str) -> FrameRecord | None:
        """The entry of a frame that an earlier run of the same job finished, or None where it must be made.

        A frame is kept if its header names this job and this input, and its pixels still have the recorded hash.
        """
        path = self._sink.path_of(number)
        if self._sink.ordered or path is None or not Path(path).is_file():
            return None
        views = [self._aov_path(key, number) for key in self._aov_keys()]
        if not all(view.is_file() for view in views):
            return None
        try:
            for view in views:
                if self._entry(view, input_hash) is None:
                    return None
            entry = self._entry(Path(path), input_hash)
            if entry is None:
                return None
            if entry["output"] and file_hash(path) != entry["output"]:
                return None
            return replace(frame_record(entry), header=header_hash(path))
        except (WetgateError, KeyError, ValueError, TypeError):
            return None  # a damaged file is made again

    def told(self, number: int, account: Account, mark: Callable[[FrameRecord], str]) -> FrameRecord | None:
        """The entry of a frame whose maker gave an account, where the file is, byte by byte, the one that it wrote, of
        this job, and made from what ``mark`` finds here; else None."""
        path = self._sink.path_of(number)
        try:
            record = frame_record(account.entry)
            if path is None or record.number != number or bytes_hash(path) != account.file:
                return None
            views = [self._aov_path(key, number) for key in self._aov_keys()]
            entries = [self._entry(p, record.input) for p in (Path(path), *views)]
            fits = None not in entries and frame_record(entries[0] or {}).output == record.output
            return record if fits and mark(record) == account.source else None
        except (OSError, WetgateError, KeyError, ValueError, TypeError):
            return None

    def missing(self, number: int) -> FrameError:
        """Why :meth:`kept` has no entry for a frame."""
        path = self._sink.path_of(number)
        if path is None or not Path(path).is_file():
            return FrameError(f"frame {number} was not rendered", where=path, remedy="render it again")
        return FrameError(
            f"the file of frame {number} is damaged, or not of this job and this source",
            where=path,
            remedy="render it again",
        )

    def _entry(self, path: Path, input_hash: str) -> dict[str, Any] | None:
        """The record in a file's header, if it is of this job and made from that input."""
        entry = parse_header(read_header(str(path)))
        fits = entry is not None and entry.get("job") == self._record.hash and entry.get("input") == input_hash
        return entry if fits else None

    def finish(self) -> None:
        """Everything under its final name."""
        for sink in self._aov_sinks.values():
            sink.finish()
        self._sink.finish()

    def abort(self) -> None:
        """Remove what is not finished."""
        for sink in self._aov_sinks.values():
            sink.abort()
        self._sink.abort()

    def save_record(self, run: RunRecord) -> None:
        """Write the sidecar, signed where the job has a key. That of a sequence keeps what other runs of the same job
        recorded of other frames."""
        with locked(self.record_path.parent):
            data = run.to_json() if self.ordered else merged(run.to_json(), self._before())
            save_json(self.record_path, sign(data, self._job.sign) if self._job.sign else data)

    def _before(self) -> dict[str, Any] | None:
        """The record that is there, less the frames whose files have gone. None where there is none that can be read,
        or, with a key, none that the same key signed: a signature stands for what its owner rendered."""
        pattern = parse_pattern(self._job.output)
        if pattern is None or not self.record_path.is_file():
            return None
        try:
            before = load_record(self.record_path)
            if self._job.sign and check(before) != sign({}, self._job.sign)["signature"]["public_key"]:
                return None
            frames = [e for e in before["frames"] if pattern.path(int(e["frame"])).is_file()]
            return before | {"frames": frames}
        except (WetgateError, KeyError, TypeError, ValueError):
            return None

    def _aov_stamp(self, draft: FrameRecord) -> Stamp:
        """An AOV names the job and the input that it is of, as its frame does."""

        def stamp(pixel_hash: str, clamped: int) -> Mapping[str, Any]:
            own = FrameRecord(number=draft.number, input=draft.input, output=pixel_hash, clamped=clamped)
            return {HEADER_KEY: header_entry(self._record, own)}

        return stamp

    def _aov_keys(self) -> list[str]:
        if not self._job.aov_dir:
            return []
        return [f"{s.name}.{view}" for s in self._job.graph.used() for view in s.node.views]

    def _aov_path(self, key: str, number: int) -> Path:
        return Path(self._job.aov_dir or "") / f"{key}.{number:04d}.exr"

    def _aov_sink(self, key: str, aov: Image) -> Sink:
        with self._lock:
            if key not in self._aov_sinks:
                self._aov_sinks[key] = open_sink(
                    str(Path(self._job.aov_dir or "") / f"{key}.####.exr"),
                    numbers=self._numbers,
                    options=WriteOptions(depth="float" if aov.ndim == 2 else "half", compression="zip"),
                    space="",
                    interop_id="data" if aov.ndim == 2 else None,
                )
            return self._aov_sinks[key]


def _aov_frame(like: Frame, aov: Image) -> Frame:
    """An AOV as a picture of its own: a plane as Y, a colour picture as RGB; windows as the frame's where they fit."""
    plane = aov.ndim == 2
    pixels = aov[..., None].repeat(3, axis=2) if plane else aov[..., :3]
    fits = pixels.shape[:2] == like.pixels.shape[:2]
    return Frame(
        pixels=pixels.astype("float32", copy=False),
        space="",
        number=like.number,
        data_window=like.data_window if fits else None,
        display_window=like.display_window if fits else None,
        pixel_aspect=like.pixel_aspect,
        layout=("Y",) if plane else ("R", "G", "B"),
    )
