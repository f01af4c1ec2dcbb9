"""Where the footage's values stand at a ceiling: light that was clipped, and not measured."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

_ALIKE = 1e-4  # relative: what a change of space there and back leaves
_LEAST_SHARE, _LEAST_COUNT = 1e-4, 12  # of the pixels: fewer at the very top are a highlight that came through
_MOST_SHARE = 0.5  # a picture that is mostly of one value is flat, not clipped


def at_the_ceiling(rgb: Image) -> NDArray[np.bool_]:
    """(H, W, C): where a channel has its greatest value of the picture, and enough pixels share that value."""
    out = np.zeros(rgb.shape, np.bool_)
    for c in range(rgb.shape[2]):
        plane = rgb[..., c]
        top = float(plane.max())
        if top <= 0:
            continue
        mask = plane >= np.float32(top * (1 - _ALIKE))
        count = int(mask.sum())
        if max(_LEAST_COUNT, _LEAST_SHARE * plane.size) <= count <= _MOST_SHARE * plane.size:
            out[..., c] = mask
    return out


def known_light(
    rgb: Image, alpha: Image | None, ceiling: float, code_values: Callable[[], Image]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a frame's light (H, W, C) is known at all, and where it was clipped.

    ``ceiling`` is the level from which it was; 0 finds that of the footage's own ``code_values``: a ceiling is of
    those, and a change of primaries spreads it over all three channels.
    """
    valid = np.ones(rgb.shape, np.bool_)
    if alpha is not None:
        valid &= (alpha > 0)[..., None]
    if ceiling > 0:
        return valid, rgb >= np.float32(ceiling)
    top = at_the_ceiling(code_values())
    return valid, np.repeat(top.any(axis=2, keepdims=True), rgb.shape[2], axis=2)
