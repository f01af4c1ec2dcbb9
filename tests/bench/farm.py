"""What a warm worker saves a chunk, and how a Dask cluster of one and of two workers scales against one process.

PYTHONPATH=plugin:tests .venv/bin/python -m bench.farm [--frames 48] [--size 960x540] [--runs 3] [--node NODE]

Every worker has one processor and one thread, so that the limit of two is twice one; the command that gives them work
and checks every frame has what they leave. The whole-shot analysis is made once before: on a farm too it is one task,
which no number of workers makes shorter. Seconds of processors do not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import wetgate.nodes  # noqa: F401  (declares them)
from bench.timing import alternate, scratch, state_machine
from wetgate import write
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame
from wetgate.spec.registry import nodes

WETGATE = [sys.executable, "-m", "wetgate.surfaces.cli.main"]
WARM = ["-n", "grain:engine=spectral"]


def _make(folder: Path, frames: int, width: int, height: int) -> None:
    random = np.random.default_rng(1)
    for number in range(1001, 1001 + frames):
        pixels = random.uniform(0, 1, (height, width, 3)).astype(np.float32)
        write(Frame(pixels, "ACEScg", number), folder / "in.####.exr", options=WriteOptions(depth="half"))


def _run(*arguments: object) -> None:
    subprocess.run([*WETGATE, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _warm(folder: Path, runs: int) -> None:
    session = folder / "session"
    session.mkdir()
    program = folder / "wetgate"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wetgate.surfaces.cli.main "$@"\n')
    program.chmod(0o755)
    _run("farm", "analyze", folder / "in.####.exr", "-o", folder / "out/x.####.exr", *WARM)
    _run("farm", "start", "--session", session, "--program", program)

    def chunk(*more: object) -> None:
        for frame in (folder / "out").glob("x.*.exr"):
            frame.unlink()
        asked = ["farm", "chunk", folder / "in.####.exr", "-o", folder / "out/x.####.exr", *WARM, "--frames", "1001"]
        _run(*asked, *more)

    timed = alternate({"cold": chunk, "warm": lambda: chunk("--session", session)}, runs)
    _run("farm", "stop", "--session", session)
    print("\na chunk of one frame, from the start of the task's process to its end")
    for row in timed.values():
        print(row.row())
    print(f"a warm chunk takes {timed['warm'].median / timed['cold'].median:.2f} of a cold one")


class _Meter:
    """What a render costs: seconds of the clock with and without the start of its program, and of processors."""

    def __init__(self, workers: list[subprocess.Popen[bytes]]) -> None:
        self._workers = workers
        self._alone: dict[str, list[float]] = {}
        self._spent: dict[str, list[tuple[float, float]]] = {}

    def of(self, name: str, run: Callable[[], float]) -> Callable[[], None]:
        """The step, measured each time; it returns the seconds that the render itself took."""

        def measured() -> None:
            before = self._now()
            self._alone.setdefault(name, []).append(run())
            after = self._now()
            self._spent.setdefault(name, []).append((after[0] - before[0], after[1] - before[1]))

        return measured

    def row(self, name: str) -> str:
        """Medians, without the warm-up."""
        own, others = (statistics.median(column) for column in zip(*self._spent[name][1:], strict=True))
        return (
            f"{name:<34} {self.alone(name):9.3f} s    processors: {own:.2f} s in the command, {others:.2f} s in workers"
        )

    def alone(self, name: str) -> float:
        return statistics.median(self._alone[name][1:])

    def _now(self) -> tuple[float, float]:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        ticks = 0
        for process in self._workers:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # utime and stime: proc(5), counted from the state
        return children.ru_utime + children.ru_stime, ticks / os.sysconf("SC_CLK_TCK")


def _start(command: list[str], folder: Path, core: int | None = None) -> subprocess.Popen[bytes]:
    """A process of the cluster, on one processor where that is given."""

    def bind() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    return subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        preexec_fn=bind,
    )


def _cluster(folder: Path, frames: int, runs: int, chunk: int, node: str) -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        sys.exit("two processors are needed to see how two workers scale")
    state = folder / "scheduler.json"
    options = ["--scheduler-file", str(state), "--no-dashboard", "--host", "127.0.0.1"]
    processes = [_start(["distributed.cli.dask_scheduler", *options, "--port", "0"], folder)]
    one = ["distributed.cli.dask_worker", *options, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
    try:
        for core, offered in zip(cores, (["A=1", "B=1"], ["B=1"]), strict=True):  # asked for A, one worker; for B, both
            processes.append(_start([*one, "--resources", " ".join(offered)], folder, core))
        while not state.exists() or not state.read_text().strip().endswith("}"):
            time.sleep(0.1)
        address = json.loads(state.read_text())["address"]
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)

        def render(*more: object, on: set[int] | None = None) -> float:
            shutil.rmtree(folder / "out", ignore_errors=True)
            made = ["--analysis", folder / "shot.json"] if (folder / "shot.json").exists() else []
            asked = [
                "render",
                folder / "in.####.exr",
                "-o",
                folder / "out/x.####.exr",
                "-n",
                node,
                *made,
                *more,
                "--json",
            ]
            said = subprocess.run(
                [*WETGATE, *map(str, asked)],
                check=True,
                capture_output=True,
                text=True,
                preexec_fn=(lambda: os.sched_setaffinity(0, on)) if on else None,
            ).stdout
            return float(next(e["seconds"] for e in map(json.loads, said.splitlines()) if e["event"] == "done"))

        if nodes()[node.partition(":")[0]].analyzes:
            _run("analyze", folder / "in.####.exr", "-o", folder / "shot.json", "-n", node)
        dask = ["--engine", "dask", "--scheduler", address, "--chunk", chunk, "--resources"]
        meter = _Meter(processes)
        steps: dict[str, Callable[[], float]] = {
            "one process on one processor": lambda: render(on={cores[0]}),
            "one process on two processors": lambda: render(on=set(cores)),
            "one worker of one processor": lambda: render(*dask, "A"),
            "two workers of one processor each": lambda: render(*dask, "B"),
        }
        load = os.getloadavg()[0]
        timed = alternate({name: meter.of(name, step) for name, step in steps.items()}, runs)
        loads = f"load before {load:.1f}, after {os.getloadavg()[0]:.1f}"
        print(f"\n{frames} frames through {node}, chunks of {chunk}; {loads}")
        print("with the start of the command, and the cluster's connection:")
        for row in timed.values():
            print(row.row())
        print("the render alone, every frame checked on the disk:")
        for name in timed:
            print(meter.row(name))
        alone, threaded, single, both = (meter.alone(name) for name in steps)
        print(f"one worker to two: {single / both:.2f} times as fast (limit 2)")
        print(f"one process on one processor to two workers: {alone / both:.2f} times as fast (limit 2)")
        print(f"one process on two processors to two workers: {threaded / both:.2f} times as fast")
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--chunk", type=int, default=8)
    parser.add_argument("--node", default="grain:engine=spectral")
    parser.add_argument("--cluster", action="store_true", help="Leave the warm worker of a session out.")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    state_machine()
    with scratch() as folder:
        _make(folder, args.frames, width, height)
        if not args.cluster:
            _warm(folder, args.runs)
        _cluster(folder, args.frames, args.runs, args.chunk, args.node)


if __name__ == "__main__":
    main()
