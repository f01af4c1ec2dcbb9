"""Where DaVinci Resolve, its data, its scripting API and the scripts of its Workspace menu are on each system.

Sources: Resolve's ``Developer/Scripting/README`` of 24 July 2026 (21.0.x) and of 31 August 2026 (21.1); its caches of
OFX plug-ins are those that installers of other plug-ins delete.
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


def applications(machine: Machine) -> list[Path]:
    """Where the application may be installed."""
    if machine.kind == "macos":  # the second is from the App Store
        return [
            machine.at(f"/Applications/{name}")
            for name in ("DaVinci Resolve/DaVinci Resolve.app", "DaVinci Resolve.app")
        ]
    if machine.kind == "windows":
        return [machine.at(f"C:/Program Files/{_SUPPORT}")]
    # The second is of the Linux that Blackmagic installs for panels.
    return [machine.at("/opt/resolve"), machine.at("/home/resolve")]


def data_folder(machine: Machine) -> Path:
    """Where it keeps what belongs to this user."""
    if machine.kind == "macos":
        return machine.data / _SUPPORT
    if machine.kind == "windows":
        return machine.data / f"{_SUPPORT}/Support"
    return machine.data / "DaVinciResolve"


def shared_folder(machine: Machine) -> Path:
    """Where it keeps what belongs to every user of the machine."""
    if machine.kind == "macos":
        return machine.at(f"/Library/Application Support/{_SUPPORT}")
    if machine.kind == "windows":
        return _program_data(machine) / _SUPPORT
    first, panel = applications(machine)
    return panel if panel.is_dir() and not first.is_dir() else first


def is_here(machine: Machine) -> bool:
    """Whether it is installed, or was used by this user."""
    return data_folder(machine).is_dir() or any(place.exists() for place in applications(machine))


def caches(machine: Machine) -> tuple[Path, ...]:
    """Its caches of OFX plug-ins, of this version and of older ones."""
    folders = [data_folder(machine), *([shared_folder(machine)] if machine.kind == "macos" else [])]
    return tuple(f / name for f in folders for name in ("OFXPluginCacheV2.xml", "OFXPluginCache.xml"))


def bundled_python(machine: Machine, application: Path) -> Path:
    """ResolvePython, the interpreter that 21.1 brought along (3.14, without pip)."""
    own = {
        "macos": "Contents/Applications/ResolvePython",
        "windows": "ResolvePython/ResolvePython.exe",
        "linux": "bin/ResolvePython",
    }
    return application / own[machine.kind]


def apis(machine: Machine) -> list[Api]:
    """Where the scripting API may be: what the environment names first, then where the installers put it."""
    named = machine.environ.get(API_VARIABLE, "").strip()
    library = machine.environ.get(LIB_VARIABLE, "").strip()
    places = applications(machine)
    if machine.kind == "macos":
        folders, inside = [shared_folder(machine)], "Contents/Libraries/Fusion/fusionscript.so"
    elif machine.kind == "windows":
        folders, inside = [shared_folder(machine) / "Support"], "fusionscript.dll"
    else:
        folders, inside = places, "libs/Fusion/fusionscript.so"
    found = [
        Api(folder / "Developer/Scripting", Path(library) if library else place / inside)
        for folder, place in zip(folders, places, strict=False)
    ]
    return [Api(Path(named), Path(library) if library else found[0].library), *found] if named else found


def user_scripts(machine: Machine) -> Path:
    """This user's folder of scripts."""
    if machine.kind == "windows":
        # The manual prints %APPDATA%\\Roaming, which doubles the last part of %APPDATA%; some machines have it so.
        doubled = machine.data / f"Roaming/{_SUPPORT}/Support/Fusion/Scripts"
        if doubled.is_dir():
            return doubled
    return data_folder(machine) / "Fusion/Scripts"


def shared_scripts(machine: Machine) -> Path:
    """The folder of scripts for every user of the machine."""
    return shared_folder(machine) / "Fusion/Scripts"


def _program_data(machine: Machine) -> Path:
    return (
        machine.folder("PROGRAMDATA", machine.at("C:/ProgramData"))
        if machine.root is None
        else machine.at("C:/ProgramData")
    )
