"""How coarsely a picture was quantised, in one unit for all codecs, and as the network of Deartifact is told it.

The *step* is that of the low AC coefficients of an orthonormal block transform. It says what a codec did whatever its
transform: an even quantiser of that step leaves an error of variance step^2 / 12 in each coefficient, hence in each
sample. Here it is worked in 8-bit codes (:func:`jpeg_step`, :func:`mpeg_step`, :func:`h264_step`); :func:`in_values`
makes the picture's own values of it (Y' 0 to 1), which is what nodes and networks use. A step of 0 is a picture that
was not compressed, :data:`UNKNOWN` one of which nobody knows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wetgate.spec import Image, UsageError

UNKNOWN = -1.0
"""The step where nothing is known: the network then judges by what it sees."""

# What the network is told for UNKNOWN: as far from the mark of 0 as a step of 1/16 is, on the other side.
_UNKNOWN_MARK = -0.25

# Places in natural order of the nine AC coefficients that come first in the zigzag (ITU-T T.81, figure A.6).
LOW_FREQUENCIES = [1, 8, 16, 9, 2, 3, 10, 17, 24]

# Rec. ITU-T H.264 (2021), Table 8-15: QPc for the chroma quantiser index 30 to 51; below 30 they are the same.
_H264_CHROMA = (29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36, 36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39)
H264_FINEST = 0.625  # Qstep at QP 0, doubling every 6 (Rec. ITU-T H.264, 8.5.9: levelScale 10 / 16)


def jpeg_step(table: Any) -> float:
    """Step in 8-bit codes of a JPEG quantisation table, 8x8 in natural order: the mean of its nine lowest AC entries.

    JPEG's transform is orthonormal (ITU-T T.81, A.3.3). The luma table of Annex K.1 (quality 50) gives 13.
    """
    entries = np.asarray(table, np.float64).reshape(-1)
    if entries.size != 64:
        raise UsageError(f"a quantisation table has {entries.size} entries", allowed="64, in natural order")
    return float(entries[LOW_FREQUENCIES].mean())


def mpeg_step(quantiser_scale: Any) -> Any:
    """Step in 8-bit codes of MPEG-1, MPEG-2 or MPEG-4 part 2 at a ``quantiser_scale``: the same number.

    That is 2 to 62 for codes 1 to 31 on the linear scale (Rec. ITU-T H.262, Table 7-6), and what FFmpeg's decoders
    export; FFmpeg's ``qscale`` is half of it. Exact for H.262's flat inter matrix and for H.263 quantisation (W QS / 16
    with W = 16; 2 QP); the default intra matrix is a fifth coarser at low frequencies, which is not told apart.
    """
    return quantiser_scale


def h264_step(qp: Any, *, chroma: bool = False, chroma_offset: int = 0) -> Any:
    """Step in 8-bit codes of H.264 at a QP (0 to 51, a number or an array): 0.625 x 2^(QP / 6) (H.264, 8.5.9).

    For ``chroma`` the QP of luma is mapped to that of chroma by Table 8-15. QP between whole numbers are worked too.
    """
    index = np.asarray(qp, np.float64)
    if chroma:
        index = np.clip(index + chroma_offset, 0, 51)
        index = np.interp(index, np.arange(52), [*range(30), *_H264_CHROMA])
    step = H264_FINEST * 2.0 ** (index / 6)
    return float(step) if step.ndim == 0 else step


def in_values(step_codes: Any, *, full_range: bool, chroma: bool = False) -> Any:
    """A step in 8-bit codes in the picture's values, where Y' of black is 0 and of white 1.

    255 codes span luma and chroma in full range, as in JPEG; 219 luma and 224 chroma in limited range, as in video
    (Rec. ITU-T H.273, 8.3). :data:`UNKNOWN` stays what it is.
    """
    span = 255.0 if full_range else 224.0 if chroma else 219.0
    steps = np.asarray(step_codes, np.float64)
    found = np.where(steps < 0, UNKNOWN, steps / span)
    return float(found) if found.ndim == 0 else found.astype(np.float32)


def network_quantiser(step: Any) -> Image:
    """What a Deartifact network is told of steps in values, any shape: their square root, or a mark where unknown.

    The root spreads mild compression, where a little too much does harm, over half of the scale.
    """
    steps = np.asarray(step, np.float32)
    return np.where(steps < 0, np.float32(_UNKNOWN_MARK), np.sqrt(np.maximum(steps, 0))).astype(np.float32)
