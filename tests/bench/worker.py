"""A frame's way to the worker and back, against the two copies of memory that it cannot do without.

PYTHONPATH=plugin:tests .venv/bin/python -m bench.worker [--size 3840x2160] [--runs 15]
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.timing import alternate, state_machine
from wetgate.spec import Image
from wetgate.surfaces.hosts.bundle import worker_command
from wetgate.surfaces.worker.messages import Writer
from wetgate.surfaces.worker.peer import Peer
from wetgate.surfaces.worker.peer_lane import Ask, Given, LanePeer
from wetgate.surfaces.worker.pools import OUTPUT

_LIFT = Ask("hdr_lift", {"strength": 0.0}, input_space="ACEScg")


class Way:
    """One lane with its pool warm, and a host's source and destination beside it."""

    def __init__(self, lane: LanePeer, picture: Image) -> None:
        self.lane = lane
        self.source = picture
        self.target = np.zeros_like(picture)
        self.number, (self.offset, self.out) = lane.place([Given(picture)], room=1)
        count = picture.size
        array = lane.pools[self.number].array
        self.slot = array[self.offset // 4 : self.offset // 4 + count].reshape(picture.shape)
        self.result = array[self.out // 4 : self.out // 4 + count].reshape(picture.shape)
        self.copies()

    def trip(self, ask: Ask) -> None:
        """Copy in, ask, wait, copy out."""
        np.copyto(self.slot, self.source)
        writer = Writer()
        ask.write(writer)
        writer.numbers("I", 2)
        Given(self.source).describe(writer, self.number, self.offset)
        Given(self.source, OUTPUT).describe(writer, self.number, self.out)
        picture = self.lane.ask(writer)
        np.copyto(self.target, self.slot if picture == 0 else self.result)

    def copies(self) -> None:
        """What a trip cannot do without."""
        np.copyto(self.slot, self.source)
        np.copyto(self.target, self.slot)


def _together(ways: Sequence[Way], ask: Ask) -> None:
    threads = [threading.Thread(target=way.trip, args=(ask,)) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="3840x2160")
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    picture = np.random.default_rng(1).random((height, width, 4), np.float32)
    state_machine()
    began = time.perf_counter()
    with Peer(worker_command()) as peer:
        lift = replace(_LIFT, values={"method": "bt2446a"}, output_space="rec2100_pq_display")
        peer.lane().render(lift, [Given(picture[:270, :480])])
        print(f"cold worker to the first frame of hdr_lift, 480x270: {time.perf_counter() - began:.3f} s")
        way = Way(peer.lane(), picture)
        timed = alternate({"two copies": way.copies, "echo": lambda: way.trip(_LIFT)}, args.runs, warm=3)
        for result in timed.values():
            print(result.row("ms", 1e3))
        print(f"an echo takes {timed['echo'].median / timed['two copies'].median:.3f} times the copies it needs")
        for count in (1, 2, 8):
            small = [Way(peer.lane(), picture[: height // 2, : width // 2].copy()) for _ in range(count)]
            turns = alternate(
                {f"hdr_lift, {count} at once": lambda s=small: _together(s, lift)}, max(3, args.runs // 3)
            )
            for result in turns.values():
                print(result.row("ms", 1e3), f"  {count / result.median:7.2f} frames/s")


if __name__ == "__main__":
    main()
