"""Dependencies point one way: ``spec <- color <- {ops, io, inference} <- damage <- nodes <- engine <- surfaces``.

Shown twice: by every import statement in the sources, also those inside functions; and by what really gets loaded when
a layer is imported in a process of its own.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "plugin"

# What each layer may import of the others. The facade, wetgate/__init__.py, names upper layers lazily; resources is
# the place of the package's data files, known to everybody above spec.
ALLOWED: dict[str, frozenset[str]] = {
    "spec": frozenset(),
    "resources": frozenset({"spec"}),
    "color": frozenset({"spec", "resources"}),
    "ops": frozenset({"spec", "color"}),
    "io": frozenset({"spec", "color", "resources"}),
    "inference": frozenset({"spec", "color", "resources"}),
    "damage": frozenset({"spec", "color", "ops", "io", "resources"}),
    "nodes": frozenset({"spec", "color", "ops", "io", "inference", "damage", "resources"}),
}
# Layers whose rule stands, and whose code does not yet.
COMING: frozenset[str] = frozenset()
ALLOWED["engine"] = ALLOWED["nodes"] | {"nodes"}
ALLOWED["surfaces"] = ALLOWED["engine"] | {"engine"}

# A node that is called as a function runs through the facade, so this one lazy import points up.
EXCEPTIONS = {("wetgate/nodes/__init__.py", "wetgate.run_node")}
VERSION = "wetgate.__version__"

HEAVY = frozenset({"scipy", "cv2", "PyOpenColorIO", "OpenImageIO", "av", "torch", "onnxruntime", "opentimelineio"})
# Third-party modules that may be loaded once a layer has been imported, where that is restricted.
LIGHT: dict[str, frozenset[str]] = {"spec": frozenset({"numpy"}), "nodes": frozenset({"numpy"})}
# What is never loaded by importing the layer: torch takes over a second.
NEVER = frozenset({"torch", "onnxruntime"})
RUNTIME = HEAVY | {"numpy", "scipy", "typer", "rich", "yaml", "jsonschema", "cryptography", "onnx"}
# Used where somebody has installed them (VMAF, ColorVideoVDP, spandrel, Dask), never needed: named in functions alone.
OPTIONAL = frozenset({"imageio_ffmpeg", "pycvvdp", "spandrel", "safetensors", "dask", "distributed"})
DEVELOPMENT = ("skimage", "colour", "imageio_ffmpeg", "playwright", "pytest", "hypothesis")


def layer_of(file: Path) -> str:
    """The layer a file belongs to; "" for the facade."""
    parts = file.relative_to(PLUGIN).with_suffix("").parts
    return "" if parts == ("wetgate", "__init__") else parts[1]


def imports_of(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a module imports, wherever in it the statement stands.

    ``import wetgate`` alone says nothing: what counts is what is then taken from it.
    """
    for found in ast.walk(tree):
        if isinstance(found, ast.Import):
            yield from ((found.lineno, alias.name) for alias in found.names if alias.name != "wetgate")
        elif isinstance(found, ast.Attribute) and isinstance(found.value, ast.Name) and found.value.id == "wetgate":
            yield found.lineno, f"wetgate.{found.attr}"
        elif isinstance(found, ast.ImportFrom):
            base = found.module or ""
            if found.level:
                above = package.split(".")[: len(package.split(".")) - found.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            if base == "wetgate":
                yield from ((found.lineno, f"wetgate.{alias.name}") for alias in found.names)
            else:
                yield found.lineno, base
        elif isinstance(found, ast.Call) and found.args and isinstance(found.args[0], ast.Constant):
            called = ast.unparse(found.func)
            if called in ("importlib.import_module", "import_module", "__import__"):
                yield found.lineno, str(found.args[0].value)


def wrong_imports(source: str, file: str, layer: str) -> list[str]:
    """What a module of a layer imports although it may not."""
    package = ".".join(Path(file).parent.parts)
    wrong = []
    tree = ast.parse(source)
    at_import = {statement.lineno for statement in tree.body}
    for line, name in imports_of(tree, package):
        parts = name.split(".")
        if parts[0] == "wetgate":
            target = parts[1] if len(parts) > 1 else ""
            allowed = target in ALLOWED[layer] | {layer} or name == VERSION or (file, name) in EXCEPTIONS
            of_facade = target not in ALLOWED  # wetgate itself, or a name that it lends from an upper layer
            if not allowed and not (of_facade and layer == "surfaces"):
                wrong.append(f"{file}:{line} imports {name}: {layer} may know {', '.join(sorted(ALLOWED[layer]))}")
        elif parts[0] in OPTIONAL and line not in at_import:
            continue
        elif parts[0] not in sys.stdlib_module_names | RUNTIME:
            wrong.append(f"{file}:{line} imports {name}, which is no dependency at run time")
        elif layer == "spec" and parts[0] in RUNTIME - {"numpy", "torch"}:
            wrong.append(f"{file}:{line} imports {name}: spec knows the standard library and numpy")
    return wrong


def sources() -> list[Path]:
    """Every module of the package. Scripts that run inside a host are none of them: they have a Python of its own."""
    return [file for file in sorted((PLUGIN / "wetgate").rglob("*.py")) if not is_host_script(file)]


def is_host_script(file: Path) -> bool:
    """Whether a file is one that is copied into a host, ``surfaces/HOST/scripts/...``."""
    parts = file.relative_to(PLUGIN / "wetgate").parts
    return len(parts) > 3 and parts[0] == "surfaces" and parts[2] == "scripts"


def test_a_script_that_runs_inside_a_host_never_imports_the_package():
    found = [file for file in sorted((PLUGIN / "wetgate").rglob("*.py")) if is_host_script(file)]
    assert found
    for file in found:
        names = [name for _, name in imports_of(ast.parse(file.read_text(encoding="utf-8")), "")]
        ours = [name for name in names if name.partition(".")[0] in RUNTIME | {"wetgate"}]
        assert not ours, f"{file} imports {ours}"


def test_every_folder_is_a_known_layer():
    found = {layer_of(file) for file in sources()} - {""}
    assert found <= set(ALLOWED), f"no rule for {found - set(ALLOWED)}"
    assert set(ALLOWED) - {"resources"} - COMING <= found
    assert not COMING & found, f"{COMING & found} is there now: take it from COMING"


def test_every_import_statement_points_down():
    wrong = []
    for file in sources():
        layer = layer_of(file)
        if layer:
            wrong += wrong_imports(file.read_text(encoding="utf-8"), file.relative_to(PLUGIN).as_posix(), layer)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("layer", "statement"),
    [
        ("spec", "from wetgate.color import curves"),
        ("spec", "import cv2"),
        ("color", "from wetgate.ops.flow import flow"),
        ("ops", "import wetgate.io"),
        ("io", "from wetgate import ops"),
        ("io", "from ..ops import flow"),
        ("inference", "def f():\n    from wetgate.io import source"),
        ("damage", "from wetgate import nodes"),
        ("nodes", "if TYPE_CHECKING:\n    from wetgate.engine.graph import Graph"),
        ("engine", "importlib.import_module('wetgate.surfaces.cli')"),
        ("engine", "from wetgate import render"),
        ("engine", "import wetgate\nwetgate.render()"),
        ("nodes", "import wetgate\nwetgate.run_node()"),
        ("ops", "import skimage.filters"),
        ("engine", "import pycvvdp"),
    ],
)
def test_a_statement_that_points_up_is_found(layer, statement):
    assert wrong_imports(statement, f"wetgate/{layer}/sample.py", layer), f"{statement!r} in {layer} was let through"


