"""The plate: what one step takes out of the picture, grain above all, split off and put back after other steps.

In a graph it is a pair. One step takes the grain out (``split`` below), others work on what is left, and the last of
them names the split, whose plate is put back on its result::

    nodes:
      - {node: denoise, name: split, params: {keep_grain: 0}}
      - {node: dust}
      - {node: deflicker, plate: {step: split, amount: 1.0}}

The plate is the split's input less its output, at the same frame, in the space of the split's node: in density, grain
keeps its place in the tones. So out = restored + amount (before - after).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Frame, FrameError


@dataclass(frozen=True, slots=True)
class Plate:
    """Which earlier step's plate is put back, and how much of it (1: as it was)."""

    step: str
    amount: float = 1.0


def put_back(
    restored: Frame, before: Frame, after: Frame, amount: float, unchanged: NDArray[np.bool_] | bool, where: str
) -> Frame:
    """``restored`` with ``amount`` of what lay between ``before`` and ``after``; all in one space.

    ``unchanged`` marks the pixels that no step has changed since the split: where all is put back these are those of
    ``before``, bit for bit. Elsewhere it is the sum, within the rounding of float32. Raises :class:`FrameError` where
    the pictures differ in size or place.
    """
    if not before.window == after.window == restored.window:
        raise FrameError(
            f"the plate is {after.width}x{after.height} at {after.window}, the picture {restored.window}",
            where=where,
            remedy="put the plate back before the step that changes the picture's size",
        )
    rgb = restored.rgb + np.float32(amount) * (before.rgb - after.rgb)
    if amount == 1 and unchanged is not False:
        same = unchanged if isinstance(unchanged, np.ndarray) else np.ones(rgb.shape[:2], bool)
        rgb = np.where(same[..., None], before.rgb, rgb)
    return restored.with_rgb(np.ascontiguousarray(rgb, np.float32))
