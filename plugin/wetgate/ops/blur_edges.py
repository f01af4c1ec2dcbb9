"""The PSF of any shape that the edges of one part of a picture show: the edges and the PSF in turn, coarse to fine.

At each scale two steps alternate: the picture that the present PSF asks for, with as few edges as explain it (a price
on every gradient that is not 0: L. Xu, S. Zheng, J. Jia, "Unnatural L0 sparse representation for natural image
deblurring", CVPR 2013), and the PSF that takes its gradients to those of the frame (S. Cho, S. Lee, "Fast motion
deblurring", ACM TOG 28(5), 2009). Light is worked, where blur is a convolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from wetgate.ops.blur import Kernel

Plane = NDArray[np.float32]

_SMALLEST_PX = 5  # side of the PSF on the coarsest scale
_SCALE = math.sqrt(0.5)  # from one scale to the next coarser
_TURNS = 5  # of the two steps, a scale
_CHEAPER = 1.1  # how the price falls from turn to turn
_GROWTH, _STIFFEST = 2.5, 300.0  # of the tie between gradients and picture
_PSF_WEIGHT = 2.0  # of the PSF's energy beside that of what it does not explain
_ISLAND = 0.1  # of its light: what is apart from the rest and has less is none of it


@dataclass(frozen=True, slots=True)
class Price:
    """Of a gradient that is not 0, for light from 0 to 1: at the ``first`` turn, and its ``least``; and ``dust``, the
    share of the PSF's brightest value below which what it has is taken for noise."""

    first: float
    least: float
    dust: float = 0.05


def psf_of_part(part: Plane, size: int, price: Price, check_abort: Callable[[], None] = lambda: None) -> Kernel:
    """The PSF (size, size) of a part whose white is 1."""
    scales = max(0, math.floor(math.log(_SMALLEST_PX / size) / math.log(_SCALE)))
    psf: Kernel | None = None
    now = price.first
    for scale in range(scales, -1, -1):
        check_abort()
        share = _SCALE**scale
        side = max(3, round(size * share) // 2 * 2 + 1)
        seen = part if scale == 0 else cv2.resize(part, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        psf = _start(side) if psf is None else _refit(psf, side)
        for _ in range(_TURNS):
            picture = _few_edges(_tapered(seen, psf), psf, now)
            psf = _psf_between(picture, seen, side, price.dust)
            now = max(now / _CHEAPER, price.least)
    assert psf is not None
    return psf


def _start(side: int) -> Kernel:
    psf = np.zeros((side, side), np.float32)
    psf[side // 2, side // 2 - 1 : side // 2 + 2] = 1 / 3
    return psf


def _refit(psf: Kernel, side: int) -> Kernel:
    grown = cv2.resize(psf, None, fx=1 / _SCALE, fy=1 / _SCALE, interpolation=cv2.INTER_CUBIC)
    out = np.zeros((side, side), np.float32)
    n = min(side, grown.shape[0] // 2 * 2 + 1 if grown.shape[0] % 2 else grown.shape[0] - 1)
    a, b = (grown.shape[0] - n) // 2, (side - n) // 2
    out[b : b + n, b : b + n] = np.maximum(grown[a : a + n, a : a + n], 0)
    return centred(out / max(float(out.sum()), 1e-9))


def _transfer(psf: Kernel, shape: tuple[int, ...]) -> NDArray[np.complex64]:
    held = np.zeros(shape, np.float32)
    held[: psf.shape[0], : psf.shape[1]] = psf
    return np.asarray(fft.rfft2(np.roll(held, (-(psf.shape[0] // 2), -(psf.shape[1] // 2)), (0, 1))))


def _tapered(seen: Plane, psf: Kernel) -> Plane:
    """A picture whose edges meet: towards them it passes into itself blurred, all round."""
    k = _transfer(psf, seen.shape)
    blurred = fft.irfft2(k * fft.rfft2(seen), seen.shape)
    reach = psf.shape[0] // 2 + 1
    sides = [np.clip((np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5) / reach, 0, 1) for n in seen.shape]
    weight = np.outer(*sides).astype(np.float32)
    return np.asarray(weight * seen + (1 - weight) * blurred, np.float32)


def _few_edges(seen: Plane, psf: Kernel, price: float) -> Plane:
    """min |k * x - y|^2 + price * (gradients that are not 0), by half-quadratic splitting; edges meet."""
    shape = seen.shape
    k = _transfer(psf, shape)
    dx, dy = _transfer_difference(shape)
    steep = np.square(np.abs(dx)) + np.square(np.abs(dy))
    k2, data = np.square(np.abs(k)), np.conj(k) * fft.rfft2(seen)
    x, tie = seen, 2 * price
    while tie < _STIFFEST:
        across, down = np.roll(x, -1, 1) - x, np.roll(x, -1, 0) - x
        kept = across * across + down * down >= price / tie
        across, down = across * kept, down * kept
        back = (np.roll(across, 1, 1) - across) + (np.roll(down, 1, 0) - down)
        x = fft.irfft2((data + np.float32(tie) * fft.rfft2(back)) / (k2 + np.float32(tie) * steep), shape)
        tie *= _GROWTH
    return np.asarray(x, np.float32)


def _transfer_difference(shape: tuple[int, ...]) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    y, x = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None, :]
    return (np.exp(2j * np.pi * x) - 1).astype(np.complex64), (np.exp(2j * np.pi * y) - 1).astype(np.complex64)


def _psf_between(picture: Plane, seen: Plane, side: int, dust: float) -> Kernel:
    """The PSF that takes the gradients of a sharp picture to those of what is seen, least squares."""
    rim = side // 2 + 1
    inside = np.zeros(seen.shape, np.float32)
    inside[rim:-rim, rim:-rim] = 1
    top = bottom = np.float32(0)
    for axis in (0, 1):
        sharp = np.roll(picture, -1, axis) - picture
        soft = (np.roll(seen, -1, axis) - seen) * inside
        a, b = fft.rfft2(sharp * inside), fft.rfft2(soft)
        top, bottom = top + np.conj(a) * b, bottom + np.square(np.abs(a))
    made = np.roll(fft.irfft2(top / (bottom + np.float32(_PSF_WEIGHT)), seen.shape), (side // 2, side // 2), (0, 1))
    psf = np.maximum(made[:side, :side], 0)
    psf[psf < dust * psf.max()] = 0
    psf = _one_piece(psf)
    return centred(np.asarray(psf / max(float(psf.sum()), 1e-12), np.float32))


def _one_piece(psf: Kernel) -> Kernel:
    count, labels = cv2.connectedComponents((psf > 0).astype(np.uint8), connectivity=8)
    out = psf.copy()
    for label in range(1, count):
        if psf[labels == label].sum() < _ISLAND * psf.sum():
            out[labels == label] = 0
    return out


def centred(psf: Kernel) -> Kernel:
    """Moved by whole pixels so that the centre of its light is in the middle."""
    total = float(psf.sum())
    if total <= 0:
        return _start(psf.shape[0])
    move = []
    for axis in (0, 1):
        at = float(psf.sum(axis=1 - axis) @ np.arange(psf.shape[axis])) / total
        move.append(psf.shape[axis] // 2 - round(at))
    m = np.array([[1, 0, move[1]], [0, 1, move[0]]], np.float32)
    moved = cv2.warpAffine(psf, m, psf.shape[::-1], flags=cv2.INTER_NEAREST)
    return np.asarray(moved / max(float(moved.sum()), 1e-12), np.float32)
