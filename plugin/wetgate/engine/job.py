"""What a render is asked to do, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from wetgate.engine.account import Account
from wetgate.engine.graph import Graph
from wetgate.engine.pipeline import Abort, Timeline
from wetgate.inference.devices import demand_device_name
from wetgate.io.ranges import GRAMMAR
from wetgate.io.sink import WriteOptions
from wetgate.io.source import OnMissing
from wetgate.spec import Fidelity, Frame, Image, UsageError, WetgateError, raise_all

OnError = Literal["continue", "stop"]
_WORDS = {
    "on_missing": ("error", "hold", "black"),
    "on_error": ("continue", "stop"),
    "fidelity": ("forensic", "faithful", "pleasing"),
}
# {"event": "start"|"analysis"|"analysing"|"found"|"frame"|"note"|"failed"|"done", ...}: one JSON object each.
OnEvent = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One render.

    ``frames`` is a frame range of the source; windows reach beyond it into the source. ``in_space`` and ``out_space``
    are OCIO names or aliases (None: what the file says; and the source's). ``analyses`` are documents to use, by path;
    nodes that want one and have none are analysed first. ``aov_dir`` receives every view of every node.
    ``on_error``: ``continue`` renders the other frames, ``stop`` ends at the first failure.
    ``chunk``: these frames are a piece of a whole whose other pieces are made elsewhere, maybe at the same time. Frames
    alone are written; the record and its companions come from whoever gathers (``elsewhere`` of
    :func:`wetgate.engine.render.render`), for whom ``accounts`` of the frames are left in the outcome.
    ``analyses_beside``: documents that stand beside the output, left there by
    :func:`wetgate.engine.render.analyse_job`, are used. ``moved`` says where files that the graph names (masks) are on
    this machine: from the beginning of a path to what stands there here.
    """

    input: str
    output: str
    graph: Graph
    frames: str | None = None
    in_space: str | None = None
    out_space: str | None = None
    config: str | None = None
    options: WriteOptions = field(default_factory=WriteOptions)
    on_missing: OnMissing = "error"
    on_error: OnError = "continue"
    resume: bool = False
    aov_dir: str | None = None
    analyses: tuple[str, ...] = ()
    fidelity: Fidelity | None = None
    device: str = "auto"
    threads: int = 0
    read_ahead: int = 4
    write_behind: int = 4
    sign: str | None = None
    chunk: bool = False
    accounts: bool = False
    analyses_beside: bool = False
    moved: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise :class:`UsageError` for fields that no job can have, all at once."""
        problems: list[WetgateError] = []
        for name, empty in (("input", "the footage to read"), ("output", "where the frames go")):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                problems.append(UsageError(f"{name} is {value!r}", where=name, remedy=f"name {empty}"))
        for name, words in _WORDS.items():
            value = getattr(self, name)
            if value not in words and not (name == "fidelity" and value is None):
                problems.append(
                    UsageError(f"{name} is {value!r}", where=name, allowed=", ".join(words), remedy="choose one")
                )
        for name, least in (("threads", 0), ("read_ahead", 0), ("write_behind", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                problems.append(UsageError(f"{name} is {value!r}", where=name, allowed=f"whole numbers from {least}"))
        if self.frames is not None and not isinstance(self.frames, str):
            problems.append(UsageError(f"frames is {self.frames!r}", where="frames", allowed="text: " + GRAMMAR))
        if not isinstance(self.options, WriteOptions):
            problems.append(UsageError("options are no WriteOptions", where="options", allowed="WriteOptions(...)"))
        try:
            demand_device_name(self.device)
        except UsageError as error:
            problems.append(error)
        raise_all(problems)


class Take(Protocol):
    """Takes a frame in that another process made, if it is on the disk, of this job, and verifies: None then, else what
    is wrong. ``kept``: it was there before anybody was asked to make it. With its maker's ``account`` bytes are
    compared, and nothing is decoded unless they differ. Safe to call from several threads."""

    def __call__(self, number: int, *, kept: bool = False, account: Account | None = None) -> WetgateError | None: ...


class Elsewhere(Protocol):
    """Has the frames of a job made in other processes, and takes each in. Returns messages for those that failed.

    ``analyses`` are the paths of the documents that every one of them must be made with.
    """

    def __call__(
        self, numbers: Sequence[int], analyses: Sequence[str], take: Take, abort: Abort
    ) -> Mapping[int, str]: ...


class Observer(Protocol):
    """Sees every rendered frame: what the report is made from. ``source`` is in the source's space, ``result`` in the
    output's. Called in the order of rendering, from one thread."""

    def frame(self, number: int, source: Frame, result: Frame, aovs: Mapping[str, Image]) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a render. ``written`` and ``kept`` (by ``--resume``) are frame numbers, ``failed`` maps frame
    numbers to messages. ``files`` are the record, analysis documents and sidecars that were written. ``accounts`` are
    there where the job wants them. ``analyses`` are the results that were worked by, by step name, and ``found`` says
    them in a sentence each."""

    written: tuple[int, ...]
    kept: tuple[int, ...]
    failed: Mapping[int, str]
    notes: tuple[str, ...]
    record: str
    files: tuple[str, ...]
    source_space: str
    out_space: str
    timeline: Timeline
    seconds: float
    run: Mapping[str, Any]
    accounts: tuple[Account, ...] = ()
    analyses: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    found: Mapping[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 where every frame is written, 3 where some failed."""
        return 3 if self.failed else 0
