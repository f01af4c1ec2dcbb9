#!/usr/bin/env python3
"""Builds ``Wetgate.ofx.bundle``: ``python3 ofx_bridge/build.py [--target linux-x86-64] [--compiler auto|zig|system]``.

``ziglang`` of PyPI, where it is installed, makes a binary for glibc 2.17 and later; the machine's own compiler makes
one that needs the machine's glibc, and says so. Standard library only.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import table  # beside this file

HERE = Path(__file__).resolve().parent
NODES = HERE / "generated" / "nodes.json"
GLIBC = "2.17"
# Bundle folder and zig target by what the user asks for (OpenFX packaging: Contents/<ARCH>).
TARGETS = {
    "linux-x86-64": ("Linux-x86-64", f"x86_64-linux-gnu.{GLIBC}"),
    "linux-aarch64": ("Linux-aarch64", f"aarch64-linux-gnu.{GLIBC}"),
}
RELEASE = ("linux-x86-64", "linux-aarch64")
COMPILE = ["-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-fno-gnu-unique"]
COMPILE += ["-fno-strict-aliasing", "-ffp-contract=off", "-Wall", "-Wextra", "-Wshadow", "-Werror=return-type"]
LINK = ["-shared", "-Wl,-z,defs", f"-Wl,--version-script={HERE / 'src' / 'exports.map'}"]


class BuildError(Exception):
    """No compiler, or one that failed; the text says what to do."""


def here_target() -> str:
    """The target of this machine."""
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}-{machine.replace('_', '-')}"


def compiler(wanted: str, target: str) -> tuple[list[str], list[str], list[str]]:
    """The C++ compiler's command, and the flags that it needs to compile and to link a self-contained library."""
    if wanted in ("auto", "zig") and importlib.util.find_spec("ziglang") is not None:
        command = [sys.executable, "-m", "ziglang", "c++", "-target", TARGETS[target][1]]
        unneeded = [flag for flag in COMPILE if flag != "-fno-gnu-unique"]  # clang makes no such symbols
        return command, [*unneeded, "-fno-sanitize=all", "-g0"], [*LINK, "-fno-sanitize=all", "-s", "-ldl"]
    if wanted == "zig":
        raise BuildError("ziglang is not installed; run: python3 -m pip install ziglang")
    found = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if found is None:
        raise BuildError("there is no C++ compiler; run: python3 -m pip install ziglang")
    if target != here_target():
        raise BuildError(
            f"the machine's compiler makes {here_target()}; for {target} run: python3 -m pip install ziglang"
        )
    print(f"{found} makes a binary that needs this machine's glibc or a later one; ziglang does not", file=sys.stderr)
    return [found], COMPILE, [*LINK, "-static-libstdc++", "-static-libgcc", "-pthread", "-ldl", "-s"]


def build(target: str, wanted: str, nodes: Path, bundle: Path, extra: Sequence[str] = ()) -> Path:
    """Build the bundle and return its binary. ``extra`` flags go to every compile and to the link."""
    command, compile_flags, link_flags = compiler(wanted, target)
    work = bundle.parent / f"{bundle.name}.objects"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    document = json.loads(nodes.read_text(encoding="utf-8"))
    (work / "nodes_table.cpp").write_text(table.nodes_table(document), encoding="utf-8")
    (work / "plugins_table.cpp").write_text(table.plugins_table(document), encoding="utf-8")
    sources = [*sorted((HERE / "src").glob("*.cpp")), work / "nodes_table.cpp", work / "plugins_table.cpp"]
    includes = [f"-I{HERE / 'include'}", f"-I{HERE / 'src'}"]

    def compiled(source: Path) -> Path:
        made = work / f"{source.stem}.o"
        _run([*command, *compile_flags, *includes, *extra, "-c", str(source), "-o", str(made)])
        return made

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        objects = list(pool.map(compiled, sources))
    binary = bundle / "Contents" / TARGETS[target][0] / "Wetgate.ofx"
    binary.parent.mkdir(parents=True, exist_ok=True)
    new = work / "Wetgate.ofx"
    _run([*command, *map(str, objects), *link_flags, *extra, "-o", str(new)])
    new.replace(binary)  # a host that has the old one loaded keeps it
    shutil.rmtree(work)
    return binary


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command)}\n{done.stderr}")
    if done.stderr.strip():
        print(done.stderr.strip(), file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds Wetgate.ofx.bundle.")
    parser.add_argument("--target", choices=sorted(TARGETS), default=here_target())
    parser.add_argument("--compiler", choices=("auto", "zig", "system"), default="auto")
    parser.add_argument("--nodes", type=Path, default=NODES, help="the table of nodes to compile in")
    parser.add_argument("--bundle", type=Path, default=HERE / "build" / "Wetgate.ofx.bundle")
    given = parser.parse_args()
    try:
        print(build(given.target, given.compiler, given.nodes, given.bundle))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
