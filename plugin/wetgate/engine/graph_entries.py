"""The entries of a graph file, each checked: what a step, its mask and its plate say, and all that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import wetgate.nodes  # noqa: F401  (declares the shipped nodes)
from wetgate.engine.keyframes import Keyframes, keyframes
from wetgate.engine.plate import Plate
from wetgate.engine.step import MASK_KEYS, PLATE_KEYS, SOURCE, Mask, Step
from wetgate.spec import UsageError, Value, WetgateError, registry, suggest

_STEP_KEYS = ("node", "version", "name", "input", "params", "mask", "plate", "enabled")
_MOST_OF_A_PLATE = 4.0
_STEP_NAME = re.compile(r"\w[\w-]*")


def unknown_keys(data: Mapping[str, Any], known: Sequence[str], where: str, problems: list[WetgateError]) -> None:
    """Note every key that nothing of this kind has."""
    problems.extend(
        UsageError(f"unknown key {key!r}", where=where, remedy=suggest(str(key), known))
        for key in data
        if key not in known
    )


def step_of(entry: object, index: int, before: list[Step], problems: list[WetgateError]) -> Step | None:
    """The step that entry ``index`` of ``nodes`` means; None where it is switched off, or where it has ``problems``."""
    where = f"graph.nodes[{index}]"
    if not isinstance(entry, Mapping):
        problems.append(UsageError("a step is a table", where=where, remedy="write '- node: NAME'"))
        return None
    unknown_keys(entry, _STEP_KEYS, where, problems)
    if entry.get("enabled") is False:
        return None
    try:
        node = registry.get(str(entry.get("node", "")))
    except WetgateError as error:
        problems.append(error.at(f"{where}.node"))
        return None
    version = entry.get("version", node.version)
    if not isinstance(version, int) or not 1 <= version <= node.version:
        problems.append(
            UsageError(
                f"{node.id} version is {version!r}",
                where=f"{where}.version",
                allowed=f"1 to {node.version}",
                remedy="update Wetgate to use a graph of a later version",
            )
        )
        return None
    given = entry.get("params") or {}
    if not isinstance(given, Mapping):
        problems.append(UsageError("params is not a table", where=f"{where}.params", remedy="write {name: value}"))
        return None
    keys: dict[str, Keyframes] = {}
    constants: dict[str, object] = {}
    for name, value in given.items():
        if not isinstance(name, str):
            problems.append(UsageError(f"{name!r} is no parameter's name", where=f"{where}.params"))
        elif isinstance(value, Mapping) and name in node.params:
            try:
                keys[name] = keyframes(node.params[name], value)
            except WetgateError as error:
                problems.append(error.at(f"{where}.params"))
        else:
            constants[name] = tuple(value) if isinstance(value, list) else value
    values: dict[str, Value] = {}
    try:
        values = node.values(constants, version)
    except WetgateError as error:
        problems.append(error.at(f"{where}.params"))
    names = [SOURCE, *(s.name for s in before)]
    name = str(entry.get("name", f"{node.id}-{index + 1}"))
    if name in names:
        problems.append(UsageError(f"the name {name!r} is taken", where=f"{where}.name", remedy="choose another"))
    if not _STEP_NAME.fullmatch(name):
        problems.append(
            UsageError(
                f"the name is {name!r}",
                where=f"{where}.name",
                allowed="letters, digits, - and _: files are named by it",
                remedy="choose another",
            )
        )
    source = str(entry.get("input", names[-1]))
    if source not in names:
        problems.append(
            UsageError(f"input {source!r} is no earlier step", where=f"{where}.input", remedy=suggest(source, names))
        )
    mask = _mask(entry["mask"], where, before, problems) if entry.get("mask") is not None else None
    plate = _plate(entry["plate"], where, before, problems) if entry.get("plate") is not None else None
    if not values:
        return None
    made = Step(node, name, source, {n: v for n, v in values.items() if n not in keys}, keys, mask, plate)
    if entry.get("plate") is None and node.plates(made.at(0)):
        return replace(made, plate=_nearest_plate(source, before))
    return made


def _nearest_plate(source: str, before: list[Step]) -> Plate | None:
    """The plate of the nearest step that takes grain off, on the way to an input; None where there is none."""
    steps = {s.name: s for s in before}
    while source in steps:
        if steps[source].node.splits:
            return Plate(source)
        source = steps[source].input
    return None


def _mask(entry: object, step: str, before: list[Step], problems: list[WetgateError]) -> Mask | None:
    where = f"{step}.mask"
    if not isinstance(entry, Mapping):
        problems.append(UsageError("mask is not a table", where=where, remedy="write {channel: NAME} or {files: ...}"))
        return None
    unknown_keys(entry, MASK_KEYS, where, problems)
    mask = Mask(
        channel=str(entry.get("channel", "")),
        files=str(entry.get("files", "")),
        step=str(entry.get("step", "")),
        view=str(entry.get("view", "")),
        invert=entry.get("invert", False) is True,
    )
    if mask.step:
        known = {s.name: s for s in before}
        if mask.step not in known:
            problems.append(
                UsageError(f"mask step {mask.step!r} is no earlier step", where=where, remedy=suggest(mask.step, known))
            )
        elif mask.view not in known[mask.step].node.views:
            views = known[mask.step].node.views
            problems.append(
                UsageError(f"{mask.step} has no view {mask.view!r}", where=where, remedy=suggest(mask.view, views))
            )
    elif not mask.channel and not mask.files:
        problems.append(
            UsageError(
                "mask names nothing",
                where=where,
                allowed="channel, files (with channel), or step and view",
                remedy="name one of them",
            )
        )
    return mask


def _plate(entry: object, step: str, before: list[Step], problems: list[WetgateError]) -> Plate | None:
    where = f"{step}.plate"
    if not isinstance(entry, Mapping):
        problems.append(UsageError("plate is not a table", where=where, remedy="write {step: NAME, amount: 1}"))
        return None
    unknown_keys(entry, PLATE_KEYS, where, problems)
    names = [s.name for s in before]
    name, amount = str(entry.get("step", "")), entry.get("amount", 1.0)
    if name not in names:
        problems.append(UsageError(f"plate step {name!r} is no earlier step", where=where, remedy=suggest(name, names)))
    is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
    if not is_number or not 0 <= amount <= _MOST_OF_A_PLATE:
        problems.append(
            UsageError(f"amount is {amount!r}", where=f"{where}.amount", allowed=f"0 to {_MOST_OF_A_PLATE:g}")
        )
        return None
    return Plate(name, float(amount))
