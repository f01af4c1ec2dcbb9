"""Graphs: ordered nodes with parameters, keyframes, masks and named branches.

A graph file is YAML::

    graph: wetgate.graph/1
    nodes:
      - node: hdr_lift
        version: 1                      # optional; of the node that the graph was saved by
        name: lift                      # optional; later steps may name it as their input
        input: source                   # optional; default: the step before
        params: {method: bt2446a, strength: {1001: 0.2, 1040: 1.0}}
        mask: {channel: matte.R, invert: true}
        plate: {step: degrained, amount: 1.0}   # optional; what that step took out is put back here
    output: lift                        # optional; default: the last step
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, cast

import wetgate.nodes  # noqa: F401  (declares the shipped nodes)
from wetgate.engine.keyframes import Keyframes, keyframes
from wetgate.engine.plate import Plate
from wetgate.spec import Fidelity, Node, UsageError, Value, WetgateError, raise_all, registry, suggest

SCHEMA = "wetgate.graph/1"
SOURCE = "source"
_TOP_KEYS = ("graph", "title", "description", "nodes", "output", "in_space", "out_space")
_STEP_KEYS = ("node", "version", "name", "input", "params", "mask", "plate", "enabled")
_MASK_KEYS = ("channel", "files", "step", "view", "invert")
_PLATE_KEYS = ("step", "amount")
_MOST_OF_A_PLATE = 4.0
_FIDELITIES = ("forensic", "faithful", "pleasing")
_STEP_NAME = re.compile(r"\w[\w-]*")
# A comma in "-n node:a=1,b=0.2,0.3,0.4" starts a new parameter only where a name and "=" follow.
_NEXT_PARAM = re.compile(r",(?=\s*[A-Za-z_]\w*\s*=)")


@dataclass(frozen=True, slots=True)
class Mask:
    """Where a step may act: a channel of the picture (``channel``), a channel of other files (``files`` and
    ``channel``), or a view of an earlier step (``step`` and ``view``). 1 acts in full, 0 not at all.
    """

    channel: str = ""
    files: str = ""
    step: str = ""
    view: str = ""
    invert: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a graph. ``values`` are the checked constants, ``keys`` the keyframed parameters."""

    node: Node
    name: str
    input: str
    values: Mapping[str, Value]
    keys: Mapping[str, Keyframes] = field(default_factory=dict)
    mask: Mask | None = None
    plate: Plate | None = None

    @property
    def beside(self) -> tuple[str, ...]:
        """The steps that this one needs beside its input: for its mask, for its plate."""
        by_mask = (self.mask.step,) if self.mask is not None and self.mask.step else ()
        return by_mask + ((self.plate.step,) if self.plate is not None else ())

    @property
    def fidelity(self) -> Fidelity:
        """The node's fidelity; one that cannot synthesise is faithful."""
        return cast(Fidelity, self.values.get("fidelity", "faithful"))

    def values_at(self, number: int) -> dict[str, Value]:
        """Every parameter's value at a frame number."""
        return dict(self.values) | {name: k.at(number) for name, k in self.keys.items()}

    def at(self, number: int) -> Any:
        """The node's instance with its parameters at a frame number."""
        return self.node.bind(self.values_at(number))

    def reach(self, numbers: Iterable[int]) -> int:
        """The widest temporal reach over these frames."""
        if not self.keys:
            return self.node.reach(self.at(0))
        return max((self.node.reach(self.at(n)) for n in numbers), default=0)

    def is_identity(self, number: int) -> bool:
        """Whether the step returns its input bit for bit at this frame."""
        values = self.values_at(number)
        return values["view"] == "result" and (values["strength"] == 0 or values["mix"] == 0)

    def with_values(self, **values: Value) -> Step:
        """The step with other values of those parameters that its node has."""
        return replace(self, values={**self.values, **{n: v for n, v in values.items() if n in self.values}})

    def record(self) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "node": self.node.id,
            "version": self.node.version,
            "name": self.name,
            "input": self.input,
            "params": dict(self.values) | {name: k.record() for name, k in self.keys.items()},
        }
        if self.mask is not None:
            entry["mask"] = {key: getattr(self.mask, key) for key in _MASK_KEYS if getattr(self.mask, key)}
        if self.plate is not None:
            entry["plate"] = {key: getattr(self.plate, key) for key in _PLATE_KEYS}
        return entry


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps in order, and the name of the one that is the output (``source`` for an empty graph)."""

    steps: tuple[Step, ...]
    output: str
    in_space: str | None = None
    out_space: str | None = None

    def step(self, name: str) -> Step:
        return next(s for s in self.steps if s.name == name)

    def used(self) -> tuple[Step, ...]:
        """The steps that the output depends on, in order."""
        wanted = {self.output}
        for step in reversed(self.steps):
            if step.name in wanted:
                wanted |= {step.input, *step.beside}
        return tuple(s for s in self.steps if s.name in wanted)

    @property
    def codec_data(self) -> bool:
        """Whether a step looks at how the source's blocks were coded."""
        return any(s.node.codec_data for s in self.used())

    def masks_by(self, step: Step) -> bool:
        """Whether a view of this step is the mask of another."""
        return any(s.mask is not None and s.mask.step == step.name for s in self.used())

    def reach(self, numbers: Sequence[int]) -> int:
        """How many source frames on either side the output of one frame can depend on."""
        total = {SOURCE: 0}
        for step in self.used():
            below = [total[name] for name in (step.input, *step.beside)]
            total[step.name] = max(below) + step.reach(numbers)
        return total[self.output]

    def with_fidelity(self, fidelity: Fidelity | None) -> Graph:
        """The graph with one fidelity for every node that has the parameter; None leaves each node its own."""
        if fidelity is None:
            return self
        if fidelity not in _FIDELITIES:
            raise UsageError(f"fidelity is {fidelity!r}", where="fidelity", allowed=", ".join(_FIDELITIES))
        return replace(self, steps=tuple(s.with_values(fidelity=fidelity) for s in self.steps))

    def record(self) -> dict[str, Any]:
        """The graph as canonical JSON: every parameter present, defaults filled in."""
        return {"graph": SCHEMA, "nodes": [s.record() for s in self.steps], "output": self.output}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical record, hexadecimal."""
        return hashlib.sha256(json.dumps(self.record(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def demand_output_space(graph: Graph, space: str, wanted: str | None) -> None:
    """Raise :class:`UsageError` where a node's result needs an output space of its own and none is ``wanted``."""
    hdr = [s.name for s in graph.used() if s.node.hdr_output]
    if hdr and not wanted:
        raise UsageError(
            f"{hdr[0]} makes more light than {space} is made for, and no output space is named",
            where="--out-space",
            allowed="rec2100_pq_display, rec2100_hlg_display, a scene-linear space such as ACEScg, ...",
            remedy="say where the picture goes",
        )


