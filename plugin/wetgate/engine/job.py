"""What a render is asked to do, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from wetgate.engine.graph import Graph
from wetgate.engine.pipeline import Timeline
from wetgate.io.sink import WriteOptions
from wetgate.io.source import OnMissing
from wetgate.spec import Fidelity, Frame, Image

OnError = Literal["continue", "stop"]
# {"event": "start"|"analysis"|"analysing"|"frame"|"note"|"failed"|"done", ...}: one JSON object each.
OnEvent = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One render.

    ``frames`` is a frame range of the source; windows reach beyond it into the source. ``in_space`` and ``out_space``
    are OCIO names or aliases (None: what the file says; and the source's). ``analyses`` are documents to use, by path;
    nodes that want one and have none are analysed first. ``aov_dir`` receives every view of every node.
    ``on_error``: ``continue`` renders the other frames, ``stop`` ends at the first failure.
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


class Observer(Protocol):
    """Sees every rendered frame: what the report is made from. ``source`` is in the source's space, ``result`` in the
    output's. Called in the order of rendering, from one thread."""

    def frame(self, number: int, source: Frame, result: Frame, aovs: Mapping[str, Image]) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a render. ``written`` and ``kept`` (by ``--resume``) are frame numbers, ``failed`` maps frame
    numbers to messages. ``files`` are the record, analysis documents and sidecars that were written."""

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

    @property
    def exit_code(self) -> int:
        """0 where every frame is written, 3 where some failed."""
        return 3 if self.failed else 0
