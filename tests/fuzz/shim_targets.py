"""The shim's fuzz targets: what a worker, a launch file and a host may send it, with ASan and UBSan watching.

clang brings libFuzzer, which coverage guides; with another compiler ``targets/driver.cpp`` changes inputs blindly.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BRIDGE = ROOT / "ofx_bridge"
HERE = Path(__file__).parent / "targets"
PROBE = ROOT / "tests" / "ofx" / "probe"
REGRESSIONS = Path(__file__).parent / "regressions"
TARGETS = ("session", "launch", "host")
# What the targets put in place of the system's half.
_REPLACED = {"stream.cpp", "process.cpp", "pool.cpp", "memory.cpp", "system.cpp"}
_INCLUDES = (BRIDGE / "include", BRIDGE / "src", HERE)
_CHECKS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
_ENVIRONMENT = {
    "ASAN_OPTIONS": "handle_abort=1:detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=16",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C++ compiler. ``guided`` where it has libFuzzer."""

    name: str
    guided: bool

    @property
    def flags(self) -> list[str]:
        return [*_CHECKS, "-fsanitize=fuzzer-no-link"] if self.guided else _CHECKS


def compiler() -> Compiler:
    """The one to use; :class:`OSError` where there is none that has the checks."""
    for name in ("clang++", "c++", "g++"):
        if shutil.which(name) is None:
            continue
        guided = name == "clang++"
        flags = ["-fsanitize=fuzzer,address,undefined"] if guided else [*_CHECKS, "-xc++"]
        program = (
            b'#include <cstdint>\nextern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t) { return 0; }'
        )
        program += b"" if guided else b"\nint main() {}"
        made = [name, "-xc++", "-", *flags, "-o", os.devnull]
        if subprocess.run(made, input=program, capture_output=True, check=False).returncode == 0:
            return Compiler(name, guided)
    raise OSError("there is no C++ compiler with sanitizers (Debian: apt install clang, or g++)")


def build(using: Compiler, workers: int = 1) -> dict[str, Path]:
    """The targets' programs by name. What is compiled is kept until its source or a header changes."""
    folder = BRIDGE / "build" / "fuzz" / using.name.replace("+", "x")
    folder.mkdir(parents=True, exist_ok=True)
    shim = _shim_sources(folder)
    mains = [HERE / f"{name}.cpp" for name in TARGETS] + ([] if using.guided else [HERE / "driver.cpp"])
    headers = hashlib.sha256("\0".join([using.name, *using.flags]).encode())
    for part in sorted(p for place in (*_INCLUDES, PROBE) for p in place.rglob("*.h")):
        headers.update(part.read_bytes())

    def compiled(source: Path) -> Path:
        seen = headers.copy()
        seen.update(source.read_bytes())
        made = folder / f"{source.parent.name}-{source.stem}-{seen.hexdigest()[:16]}.o"
        if not made.is_file():
            for old in folder.glob(f"{source.parent.name}-{source.stem}-*.o"):
                old.unlink()
            new = made.with_suffix(".new")
            includes = [f"-I{p}" for p in _INCLUDES]
            _run([using.name, "-std=c++17", "-O1", "-g", *using.flags, *includes, "-c", str(source), "-o", str(new)])
            new.replace(made)
        return made

    with ThreadPoolExecutor(workers) as pool:
        objects = dict(zip([*shim, *mains], pool.map(compiled, [*shim, *mains]), strict=True))
    rest = [objects[p] for p in shim] + [objects[p] for p in mains if p.stem == "driver"]
    return {name: _linked(using, folder / name, [objects[HERE / f"{name}.cpp"], *rest]) for name in TARGETS}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep other processes from building at the same time."""
    import fcntl

    folder = BRIDGE / "build" / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _linked(using: Compiler, program: Path, objects: Sequence[Path]) -> Path:
    if program.is_file() and program.stat().st_mtime >= max(o.stat().st_mtime for o in objects):
        return program
    new = program.with_suffix(".new")
    guide = ["-fsanitize=fuzzer"] if using.guided else []
    _run([using.name, *_CHECKS, *guide, *map(str, objects), "-ldl", "-pthread", "-o", str(new)])
    new.replace(program)
    return program


def _shim_sources(folder: Path) -> list[Path]:
    """The shim without its system half, the tables of nodes, and what stands in for the system."""
    sys.path.insert(0, str(BRIDGE))
    try:
        import build as bundle
        import table
    finally:
        sys.path.remove(str(BRIDGE))
    document = json.loads(bundle.NODES.read_text(encoding="utf-8"))
    (folder / "nodes_table.cpp").write_text(table.nodes_table(document), encoding="utf-8")
    (folder / "plugins_table.cpp").write_text(table.plugins_table(document), encoding="utf-8")
    system = [p for p in (BRIDGE / "src" / "posix").glob("*.cpp") if p.name not in _REPLACED]
    all_sources = [*(BRIDGE / "src").glob("*.cpp"), *system, *folder.glob("*.cpp"), HERE / "scripted.cpp"]
    return sorted(p for p in all_sources if p.name != "unload.cpp")  # it ends a library, and this is none


def run(program: Path, corpus: Sequence[Path], options: Sequence[str], artifacts: Path, limit: float) -> str:
    """Run a target; what it printed. :class:`AssertionError` with its words where it found something."""
    artifacts.mkdir(parents=True, exist_ok=True)
    command = [str(program), *options, f"-artifact_prefix={artifacts}/", *map(str, corpus)]
    environment = {**os.environ, **_ENVIRONMENT}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=limit, check=False)
    words = done.stderr.decode("utf-8", "replace")
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, f"{program.name}: status {done.returncode}\n{said[-2000:]}\n{words[-8000:]}"
    return words


def regressions(name: str) -> list[Path]:
    """The folder of inputs that a target once failed on, where there are any."""
    return [folder for folder in [REGRESSIONS / name] if folder.is_dir()]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-6000:]}")