def parse_nodes(specs: Iterable[str]) -> Graph:
    """A chain from ``node:param=value,param=value`` strings, as ``wetgate render -n`` takes them."""
    problems: list[WetgateError] = []
    entries: list[dict[str, Any]] = []
    for index, spec in enumerate(specs):
        node_id, _, rest = spec.partition(":")
        try:
            node = registry.get(node_id.strip())
        except WetgateError as error:
            problems.append(error.at(f"-n {spec}"))
            continue
        params: dict[str, Value] = {}
        for pair in _NEXT_PARAM.split(rest) if rest.strip() else []:
            name, equals, text = (part.strip() for part in pair.partition("="))
            if not equals:
                problems.append(
                    UsageError(f"{pair!r} is not param=value", where=f"-n {spec}", remedy="write node:param=value,...")
                )
            elif name not in node.params:
                problems.append(
                    UsageError(
                        f"{node.id} has no parameter {name!r}", where=f"-n {spec}", remedy=suggest(name, node.params)
                    )
                )
            else:
                try:
                    params[name] = node.params[name].parse(text)
                except WetgateError as error:
                    problems.append(error.at(f"-n {spec}"))
        entries.append({"node": node.id, "name": f"{node.id}-{index + 1}", "params": params})
    raise_all(problems)
    return build({"graph": SCHEMA, "nodes": entries})


