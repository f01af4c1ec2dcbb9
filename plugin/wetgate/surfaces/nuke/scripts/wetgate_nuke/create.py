"""Nodes and presets in the node graph, as the toolbar makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nuke

from wetgate_nuke import catalogue
from wetgate_nuke.errors import WetgateError
from wetgate_nuke.knobs import set_params


def create(node_id: str, inpanel: bool | None = None, **params: Any) -> Any:
    """A Wetgate node behind the selected one. :class:`WetgateError` where Nuke does not have the OFX plug-in."""
    known = catalogue.node(node_id)
    node = _made(known, lambda: nuke.createNode(known["class"], inpanel=nuke.GUI if inpanel is None else inpanel))
    try:
        set_params(node, params)
    except WetgateError:
        nuke.delete(node)
        raise
    return node


def create_preset(name: str) -> Any:
    """A preset as a group behind the selected node: its steps inside, their parameters linked to the outside."""
    known = catalogue.preset(name)
    graph = known["graph"]
    for step in graph.get("nodes", []):
        if step.get("mask"):
            raise WetgateError(
                f"the preset {name} has a mask, which a group cannot carry: render it by the command line"
            )
    group = nuke.createNode("Group", inpanel=False)
    try:
        group.begin()
        try:
            _fill(group, graph)
        finally:
            group.end()
    except Exception:
        nuke.delete(group)
        raise
    group["label"].setValue(known["title"])
    group.setName("Wetgate_" + name.replace("-", "_") + "1", uncollide=True)
    return group


def _fill(group: Any, graph: Mapping[str, Any]) -> None:
    source = nuke.nodes.Input()
    made: dict[str, Any] = {"source": source}
    last = source
    for index, step in enumerate(graph.get("nodes", [])):
        if step.get("enabled") is False:
            continue
        known = catalogue.node(step["node"])
        node = _made(known, lambda known=known: getattr(nuke.nodes, known["class"])())
        name = str(step.get("name", f"{step['node']}-{index + 1}"))
        node.setName(_knob_name(name))
        node.setInput(0, made.get(step.get("input", ""), last))
        set_params(node, _params_of(step))
        _link(group, known, node, step)
        made[name] = last = node
    nuke.nodes.Output().setInput(0, made.get(graph.get("output", ""), last))


def _link(group: Any, known: Mapping[str, Any], node: Any, step: Mapping[str, Any]) -> None:
    """What the preset sets, and the strength, under a tab of the node's own on the group."""
    group.addKnob(nuke.Tab_Knob(f"tab_{node.name()}", known["label"]))
    wanted = ["strength", *(step.get("params") or {})]
    for param in known["params"]:
        if param["id"] in wanted:
            link = nuke.Link_Knob(f"{node.name()}_{param['id']}", param["label"])
            link.makeLink(node.name(), param["id"])
            group.addKnob(link)


def _params_of(step: Mapping[str, Any]) -> dict[str, Any]:
    return dict(step.get("params") or {})


def _knob_name(name: str) -> str:
    """A name that Nuke takes for a node: letters, digits and underlines, no digit first."""
    clean = "".join(c if c.isalnum() else "_" for c in name)
    return clean if clean[:1].isalpha() else f"n_{clean}"


def _made(known: Mapping[str, Any], make: Any) -> Any:
    try:
        return make()
    except (RuntimeError, AttributeError) as error:
        raise WetgateError(
            f"Nuke does not have the OFX plug-in {known['label']} ({known['class']}): {error}. Start Nuke without "
            "--safe, with the bundle where it looks; wetgate hosts doctor says what is missing"
        ) from None
