"""How the controls of Denoise can be seen: on pictures with noise, from deep shadow to white."""

from __future__ import annotations

import numpy as np

import wetgate.damage as damage
from support.pictures import scene
from wetgate import spec
from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.ops.random import Stream
from wetgate.spec import Frame, Image


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


def grainy(width: int, height: int, **moved: float) -> Image:
    """A ramp on film: grey grain that follows the density."""
    size = (max(height, 96), max(width, 128))
    light = np.linspace(0.05, 0.9, size[1])[None, :, None] ** 2.4 * np.ones((size[0], 1, 3))
    film = Frame(np.asarray(density_from_linear(light.astype(np.float32)), np.float32), spec.DENSITY)
    grain = damage.get("grain").make({"rms": 18.0, "size_um": 9.0, "gauge": "16", "mono": 1.0})
    made = linear_from_density(grain.apply(film, Stream.of(3, "grain")).frame.rgb)
    return np.asarray(np.sign(made) * np.abs(made) ** (1 / 2.4), np.float32)


SETTINGS = {name: {"sigma": 12.0} for name in ("luma", "chroma", "fine", "medium", "coarse", "gain")}
SETTINGS |= {name: {"sigma": 12.0} for name in ("shadows", "mids", "highlights", "temporal", "radius")}
SETTINGS |= {"motion_threshold": {"sigma": 12.0}, "tier": {"sigma": 12.0}}
SETTINGS |= {name: {"sigma": 12.0, "temporal": 0.0, "coherence": 1.0} for name in ("coherence", "coherence_radius")}
PICTURES = dict.fromkeys(SETTINGS, noisy) | {"sigma": noisy, "strength": noisy, "mix": noisy, "keep_grain": grainy}
