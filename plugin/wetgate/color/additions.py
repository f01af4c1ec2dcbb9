"""Colour spaces that restoration needs and OCIO's built-in configs lack, added where a config has a place for them.

Standard-definition video was graded on BT.1886-like displays with the primaries of its own system: taken for BT.709,
its colours are off by up to 2.9 dE2000 (525 lines) or 1.5 (625 lines). Each space is a display: BT.1886 at gamma 2.4
without black, then linear RGB to CIE XYZ D65.
"""

from __future__ import annotations

import copy
from typing import Any

from wetgate.color.primaries import rgb_to_xyz

# alias, name, primaries (wetgate.color.primaries), gamma, description
ADDITIONS = (
    (
        "rec1886_rec601_525_display",
        "Rec.1886 Rec.601 525-line - Display",
        "rec601_525",
        2.4,
        "NTSC standard definition: BT.1886, primaries of BT.601-7 for 525 lines (SMPTE C, ST 170)",
    ),
    (
        "rec1886_rec601_625_display",
        "Rec.1886 Rec.601 625-line - Display",
        "rec601_625",
        2.4,
        "PAL and SECAM standard definition: BT.1886, primaries of BT.601-7 for 625 lines (EBU Tech 3213)",
    ),
)


def with_additions(config: Any) -> Any:
    """A copy of an OCIO config with what it lacks of the additions; itself where it has no display reference."""
    import PyOpenColorIO

    xyz = config.getColorSpace("cie_xyz_d65_interchange")
    if xyz is None or xyz.getReferenceSpaceType() != PyOpenColorIO.REFERENCE_SPACE_DISPLAY:
        return config
    made = copy.deepcopy(config)
    for alias, name, primaries, gamma, description in ADDITIONS:
        if config.getColorSpace(alias) is not None or config.getColorSpace(name) is not None:
            continue
        made.addColorSpace(_display(xyz.getName(), alias, name, primaries, gamma, description))
    return made


def addition_config() -> str:
    """The additions as the text of an OCIO 2.1 config of their own, to be merged into a studio's."""
    import PyOpenColorIO

    config = PyOpenColorIO.Config()
    config.setVersion(2, 1)
    config.setName("wetgate-additions")
    config.setDescription("Displays of standard-definition video. Merge into a config that has CIE-XYZ-D65.")
    xyz = "CIE-XYZ-D65"
    config.addColorSpace(PyOpenColorIO.ColorSpace(PyOpenColorIO.REFERENCE_SPACE_DISPLAY, xyz, aliases=["cie_xyz_d65"]))
    for alias, name, primaries, gamma, description in ADDITIONS:
        config.addColorSpace(_display(xyz, alias, name, primaries, gamma, description))
    config.addColorSpace(PyOpenColorIO.ColorSpace(PyOpenColorIO.REFERENCE_SPACE_SCENE, "ACES2065-1"))
    config.addColorSpace(PyOpenColorIO.ColorSpace(PyOpenColorIO.REFERENCE_SPACE_SCENE, "Raw", isData=True))
    # A config with displays needs a way there from the scene; the studio's own stays when the two are merged.
    to_display = PyOpenColorIO.BuiltinTransform("UTILITY - ACES-AP0_to_CIE-XYZ-D65_BFD")
    view = PyOpenColorIO.ViewTransform(PyOpenColorIO.REFERENCE_SPACE_SCENE, "Un-tone-mapped", fromReference=to_display)
    config.addViewTransform(view)
    config.setRole("aces_interchange", "ACES2065-1")
    config.setRole("cie_xyz_d65_interchange", xyz)
    config.setRole("default", "Raw")
    config.addDisplayView("Raw", "Raw", "Raw")
    config.validate()
    return str(config.serialize())


def _display(xyz: str, alias: str, name: str, primaries: str, gamma: float, description: str) -> Any:
    import PyOpenColorIO

    matrix = [0.0] * 16
    for row, values in enumerate(rgb_to_xyz(primaries)):
        matrix[4 * row : 4 * row + 3] = [float(v) for v in values]
    matrix[15] = 1.0
    to_xyz = PyOpenColorIO.GroupTransform()
    to_xyz.appendTransform(
        PyOpenColorIO.ExponentTransform(value=[gamma, gamma, gamma, 1.0], negativeStyle=PyOpenColorIO.NEGATIVE_MIRROR)
    )
    to_xyz.appendTransform(PyOpenColorIO.MatrixTransform(matrix=matrix))
    return PyOpenColorIO.ColorSpace(
        PyOpenColorIO.REFERENCE_SPACE_DISPLAY,
        name,
        aliases=[alias],
        family="Display",
        encoding="sdr-video",
        description=description,
        toReference=to_xyz,
    )
