"""Wetgate's Nuke scripts as Nuke runs them: in an interpreter of their own, with the fake ``nuke`` and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from wetgate.surfaces.nuke import catalogue

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / Path(catalogue.FILE).parent
RUN = Path(__file__).resolve().parent / "fake_nuke" / "run.py"
COMMAND = [sys.executable, "-I", "-m", "wetgate.surfaces.cli.main"]


def pythons() -> list[str]:
    """This interpreter, and those of Nuke 15 to 17 (3.10, 3.11) where the machine has them."""
    found = {sys.version_info[:2]: sys.executable}
    for minor in (10, 11):
        if (3, minor) in found:
            continue
        places = [
            shutil.which(f"python3.{minor}"),
            *map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")),
        ]
        for place in places:
            if place and _works(place, minor):
                found[(3, minor)] = place
                break
    return [found[version] for version in sorted(found)]


def _works(python: str, minor: int) -> bool:
    code = f"import sys; sys.exit(sys.version_info[:2] != (3, {minor}))"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


@dataclass
class Nuke:
    """A machine with Nuke, under a folder. ``bundle`` says whether Nuke "found" the OFX plug-ins."""

    folder: Path
    python: str = sys.executable
    bundle: bool = True
    command: list[str] = field(default_factory=lambda: list(COMMAND))
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plugin = self.folder / "studio" / "wetgate"
        shutil.copytree(SCRIPTS, self.plugin, ignore=shutil.ignore_patterns("__pycache__"))
        (self.plugin / "wetgate.json").write_text(json.dumps({"command": self.command, "version": "0"}))
        (self.folder / "home").mkdir()

    def run(self, script: str | Path, *arguments: str, gui: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a script: its text, or a file of the plug-in folder."""
        if isinstance(script, str):
            file = self.folder / "script.py"
            file.write_text("import nuke\n" + textwrap.dedent(script), encoding="utf-8")
        else:
            file = script
        environment = {
            "PATH": os.defpath,
            "HOME": str(self.folder / "home"),
            "NUKE_PATH": str(self.plugin),
            "FAKE_NUKE_GUI": "1" if gui else "0",
            # What Nuke has in its environment, and what must not reach another Python.
            "PYTHONHOME": "/nowhere",
            "LD_LIBRARY_PATH": "/nowhere",
            "FAKE_NUKE_BUNDLE": str(self.plugin / "wetgate_nodes.json") if self.bundle else "",
            **self.environ,
        }
        line = [self.python, "-I", "-S", "-B", str(RUN), str(file), *arguments]
        return subprocess.run(
            line, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def works(self, script: str, gui: bool = False) -> str:
        """Run a script that must end well; what it printed."""
        done = self.run(script, gui=gui)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
