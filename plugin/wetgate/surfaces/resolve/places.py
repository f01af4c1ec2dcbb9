"""Where Resolve keeps its scripting API, and where it looks for scripts of its Workspace menu.

Source: Resolve's ``Developer/Scripting/README`` of 24 July 2026 (21.0.x) and of 31 August 2026 (21.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wetgate.surfaces.hosts.machine import Machine

API_VARIABLE = "RESOLVE_SCRIPT_API"
LIB_VARIABLE = "RESOLVE_SCRIPT_LIB"
MODULE = "DaVinciResolveScript"
PAGES = ("Utility", "Edit", "Color", "Deliver")  # the sub-folders that we put scripts into; Utility shows on every page
PROGRAM = r"(davinci )?resolve(\.exe)?"  # its process, in lower case
_SUPPORT = "Blackmagic Design/DaVinci Resolve"


@dataclass(frozen=True, slots=True)
class Api:
    """The folder with ``Modules/DaVinciResolveScript.py``, and the library that it loads."""

    folder: Path
    library: Path

    @property
    def modules(self) -> Path:
        return self.folder / "Modules"

    @property
    def is_there(self) -> bool:
        return (self.modules / f"{MODULE}.py").is_file()


def apis(machine: Machine) -> list[Api]:
    """Where the scripting API may be: what the environment names first, then where the installers put it."""
    named = machine.environ.get(API_VARIABLE, "").strip()
    library = machine.environ.get(LIB_VARIABLE, "").strip()
    if machine.kind == "macos":
        folders = [machine.at(f"/Library/Application Support/{_SUPPORT}/Developer/Scripting")]
        libraries = [
            machine.at("/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Libraries/Fusion/fusionscript.so")
        ]
    elif machine.kind == "windows":
        folders = [_program_data(machine) / f"{_SUPPORT}/Support/Developer/Scripting"]
        libraries = [machine.at(f"C:/Program Files/{_SUPPORT}/fusionscript.dll")]
    else:
        roots = ("/opt/resolve", "/home/resolve")  # the second is of the ISO that Blackmagic installs for panels
        folders = [machine.at(f"{root}/Developer/Scripting") for root in roots]
        libraries = [machine.at(f"{root}/libs/Fusion/fusionscript.so") for root in roots]
    found = [Api(f, Path(library) if library else lib) for f, lib in zip(folders, libraries, strict=True)]
    return [Api(Path(named), Path(library) if library else found[0].library), *found] if named else found


def bundled_python(machine: Machine) -> Path:
    """ResolvePython, the interpreter that 21.1 brought along (3.14, without pip)."""
    if machine.kind == "macos":
        return machine.at("/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Applications/ResolvePython")
    if machine.kind == "windows":
        return machine.at(f"C:/Program Files/{_SUPPORT}/ResolvePython/ResolvePython.exe")
    return machine.at("/opt/resolve/bin/ResolvePython")


def user_scripts(machine: Machine) -> Path:
    """This user's folder of scripts."""
    if machine.kind == "macos":
        return machine.data / f"{_SUPPORT}/Fusion/Scripts"
    if machine.kind == "windows":
        # The manual prints %APPDATA%\Roaming, which doubles the last part of %APPDATA%; some machines have it so.
        doubled = machine.data / f"Roaming/{_SUPPORT}/Support/Fusion/Scripts"
        return doubled if doubled.is_dir() else machine.data / f"{_SUPPORT}/Support/Fusion/Scripts"
    return machine.data / "DaVinciResolve/Fusion/Scripts"


def shared_scripts(machine: Machine) -> Path:
    """The folder of scripts for every user of the machine."""
    if machine.kind == "macos":
        return machine.at(f"/Library/Application Support/{_SUPPORT}/Fusion/Scripts")
    if machine.kind == "windows":
        return _program_data(machine) / f"{_SUPPORT}/Fusion/Scripts"
    panel = machine.at("/home/resolve")
    return (panel if panel.is_dir() and not machine.at("/opt/resolve").is_dir() else machine.at("/opt/resolve")) / (
        "Fusion/Scripts"
    )


def user_file(machine: Machine) -> Path:
    """What the scripts in Resolve are told about this user's Wetgate: its command, the spool folder, the graph."""
    if machine.kind == "macos":
        return machine.home / "Library/Application Support/Wetgate/resolve.json"
    if machine.kind == "windows":
        return machine.data / "Wetgate/resolve.json"
    return machine.folder("XDG_CONFIG_HOME", machine.home / ".config") / "wetgate/resolve.json"


def default_spool(machine: Machine) -> Path:
    """Where the Deliver scripts leave finished jobs for ``wetgate resolve watch``."""
    if machine.kind == "macos":
        return machine.home / "Library/Application Support/Wetgate/spool"
    if machine.kind == "windows":
        return machine.folder("LOCALAPPDATA", machine.home / "AppData/Local") / "Wetgate/spool"
    return machine.folder("XDG_STATE_HOME", machine.home / ".local/state") / "wetgate/spool"


def _program_data(machine: Machine) -> Path:
    return (
        machine.folder("PROGRAMDATA", machine.at("C:/ProgramData"))
        if machine.root is None
        else machine.at("C:/ProgramData")
    )
