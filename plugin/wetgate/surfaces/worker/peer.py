"""A worker, started and greeted as the OFX shim does it: for ``wetgate hosts doctor`` and for tests."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wetgate
import wetgate.nodes
from wetgate.spec import UsageError, WorkerError, registry
from wetgate.surfaces.ofx_schema import schema_hash
from wetgate.surfaces.worker.connection import Closed, Connection
from wetgate.surfaces.worker.messages import PROTOCOL, Reader, Type, Writer
from wetgate.surfaces.worker.peer_lane import LanePeer, Refused, refusal

# The variables that reach the worker (PROTOCOL.md 8).
_NAMES = ("HOME", "PATH", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "OCIO", "SSL_CERT_FILE")
_HEADS = ("LC_", "XDG_", "WETGATE_", "NVIDIA_", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that the worker gets."""
    return {name: value for name, value in environ.items() if name in _NAMES or name.startswith(_HEADS)}


def hello(kind: int, token: bytes, schema: bytes, protocol: int = PROTOCOL) -> Writer:
    """The body of HELLO."""
    writer = Writer().numbers("HH", protocol, kind).raw(token).raw(schema).numbers("I", os.getpid())
    return writer.text(wetgate.__version__, 64).text("wetgate", 256)


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the worker says of itself."""

    pid: int
    beat: int
    version: str
    log: str


def greet(connection: Connection, kind: int, token: bytes, schema: bytes, protocol: int = PROTOCOL) -> Welcome:
    """Say HELLO and take the WELCOME. :class:`Refused` where the worker will not have us."""
    connection.send(Type.HELLO, hello(kind, token, schema, protocol))
    message = connection.receive()
    if message.type is Type.ERROR:
        raise refusal(message)
    body = Reader(message.body)
    body.numbers("HH")
    body.raw(32)
    pid, beat = body.numbers("II")
    welcome = Welcome(pid, beat, body.text(64), body.text(4096))
    body.end()
    return welcome


class Peer:
    """A worker of our own, started as the shim starts it. Use it in a ``with`` block."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str] | None = None, **options: Any) -> None:
        if not hasattr(os, "posix_spawn") or not hasattr(socket, "send_fds"):
            raise UsageError("this system has no Unix sockets that carry descriptors", remedy="use the command line")
        self.token = secrets.token_bytes(32)
        self.schema: bytes = options.get("schema") or schema_hash(registry.nodes())
        self.began = time.perf_counter()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the peer)
        self._lanes: list[LanePeer] = []
        self.pid, self.control = self._start(command, environ or os.environ, options.get("token") or self.token)
        self.status: int | None = None
        self._said = ""
        try:
            self.welcome = greet(self.control, 0, self.token, self.schema)
        except (Closed, WorkerError) as error:
            self.close()
            if isinstance(error, Refused):
                raise
            raise WorkerError(f"the worker ended before it answered: {self.errors() or error}") from None

    def _start(self, command: Sequence[str], environ: Mapping[str, str], token: bytes) -> tuple[int, Connection]:
        """Start the process with what PROTOCOL.md 1 has it find; its id, and our end of the control connection."""
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        nothing = os.open(os.devnull, os.O_RDWR)
        try:
            os.write(writing, token)
            os.close(writing)
            pid = _spawn(command, environment(environ), nothing, self._errors.fileno(), theirs, reading)
        except BaseException:
            ours.close()
            self._errors.close()
            raise
        finally:
            theirs.close()
            os.close(reading)
            os.close(nothing)
        return pid, Connection(ours)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def lane(self) -> LanePeer:
        """A new lane, greeted."""
        connection = self.raw_lane()
        lane = LanePeer(connection)
        self._lanes.append(lane)
        greet(connection, 1, self.token, self.schema)
        return lane

    def raw_lane(self) -> Connection:
        """A new lane on which nothing was said."""
        ours, theirs = socket.socketpair()
        self.control.send(Type.LANE, descriptor=theirs.fileno())
        theirs.close()
        return Connection(ours)

    def errors(self) -> str:
        """What the worker wrote to its standard error."""
        if not self._errors.closed:
            self._errors.seek(0)
            self._said = self._errors.read(8192).decode("utf-8", "replace").strip()
        return self._said

    def wait(self, seconds: float) -> int | None:
        """The worker's exit code, or None where it still runs after that time (minus a signal's number)."""
        until = time.monotonic() + seconds
        while self.status is None and time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            else:
                time.sleep(0.005)
        return self.status

    def close(self) -> None:
        """Close all connections, on which the worker ends; kill it where it does not."""
        for lane in self._lanes:
            lane.close()
        self.control.close()
        if self.status is None and self.wait(5) is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait(5)
        self.errors()
        self._errors.close()


def _spawn(
    command: Sequence[str], environ: Mapping[str, str], nothing: int, errors: int, control: socket.socket, token: int
) -> int:
    """Start the command with exactly the descriptors of PROTOCOL.md 1; its process id."""
    import fcntl

    given = {0: nothing, 1: nothing, 2: errors, 3: control.fileno(), 4: token}
    # Copies above the targets, so that no dup2 overwrites one that is still to be placed.
    copies = {target: fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, 16) for target, source in given.items()}
    try:
        actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_DUP2, copy, target) for target, copy in copies.items()]
        actions += [(os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inherited() if descriptor not in given]
        return os.posix_spawn(command[0], list(command), environ, file_actions=actions, setpgroup=0)
    except OSError as error:
        raise WorkerError(f"{command[0]} cannot be started: {error.strerror}") from None
    finally:
        for copy in copies.values():
            os.close(copy)


def _inherited() -> list[int]:
    """Descriptors of this process that a new one would get."""
    found = []
    for name in (entry.name for entry in Path("/dev/fd").iterdir()):
        with contextlib.suppress(OSError):  # the one that lists the folder is closed by now
            if os.get_inheritable(int(name)):
                found.append(int(name))
    return found
