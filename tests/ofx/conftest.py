"""What tests of the worker share: its command, and one that runs for a whole module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wetgate.surfaces.hosts.bundle import worker_command
from wetgate.surfaces.worker.peer import Peer


@pytest.fixture(scope="session")
def command() -> list[str]:
    """Starts the worker of this checkout."""
    made = worker_command()
    assert Path(made[0]) == Path(sys.executable).absolute()
    return made


@pytest.fixture(scope="module")
def worker(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """A worker of its own process, for all tests of a module."""
    state = tmp_path_factory.mktemp("state")
    with Peer(command, {"HOME": str(state), "PATH": "/usr/bin:/bin"}) as peer:
        yield peer
