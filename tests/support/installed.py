"""The wheel of this checkout, installed into a bare virtual environment outside it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the wheel with the build backend that is installed here, so that nothing is downloaded."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_alone(wheel: Path, folder: Path) -> Path:
    """Install a wheel and the dependencies that it declares, no others; the environment's folder of programs.

    The dependencies are those installed here, linked in one by one: exactly the closure of what the wheel's metadata
    asks for, so that an undeclared import fails, and nothing is downloaded.
    """
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    site = next(folder.glob("lib/python*/site-packages"), folder / "Lib" / "site-packages")
    command = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--no-deps", "--no-index"]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (installed,) = metadata.distributions(name="wetgate", path=[str(site)])
    for name in _closure(installed.requires or []):
        _link(metadata.distribution(name), site)
    return programs


def _closure(requirements: list[str]) -> set[str]:
    """Names of everything that the requirements need, extras aside; each is demanded to be of the asked version."""
    found: set[str] = set()
    todo = list(requirements)
    while todo:
        requirement = Requirement(todo.pop())
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        here = metadata.distribution(name)
        assert requirement.specifier.contains(here.version, prereleases=True), (
            f"{name} is {here.version} here, needed: {requirement.specifier}; run python3 install/bootstrap.py setup"
        )
        if name not in found:
            found.add(name)
            todo += here.requires or []
    return found


def _link(distribution: metadata.Distribution, site: Path) -> None:
    for top in _tops(distribution):
        source, target = Path(str(distribution.locate_file(top))), site / top
        if source.exists() and not target.exists():
            target.symlink_to(source, target_is_directory=source.is_dir())


def _tops(distribution: metadata.Distribution) -> Iterator[str]:
    """The files and folders of a distribution at the top of site-packages."""
    tops = {file.parts[0] for file in distribution.files or []}
    yield from sorted(top for top in tops if top not in ("..", "__pycache__"))
