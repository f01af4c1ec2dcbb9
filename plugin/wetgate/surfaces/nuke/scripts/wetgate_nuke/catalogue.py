"""The nodes, presets and spaces of this Wetgate, from the generated ``wetgate_nodes.json``."""

from __future__ import annotations

import difflib
import json
from functools import lru_cache
from typing import Any

from wetgate_nuke.errors import WetgateError
from wetgate_nuke.settings import FOLDER

FILE = FOLDER / "wetgate_nodes.json"


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document."""
    try:
        data: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WetgateError(f"{FILE} cannot be read ({error}): run wetgate hosts install again") from None
    return data


def nodes() -> list[dict[str, Any]]:
    """Every node, in the order of the registry."""
    return list(document()["nodes"])


def presets() -> list[dict[str, Any]]:
    """Every preset that came along."""
    return list(document()["presets"])


def node(node_id: str) -> dict[str, Any]:
    """One node by its id. :class:`WetgateError` that suggests the nearest where there is none."""
    return _one(nodes(), "id", node_id, "node")


def preset(name: str) -> dict[str, Any]:
    """One preset by its name."""
    return _one(presets(), "name", name, "preset")


def node_of_class(nuke_class: str) -> dict[str, Any] | None:
    """The node that a class of Nuke's is; None for any other class."""
    return next((n for n in nodes() if n["class"].lower() == nuke_class.lower()), None)


def _one(entries: list[dict[str, Any]], key: str, wanted: str, what: str) -> dict[str, Any]:
    for entry in entries:
        if entry[key] == wanted:
            return entry
    names = [entry[key] for entry in entries]
    near = difflib.get_close_matches(wanted, names, 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(names)
    raise WetgateError(f"there is no {what} {wanted!r}; {hint}")
