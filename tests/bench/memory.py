"""Peak memory of a render against the length of the shot: it must not grow.

PYTHONPATH=plugin:tests .venv/bin/python -m bench.memory [--lengths 50,200,1000] [--size 960x540] [-n hdr_lift:...]
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

import wetgate
from bench.timing import peak_mebibytes, scratch, state_machine
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", default="50,200,1000")
    parser.add_argument("--size", default="960x540")
    parser.add_argument("-n", dest="nodes", action="append", default=[])
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    lengths = [int(n) for n in args.lengths.split(",")]
    state_machine()
    plugin = str(Path(wetgate.__file__).parents[1])
    environment = {"PYTHONPATH": os.pathsep.join([plugin, os.environ.get("PYTHONPATH", "")])}
    with scratch() as folder:
        random = np.random.default_rng(1)
        pixels = random.uniform(0, 1, (height, width, 3)).astype(np.float32)
        first = folder / "in.0001.exr"
        wetgate.write(Frame(pixels, "srgb_display", 1), first, options=WriteOptions(depth="half", compression="zip"))
        for number in range(2, max(lengths) + 1):
            (folder / f"in.{number:04d}.exr").hardlink_to(first)
        peaks = []
        for length in lengths:
            command = [sys.executable, "-m", "wetgate.surfaces.cli.main", "render", str(folder / "in.####.exr")]
            command += ["-o", str(folder / f"out-{length}" / "out.####.exr"), "--frames", f"1-{length}"]
            command += ["--in-space", "srgb_display"]
            for node in args.nodes:
                command += ["-n", node]
            if args.nodes:
                command += ["--out-space", "rec2100_pq_display"]
            peaks.append(peak_mebibytes(command, environment))
            print(f"{length:6d} frames of {args.size}: peak {peaks[-1]:8.1f} MiB", flush=True)
        growth = (peaks[-1] - peaks[0]) / (lengths[-1] - lengths[0]) * 1024
        print(f"growth: {growth:.2f} KiB a frame, which is {growth / (pixels.nbytes / 1024):.4f} of a frame")


if __name__ == "__main__":
    main()
