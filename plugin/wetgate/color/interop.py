"""Colour spaces by the ids and the many names that they go by.

One table joins the Color Interop Forum's ids (ColorInterop recommendations "Texture Assets" 1.0 and "Displays" 1.0),
the ids that OpenColorIO's own configs add under ``ocio:``, and the names and aliases of the same space in the built-in
ACES configs from v1.0.0 to v5.0.0, which renamed some of them. The first alias of a row is the one to store: it
resolves in the studio configs from v1.0.0 on, unless its row says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wetgate.color.primaries import CHROMATICITIES

DATA = "data"
UNKNOWN = "unknown"

# id, aliases and former names (first: the one to store), primaries by their name in wetgate.color.primaries.
_Row = tuple[str, tuple[str, ...], str]
_TABLE: tuple[_Row, ...] = (
    ("lin_ap0_scene", ("ACES2065-1", "aces2065_1", "lin_ap0", "aces"), "ap0"),
    ("lin_ap1_scene", ("ACEScg", "lin_ap1"), "ap1"),
    ("lin_rec709_scene", ("lin_rec709_srgb", "lin_rec709", "lin_srgb", "Linear Rec.709 (sRGB)"), "rec709"),
    ("lin_p3d65_scene", ("lin_p3d65", "lin_displayp3", "Linear P3-D65"), "p3d65"),
    ("lin_rec2020_scene", ("lin_rec2020", "Linear Rec.2020"), "rec2020"),
    ("lin_adobergb_scene", ("lin_adobergb", "Linear AdobeRGB"), "adobergb"),  # from v2.2.0
    ("lin_ciexyzd65_scene", ("cie_xyz_d65_scene", "CIE XYZ-D65 - Scene-referred"), "ciexyzd65"),  # from v2.2.0
    (
        "srgb_rec709_scene",
        ("srgb_tx", "srgb_texture", "sRGB - Texture", "sRGB Encoded Rec.709 (sRGB)", "srgb_encoded_rec709_srgb"),
        "rec709",
    ),
    (
        "g18_rec709_scene",
        ("g18_rec709", "g18_rec709_tx", "Gamma 1.8 Rec.709 - Texture", "Gamma 1.8 Encoded Rec.709"),
        "rec709",
    ),
    (
        "g22_rec709_scene",
        ("g22_rec709", "g22_rec709_tx", "Gamma 2.2 Rec.709 - Texture", "Gamma 2.2 Encoded Rec.709"),
        "rec709",
    ),
    (
        "g24_rec709_scene",
        ("g24_rec709", "g24_rec709_tx", "Gamma 2.4 Rec.709 - Texture", "Gamma 2.4 Encoded Rec.709"),
        "rec709",
    ),
    ("srgb_ap1_scene", ("srgb_ap1", "srgb_encoded_ap1_tx", "sRGB Encoded AP1 - Texture", "sRGB Encoded AP1"), "ap1"),
    ("g22_ap1_scene", ("g22_ap1", "g22_ap1_tx", "Gamma 2.2 AP1 - Texture", "Gamma 2.2 Encoded AP1"), "ap1"),
    (
        "srgb_p3d65_scene",
        ("srgb_p3d65", "srgb_displayp3", "sRGB Encoded P3-D65 - Texture", "sRGB Encoded P3-D65"),
        "p3d65",
    ),
    ("g22_adobergb_scene", ("adobergb", "g22_encoded_adobergb", "Gamma 2.2 Encoded AdobeRGB"), "adobergb"),
    ("srgb_rec709_display", ("srgb_display", "sRGB - Display"), "rec709"),
    ("g22_rec709_display", ("g22_rec709_display", "Gamma 2.2 Rec.709 - Display"), "rec709"),  # from v4.0.0
    ("g24_rec709_display", ("rec1886_rec709_display", "Rec.1886 Rec.709 - Display"), "rec709"),
    ("srgb_p3d65_display", ("displayp3_display", "Display P3 - Display"), "p3d65"),
    ("srgbe_p3d65_display", ("displayp3_hdr_display", "Display P3 HDR - Display"), "p3d65"),  # from v4.0.0
    ("g26_p3d65_display", ("p3d65_display", "P3-D65 - Display"), "p3d65"),
    ("pq_rec2020_display", ("rec2100_pq_display", "Rec.2100-PQ - Display"), "rec2020"),
    ("pq_p3d65_display", ("st2084_p3d65_display", "ST2084-P3-D65 - Display"), "p3d65"),
    ("hlg_rec2020_display", ("rec2100_hlg_display", "Rec.2100-HLG - Display"), "rec2020"),
    (
        "ocio:lin_ciexyzd65_display",
        ("cie_xyz_d65", "CIE-XYZ-D65", "cie_xyz_d65_display", "CIE XYZ-D65 - Display-referred"),
        "ciexyzd65",
    ),
    ("ocio:itu709_rec709_scene", ("camera_rec709", "Camera Rec.709"), "rec709"),
    ("ocio:acescc_ap1_scene", ("ACEScc", "acescc_ap1"), "ap1"),
    ("ocio:acescct_ap1_scene", ("ACEScct", "acescct_ap1"), "ap1"),
    ("ocio:adx10_apd_scene", ("ADX10",), ""),
    ("ocio:adx16_apd_scene", ("ADX16",), ""),
    ("ocio:arrilogc3_awg3_scene", ("arri_logc3_ei800", "logc3ei800_alexawide"), ""),
    ("ocio:lin_awg3_scene", ("lin_arri_wide_gamut_3", "lin_alexawide"), ""),
    ("ocio:arrilogc4_awg4_scene", ("arri_logc4",), ""),
    ("ocio:lin_awg4_scene", ("lin_arri_wide_gamut_4", "lin_awg4"), ""),
    ("ocio:bmdfilm5_wg5_scene", ("bmdfilm_widegamut_gen5",), ""),
    ("ocio:lin_bmdwg5_scene", ("lin_bmd_widegamut_gen5",), ""),
    ("ocio:davinci_dwg_scene", ("davinci_intermediate_widegamut",), ""),
    ("ocio:lin_dwg_scene", ("lin_davinci_widegamut",), ""),
    ("ocio:canonlog2_cgamutd55_scene", ("canonlog2_cinemagamut_d55", "canonlog2_cgamutday"), ""),
    ("ocio:canonlog3_cgamutd55_scene", ("canonlog3_cinemagamut_d55", "canonlog3_cgamutday"), ""),
    ("ocio:lin_cgamutd55_scene", ("lin_cinemagamut_d55", "lin_canoncgamutday"), ""),
    ("ocio:applelog_rec2020_scene", ("apple_log",), "rec2020"),  # from v2.2.0
    ("ocio:djilog_dgamut_scene", ("dlog_dgamut",), ""),  # from v4.0.0
    ("ocio:lin_dgamut_scene", ("lin_dgamut",), ""),  # from v4.0.0
    ("ocio:vlog_vgamut_scene", ("vlog_vgamut",), ""),
    ("ocio:lin_vgamut_scene", ("lin_vgamut",), ""),
    ("ocio:redlog3g10_rwg_scene", ("log3g10_redwidegamutrgb", "rl3g10_rwg"), ""),
    ("ocio:lin_rwg_scene", ("lin_redwidegamutrgb", "lin_rwg"), ""),
    ("ocio:slog3_sgamut3_scene", ("slog3_sgamut3",), ""),
    ("ocio:slog3_sgamut3cine_scene", ("slog3_sgamut3cine", "slog3_sgamutcine"), ""),
    ("ocio:slog3_sgamut3venice_scene", ("slog3_venice_sgamut3",), ""),
    ("ocio:slog3_sgamut3cinevenice_scene", ("slog3_venice_sgamut3cine", "slog3_venice_sgamutcine"), ""),
    ("ocio:lin_sgamut3_scene", ("lin_sgamut3",), ""),
    ("ocio:lin_sgamut3cine_scene", ("lin_sgamut3cine",), ""),
    ("ocio:lin_sgamut3venice_scene", ("lin_venice_sgamut3",), ""),
    ("ocio:lin_sgamut3cinevenice_scene", ("lin_venice_sgamut3cine",), ""),
    (DATA, ("Raw", "Utility - Raw", "none"), ""),
)

_BY_ID = {row[0]: row for row in _TABLE}
# The v4.0.0 config files the 2.4 texture under ocio:, the Forum's list without.
_BY_ID["ocio:g24_rec709_scene"] = _BY_ID["g24_rec709_scene"]
_BY_NAME = {name.lower(): row for row in _TABLE for name in (row[0], *row[1])}

# ColorInterop "OpenEXR Files", Annex A: chromaticities are compared within 0.001.
_TOLERANCE = 0.001


@dataclass(frozen=True, slots=True)
class Identified:
    """What a file's header says of its colour.

    ``space`` is an alias that the built-in studio configs resolve, or None. ``how`` says from what it was read, or why
    nothing came of it. ``assumed`` is True where a convention filled a gap. ``interop_id`` is the header's own id.
    """

    space: str | None
    how: str
    assumed: bool
    interop_id: str | None = None


def ids() -> tuple[str, ...]:
    """Every known interop id."""
    return tuple(_BY_ID)


def alias_of(interop_id: str) -> str | None:
    """The alias to look for in a config, for an interop id; None for an unknown one."""
    row = _BY_ID.get(interop_id.lower())
    return row[1][0] if row else None


def names_like(name: str) -> tuple[str, ...]:
    """Every name under which the space of that name, alias or id may be found in a config; empty if unknown."""
    row = _BY_NAME.get(name.lower()) or _BY_ID.get(name.lower())
    return (*row[1], row[0]) if row else ()


def id_of(names: Sequence[str]) -> str | None:
    """The interop id of a space that has these names and aliases in its config, or None. Case does not matter."""
    for name in names:
        row = _BY_NAME.get(name.lower())
        if row:
            return row[0]
    return None


def chromaticities_of(interop_id: str) -> tuple[float, ...] | None:
    """rx ry gx gy bx by wx wy of the RGB primaries of an id, as EXR's attribute has them; None where not known here."""
    row = _BY_ID.get(interop_id.lower())
    return CHROMATICITIES[row[2]].flat() if row and row[2] else None


