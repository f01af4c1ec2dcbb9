"""The shim and its probe host, built with the checks of a compiler: what finds errors that a picture does not show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BRIDGE = ROOT / "ofx_bridge"
PROBE = ROOT / "tests" / "ofx" / "probe" / "probe.cpp"
HOSTILE = ROOT / "tests" / "ofx" / "workers" / "hostile.py"
# A sanitizer that finds something ends the process with a status of its own, which no other fault has.
FOUND = 99
OPTIONS = {
    "ASAN_OPTIONS": f"exitcode={FOUND}:detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": f"exitcode={FOUND}:halt_on_error=1:second_deadlock_stack=1",
}


def build_probe(folder: Path, *flags: str) -> Path:
    """The probe host, compiled with the machine's C++ compiler. :class:`OSError` where there is none."""
    program = folder / "probe"
    command = [
        _compiler(),
        "-std=c++17",
        "-O1",
        "-g",
        f"-I{BRIDGE / 'include'}",
        *flags,
        str(PROBE),
        "-o",
        str(program),
    ]
    _run([*command, "-ldl", "-pthread"])
    return program


def build_shim(folder: Path, *flags: str) -> Path:
    """The bundle's binary, compiled with more flags than a release has."""
    sys.path.insert(0, str(BRIDGE))
    try:
        import build
    finally:
        sys.path.remove(str(BRIDGE))
    bundle = folder / "Wetgate.ofx.bundle"
    made: Path = build.build(build.here_target(), "system", build.NODES, bundle, ["-g", "-O1", *flags])
    return made


def echo_worker(folder: Path) -> dict[str, str]:
    """Variables that make the shim start a worker which returns every picture as it came."""
    launch = folder / "worker.json"
    memory = folder / "no-harm"
    memory.touch()  # so that the worker does none
    words = ", ".join(f'"{word}"' for word in (sys.executable, "-I", str(HOSTILE), "none", str(memory)))
    launch.write_text(f'{{"wetgate": 1, "command": [{words}]}}', encoding="utf-8")
    launch.chmod(0o600)
    folder.chmod(0o700)
    return {"WETGATE_WORKER": str(launch)}


def run_probe(program: Path, binary: Path, mode: list[str], variables: dict[str, str], *before: str) -> str:
    """What the probe printed; :class:`AssertionError` with its words where it, or a sanitizer, complained."""
    environment = {**os.environ, **OPTIONS, **variables}
    command = [*before, str(program), str(binary), "io.wetgate.hdr_lift", *mode]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def _compiler() -> str:
    for name in ("c++", "g++"):
        if shutil.which(name):
            return name
    raise OSError("there is no C++ compiler")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(done.stderr[-2000:])
