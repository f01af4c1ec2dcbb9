"""How the controls of Deartifact can be seen: on pictures that a codec has been at, by a quantiser given by hand."""

from __future__ import annotations

import cv2
import numpy as np

from support.pictures import scene
from wetgate.spec import Image

# Video values: what comes in is taken for the footage's own code values.
SPACE = "Rec.1886 Rec.709 - Display"


def coded(width: int, height: int, **moved: float) -> Image:
    """A scene in code values, through a coarse JPEG, large enough for blocks to show."""
    picture = np.clip(scene(max(width, 128), max(height, 96), **moved), 0, 1) ** (1 / 2.4)
    data = cv2.imencode(".jpg", (255 * picture[..., ::-1]).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 12])[1]
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], np.float32) / np.float32(255)


def banded(width: int, height: int, **moved: float) -> Image:
    """A soft gradient in bands of two codes."""
    ramp = np.linspace(0.3, 0.36, max(width, 128))[None, :, None] + np.zeros((max(height, 96), 1, 3))
    return (np.rint(ramp * 127.5) / 127.5).astype(np.float32)


def predicted(width: int, height: int, **moved: float) -> Image:
    """The coded scene with a level of its own, which lies on no lattice: so not taken for a JPEG's."""
    return np.asarray(0.93 * coded(width, height, **moved) + 0.031, np.float32)


by_hand = {"quantiser": 30.0}
SETTINGS = dict.fromkeys(
    ("strength", "luma", "chroma", "bleed", "edge", "gain", "grid", "fields", "regrain", "fidelity", "mix"), by_hand
)
SETTINGS |= {"seed": by_hand | {"regrain": 2.0}}
SETTINGS |= {"grid": by_hand | {"grid_x": 3, "grid_y": 5}}
SETTINGS |= dict.fromkeys(("grid_x", "grid_y"), by_hand | {"grid": "hand"})
SETTINGS |= {"tier": by_hand, "detail": by_hand, "coherence_radius": by_hand | {"coherence": 1.0}}
PICTURES = dict.fromkeys((*SETTINGS, "quantiser", "view"), coded) | {"deband": banded, "detail": predicted}
