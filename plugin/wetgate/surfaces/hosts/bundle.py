"""The bundle that comes with Wetgate, and the file in it that tells the shim how to start the worker."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wetgate
from wetgate.spec import UsageError
from wetgate.surfaces.hosts.places import BUNDLE

SETTINGS = Path("Contents/Resources/wetgate.json")
SETTINGS_VERSION = 1  # of the launch file, ofx_bridge/PROTOCOL.md 8
_PACKAGE = Path(wetgate.__file__).resolve().parent
# Where the wheel carries it, and where a checkout's build leaves it.
_PLACES = (_PACKAGE / "data" / BUNDLE, _PACKAGE.parents[1] / "ofx_bridge" / "build" / BUNDLE)


def shipped() -> Path:
    """The bundle of this installation. :class:`UsageError` where it was built without one."""
    for place in _PLACES:
        if binaries(place):
            return place
    raise UsageError(
        "this build of Wetgate has no OFX bundle: it was made without a compiler",
        where=str(_PLACES[0]),
        remedy="install a release, or build it in a checkout with python3 ofx_bridge/build.py",
    )


def binaries(bundle: Path) -> dict[str, Path]:
    """The bundle's binaries by architecture folder (``Linux-x86-64``, ``Win64``, ``MacOS``)."""
    name = BUNDLE.removesuffix(".bundle")
    return {p.parent.name: p for p in sorted(bundle.glob(f"Contents/*/{name}")) if p.is_file()}


def worker_command() -> list[str]:
    """The command that starts this installation's worker: this interpreter, kept from the host's Python settings, and
    the worker of this very Wetgate, by its path, whatever else that interpreter has installed.

    The interpreter's path is left as it is, for a virtual environment is found by the name it is started under.
    """
    return [str(Path(sys.executable).absolute()), "-I", str(_PACKAGE / "surfaces" / "worker" / "__main__.py")]


def settings(created: list[str]) -> dict[str, Any]:
    """What is written into the bundle. ``created`` are the folders that were made for it, innermost first."""
    return {
        "wetgate": SETTINGS_VERSION,
        "command": worker_command(),
        "version": wetgate.__version__,
        "created": created,
    }


def read_settings(bundle: Path) -> Mapping[str, Any]:
    """The file in an installed bundle. :class:`UsageError` where it is missing or none of ours."""
    return read_launch_file(bundle / SETTINGS)


def read_launch_file(path: Path) -> Mapping[str, Any]:
    """A launch file: a table with a ``command``. :class:`UsageError` where it cannot be used."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", remedy="run wetgate hosts install again") from None
    command = data.get("command") if isinstance(data, dict) else None
    if (
        not isinstance(command, list)
        or not command
        or not all(isinstance(part, str) for part in command)
        or not Path(command[0]).is_absolute()
    ):
        raise UsageError(f"{path} names no command that starts with a path", remedy="run wetgate hosts install again")
    result: Mapping[str, Any] = data
    return result
