"""The shim's fuzz targets: what a worker, a launch file and a host may send it, with ASan and UBSan watching.

clang brings libFuzzer, which is guided by coverage; with another compiler ``targets/driver.cpp`` changes inputs blindly.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BRIDGE = ROOT / "ofx_bridge"
HERE = Path(__file__).parent / "targets"
REGRESSIONS = Path(__file__).parent / "regressions"
TARGETS = ("session", "launch", "host")
# What the targets put in place of the system's half.
_REPLACED = {"stream.cpp", "process.cpp", "pool.cpp", "memory.cpp", "system.cpp"}
_CHECKS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
_ENVIRONMENT = {
    "ASAN_OPTIONS": "handle_abort=1:detect_leaks=1:allocator_may_return_null=1",
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
        program = b'#include <cstdint>\nextern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t) { return 0; }'
        program += b"" if guided else b"\nint main() {}"
        made = [name, "-xc++", "-", *flags, "-o", os.devnull]
        if subprocess.run(made, input=program, capture_output=True, check=False).returncode == 0:
            return Compiler(name, guided)
    raise OSError("there is no C++ compiler with sanitizers (Debian: apt install clang, or g++)")


def _parts() -> list[Path]:
    """Everything that a target depends on."""
    folders = (BRIDGE / "src", BRIDGE / "include", BRIDGE / "generated", HERE, ROOT / "tests" / "ofx" / "probe")
    return sorted(p for folder in folders for p in folder.rglob("*") if p.is_file())


def build(using: Compiler, workers: int = 1) -> dict[str, Path]:
    """The targets' programs by name. They are kept, and made anew where a source has changed."""
    seen = hashlib.sha256("\0".join([using.name, *using.flags]).encode())
    for part in _parts():
        seen.update(part.read_bytes())
    folder = BRIDGE / "build" / "fuzz" / f"{using.name.replace('+', 'x')}-{seen.hexdigest()[:16]}"
    programs = {name: folder / name for name in TARGETS}
    if not all(p.is_file() for p in programs.values()):
        for old in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
            shutil.rmtree(old)
        _build(using, folder, programs, workers)
    return programs


def _build(using: Compiler, folder: Path, programs: dict[str, Path], workers: int) -> None:
    sys.path.insert(0, str(BRIDGE))
    try:
        import json

        import build as bundle  # type: ignore[import-not-found]
        import table  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(BRIDGE))
    folder.mkdir(parents=True)
    document = json.loads(bundle.NODES.read_text(encoding="utf-8"))
    (folder / "nodes_table.cpp").write_text(table.nodes_table(document), encoding="utf-8")
    (folder / "plugins_table.cpp").write_text(table.plugins_table(document), encoding="utf-8")
    system = [p for p in (BRIDGE / "src" / "posix").glob("*.cpp") if p.name not in _REPLACED]
    shim = [*(BRIDGE / "src").glob("*.cpp"), *system, *folder.glob("*.cpp"), HERE / "scripted.cpp"]
    shim = [p for p in shim if p.name != "unload.cpp"]  # it ends a library, and this is none
    mains = [HERE / f"{name}.cpp" for name in TARGETS] + ([] if using.guided else [HERE / "driver.cpp"])
    includes = [f"-I{p}" for p in (BRIDGE / "include", BRIDGE / "src", HERE)]

    def compiled(source: Path) -> Path:
        made = folder / f"{source.parent.name}-{source.stem}.o"
        _run([using.name, "-std=c++17", "-O1", "-g", *using.flags, *includes, "-c", str(source), "-o", str(made)])
        return made

    with ThreadPoolExecutor(workers) as pool:
        objects = dict(zip([*shim, *mains], pool.map(compiled, [*shim, *mains]), strict=True))
    rest = [str(objects[p]) for p in shim] + [str(objects[p]) for p in mains if p.stem == "driver"]
    link = ["-fsanitize=fuzzer"] if using.guided else []
    for name, program in programs.items():
        new = program.with_suffix(".new")
        mine = str(objects[HERE / f"{name}.cpp"])
        _run([using.name, *_CHECKS, *link, mine, *rest, "-ldl", "-pthread", "-o", str(new)])
        new.replace(program)
    for one in folder.glob("*.o"):
        one.unlink()


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
    """Inputs that a target once failed on."""
    return sorted((REGRESSIONS / name).glob("*"))


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-6000:]}")
