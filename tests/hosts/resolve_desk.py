"""A desk with a fake Resolve on it: what the tests of ``wetgate resolve`` work at."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hosts.fake_resolve.state import FILE, KILL
from wetgate.surfaces.cli.main import main

API = Path(__file__).resolve().parent / "fake_resolve" / "api"
OLD, NEW = (20, 3, 1, 6), (21, 1, 0, 17)
GENERATIONS = [pytest.param(OLD, id="20.3"), pytest.param(NEW, id="21.1")]
COPY = "graph: wetgate.graph/1\nnodes: []\n"


@dataclass(frozen=True)
class Ran:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The JSON lines of one kind."""
        return [e for line in self.out.splitlines() if (e := json.loads(line)).get("event") == kind]


@dataclass
class Desk:
    """A folder with a project in a fake Resolve."""

    folder: Path
    items: dict[str, str]
    capsys: pytest.CaptureFixture[str]

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "resolve.json").read_text())
        return found

    def change(self, **more: Any) -> None:
        """Change the application's state, as a person at its window would."""
        (self.folder / "resolve.json").write_text(json.dumps(self.state | more))

    def item(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.state["items"][self.items[name]]
        return found

    def shown(self, name: str) -> dict[str, str]:
        """The properties of the clip that an item shows."""
        found: dict[str, str] = self.state["clips"][self.item(name)["clip"]]["properties"]
        return found

    def run(self, *arguments: object) -> Ran:
        """``wetgate resolve ...`` in this process, with results in ``restored``."""
        self.capsys.readouterr()
        code = 0
        try:
            main(["resolve", *map(str, arguments)])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = self.capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def restore(self, *arguments: object) -> Ran:
        return self.run("restore", "-o", self.folder / "restored", *arguments)


class Zygote:
    """Commands in processes of their own, which may be killed."""

    def __init__(self) -> None:
        root = Path(__file__).resolve().parents[2]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(root / "plugin"), str(root / "tests")]),
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, str(root / "tests" / "hosts" / "zygote.py")],
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, folder: Path, *arguments: object, kill_after: int | None = None) -> tuple[int, str]:
        """Exit code and what was printed; -9 where the process was killed, after so many changes."""
        env = {FILE: str(folder / "resolve.json"), "RESOLVE_SCRIPT_API": str(API)}
        env[KILL] = str(kill_after if kill_after is not None else 1_000_000)
        out = folder / "printed.txt"
        request = {"arguments": list(map(str, arguments)), "env": env, "cwd": str(folder), "out": str(out)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(json.loads(self._process.stdout.readline())), out.read_text()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(20)


def zygotes() -> Iterator[Zygote]:
    """For a fixture of a module's scope."""
    zygote = Zygote()
    yield zygote
    zygote.close()
