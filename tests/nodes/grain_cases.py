"""How the controls of Grain can be seen: those of a custom stock, and matching, which needs grain to measure."""

from __future__ import annotations

import numpy as np

from support.pictures import scene
from wetgate.spec import Image


def grainy(width: int, height: int, **moved: float) -> Image:
    """Grey with coarse noise, large enough to be measured."""
    noise = np.random.default_rng(7).normal(0, 0.02, (max(height, 96), max(width, 128), 3))
    return (0.18 * 10**noise).astype(np.float32)


def shades(width: int, height: int, **moved: float) -> Image:
    """From deep shadow to above white, so that every tone is there."""
    ramp = np.geomspace(0.01, 2.0, width)[None, :, None] * np.ones((height, 1, 3))
    return np.asarray(scene(width, height, **moved) * 0.1 + ramp, np.float32)


SETTINGS = {name: {"stock": "custom"} for name in ("rms", "cloud_um", "medium")}
PICTURES = {"match": grainy} | dict.fromkeys(("shadows", "mids", "highlights"), shades)
