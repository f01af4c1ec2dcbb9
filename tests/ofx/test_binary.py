"""The bundle's binary: what it exports and needs, that it unloads, and that its table of nodes is the declared one."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import wetgate.nodes  # noqa: F401
from wetgate.spec import registry
from wetgate.surfaces import ofx_schema

BRIDGE = Path(__file__).resolve().parents[2] / "ofx_bridge"
COMPILERS = ["system", "zig"]
EXPORTS = {"OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost"}
# All that it may need: C library, its mathematics, its threads and its loader, and nothing of C++.
LIBRARIES = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
NEWEST_GLIBC = (2, 28)

UNLOAD = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
int main(int count, char **argument) {
    char line[4096];
    if (count != 2) return 9;
    for (int i = 0; i < 50; ++i) {
        void *library = dlopen(argument[1], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) { puts(dlerror()); return 2; }
        int (*number)(void) = (int (*)(void))dlsym(library, "OfxGetNumberOfPlugins");
        if (number == NULL || number() < 1) return 3;
        if (dlclose(library) != 0) return 4;
    }
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) if (strstr(line, "Wetgate.ofx")) return 5;
    return 0;
}
"""


def _has(compiler: str) -> bool:
    if compiler == "zig":
        return importlib.util.find_spec("ziglang") is not None
    return any(shutil.which(name) for name in ("c++", "g++"))


@pytest.fixture(scope="module", params=COMPILERS)
def binary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binary as each compiler that is here makes it."""
    if sys.platform != "linux":
        pytest.skip("ELF symbols are looked at")
    if not _has(request.param):
        pytest.skip(f"the {request.param} compiler is not installed")
    bundle = tmp_path_factory.mktemp(request.param) / "Wetgate.ofx.bundle"
    command = [sys.executable, str(BRIDGE / "build.py"), "--compiler", request.param, "--bundle", str(bundle)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip().splitlines()[-1])


def _said(*command: object) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed (binutils)")
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout


def test_the_binary_exports_the_three_ofx_functions_and_nothing_else(binary: Path) -> None:
    symbols = [line.split()[-2:] for line in _said("nm", "-D", "--defined-only", binary).splitlines()]
    assert {name.split("@")[0] for _, name in symbols} == EXPORTS
    assert {kind for kind, _ in symbols} == {"T"}


def test_no_symbol_pins_the_library_in_memory(binary: Path) -> None:
    assert "UNIQUE" not in _said("readelf", "-sW", binary)
    assert "NODELETE" not in _said("readelf", "-dW", binary)


def test_the_binary_needs_the_c_library_alone(binary: Path) -> None:
    needed = set(re.findall(r"NEEDED.*\[(.+?)\]", _said("readelf", "-dW", binary)))
    assert needed <= LIBRARIES
    assert not re.findall(r"GLIBCXX|CXXABI", _said("readelf", "-VW", binary))


def test_the_release_compiler_asks_for_no_glibc_after_2_28(binary: Path, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["binary"] != "zig":
        pytest.skip("the machine's compiler binds to the machine's glibc, and build.py says so")
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", _said("readelf", "-VW", binary))
    assert versions
    assert max((int(a), int(b)) for a, b in versions) <= NEWEST_GLIBC


def test_fifty_loads_leave_nothing_mapped_and_the_process_ends_in_order(binary: Path, tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler for the loader")
    source, loader = tmp_path / "unload.c", tmp_path / "unload"
    source.write_text(UNLOAD, encoding="utf-8")
    subprocess.run(["cc", str(source), "-o", str(loader), "-ldl"], check=True)
    done = subprocess.run([str(loader), str(binary)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_compiled_in_table_is_that_of_the_declared_nodes() -> None:
    table = json.loads((BRIDGE / "generated" / "nodes.json").read_text(encoding="utf-8"))
    del table["$comment"]
    wanted = json.loads(json.dumps(ofx_schema.document(registry.nodes())))
    assert table == wanted, "make it anew with: python3 install/generate.py"


def test_the_hash_changes_with_a_parameter_and_not_with_a_sentence() -> None:
    from dataclasses import replace

    node = registry.get("hdr_lift")
    first = ofx_schema.schema_hash({"hdr_lift": node})
    assert ofx_schema.schema_hash({"hdr_lift": replace(node, help="other words", label="Other")}) == first
    fewer = {name: p for name, p in node.params.items() if name != "peak"}
    assert ofx_schema.schema_hash({"hdr_lift": replace(node, params=fewer)}) != first


def test_a_node_may_not_take_a_parameter_name_of_the_bundle() -> None:
    from dataclasses import replace

    node = registry.get("hdr_lift")
    taken = replace(node, params={**node.params, "on_error": node.params["peak"]})
    with pytest.raises(TypeError, match="on_error"):
        ofx_schema.document({"hdr_lift": taken})


def test_a_table_survives_quotes_line_ends_and_digits_after_a_letter_outside_ascii() -> None:
    spec = importlib.util.spec_from_file_location("ofx_bridge_table", BRIDGE / "table.py")
    assert spec is not None
    assert spec.loader is not None
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    assert table._text('a"b\\c\nµ0') == '"a\\"b\\\\c\\n\\302\\2650"'
