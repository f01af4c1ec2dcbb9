"""Colour spaces: what a Read's and the root's knobs mean to Wetgate's command line, and the way back.

With OCIO management names are the configuration's own. With Nuke's own management a name is a transfer curve without
primaries: those that Nuke applies to Rec.709 pictures have an equal in OCIO, the cameras' have not and are not guessed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nuke

from wetgate_nuke.errors import WetgateError
from wetgate_nuke.knobs import plain, set_choice

# Nuke's curve: the alias in OCIO's studio configurations.
_CURVES = {
    "linear": "lin_rec709_srgb",
    "sRGB": "srgb_tx",
    "rec709": "camera_rec709",
    "Gamma1.8": "g18_rec709_tx",
    "Gamma2.2": "g22_rec709_tx",
    "Gamma2.4": "g24_rec709_tx",
    "BT1886": "rec1886_rec709_display",
}
_DEFAULT = re.compile(r"default(?: \((.*)\))?\Z")
_BUILT_IN = re.compile(r"(?:fn-nuke_)?((?:cg|studio)-config-v[\d.]+_aces-v[\d.]+_ocio-v[\d.]+)\Z")


def uses_ocio() -> bool:
    """Whether the script is managed by OCIO."""
    knob = nuke.root().knob("colorManagement")
    return knob is not None and plain(knob) == "OCIO"


def config() -> str | None:
    """The OCIO configuration of the script, for ``--config``; None where Nuke manages colour itself.

    ``$OCIO`` wins in Nuke as well. A configuration that comes with Nuke is found in its folder; those that OCIO has
    built in are named by their ``ocio://`` address.
    """
    if not uses_ocio():
        return None
    named = os.environ.get("OCIO")
    if named:
        return named
    root = nuke.root()
    name = plain(root["OCIO_config"])
    if name == "custom":
        path = str(root["customOCIOConfigPath"].getEvaluatedValue() or "")
        if not path:
            raise WetgateError("the OCIO config is custom, and no file is named: see Project Settings > Color")
        return path
    match = _BUILT_IN.match(name)
    if match:
        return f"ocio://{match[1]}"
    program = Path(nuke.env["ExecutablePath"])
    for folder in (program.parent / "plugins", program.parents[1] / "Resources", program.parent):
        path_here = folder / "OCIOConfigs" / "configs" / name / "config.ocio"
        if path_here.is_file():
            return str(path_here)
    raise WetgateError(f"the OCIO config {name!r} is not beside Nuke's program: set $OCIO to its file")


def working_space() -> str:
    """The space that Nuke works in, as Wetgate names it."""
    knob = nuke.root().knob("workingSpaceLUT")
    name = plain(knob) if knob is not None else "linear"
    return name if uses_ocio() else _of_curve(name, "the working space")


def space_of(node: Any) -> str:
    """The space of the files that a Read reads, or a Write writes, as Wetgate names it."""
    if node.knob("raw") is not None and node["raw"].value():
        return working_space()
    kind = node.knob("transformType")
    if kind is not None and plain(kind) not in ("colorspace", "default", ""):
        raise WetgateError(f"{node.name()} goes through a display and view: set its transform type to colorspace")
    name = plain(node["colorspace"])
    default = _DEFAULT.match(name)
    if default is not None:
        name = (default[1] or "").strip()
        if not name:
            raise WetgateError(f"{node.name()} has the default colour space: choose it by name, or give in_space")
    return name if uses_ocio() else _of_curve(name, node.name())


def set_space(read: Any, space: str, like: Any = None) -> None:
    """Set a Read to a space by Wetgate's name for it; ``like`` is a Read of the same space, whose knobs are copied."""
    if like is not None:
        read["raw"].setValue(bool(like["raw"].value()))
        default = _DEFAULT.match(plain(like["colorspace"]))
        if not like["raw"].value():
            set_choice(read["colorspace"], (default[1] or "") if default else plain(like["colorspace"]))
        return
    if space == working_space():
        read["raw"].setValue(True)
        return
    name = space if uses_ocio() else next((curve for curve, alias in _CURVES.items() if alias == space), "")
    if not name:
        raise WetgateError(f"Nuke's own colour management has no curve for {space}: manage the script by OCIO")
    set_choice(read["colorspace"], name)


def _of_curve(name: str, where: str) -> str:
    if name not in _CURVES:
        raise WetgateError(
            f"{where} is {name!r}, a curve without primaries. Name the whole space with in_space, or manage the "
            f"script by OCIO; curves that have one: {', '.join(_CURVES)}"
        )
    return _CURVES[name]
