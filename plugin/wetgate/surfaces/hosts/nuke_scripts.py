"""Nuke's scripts put into its plug-in path, and taken away: a folder ``wetgate``, and one marked line in ``init.py``.

A user's ``~/.nuke/init.py`` gets one line at its end that adds the folder; every other byte of it stays, and goes back
to what it was. In a studio's folder nothing but ``wetgate`` is touched: the launcher's ``NUKE_PATH`` names it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wetgate
from wetgate.io.atomic import replacing
from wetgate.spec import UsageError, WetgateError
from wetgate.surfaces.hosts.files import digest, flush, make_folders, not_writable, remove, remove_empty, swap
from wetgate.surfaces.hosts.install import Change
from wetgate.surfaces.hosts.machine import Machine

NAME = "wetgate"
SETTINGS = "wetgate.json"
SCRIPTS = Path(__file__).resolve().parents[1] / "nuke" / "scripts"
_MARK = b"# wetgate: this line was added by wetgate hosts install, and goes with uninstall"
_LINE = b'__import__("nuke").pluginAddPath("./wetgate")  ' + _MARK
_NO_NEWLINE = b" (the line above had no end)"


def user_folder(machine: Machine) -> Path:
    """Nuke's folder of this user."""
    return machine.home / ".nuke"


def cli_command() -> list[str]:
    """The command line of this very installation, kept from the environment that Nuke gives its children."""
    return [str(Path(sys.executable).absolute()), "-I", "-m", "wetgate.surfaces.cli.main"]


