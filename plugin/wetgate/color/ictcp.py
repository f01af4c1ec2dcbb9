"""ICtCp with the PQ curve: BT.2100-2 Table 7. The near-uniform space in which BT.2124 and the HDR lift measure."""

from __future__ import annotations

from typing import Any

import numpy as np

from wetgate.color.curves import Array, pq_decode, pq_encode
from wetgate.color.primaries import apply_matrix, inverse

# BT.2100-2 Table 7: Rec.2020 light to LMS, and L'M'S' (PQ) to I, Ct, Cp. Exact in 1/4096.
RGB_TO_LMS = np.array([[1688, 2146, 262], [683, 2951, 462], [99, 309, 3688]]) / 4096.0
LMS_TO_ICTCP = np.array([[2048, 2048, 0], [6610, -13613, 7003], [17933, -17390, -543]]) / 4096.0
_LMS_TO_RGB = inverse(RGB_TO_LMS)
_ICTCP_TO_LMS = inverse(LMS_TO_ICTCP)


def rec2020_to_ictcp(nits: Any) -> Array:
    """I (0..1), Ct, Cp (about -0.5..0.5), shape (..., 3), of linear Rec.2020 light in nits. Negative light is odd."""
    return apply_matrix(LMS_TO_ICTCP, pq_encode(apply_matrix(RGB_TO_LMS, nits)))


def ictcp_to_rec2020(ictcp: Any) -> Array:
    """Linear Rec.2020 light in nits, shape (..., 3), of I, Ct, Cp: the inverse of :func:`rec2020_to_ictcp`."""
    return apply_matrix(_LMS_TO_RGB, pq_decode(apply_matrix(_ICTCP_TO_LMS, ictcp)))
