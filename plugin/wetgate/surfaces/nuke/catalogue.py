"""``wetgate_nodes.json``: the registry and the presets as the scripts inside Nuke read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wetgate import __version__
from wetgate.spec import Node
from wetgate.surfaces.ofx_schema import SPACES

SCHEMA = "wetgate.nuke/1"
FILE = "plugin/wetgate/surfaces/nuke/scripts/wetgate_nodes.json"
_PARAM_KEYS = ("id", "kind", "label", "default", "lo", "hi", "unit", "choices", "animates")


def document(nodes: Mapping[str, Node]) -> dict[str, Any]:
    """Nodes with their OFX class names and parameters, presets as graphs, and the spaces in the order of the OFX
    choice. What Nuke's Python would need a YAML reader for is parsed here."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "nodes": [_node(node) for node in nodes.values()],
        "presets": _presets(),
        "spaces": [{"id": i, "label": label} for i, label in SPACES],
    }


def nuke_class(node_id: str) -> str:
    """The class of a node in Nuke: "OFX", the identifier in lower case, and the plug-in's major version, which stays
    1 for ever (a change would break saved scripts)."""
    return f"OFXio.wetgate.{node_id}_v1"


def _node(node: Node) -> dict[str, Any]:
    schema = node.schema()
    return {
        "id": node.id,
        "label": node.label,
        "class": nuke_class(node.id),
        "help": node.help.partition("\n\n")[0].replace("\n", " "),
        "hdr_output": node.hdr_output,
        "analyzes": node.analyzes,
        "params": [{key: p[key] for key in _PARAM_KEYS if key in p} for p in schema["params"]],
    }


def _presets() -> list[dict[str, Any]]:
    import yaml

    from wetgate.engine.graph import presets

    made = []
    for name, text in presets().items():
        graph = yaml.safe_load(text)
        made.append(
            {
                "name": name,
                "title": str(graph.get("title", name)),
                "description": str(graph.get("description", "")),
                "graph": graph,
            }
        )
    return made
