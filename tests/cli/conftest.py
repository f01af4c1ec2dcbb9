"""The command line under test: in this process where it can be, as a child where it must be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import wetgate
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame
from wetgate.surfaces.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs ``wetgate ...`` in this process."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        code = 0
        try:
            main([str(a) for a in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def child(*arguments: object, cwd: Path, **more: object) -> subprocess.Popen[str]:
    """``wetgate ...`` as a process of its own. ``WETGATE_TEST_NODES`` declares the sample nodes in it."""
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "plugin"), str(root / "tests")])}
    command = [sys.executable, "-m", "support.cli_with_samples", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more
    )


def picture(number: int, size: tuple[int, int] = (24, 32), channels: int = 3) -> np.ndarray:
    """A small scene-linear picture with light above 1 and below 0, different at every frame number."""
    random = np.random.default_rng(number)
    return random.uniform(-0.1, 3.0, (*size, channels)).astype(np.float32)


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    """Frames 1001 to 1008 of a float EXR sequence in ACEScg; the folder they are in."""
    for number in range(1001, 1009):
        frame = Frame(picture(number), "ACEScg", number)
        wetgate.write(frame, tmp_path / f"plate.{number}.exr", options=WriteOptions(depth="float", compression="zip"))
    return tmp_path
