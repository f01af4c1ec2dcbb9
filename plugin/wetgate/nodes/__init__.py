"""The shipped nodes, one file each. Importing this package declares them all.

Each node is also a plain function of its id: ``wetgate.nodes.hdr_lift(frames, peak=1000, in_space="srgb_tx")``;
see :func:`wetgate.run_node` for what ``frames`` may be.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from wetgate.spec import registry
from wetgate.spec.node import Call, Node

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


def _run(node: Node, frames: Any, **options: Any) -> Any:
    import wetgate

    return wetgate.run_node(node, frames, **options)


# A node's module and its function share a name: importing the module binds the module, so the function is bound after.
for _module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
for _node in registry.nodes().values():
    globals()[_node.id] = Call(_node, _run)
