"""How the controls of Denoise can be seen: on pictures with noise, from deep shadow to white."""

from __future__ import annotations

import numpy as np

from support.pictures import scene
from wetgate.spec import Image


def noisy(width: int, height: int, **moved: float) -> Image:
    """A ramp from black to white with colour and brightness noise, new in every frame."""
    size = (max(height, 96), max(width, 128))
    ramp = np.linspace(0.02, 0.98, size[1])[None, :, None] * np.ones((size[0], 1, 3))
    random = np.random.default_rng(int(100 * moved.get("shift", 0)) + 3)
    return (ramp + random.normal(0, 0.05, (*size, 3))).astype(np.float32)


def shown(width: int, height: int, **moved: float) -> Image:
    """A scene with noise of one strength."""
    random = np.random.default_rng(int(100 * moved.get("shift", 0)) + 5)
    return (scene(width, height, **moved) * 0.5 + random.normal(0, 0.04, (height, width, 3))).astype(np.float32)


SETTINGS = {name: {"sigma": 12.0} for name in ("luma", "chroma", "fine", "medium", "coarse", "gain")}
SETTINGS |= {name: {"sigma": 12.0} for name in ("shadows", "mids", "highlights", "temporal", "radius")}
SETTINGS |= {"motion_threshold": {"sigma": 12.0}, "tier": {"sigma": 12.0}}
SETTINGS |= {name: {"sigma": 12.0, "temporal": 0.0, "coherence": 1.0} for name in ("coherence", "coherence_radius")}
PICTURES = dict.fromkeys(SETTINGS, noisy) | {"sigma": noisy, "strength": noisy, "mix": noisy, "keep_grain": noisy}
