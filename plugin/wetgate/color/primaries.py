"""RGB primaries, white points, and the 3x3 matrices between them, derived and not copied (SMPTE RP 177-1993).

Matrices are float64 and act on column vectors: ``xyz = matrix @ rgb``. XYZ is relative: Y of white is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.color.curves import Array, floating
from wetgate.spec import UsageError, suggest

Matrix = NDArray[np.float64]
XY = tuple[float, float]
Adaptation = Literal["bradford", "cat02", "none"]

# CIE xy of white points. D65 as BT.709-6 item 1.4 rounds it; the ACES white from ST 2065-1:2021 clause 4.2.2;
# the theatrical white from SMPTE RP 431-2; D50 and E from CIE 15:2018.
WHITES: dict[str, XY] = {
    "d65": (0.3127, 0.3290),
    "aces": (0.32168, 0.33767),
    "dci": (0.314, 0.351),
    "d50": (0.3457, 0.3585),
    "e": (1 / 3, 1 / 3),
}


@dataclass(frozen=True, slots=True)
class Primaries:
    """CIE xy of red, green, blue and white."""

    red: XY
    green: XY
    blue: XY
    white: XY

    def flat(self) -> tuple[float, ...]:
        """rx ry gx gy bx by wx wy, as EXR's ``chromaticities`` attribute has them."""
        return (*self.red, *self.green, *self.blue, *self.white)


_D65 = WHITES["d65"]
CHROMATICITIES: dict[str, Primaries] = {
    "rec709": Primaries((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),  # BT.709-6 items 1.3, 1.4
    "rec2020": Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),  # BT.2020-2 Table 3
    "p3d65": Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),  # SMPTE EG 432-1
    "p3dci": Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), WHITES["dci"]),  # SMPTE RP 431-2
    "p3d60": Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), WHITES["aces"]),
    "adobergb": Primaries((0.640, 0.330), (0.210, 0.710), (0.150, 0.060), _D65),  # Adobe RGB (1998), 4.3.1
    "rec601_525": Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),  # BT.601-7, 525-line; ST 170
    "rec601_625": Primaries((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), _D65),  # BT.601-7, 625-line
    "ap0": Primaries((0.7347, 0.2653), (0.0, 1.0), (0.0001, -0.077), WHITES["aces"]),  # ST 2065-1:2021
    "ap1": Primaries((0.713, 0.293), (0.165, 0.830), (0.128, 0.044), WHITES["aces"]),  # AMPAS S-2014-004 (ACEScg)
    "ciexyzd65": Primaries((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), _D65),
}

# Cone responses. Bradford: Lam 1985, as given in ICC.1:2022 Annex E. CAT02: CIE 159:2004.
_CONES: dict[str, Matrix] = {
    "bradford": np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]),
    "cat02": np.array([[0.7328, 0.4296, -0.1624], [-0.7036, 1.6975, 0.0061], [0.0030, 0.0136, 0.9834]]),
}


def product(a: Matrix, b: Matrix) -> Matrix:
    """a @ b for 3x3, term by term: LAPACK and BLAS round the last bit as processor and environment have it, and the
    same pixels must come out on every machine."""
    rows, columns = a.tolist(), b.T.tolist()
    return np.array([[r[0] * c[0] + r[1] * c[1] + r[2] * c[2] for c in columns] for r in rows])


def inverse(matrix: Matrix) -> Matrix:
    """The inverse of a 3x3 matrix by cofactors, term by term for the reason given at :func:`product`."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    cofactors = [
        [e * i - f * h, c * h - b * i, b * f - c * e],
        [f * g - d * i, a * i - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ]
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    return np.array([[value / determinant for value in row] for row in cofactors])


def chromaticities(name: str) -> Primaries:
    """The primaries of that name, or a :class:`~wetgate.spec.UsageError` that suggests the right one."""
    if name not in CHROMATICITIES:
        raise UsageError(f"there are no primaries {name!r}", remedy=suggest(name, CHROMATICITIES))
    return CHROMATICITIES[name]


def white_xyz(xy: XY) -> Matrix:
    """XYZ, shape (3,), of a white of that chromaticity, Y = 1."""
    x, y = xy
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


def matrix_of(primaries: Primaries) -> Matrix:
    """RGB to XYZ for any primaries: SMPTE RP 177-1993, 3.3. White (1, 1, 1) becomes its XYZ with Y = 1."""
    columns = np.array([[x, y, 1.0 - x - y] for x, y in (primaries.red, primaries.green, primaries.blue)]).T
    return product(columns, np.diag(_times(inverse(columns), white_xyz(primaries.white))))


@cache
def _rgb_to_xyz(name: str) -> Matrix:
    return _frozen(np.eye(3) if name == "ciexyzd65" else matrix_of(chromaticities(name)))


@cache
def _rgb_to_rgb(src: str, dst: str, adapt: Adaptation) -> Matrix:
    if src == dst:
        return _frozen(np.eye(3))
    to_dst_white = adaptation(chromaticities(src).white, chromaticities(dst).white, adapt)
    return _frozen(product(product(xyz_to_rgb(dst), to_dst_white), _rgb_to_xyz(src)))


def rgb_to_xyz(name: str) -> Matrix:
    """3x3 float64 from linear RGB of the named primaries to XYZ with Y of its own white = 1. Read-only."""
    return _rgb_to_xyz(name)


def xyz_to_rgb(name: str) -> Matrix:
    """3x3 float64 from XYZ (Y of white = 1) to linear RGB of the named primaries."""
    return inverse(_rgb_to_xyz(name))


def adaptation(src_white: XY, dst_white: XY, adapt: Adaptation = "bradford") -> Matrix:
    """3x3 on XYZ that takes the source white to the destination white (von Kries scaling of cone responses)."""
    if src_white == dst_white or adapt == "none":
        return np.eye(3)
    cone = _CONES[adapt]
    gains = _times(cone, white_xyz(dst_white)) / _times(cone, white_xyz(src_white))
    return product(product(inverse(cone), np.diag(gains)), cone)


def rgb_to_rgb(src: str, dst: str, adapt: Adaptation = "bradford") -> Matrix:
    """3x3 float64 between linear RGB spaces; white goes to white unless ``adapt`` is ``none``. Read-only."""
    return _rgb_to_rgb(src, dst, adapt)


def apply_matrix(matrix: Any, image: Any) -> Array:
    """``matrix`` (3x3) applied to (..., 3) or (..., 4) pixels, in their own floating type; alpha comes out as it is.

    Written channel by channel: a BLAS product rounds differently at the edges of its blocks, and the same pixel must
    give the same value whatever band or tile it lies in.
    """
    pixels = floating(image)
    m = np.asarray(matrix, np.float64).astype(pixels.dtype)
    out = np.empty_like(pixels, order="C")
    r, g, b = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    product = np.empty(pixels.shape[:-1], pixels.dtype)
    for row in range(3):
        target = out[..., row]
        np.multiply(r, m[row, 0], out=target)
        for channel, gain in ((g, m[row, 1]), (b, m[row, 2])):
            np.multiply(channel, gain, out=product)
            target += product
    out[..., 3:] = pixels[..., 3:]
    return out


def _times(matrix: Matrix, vector: Matrix) -> Matrix:
    x, y, z = vector.tolist()
    return np.array([r[0] * x + r[1] * y + r[2] * z for r in matrix.tolist()])


def _frozen(matrix: Matrix) -> Matrix:
    matrix.setflags(write=False)
    return matrix
