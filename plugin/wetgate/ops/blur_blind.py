"""A blur of any shape, found in the picture alone.

Parts of a picture are asked apart, each at several prices of an edge (:mod:`wetgate.ops.blur_edges`): which price is
right hangs on the noise and on what the picture shows. Of these candidates those count that explain the spectrum of the
light. Edges and spectrum know different things, so one judges the other: a PSF from edges has the phase, and what they
got wrong shows in its power (the power of a blur, from that of a picture: A. Goldstein, R. Fattal, "Blur-kernel
estimation from spectral irregularities", ECCV 2012). The mean of several, laid over each other, is better than each.

Nothing is known of how sharp the picture was, so the answer has to prove itself: what the parts agree in is the
confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import Kernel
from wetgate.ops.blur_edges import Price, centred, psf_of_part

Plane = NDArray[np.float32]
Worth = Callable[[Kernel], float]  # how well a PSF explains the light; more is better

LARGEST_PX = 31  # side of a PSF that is looked for
PART_PX = 384  # side of a part that is asked
WHOLE_PX = 640  # most of a side of the picture that is asked as one
# A higher least price finds more where there is noise, and less dust keeps the faint tails of a path.
PRICES = (
    Price(4e-3, 4e-3),
    Price(1.2e-2, 3e-4),
    Price(1.2e-2, 4e-3),
    Price(3.6e-2, 3e-4),
    Price(3.6e-2, 4e-3),
    Price(4e-3, 4e-3, dust=0.02),
    Price(1.2e-2, 4e-3, dust=0.02),
    Price(3.6e-2, 4e-3, dust=0.02),
)
_CONSIDERED = 12  # candidates that may be part of the mean, the best ones
# Likeness to the mean from which a part has not strayed. Of 50 parts of photographs blurred by Levin's kernels at 1 %
# noise two have less, 0.70 and 0.78: like the true PSF by 0.74 and 0.73, where the mean is by 0.95 and 0.97.
_NEAR = 0.85
_FINER = 4  # steps of a pixel by which PSFs are moved over each other


@dataclass(frozen=True, slots=True)
class Found:
    """``psf`` odd-sized, centred, of sum 1; ``parts``, the best of each part of the picture that comes near it, laid
    over it; ``agreement`` of all parts, 0 to 1."""

    psf: Kernel
    parts: tuple[Kernel, ...]
    agreement: float


def blind_psf(lumas: Sequence[Plane], worth: Worth, check_abort: Callable[[], None] = lambda: None) -> Found | None:
    """The PSF that pictures of light (H, W) share; None where they are too small to be asked twice.

    Two parts of each are asked, and the middle of the first.
    """
    parts = [part for luma in lumas for part in parts_of(luma)]
    if not parts:
        return None
    asked = [*parts, _middle(lumas[0])]
    found = [[psf_of_part(part, LARGEST_PX, price, check_abort) for price in PRICES] for part in asked]
    worths = [[worth(psf) for psf in of_part] for of_part in found]
    tried = [(w, psf) for of_part in zip(worths, found, strict=True) for w, psf in zip(*of_part, strict=True)]
    ranked = [psf for _, psf in sorted(tried, key=lambda t: -t[0])]
    best = [psfs[int(np.argmax(w))] for w, psfs in zip(worths, found, strict=True)][: len(parts)]
    pairs = [alike(a, b) for i, a in enumerate(best) for b in best[i + 1 :]]
    psf = mean_of(ranked[:_CONSIDERED], worth)
    return Found(psf, near_to(psf, best), float(np.median(pairs)))


def near_to(psf: Kernel, parts: Sequence[Kernel]) -> tuple[Kernel, ...]:
    """Those of the ``parts`` that are like the ``psf``, or all where none is, laid over it: what they differ in is
    doubted, and with one that has strayed nothing would be left to be sure of."""
    near = [part for part in parts if alike(psf, part) >= _NEAR]
    return tuple(laid_over(psf, part) for part in near or parts)


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
        found.append(_lit(here[top : top + side, left : left + side]))
    return found


def _middle(luma: Plane) -> Plane:
    rows, columns = (slice(max(0, n - WHOLE_PX) // 2, (max(0, n - WHOLE_PX) // 2) + WHOLE_PX) for n in luma.shape)
    return _lit(luma[rows, columns])


def _lit(part: Plane) -> Plane:
    """A part whose brightest light is 1."""
    return np.ascontiguousarray(part / max(float(np.percentile(part, 99.5)), 1e-9))


def mean_of(ranked: Sequence[Kernel], worth: Worth) -> Kernel:
    """The mean of the first PSF, the best, and of those among the others that make it better; centred."""
    mean, count = ranked[0], 1
    best = worth(mean)
    for other in ranked[1:]:
        tried = np.asarray((mean * count + laid_over(mean, other)) / (count + 1), np.float32)
        found = worth(tried)
        if found > best:
            mean, count, best = tried, count + 1, found
    return centred(mean)


def alike(a: Kernel, b: Kernel) -> float:
    """The greatest normalised correlation of two PSFs of one size over all places, 0 to 1."""
    return _fit(a, b)[0]


def laid_over(first: Kernel, other: Kernel) -> Kernel:
    """A PSF moved, by parts of a pixel, to where it fits the ``first`` best."""
    _, down, right = _fit(first, other)
    move = np.array([[1, 0, right], [0, 1, down]], np.float32)
    moved = cv2.warpAffine(other, move, other.shape[::-1], flags=cv2.INTER_LINEAR)
    return np.asarray(moved / max(float(moved.sum()), 1e-12), np.float32)


def _fit(first: Kernel, other: Kernel) -> tuple[float, float, float]:
    """The greatest normalised correlation, and how far down and to the right ``other`` is moved for it."""
    side = first.shape[0] + other.shape[0]
    shape = (side, side)
    cross = np.fft.fftshift(np.fft.fft2(first, shape) * np.conj(np.fft.fft2(other, shape)))
    more = (_FINER - 1) * side // 2
    fine = np.fft.ifft2(np.fft.ifftshift(np.pad(cross, more))).real * _FINER**2
    at = np.unravel_index(int(fine.argmax()), fine.shape)
    down, right = (float((int(i) + n // 2) % n - n // 2) / _FINER for i, n in zip(at, fine.shape, strict=True))
    return float(fine.max() / max(float(np.linalg.norm(first) * np.linalg.norm(other)), 1e-12)), down, right


def _places(size: int, side: int) -> list[int]:
    count = max(1, math.ceil((size - side) / (side / 2)) + 1)
    return [round(p) for p in np.linspace(0, size - side, count)]
