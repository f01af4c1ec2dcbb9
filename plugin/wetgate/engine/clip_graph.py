"""What an editor says of one clip, in a marker's note or in metadata: another graph than the timeline's, or none.

A note is one of::

    archive-film                          a shipped preset
    grade/shot_010.yaml                   a graph file; relative to the timeline's folder
    grain:amount=0.5 hdr_lift:peak=1000   nodes, in order, divided by blanks or lines
    skip                                  the clip stays as it is
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from wetgate.engine.graph import Graph, build, load_graph, parse_nodes, presets
from wetgate.spec import UsageError, registry

SKIP = "skip"
_FILES = (".yaml", ".yml", ".json")
GRAMMAR = "a preset, a graph file (.yaml), node:param=value ..., or skip"


def graph_of_note(text: str, folder: Path) -> Graph | None:
    """The graph that a note asks for; None for ``skip``. Raises :class:`UsageError` for what it cannot mean."""
    said = text.strip()
    if said.lower() == SKIP:
        return None
    if Path(said).suffix.lower() in _FILES:
        return load_graph(folder / said)
    words = re.split(r"[\s;]+", said) if said else []
    if len(words) == 1 and words[0] in presets():
        return load_graph(words[0])
    if words and all(word.partition(":")[0] in registry.nodes() for word in words):
        return parse_nodes(words)
    if words and any(":" in word for word in words):
        return parse_nodes(words)  # whose message names the node that is wrong
    raise UsageError(f"the note {said!r} names no graph", allowed=GRAMMAR, remedy=f"presets: {', '.join(presets())}")


def graph_of_metadata(entry: object, folder: Path) -> Graph | None:
    """The graph that a ``wetgate`` table in a clip's metadata asks for: ``graph`` (a note's text, or a graph as a
    table) or ``nodes`` (a list of ``node:param=value``); None for ``graph: skip``."""
    if isinstance(entry, str):
        return graph_of_note(entry, folder)
    if not isinstance(entry, Mapping):
        raise UsageError(f"the clip's wetgate metadata is {entry!r}", allowed="a table with graph or nodes")
    graph, nodes = entry.get("graph"), entry.get("nodes")
    if graph is not None and nodes is not None:
        raise UsageError("the clip's wetgate metadata has graph and nodes", remedy="keep one of them")
    if isinstance(graph, str):
        return graph_of_note(graph, folder)
    if graph is not None:
        return build(graph)
    if isinstance(nodes, Sequence) and not isinstance(nodes, str):
        return parse_nodes([str(node) for node in nodes])
    raise UsageError("the clip's wetgate metadata names no graph", allowed="graph: TEXT or TABLE, nodes: LIST")


def asks(entry: object) -> bool:
    """Whether a ``wetgate`` entry of metadata says anything about the graph (it may only keep our own record)."""
    return isinstance(entry, str) or (isinstance(entry, Mapping) and ("graph" in entry or "nodes" in entry))
