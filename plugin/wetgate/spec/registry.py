"""The table of declared nodes, in order of declaration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from wetgate.spec.errors import UsageError, suggest
from wetgate.spec.node import Node

_nodes: dict[str, Node] = {}


def register(made: Node) -> None:
    """Add a node. A second declaration of an id is a :class:`TypeError`, unless it is the same class re-imported."""
    known = _nodes.get(made.id)
    if known is not None and known.cls.__qualname__ != made.cls.__qualname__:
        raise TypeError(f"node id {made.id!r} is declared twice: {known.cls.__module__} and {made.cls.__module__}")
    _nodes[made.id] = made


def forget(node_id: str) -> None:
    """Take a node out again: for tests and for the examples of the documentation."""
    _nodes.pop(node_id, None)


def nodes() -> Mapping[str, Node]:
    """All declared nodes by id. Importing :mod:`wetgate.nodes` declares the shipped ones."""
    return MappingProxyType(_nodes)


def get(node_id: str) -> Node:
    """The node of that id, or a :class:`UsageError` that suggests the right one."""
    if node_id not in _nodes:
        raise UsageError(f"there is no node {node_id!r}", remedy=suggest(node_id, _nodes))
    return _nodes[node_id]
