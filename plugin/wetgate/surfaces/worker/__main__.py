"""``python -I -m wetgate.surfaces.worker``, or this file by its path: the process that the shim starts."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wetgate.surfaces.worker.connection import Connection

_SOCKET = 3
_TOKEN = 4
_TOKEN_SIZE = 32


def main() -> int:
    """Take the descriptors that the shim left, and serve on them. The exit code: 0, or 2 where they are missing."""
    if __package__ in (None, ""):  # run by its path: this file's own Wetgate is the one that is meant
        place = str(Path(__file__).resolve().parents[3])
        if (
            place not in sys.path
        ):  # an installed one is there; OpenCV cannot be imported from a folder that is named twice
            sys.path.insert(0, place)
    try:
        token, control = _taken()
    except OSError as error:
        print(f"wetgate worker: this program is started by the OFX bundle ({error})", file=sys.stderr)
        return 2
    _die_first()
    from wetgate.surfaces.worker import logs

    path = logs.begin()
    import wetgate.nodes  # noqa: F401  (declares the nodes)
    from wetgate.spec import registry
    from wetgate.surfaces.ofx_schema import schema_hash
    from wetgate.surfaces.worker.server import Server

    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    Server(token, schema_hash(registry.nodes()), path, _idle_seconds()).serve(control)
    return 0


def _taken() -> tuple[bytes, Connection]:
    """The token and the control connection, which the shim has left for this process."""
    from wetgate.surfaces.worker.connection import Connection

    if sys.platform == "win32":
        from wetgate.surfaces.worker.pipes import PipeConnection, control_handle, read_token

        return _checked(read_token()), PipeConnection(control_handle())
    import socket

    with open(_TOKEN, "rb") as pipe:
        token = _checked(pipe.read(_TOKEN_SIZE + 1))
    sock = socket.socket(fileno=_SOCKET)
    sock.set_inheritable(False)
    return token, Connection(sock)


def _checked(token: bytes) -> bytes:
    if len(token) != _TOKEN_SIZE:
        raise OSError("no token came")
    return token


def _idle_seconds() -> float:
    try:
        seconds = float(os.environ.get("WETGATE_IDLE_SECONDS", ""))
    except ValueError:
        return 600.0
    return seconds if seconds >= 0 else 600.0


def _die_first() -> None:
    """Where memory runs out, the system ends this process rather than the host (proc(5), oom_score_adj)."""
    with contextlib.suppress(OSError):  # another system, or the score is higher already
        Path("/proc/self/oom_score_adj").write_text("500")


def _warm_up() -> None:
    """Load what the first frame needs while the handshake goes on; what fails here fails there, with its message."""
    try:
        importlib.import_module("wetgate.surfaces.worker.rendering")
        from wetgate.color.config import ColorConfig

        ColorConfig.load()
    except Exception:
        from wetgate.surfaces.worker.logs import log

        log.exception("warm-up")


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # threads that still render must not hold the process
