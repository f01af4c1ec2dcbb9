"""Node parameters and Nuke's knobs: names are the same, values are not.

A choice is its id with us and its label in Nuke, by index in between; a colour or a point is one knob of several
values; a number that moves is keyframes with us, curves and expressions in Nuke, and is therefore read frame by frame.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from wetgate_nuke.catalogue import node_of_class
from wetgate_nuke.errors import WetgateError

_COMPONENTS = {"color": 3, "point": 2}


def set_params(node: Any, params: Mapping[str, Any]) -> None:
    """Set parameters of a Wetgate node by their names: ``{"method": "bt2446a", "peak": 1000}``; ``{1001: 0.2,
    1040: 1.0}`` sets keys. A choice may be given by id, label or index.

    All are checked before the first is set: names, kinds and ranges. :class:`WetgateError` lists every problem.
    """
    declared = _declared(node)
    problems: list[str] = []
    checked: list[tuple[dict[str, Any], Any]] = []
    for name, value in params.items():
        if name not in declared:
            near = difflib.get_close_matches(name, list(declared), 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            problems.append(f"{node.name()} has no parameter {name!r}{hint}")
            continue
        try:
            checked.append((declared[name], _check(declared[name], value)))
        except WetgateError as error:
            problems.append(str(error))
    if problems:
        raise WetgateError("\n".join(problems))
    for param, value in checked:
        _set(node, param, value)


def get_params(node: Any, frames: Iterable[int] = ()) -> dict[str, Any]:
    """The parameters of a Wetgate node, in our own terms: what a graph file holds.

    What is animated or driven by an expression is read at every one of ``frames`` and given as keys, {frame: value}.
    """
    wanted = list(frames)
    out = {}
    for name, param in _declared(node).items():
        knob = node.knob(name)
        if knob is None:  # an older bundle than this catalogue
            continue
        moves = bool(param.get("animates")) and (knob.isAnimated() or knob.hasExpression())
        if moves and not wanted:
            raise WetgateError(f"{node.name()}.{name} is animated: say for which frames it is to be read")
        if not moves:
            out[name] = _get(knob, param, None)
            continue
        keys = {frame: _get(knob, param, frame) for frame in wanted}
        first = next(iter(keys.values()))
        out[name] = first if all(value == first for value in keys.values()) else keys
    return out


def _declared(node: Any) -> dict[str, dict[str, Any]]:
    known = node_of_class(node.Class())
    if known is None:
        raise WetgateError(f"{node.name()} is no Wetgate node but {node.Class()}")
    return {param["id"]: param for param in known["params"]}


def _check(param: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, Mapping):
        if not param.get("animates"):
            raise WetgateError(f"{param['id']} cannot be animated")
        try:
            return {int(frame): _check(param, v) for frame, v in value.items()}
        except ValueError:
            raise WetgateError(f"{param['id']}: a key's frame is no whole number") from None
    kind = param["kind"]
    if kind == "choice":
        return _choice_index(param, value)
    if kind == "text":
        return _demand(isinstance(value, str), param, value, "text") and value
    if kind == "bool":
        _demand(isinstance(value, bool), param, value, "True or False")
        return value
    size = _COMPONENTS.get(kind)
    parts = list(value) if size and isinstance(value, (list, tuple)) else [value]
    allowed = f"{param['lo']:g} to {param['hi']:g}" + (f", {size} of them" if size else "")
    _demand(len(parts) == (size or 1), param, value, allowed)
    for part in parts:
        sound = isinstance(part, (int, float)) and not isinstance(part, bool) and math.isfinite(part)
        _demand(sound and param["lo"] <= part <= param["hi"], param, value, allowed)
        _demand(kind != "int" or part == int(part), param, value, "a whole number")
    return [float(part) for part in parts] if size else (int(parts[0]) if kind == "int" else float(parts[0]))


def _demand(holds: bool, param: Mapping[str, Any], value: Any, allowed: str) -> bool:
    if not holds:
        raise WetgateError(f"{param['id']} is {value!r}; allowed: {allowed}")
    return True


def _choice_index(param: Mapping[str, Any], value: Any) -> int:
    choices = param["choices"]
    for index, choice in enumerate(choices):
        if value in (choice["id"], choice["label"]) or (type(value) is int and value == index):
            return index
    allowed = ", ".join(choice["id"] for choice in choices)
    raise WetgateError(f"{param['id']} is {value!r}; allowed: {allowed}")


def _set(node: Any, param: Mapping[str, Any], value: Any) -> None:
    knob = node.knob(param["id"])
    if knob is None:
        raise WetgateError(
            f"{node.name()} has no knob {param['id']}: its OFX bundle is of another version; run wetgate hosts doctor"
        )
    if isinstance(value, dict):
        knob.setAnimated()
        for frame, at in value.items():
            for index, part in enumerate(at if isinstance(at, list) else [at]):
                knob.setValueAt(part, frame, index)
        return
    if isinstance(value, list):
        for index, part in enumerate(value):
            knob.setValue(part, index)
        return
    if param["kind"] == "choice":
        set_choice(knob, param["choices"][value]["label"], value)
        return
    knob.setValue(value)


def set_choice(knob: Any, label: str, index: int | None = None) -> None:
    """Set an enumeration by its label (of a colour space: its plain name), or by ``index`` where Nuke has it under
    another; and look whether that took, because Nuke may keep the old value of a name it does not know."""
    for value in (label, index):
        if value is None:
            continue
        try:
            knob.setValue(value)
        except (TypeError, ValueError, RuntimeError):
            continue
        if plain(knob) == label or (value is index and int(knob.getValue()) == index):
            return
    known = ", ".join(str(entry).partition("\t")[0] for entry in knob.values())
    raise WetgateError(f"{knob.name()} has no choice {label!r}; it has {known}")


def plain(knob: Any) -> str:
    """An enumeration's value without the label that colour spaces carry behind a tab."""
    return str(knob.value()).partition("\t")[0]


def _get(knob: Any, param: Mapping[str, Any], frame: int | None) -> Any:
    kind = param["kind"]
    if kind == "text":
        return str(knob.value())
    size = _COMPONENTS.get(kind)
    if size:
        return [_number(knob, frame, index) for index in range(size)]
    number = _number(knob, frame, 0)
    if kind == "choice":
        choices = param["choices"]
        index = int(number)
        if not 0 <= index < len(choices):
            raise WetgateError(f"{param['id']} stands at choice {index}, and there are {len(choices)}")
        return choices[index]["id"]
    if kind == "bool":
        return bool(number)
    return round(number) if kind == "int" else float(number)


def _number(knob: Any, frame: int | None, index: int) -> float:
    return float(knob.getValue(index) if frame is None else knob.getValueAt(frame, index))