@pytest.mark.parametrize(
    ("layer", "statement"),
    [
        ("color", "from wetgate.spec import Image"),
        ("damage", "from wetgate.ops.flow import flow\nimport cv2"),
        (
            "engine",
            "from . import graph\nimport wetgate\nprint(wetgate.__version__)\nfrom wetgate.nodes import hdr_lift",
        ),
        ("surfaces", "from wetgate.engine import pipeline\nimport typer"),
        ("engine", "def measure():\n    import pycvvdp"),
    ],
)
def test_a_statement_that_points_down_is_let_through(layer, statement):
    assert wrong_imports(statement, f"wetgate/{layer}/sample.py", layer) == []


def loaded_by(statement: str) -> set[str]:
    """Names of all modules that a statement loads in a fresh interpreter, beside what starting it loads."""
    code = (
        "import sys, json; before = set(sys.modules)\n"
        f"{statement}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    command = [sys.executable, "-c", code]
    environment = {"PYTHONPATH": str(PLUGIN), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def layers_in(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("wetgate.")}


def third_party_in(modules: set[str]) -> set[str]:
    names = {name.partition(".")[0] for name in modules}
    return names & (RUNTIME | set(DEVELOPMENT))


@pytest.mark.parametrize("layer", sorted(set(ALLOWED) - COMING))
def test_importing_a_layer_loads_only_what_lies_below(layer):
    modules = loaded_by(f"import wetgate.{layer}")
    assert layers_in(modules) <= ALLOWED[layer] | {layer}
    heavy = third_party_in(modules)
    assert not heavy & NEVER, f"importing wetgate.{layer} loads {heavy & NEVER}"
    assert not heavy & set(DEVELOPMENT), f"importing wetgate.{layer} loads {heavy & set(DEVELOPMENT)}"
    if layer in LIGHT:
        assert heavy <= LIGHT[layer], f"importing wetgate.{layer} loads {heavy - LIGHT[layer]}"


@pytest.mark.parametrize("file", [f.relative_to(PLUGIN).as_posix() for f in sources() if layer_of(f) == "nodes"])
def test_a_nodes_module_loads_no_heavy_library(file):
    modules = loaded_by("import " + file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    assert not third_party_in(modules) & HEAVY


def test_the_package_itself_loads_nothing():
    modules = loaded_by("import wetgate")
    assert layers_in(modules) == set()
    assert third_party_in(modules) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["nodes"], ["nodes", "--json"], ["render", "--help"]])
def test_answering_a_question_at_the_command_line_loads_no_heavy_library(arguments):
    modules = loaded_by(
        "import contextlib, io\n"
        "from wetgate.surfaces.cli.main import main\n"
        f"sys.argv = ['wetgate', *{arguments!r}]\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n    main()"
    )
    assert not third_party_in(modules) & (HEAVY | set(DEVELOPMENT))
    assert "pydantic" not in modules, "typer brings pydantic, which takes a tenth of a second to load"