def linear_id_of(chromaticities: Sequence[float]) -> str | None:
    """The id of the scene-linear space with these eight chromaticities, within 0.001, or None."""
    for interop_id, _, primaries in _TABLE:
        if not interop_id.startswith("lin_") or interop_id == "lin_ciexyzd65_scene":
            continue
        known = CHROMATICITIES[primaries].flat()
        if len(chromaticities) == 8 and all(
            abs(a - b) <= _TOLERANCE for a, b in zip(chromaticities, known, strict=True)
        ):
            return interop_id
    return None


def identify(attributes: Mapping[str, Any]) -> Identified:
    """The colour space that an EXR header names: ColorInterop "OpenEXR Files", reading order.

    ``acesImageContainerFlag`` wins, then ``colorInteropID``; ``chromaticities`` alone are taken for a linear space and
    marked as assumed, since they say nothing of the transfer curve and many programs write them by default.
    """
    raw_id = attributes.get("colorInteropID")
    interop_id = str(raw_id).strip() if raw_id else None
    if _is_one(attributes.get("acesImageContainerFlag")):
        return Identified("ACES2065-1", "acesImageContainerFlag", False, interop_id)
    if interop_id and interop_id.lower() != UNKNOWN:
        alias = alias_of(interop_id)
        how = "colorInteropID" if alias else f"colorInteropID {interop_id!r} is not known"
        return Identified(alias, how, False, interop_id)
    primaries = attributes.get("chromaticities")
    if primaries is not None:
        values = [float(v) for v in primaries]
        linear = linear_id_of(values)
        if linear:
            return Identified(alias_of(linear), f"chromaticities of {linear}, taken as linear", True, interop_id)
        return Identified(None, "chromaticities that belong to no known space", False, interop_id)
    return Identified(None, "the header names no colour space", False, interop_id)


def _is_one(flag: Any) -> bool:
    try:
        return int(flag) == 1
    except (TypeError, ValueError):
        return False
