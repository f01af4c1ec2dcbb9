"""Hosts to imitate: what each declares about itself, which suites it lacks, and the oddities that were measured on it.

``strict`` is the specification, 1.5, to the letter. The others give what published property dumps and measurements of
the named host gave (DaVinci Resolve 14 to 21, Nuke 10, MLT 7.41's ``melt``, Natron 2.6); where nothing is known of a
host, it behaves as ``strict``. They are imitations for tests, no statement about the products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wetgate.spec import UsageError, suggest

FILTER = "OfxImageEffectContextFilter"
GENERAL = "OfxImageEffectContextGeneral"
GENERATOR = "OfxImageEffectContextGenerator"
TRANSITION = "OfxImageEffectContextTransition"
RGBA = "OfxImageComponentRGBA"
RGB = "OfxImageComponentRGB"
ALPHA = "OfxImageComponentAlpha"
BYTE = "OfxBitDepthByte"
SHORT = "OfxBitDepthShort"
HALF = "OfxBitDepthHalf"
FLOAT = "OfxBitDepthFloat"


@dataclass(frozen=True, slots=True)
class Profile:
    """One host. Tuples of strings are in the order in which the host prefers them.

    ``depths`` is also the order of choice among those that the plug-in supports. ``message_suite`` is what the suite's
    version 2 is: there, absent, or a table of null pointers. ``origin`` is where the pictures' lower left corner lies.
    Windows of ``tile_rows`` and ``tile_columns`` (0: all of them) are rendered one by one where the plug-in tiles.
    With ``properties_at_create`` off an instance and its clips have no properties before the first render; with
    ``connected_at_create`` off they have, and no clip is connected yet. With ``all_connected`` an input to which
    nothing is connected arrives as a picture of ``unconnected_level``.
    """

    name: str
    host_name: str
    api: tuple[int, int]
    contexts: tuple[str, ...]
    components: tuple[str, ...]
    depths: tuple[str, ...]
    tiles: bool = True
    multi_resolution: bool = True
    temporal: bool = True
    lies_about_time: bool = False
    declares_contexts: bool = True
    animates_strings: bool = True
    accepts_unknown_properties: bool = False
    missing_suites: tuple[str, ...] = ()
    message_suite: Literal["2", "1", "nulls"] = "2"
    message_arguments: bool = True
    timeline: bool = True
    region_of_definition: bool = True
    negative_rows: bool = False
    row_padding: int = 0
    origin: tuple[int, int] = (0, 0)
    tile_rows: int = 0
    tile_columns: int = 0
    crops_to_region: bool = False
    instance_per_frame: bool = False
    instance_type: str = "OfxTypeImageEffectInstance"
    properties_at_create: bool = True
    connected_at_create: bool = True
    drops_failed_instances: bool = True
    all_connected: bool = False
    unconnected_level: float = 0.0
    copies_parameters: bool = True
    time_is_index: bool = False
    file_path: bool = True
    colour_management: bool = False
    poisons_strings: bool = False
    load_twice: bool = False
    unique_identifier: Literal["hash", "random", "empty"] = "hash"

    @property
    def knows_1_5(self) -> bool:
        return self.api >= (1, 5)


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="strict",
            host_name="io.wetgate.ofxhost",
            api=(1, 5),
            contexts=(FILTER, GENERAL, GENERATOR, TRANSITION),
            components=(RGBA, RGB, ALPHA),
            depths=(FLOAT, HALF, SHORT, BYTE),
            row_padding=48,
            colour_management=True,
            poisons_strings=True,
        ),
        Profile(
            name="resolve",
            host_name="DaVinciResolve",
            api=(1, 4),
            contexts=(FILTER, GENERAL, TRANSITION, GENERATOR),
            components=(RGBA, ALPHA),
            depths=(FLOAT, SHORT, BYTE),
            tiles=False,
            multi_resolution=False,
            animates_strings=False,
            message_suite="nulls",
            region_of_definition=False,
            all_connected=True,
            copies_parameters=False,
            time_is_index=True,
        ),
        Profile(
            name="nuke",
            host_name="uk.co.thefoundry.nuke",
            api=(1, 2),
            contexts=(GENERAL, FILTER),
            components=(RGBA, ALPHA),
            depths=(FLOAT,),
            origin=(-7, -5),
            tile_rows=24,
            crops_to_region=True,
            row_padding=16,
        ),
        Profile(
            name="melt",
            host_name="MLT",
            api=(1, 5),
            contexts=(FILTER,),
            components=(RGBA, RGB),
            depths=(BYTE, SHORT, HALF, FLOAT),
            tiles=False,
            multi_resolution=False,
            temporal=False,
            lies_about_time=True,
            declares_contexts=False,
            accepts_unknown_properties=True,
            timeline=False,
            negative_rows=True,
            instance_per_frame=True,
            properties_at_create=False,
            drops_failed_instances=False,
            file_path=False,
            unique_identifier="random",
        ),
        Profile(
            name="natron",
            host_name="fr.inria.Natron",
            api=(1, 4),
            contexts=(GENERAL, FILTER, GENERATOR, TRANSITION),
            components=(RGBA, RGB, ALPHA),
            depths=(FLOAT, SHORT, BYTE),
            message_arguments=False,
            instance_type="OfxTypeImageEffect",
            connected_at_create=False,
            load_twice=True,
        ),
    )
}


def profile(name: str) -> Profile:
    """The profile of this name. Raises :class:`~wetgate.spec.UsageError` for another."""
    if name not in PROFILES:
        raise UsageError(
            f"there is no host profile {name!r}", allowed=", ".join(PROFILES), remedy=suggest(name, PROFILES)
        )
    return PROFILES[name]
