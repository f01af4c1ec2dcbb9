"""Whole frames: the bundle in a host of its own, and workers that break the protocol, are stopped, or die, by turns.

Shim, sockets and memory are the real ones; the worker is ``targets/worker.cpp``, whose harm follows from a seed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from fuzz.shim_targets import BRIDGE, HERE, PROBE

SIZE = "53x37"
_AT_ONCE = 60  # frames of one host
# A worker that is stopped is waited for; none is left alone.
_PATIENCE = {"WETGATE_HANG_SECONDS": "0.2", "WETGATE_START_SECONDS": "0.5", "WETGATE_RESTART_SECONDS": "0.001"}


def compiled(source: Path, program: Path, *flags: str) -> Path:
    """A program of one file. :class:`OSError` where there is no compiler, or it fails."""
    for compiler in ("c++", "g++", "clang++"):
        command = [compiler, "-std=c++17", "-O1", "-g", f"-I{BRIDGE / 'include'}", str(source), *flags]
        try:
            done = subprocess.run(
                [*command, "-o", str(program), "-ldl", "-pthread"], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            continue
        if done.returncode != 0:
            raise OSError(done.stderr[-2000:])
        return program
    raise OSError("there is no C++ compiler")


def faults(folder: Path) -> Path:
    """The host around which everything fails (tests/ofx/probe/faults.cpp)."""
    return compiled(PROBE / "faults.cpp", folder / "faults", "-rdynamic")


def worker(folder: Path) -> Path:
    return compiled(HERE / "worker.cpp", folder / "worker")


def launch_file(folder: Path, *command: str) -> dict[str, str]:
    """The variables with which the shim starts this command as its worker."""
    file = folder / "worker.json"
    file.write_text(json.dumps({"wetgate": 1, "command": command}), encoding="utf-8")
    file.chmod(0o600)
    folder.chmod(0o700)
    return {**_PATIENCE, "WETGATE_WORKER": str(file)}


def survive(host: Path, harm: Path, binary: Path, folder: Path, seed: int, count: int) -> str:
    """``count`` frames from a seed on; what the host printed. :class:`AssertionError` where it ends, or hangs."""
    calm, numbers = folder / "calm", folder / "seeds"
    calm.unlink(missing_ok=True)
    numbers.write_text(str(seed))
    variables = launch_file(folder, str(harm), str(numbers), str(calm))
    command = [str(host), str(binary), "io.wetgate.hdr_lift", "survive", str(count), SIZE, str(calm)]
    # A worker that is ended takes a second at most (waits for its last words and for its end).
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, timeout=120 + 10 * count, check=False
    )
    said = done.stderr.decode("utf-8", "replace")[-3000:]
    assert done.returncode == 0, f"seed {seed}: status {done.returncode}\n{done.stdout.decode()[-1000:]}\n{said}"
    done.stderr.decode("utf-8")  # what a host is told is UTF-8
    return done.stdout.decode()


def starve(host: Path, worker_program: Path, binary: Path, folder: Path) -> dict[str, tuple[int, int]]:
    """One failing call of each kind in each frame; by kind how many frames failed, and in how many the call did."""
    variables = {**os.environ, **launch_file(folder, str(worker_program))}
    command = [str(host), str(binary), "io.wetgate.hdr_lift", "starve", "500", SIZE]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    words = done.stdout.split()
    figures = [tuple(map(int, figure.split("/"))) for figure in words[1::2]]
    return {name: (failed, fired) for name, (failed, fired) in zip(words[::2], figures, strict=True)}


def for_seconds(seconds: float, folder: Path, seed: int) -> Iterator[str]:
    """Hosts one after the other, for so long."""
    folder.mkdir(parents=True, exist_ok=True)
    host, harm = faults(folder), worker(folder)
    made = subprocess.run([sys.executable, str(BRIDGE / "build.py")], capture_output=True, text=True, check=True)
    binary = Path(made.stdout.split()[-1])
    until = time.monotonic() + seconds
    failed = hosts = 0
    while time.monotonic() < until:
        failed += int(survive(host, harm, binary, folder, seed + 1000 * hosts, _AT_ONCE).split()[1])
        hosts += 1
    yield f"frames: {hosts} hosts, {hosts * _AT_ONCE} frames, {failed} of them failed as they must; none ended its host"
