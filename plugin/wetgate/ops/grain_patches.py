"""The flat patches of a picture, where a film shows its grain and nothing else.

Grain is what is left of a patch of 64 pixels once a quadratic surface is taken out of it. A patch is flat where its
coarse variation stands to its fine one as grain's does, so pictures of grain alone are used whole, and no patch is
picked for having little grain. What the next frame shows again is texture, and left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.grain_rings import PATCH, ring_frequencies, rings, surfaces, window
from wetgate.ops.grain_time import held, returning
from wetgate.spec import Image

Array = NDArray[np.float64]

# Densities outside of this hold no light, or none that film knows: left out.
_RANGE = (-2.0, 4.0)
_BLOCK = 8
# A patch is flat up to this multiple of the ratio that the flattest twentieth has: for grain alone, whose ratio has a
# relative spread of about a fifth, that is three deviations above the mean.
_FLATTEST, _FLAT_UP_TO = 0.05, 2.3
# Texture that lies as evenly as grain passes for flat, but not as equal: of the patches of a tone those count whose
# variance is up to this multiple of the weakest tenth's, which is three deviations above the mean of grain alone.
_TEXTURE_TONE, _FEWEST_ALIKE, _WEAKEST, _ALIKE_UP_TO, _ALIKE_AT_ALL = 0.2, 8, 0.1, 2.2, 16.0
# Where that many of a frame's or a shot's flat patches come again in the next frame, the rest is texture that was lost
# from sight. Of two clips of old film 81 and 83 % did, of most clips of cameras 92 to 100 %.
TEXTURE_ALONE = 0.9
_STILL = 3  # frames in a row that are the same picture again: beyond footage on threes it is texture that stands still
_MOST_PATCHES = 1500  # of one frame
_CLIPPED = 0.02


@dataclass(frozen=True, slots=True)
class Patches:
    """The flat patches of one frame, by patch and layer: mean density and variance (N, 3), covariance (N, 3, 3), and
    the sum of their periodograms by ring, (K, 3); and how many flat ones were ``texture``, None where nothing told."""

    mean: Array
    variance: Array
    covariance: Array
    power: Array
    texture: int | None = None

    def __len__(self) -> int:
        return len(self.mean)


def measure_frame(density: Image, after: Sequence[Image] = ()) -> Patches:
    """The flat patches of a picture of density (H, W, 3); none where it is smaller than one or has none. ``after`` are
    frames that follow, of which the first that is not the same picture again tells grain from texture."""
    patches, places = _cut(density)
    if not len(patches):
        return _none(None)
    flat = patches.reshape(len(patches), PATCH * PATCH, 3)
    means = flat.mean(axis=1)
    inside = ((means > _RANGE[0]) & (means < _RANGE[1])).all(axis=1) & ~_clipped(flat)
    flat, means, places = flat[inside], means[inside], places[inside]
    basis = surfaces()
    rest = flat - np.einsum("pk,nkc->npc", basis, np.einsum("pk,npc->nkc", basis, flat))
    rest = rest.reshape(-1, PATCH, PATCH, 3)
    keep = _flat(rest)
    rest, means, places = rest[keep], means[keep], places[keep]
    # Grain lies under everything, so texture has more than it: the weakest of all flat patches say what grain can be,
    # before any is left out.
    alike = _alike(rest, means)
    new, texture = _new(rest, places, [f for f in after if f.shape == density.shape])
    rest, means = rest[alike & new], means[alike & new]
    if not len(rest):
        return _none(texture)
    covariance = np.einsum("nyxc,nyxd->ncd", rest, rest) / (PATCH * PATCH)
    transform = np.fft.rfft2(rest * window()[..., None], axes=(1, 2))
    periodogram = np.square(np.abs(transform)).sum(axis=0, dtype=np.float64)
    variance = np.einsum("ncc->nc", covariance)
    return Patches(means.astype(np.float64), variance, covariance, rings(periodogram), texture)


def _cut(density: Image) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Patches (N, 64, 64, 3), side by side, or overlapping by half where the picture is small; and their places (N, 2),
    down and across."""
    height, width = density.shape[:2]
    if min(height, width) < PATCH:
        return np.empty((0, PATCH, PATCH, 3), np.float32), np.empty((0, 2), np.intp)
    step = PATCH // 2 if height * width < 300 * PATCH * PATCH else PATCH
    places = [(y, x) for y in range(0, height - PATCH + 1, step) for x in range(0, width - PATCH + 1, step)]
    every = -(-len(places) // _MOST_PATCHES)
    chosen = places[::every]
    return np.stack([density[y : y + PATCH, x : x + PATCH, :3] for y, x in chosen]), np.array(chosen, np.intp)


def _new(
    rest: NDArray[np.float32], places: NDArray[np.intp], after: Sequence[Image]
) -> tuple[NDArray[np.bool_], int | None]:
    """Which patches the frames after do not show again, and how many they do; None where no frame can tell: one that
    is the same picture again does not, a row of them does."""
    grey = rest.mean(axis=3)
    where = [(int(y), int(x)) for y, x in places]
    for frame in after:
        later = np.ascontiguousarray(frame[..., :3].mean(axis=2), np.float32)
        if not held(grey, where, later):
            again = returning(grey, where, later)
            if len(again) and again.mean() > TEXTURE_ALONE:
                again[:] = True
            return ~again, int(again.sum())
    if len(after) >= _STILL:
        return np.zeros(len(rest), bool), len(rest)
    return np.ones(len(rest), bool), None


def _clipped(flat: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether more than a fiftieth of a patch's samples share its extreme value in some layer: crushed or clipped."""
    low = (flat == flat.min(axis=1, keepdims=True)).mean(axis=1)
    high = (flat == flat.max(axis=1, keepdims=True)).mean(axis=1)
    return np.asarray((np.maximum(low, high) > _CLIPPED).any(axis=1))


def _flat(rest: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which patches hold grain and no picture."""
    if not len(rest):
        return np.zeros(0, bool)
    grey = rest.mean(axis=3)
    side = PATCH // _BLOCK
    coarse = grey.reshape(-1, side, _BLOCK, side, _BLOCK).mean(axis=(2, 4)).var(axis=(1, 2))
    fine = np.square(np.diff(grey, axis=1)[:, :, :-1]).mean(axis=(1, 2))
    fine += np.square(np.diff(grey, axis=2)[:, :-1]).mean(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(fine > 0, coarse / fine, np.inf)
    if not np.isfinite(ratio).any():
        return np.zeros(len(rest), bool)
    return np.asarray(ratio <= _FLAT_UP_TO * np.quantile(ratio[np.isfinite(ratio)], _FLATTEST))


def _alike(rest: NDArray[np.float32], means: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which patches have about as much as the weakest of their tone: so has grain of one film, and texture has not."""
    variance = np.square(rest).mean(axis=(1, 2, 3))
    tone = np.floor(means.mean(axis=1) / _TEXTURE_TONE).astype(np.intp)
    if not len(rest):
        return np.zeros(0, bool)
    # Tones of few patches are held to the picture: four times the deviation is what a film's tones differ by.
    keep = np.asarray(variance <= _ALIKE_AT_ALL * np.quantile(variance, _WEAKEST))
    for one in np.unique(tone):
        chosen = tone == one
        if chosen.sum() >= _FEWEST_ALIKE:
            keep[chosen] = variance[chosen] <= _ALIKE_UP_TO * np.quantile(variance[chosen], _WEAKEST)
    return np.asarray(keep)


def _none(texture: int | None) -> Patches:
    nothing = np.empty((0, 3))
    return Patches(nothing, nothing, np.empty((0, 3, 3)), np.zeros((len(ring_frequencies()), 3)), texture)
