"""Generated files are fresh, and the schemas say what the documents are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

import generate
import wetgate.nodes  # noqa: F401  (declares the shipped nodes)
from support.sample_nodes import declared
from wetgate import resources
from wetgate.spec import registry

Validator = jsonschema.Draft202012Validator


def schema(name: str):
    loaded = json.loads((resources.folder("schemas") / name).read_text(encoding="utf-8"))
    Validator.check_schema(loaded)
    return Validator(loaded)


def test_every_generated_file_is_fresh(root):
    stale = generate.stale(root, generate.outputs())
    assert not stale, "\n".join([*stale, f"make them anew with: {generate.COMMAND}"])


def test_a_changed_missing_or_left_over_file_is_stale(tmp_path):
    wanted = {Path("plugin/docs/nodes/a.md"): "a\n", Path("plugin/docs/nodes/b.md"): "b\n"}
    generate.write(tmp_path, wanted)
    assert generate.stale(tmp_path, wanted) == []
    (tmp_path / "plugin/docs/nodes/a.md").write_text("A\n", encoding="utf-8")
    (tmp_path / "plugin/docs/nodes/b.md").unlink()
    (tmp_path / "plugin/docs/nodes/c.md").write_text("c\n", encoding="utf-8")
    assert generate.stale(tmp_path, wanted) == [
        "plugin/docs/nodes/a.md is out of date",
        "plugin/docs/nodes/b.md is missing",
        "plugin/docs/nodes/c.md is of no node",
    ]
    generate.write(tmp_path, wanted)
    assert generate.stale(tmp_path, wanted) == []


def test_every_generated_file_says_so_in_its_first_lines():
    for path, text in generate.outputs().items():
        assert f"Made by: {generate.COMMAND}" in "\n".join(text.splitlines()[:2]), path


def test_the_list_of_nodes_is_as_its_schema_says():
    done = subprocess.run(
        [sys.executable, "-c", "from wetgate.surfaces.cli.main import main; main()", "nodes", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(generate.ROOT) / "plugin"), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    schema("nodes.schema.json").validate(document)
    assert [n["id"] for n in document["nodes"]] == list(registry.nodes())


@pytest.mark.parametrize(
    "change",
    [
        {"id": "Upper"},
        {"space": "logarithmic"},
        {"version": 0},
        {"help": "too short"},
        {"params": []},
        {"unknown": 1},
        {"views": {"mask": ""}},
    ],
)
def test_a_wrong_node_is_refused_by_the_schema(change):
    with declared("gain") as node:
        document = {"schema": "wetgate.nodes/1", "version": "1", "nodes": [node.schema()]}
    validator = schema("nodes.schema.json")
    validator.validate(document)
    document["nodes"][0] |= change
    assert list(validator.iter_errors(document))


@pytest.mark.parametrize("change", [{"default": "text"}, {"kind": "colour"}, {"hint": ""}, {"lo": None}, {"soft": [1]}])
def test_a_wrong_parameter_is_refused_by_the_schema(change):
    with declared("gain") as node:
        document = {"schema": "wetgate.nodes/1", "version": "1", "nodes": [node.schema()]}
    document["nodes"][0]["params"][0] |= change
    assert list(schema("nodes.schema.json").iter_errors(document))


def with_text_keys(value):
    """YAML's whole-number keys as JSON has them."""
    if isinstance(value, dict):
        return {str(k): with_text_keys(v) for k, v in value.items()}
    return [with_text_keys(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", sorted(p.stem for p in resources.folder("presets").glob("*.yaml")))
def test_a_preset_is_as_the_graph_schema_says(name):
    text = (resources.folder("presets") / f"{name}.yaml").read_text(encoding="utf-8")
    schema("graph.schema.json").validate(with_text_keys(yaml.safe_load(text)))


@pytest.mark.parametrize("node_id", sorted(registry.nodes()))
def test_defaults_and_ends_of_every_parameter_are_as_the_graph_schema_says(node_id):
    import node_pages

    node = registry.get(node_id)
    validator = schema("graph.schema.json")
    for param in node.params.values():
        for value in [param.default, *node_pages.ends(param)]:
            value = list(value) if isinstance(value, tuple) else value
            graph = {"graph": "wetgate.graph/1", "nodes": [{"node": node_id, "params": {param.id: value}}]}
            validator.validate(graph)
            if param.animates:
                graph["nodes"][0]["params"][param.id] = {"1001": value, "-5": value}
                validator.validate(graph)


@pytest.mark.parametrize(
    "graph",
    [
        {},
        {"graph": "wetgate.graph/2"},
        {"graph": "wetgate.graph/1", "nodes": [{"node": "no_such_node"}]},
        {"graph": "wetgate.graph/1", "nodes": [{"params": {}}]},
        {"graph": "wetgate.graph/1", "colour": "red"},
    ],
)
def test_a_wrong_graph_is_refused_by_the_schema(graph):
    assert list(schema("graph.schema.json").iter_errors(graph))


def test_a_value_past_its_range_is_refused_by_the_parameter_schema():
    import schemas

    with declared("gain") as node:
        validator = Validator(schemas.params_schema(node))
    validator.validate({"gain": 2.0, "strength": 0})
    validator.validate({"gain": {"1001": 2.0, "1010": 4.0}})
    for wrong in ({"gain": 1e9}, {"gian": 1.0}, {"gain": {}}, {"gain": {"first": 1.0}}, {"gain": "2"}):
        assert list(validator.iter_errors(wrong)), wrong


def test_a_page_names_everything_that_the_node_declares():
    import node_pages

    with declared("gain") as node:
        text = node_pages.page(node)
    for param in node.params.values():
        assert f"`{param.id}`" in text
        assert param.hint in text
    for view, sentence in node.views.items():
        assert f"| `{view}` | {sentence} |" in text


def test_docstrings_become_markdown():
    import node_pages

    text = "Uses :func:`~wetgate.ops.flow` and ``x``::\n\n    y = x + 1\n\nThen more."
    expected = ["Uses `wetgate.ops.flow` and `x`:", "", "```text", "y = x + 1", "```", "", "Then more."]
    assert node_pages.markdown(text) == expected
