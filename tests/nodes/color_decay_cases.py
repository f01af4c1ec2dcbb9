"""How the controls of Color Decay can be seen: a faded reel with frame lines, from which an analysis is sure."""

from __future__ import annotations

import itertools

import numpy as np

from wetgate.color.density import linear_from_density
from wetgate.color.film_dyes import set_matrix
from wetgate.spec import Image

calls = itertools.count()


def shots(width: int, height: int, **moved: float) -> Image:
    """Now one shot of a reel, now another that is thinner: two frames of each."""
    picture = faded(width, height)
    return picture if next(calls) // 2 % 2 else np.asarray(1 - (1 - picture) * np.float32(0.35), np.float32)


def faded(width: int, height: int, **moved: float) -> Image:
    """Patches of many colours on a faded print, between black frame lines and clear film, unevenly faded."""
    width, height = max(width, 96), max(height, 72)
    random = np.random.default_rng(3)
    patches = np.clip(random.normal(0.8, 0.45, (6, 8, 1)) + random.normal(0, 0.12, (6, 8, 3)), 0.05, 2.4)
    density = np.kron(patches, np.ones((-(-height // 6), -(-width // 8), 1)))[:height, :width]
    density = density + random.normal(0, 0.01, density.shape)
    density[:6] = density[-6:] = 3.2
    density[:, :6] = density[:, -6:] = 0.0
    kept = np.array([0.35, 0.8, 0.55])  # of cyan, magenta, yellow
    stain = np.array([0.02, 0.04, 0.12])
    matrix = set_matrix("prints", "broad")
    extent = 1 + 0.3 * np.linspace(-1, 1, width)[None, :, None]
    amounts = density @ np.linalg.inv(matrix).T * kept**extent
    return linear_from_density(amounts @ matrix.T + stain * extent).astype(np.float32)


SPACE = "ACEScg"
_all = {"cautious": False}
_points = {name: dict(_all) for name in ("base_at", "black_at", "neutral_at", "skin_at")}
SETTINGS = {
    "amount": {"method": "dark"},
    "loss": {"method": "hand"},
    "stain": {"method": "hand"},
    "fade": _all,
    "remove_stain": _all,
    "uneven": _all,
    "method": _all,
    "film": _all,
    "dyes": _all,
    "scanner": _all,
    "borders": _all,
    "strength": _all,
    "mix": _all,
    "gain_limit": _all,
    "reel_lock": _all,
    "anchor_frame": _all | {"neutral_at": (0.3, 0.4)},
    "black_density": _all | {"black_at": (0.5, 0.02)},
    "lights": {},
    "dye_gain": {},
    "dye_gamma": {},
} | _points
PICTURES = dict.fromkeys((*SETTINGS, "cautious", "view"), faded)
PICTURES["reel_lock"] = shots
