"""How the controls of HDR Lift can be seen: most belong to one method, and estimation needs clipped light."""

from __future__ import annotations

import numpy as np

from support.pictures import scene
from wetgate.spec import Image


def clipped(width: int, height: int, **moved: float) -> Image:
    """A warm lamp in code values of Rec.709, clipped at 1 over an area some pixels wide: estimates begin inside it."""
    return np.clip(scene(width, height, peak=60.0, **moved), 0, 1)


SETTINGS = {
    "crosstalk": {"method": "bt2446c"},
    "fidelity": {"method": "adaptive", "estimate": 1.0},
    "estimate": {"method": "adaptive", "fidelity": "faithful"},
    "source_gamut": {"method": "adaptive", "view": "clip"},
}
PICTURES = dict.fromkeys(("fidelity", "estimate", "source_gamut"), clipped)
