"""Does an installed bundle describe every node and render with it? Found out in a process of its own.

A damaged binary can take down whatever loads it, so the doctor never does: :func:`verify` starts this file by its path,
and :func:`main` prints one JSON line for each node.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SPACES = ("rec1886_rec709_display", "rec2100_pq_display")
_WIDTH, _HEIGHT = 96, 54


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of one node, or of the bundle as a whole (``node`` is ""): ``error`` is "" where it is sound."""

    node: str
    error: str


def verify(bundle: Path, seconds: float = 120.0) -> Iterator[Verified]:
    """Load the bundle in Wetgate's own OFX host, describe every node and render one frame of each."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-I", str(Path(__file__).resolve()), str(bundle)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environ, check=False)
    except subprocess.TimeoutExpired:
        yield Verified("", f"it did not answer within {seconds:g} s")
        return
    for line in done.stdout.splitlines():
        yield _read(line)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        yield Verified("", f"the process that loaded it ended with {how}: {last[0]}")


def _read(line: str) -> Verified:
    try:
        said: Mapping[str, Any] = json.loads(line)
        return Verified(str(said["node"]), str(said["error"]))
    except (ValueError, KeyError, TypeError):
        return Verified("", f"it printed {line[:200]!r}")


def main(bundle: str) -> int:
    """Verify in this process, and print what was found."""
    place = str(Path(__file__).resolve().parents[3])
    if place not in sys.path:
        sys.path.insert(0, place)
    import wetgate.nodes  # noqa: F401  (declares the nodes)
    from wetgate.spec import registry
    from wetgate.surfaces.ofxhost import Host, find_binaries

    host = Host("strict")
    loaded = host.open(next(find_binaries(bundle)))
    for name in registry.nodes():
        print(json.dumps({"node": name, "error": _try(host, loaded, name)}), flush=True)
    loaded.unload()
    return 0


def _try(host: Any, loaded: Any, name: str) -> str:
    """One node in the host: "" where it renders and keeps to the specification."""
    import numpy as np

    from wetgate.spec import WetgateError, registry
    from wetgate.surfaces.ofxhost import ClipMedia, Plugin, render_frame

    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH].astype(np.float32)
    picture = np.ascontiguousarray(np.stack([x / _WIDTH, y / _HEIGHT, (x + y) / (_WIDTH + _HEIGHT)], axis=2))
    clip = ClipMedia(lambda number: picture, 0, 2, _WIDTH, _HEIGHT, 3, premultiplication="OfxImageOpaque")
    values = {"input_space_name": _SPACES[0]}
    if registry.get(name).hdr_output:
        values["output_space_name"] = _SPACES[1]
    try:
        plugin = Plugin(host, loaded, f"io.wetgate.{name}")
        plugin.load()
        try:
            instance = plugin.create({"Source": clip}, values)
            made = render_frame(plugin, instance, 1.0)
            plugin.destroy(instance)
        finally:
            plugin.unload()
    except WetgateError as error:
        said = [m.text for m in host.messages[-1:]]
        return "; ".join([error.message(), *said])
    if made.pixels.shape != picture.shape or not np.isfinite(made.pixels).all():
        return f"it made {made.pixels.shape} of {picture.shape}, or values that are not numbers"
    broken = [v.line() for v in host.report.violations]
    return broken[0] if broken else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
