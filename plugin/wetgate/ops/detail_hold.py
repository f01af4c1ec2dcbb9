"""Fine detail that cleaning takes, given back where it took too much.

The mean of all pictures that may have been coded as this one, which is what a network learns, has less fine detail than
each of them. Where the energy of the fine detail falls below a share of what the coded picture has in the
neighbourhood, as much of the difference is put back as makes up for it; where a coder left mostly noise, and the share
is not reached even by all of the difference, all of it is: there the picture is, in its detail, as it was coded.
"""

from __future__ import annotations

import cv2
import numpy as np

from wetgate.spec import Image

_FINER_THAN = 1.5  # Gaussian, in pixels: as fine detail is measured (metrics, bench)
_OVER = 4.0  # Gaussian of the neighbourhood, in pixels: half a block
_REDUCED = 2  # energies are measured on means of 2 x 2 pixels


def with_detail(made: Image, given: Image, share: float) -> Image:
    """``made`` (H, W) with at least ``share`` of the energy of ``given``'s fine detail in each neighbourhood."""
    if share <= 0:
        return made
    fine, own = (p - cv2.GaussianBlur(p, (0, 0), _FINER_THAN) for p in (made, given))
    taken = own - fine
    # |fine + x taken|^2 = share |own|^2 is a quadratic in x.
    square, cross, short = (
        _around(p) for p in (taken * taken, fine * taken, np.float32(share) * own * own - fine * fine)
    )
    root = np.sqrt(np.maximum(cross * cross + square * short, 0))
    back = np.clip((root - cross) / np.maximum(square, np.float32(1e-12)), 0, 1) * (short > 0)
    size = (made.shape[1], made.shape[0])
    return np.asarray(made + cv2.resize(back, size, interpolation=cv2.INTER_LINEAR) * taken, np.float32)


def _around(plane: Image) -> Image:
    height, width = (-(-n // _REDUCED) for n in plane.shape)
    small = cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), _OVER / _REDUCED), np.float32)
