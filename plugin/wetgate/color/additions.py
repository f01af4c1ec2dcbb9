"""Colour spaces that restoration needs and OCIO's built-in configs lack, added where a config has a place for them.

Standard-definition video was graded on BT.1886-like displays with the primaries of its own system, which differ from
BT.709's by up to 6 dE2000. Each space is a display: BT.1886 at gamma 2.4, then the display's linear RGB to CIE XYZ D65.
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
