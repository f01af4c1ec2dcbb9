"""The bundle in a host of its own, without Python in between: memory over its life, and a frame's way there and back.

PYTHONPATH=plugin:tests .venv/bin/python -m bench.probe [--size 3840x2160] [--runs 15] [--no-memory]

``echo`` is the whole Render action beside the two copies that it needs; the worker is the real one, which finds
strength 0 and returns the source's place. Memory is the host's, and the worker there one that only echoes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench.timing import state_machine
from support.shim_builds import build_probe, echo_worker, run_probe
from wetgate.engine.pipeline import cores
from wetgate.surfaces.hosts.bundle import binaries, shipped, worker_command

LEAST_SCALING = 1.5  # of two render threads against one, on two processors that are free
MEMORY = {"renders": 2000, "cycles": 200, "loads": 50}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="3840x2160")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--no-memory", action="store_true")
    args = parser.parse_args()
    state_machine()
    binary = next(iter(binaries(shipped()).values()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        probe = build_probe(folder, "-O2")
        echo = echo_worker(folder)
        for mode, count in {} if args.no_memory else MEMORY.items():
            said = run_probe(probe, binary, [mode, str(count), "320x180"], echo).split()
            sizes = [int(size) for size in said[1::2]]
            print(f"{count} {mode}: resident {sizes[0]} KiB after the first, {sizes[-1]} after the last")
        launch = folder / "real.json"
        launch.write_text(json.dumps({"wetgate": 1, "command": worker_command()}), encoding="utf-8")
        launch.chmod(0o600)
        real = {"WETGATE_WORKER": str(launch)}
        said = run_probe(probe, binary, ["echo", str(args.runs), args.size], real).split()
        copies, trip, ratio = map(float, said[1::2])
        print(f"{args.size} RGBA float: two copies {copies:.1f} ms, Render {trip:.1f} ms, {ratio:.3f} times the copies")
        rates = {}
        for threads in (1, 2, 8):
            frames = ["threads", str(max(2, args.runs)), "1920x1080", str(threads), str(threads)]
            rates[threads] = float(run_probe(probe, binary, frames, echo).split()[1])
            print(f"{threads} threads, 1920x1080: {rates[threads]:.1f} frames/s")
        if cores() > 1 and rates[2] < LEAST_SCALING * rates[1]:
            raise SystemExit(f"two threads give {rates[2] / rates[1]:.2f} times one; at least {LEAST_SCALING} is asked")


if __name__ == "__main__":
    main()
