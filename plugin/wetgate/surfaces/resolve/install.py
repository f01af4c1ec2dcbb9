"""The scripts that run inside Resolve: put together, copied into its folders, and taken away without a trace.

They are copies, not links, and whole in themselves: Resolve's Python has no packages, and nothing of Wetgate's may be
loaded into it. Each carries its settings; a user's ``resolve.json`` overrules them.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import wetgate
from wetgate.spec import UsageError
from wetgate.surfaces.hosts.files import make_folders, not_writable, remove_empty
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.resolve_places import PAGES, shared_scripts, user_scripts
from wetgate.surfaces.hosts.user_files import log_folder, spool_folder

# Where it shows in Resolve's Workspace > Scripts menu (Deliver: under render jobs too), its own file, and the call.
SCRIPTS: Mapping[str, tuple[str, str]] = {
    "Utility/Wetgate Status.py": ("status.py", "status(globals())"),
    "Edit/Wetgate Restore Timeline.py": ("restore.py", 'restore(globals(), "all", "every clip")'),
    "Edit/Wetgate Restore Selection.py": ("restore.py", 'restore(globals(), "selected", "the selected clips")'),
    "Edit/Wetgate Restore Marked Clips.py": ("restore.py", 'restore(globals(), "marked", "the marked clips")'),
    "Color/Wetgate Restore This Clip.py": (
        "restore.py",
        'restore(globals(), "current", "the current clip")',
    ),
    "Deliver/Wetgate Start of Job.py": ("deliver.py", "start_of_job(globals())"),
    "Deliver/Wetgate End of Job.py": ("deliver.py", "end_of_job(globals())"),
}
_SIGNATURE = "# Wetgate for DaVinci Resolve"
_LOG = "resolve.log"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the scripts are told. ``graph`` is what they restore with; ``how`` a finished job is handed on: into the
    ``spool`` folder that ``wetgate resolve watch`` serves, or by a ``call`` of Wetgate; ``wait_s`` is how long the
    Deliver page waits for it."""

    graph: str = ""
    output: str = ""
    in_space: str = ""
    out_space: str = ""
    spool: Path | None = None
    how: Literal["spool", "call"] = "spool"
    wait_s: float = 0.0
    marker: bool = True
    window: bool = True


@dataclass(frozen=True, slots=True)
class Installed:
    """A script of ours in one of Resolve's folders."""

    path: Path
    version: str
    created: tuple[str, ...]
    spool: str
    command: tuple[str, ...] = ()
    settings: Settings = Settings()

    def problems(self, machine: Machine) -> Iterator[str]:
        """What keeps it from doing what this Wetgate's would."""
        again = "run wetgate hosts install --only resolve"
        if self.version != wetgate.__version__:
            yield f"it is of Wetgate {self.version or 'unknown'}, not {wetgate.__version__}: {again}"
        if not self.command or not Path(self.command[0]).is_file():
            yield f"its command line is gone ({self.command[0] if self.command else 'none'}): {again}"
        elif machine.root is None and list(self.command) != command():
            yield f"it starts another Wetgate than this one ({self.command[0]}): {again} with the one that is meant"


def command() -> list[str]:
    """What starts this Wetgate, kept from the host's Python settings."""
    return [str(Path(sys.executable).absolute()), "-I", "-m", "wetgate.surfaces.cli.main"]


def compose(name: str, settings: Settings, machine: Machine, created: tuple[str, ...] = ()) -> str:
    """The text of a script, one whole file."""
    own, call = SCRIPTS[name]
    folder = resources.files("wetgate") / "surfaces" / "resolve" / "scripts"
    bridge = (folder / "wetgate_resolve.py").read_text(encoding="utf-8")
    tail = (folder / own).read_text(encoding="utf-8")
    tail = re.sub(r"from wetgate_resolve import (?:\(.*?\)|[^(\n]*)\n", "", tail, flags=re.DOTALL)
    told: dict[str, Any] = {
        "version": wetgate.__version__,
        "command": command(),
        "graph": settings.graph,
        "output": settings.output,
        "in_space": settings.in_space,
        "out_space": settings.out_space,
        "spool": _homeless(settings.spool or spool_folder(machine), machine),
        "how": settings.how,
        "wait_s": settings.wait_s,
        "marker": settings.marker,
        "window": settings.window,
        "log": _homeless(log_folder(machine) / _LOG, machine),
        "created": list(created),
    }
    literal = f"SETTINGS = json.loads({json.dumps(told)!r})  # type: Dict[str, Any]\n"
    bridge, count = re.subn(r"^SETTINGS = .*\n", lambda _: literal, bridge, count=1, flags=re.MULTILINE)
    assert count == 1, "wetgate_resolve.py has lost its SETTINGS"
    head = f"{_SIGNATURE} {wetgate.__version__}: wetgate resolve install and wetgate hosts install write it anew.\n"
    return f"{head}{bridge}\n\n{tail}\n\n{call}\n"


