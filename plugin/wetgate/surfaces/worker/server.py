"""The worker as a whole: the control connection, the lanes, the heartbeat, and when to end."""

from __future__ import annotations

import contextlib
import hmac
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import wetgate
from wetgate.engine.pipeline import cores
from wetgate.surfaces.worker.connection import Closed, Connection
from wetgate.surfaces.worker.lane import Lane
from wetgate.surfaces.worker.logs import log
from wetgate.surfaces.worker.messages import PROTOCOL, Code, ProtocolError, Reader, Type, Writer

BEAT = 0.5  # seconds
MOST_LANES = 128
_CONTROL, _LANE = range(2)


def lane_connection(descriptor: int) -> Connection:
    """The connection of a lane's descriptor. :class:`ProtocolError` where it is none."""
    if sys.platform == "win32":
        from wetgate.surfaces.worker.pipes import PipeConnection

        return PipeConnection(descriptor)
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        os.close(descriptor)
        raise ProtocolError(f"LANE came with what is no socket: {error}") from None
    if sock.type != socket.SOCK_STREAM or sock.family != socket.AF_UNIX:
        sock.close()
        raise ProtocolError("LANE came with another kind of socket")
    return Connection(sock)


@dataclass(slots=True)
class Server:
    """One worker. ``schema`` is the hash of the declared nodes, ``idle`` the seconds without a request after which it
    ends (0: never)."""

    token: bytes
    schema: bytes
    log_path: str = ""
    idle: float = 600.0
    most_lanes: int = MOST_LANES
    _lanes: set[Lane] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: int = 0
    _last: float = field(default_factory=time.monotonic)
    _ended: threading.Event = field(default_factory=threading.Event)

    def serve(self, control: Connection) -> None:
        """Serve until the control connection ends, or nothing was asked for long enough."""
        threading.Thread(target=self._beat, args=(control,), name="beat", daemon=True).start()
        try:
            if self.greet(control, lane=False):
                while True:
                    self._take(control)
        except Closed as end:
            log.info("the host closed the connection: %s", end)
        except ProtocolError as error:
            log.error("protocol: %s", error)
            with contextlib.suppress(Closed):
                control.send_error(Code.PROTOCOL, error.message())
        finally:
            self._ended.set()
            control.close()
            with self._lock:
                lanes = list(self._lanes)
            for lane in lanes:
                lane.shut()

    @property
    def threads(self) -> int:
        """Processors for one request, while as many run as do now. Results do not depend on it."""
        return max(1, cores() // max(1, self._running))

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """While a request runs."""
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._last = time.monotonic()

    def greet(self, connection: Connection, *, lane: bool) -> bool:
        """The handshake (PROTOCOL.md 3). False, and the reason sent, where the other end is refused."""
        message = connection.receive()
        message.close()
        if message.type is not Type.HELLO or message.header.descriptors:
            raise ProtocolError(f"{message.type.name} came before HELLO")
        body = Reader(message.body)
        protocol, kind = body.numbers("HH")
        refused: tuple[Code, str] | None = None
        if protocol != PROTOCOL:  # the rest of another protocol's HELLO means nothing to us
            refused = (
                Code.VERSION,
                f"the bundle speaks protocol {protocol}, the worker {PROTOCOL}: run wetgate hosts install",
            )
        else:
            token, schema = body.raw(32), body.raw(32)
            pid = body.number("I")
            version, host = body.text(64), body.text(256)
            body.end()
            if kind != (_LANE if lane else _CONTROL):
                raise ProtocolError(f"HELLO has kind {kind}")
            refused = self._judge(token, schema, version, lane)
        if refused is not None:
            log.error("refused: %s", refused[1])
            connection.send_error(*refused)
            return False
        if not lane:
            log.info("host %s (process %d), bundle %s, Wetgate %s", host, pid, version, wetgate.__version__)
        writer = Writer().numbers("HH", PROTOCOL, 0).raw(self.schema)
        writer.numbers("II", os.getpid(), round(1e3 * BEAT)).text(wetgate.__version__, 64).text(self.log_path, 4096)
        connection.send(Type.WELCOME, writer)
        return True

    def _judge(self, token: bytes, schema: bytes, version: str, lane: bool) -> tuple[Code, str] | None:
        if not hmac.compare_digest(token, self.token):
            return Code.TOKEN, "the token is wrong"
        if schema != self.schema:
            return Code.SCHEMA, (
                f"the bundle is of Wetgate {version}, the worker of Wetgate {wetgate.__version__}, and their nodes"
                " differ: run wetgate hosts install, then start the host again"
            )
        if lane:
            with self._lock:
                if len(self._lanes) > self.most_lanes:
                    return Code.LIMIT, f"there are {self.most_lanes} lanes already"
        return None

    def _take(self, control: Connection) -> None:
        message = control.receive()
        try:
            if message.type is not Type.LANE:
                raise ProtocolError(f"{message.type.name} on the control connection")
            Reader(message.body).end()
            descriptor = message.take()
        finally:
            message.close()
        connection = lane_connection(descriptor)
        lane = Lane(connection, self)
        with self._lock:
            crowded = len(self._lanes) >= 2 * self.most_lanes
            if not crowded:
                self._lanes.add(lane)
        if crowded:  # past any use: not even a thread to refuse it
            connection.close()
            return
        threading.Thread(target=self._run, args=(lane,), name="lane", daemon=True).start()

    def _run(self, lane: Lane) -> None:
        try:
            lane.serve()
        finally:
            with self._lock:
                self._lanes.discard(lane)

    def _beat(self, control: Connection) -> None:
        """Beats on busy lanes, and the end after a long time without a request."""
        while not self._ended.wait(BEAT):
            with self._lock:
                lanes = list(self._lanes)
                idle = self._running == 0 and time.monotonic() - self._last > self.idle > 0
            for lane in lanes:
                lane.beat()
            if idle:
                log.info("nothing was asked for %g s", self.idle)
                control.shut()
                return
