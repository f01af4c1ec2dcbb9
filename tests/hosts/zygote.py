"""Runs many ``wetgate`` commands, each in a process of its own, without loading Wetgate anew for each.

Requests are JSON lines: arguments, environment and folder. Each is carried out in a fork, which may be killed; the
answer is its exit code, as :mod:`subprocess` has it.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    import typer

    import wetgate.engine.render
    import wetgate.surfaces.cli.resolving  # noqa: F401
    from wetgate.surfaces.cli.main import app

    command = typer.main.get_command(app)  # built once, and not in every process
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _carry_out(command, request)
        _, status = os.waitpid(pid, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


def _carry_out(command: Callable[..., object], request: dict) -> None:
    """In the child: never returns."""
    code = 1
    os.fsync = lambda descriptor: None  # a killed process, unlike a power cut, loses nothing that it wrote
    try:
        out = os.open(request["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        try:
            command(args=request["arguments"])
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
