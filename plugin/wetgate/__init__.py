"""Wetgate: colour-managed film and video restoration on scene-linear frames.

The public names are loaded when they are first used, so that importing the package costs next to nothing::

    import wetgate
    wetgate.render("plate.####.exr", "out.####.exr", nodes=["hdr_lift:method=bt2446a"],
                   in_space="srgb_tx", out_space="rec2100_pq_display")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "analyze": "wetgate.surfaces.api",
    "analyze_reel": "wetgate.surfaces.api",
    "degrade": "wetgate.surfaces.api",
    "measure": "wetgate.surfaces.api",
    "read": "wetgate.surfaces.api",
    "render": "wetgate.surfaces.api",
    "verify": "wetgate.surfaces.api",
    "write": "wetgate.surfaces.api",
    "run_graph": "wetgate.engine.direct",
    "run_node": "wetgate.engine.direct",
    "load_graph": "wetgate.engine.graph",
    "Frame": "wetgate.spec",
    "Box": "wetgate.spec",
    "WetgateError": "wetgate.spec",
}
__all__ = [
    "Box",
    "Frame",
    "WetgateError",
    "analyze",
    "analyze_reel",
    "degrade",
    "load_graph",
    "measure",
    "nodes",
    "read",
    "render",
    "run_graph",
    "run_node",
    "verify",
    "write",
]

if TYPE_CHECKING:
    from wetgate import nodes
    from wetgate.engine.direct import run_graph, run_node
    from wetgate.engine.graph import load_graph
    from wetgate.spec import Box, Frame, WetgateError
    from wetgate.surfaces.api import analyze, analyze_reel, degrade, measure, read, render, verify, write


def __getattr__(name: str) -> Any:
    if name == "nodes":
        return importlib.import_module("wetgate.nodes")
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'wetgate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
