"""``openjd run`` in a process that does not outlive the one that started it.

The runner does not notice that nobody reads what it prints any more: after a kill -9 of ``wetgate submit --run`` it
would stay, with the session's worker and all that the worker has loaded.
"""

from __future__ import annotations

import os
import runpy
import signal
import threading
import time

from wetgate.surfaces.farm.warm import OWNER

_LOOK_EVERY_S = 0.5
_ENDS_WITHIN_S = 10.0  # the runner cancels its task and leaves the session, if it still can


def main() -> None:
    """The arguments are the runner's own."""
    os.environ[OWNER] = str(os.getpid())  # the session's worker ends when this does
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    runpy.run_module("openjd", run_name="__main__", alter_sys=True)


def _watch(parent: int) -> None:
    while os.getppid() == parent:  # once it has gone, another process has its place; Windows does not tell
        time.sleep(_LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_ENDS_WITHIN_S)
    os._exit(1)


if __name__ == "__main__":
    main()