def load_graph(spec: str | Path) -> Graph:
    """A graph from a YAML file, or a shipped preset by its name (``hdr-lift``)."""
    path = Path(spec)
    if path.suffix.lower() in (".yaml", ".yml", ".json"):
        if not path.is_file():
            raise UsageError(f"graph file {path} is not there", remedy="check the path")
        text, label = _read_text(path), str(path)
    else:
        known = presets()
        if str(spec) not in known:
            raise UsageError(f"there is no preset {str(spec)!r}", where="--graph", remedy=suggest(str(spec), known))
        text, label = known[str(spec)], f"preset {spec}"
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{label} is not YAML: {' '.join(str(error).split())}") from None
    return build(data)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"graph file {path} cannot be read: {error}") from None


def presets() -> dict[str, str]:
    """The shipped presets: name and YAML text."""
    folder = resources.files("wetgate") / "presets"
    return {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda e: e.name)
        if entry.name.endswith(".yaml")
    }


def build(data: object) -> Graph:
    """A graph from its parsed YAML or JSON. All problems are raised at once, each with its path."""
    problems: list[WetgateError] = []
    if not isinstance(data, Mapping):
        raise UsageError("a graph is a table", where="graph", remedy=f"start it with 'graph: {SCHEMA}' and 'nodes:'")
    _unknown_keys(data, _TOP_KEYS, "graph", problems)
    if data.get("graph") != SCHEMA:
        problems.append(UsageError(f"graph version is {data.get('graph')!r}", where="graph.graph", allowed=SCHEMA))
    _demand_texts(data, problems)
    entries = data.get("nodes", [])
    if not isinstance(entries, list):
        raise UsageError("nodes is not a list", where="graph.nodes", remedy="write one '- node: ...' a step")
    steps: list[Step] = []
    for index, entry in enumerate(entries):
        step = _step(entry, index, steps, problems)
        if step is not None:
            steps.append(step)
    raise_all(problems)
    output = data.get("output", steps[-1].name if steps else SOURCE)
    names = [SOURCE, *(s.name for s in steps)]
    if output not in names:
        raise UsageError(f"output {output!r} is no step", where="graph.output", remedy=suggest(str(output), names))
    return Graph(tuple(steps), output, data.get("in_space"), data.get("out_space"))


def _demand_texts(data: Mapping[str, Any], problems: list[WetgateError]) -> None:
    problems.extend(
        UsageError(f"{key} is {data[key]!r}", where=f"graph.{key}", allowed="the name of a colour space")
        for key in ("in_space", "out_space")
        if data.get(key) is not None and not isinstance(data[key], str)
    )


def _unknown_keys(data: Mapping[str, Any], known: Sequence[str], where: str, problems: list[WetgateError]) -> None:
    problems.extend(
        UsageError(f"unknown key {key!r}", where=where, remedy=suggest(str(key), known))
        for key in data
        if key not in known
    )


def _step(entry: object, index: int, before: list[Step], problems: list[WetgateError]) -> Step | None:
    where = f"graph.nodes[{index}]"
    if not isinstance(entry, Mapping):
        problems.append(UsageError("a step is a table", where=where, remedy="write '- node: NAME'"))
        return None
    _unknown_keys(entry, _STEP_KEYS, where, problems)
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
    return Step(node, name, source, {n: v for n, v in values.items() if n not in keys}, keys, mask, plate)


def _mask(entry: object, step: str, before: list[Step], problems: list[WetgateError]) -> Mask | None:
    where = f"{step}.mask"
    if not isinstance(entry, Mapping):
        problems.append(UsageError("mask is not a table", where=where, remedy="write {channel: NAME} or {files: ...}"))
        return None
    _unknown_keys(entry, _MASK_KEYS, where, problems)
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
    _unknown_keys(entry, _PLATE_KEYS, where, problems)
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
