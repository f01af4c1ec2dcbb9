"""The warm worker of a farm session: one process that keeps libraries, configs and models loaded between tasks.

A session's ``start`` makes it, each task of the session hands it its work over a private local socket, ``stop`` ends
it. It also ends by itself when the session's folder has gone, when the process that started it has gone, or after a
while without work, so that nothing is left behind by a session that was killed. A task whose client goes away is given
up.

The folder holds ``wetgate-worker.json`` (readable by its owner alone): address and key. The key is proved by both ends
(:mod:`multiprocessing.connection`), and what follows are JSON messages.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from wetgate.engine.pipeline import Abort
from wetgate.spec import UsageError, WorkerError
from wetgate.surfaces.cli.progress import emit
from wetgate.surfaces.farm.tasks import Done

STARTS_WITHIN_S = 120.0  # a cold network disk may take most of a minute to import what is needed
_WATCH_EVERY_S = 1.0
# A process that starts the worker through sudo has gone by now; one that is still there is the session's own.
_OWNER_PROVED_S = 5.0
_ABORT_WITHIN_S = 60.0
# Set by whoever starts sessions itself and ends with them: the process whose end is the worker's.
OWNER = "WETGATE_SESSION_OWNER"


def _file(session: str) -> Path:
    return Path(session) / "wetgate-worker.json"


def start_worker(session: str, program: str, idle: float) -> None:
    """Start the worker of a session and wait until it answers. Raises :class:`WorkerError` with what it said if not."""
    folder = Path(session)
    if not folder.is_dir():
        raise UsageError(f"{session!r} is no folder", where="--session", remedy="give the session's working folder")
    _file(session).unlink(missing_ok=True)
    log = folder / "wetgate-worker.log"
    command = [program, "farm", "serve", "--session", session, "--idle", str(idle)]
    command += ["--owner", os.environ.get(OWNER) or str(os.getppid())]
    began = time.monotonic()
    apart: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        apart = {"creationflags": 0x00000008 | 0x00000200}  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **apart)
    except OSError as error:
        raise WorkerError(f"{program} cannot be started: {error.strerror}", remedy="check --program") from None
    while not _file(session).is_file():
        if process.poll() is not None or time.monotonic() - began > STARTS_WITHIN_S:
            said = " ".join(log.read_text(encoding="utf-8", errors="replace").split())
            raise WorkerError(f"the worker did not start: {said[-500:] or 'it said nothing'}", where=str(log))
        time.sleep(0.02)
    emit(f"openjd_status: worker {process.pid} is ready after {time.monotonic() - began:.1f} s")


def stop_worker(session: str) -> None:
    """End the worker of a session, if there is one."""
    connection = _connect(session)
    if connection is not None:
        with connection, contextlib.suppress(OSError, EOFError):
            connection.send_bytes(b'{"kind": "stop"}')
            connection.recv_bytes()


def ask(
    session: str, request: Mapping[str, Any], on_event: Callable[[Mapping[str, Any]], None], abort: Abort
) -> Done | None:
    """Have the worker carry a task out. None where none answers. An abort is passed on."""
    connection = _connect(session)
    if connection is None:
        return None
    with connection:
        try:
            connection.send_bytes(json.dumps(request).encode())
            asked = False
            while True:
                if not connection.poll(0.1):
                    if abort.is_set() and not asked:
                        connection.send_bytes(b'{"kind": "abort"}')
                        asked = True
                    continue
                message = json.loads(connection.recv_bytes())
                if message["event"] == "end":
                    return Done(**message["done"])
                on_event(message)
        except (OSError, EOFError):
            # It died at this task, of memory or of a fault of a library. To try it again is the manager's decision.
            return Done(1, error=f"the session's worker died; its log is {Path(session) / 'wetgate-worker.log'}")


def _connect(session: str) -> Any:
    try:
        where = json.loads(_file(session).read_text(encoding="utf-8"))
        return Client(where["address"], authkey=bytes.fromhex(where["key"]))
    except (OSError, EOFError, ValueError, KeyError):
        return None


def serve_session(session: str, owner: int, idle: float) -> int:
    """The worker: load what every render needs, then serve one task after the other until it is to end."""
    _preload()
    key = secrets.token_bytes(32)
    with Listener(authkey=key) as listener:
        server = _Server(session, owner, idle, str(listener.address), key)
        _announce(session, str(listener.address), key)
        threading.Thread(target=server.watch, daemon=True).start()
        while not server.ending.is_set():
            try:
                connection = listener.accept()
            except (OSError, EOFError):
                continue
            except Exception as error:  # multiprocessing.AuthenticationError: somebody without the key
                print(f"refused a caller: {error}", file=sys.stderr, flush=True)
                continue
            threading.Thread(target=server.serve, args=(connection,), daemon=True).start()
        server.finish()
    return 0


def _preload() -> None:
    """What every render imports and opens, so that the first task does not wait for it."""
    import wetgate.io.opening
    import wetgate.io.raster
    import wetgate.surfaces.farm.work  # noqa: F401
    from wetgate.color.config import ColorConfig

    ColorConfig.load()


def _announce(session: str, address: str, key: bytes) -> None:
    final = _file(session)
    temporary = final.with_suffix(".tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"address": address, "key": key.hex(), "pid": os.getpid()}, file)
    temporary.replace(final)


class _Server:
    def __init__(self, session: str, owner: int, idle: float, address: str, key: bytes) -> None:
        self.ending = threading.Event()
        self._session = session
        self._owner = owner
        self._idle = idle
        self._address = address
        self._key = key
        self._turn = threading.Lock()
        self._aborts: set[Abort] = set()
        self._last = time.monotonic()

    def serve(self, connection: Connection) -> None:
        """One caller: its request, then events, then the end."""
        with connection, contextlib.suppress(OSError, EOFError):
            request = json.loads(connection.recv_bytes())
            if request["kind"] == "stop":
                self._end()
                connection.send_bytes(b"{}")
                return
            self._work(connection, request)

    def _work(self, connection: Connection, request: Mapping[str, Any]) -> None:
        from wetgate.surfaces.farm.work import carry_out

        abort, sending = Abort(), threading.Lock()

        def send(message: Mapping[str, Any]) -> None:
            try:
                with sending:
                    connection.send_bytes(json.dumps(message).encode())
            except OSError:
                abort.set()

        def listen() -> None:
            with contextlib.suppress(OSError, EOFError):
                connection.recv_bytes()  # an abort, or the end of the caller
            abort.set()

        threading.Thread(target=listen, daemon=True).start()
        self._aborts.add(abort)
        try:
            with self._turn:
                os.chdir(request["folder"])  # paths are those of the caller
                done = carry_out(request["kind"], request["values"], request["moved"], send, abort)
        except Exception as error:
            done = Done(1, error=f"{type(error).__name__}: {error}")
            raise
        finally:
            self._last = time.monotonic()
            self._aborts.discard(abort)
            send({"event": "end", "done": asdict(done)})

    def watch(self) -> None:
        """End when nobody can want this worker any more."""
        began = time.monotonic()
        proved = os.environ.get(OWNER) == str(self._owner)
        while not self.ending.is_set():
            time.sleep(_WATCH_EVERY_S)
            now = time.monotonic()
            proved = proved or (now - began > _OWNER_PROVED_S and _lives(self._owner))
            idle = not self._aborts and now - self._last > self._idle
            if not _file(self._session).is_file() or idle or (proved and not _lives(self._owner)):
                self._end()

    def _end(self) -> None:
        self.ending.set()
        with contextlib.suppress(OSError, EOFError):  # accept() waits for somebody
            Client(self._address, authkey=self._key).close()

    def finish(self) -> None:
        """Give up what is being worked, and wait until it has left whole files only."""
        for abort in list(self._aborts):
            abort.set()
        self._turn.acquire(timeout=_ABORT_WITHIN_S)
        with contextlib.suppress(OSError):
            _file(self._session).unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    if os.name != "posix":
        return True  # there os.kill(pid, 0) would be a Ctrl-C
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
