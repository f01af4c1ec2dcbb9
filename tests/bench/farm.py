"""What a warm worker saves a chunk, and how a Dask cluster of one and of two workers scales against one process.

PYTHONPATH=plugin:tests .venv/bin/python -m bench.farm [--frames 24] [--size 960x540] [--runs 3]

Every worker has one thread, and so has the single process: what is measured is the cost of chunks, of the scheduler,
and of reading every frame back, not of threads. The limit of the two workers is twice one worker. The whole-shot
analysis is made once before: on a farm too it is one task, which no number of workers makes shorter.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bench.timing import alternate, scratch, state_machine
from wetgate import write
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame

WETGATE = [sys.executable, "-m", "wetgate.surfaces.cli.main"]
NODE = ["-n", "grain:engine=spectral"]


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
    _run("farm", "analyze", folder / "in.####.exr", "-o", folder / "out/x.####.exr", *NODE)
    _run("farm", "start", "--session", session, "--program", program)

    def chunk(*more: object) -> None:
        for frame in (folder / "out").glob("x.*.exr"):
            frame.unlink()
        asked = ["farm", "chunk", folder / "in.####.exr", "-o", folder / "out/x.####.exr", *NODE, "--frames", "1001"]
        _run(*asked, *more)

    timed = alternate({"cold": chunk, "warm": lambda: chunk("--session", session)}, runs)
    _run("farm", "stop", "--session", session)
    print("\na chunk of one frame, from the start of the task's process to its end")
    for row in timed.values():
        print(row.row())
    print(f"a warm chunk takes {timed['warm'].median / timed['cold'].median:.2f} of a cold one")


def _cluster(folder: Path, frames: int, runs: int) -> None:
    state = folder / "scheduler.json"
    options = ["--scheduler-file", str(state), "--no-dashboard", "--host", "127.0.0.1"]
    start = [sys.executable, "-m"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    processes = [subprocess.Popen([*start, "distributed.cli.dask_scheduler", *options, "--port", "0"], **quiet)]  # type: ignore[call-overload]
    one = ["distributed.cli.dask_worker", *options, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
    try:
        for resources in ("A=1,B=1", "B=1"):  # asked for A, a render has one worker, for B both
            command = [*start, *one, "--resources", resources.replace(",", " ")]
            processes.append(subprocess.Popen(command, **quiet))  # type: ignore[call-overload]
        while not state.exists() or not state.read_text().strip().endswith("}"):
            time.sleep(0.1)
        address = json.loads(state.read_text())["address"]
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)

        def render(*more: object) -> None:
            shutil.rmtree(folder / "out", ignore_errors=True)
            made = ["--analysis", folder / "shot.json", "--threads", 1, *more]
            _run("render", folder / "in.####.exr", "-o", folder / "out/x.####.exr", *NODE, *made)

        _run("analyze", folder / "in.####.exr", "-o", folder / "shot.json", *NODE)
        dask = ["--engine", "dask", "--scheduler", address, "--chunk", 4, "--resources"]
        timed = alternate(
            {
                "one process": render,
                "one worker": lambda: render(*dask, "A"),
                "two workers": lambda: render(*dask, "B"),
            },
            runs,
        )
        print(
            f"\n{frames} frames, chunks of 4, one thread each, with the command's own start and every frame read back"
        )
        for row in timed.values():
            print(row.row())
        alone, single, both = (timed[name].median for name in ("one process", "one worker", "two workers"))
        print(f"one worker to two: {single / both:.2f} times as fast (limit 2)")
        print(f"two workers against one process: {alone / both:.2f} times as fast (limit 2)")
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    state_machine()
    with scratch() as folder:
        _make(folder, args.frames, width, height)
        _warm(folder, args.runs)
        _cluster(folder, args.frames, args.runs)


if __name__ == "__main__":
    main()
