"""``wetgate nodes``: light, for it answers while a person waits."""

from __future__ import annotations

import json
import textwrap

import wetgate
import wetgate.nodes
from wetgate.spec import Node, registry

NODES_SCHEMA = "wetgate.nodes/1"


def nodes_document() -> dict[str, object]:
    """All nodes as plain JSON; its schema is ``wetgate/schemas/nodes.schema.json``."""
    return {
        "schema": NODES_SCHEMA,
        "version": wetgate.__version__,
        "nodes": [n.schema() for n in registry.nodes().values()],
    }


def print_nodes(node_id: str | None, as_json: bool) -> None:
    chosen = [registry.get(node_id)] if node_id else list(registry.nodes().values())
    if as_json:
        document = nodes_document()
        if node_id:
            document["nodes"] = [n.schema() for n in chosen]
        print(json.dumps(document, indent=1))
        return
    for node in chosen:
        _print_node(node, in_full=node_id is not None)


def _print_node(node: Node, in_full: bool) -> None:
    paragraphs = node.help.split("\n\n")
    print(f"{node.id}  ({node.label}, version {node.version})")
    for text in paragraphs if in_full else paragraphs[:1]:
        print(textwrap.fill(" ".join(text.split()), 100, initial_indent="  ", subsequent_indent="  "))
    for p in node.params.values():
        default = ",".join(f"{v:g}" for v in p.default) if isinstance(p.default, tuple) else str(p.default)
        print(f"    {p.id:<20} {default:<12} {p.allowed()}")
        if in_full:
            print(textwrap.fill(p.hint, 96, initial_indent=" " * 8, subsequent_indent=" " * 8))
    if in_full and node.views:
        print("  views")
        for name, text in node.views.items():
            print(textwrap.fill(f"{name}: {text}", 96, initial_indent="    ", subsequent_indent=" " * 8))
