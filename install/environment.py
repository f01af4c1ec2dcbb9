"""The virtual environment of a checkout: made, filled from the pins of pyproject.toml, and known to be up to date."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bootstrap import probe, suitable_pythons

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv"
STAMP = FOLDER / "wetgate-setup.json"
LOG = FOLDER / "wetgate-setup.log"
PINS = ROOT / "pyproject.toml"
BIN = FOLDER / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

Variant = Literal["cpu", "gpu"]
VARIANTS: tuple[Variant, ...] = ("cpu", "gpu")


class SetupError(Exception):
    """Set-up cannot go on; the message says why and what to do."""


def say(text: str) -> None:
    """One line to the user, at once."""
    print(f"wetgate: {text}", flush=True)


def ensure(variant: Variant | None = None) -> None:
    """Have the environment ready. Does nothing, in milliseconds, where the stamp says that it is.

    ``variant`` of None keeps the one that is installed, and on the first run picks by what the machine has.
    """
    stamp = _read_stamp()
    if stamp.get("fingerprint") == fingerprint() and variant in (None, stamp.get("variant")) and PYTHON.exists():
        return
    chosen, reason = _choose(variant, stamp.get("variant"))
    say(f"setting up in {FOLDER}")
    _make()
    say(f"variant: {chosen} ({reason})")
    _demand_space(chosen)
    _install(chosen)
    _tell_of_bundle()
    STAMP.write_text(json.dumps({"fingerprint": fingerprint(), "variant": chosen}) + "\n", encoding="utf-8")
    say("set up; the next run starts at once")


def fingerprint() -> str:
    """What the environment depends on: the pins, this file, the interpreter, and where the checkout lies."""
    state = hashlib.sha256()
    for file in (PINS, Path(__file__)):
        state.update(file.read_bytes())
    config = FOLDER / "pyvenv.cfg"
    state.update(config.read_bytes() if config.is_file() else b"none")
    state.update(str(ROOT).encode())
    return state.hexdigest()


@dataclass(frozen=True, slots=True)
class Pins:
    """The pinned requirements of pyproject.toml."""

    base: tuple[str, ...]
    extras: dict[str, tuple[str, ...]]

    @classmethod
    def read(cls) -> Pins:
        project = tomllib.loads(PINS.read_text(encoding="utf-8"))["project"]
        extras = {name: tuple(pins) for name, pins in project["optional-dependencies"].items()}
        return cls(tuple(project["dependencies"]), extras)


def torch_candidates(pin: str, variant: Variant, platform: str = sys.platform) -> list[str]:
    """Requirements to try in order, so that pip picks the build of torch that belongs to the variant.

    An index may hold ``2.x.y+cpu`` beside ``2.x.y``; the plain name is the CUDA build on Linux and the CPU build
    elsewhere. ``==2.x.y`` prefers any local build, ``===2.x.y`` takes the plain one alone (PEP 440).
    """
    name, _, version = pin.partition("==")
    if variant == "cpu":
        return [f"{name}=={version}+cpu", pin] if platform.startswith("linux") else [pin]
    return [f"{name}==={version}", pin]


def found_gpu() -> str:
    """What shows that there is an NVIDIA driver with a GPU, or ""."""
    cards = Path("/proc/driver/nvidia/gpus")
    if cards.is_dir() and any(cards.iterdir()):
        return f"an NVIDIA driver with {sum(1 for _ in cards.iterdir())} GPU in {cards}"
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    try:
        done = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    cards_listed = [line for line in done.stdout.splitlines() if line.startswith("GPU ")]
    return f"nvidia-smi lists {cards_listed[0].partition(' (')[0]}" if done.returncode == 0 and cards_listed else ""


def call(command: Sequence[str | Path], cwd: Path = ROOT) -> int:
    """Run a program of the environment, its output going to the terminal; its exit code."""
    try:
        return subprocess.call([str(part) for part in command], cwd=cwd, env=clean_environment())
    except OSError as error:
        raise SetupError(f"cannot start {command[0]}: {error}; remove {FOLDER} and run this again") from None


def clean_environment() -> dict[str, str]:
    """The environment variables without those that would point Python or pip somewhere else."""
    dropped = {"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    kept["PATH"] = f"{BIN}{os.pathsep}{kept.get('PATH', os.defpath)}"
    kept["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return kept


def _read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _choose(asked: Variant | None, installed: str | None) -> tuple[Variant, str]:
    if asked == "gpu" and sys.platform == "darwin":
        raise SetupError("there is no CUDA on macOS; leave --variant away, or give --variant cpu")
    if asked is not None:
        return asked, "as asked for"
    for variant in VARIANTS:
        if variant == installed:
            return variant, "as before"
    seen = found_gpu() if sys.platform != "darwin" else ""
    if seen:
        return "gpu", f"{seen}; --variant cpu takes the smaller one"
    return "cpu", "no NVIDIA driver and GPU found; --variant gpu takes the CUDA one all the same"


def _make() -> None:
    """The virtual environment itself, anew where the one that is there cannot be used."""
    if PYTHON.exists() and probe(str(PYTHON)) and _lies_here():
        say(f"python: {probe(str(PYTHON))}, in the environment that is there")
        return
    python = _venv_python()
    say(f"python: {probe(python)} ({python})")
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    done = subprocess.run([python, "-m", "venv", str(FOLDER)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"cannot make a virtual environment: {(done.stderr or done.stdout).strip()}")


def _lies_here() -> bool:
    """Whether the environment was made at this place: its scripts name their interpreter by an absolute path."""
    config = (FOLDER / "pyvenv.cfg").read_text(encoding="utf-8")
    made = re.search(r"^command = .* -m venv (.*)$", config, re.MULTILINE)
    return made is None or Path(made.group(1).split(" ")[-1]) == FOLDER


def _venv_python() -> str:
    """A Python that can make the environment: this one, or another of this machine."""
    if probe(sys.executable):
        return sys.executable
    others = suitable_pythons()
    if others:
        return others[0]
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    from system_packages import can_install, install

    if can_install() and install(package) and probe(sys.executable):
        return sys.executable
    raise SetupError(
        f"{sys.executable} cannot make virtual environments: its venv or ensurepip module is missing; "
        f"install it (Debian, Ubuntu: apt install {package}) and run this again"
    )


def _demand_space(variant: Variant) -> None:
    """Say so early where the disk is too full. Sizes are those of the environment after a full set-up, rounded up."""
    needed = {"cpu": 4, "gpu": 8}[variant]
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        say(f"warning: {free:.1f} GB are free here, a full set-up may need up to {needed} GB")


def _install(variant: Variant) -> None:
    pins = Pins.read()
    torch = next(pin for pin in pins.extras[variant] if pin.startswith("torch=="))
    extras = (pin for extra in ("dev", "farm", variant) for pin in pins.extras[extra])
    rest = [pin for pin in (*pins.base, *extras) if pin != torch]
    LOG.write_text("", encoding="utf-8")
    runtime, other = ("onnxruntime", "onnxruntime-gpu") if variant == "cpu" else ("onnxruntime-gpu", "onnxruntime")
    if _has(other):
        say(f"removing {other}, which excludes {runtime}")
        _pip("uninstall", "-y", "onnxruntime", "onnxruntime-gpu")
    say(f"installing {len(rest) + 1} pinned packages and what they need")
    _install_torch(torch, variant)
    _pip("install", *rest)
    # The build backend is one of the pins, so nothing is fetched for an isolated build of this project.
    _pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def _install_torch(pin: str, variant: Variant) -> None:
    candidates = torch_candidates(pin, variant)
    for requirement in candidates[:-1]:
        if _pip("install", requirement, must=False):
            return
    last = candidates[-1]
    if len(candidates) > 1:
        say(f"pip finds no {candidates[0]}; taking {last}")
        if variant == "cpu":
            say("on Linux it brings CUDA's libraries along (1.3 GB to download, 5 GB on disk), and runs without them")
    _pip("install", last)


def _has(package: str) -> bool:
    pattern = f"lib*/python*/site-packages/{package.replace('-', '_')}-*.dist-info"
    return any(FOLDER.glob(pattern)) or any(FOLDER.glob(pattern.replace("lib*/python*", "Lib")))


def _pip(action: str, *arguments: str, must: bool = True) -> bool:
    """Run pip, showing what it downloads; all of its words go to the log. Whether it did what was asked."""
    command = [
        str(PYTHON),
        "-m",
        "pip",
        action,
        *arguments,
        *(() if action == "uninstall" else ("--progress-bar=off",)),
    ]
    tail: list[str] = []
    with (
        LOG.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as pip,
    ):
        assert pip.stdout is not None
        log.write(f"$ {' '.join(command)}\n")
        for line in pip.stdout:
            log.write(line)
            tail = [*tail[-19:], line.rstrip()]
            for shown in _downloads(line):
                say(shown)
        code = pip.wait()
    if code and must:
        raise SetupError("\n  ".join([f"pip {action} ended with {code}:", *_reason(tail)]))
    return code == 0


def _downloads(line: str) -> Iterator[str]:
    """The lines of pip that tell a waiting user something: downloads above 10 MB."""
    found = re.match(r"\s*Downloading (?:\S*/)?(\S+) \(([\d.]+) (MB|GB)\)", line)
    if found and (found.group(3) == "GB" or float(found.group(2)) >= 10):
        yield f"  downloading {'-'.join(found.group(1).split('-')[:2])}, {found.group(2)} {found.group(3)}"


def _reason(tail: list[str]) -> list[str]:
    text = "\n".join(tail)
    hint = f"all of pip's output is in {LOG}; what is done stays done, run this again"
    if re.search(r"No space left", text):
        hint = f"the disk is full; make room and run this again ({LOG})"
    elif re.search(
        r"Temporary failure in name|Failed to establish|ConnectTimeout|Network is unreachable|ProxyError", text
    ):
        hint = (
            "pip cannot reach its index. Behind a proxy, set HTTPS_PROXY; without network, put the wheels into a folder"
            f" and set PIP_NO_INDEX=1 and PIP_FIND_LINKS to it; then run this again ({LOG})"
        )
    elif re.search(r"No matching distribution", text):
        hint = f"pip's index or wheel folder lacks this package for this Python and system ({LOG})"
    words = [line for line in tail if line and not line.startswith("WARNING")]
    return [*words[-6:], hint]


def _tell_of_bundle() -> None:
    if not (ROOT / "ofx_bridge" / "CMakeLists.txt").is_file():
        return
    compilers = ("c++", "g++", "clang++", "cl")
    if not any(shutil.which(name) for name in compilers):
        say(f"NO OFX BUNDLE IS BUILT: no C++ compiler found ({', '.join(compilers)}). Command line and Python work.")
