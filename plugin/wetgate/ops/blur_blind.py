"""A blur of any shape, found in the picture alone: the PSF and the edges that it blurred, in turn, coarse to fine.

At each scale two steps alternate: the picture that the present PSF asks for, with as few edges as explain it (a price
on every gradient that is not 0: L. Xu, S. Zheng, J. Jia, "Unnatural L0 sparse representation for natural image
deblurring", CVPR 2013), and the PSF that takes its gradients to those of the frame (S. Cho, S. Lee, "Fast motion
deblurring", ACM TOG 28(5), 2009). Light is worked, where blur is a convolution.

Nothing is known of how sharp the picture was, so the answer has to prove itself: two parts of the picture are asked
apart, and what they agree in is the confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from wetgate.ops.blur import Kernel

Plane = NDArray[np.float32]

LARGEST_PX = 31  # side of a PSF that is looked for
PART_PX = 384  # side of a part that is asked
_SMALLEST_PX = 5  # side of the PSF on the coarsest scale
_SCALE = math.sqrt(0.5)  # from one scale to the next coarser
_TURNS = 5  # of the two steps, a scale
# For light from 0 to 1: the price of a gradient at the beginning, how it falls from turn to turn, and its least. A
# third of it and three times it found Levin's kernels worse, by 0.09 and 0.05 of correlation.
_PRICE, _CHEAPER, _LEAST_PRICE = 1.2e-2, 1.1, 3e-4
_GROWTH, _STIFFEST = 2.5, 300.0  # of the tie between gradients and picture
_PSF_WEIGHT = 2.0  # of the PSF's energy beside that of what it does not explain
_DUST = 0.05  # of the PSF's brightest value: what is fainter is not told from noise
_ISLAND = 0.1  # of its light: what is apart from the rest and has less is none of it


@dataclass(frozen=True, slots=True)
class Found:
    """``psf`` odd-sized, centred, of sum 1; ``agreement`` of the parts in it, 0 to 1."""

    psf: Kernel
    agreement: float


def blind_psf(lumas: Sequence[Plane], check_abort: Callable[[], None] = lambda: None) -> Found | None:
    """The PSF that pictures of light (H, W) share; None where they are too small to be asked twice.

    Two parts of each are asked. Their answers are laid over each other by how they fit the first.
    """
    parts = [part for luma in lumas for part in parts_of(luma)]
    if not parts:
        return None
    found = [psf_of_part(part, LARGEST_PX, check_abort) for part in parts]
    pairs = [alike(a, b) for i, a in enumerate(found) for b in found[i + 1 :]]
    return Found(joined(found), float(np.median(pairs)))


def parts_of(luma: Plane) -> list[Plane]:
    """Of each half of a picture the part with the strongest edges, brightest light 1; empty where they are small."""
    tall = luma.shape[0] > luma.shape[1]
    along = luma.shape[0 if tall else 1] // 2
    side = min(PART_PX, along, *luma.shape)
    if side < 3 * LARGEST_PX:
        return []
    smooth = cv2.GaussianBlur(luma, (0, 0), 2.0)
    steep = np.hypot(np.diff(smooth, axis=1)[:-1], np.diff(smooth, axis=0)[:, :-1])
    steep = np.minimum(steep, np.percentile(steep, 98))  # one lamp is no texture
    found = []
    for first in (0, along):
        half = (slice(first, first + along), slice(None)) if tall else (slice(None), slice(first, first + along))
        here, worth = luma[half], steep[half]
        places = [(y, x) for y in _places(here.shape[0], side) for x in _places(here.shape[1], side)]
        top, left = max(places, key=lambda p: float(worth[p[0] : p[0] + side, p[1] : p[1] + side].mean()))
        part = here[top : top + side, left : left + side]
        found.append(np.ascontiguousarray(part / max(float(np.percentile(part, 99.5)), 1e-9)))
    return found


def psf_of_part(part: Plane, size: int, check_abort: Callable[[], None] = lambda: None) -> Kernel:
    """The PSF (size, size) of a part whose white is 1."""
    scales = max(0, math.floor(math.log(_SMALLEST_PX / size) / math.log(_SCALE)))
    psf: Kernel | None = None
    price = _PRICE
    for scale in range(scales, -1, -1):
        check_abort()
        share = _SCALE**scale
        side = max(3, round(size * share) // 2 * 2 + 1)
        seen = part if scale == 0 else cv2.resize(part, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        psf = _start(side) if psf is None else _refit(psf, side)
        for _ in range(_TURNS):
            picture = _few_edges(_tapered(seen, psf), psf, price)
            psf = _psf_between(picture, seen, side)
            price = max(price / _CHEAPER, _LEAST_PRICE)
    assert psf is not None
    return cleaned(psf)


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


def _psf_between(picture: Plane, seen: Plane, side: int) -> Kernel:
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
    psf[psf < _DUST * psf.max()] = 0
    psf = _one_piece(psf)
    return centred(np.asarray(psf / max(float(psf.sum()), 1e-12), np.float32))


def _one_piece(psf: Kernel) -> Kernel:
    count, labels = cv2.connectedComponents((psf > 0).astype(np.uint8), connectivity=8)
    out = psf.copy()
    for label in range(1, count):
        if psf[labels == label].sum() < _ISLAND * psf.sum():
            out[labels == label] = 0
    return out


def cleaned(psf: Kernel) -> Kernel:
    out = np.where(psf < _DUST * psf.max(), 0, psf)
    return np.asarray(out / out.sum(), np.float32)


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


def alike(a: Kernel, b: Kernel) -> float:
    """The greatest normalised correlation of two PSFs over all places, 0 to 1."""
    wide = np.pad(b, a.shape[0] // 2)
    found = cv2.matchTemplate(wide.astype(np.float32), a.astype(np.float32), cv2.TM_CCORR)
    return float(found.max() / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))


def joined(found: Sequence[Kernel]) -> Kernel:
    """The mean of PSFs, each laid where it fits the first."""
    first = found[0]
    total = first.astype(np.float64)
    for other in found[1:]:
        half = first.shape[0] // 2
        wide = np.pad(other, half)
        fit = cv2.matchTemplate(wide, first, cv2.TM_CCORR)
        y, x = np.unravel_index(int(fit.argmax()), fit.shape)
        total += wide[y : y + first.shape[0], x : x + first.shape[1]]
    return centred(cleaned(np.asarray(total / total.sum(), np.float32)))


def _places(size: int, side: int) -> list[int]:
    count = max(1, math.ceil((size - side) / (side / 2)) + 1)
    return [round(p) for p in np.linspace(0, size - side, count)]
