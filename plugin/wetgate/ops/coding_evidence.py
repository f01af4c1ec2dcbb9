"""How strongly a block codec worked on a shot whose blocks begin at a known place, from its pixels alone.

Codecs that predict leave no lattice of coefficients, and those that filter their edges hardly an edge. What stays is a
difference: aligned with the coder's blocks a picture has less of the higher coefficients than between them, and its
edges stand out at multiples of 1/8 cycle a pixel. The odds that a shot was coded and the step of the quantiser are
linear in that evidence; their weights (``coding_evidence.json``) are fitted by ``tests/bench/codec_measure.py --fit``
to real encodes of training pictures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.block_grid import comb_at, profile
from wetgate.ops.block_transform import SIDE, forward, whole_blocks
from wetgate.ops.quantiser import UNKNOWN
from wetgate.spec import Image

Array = NDArray[np.float64]

# Bands of an 8x8 block by the sum of its two frequencies.
_BANDS = ((1, 3), (3, 6), (6, 9), (9, 15))
_SUM = np.add.outer(np.arange(SIDE), np.arange(SIDE)).reshape(-1)
_FLOOR = 0.05  # of 8-bit codes: logarithms of coefficients that are nothing
_NOTHING = 0.6  # codes: a high coefficient below it was rounded away
_CODES = 219.0
_FRAMES = 3  # whose blocks are looked at
# Steps in 8-bit codes that are believed; the most is that of H.264 at QP 51.
_LEAST_LEVEL, _MOST_LEVEL = 0.25, 230.0
_EVEN = 0.5  # odds from which a shot counts as coded


def evidence_of(lumas: Sequence[Image], phase: tuple[int, int] = (0, 0)) -> Array | None:
    """The evidence of luma planes (H, W) of one shot, or None where they are too small."""
    x, y = phase
    planes = [np.ascontiguousarray(p[y:, x:]) for p in lumas]
    if min(planes[0].shape) < 8 * SIDE:
        return None
    across = np.mean([profile(p) for p in planes], axis=0)
    down = np.mean([profile(np.ascontiguousarray(p.T)) for p in planes], axis=0)
    edges = np.add(comb_at(across, SIDE, 0, 4), comb_at(down, SIDE, 0, 4)) / np.sqrt(2)
    chosen = planes[:: max(1, len(planes) // _FRAMES)]
    on, off, between = (_bands(chosen, place) for place in ((0, 0), (4, 4), (2, 2)))
    return np.concatenate([np.clip(edges, -15, 15), on, on - off, on - between])


def _bands(planes: Sequence[Image], phase: tuple[int, int]) -> Array:
    size = np.concatenate(
        [np.abs(forward(whole_blocks(p * np.float32(_CODES), phase))).reshape(-1, SIDE * SIDE) for p in planes]
    )
    levels = [np.log(float(size[:, (a <= _SUM) & (b > _SUM)].mean()) + _FLOOR) for a, b in _BANDS]
    return np.array([*levels, float((size[:, _SUM >= 9] < _NOTHING).mean())])


def strength_of(evidence: Array) -> tuple[float, float]:
    """The odds (0 to 1) that the shot was coded, and the step in values: 0 where it was not, by even odds.

    It is UNKNOWN where the weights lead beyond any step there is: that is a codec whose like they were not fitted to (a
    Motion JPEG with tables of its own, say).
    """
    weights = _weights()
    x = np.append((evidence - weights["mean"]) / weights["scale"], 1.0)
    odds = float(1 / (1 + np.exp(-np.clip(x @ weights["coded"], -30, 30))))
    if odds <= _EVEN:
        return odds, 0.0
    step = float(np.exp2(np.clip(x @ weights["level"], -30, 30)))
    return odds, max(step, _LEAST_LEVEL) / _CODES if step <= _MOST_LEVEL else UNKNOWN


@cache
def _weights() -> dict[str, Any]:
    loaded = json.loads((Path(__file__).parent / "coding_evidence.json").read_text())
    return {name: np.array(loaded[name], np.float64) for name in ("mean", "scale", "coded", "level")}
