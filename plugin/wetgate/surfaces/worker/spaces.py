"""Which OCIO config and which space a request means (PROTOCOL.md 6; OFX 1.5 colour management)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wetgate.color.config import BUILT_IN, ColorConfig
from wetgate.engine.colour import Colour
from wetgate.spec import UsageError
from wetgate.surfaces.worker.requests import Request

OCIO_STYLE = "OfxImageEffectColourManagementOCIO"
# What the generic spaces of OFX 1.5 (ofxColour.h, "basic") are taken as: they say the kind of encoding and no more.
_GENERIC: dict[str, str] = {
    "ofx_scene_linear": "scene_linear",
    "ofx_scene_log": "compositing_log",
    "ofx_display_sdr": "rec1886_rec709_display",
    "ofx_display_hdr": "rec2100_pq_display",
}
_DATA = "ofx_raw"


@dataclass(frozen=True, slots=True)
class Spaces:
    """The colour of a request: its config and input space, and the space that the result goes to."""

    colour: Colour
    out_space: str


def spaces_of(request: Request, threads: int, note: Callable[[str], None]) -> Spaces:
    """Resolve a request's spaces. ``note`` is told what had to be assumed. Raises :class:`UsageError`."""
    config = ColorConfig.load(_config_name(request))
    named = request.input_space or request.clip_space
    if not named:
        raise UsageError(
            "the host does not say which colour space the clip is in",
            where="Input space",
            allowed="a colour space of the list, or a name of the OCIO config",
            remedy="choose the clip's space in the node",
        )
    source = _resolved(config, _meant(named, note), "Input space")
    target = _resolved(config, _meant(request.output_space, note), "Output space") if request.output_space else source
    return Spaces(Colour(config, source, threads), target)


def _resolved(config: ColorConfig, name: str, where: str) -> str:
    """A space's canonical name. A wrong one is told without all that there are: a host's message is a line or a box."""
    try:
        return config.resolve(name)
    except UsageError as error:
        near = error.remedy if error.remedy and error.remedy.startswith("did") else None
        raise UsageError(
            f"there is no colour space {name!r} in {config.name}",
            where=where,
            remedy=near or f"choose one of the list of {where}, or give a name of the configuration",
        ) from None


def _config_name(request: Request) -> str | None:
    """The config to load; None is ``$OCIO``, else the built-in one."""
    if request.style == OCIO_STYLE and request.config:
        return request.config
    # Every name of OFX 1.5's native config is one of the built-in config that it was made from.
    return BUILT_IN if request.config else None


def _meant(name: str, note: Callable[[str], None]) -> str:
    if name == _DATA:
        raise UsageError(
            "the host says that the clip holds data, not colour (ofx_raw)",
            where="Input space",
            remedy="choose the clip's space in the node if it is a picture",
        )
    meant = _GENERIC.get(name)
    if meant is None:
        return name
    note(f"the host says only {name}: it is taken as {meant}; choose the input space in the node if it is another")
    return meant
