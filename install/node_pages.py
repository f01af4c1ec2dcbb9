"""The documentation page of each node, made from its declaration, and the list of all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement, product

from wetgate.spec import Node, Param

SPACES = {
    "wetgate:scene": "scene-linear light",
    "wetgate:density": "scanner density of a film scan",
    "wetgate:display": "absolute display light, 1.0 = 1 nit, linear Rec.2020",
    "wetgate:video": "the code values of the footage",
}


def files(nodes: Mapping[str, Node], command: str) -> dict[str, str]:
    """The pages by file name, as text."""
    note = f"<!-- Generated from the declared nodes; do not edit. Made by: {command} -->"
    pages = {f"{node.id}.md": page(node) for node in nodes.values()} | {"README.md": index(nodes)}
    return {name: f"{note}\n\n{text}" for name, text in pages.items()}


def index(nodes: Mapping[str, Node]) -> str:
    """The list of all nodes, with what each is for."""
    rows = [f"| [{n.label}]({n.id}.md) | `{n.id}` | {_cell(summary(n))} |" for n in nodes.values()]
    table = ["| Node | Id | What it does |", "|---|---|---|", *rows]
    return "\n".join(["# Nodes", "", "`wetgate nodes` prints the same at the command line.", "", *table]) + "\n"


def summary(node: Node) -> str:
    """The first paragraph of a node's help, as one line."""
    return " ".join(node.help.split("\n\n")[0].split())


def page(node: Node) -> str:
    """The page of one node."""
    return "\n".join([*_head(node), *_parameters(node), *_views(node), *_use(node)]) + "\n"


def _head(node: Node) -> Iterator[str]:
    yield f"# {node.label}"
    yield ""
    yield from markdown(node.help)
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| Id | `{node.id}`, version {node.version} |"
    yield f"| Works in | {SPACES[node.space]} |"
    yield f"| Frames around each frame | {_reach(node)} |"
    yield f"| Whole-shot analysis | {'yes, `wetgate analyze`' if node.analyzes else 'none'} |"
    if node.hdr_output:
        yield "| Output | needs an output space that holds more light than the input's |"
    if node.synthesises:
        yield "| Detail | can add what the input does not determine; `fidelity` says how far |"
    yield ""


def _reach(node: Node) -> str:
    """The temporal reach in words, tried over the ends of every two parameters."""
    reaches = set()
    for one, other in combinations_with_replacement(node.params.values(), 2):
        for a, b in product(ends(one), ends(other)):
            reaches.add(node.reach(node.make({one.id: a, other.id: b})))
    if len(reaches) == 1:
        (only,) = reaches
        return "none" if only == 0 else f"{only} before and {only} after"
    return f"{min(reaches)} to {max(reaches)} on either side, by the parameters"


def ends(param: Param) -> list[object]:
    """The extreme values of a parameter: both limits, or each choice."""
    if param.choices is not None:
        return list(param.choices)
    if param.kind == "bool":
        return [False, True]
    if param.kind in ("color", "point"):
        assert isinstance(param.default, tuple)
        return [(param.lo,) * len(param.default), (param.hi,) * len(param.default)]
    if param.kind == "int":
        assert param.lo is not None
        assert param.hi is not None
        return [int(param.lo), int(param.hi)]
    return [param.default] if param.kind == "text" else [param.lo, param.hi]


def _parameters(node: Node) -> Iterator[str]:
    yield "## Parameters"
    groups: dict[str, list[Param]] = {}
    for param in node.params.values():
        groups.setdefault(param.group, []).append(param)
    for group, params in groups.items():
        yield ""
        if group:
            yield f"### {group}"
            yield ""
        yield "| Parameter | Id | Range | Default | What it does |"
        yield "|---|---|---|---|---|"
        for p in params:
            since = f" Since version {p.since}." if p.since > 1 else ""
            held = "" if p.animates else " Cannot be keyframed."
            yield f"| {p.label} | `{p.id}` | {_range(p)} | {_value(p, p.default)} | {_cell(p.hint)}{since}{held} |"
    yield ""


def _range(param: Param) -> str:
    if param.choices is not None:
        return "<br>".join(f"`{i}` {_cell(label)}" for i, label in param.choices.items())
    text = _cell(param.allowed().removeprefix("a number from ").removeprefix("a whole number from "))
    if param.soft is not None:
        text += f"<br>(slider {param.soft[0]:g} to {param.soft[1]:g})"
    return text


def _value(param: Param, value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{v:g}" for v in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"`{value}`" if value else "empty"
    unit = f" {param.unit}" if param.unit else ""
    return f"{value:g}{unit}" if isinstance(value, float) else f"{value}{unit}"


def _views(node: Node) -> Iterator[str]:
    if not node.views:
        return
    yield "## Views"
    yield ""
    yield "Shown with `view`, written with `--aov DIR`."
    yield ""
    yield "| View | What it shows |"
    yield "|---|---|"
    for name, text in node.views.items():
        yield f"| `{name}` | {_cell(text)} |"
    yield ""


def _use(node: Node) -> Iterator[str]:
    shown = next(p for p in node.params.values() if p.id != "strength")
    setting = f"{shown.id}={_typed(shown.default)}"
    space = " --out-space rec2100_pq_display" if node.hdr_output else ""
    output = ', out_space="rec2100_pq_display"' if node.hdr_output else ""
    yield "## Use"
    yield ""
    yield "```sh"
    yield f"wetgate render plate.####.exr -o result.####.exr -n {node.id}:{setting}{space}"
    yield "```"
    yield ""
    yield "```python"
    yield "import wetgate"
    yield ""
    yield f"result = wetgate.nodes.{node.id}(frames, {shown.id}={_quoted(shown.default)}{output})"
    yield "```"


def _typed(value: object) -> str:
    """A value as it is typed at the command line."""
    if isinstance(value, tuple):
        return ",".join(f"{v:g}" for v in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quoted(value: object) -> str:
    """A value as Python writes it, text in double quotes."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def markdown(text: str) -> list[str]:
    """A docstring as Markdown lines: roles and double back-quotes become code, ``::`` blocks become fenced ones."""
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        indented = line.startswith("    ")
        if fenced and line.strip() and not indented:
            lines[-1:] = ["```", ""] if lines[-1] == "" else [lines[-1], "```", ""]
            fenced = False
        if fenced:
            lines.append(line.removeprefix("    "))
            continue
        plain = re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", line).replace("``", "`")
        if plain.rstrip().endswith("::"):
            lines += [plain.rstrip().removesuffix(":"), "", "```text"]
            fenced = True
            continue
        lines.append(plain)
    if fenced:
        lines += ["```"]
    return _without_blank_after_fence(lines)


def _without_blank_after_fence(lines: list[str]) -> list[str]:
    return [line for i, line in enumerate(lines) if not (line == "" and i and lines[i - 1] == "```text")]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
