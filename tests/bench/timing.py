"""How every benchmark here measures: warm-up, alternating runs, medians with their spread, and the machine named."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wetgate.engine.pipeline import cores
from wetgate.engine.record import machine, software


@dataclass(frozen=True)
class Timed:
    """Seconds of several runs."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def row(self, unit: str = "s", scale: float = 1.0) -> str:
        low, high = min(self.seconds) * scale, max(self.seconds) * scale
        return (
            f"{self.name:<34} {self.median * scale:9.3f} {unit}   ({low:.3f} to {high:.3f}, {len(self.seconds)} runs)"
        )


def processor() -> float:
    """Seconds of processor that this process and what it has run and waited for have taken: what a busy machine does
    not change."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def alternate(
    candidates: dict[str, Callable[[], object]],
    runs: int = 5,
    warm: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timed]:
    """Time the candidates in turn, A B A B, so that a drift of the machine's speed hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for index in range(warm + runs):
        for name, run in candidates.items():
            began = clock()
            run()
            if index >= warm:
                seconds[name].append(clock() - began)
    return {name: Timed(name, tuple(values)) for name, values in seconds.items()}


def compare(ours: Timed, peer: Timed) -> str:
    """One line that says who is ahead, wins and losses alike."""
    ratio = peer.median / ours.median
    verdict = "ahead" if ratio >= 1 else "BEHIND"
    return f"{ours.name} against {peer.name}: {ratio:.2f} times as fast ({verdict})"


def state_machine() -> None:
    """Print what the figures were measured on."""
    versions = software()
    print(f"{platform.system()} {platform.machine()}, {cores()} processors, {machine()['instructions']}")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))


def need(program: str) -> str:
    """A peer's program, or the end of the benchmark with a sentence."""
    path = shutil.which(program)
    if path is None:
        sys.exit(f"{program} is not installed: the peer of this benchmark (Debian: openimageio-tools)")
    return path


def peak_mebibytes(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Peak resident memory of a command, from the kernel's account of the finished child."""
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    env = {**os.environ, **(environment or {})}
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True, env=env)
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return int(done.stdout) / unit


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a benchmark's files, gone afterwards. WETGATE_BENCH_DIR names the disk to measure on."""
    with tempfile.TemporaryDirectory(prefix="wetgate-bench-", dir=os.environ.get("WETGATE_BENCH_DIR")) as folder:
        yield Path(folder)


def own_peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
