"""Between the code values of a video stream's planes and R'G'B': matrix, quantisation range, chroma planes.

Everything is float32 and nothing is clipped, so that super-whites and sub-blacks of the stream survive; only
:func:`quantise` makes whole numbers. R'G'B' of 0 and 1 are nominal black and white, luma is 0..1, chroma -0.5..0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.chroma import Siting, downsample, upsample
from wetgate.color.curves import Array, floating
from wetgate.color.primaries import Matrix, apply_matrix, inverse
from wetgate.spec import Image, UsageError

# Rec. ITU-T H.273 (2021) Table 4, MatrixCoefficients: KR and KB. 5 and 6 are BT.601, 7 is SMPTE ST 240, 9 is BT.2020
# with non-constant luminance.
LUMA_WEIGHTS: dict[int, tuple[float, float]] = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
IDENTITY = 0
_NAMES = {
    2: "unspecified",
    3: "reserved",
    8: "YCgCo",
    10: "BT.2020 constant luminance",
    11: "SMPTE ST 2085",
    12: "derived from the primaries, non-constant luminance",
    13: "derived from the primaries, constant luminance",
    14: "ICtCp",
}


def matrix_known(code: int) -> bool:
    """Whether that H.273 MatrixCoefficients code can be decoded here."""
    return code == IDENTITY or code in LUMA_WEIGHTS


def luma_weights(matrix: int) -> tuple[float, float, float]:
    """KR, KG, KB of an H.273 MatrixCoefficients code; a :class:`~wetgate.spec.UsageError` for one without them."""
    if matrix not in LUMA_WEIGHTS:
        raise UsageError(
            f"matrix_coefficients {matrix} ({_NAMES.get(matrix, 'unknown')}) cannot be worked",
            allowed="0 identity, 1 BT.709, 4 FCC, 5 or 6 BT.601, 7 ST 240, 9 BT.2020 non-constant luminance",
            remedy="name the matrix of the footage, or convert it with the tool that made it",
        )
    kr, kb = LUMA_WEIGHTS[matrix]
    return kr, 1.0 - kr - kb, kb


def rgb_to_ycbcr_matrix(matrix: int) -> Matrix:
    """3x3 from R'G'B' to Y' (0..1), Cb, Cr (-0.5..0.5): H.273 8.3, equations 38 to 40. Code 0 is the identity."""
    if matrix == IDENTITY:
        return np.eye(3)
    kr, kg, kb = luma_weights(matrix)
    cb, cr = 2.0 * (1.0 - kb), 2.0 * (1.0 - kr)
    return np.array([[kr, kg, kb], [-kr / cb, -kg / cb, 0.5], [0.5, -kg / cr, -kb / cr]])


def ycbcr_from_rgb(rgb: Any, matrix: int) -> Array:
    """Y', Cb, Cr (..., 3) of R'G'B' (..., 3); for matrix 0 the R'G'B' itself."""
    return apply_matrix(rgb_to_ycbcr_matrix(matrix), rgb)


def rgb_from_ycbcr(ycbcr: Any, matrix: int) -> Array:
    """R'G'B' (..., 3) of Y', Cb, Cr (..., 3): the inverse of :func:`ycbcr_from_rgb`."""
    return apply_matrix(inverse(rgb_to_ycbcr_matrix(matrix)), ycbcr)


@dataclass(frozen=True, slots=True)
class Quantisation:
    """How a stream maps values to whole codes: Rec. ITU-R BT.2100-2 Table 9 (same as H.273 8.3, equations 20 to 37).

    Limited range: luma and RGB 219 E + 16, chroma 224 E + 128, times 2^(bits - 8). Full range: (2^bits - 1) E, chroma
    half of 2^bits added.
    """

    bits: int
    full: bool

    @property
    def peak(self) -> int:
        """The largest code."""
        return int(2**self.bits - 1)

    def scale_offset(self, chroma: bool) -> tuple[float, float]:
        """code = value * scale + offset."""
        if self.full:
            return float(self.peak), float(2 ** (self.bits - 1)) if chroma else 0.0
        step = 2.0 ** (self.bits - 8)
        return (224.0 * step, 128.0 * step) if chroma else (219.0 * step, 16.0 * step)

    def value(self, code: Any, chroma: bool = False) -> Image:
        """Values, float32, of codes (any type, whole or not)."""
        scale, offset = self.scale_offset(chroma)
        plane = np.asarray(code).astype(np.float32)
        plane -= np.float32(offset)
        plane /= np.float32(scale)
        return plane

    def code(self, value: Any, chroma: bool = False) -> Image:
        """Codes, float32, neither rounded nor clipped, of values."""
        scale, offset = self.scale_offset(chroma)
        return np.asarray(floating(value).astype(np.float32) * np.float32(scale) + np.float32(offset))


