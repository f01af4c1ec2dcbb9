"""Fine detail that cleaning takes, given back where it took too much.

The mean of all pictures that may have been coded as this one, which is what a network learns, has less fine detail than
each of them. Where the energy of the fine detail falls below a share of what the coded picture has in the
neighbourhood, two things make up for it, in this order, each no further than is needed:

1. what the network left is raised (power spectrum equalisation: T. M. Cannon, IEEE TASSP 22(2), 1974). It is likelier
   to be the picture's own than what was taken out: raising it costs a tenth of the squared error of putting that back;
2. what was taken out is put back. Where a coder left mostly noise, that is nearly all of it: there the picture is, in
   its detail, as it was coded. On the borders of the codec's blocks less is put back, since what is finer than a block
   there is mostly its edge.
"""

from __future__ import annotations

import cv2
import numpy as np

from wetgate.ops.block_transform import SIDE
from wetgate.ops.halves import halved, whole
from wetgate.spec import Image

_FINER_THAN = 1.5  # Gaussian, in pixels: as fine detail is measured (metrics, bench)
# Measured on H.264 at CRF 32 to 42 and MPEG-2 at 1 to 4 Mb/s (tests/bench/deartifact_clips.py), of 0.8 to 4, 1 to 2, 1
# to 1.3 and 0.5 to 1.
_OVER = 0.75  # Gaussian of the neighbourhood, in pixels of half the size
_MOST_RAISED, _MOST_BACK = 1.5, 1.3
_ON_BORDERS = 0.75  # of what is put back elsewhere
# A fine quantiser leaves little detail that is its own making, and the network takes little else: there it is held
# less, by the step in 8-bit codes. Measured on MPEG-2 at a step of 6 (sav_dog, davis_parkour, davis_car-roundabout):
# 0.02 to 0.07 dB are gained, three quarters of the structural artefact go in place of 58 %, and 0.91 to 0.97 of the
# energy stays; at steps from 20 on as much of a loosening would let it fall to 0.8.
_FINE_STEP, _COARSE_STEP, _HELD_LESS = 6.5, 10.0, 0.65


def with_detail(made: Image, given: Image, share: float, steps: Image) -> Image:
    """``made`` (H, W) with at least ``share`` of the energy of ``given``'s fine detail in each neighbourhood, as far as
    may be, and less where the quantiser's ``steps`` (H, W, in values) are fine. Both lie on the codec's grid of 8 x 8
    blocks."""
    if share <= 0:
        return made
    wanted = _wanted(given, share, steps)
    raised = _raised(made, wanted)
    taken = _fine(given - raised)
    back = _amount(_fine(raised), taken, wanted, _MOST_BACK)
    return np.asarray(raised + back * _inside_blocks(*made.shape) * taken, np.float32)


def with_own_detail(made: Image, given: Image, share: float, steps: Image) -> Image:
    """As :func:`with_detail`, but nothing that was taken out is put back: for a mean of several results, whose detail
    agrees and is weaker for it."""
    return made if share <= 0 else _raised(made, _wanted(given, share, steps))


def _wanted(given: Image, share: float, steps: Image) -> Image:
    return np.asarray(np.float32(share) * _held(steps) * np.square(_fine(given)), np.float32)


def _raised(made: Image, wanted: Image) -> Image:
    left = _fine(made)
    return np.asarray(made + _amount(left, left, wanted, _MOST_RAISED - 1) * left, np.float32)


def _held(steps: Image) -> Image:
    """How much of the share is asked for: all of it where the step is coarse, or not known."""
    codes = np.where(steps > 0, steps * np.float32(255), np.float32(_COARSE_STEP))
    place = np.log(codes / _FINE_STEP) / np.log(_COARSE_STEP / _FINE_STEP)
    return np.asarray(_HELD_LESS + (1 - _HELD_LESS) * np.clip(place, 0, 1), np.float32)


def _amount(fine: Image, more: Image, wanted: Image, most: float) -> Image:
    """How much of ``more`` is to be added for ``fine`` to have the energy that is ``wanted``, 0 to ``most``.

    |fine + x more|^2 = wanted is a quadratic in x, over each neighbourhood. Of ``more`` its own fine detail counts.
    """
    counted = _fine(more)
    square, cross, short = (_around(p) for p in (counted * counted, fine * counted, wanted - fine * fine))
    root = np.sqrt(np.maximum(cross * cross + square * short, 0))
    amount = np.clip((root - cross) / np.maximum(square, np.float32(1e-12)), 0, most) * (short > 0)
    return whole(amount, *fine.shape)


def _fine(plane: Image) -> Image:
    return np.asarray(plane - cv2.GaussianBlur(plane, (0, 0), _FINER_THAN), np.float32)


def _around(plane: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(halved(plane), (0, 0), _OVER), np.float32)


def _inside_blocks(height: int, width: int) -> Image:
    """1, and less in the first and last row and column of each block."""
    rows, columns = (np.isin(np.arange(n) % SIDE, (0, SIDE - 1)) for n in (height, width))
    return np.where(rows[:, None] | columns, np.float32(_ON_BORDERS), np.float32(1))
