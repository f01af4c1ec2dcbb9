"""What the installation says (``wetgate.json`` beside ``init.py``), and what it changes in Nuke: little."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import nuke

from wetgate_nuke.errors import WetgateError

FOLDER = Path(__file__).resolve().parents[1]
FILE = FOLDER / "wetgate.json"


def settings() -> dict[str, Any]:
    """The settings that the installation wrote: ``command`` and ``version``, maybe ``ofx`` and ``ocio``."""
    try:
        data = json.loads(FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WetgateError(f"{FILE} cannot be read ({error}): run wetgate hosts install again") from None
    return data if isinstance(data, dict) else {}


def command() -> list[str]:
    """How the command line is started: ``$WETGATE_COMMAND`` (a program), else what the installation wrote, else
    ``wetgate`` on the path. :class:`WetgateError` where none of them is there."""
    named = os.environ.get("WETGATE_COMMAND", "")
    found = [named] if named else settings().get("command") or [shutil.which("wetgate") or ""]
    if not found[0] or not Path(found[0]).is_file():
        where = "$WETGATE_COMMAND" if named else str(FILE)
        raise WetgateError(
            f"Wetgate's command line is not there: {found[0] or 'no wetgate on the path'} (from {where}). "
            "Run wetgate hosts install on this machine, or set WETGATE_COMMAND to its program"
        )
    return [str(part) for part in found]


def apply() -> None:
    """At Nuke's start: a bundle in a folder of the studio's own is put on the OFX path, and a configuration that the
    installation names becomes the default of new scripts, unless ``$OCIO`` is set.

    Nuke may have looked for OFX plug-ins before it runs this. It then finds ours at the next start from the same
    environment; a launcher that sets OFX_PLUGIN_PATH itself is sure, and ``wetgate hosts doctor`` says so.
    """
    try:
        said = settings()
    except WetgateError as error:  # Nuke must start
        nuke.tprint(f"Wetgate: {error}")
        return
    folder = said.get("ofx")
    if folder:
        before = [p for p in os.environ.get("OFX_PLUGIN_PATH", "").split(os.pathsep) if p]
        if folder not in before:
            os.environ["OFX_PLUGIN_PATH"] = os.pathsep.join([folder, *before])
    config = said.get("ocio")
    if config and not os.environ.get("OCIO"):
        nuke.knobDefault("Root.colorManagement", "OCIO")
        nuke.knobDefault("Root.OCIO_config", "custom")
        nuke.knobDefault("Root.customOCIOConfigPath", config)
