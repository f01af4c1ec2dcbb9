"""Deconvolution of blur that differs over the frame: tile by tile, each with its own PSF, and blended.

A tile is undone together with a margin of the frame about it, so that what its rim was blurred from is seen, and
nothing is done where a tile has no blur. Which tiles there are follows from the size of the frame alone.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wetgate.ops.blur import Kernel
from wetgate.ops.deconvolve import LEAST, Deconvolved, residual_ratio
from wetgate.ops.fourier_canvas import Mask
from wetgate.ops.psf_field import PsfField, Tile
from wetgate.spec import Image

_MARGIN_PX = 8  # beyond twice the PSF's reach: farther away, what is unknown about a part has no effect on it


class Undo(Protocol):
    """Undoes one PSF in a picture: :func:`~wetgate.ops.deconvolve.deconvolve` with all else set."""

    def __call__(self, picture: Image, psf: Kernel, deviation: Image, *, valid: Mask, clipped: Mask) -> Deconvolved: ...


def deconvolve_places(
    picture: Image, field: PsfField, deviation: Image, undo: Undo, *, white: float, valid: Mask, clipped: Mask
) -> Deconvolved:
    """Undo a ``field`` of PSFs in ``picture`` (H, W, C), by ``undo`` in each tile; the rest is as for
    :func:`~wetgate.ops.deconvolve.deconvolve`. The ratio is that of the places where blur was undone."""
    rounds = [0]
    again = picture.copy()

    def made(tile: Tile) -> Image:
        margins = tile.psf.shape[0] // 2 * 2 + _MARGIN_PX, tile.psf.shape[1] // 2 * 2 + _MARGIN_PX
        wide, inner = field.about(tile, margins)
        cut = np.ascontiguousarray(picture[wide])
        done = undo(cut, tile.psf, deviation[wide], valid=valid[wide], clipped=clipped[wide])
        again[tile.part] += tile.weight * (done.reblurred[inner] - picture[tile.part])
        rounds.append(done.rounds)
        return done.picture[inner]

    out = field.blended(picture, made)
    noise = np.maximum(deviation, np.float32(LEAST * white))
    there = valid & field.worked()[..., None]
    return Deconvolved(out, again, residual_ratio(picture, again, noise, there, clipped), max(rounds))
