"""How far two colours lie apart: CIELAB with CIEDE2000 for surface-like SDR colour, dE ITP for absolute HDR light."""

from __future__ import annotations

from typing import Any

import numpy as np

from wetgate.color.curves import Array, floating
from wetgate.color.ictcp import rec2020_to_ictcp

# CIE 15:2018, 8.2.1: the cube root gives way to a line below (6/29)**3.
_DELTA = 6.0 / 29.0
# Pixels worked at a time by the vectorised formulas: a dozen float64 temporaries of this length stay in cache.
_CHUNK = 1 << 16


def xyz_to_lab(xyz: Any, white: Any) -> Array:
    """CIELAB L*, a*, b* (..., 3) of XYZ under that white (XYZ, same scale): CIE 15:2018, 8.2.1.

    Values at or below black, negative ones included, follow the standard's straight line.
    """
    relative = floating(xyz)
    relative = relative / np.asarray(white, relative.dtype)
    f = np.where(relative > _DELTA**3, np.cbrt(relative), relative / (3.0 * _DELTA**2) + 4.0 / 29.0)
    lab = np.empty_like(f)
    lab[..., 0] = 116.0 * f[..., 1] - 16.0
    lab[..., 1] = 500.0 * (f[..., 0] - f[..., 1])
    lab[..., 2] = 200.0 * (f[..., 1] - f[..., 2])
    return lab


def delta_e_2000(lab1: Any, lab2: Any) -> Array:
    """CIEDE2000 of two arrays of CIELAB colours (..., 3), kL = kC = kH = 1; shape (...), type of ``lab1``.

    CIE 142-2001, with hue angles and their mean as Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula:
    implementation notes", Color Res. Appl. 30 (2005), clear them up. Worked in float64.
    """
    first, second = np.broadcast_arrays(floating(lab1), floating(lab2))
    result = np.empty(first.shape[:-1], first.dtype)
    a, b, flat = first.reshape(-1, 3), second.reshape(-1, 3), result.reshape(-1)
    for start in range(0, len(a), _CHUNK):
        part = slice(start, start + _CHUNK)
        flat[part] = _ciede2000(a[part].astype(np.float64), b[part].astype(np.float64))
    return result


def delta_e_itp(rec2020_nits_a: Any, rec2020_nits_b: Any) -> Array:
    """dE ITP of two arrays of linear Rec.2020 light in nits (..., 3); 1 is just visible: BT.2124-0, Annex 1.

    720 sqrt(dI^2 + dT^2 + dP^2) with T = Ct / 2 and P = Cp. Worked in float64, returned in the type of the first.
    """
    first, second = np.broadcast_arrays(floating(rec2020_nits_a), floating(rec2020_nits_b))
    result = np.empty(first.shape[:-1], first.dtype)
    a, b, flat = first.reshape(-1, 3), second.reshape(-1, 3), result.reshape(-1)
    for start in range(0, len(a), _CHUNK):
        part = slice(start, start + _CHUNK)
        step = rec2020_to_ictcp(a[part].astype(np.float64)) - rec2020_to_ictcp(b[part].astype(np.float64))
        step[:, 1] *= 0.5
        flat[part] = 720.0 * np.sqrt((step * step).sum(axis=-1))
    return result


def _ciede2000(lab1: Array, lab2: Array) -> Array:
    """CIE 142-2001 on float64 (N, 3) pairs."""
    chroma = (np.hypot(lab1[:, 1], lab1[:, 2]) + np.hypot(lab2[:, 1], lab2[:, 2])) / 2.0
    g = 1.5 - 0.5 * np.sqrt(_seventh(chroma))
    c1, h1 = _chroma_and_hue(lab1, g)
    c2, h2 = _chroma_and_hue(lab2, g)
    grey = c1 * c2 == 0.0

    hue_step = h2 - h1
    hue_step -= 360.0 * np.round(hue_step / 360.0)
    hue_step[grey] = 0.0
    dl = lab2[:, 0] - lab1[:, 0]
    dc = c2 - c1
    dh = 2.0 * np.sqrt(c1 * c2) * np.sin(np.radians(hue_step / 2.0))

    l_mean = (lab1[:, 0] + lab2[:, 0]) / 2.0
    c_mean = (c1 + c2) / 2.0
    h_sum = h1 + h2
    far = np.abs(h1 - h2) > 180.0
    h_mean = np.where(far, (h_sum + np.where(h_sum < 360.0, 360.0, -360.0)) / 2.0, h_sum / 2.0)
    h_mean = np.where(grey, h_sum, h_mean)

    t = (
        1.0
        - 0.17 * np.cos(np.radians(h_mean - 30.0))
        + 0.24 * np.cos(np.radians(2.0 * h_mean))
        + 0.32 * np.cos(np.radians(3.0 * h_mean + 6.0))
        - 0.20 * np.cos(np.radians(4.0 * h_mean - 63.0))
    )
    off_50 = (l_mean - 50.0) ** 2
    dl /= 1.0 + 0.015 * off_50 / np.sqrt(20.0 + off_50)
    dc /= 1.0 + 0.045 * c_mean
    dh /= 1.0 + 0.015 * c_mean * t
    rotation = -2.0 * np.sqrt(_seventh(c_mean)) * np.sin(np.radians(60.0 * np.exp(-(((h_mean - 275.0) / 25.0) ** 2))))
    squared: Array = dl * dl + dc * dc + dh * dh + rotation * dc * dh
    return np.sqrt(np.maximum(squared, 0.0))  # the quadratic form is positive; its rounding may not be


def _chroma_and_hue(lab: Array, g: Array) -> tuple[Array, Array]:
    a = lab[:, 1] * g
    hue: Array = np.degrees(np.arctan2(lab[:, 2], a)) % 360.0
    return np.hypot(a, lab[:, 2]), hue


def _seventh(chroma: Array) -> Array:
    seventh: Array = chroma**7 / (chroma**7 + 25.0**7)
    return seventh
