"""Chroma planes of 4:2:0, 4:2:2 and 4:1:1: filters up and down that undo one another.

Reducing a plane that was enlarged here gives the plane back: a decode and encode of untouched footage keeps its chroma
codes. The pairs are biorthogonal wavelet filters (Cohen, Daubechies and Feauveau 1992) written as lifting steps
(Sweldens 1996). Where chroma lies on a luma sample, the samples between are the cubic (-1, 9, 9, -1) / 16 of their
neighbours, and the way down is that of the (4, 2) pair, taps (1, 0, -8, 16, 46, 16, -8, 0, 1) / 64. Where it lies in
the middle of two, the way down is their mean (what JPEG encoders do) and the way up the (1, 5) pair: the two differ by
a cubic slope. Both are exact for straight ramps away from edges; edges repeat.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from wetgate.spec import Image, UsageError

Siting = Literal["left", "center", "topleft", "top"]

# Whether chroma is co-sited with a luma sample, across and down. H.273 Figure 1, Chroma420SampleLocType 0 to 3.
_COSITED: dict[str, tuple[bool, bool]] = {
    "left": (True, False),
    "center": (False, False),
    "topleft": (True, True),
    "top": (False, True),
}
SITINGS = tuple(_COSITED)


def upsample(plane: Image, shape: tuple[int, ...], subsampling: tuple[int, int], siting: Siting) -> Image:
    """A chroma plane, float32 (h, w), at the size of its luma plane ``shape`` (H, W). A new array.

    ``subsampling`` is 1, 2 or 4, across and down; the plane has ceil(W / across) x ceil(H / down) samples.
    """
    across, down = _checked(subsampling, siting)
    if plane.shape != (-(-shape[0] // down), -(-shape[1] // across)):
        raise UsageError(
            f"a chroma plane of {plane.shape[1]}x{plane.shape[0]} does not belong to luma of {shape[1]}x{shape[0]}",
            allowed=f"{-(-shape[1] // across)}x{-(-shape[0] // down)} for {across}x{down} subsampling",
        )
    cosited_x, cosited_y = _COSITED[siting]
    # Rows first: the plane is smaller then.
    result = np.array(plane, np.float32, order="C")
    while down > 1:
        down //= 2
        height = -(-shape[0] // down)
        result = _double_rows(result, height, cosited_y)
    while across > 1:
        across //= 2
        width = -(-shape[1] // across)
        result = np.ascontiguousarray(_double_rows(result.T, width, cosited_x).T)
    return result


def downsample(plane: Image, subsampling: tuple[int, int], siting: Siting) -> Image:
    """A full-size plane, float32 (H, W), reduced to ceil(H / down) x ceil(W / across): undoes :func:`upsample`."""
    across, down = _checked(subsampling, siting)
    cosited_x, cosited_y = _COSITED[siting]
    result = np.array(plane, np.float32, order="C")
    while across > 1:
        across //= 2
        result = np.ascontiguousarray(_halve_rows(result.T, cosited_x).T)
    while down > 1:
        down //= 2
        result = _halve_rows(result, cosited_y)
    return result


def _double_rows(small: Image, height: int, cosited: bool) -> Image:
    # empty_like keeps the memory order, so that a transposed plane is worked along its contiguous direction.
    out = _empty_rows(small, height)
    if cosited:
        out[0::2] = small
        out[1::2] = _between(small)[: height // 2]
        return out
    slope = _slope(small)
    if height % 2:  # the last pair lacks its second half: the first takes the value itself, so that it comes back
        slope[-1] = 0.0
    np.subtract(small, slope, out=out[0::2])
    half = height // 2
    np.add(small[:half], slope[:half], out=out[1::2])
    return out


def _halve_rows(large: Image, cosited: bool) -> Image:
    half = large.shape[0] // 2
    first, second = large[0::2], large[1::2]
    if not cosited:
        small = np.copy(first, order="K")
        small[:half] += second
        small[:half] *= np.float32(0.5)
        return small
    # What the cubic did not foresee, a quarter of it back to either neighbour. Zero for an enlarged plane.
    detail = second - _between(first)[:half]
    detail *= np.float32(0.25)
    small = np.copy(first, order="K")
    small[:half] += detail
    small[1 : half + 1] += detail[: small.shape[0] - 1]
    if half:
        small[0] += detail[0]
    return small


def _between(p: Image) -> Image:
    """The values half-way after each row: (-1, 9, 9, -1) / 16 of the four about it, edge rows repeated."""
    n = p.shape[0]
    mid = np.copy(p, order="K")
    mid[:-1] += p[1:]
    mid[-1] += p[-1]
    outer = np.copy(p, order="K")
    outer[1:] = p[:-1]
    outer[:-2] += p[2:]
    outer[max(n - 2, 0) :] += p[-1]
    mid *= np.float32(9 / 16)
    outer *= np.float32(1 / 16)
    mid -= outer
    return mid


def _slope(p: Image) -> Image:
    """A quarter step along each row, from the (1, 5) pair: (22 (p+1 - p-1) - 3 (p+2 - p-2)) / 128, edges repeated."""
    n = p.shape[0]
    near = np.empty_like(p)
    near[:-1] = p[1:]
    near[-1] = p[-1]
    near[1:] -= p[:-1]
    near[0] -= p[0]
    far = np.empty_like(p)
    far[:-2] = p[2:]
    far[max(n - 2, 0) :] = p[-1]
    far[2:] -= p[:-2]
    far[: min(2, n)] -= p[0]
    near *= np.float32(22 / 128)
    far *= np.float32(3 / 128)
    near -= far
    return near


def _empty_rows(like: Image, height: int) -> Image:
    if like.flags.c_contiguous:
        return np.empty((height, like.shape[1]), np.float32)
    return np.empty((like.shape[1], height), np.float32).T


def _checked(subsampling: tuple[int, int], siting: str) -> tuple[int, int]:
    if siting not in _COSITED:
        raise UsageError(f"chroma siting {siting!r} cannot be worked", allowed=", ".join(_COSITED))
    if any(step not in (1, 2, 4) for step in subsampling):
        raise UsageError(f"chroma subsampling {subsampling} cannot be worked", allowed="1, 2 or 4 across and down")
    return subsampling
