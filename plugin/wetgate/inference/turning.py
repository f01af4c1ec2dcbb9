"""A picture laid before a network in other ways, turned and mirrored: a network has learnt no direction to prefer, and
what it prefers all the same differs from one way to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wetgate.inference.restoring import Network, Restored
from wetgate.spec import Image

TURNS = 8  # ways to lay a picture
# Those that keep rows rows and columns columns: as it is, upside down, and either way mirrored.
_SIDES = (0, 2, 4, 6)


def laid(picture: Image, turn: int) -> Image:
    """``picture`` (H, W, C) turned by a quarter ``turn`` times, and from the fourth on mirrored too."""
    turned = np.rot90(picture, turn % 4)
    return np.ascontiguousarray(turned[:, ::-1] if turn % TURNS >= 4 else turned)


def laid_back(picture: Image, turn: int) -> Image:
    """What :func:`laid` did, undone."""
    mirrored = picture[:, ::-1] if turn % TURNS >= 4 else picture
    return np.ascontiguousarray(np.rot90(mirrored, -(turn % 4)))


def restore_from_sides(
    net: Network, picture: Image, *, maps: Mapping[str, Image], block: int = 1, **settings: Any
) -> Restored:
    """The mean of what the network makes of the picture from four sides, by :meth:`Network.restore` and its settings.

    ``maps`` are (H, W, C). The picture is filled up to whole blocks of ``block`` pixels, so that a grid which begins at
    its first pixel does so from every side.
    """
    height, width = picture.shape[:2]
    fill = ((0, -height % block), (0, -width % block), (0, 0))
    whole, told = np.pad(picture, fill, mode="edge"), {k: np.pad(m, fill, mode="edge") for k, m in maps.items()}
    change = np.zeros(picture.shape, np.float32)
    facts: dict[str, Any] = {}
    for turn in _SIDES:
        done = net.restore([laid(whole, turn)], maps={k: laid(m, turn) for k, m in told.items()}, **settings)
        change += laid_back(done.change, turn)[:height, :width]
        facts = dict(done.facts)
    change *= np.float32(1 / len(_SIDES))
    return Restored(picture + change, change, facts | {"sides": len(_SIDES)})
