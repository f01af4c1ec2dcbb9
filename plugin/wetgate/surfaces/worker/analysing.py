"""A node's whole-shot pass over frames that the host gives one by one (PROTOCOL.md 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from wetgate.engine.analyse import analyse as engine_analyse
from wetgate.engine.analysis import Analysis, summary_of
from wetgate.engine.evaluate import Setting
from wetgate.engine.frames import FrameStore
from wetgate.engine.graph import Graph
from wetgate.io.association import unassociate
from wetgate.io.repair import repair
from wetgate.io.source import Loaded, SourceInfo, SpaceHint
from wetgate.spec import Frame, FrameError, Image, UsageError
from wetgate.surfaces.worker.fields import FRAME, has_both, parities, rows_of
from wetgate.surfaces.worker.pools import PREMULTIPLIED, Picture
from wetgate.surfaces.worker.rendering import step_of
from wetgate.surfaces.worker.requests import Request
from wetgate.surfaces.worker.spaces import spaces_of

# What asks the host for a frame: its picture and its own copy of the pixels, or None where the host has no such frame.
Fetch = Callable[[int], tuple[Picture, Image] | None]


class HostSource:
    """The host's clip, as a :class:`wetgate.io.source.Source`: its frames, or one after the other the fields of each,
    numbered as renders number them."""

    def __init__(self, request: Request, fetch: Fetch) -> None:
        assert request.span is not None
        first, last = request.span
        self._fields = request.fields if request.scale[1] == 1 and has_both(request.middle) else FRAME
        self.numbers: Sequence[int] = (
            range(first, last + 1) if self._fields == FRAME else range(2 * first, 2 * last + 2)
        )
        self._request = request
        self._fetch = fetch
        self._latest: tuple[int, tuple[Picture, Image] | None] | None = None
        self.info = SourceInfo(
            kind="sequence",
            label="the clip",
            width=request.middle.width,
            height=request.middle.height if self._fields == FRAME else (request.middle.height + 1) // 2,
            channels=tuple("RGBA"[: request.middle.channels]),
            rate=None,
            start_timecode=None,
            pixel_aspect=self._aspect,
            bit_depth="float",
            hint=SpaceHint(None, "host", False),
        )

    @property
    def _aspect(self) -> float:
        return self._request.pixel_aspect / (1 if self._fields == FRAME else 2)

    def _frame(self, number: int) -> tuple[Picture, Image]:
        if self._latest is None or self._latest[0] != number:
            self._latest = number, self._fetch(number)
        given = self._latest[1]
        if given is None:
            raise FrameError(f"the host has no frame {number}", remedy="choose a range inside the clip")
        return given

    def read(self, number: int) -> Loaded:
        if self._fields == FRAME:
            picture, pixels = self._frame(number)
            self._latest = None
        else:
            picture, whole = self._frame(number // 2)
            pixels = whole[rows_of(picture, parities(self._fields)[number % 2])].copy()
        if picture.alpha == PREMULTIPLIED and picture.channels == 4:
            unassociate(pixels, exact=False)
        pixels, repaired, notes = repair(pixels)
        return Loaded(Frame(pixels, "", number, pixel_aspect=self._aspect), repaired=repaired, notes=notes)

    def path_of(self, number: int) -> str:
        return f"frame {number}"

    def close(self) -> None:
        return None


def analyse(
    request: Request,
    fetch: Fetch,
    check_abort: Callable[[], None],
    progress: Callable[[float], None],
    note: Callable[[str], None],
    threads: int,
) -> tuple[Analysis, str]:
    """The node's document over the request's range, and what it found in a sentence. Raises what the engine raises."""
    step = step_of(request)
    if not step.node.analyzes:
        raise UsageError(f"{step.node.id} has no analysis")
    spaces = spaces_of(request, threads, note)
    source = HostSource(request, fetch)
    setting = Setting(device="auto", threads=threads, check_abort=check_abort)

    def on_event(event: Mapping[str, Any]) -> None:
        if event["event"] == "note":
            note(event["text"])
        elif event["event"] == "analysing":
            progress(event["done"])

    reader = ThreadPoolExecutor(1, thread_name_prefix="wetgate-fetch")
    try:
        store = FrameStore(source, spaces.colour.source_space, reader, lambda *span: None)
        graph = Graph((step,), step.name)
        document = engine_analyse(graph, step, source.numbers, source.numbers, store, spaces.colour, setting, on_event)
        return document, summary_of(step, document)
    finally:
        reader.shutdown(wait=True, cancel_futures=True)
