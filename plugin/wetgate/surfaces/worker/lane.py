"""One lane: its handshake, its pools, and one request at a time, worked in a thread beside the one that listens."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wetgate.engine.pipeline import Abort
from wetgate.spec import FrameError, Image, Interrupted, ModelError, UsageError
from wetgate.surfaces.worker.connection import Closed, Connection, Message, close_descriptor
from wetgate.surfaces.worker.logs import log
from wetgate.surfaces.worker.messages import Code, ProtocolError, Reader, Type, Writer
from wetgate.surfaces.worker.pools import SOURCE, LimitError, Picture, Pools, read_picture
from wetgate.surfaces.worker.requests import Request, read_request

if TYPE_CHECKING:
    from wetgate.surfaces.worker.server import Server

_GIVEN, _MISSING, _CANCELLED = range(3)
_PROGRESS_EVERY = 0.05  # seconds
_MOST_FOUND = 1024  # bytes of what an analysis found, in a sentence


class Job:
    """A request that is being worked."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.abort = Abort()
        self.given: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.asks = threading.Event()  # a FETCH is out, and a GIVE may come

    def stop(self) -> None:
        """Make the work end at its next look."""
        self.abort.set()
        self.given.put(None)


class Lane:
    """Serves one connection until it ends."""

    def __init__(self, connection: Connection, server: Server) -> None:
        self._connection = connection
        self._server = server
        self._pools = Pools()
        self._job: Job | None = None
        self._latest: Job | None = None
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Listen until the other end closes or breaks the protocol; then stop the work and let the pools go."""
        try:
            if self._server.greet(self._connection, lane=True):
                while True:
                    self._take(self._connection.receive())
        except Closed:
            pass
        except ProtocolError as error:
            self._refuse(error)
        except Exception:
            log.exception("lane")
        finally:
            self._give_up()
            self._connection.close()

    def beat(self) -> None:
        """Say that the worker lives, while there is a request."""
        if self._job is not None:
            self._connection.beat()

    @property
    def is_busy(self) -> bool:
        return self._job is not None

    def shut(self) -> None:
        self._connection.shut()

    def _refuse(self, error: ProtocolError) -> None:
        log.error("protocol: %s", error)
        with contextlib.suppress(Closed):
            self._connection.send_error(Code.PROTOCOL, error.message())

    def _give_up(self) -> None:
        with self._lock:
            job = self._job
        if job is not None:
            job.stop()
        if self._worker is not None:
            self._worker.join()
        self._pools.close()

    def _take(self, message: Message) -> None:
        try:
            if message.type in (Type.RENDER, Type.ANALYSE):
                self._begin(message)
            elif message.type is Type.CANCEL:
                Reader(message.body).end()
                job = self._job
                if job is not None and job.number == message.request:
                    job.stop()
            elif message.type is Type.GIVE:
                self._hand_over(message)
            elif message.type in (Type.MAP, Type.UNMAP):
                self._change_pools(message)
            else:
                raise ProtocolError(f"{message.type.name} on a lane")
        finally:
            message.close()

    def _change_pools(self, message: Message) -> None:
        self._demand_idle(message)
        body = Reader(message.body)
        number = body.number("I")
        try:
            if message.type is Type.MAP:
                body.zero(4)
                size = body.number("Q")
                body.end()
                descriptor = message.take()
                try:
                    self._pools.map(number, descriptor, size)
                finally:
                    close_descriptor(descriptor)
            else:
                body.end()
                self._pools.unmap(number)
        except ProtocolError:
            raise
        except Exception as error:
            code, text = judged(error)
            self._connection.send_error(code, text, message.request)
        else:
            self._connection.send(Type.OK, request=message.request)

    def _demand_idle(self, message: Message) -> None:
        if message.request == 0:
            raise ProtocolError(f"{message.type.name} has request 0")
        if self._job is not None:
            raise ProtocolError(f"{message.type.name} while request {self._job.number} runs")

    def _begin(self, message: Message) -> None:
        self._demand_idle(message)
        analyses = message.type is Type.ANALYSE
        request = read_request(message.body, analyse=analyses)
        for picture in request.pictures:
            self._pools.view(picture)  # whatever lies outside a pool is refused before any work
        job = Job(message.request)
        self._job = self._latest = job
        work = self._analyse if analyses else self._render
        self._worker = threading.Thread(
            target=self._work, args=(job, request, work), name=f"request-{request.node}", daemon=True
        )
        self._worker.start()

    def _work(self, job: Job, request: Request, work: Callable[[Job, Request], tuple[Type, Writer]]) -> None:
        began = time.perf_counter()
        with self._server.working():
            kind, writer, outcome = self._answer(job, request, work)
        breaks = outcome.startswith("protocol")
        log.info("%s %d: %s, %.0f ms", request.node, request.number, outcome, 1e3 * (time.perf_counter() - began))
        with self._lock:
            self._job = None  # before the answer goes: the next request may follow it at once
        with contextlib.suppress(Closed):
            self._connection.send(kind, writer, job.number)
        if breaks:
            self.shut()

    def _answer(
        self, job: Job, request: Request, work: Callable[[Job, Request], tuple[Type, Writer]]
    ) -> tuple[Type, Writer, str]:
        """The answer's type, body, and a word for the log. Nothing of the request is held afterwards."""
        try:
            kind, writer = work(job, request)
        except BaseException as error:
            code, text = judged(error)
            if code is Code.INTERNAL:
                log.error("%s %d", request.node, request.number, exc_info=error)
            line = " ".join(text.split())
            return Type.ERROR, Writer().numbers("HH", code, 0).text(line, 8192), f"{code.name.lower()}: {line}"
        return kind, writer, kind.name.lower()

    def _render(self, job: Job, request: Request) -> tuple[Type, Writer]:
        from wetgate.surfaces.worker.rendering import render

        done = render(request, self._pools.view, job.abort.check, self._server.threads)
        lines = [done.warning, *done.notes] if done.warning else done.notes
        writer = Writer().numbers("B", done.picture).raw(bytes(2)).numbers("B", int(bool(done.warning)))
        return Type.DONE, writer.text("\n".join(lines), 8192)

    def _analyse(self, job: Job, request: Request) -> tuple[Type, Writer]:
        from wetgate.surfaces.worker.analysing import analyse
        from wetgate.surfaces.worker.documents import MOST_HELD, held

        def fetch(number: int) -> tuple[Picture, Image] | None:
            return self._fetch(job, number)

        progress = _Throttled(
            lambda share: self._connection.send(Type.PROGRESS, Writer().numbers("d", share), job.number)
        )
        try:
            document, found = analyse(request, fetch, job.abort.check, progress, log.info, self._server.threads)
        finally:
            job.abort.set()  # so that nothing is fetched any more
        return Type.ANALYSED, Writer().text(held(document, request.records), MOST_HELD).text(found, _MOST_FOUND)

    def _fetch(self, job: Job, number: int) -> tuple[Picture, Image] | None:
        """Ask the host for a frame; a copy of its pixels, or None where it has none."""
        job.abort.check()
        job.asks.set()
        self._connection.send(Type.FETCH, Writer().numbers("i", number), job.number)
        message = job.given.get()
        job.abort.check()
        if message is None:
            raise Interrupted("cancelled")
        body = Reader(message.body)
        status = body.number("B")
        body.zero(3)
        if status == _CANCELLED:
            raise Interrupted("cancelled")
        if status == _MISSING:
            body.end()
            return None
        if status != _GIVEN:
            raise ProtocolError(f"GIVE has status {status}")
        picture = read_picture(body)
        body.end()
        if picture.role != SOURCE:
            raise ProtocolError(f"GIVE has a picture of role {picture.role}")
        return picture, self._pools.view(picture).copy()

    def _hand_over(self, message: Message) -> None:
        job = self._latest  # also after its answer: a GIVE may cross the answer to a CANCEL on its way, and is dropped
        if job is None or job.number != message.request or not job.asks.is_set():
            raise ProtocolError("GIVE that nobody asked for")
        job.asks.clear()
        job.given.put(message)


class _Throttled:
    """Progress at most twenty times a second."""

    def __init__(self, send: Callable[[float], None]) -> None:
        self._send = send
        self._last = 0.0

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._last >= _PROGRESS_EVERY:
            self._last = now
            self._send(min(max(share, 0.0), 1.0))


def judged(error: BaseException) -> tuple[Code, str]:
    """The code and the line of an error."""
    cause = error.__cause__ or error
    if (
        isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryError"
    ):  # torch's, which is not loaded here
        return Code.MEMORY, "there is not enough memory for this frame; close other programs, or work at a lower scale"
    table: tuple[tuple[type[BaseException], Code], ...] = (
        (Interrupted, Code.CANCELLED),
        (Closed, Code.CANCELLED),
        (LimitError, Code.LIMIT),
        (ProtocolError, Code.PROTOCOL),
        (ModelError, Code.MODEL),
        (UsageError, Code.USAGE),
        (FrameError, Code.FRAME),
    )
    for kind, code in table:
        if isinstance(error, kind):
            return code, str(error)
    return Code.INTERNAL, f"{type(error).__name__}: {error}; the worker's log says more"
