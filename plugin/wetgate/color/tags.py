"""Colour tags of video streams (Rec. ITU-T H.273: ColourPrimaries / TransferCharacteristics / MatrixCoefficients).

A stream's tags become the alias of a colour space, and back, for the spaces that an OCIO studio config has
and Wetgate's own. A tag that
is missing ("unspecified", 2) is never guessed: the answer is None, and the caller asks.
"""

from __future__ import annotations

from dataclasses import dataclass

UNSPECIFIED = 2


@dataclass(frozen=True, slots=True)
class Tags:
    """The three H.273 codes; 2 is "unspecified"."""

    primaries: int
    transfer: int
    matrix: int

    def __str__(self) -> str:
        return f"{self.primaries}/{self.transfer}/{self.matrix}"


# H.273 Table 3, the curves of televisions: 1 is BT.709, 6 BT.601, 14 and 15 BT.2020. They tag pictures that were graded
# on a BT.1886 display, so they mean its inverse and not the camera curve of their standard (EBU Tech 3320; ColorInterop
# "Displays", g24_rec709_display: CICP transfer 1).
_TELEVISION = (1, 6, 14, 15)
_SRGB, _GAMMA26, _PQ, _HLG = 13, 17, 16, 18
_REC709, _REC601_625, _REC601_525, _REC2020, _P3DCI, _P3D65 = 1, 5, 6, 9, 11, 12

_SPACES: dict[tuple[int, int], str] = {
    **{(_REC709, t): "rec1886_rec709_display" for t in _TELEVISION},
    **{(_REC2020, t): "rec1886_rec2020_display" for t in _TELEVISION},
    **{(_REC601_525, t): "rec1886_rec601_525_display" for t in _TELEVISION},
    **{(_REC601_625, t): "rec1886_rec601_625_display" for t in _TELEVISION},
    (_REC709, _SRGB): "srgb_display",
    (_P3D65, _SRGB): "displayp3_display",
    (_P3D65, _GAMMA26): "p3d65_display",
    (_P3DCI, _GAMMA26): "p3_dci_display",
    (_REC2020, _PQ): "rec2100_pq_display",
    (_REC2020, _HLG): "rec2100_hlg_display",
    (_P3D65, _PQ): "st2084_p3d65_display",
    (_REC709, 8): "lin_rec709_srgb",
    (_REC2020, 8): "lin_rec2020",
    (_P3D65, 8): "lin_p3d65",
}

# What to write for a space. P3 of a mastering display goes out in a BT.709 matrix for SDR, BT.2020's for PQ.
_TAGS: dict[str, Tags] = {
    "rec1886_rec709_display": Tags(_REC709, 1, 1),
    "rec1886_rec2020_display": Tags(_REC2020, 14, 9),
    "rec1886_rec601_525_display": Tags(_REC601_525, 6, 6),
    "rec1886_rec601_625_display": Tags(_REC601_625, 6, 5),
    "srgb_display": Tags(_REC709, _SRGB, 1),
    "displayp3_display": Tags(_P3D65, _SRGB, 1),
    "p3d65_display": Tags(_P3D65, _GAMMA26, 1),
    "p3_dci_display": Tags(_P3DCI, _GAMMA26, 1),
    "rec2100_pq_display": Tags(_REC2020, _PQ, 9),
    "rec2100_hlg_display": Tags(_REC2020, _HLG, 9),
    "st2084_p3d65_display": Tags(_P3D65, _PQ, 9),
    # Textures: the same code values as the displays of the same curve.
    "srgb_tx": Tags(_REC709, _SRGB, 1),
    "g24_rec709": Tags(_REC709, 1, 1),
    "srgb_p3d65": Tags(_P3D65, _SRGB, 1),
    "camera_rec709": Tags(_REC709, 1, 1),
    "lin_rec709_srgb": Tags(_REC709, 8, 1),
    "lin_rec2020": Tags(_REC2020, 8, 9),
    "lin_p3d65": Tags(_P3D65, 8, 1),
}


def space_of(tags: Tags) -> str | None:
    """The alias of the colour space that a stream's tags name, or None where they leave it open.

    The matrix does not enter: it says how to come from the planes to R'G'B' (:mod:`wetgate.color.ycbcr`). The
    two BT.601 spaces are Wetgate's own (:mod:`wetgate.color.additions`).
    """
    return _SPACES.get((tags.primaries, tags.transfer))


def tags_of(names: tuple[str, ...] | list[str]) -> Tags | None:
    """The tags to write for a space that has these names and aliases in its config; None where H.273 has none."""
    lowered = {name.lower() for name in names}
    return next((tags for alias, tags in _TAGS.items() if alias.lower() in lowered), None)
