"""A long run over everything: ``python3 install/bootstrap.py fuzz [--seconds 3600] [--part PART]``.

What is found is kept in ``--keep`` (ofx_bridge/build/fuzz/found), and the exit code is 1. To have it tried by every
test run from then on, it is copied to ``tests/fuzz/regressions/PART``. A corpus grows beside the targets and is used
again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from fuzz import frames, seeds, shim_targets, worker_streams
from wetgate.surfaces.hosts.bundle import worker_command

# Shares of the time.
PARTS = {"session": 0.3, "host": 0.25, "launch": 0.05, "worker": 0.25, "frames": 0.15}
_BUILD = shim_targets.BRIDGE / "build" / "fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(prog="bootstrap.py fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--part", choices=sorted(PARTS), action="append", help="only this one; may be given again")
    parser.add_argument("--keep", type=Path, default=_BUILD / "found")
    given = parser.parse_args()
    parts = {name: share for name, share in PARTS.items() if not given.part or name in given.part}
    failed = []
    for name, share in parts.items():
        seconds = given.seconds * share / sum(parts.values())
        print(f"{name}: {seconds:.0f} s", flush=True)
        try:
            for line in _run(name, seconds, given.keep / name):
                print(line, flush=True)
        except AssertionError as error:
            print(f"{name}: FOUND SOMETHING\n{error}", flush=True)
            failed.append(name)
    if failed:
        print(f"found something: {', '.join(failed)}; the inputs are in {given.keep}")
    return 1 if failed else 0


def _run(name: str, seconds: float, kept: Path) -> Iterator[str]:
    if name == "worker":
        yield from worker_streams.against_process(worker_command(), seconds, int(time.time()), kept)
        return
    if name == "frames":
        yield from frames.for_seconds(seconds, _BUILD / "frames", int(time.time()))
        return
    using = shim_targets.compiler()
    program = shim_targets.build(using, workers=2)[name]
    corpus = _BUILD / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds.write(name, corpus)
    options = [f"-max_total_time={max(1, round(seconds))}", "-max_len=4096", "-rss_limit_mb=0", "-malloc_limit_mb=2048"]
    words = shim_targets.run(program, [corpus, *shim_targets.regressions(name)], options, kept, seconds + 600)
    figures = [line for line in words.splitlines() if "DONE" in line or line.startswith("Done")]
    yield f"{name} ({using.name}): " + "; ".join(figures or words.splitlines()[-1:])


if __name__ == "__main__":
    sys.exit(main())
