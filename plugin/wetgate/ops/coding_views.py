"""Pictures of how a picture was coded: its grid drawn over it, and the steps of its quantisers."""

from __future__ import annotations

import numpy as np

from wetgate.ops.block_transform import SIDE
from wetgate.spec import Image

_LINE = np.array([0.1, 0.9, 0.3], np.float32)  # green, as few pictures are
_OLDER = np.array([0.95, 0.5, 0.1], np.float32)  # orange
_SHARE = np.float32(0.6)
# Steps that the view of the quantisers shows as black and as white, in values: 1/4 and 128 codes of 8 bits.
_LEAST_STEP, _MOST_STEP = 0.25 / 255, 128 / 255


def grid_over(
    rgb: Image, period: tuple[float, float], phase: tuple[float, float], older: tuple[int, int] | None
) -> Image:
    """The picture with a line on the first pixel of every block, and the older grid's in another colour."""
    made = np.array(rgb[..., :3], np.float32)
    if older is not None:
        _draw(made, (8.0, 8.0), (float(older[0]), float(older[1])), _OLDER)
    _draw(made, period, phase, _LINE)
    return made


def _draw(made: Image, period: tuple[float, float], phase: tuple[float, float], colour: Image) -> None:
    rows = _places(made.shape[0], period[1], phase[1])
    columns = _places(made.shape[1], period[0], phase[0])
    made[rows] += _SHARE * (colour - made[rows])
    made[:, columns] += _SHARE * (colour - made[:, columns])


def _places(size: int, period: float, phase: float) -> list[int]:
    count = int((size - 1 - phase) // period) + 1 if size - 1 >= phase else 0
    return sorted({int(phase + k * period) for k in range(count)})


def step_plane(steps: Image) -> Image:
    """Steps (H, W) as grey: black for none, white for 128 codes of 8 bits, a stop of the step an even stride; steps
    that are not known are -1."""
    octaves = np.log2(np.maximum(steps, np.float32(_LEAST_STEP)) / np.float32(_LEAST_STEP))
    grey = octaves / np.float32(np.log2(_MOST_STEP / _LEAST_STEP))
    return np.where(steps < 0, np.float32(-1), grey).astype(np.float32)


def over_blocks(values: Image, origin: tuple[int, int], fields: bool, height: int, width: int) -> Image:
    """Values of 8x8 blocks (rows, columns), the second field's below the first's where there are two, as (H, W)."""
    left, top = (-origin[0]) % SIDE, (-origin[1]) % SIDE
    if not fields:
        whole = values.repeat(SIDE, 0).repeat(SIDE, 1)
        return np.ascontiguousarray(whole[top : top + height, left : left + width])
    made = np.empty((height, width), np.float32)
    rows = -(-(-(-height // 2) + top) // SIDE)
    for k, part in ((0, values[:rows]), (1, values[rows:])):
        made[k::2] = over_blocks(part, origin, False, (height + 1 - k) // 2, width)
    return made