def _homeless(path: Path, machine: Machine) -> str:
    """A path that holds for every user: what lies in the home folder is written with ~."""
    return f"~/{path.relative_to(machine.home).as_posix()}" if path.is_relative_to(machine.home) else str(path)


def _at_home(text: str, machine: Machine) -> str:
    return str(machine.home / text[2:]) if text.startswith("~/") else text


def install(machine: Machine, settings: Settings, *, folder: Path | None = None, everybody: bool = False) -> list[Path]:
    """Write the scripts into this user's folder (``everybody``: the machine's; ``folder``: another).

    All or none: where one cannot be written, those that were there before stay as they were.
    """
    target = folder or (shared_scripts(machine) if everybody else user_scripts(machine))
    before = {script.path: script for script in installed(machine, target)}
    created = list(dict.fromkeys(p for s in before.values() for p in s.created))
    for page in PAGES:
        made = make_folders(target / page)
        created = [*made, *(p for p in created if p not in made)]
    # Innermost first: what lies deeper goes before what holds it.
    created.sort(key=lambda p: -len(Path(p).parts))
    staged: list[tuple[Path, Path]] = []
    try:
        for name in SCRIPTS:
            place = target / name
            temporary = place.with_name(f".{place.name}.{os.getpid()}.new")
            staged.append((temporary, place))
            temporary.write_text(compose(name, settings, machine, tuple(created)), encoding="utf-8", newline="\n")
            temporary.chmod(0o644)
        for temporary, place in staged:
            temporary.replace(place)
    except OSError as error:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
        raise not_writable(target, error) from None
    for path in before:
        if path not in {place for _, place in staged}:
            path.unlink(missing_ok=True)  # of an older version, under a name that is no longer used
    return [place for _, place in staged]


def uninstall(machine: Machine, *, folder: Path | None = None) -> list[Path]:
    """Remove our scripts, wherever Resolve looks, with the folders made for them, the log, and a spool folder without
    jobs; what was removed. Raises :class:`UsageError` where none is there."""
    targets = [folder] if folder else [user_scripts(machine), shared_scripts(machine)]
    found = [script for target in targets for script in installed(machine, target)]
    if not found:
        raise UsageError(
            "no scripts of ours are installed",
            allowed=", ".join(map(str, targets)),
            remedy="name their folder with --to",
        )
    removed: list[Path] = []
    try:
        for script in found:
            script.path.unlink()
            removed.append(script.path)
    except OSError as error:
        raise not_writable(script.path.parent, error) from None
    created = dict.fromkeys(p for script in found for p in script.created)
    for path in sorted(created, key=lambda p: -len(Path(p).parts)):
        remove_empty([path])
    removed += _remove_traces(machine, {Path(script.spool) for script in found if script.spool})
    return removed


def installed(machine: Machine, folder: Path) -> list[Installed]:
    """Our scripts under a folder of scripts."""
    return [script for page in PAGES for script in _in_folder(folder / page, machine)]


def everywhere(machine: Machine) -> list[Installed]:
    """Our scripts, wherever Resolve looks."""
    return [s for target in (user_scripts(machine), shared_scripts(machine)) for s in installed(machine, target)]


def _in_folder(folder: Path, machine: Machine) -> Iterator[Installed]:
    try:
        paths = sorted(p for p in folder.iterdir() if p.suffix == ".py")
    except OSError:
        return
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if not text.startswith(_SIGNATURE):
            continue
        match = re.search(r"^SETTINGS = json\.loads\((.*)\)  # type", text, re.MULTILINE)
        told: dict[str, Any] = {}
        if match:
            with contextlib.suppress(ValueError, SyntaxError):
                told = json.loads(ast.literal_eval(match[1]))
        yield Installed(
            path,
            str(told.get("version", "")),
            tuple(str(p) for p in told.get("created", [])),
            _at_home(str(told.get("spool", "")), machine),
            tuple(str(word) for word in told.get("command", [])),
            _settings_of(told, machine),
        )


def _settings_of(told: Mapping[str, Any], machine: Machine) -> Settings:
    """The settings that scripts were written with, so that they can be written anew with the same."""
    spool = _at_home(str(told.get("spool", "")), machine)
    kept = {field.name: told[field.name] for field in fields(Settings) if field.name in told}
    return Settings(**{**kept, "spool": Path(spool) if spool else None})


def _remove_traces(machine: Machine, spools: set[Path]) -> list[Path]:
    """The log, and spool folders without jobs."""
    removed = []
    log = log_folder(machine) / _LOG
    if log.is_file():
        log.unlink()
        removed.append(log)
    remove_empty([log.parent])
    for spool in spools:
        if spool.is_dir() and not any(p.is_file() for name in ("new", "work") for p in (spool / name).glob("*.json")):
            for name in ("new", "work", "done", "failed", "started"):
                for path in (spool / name).glob("*.json"):
                    path.unlink()
                remove_empty([spool / name])
            remove_empty([spool, spool.parent] if spool == spool_folder(machine) else [spool])
            if not spool.exists():
                removed.append(spool)
    return removed
