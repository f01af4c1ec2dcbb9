#!/usr/bin/env python3
"""Proves an installed OFX bundle: every node described, and one frame of each rendered through it.

python3 install/verify.py                    every bundle where hosts look
python3 install/verify.py BUNDLE.ofx.bundle  this one

Run it with the Python that Wetgate is installed in (.venv/bin/python in a checkout). The exit code is 0 where all is
sound, 1 where something is not, 2 where there is no bundle.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Verify, and print a line for each node."""
    from wetgate.surfaces.hosts.machine import Machine
    from wetgate.surfaces.hosts.places import bundles
    from wetgate.surfaces.hosts.verify import verify

    found = [Path(a) for a in arguments] or list(bundles(Machine()))
    if not found:
        print("verify: no bundle is installed: run wetgate hosts install", file=sys.stderr)
        return 2
    sound = True
    for bundle in found:
        for result in verify(bundle):
            sound = sound and not result.error
            print(f"{bundle}: {result.node or 'the bundle'}: {result.error or 'renders'}")
    return 0 if sound else 1


if __name__ == "__main__":
    if importlib.util.find_spec("wetgate") is None:  # not installed: the checkout's own
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugin"))
    sys.exit(main(sys.argv[1:]))
