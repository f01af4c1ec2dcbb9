"""How the controls of Deblur can be seen: each beside the kind of blur that it belongs to."""

from __future__ import annotations

import numpy as np

from support.pictures import scene
from wetgate.ops.blur import convolve, disc
from wetgate.spec import Image

by_hand = {"kind": "defocus", "size": 1.5, "quality": "fast", "noise": 4.0}


def dull(width: int, height: int, **moved: float) -> Image:
    """A scene without a lamp: one exposure of the network, so that the tests are quick."""
    return np.asarray(np.minimum(scene(width, height, **moved), 0.9), np.float32)


def soft(width: int, height: int, **moved: float) -> Image:
    """Random squares out of focus, large enough for their blur to be measured."""
    random = np.random.default_rng(4)
    squares = np.kron(random.random((17, 17)), np.ones((8, 8)))[:, :, None] * np.ones(3)
    fine = squares + 0.05 * random.standard_normal(squares.shape)
    return convolve((0.1 + 0.5 * fine).astype(np.float32), disc(2.5))


def falling_off(width: int, height: int, **moved: float) -> Image:
    """The squares, the farther to the right the more out of focus; larger than one tile."""
    random = np.random.default_rng(4)
    fine = np.kron(random.random((16, 36)), np.ones((8, 8))) + 0.05 * random.standard_normal((128, 288))
    light = (0.1 + 0.5 * np.repeat(fine[..., None], 3, axis=2)).astype(np.float32)
    share = np.linspace(0, 1, 288, dtype=np.float32)[None, :, None]
    return np.asarray((1 - share) * convolve(light, disc(1.3)) + share * convolve(light, disc(3)), np.float32)


SETTINGS = dict.fromkeys(("strength", "mix", "view", "size", "quality", "noise", "clip", "halo", "edges"), by_hand)
SETTINGS |= dict.fromkeys(("keep_noise", "fine", "medium", "coarse", "noise_gain"), by_hand)
SETTINGS |= {
    "method": by_hand,
    "coherence": by_hand,
    "coherence_radius": by_hand | {"coherence": 1.0},
    "fidelity": {"method": "network", "noise": 0.5},
    "angle": by_hand | {"kind": "motion", "size": 6.0},
    "shutter": by_hand | {"kind": "motion", "size": 6.0},
    "psf": by_hand | {"kind": "custom"},
    "variation": {"quality": "fast", "noise": 4.0},
    "size_gain": {"quality": "fast", "noise": 4.0},
}
VALUES = {"angle": [30.0], "psf": ["0 1 0/1 2 1/0 1 0", "1 1 1"]}
PICTURES = dict.fromkeys(SETTINGS, dull) | {"size_gain": soft, "variation": falling_off}
