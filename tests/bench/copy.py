"""EXR sequence copy, fsync and hashes included, against ``oiiotool`` on the same files and the same processors.

PYTHONPATH=plugin:tests .venv/bin/python -m bench.copy [--frames 60] [--size 1920x1080] [--compression zip]
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np

from bench.timing import alternate, compare, need, scratch, state_machine
from wetgate import render, write
from wetgate.engine.job import Outcome
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame


def _make(folder: Path, frames: int, width: int, height: int, compression: str) -> None:
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([x / width, y / height, np.hypot(x - width / 2, y - height / 2) / width], axis=2)
    options = WriteOptions(depth="half", compression=compression)
    for number in range(1001, 1001 + frames):
        grain = random.normal(0, 0.01, picture.shape).astype(np.float32)
        write(Frame(picture + grain, "ACEScg", number), folder / "in.####.exr", options=options)


def _timeline(outcome: Outcome) -> None:
    """A row a stage, sixty columns over the run: how many of its threads were at work."""
    line = outcome.timeline
    spans = list(line.spans)
    end = max(s[3] for s in spans)
    print(f"\noverlap: {line.overlap():.2f} s of work for each second of the clock; share of each stage over time")
    for stage in ("read", "compute", "write"):
        cells = np.zeros(60)
        for name, _, begin, finish in spans:
            if name == stage:
                first, last = int(begin / end * 59.999), int(finish / end * 59.999)
                cells[first : last + 1] += 1
        print(f"{stage:>8} |" + "".join(" .:*#"[min(int(c), 4)] for c in cells) + "|")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--compression", default="zip")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    oiiotool = need("oiiotool")
    state_machine()
    with scratch() as folder:
        _make(folder, args.frames, width, height, args.compression)
        last: list[Outcome] = []

        def ours() -> None:
            shutil.rmtree(folder / "ours", ignore_errors=True)
            options = WriteOptions(compression=args.compression)
            last[:] = [render(folder / "in.####.exr", folder / "ours/out.####.exr", options=options)]

        def peer() -> None:
            shutil.rmtree(folder / "peer", ignore_errors=True)
            (folder / "peer").mkdir()
            span = f"1001-{1000 + args.frames}"
            command = [oiiotool, "--frames", span, str(folder / "in.%04d.exr"), "--compression", args.compression]
            command += ["-o", str(folder / "peer/out.%04d.exr")]
            subprocess.run(command, check=True)

        def peer_synced() -> None:
            peer()
            for path in (folder / "peer").iterdir():
                handle = os.open(path, os.O_RDONLY)
                os.fsync(handle)
                os.close(handle)

        candidates = {"wetgate": ours, "oiiotool": peer, "oiiotool, then fsync": peer_synced}
        timed = alternate(candidates, args.runs)
        print(f"{args.frames} frames of {args.size}, half, {args.compression}; wetgate hashes, syncs and renames")
        for result in timed.values():
            print(result.row(), f"  {args.frames / result.median:7.2f} frames/s")
        print(compare(timed["wetgate"], timed["oiiotool"]))
        print(compare(timed["wetgate"], timed["oiiotool, then fsync"]))
        _timeline(last[0])


if __name__ == "__main__":
    main()
