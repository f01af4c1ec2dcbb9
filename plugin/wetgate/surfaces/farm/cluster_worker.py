"""What runs inside a Dask worker: who it is, a task at a time, and the end of a task that nobody wants any more.

A worker process stays, so libraries and models stay loaded from chunk to chunk. One task at a time works in it, with as
many threads as the worker was given: start one worker a GPU, or one for a number of cores.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wetgate.engine.pipeline import Abort

_turn = threading.Lock()
_aborts: dict[str, Abort] = {}


def identity() -> dict[str, str]:
    """What must be the same at both ends: versions of all that makes pixels, the nodes, and Dask itself."""
    from importlib import metadata

    import wetgate.nodes  # noqa: F401  (declares them)
    from wetgate.engine.record import digest, software
    from wetgate.spec import registry

    nodes = digest({name: node.schema() for name, node in registry.nodes().items()})
    return {**software(), "nodes": nodes[:12], **{name: metadata.version(name) for name in ("dask", "distributed")}}


def sees(paths: list[str]) -> list[str]:
    """Those of some paths that are not there, as this machine sees them."""
    return [path for path in paths if not Path(path).exists()]


def task(token: str, kind: str, values: Mapping[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    """Carry a farm task out; its :class:`~wetgate.surfaces.farm.tasks.Done` as plain data."""
    from wetgate.surfaces.farm.work import carry_out

    abort = _aborts.setdefault(token, Abort())
    try:
        with _turn:
            given = {**values, "threads": values.get("threads") or _threads()}
            return asdict(carry_out(kind, given, moved, lambda event: None, abort, accounts=True))
    finally:
        _aborts.pop(token, None)


def cancel(tokens: list[str]) -> None:
    """End these tasks, begun or not, at their next frame."""
    for token in tokens:
        _aborts.setdefault(token, Abort()).set()


def _threads() -> int:
    from distributed import get_worker

    return int(get_worker().state.nthreads)