def install_nuke(
    machine: Machine, *, folder: Path | None = None, ofx: Path | None = None, ocio: Path | None = None
) -> Change:
    """Copy the scripts into ``folder/wetgate`` (``~/.nuke``, with the line in its ``init.py``).

    ``ofx`` is a folder of the bundle that hosts do not scan by themselves, ``ocio`` a configuration for new scripts.
    """
    if ocio is not None and not ocio.is_file():
        raise UsageError(f"there is no OCIO config {str(ocio)!r}", where="--ocio", remedy="name a .ocio file")
    place = (folder or user_folder(machine)) / NAME
    if place.exists() and not _is_ours(place):
        raise UsageError(f"{place} is there, and none of ours", remedy="move it away, or choose a folder with --nuke")
    created = make_folders(place.parent) or _settings(place).get("created", [])
    said: dict[str, Any] = {"wetgate": 1, "version": wetgate.__version__, "command": cli_command()}
    said["created"] = created
    said |= {key: str(path.absolute()) for key, path in (("ofx", ofx), ("ocio", ocio)) if path is not None}
    staged = place.with_name(f".wetgate-{os.getpid()}.new")
    try:
        shutil.copytree(SCRIPTS, staged, ignore=shutil.ignore_patterns("__pycache__"))
        said["files"] = {str(name): digest(staged / name) for name in _files(staged)}
        (staged / SETTINGS).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        for path in [staged, *staged.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
            if path.is_file():
                flush(path)
        swap(staged, place)
    except OSError as error:
        raise not_writable(place.parent, error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    if folder is None:
        return Change(written=(place,), notes=_add_line(place.parent / "init.py"))
    named = str(place) in _nuke_path(machine)
    notes = () if named else (f"Nuke looks there once NUKE_PATH names it: NUKE_PATH={place}",)
    return Change(written=(place,), notes=notes)


def uninstall_nuke(machine: Machine, *, folder: Path | None = None) -> Change:
    """Remove the scripts from ``folder``, or from ``~/.nuke`` and what ``NUKE_PATH`` names, and the line."""
    found = [folder / NAME] if folder else installed(machine)
    done = Change()
    for place in found:
        if not _is_ours(place):
            continue
        created = _settings(place).get("created", [])
        remove(place)
        done += Change(removed=(place,), notes=_remove_line(place.parent / "init.py"))
        remove_empty(created)
    if folder is None:  # somebody may have removed the folder by hand
        done += Change(notes=_remove_line(user_folder(machine) / "init.py"))
    return done


def installed(machine: Machine) -> list[Path]:
    """Every folder of ours that Nuke can find."""
    places = [user_folder(machine) / NAME]
    for named in _nuke_path(machine):
        places += [Path(named), Path(named) / NAME]
    return [place for place in dict.fromkeys(places) if _is_ours(place)]


@dataclass(frozen=True, slots=True)
class State:
    """What is wrong with an installed copy, and what to do; nothing where ``problems`` is empty."""

    place: Path
    version: str
    problems: tuple[str, ...]


def states(machine: Machine) -> Iterator[State]:
    """Every installed copy: its version, and how it differs from what this Wetgate would install."""
    for place in installed(machine):
        said = _settings(place)
        yield State(place, str(said.get("version", "")), tuple(_problems(machine, place, said)))


def _problems(machine: Machine, place: Path, said: Mapping[str, Any]) -> Iterator[str]:
    again = "run wetgate hosts install"
    recorded: Mapping[str, str] = said.get("files") or {}
    present = {str(name) for name in _files(place)} - {SETTINGS}
    changed = sorted(n for n in present & set(recorded) if digest(place / n) != recorded[n])
    missing = sorted(set(recorded) - present)
    if said.get("version") != wetgate.__version__:
        yield f"it is of Wetgate {said.get('version') or 'unknown'}, not {wetgate.__version__}: {again}"
    elif {str(n): digest(SCRIPTS / n) for n in _files(SCRIPTS)} != dict(recorded):
        yield f"it is older than the scripts of this Wetgate, of the same version: {again}"
    if changed:
        yield f"{', '.join(changed)} was changed by hand since: {again}, which takes the change away"
    if missing:
        yield f"{', '.join(missing)} is missing: {again}"
    command = said.get("command") or [""]
    if not Path(str(command[0])).is_file():
        yield f"its command line is gone ({command[0]}): {again}"
    elif machine.root is None and list(command) != cli_command():
        yield f"it starts another Wetgate than this one ({command[0]}): {again} with the one that is meant"
    if place == user_folder(machine) / NAME and _MARK not in _read(place.parent / "init.py"):
        yield f"{place.parent / 'init.py'} does not name it, so Nuke does not see it: {again}"


def _files(folder: Path) -> list[Path]:
    return sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def _is_ours(place: Path) -> bool:
    return _settings(place).get("wetgate") == 1 and (place / "init.py").is_file()


def _settings(place: Path) -> dict[str, Any]:
    try:
        data = json.loads((place / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _nuke_path(machine: Machine) -> list[str]:
    separator = ";" if machine.kind == "windows" else ":"
    return [p for p in machine.environ.get("NUKE_PATH", "").split(separator) if p]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _add_line(file: Path) -> tuple[str, ...]:
    """The line at the file's end, with the file's own line ends; made anew where there is no file. What was done."""
    before = _read(file)
    if _MARK in before:
        return ()
    end = b"\r\n" if b"\r\n" in before else b"\n"
    open_end = bool(before) and not before.endswith((b"\n", b"\r"))
    line = (end if open_end else b"") + _LINE + (_NO_NEWLINE if open_end else b"") + end
    _write(file, before + line)
    return (f"one line was added to {file}, which adds the scripts to Nuke's plug-in path",)


def _remove_line(file: Path) -> tuple[str, ...]:
    """The file as it was before :func:`_add_line`, lines that were added after ours aside; gone where it was ours."""
    before = _read(file)
    if _MARK not in before:
        return ()
    kept: list[bytes] = []
    lines = before.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if _MARK not in line:
            kept.append(line)
        elif _NO_NEWLINE in line and kept and index == len(lines) - 1:
            kept[-1] = kept[-1].rstrip(b"\r\n")
    if kept:
        _write(file, b"".join(kept))
        return (f"our line was taken out of {file}",)
    file.unlink()
    return (f"{file} held our line alone, and is gone",)


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all, with the permissions that the file had; through a link to what it stands for."""
    mode = file.stat().st_mode & 0o7777 if file.exists() else 0o644
    try:
        with replacing(file) as temporary:
            temporary.write_bytes(data)
            temporary.chmod(mode)
    except WetgateError as error:
        raise UsageError(
            error.what, where=error.where, remedy=f"add this line to it yourself: {_LINE.decode()}"
        ) from None
    except OSError as error:
        raise not_writable(file, error) from None