def quantise(code: Any, bits: int) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], int]:
    """Whole codes of a plane, rounded half up as BT.2100 Table 9 does, and how many samples did not fit 0..2^bits - 1.

    uint8 for 8 bits, else uint16. NaN becomes 0 and counts as one that did not fit.
    """
    peak = float(2**bits - 1)
    rounded = np.floor(floating(code) + 0.5)
    fits = (rounded >= 0.0) & (rounded <= peak)
    outside = int(rounded.size - np.count_nonzero(fits))
    if outside:
        rounded = np.clip(np.nan_to_num(rounded, nan=0.0), 0.0, peak)
    return rounded.astype(np.uint8 if bits <= 8 else np.uint16), outside


@dataclass(frozen=True)
class Layout:
    """How the planes of a stream stand to R'G'B'.

    ``matrix`` is the H.273 MatrixCoefficients code. For 0 the planes are G, B, R, in that order. ``subsampling`` is
    how many luma samples a chroma sample spans, across and down: (2, 2) is 4:2:0, (2, 1) 4:2:2, (1, 1) 4:4:4, (4, 1)
    4:1:1.
    """

    matrix: int
    quantisation: Quantisation
    subsampling: tuple[int, int] = (1, 1)
    siting: Siting = "left"

    @cached_property
    def _decode(self) -> Matrix:
        return inverse(rgb_to_ycbcr_matrix(self.matrix))

    def rgb(self, first: Any, second: Any, third: Any) -> Image:
        """R'G'B' (H, W, 3), float32, of three planes of codes: Y, Cb, Cr, or G, B, R where the matrix is 0."""
        q = self.quantisation
        y = q.value(first)
        out = np.empty((*y.shape, 3), np.float32)
        if self.matrix == IDENTITY:
            self._demand_444()
            out[..., 1], out[..., 0], out[..., 2] = y, q.value(third), q.value(second)
            return out
        # One row a colour: Y + a Cb + b Cr, with a and b from H.273; the zero terms are left out.
        m = self._decode.astype(np.float32)
        cb = upsample(q.value(second, chroma=True), y.shape, self.subsampling, self.siting)
        cr = upsample(q.value(third, chroma=True), y.shape, self.subsampling, self.siting)
        np.add(y, cr * m[0, 2], out=out[..., 0])
        np.add(y, cb * m[2, 1], out=out[..., 2])
        cb *= m[1, 1]
        cr *= m[1, 2]
        y += cb
        np.add(y, cr, out=out[..., 1])
        return out

    def codes(self, rgb: Image) -> tuple[Image, Image, Image]:
        """Three planes of codes, float32, not rounded, of R'G'B' (H, W, 3 or more): the inverse of :meth:`rgb`."""
        q = self.quantisation
        r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
        if self.matrix == IDENTITY:
            self._demand_444()
            return q.code(g), q.code(b), q.code(r)
        kr, kg, kb = (np.float32(k) for k in luma_weights(self.matrix))
        y = g * kg
        y += r * kr
        y += b * kb
        # Chroma as (B - Y) / (2 - 2 KB): a grey of equal components gives zero but for the rounding of Y.
        cb = np.multiply(b - y, 0.5 / (1.0 - float(kb)), dtype=np.float32)
        cr = np.multiply(r - y, 0.5 / (1.0 - float(kr)), dtype=np.float32)
        return (
            q.code(y),
            q.code(downsample(cb, self.subsampling, self.siting), chroma=True),
            q.code(downsample(cr, self.subsampling, self.siting), chroma=True),
        )

    def _demand_444(self) -> None:
        if self.subsampling != (1, 1):
            raise UsageError("planes of R'G'B' (matrix_coefficients 0) are subsampled", allowed="4:4:4")
