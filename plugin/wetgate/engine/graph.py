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
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from wetgate.engine.graph_entries import step_of, unknown_keys
from wetgate.engine.step import SOURCE, Step
from wetgate.spec import Fidelity, UsageError, Value, WetgateError, raise_all, registry, suggest

SCHEMA = "wetgate.graph/1"
_TOP_KEYS = ("graph", "title", "description", "nodes", "output", "in_space", "out_space")
_FIDELITIES = ("forensic", "faithful", "pleasing")
# A comma in "-n node:a=1,b=0.2,0.3,0.4" starts a new parameter only where a name and "=" follow.
_NEXT_PARAM = re.compile(r",(?=\s*[A-Za-z_]\w*\s*=)")


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
    unknown_keys(data, _TOP_KEYS, "graph", problems)
    if data.get("graph") != SCHEMA:
        problems.append(UsageError(f"graph version is {data.get('graph')!r}", where="graph.graph", allowed=SCHEMA))
    _demand_texts(data, problems)
    entries = data.get("nodes", [])
    if not isinstance(entries, list):
        raise UsageError("nodes is not a list", where="graph.nodes", remedy="write one '- node: ...' a step")
    steps: list[Step] = []
    for index, entry in enumerate(entries):
        step = step_of(entry, index, steps, problems)
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
