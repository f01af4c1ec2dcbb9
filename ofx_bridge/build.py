#!/usr/bin/env python3
"""Builds ``Wetgate.ofx.bundle``: ``python3 ofx_bridge/build.py [--target linux-x86-64] [--compiler auto|zig|system]``.

``ziglang`` of PyPI, where it is installed, makes binaries for Linux (glibc 2.17 and later), Windows and macOS on any of
them; the machine's own compiler makes one for this machine that needs its glibc, and says so. Standard library only.
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
from dataclasses import dataclass
from pathlib import Path

import table  # beside this file
import universal

HERE = Path(__file__).resolve().parent
NODES = HERE / "generated" / "nodes.json"
GLIBC = "2.17"
MACOS = "11.0"  # the first that runs on both of Apple's processors


@dataclass(frozen=True, slots=True)
class Target:
    """A system: the bundle's folder for it (OpenFX packaging: Contents/<ARCH>), zig's names of its processors, and what
    its linker is told. ``sources`` is the folder of its own parts of the shim."""

    folder: str
    triples: tuple[str, ...]
    sources: str
    link: tuple[str, ...]


_ELF = ("-shared", "-Wl,-z,defs", f"-Wl,--version-script={HERE / 'src' / 'exports.map'}", "-ldl", "-s")
_WINDOWS = ("-shared", "-ladvapi32", "-lbcrypt", "-s")
_MACOS = ("-dynamiclib", "-s")
TARGETS = {
    "linux-x86-64": Target("Linux-x86-64", (f"x86_64-linux-gnu.{GLIBC}",), "posix", _ELF),
    "linux-aarch64": Target("Linux-aarch64", (f"aarch64-linux-gnu.{GLIBC}",), "posix", _ELF),
    "windows-x86-64": Target("Win64", ("x86_64-windows-gnu",), "windows", _WINDOWS),
    "macos": Target("MacOS", (f"x86_64-macos.{MACOS}", f"aarch64-macos.{MACOS}"), "posix", _MACOS),
}
RELEASE = tuple(TARGETS)
COMPILE = ["-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-fno-strict-aliasing"]
COMPILE += ["-ffp-contract=off", "-Wall", "-Wextra", "-Wshadow", "-Werror=return-type"]


class BuildError(Exception):
    """No compiler, or one that failed; the text says what to do."""


def here_target() -> str:
    """The target of this machine."""
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    system = platform.system().lower()
    return "macos" if system == "darwin" else f"{system}-{machine.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C++ compiler: its command, and the flags that it needs to compile and to link a self-contained library."""

    command: list[str]
    compile: list[str]
    link: list[str]


def compilers(wanted: str, target: str) -> list[Compiler]:
    """What makes the target's binary, a compiler for each of its processors."""
    made = TARGETS[target]
    if wanted in ("auto", "zig") and importlib.util.find_spec("ziglang") is not None:
        zig = [sys.executable, "-m", "ziglang", "c++", "-target"]
        link = [*made.link, "-fno-sanitize=all"]
        return [Compiler([*zig, triple], [*COMPILE, "-fno-sanitize=all", "-g0"], link) for triple in made.triples]
    if wanted == "zig":
        raise BuildError("ziglang is not installed; run: python3 -m pip install ziglang")
    found = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if found is None:
        raise BuildError("there is no C++ compiler; run: python3 -m pip install ziglang")
    if target != here_target() or not target.startswith("linux"):
        raise BuildError(f"{found} makes no {target} here; run: python3 -m pip install ziglang")
    print(f"{found} makes a binary that needs this machine's glibc or a later one; ziglang does not", file=sys.stderr)
    static = ["-static-libstdc++", "-static-libgcc", "-pthread"]
    return [Compiler([found], [*COMPILE, "-fno-gnu-unique"], [*made.link, *static])]


def build(target: str, wanted: str, nodes: Path, bundle: Path, extra: Sequence[str] = ()) -> Path:
    """Build the bundle and return its binary. ``extra`` flags go to every compile and to the link."""
    work = bundle.parent / f"{bundle.name}.objects"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    document = json.loads(nodes.read_text(encoding="utf-8"))
    (work / "nodes_table.cpp").write_text(table.nodes_table(document), encoding="utf-8")
    (work / "plugins_table.cpp").write_text(table.plugins_table(document), encoding="utf-8")
    folders = [HERE / "src", HERE / "src" / TARGETS[target].sources, work]
    sources = [path for folder in folders for path in sorted(folder.glob("*.cpp"))]
    slices = []
    for place, compiler in enumerate(compilers(wanted, target)):
        slices.append(_library(compiler, sources, work / str(place), extra))
    contents = bundle / "Contents"
    binary = contents / TARGETS[target].folder / "Wetgate.ofx"
    binary.parent.mkdir(parents=True, exist_ok=True)
    new = work / "Wetgate.ofx"
    new.write_bytes(universal.joined([s.read_bytes() for s in slices]) if target == "macos" else slices[0].read_bytes())
    new.chmod(0o755)
    new.replace(binary)  # a host that has the old one loaded keeps it
    if target == "macos":
        (contents / "Info.plist").write_bytes(universal.property_list("Wetgate.ofx", document["version"], MACOS))
    shutil.rmtree(work)
    return binary


def _library(compiler: Compiler, sources: Sequence[Path], work: Path, extra: Sequence[str]) -> Path:
    """Compile and link for one processor."""
    work.mkdir()
    includes = [f"-I{HERE / 'include'}", f"-I{HERE / 'src'}"]

    def compiled(source: Path) -> Path:
        made = work / f"{source.parent.name}-{source.stem}.o"
        _run([*compiler.command, *compiler.compile, *includes, *extra, "-c", str(source), "-o", str(made)])
        return made

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        objects = list(pool.map(compiled, sources))
    made = work / "Wetgate.ofx"
    _run([*compiler.command, *map(str, objects), *compiler.link, *extra, "-o", str(made)])
    return made


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
