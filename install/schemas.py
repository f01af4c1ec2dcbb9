"""JSON Schemas (draft 2020-12) of Wetgate's documents that follow from the declared nodes: node lists and graphs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from wetgate.spec import Node, Param
from wetgate.spec.node import SPACES
from wetgate.spec.params import KINDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ID = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}
_COMPONENTS = {"color": 3, "point": 2}


def files(nodes: Mapping[str, Node], command: str) -> dict[str, str]:
    """The schema files by name, as text."""
    made = {"nodes.schema.json": nodes_schema(), "graph.schema.json": graph_schema(nodes)}
    note = f"Generated from the declared nodes; do not edit. Made by: {command}"
    return {
        name: json.dumps({"$comment": note, "$schema": DRAFT} | schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in made.items()
    }


def nodes_schema() -> dict[str, Any]:
    """What ``wetgate nodes --json`` prints."""
    number = {"type": "number"}
    values = {
        "float": number,
        "int": {"type": "integer"},
        "bool": {"type": "boolean"},
        "choice": _ID,
        "text": {"type": "string"},
        **{kind: _tuple(number, length) for kind, length in _COMPONENTS.items()},
    }
    of_kind = [
        {
            "if": {"properties": {"kind": {"const": kind}}},
            "then": {
                "properties": {"default": values[kind], "legacy": values[kind]},
                "required": _needed(kind),
            },
        }
        for kind in KINDS
    ]
    param = {
        "type": "object",
        "properties": {
            "id": _ID,
            "kind": {"enum": list(KINDS)},
            "label": {"type": "string", "minLength": 1},
            "default": {},
            "hint": {"type": "string", "minLength": 10},
            "lo": {**number, "description": "Hard limit, inclusive, per component."},
            "hi": {**number, "description": "Hard limit, inclusive, per component."},
            "soft": {**_tuple(number, 2), "description": "The range that a slider shows."},
            "unit": {"type": "string"},
            "group": {"type": "string"},
            "choices": {
                "type": "array",
                "minItems": 2,
                "items": _object({"id": _ID, "label": {"type": "string"}}),
            },
            "animates": {"type": "boolean"},
            "since": {"type": "integer", "minimum": 1},
            "legacy": {"description": "The value that keeps the picture of a project saved before `since`."},
        },
        "required": ["id", "kind", "label", "default", "hint", "animates", "since"],
        "additionalProperties": False,
        "allOf": of_kind,
    }
    node = _object(
        {
            "id": _ID,
            "label": {"type": "string", "minLength": 1},
            "space": {"enum": list(SPACES)},
            "version": {"type": "integer", "minimum": 1},
            "help": {"type": "string", "minLength": 80},
            "analyzes": {"type": "boolean", "description": "Whether `wetgate analyze` applies."},
            "hdr_output": {"type": "boolean", "description": "Whether the result needs an output space named."},
            "synthesises": {"type": "boolean", "description": "Whether it can add what the input does not determine."},
            "coherent": {
                "type": "boolean",
                "description": "Whether its results are fused along the motion: `coherence` and `coherence_radius`.",
            },
            "references": {
                "type": "string",
                "description": "What a reference picture tells its analysis; empty if nothing.",
            },
            "views": {
                "type": "object",
                "propertyNames": _ID,
                "additionalProperties": {"type": "string", "minLength": 1},
            },
            "params": {"type": "array", "items": param, "minItems": 1},
        }
    )
    return {
        "title": "Wetgate nodes",
        "description": "What `wetgate nodes --json` prints: every node with its parameters.",
    } | _object(
        {
            "schema": {"const": "wetgate.nodes/1"},
            "version": {"type": "string", "description": "Of Wetgate."},
            "nodes": {"type": "array", "items": node},
        }
    )


def graph_schema(nodes: Mapping[str, Node]) -> dict[str, Any]:
    """Graph files. YAML's whole-number keys of keyframes count as their decimal text."""
    name = {"type": "string", "minLength": 1}
    mask = {
        "type": "object",
        "properties": {
            "channel": name,
            "files": {**name, "description": "A sequence, as `mask.####.exr`; `channel` says which of its channels."},
            "step": {**name, "description": "An earlier step, whose `view` is the mask."},
            "view": name,
            "invert": {"type": "boolean"},
        },
        "additionalProperties": False,
        "anyOf": [{"required": ["channel"]}, {"required": ["files"]}, {"required": ["step", "view"]}],
    }
    plate = {
        "type": "object",
        "properties": {
            "step": {**name, "description": "An earlier step: what it took out is put back on this one's result."},
            "amount": {"type": "number", "minimum": 0, "maximum": 4, "default": 1},
        },
        "required": ["step"],
        "additionalProperties": False,
    }
    step = {
        "type": "object",
        "properties": {
            "node": {"enum": list(nodes)},
            "name": {**name, "description": "Later steps may name it as their input."},
            "input": {**name, "description": "`source` or an earlier step; by default the step before."},
            "params": {"type": "object"},
            "mask": mask,
            "plate": plate,
            "version": {"type": "integer", "minimum": 1},
            "enabled": {"type": "boolean"},
        },
        "required": ["node"],
        "additionalProperties": False,
        "allOf": [
            {
                "if": {"properties": {"node": {"const": node.id}}},
                "then": {"properties": {"params": {"$ref": f"#/$defs/{node.id}"}}},
            }
            for node in nodes.values()
        ],
    }
    return {
        "title": "Wetgate graph",
        "description": "A graph file (YAML or JSON): ordered nodes with parameters, keyframes, masks and branches.",
        "type": "object",
        "properties": {
            "graph": {"const": "wetgate.graph/1"},
            "title": {"type": "string"},
            "description": {"type": "string"},
            "nodes": {"type": "array", "items": step},
            "output": {**name, "description": "The step that is the result; by default the last."},
            "in_space": name,
            "out_space": name,
        },
        "required": ["graph"],
        "additionalProperties": False,
        "$defs": {node.id: params_schema(node) for node in nodes.values()},
    }


def params_schema(node: Node) -> dict[str, Any]:
    """The ``params`` table of one node."""
    return {
        "type": "object",
        "properties": {param.id: _value_or_keyframes(param) for param in node.params.values()},
        "additionalProperties": False,
    }


def _value_or_keyframes(param: Param) -> dict[str, Any]:
    about = {"title": param.label, "description": param.hint, "default": _plain(param.default)}
    value = value_schema(param)
    if not param.animates:
        return about | value
    keys = {
        "type": "object",
        "description": "Keyframes: frame number and value.",
        "patternProperties": {"^-?[0-9]+$": value},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return about | {"oneOf": [value, keys]}


def value_schema(param: Param) -> dict[str, Any]:
    """One value of a parameter."""
    if param.choices is not None:
        return {"enum": list(param.choices)}
    if param.kind == "bool":
        return {"type": "boolean"}
    if param.kind == "text":
        return {"type": "string"}
    number = {"type": "integer" if param.kind == "int" else "number", "minimum": param.lo, "maximum": param.hi}
    length = _COMPONENTS.get(param.kind)
    return _tuple(number, length) if length else number


def _needed(kind: str) -> list[str]:
    if kind == "choice":
        return ["choices"]
    return ["lo", "hi"] if kind in ("float", "int", *_COMPONENTS) else []


def _tuple(item: Mapping[str, Any], length: int) -> dict[str, Any]:
    return {"type": "array", "items": dict(item), "minItems": length, "maxItems": length}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object that has all of these properties and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
