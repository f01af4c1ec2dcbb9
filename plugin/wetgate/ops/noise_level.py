"""Blocks of pictures to the noise in them: its strength by level, its spectrum, and what channels have in common.

Two ideas carry it. Pictures have little at fine frequencies: blocks that are flat by their coarse frequencies are
measured in the fine ones, where even textured pictures leave noise alone (as N. N. Ponomarenko et al. did, "An
automatic approach to lossy compression of AVIRIS images", IGARSS 2007; the choice of weakly textured places by the
chi-square bound of the noise itself is X. Liu, M. Tanaka and M. Okutomi's, IEEE TIP 22(12), 2013). And noise of unlike
frequencies is independent: the spectrum is measured in one half of the coefficients on blocks that the other half calls
flat. What is left of the picture in it is found by how it grows with blocks that are less flat, and taken out. Where no
block of a level is flat, its flattest ones bound the noise there; where flat blocks do not hold normal coefficients,
texture has passed for noise, and the doubt says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.noise_blocks import BLOCK, Blocks, orders, radial_frequency

Array = NDArray[np.float64]
Chosen = NDArray[np.bool_]

CLASSES = 24  # of level, of equally many blocks each
_ROUNDS = 6
_WITHIN = 1.2816  # a flat block's coarse energy lies below its mean plus this many deviations: nine of ten do
_FEWEST = 0.01  # of all blocks, where no more are flat
_FEWEST_BLOCKS = 40
_FLAT = 0.005
# Energy of the average block of pure noise against that of its flattest two-hundredth.
_SPREAD = 1.6
# The less flat blocks are that many times more. What is left of the picture in the flattest ones is at most that share
# of how much it grows until there: it grows at least as the root of the number of blocks, near enough.
_MORE = 6
# Where texture passes for noise, some blocks hold much of it and most little: their coefficients are not normal. A
# normal law's kurtosis is 3; on McMaster, blocks that hold noise alone come to 3.2, texture to 5.7 and more.
_NORMAL, _DOUBTED = 3.4, 0.3
# Where no block of a level is flat, its flattest ones still bound the noise from above: so many of them, and no fewer
# than that; the median over them of a mean of 28 squares lies that far below the mean.
_FLATTEST, _FEWEST_FLATTEST, _MEDIAN = 0.01, 12, 0.976
# The curve through a spectrum minds coefficients less that hold less than this share of its strong ones.
_HEARD = 0.1
_MOST_LEFT = 0.6
# Coefficients whose noise is this much of the strongest can measure it.
_AUDIBLE = 0.2
_FEWEST_MEASURING = 12
# Mean power of middle against fine frequencies, up to which the noise is taken for white, by the share of blocks whose
# energy is near that of the flattest ones. A mosaic's is above 2.3; texture alone comes to 1.7.
_ALIKE = (0.02, 0.04, 0.12, 0.16)
_WHITE = (3.5, 1.8, 1.8, 1.25)


@dataclass(frozen=True, slots=True)
class Level:
    """What the blocks say. ``level``, ``variance`` and ``count`` (C, K): variance of a pixel in classes of level, and
    the independent blocks that it was measured on; ``freedom``: independent samples a block. ``spectrum`` (C, 64):
    power by DCT coefficient, of mean one; ``covariance`` (C, C, 64): between channels, scaled to the spectra.
    ``white``: the spectrum was too near to a flat one to be told from it. ``doubt``: relative error of the variance
    that the picture itself may be the cause of. ``flat``: share of the blocks that were taken for flat.
    ``rough`` (C, K): the variance in the flattest blocks of each level, flat or not: texture may be in it."""

    level: Array
    variance: Array
    count: Array
    freedom: float
    spectrum: Array
    covariance: Array
    white: bool
    doubt: float
    flat: float
    rough: Array


def level_of(blocks: Blocks) -> Level | None:
    """The noise of blocks; None where there are too few."""
    if len(blocks) * blocks.share < _FEWEST_BLOCKS:
        return None
    order = orders()
    coarse, fine = (order >= 1) & (order < BLOCK), order >= BLOCK
    energy = np.square(blocks.coefficients)
    classes, level = _classes(blocks.level)
    found = _by_level(blocks, energy, classes, coarse, fine, np.ones((blocks.channels, 64)))
    seen = np.stack([_filled(v, n) for v, n in zip(found.variance, found.count, strict=True)])
    covariance = np.broadcast_to(np.eye(blocks.channels)[..., None], (blocks.channels, blocks.channels, 64))
    for _ in range(2):
        spread, less_flat, alike = _spectra(blocks, classes, seen, np.einsum("cck->ck", covariance))
        covariance = _less_picture(spread, less_flat)
    middle, high = (order >= 5) & (order <= 7), (order >= 9) & (order <= 12)
    tilt = float(covariance[..., middle].trace().mean()) / max(float(covariance[..., high].trace().mean()), 1e-30)
    # Where hardly two blocks are alike it is the picture that tilts the spectrum: more is asked of it then.
    white = tilt < float(np.interp(alike, _ALIKE, _WHITE))
    measuring = fine
    spectrum = np.ones((blocks.channels, 64))
    if not white:
        for _ in range(2):
            spectrum = np.einsum("cck->ck", covariance)
            measuring = _audible(spectrum)
            found = _by_level(blocks, energy, classes, ~measuring & (order > 0), measuring, spectrum)
            seen = np.stack([_filled(v, n) for v, n in zip(found.variance, found.count, strict=True)])
            spread, less_flat, alike = _spectra(blocks, classes, seen, spectrum)
            covariance = _less_picture(spread, less_flat)
        spectrum = np.einsum("cck->ck", covariance).copy()
    mean = spectrum.mean(axis=1)
    variance, count = found.variance * mean[:, None], found.count
    shape = spectrum / mean[:, None]
    grown = np.einsum("cck->ck", less_flat)[:, 1:].mean() / max(np.einsum("cck->ck", spread)[:, 1:].mean(), 1e-30)
    doubt = 0.03 if white else 0.03 + 0.3 * float(np.clip(np.log(max(grown, 1.0)), 0.0, 2.0))
    doubt += _DOUBTED * float(np.clip(found.kurtosis - _NORMAL, 0.0, 6.0))
    free, across = float(measuring.sum()), _scaled(covariance, shape)
    # In noise that is not white, what is measured is coarser, and texture with it: nothing is said of levels then.
    rough = found.rough * mean[:, None] if white else np.full_like(found.rough, np.nan)
    return Level(level, variance, count, free, shape, across, white, doubt, found.flat, rough)


@dataclass(frozen=True, slots=True)
class _ByLevel:
    """``variance`` and ``rough`` (C, K) in units of the spectrum, ``count`` (C, K) of independent blocks, the share of
    blocks that is ``flat``, and the ``kurtosis`` of what was measured in them."""

    variance: Array
    rough: Array
    count: Array
    flat: float
    kurtosis: float


def _classes(level: NDArray[np.float32]) -> tuple[NDArray[np.intp], Array]:
    """The class of each block and channel, (N, C), and the mean level of each class, (C, K)."""
    channels = level.shape[1]
    index = np.empty(level.shape, np.intp)
    mean = np.empty((channels, CLASSES))
    for c in range(channels):
        edges = np.quantile(level[:, c], np.linspace(0, 1, CLASSES + 1)[1:-1])
        index[:, c] = np.searchsorted(edges, level[:, c], side="right")
        count = np.bincount(index[:, c], minlength=CLASSES)
        total = np.bincount(index[:, c], level[:, c], minlength=CLASSES)
        middle = np.quantile(level[:, c], (np.arange(CLASSES) + 0.5) / CLASSES)
        mean[c] = np.where(count > 0, total / np.maximum(count, 1), middle)
    return index, np.maximum.accumulate(mean, axis=1)


def _by_level(
    blocks: Blocks,
    energy: NDArray[np.float32],
    classes: NDArray[np.intp],
    choosing: Chosen,
    measuring: Chosen,
    spectrum: Array,
) -> _ByLevel:
    channels = blocks.channels
    weight = (1.0 / spectrum).astype(np.float32)
    choose = np.einsum("nck,ck->nc", energy[..., choosing], weight[:, choosing]) / choosing.sum()
    measure = np.einsum("nck,ck->nc", energy[..., measuring], weight[:, measuring]) / measuring.sum()
    fourth = np.einsum(
        "nck,ck->nc",
        np.square(energy[..., measuring], dtype=np.float64),
        np.square(weight[:, measuring], dtype=np.float64),
    )
    fourth /= measuring.sum()
    variance = np.repeat(np.quantile(measure, 0.05, axis=0)[:, None], CLASSES, axis=1).astype(np.float64)
    bound = 1.0 + _WITHIN * np.sqrt(2.0 / (channels * choosing.sum()))
    for _ in range(_ROUNDS):
        at = np.stack([variance[c][classes[:, c]] for c in range(channels)], axis=1)
        ratio = (choose / np.maximum(at, 1e-30)).mean(axis=1)
        flat = int((ratio < bound).sum())
        kept = max(int(_FEWEST * len(blocks)), flat, min(_FEWEST_BLOCKS, len(blocks)))
        chosen = np.argpartition(ratio, kept - 1)[:kept]
        count: Array = np.stack(
            [np.bincount(classes[chosen, c], minlength=CLASSES).astype(np.float64) for c in range(channels)]
        )
        total = np.stack(
            [np.bincount(classes[chosen, c], measure[chosen, c], minlength=CLASSES) for c in range(channels)]
        )
        measured = np.asarray(total / np.maximum(count, 1), np.float64)
        variance = np.stack([_filled(measured[c], count[c]) for c in range(channels)])
    kurtosis = _kurtosis(measure[chosen], fourth[chosen], classes[chosen])
    rough = _rough(choose.sum(axis=1), measure, classes)
    return _ByLevel(measured, rough, count * blocks.share, flat / len(blocks), kurtosis)


def _kurtosis(square: Array, fourth: Array, classes: NDArray[np.intp]) -> float:
    """Of coefficients whose mean squares and fourth powers by block are (N, C): each of its own level's variance."""
    found, total = 0.0, 0
    for c in range(square.shape[1]):
        count = np.bincount(classes[:, c], minlength=CLASSES)
        second = np.bincount(classes[:, c], square[:, c], minlength=CLASSES) / np.maximum(count, 1)
        powers = np.bincount(classes[:, c], fourth[:, c], minlength=CLASSES)
        known = (second > 0) & (count >= 8)
        found += float((powers[known] / np.square(second[known])).sum())
        total += int(count[known].sum())
    return found / total if total else 3.0


def _rough(coarse: Array, measure: Array, classes: NDArray[np.intp]) -> Array:
    """The variance in the flattest blocks of each class, (C, K); nan where a class has too few."""
    out = np.full((measure.shape[1], CLASSES), np.nan)
    for c in range(measure.shape[1]):
        for k in range(CLASSES):
            of_level = np.flatnonzero(classes[:, c] == k)
            count = max(_FEWEST_FLATTEST, int(_FLATTEST * len(of_level)))
            if len(of_level) >= 2 * count:
                flattest = of_level[np.argpartition(coarse[of_level], count - 1)[:count]]
                out[c, k] = np.median(measure[flattest, c]) / _MEDIAN
    return out


def _filled(variance: Array, count: Array) -> Array:
    """A smooth version of the classes' variances, those of few blocks filled from their neighbours."""
    weight = np.minimum(count, 3000) / 100.0
    bend = np.diff(np.eye(len(variance)), 2, axis=0)
    # Classes that a codec emptied, or of black, must not bend the curve of the others out of all measure.
    known = variance[(weight > 0) & (variance > 0)]
    least = 1e-3 * float(np.median(known)) if len(known) else 1e-30
    logarithm = np.log(np.maximum(variance, max(least, 1e-30)))
    logarithm[weight == 0] = 0.0
    system = np.diag(weight + 1e-6) + 20.0 * bend.T @ bend
    return np.asarray(np.exp(np.linalg.solve(system, weight * logarithm)), np.float64)


def _spectra(blocks: Blocks, classes: NDArray[np.intp], variance: Array, spectrum: Array) -> tuple[Array, Array, float]:
    """Covariance between channels by coefficient, (C, C, 64), of the flattest blocks, and of more of them: each half of
    the coefficients (as a checkerboard) on the blocks that the other half calls flat.

    ``spectrum`` (C, 64) is what is known so far; where it lets many blocks pass for flat, many are used. The third
    result is the share of blocks whose energy is near the flattest ones': few where the picture has texture everywhere.
    """
    channels = blocks.channels
    down, across = np.divmod(np.arange(64), BLOCK)
    even = (down + across) % 2 == 0
    at = np.stack([variance[c][classes[:, c]] for c in range(channels)], axis=1)
    unit = blocks.coefficients / np.sqrt(np.maximum(at, 1e-30))[..., None].astype(np.float32)
    weight = (1.0 / np.maximum(spectrum, 1e-6)).astype(np.float32)
    found, alike = np.zeros((2, channels, channels, 64)), 0.0
    for half in (even, ~even):
        other = ~half
        other[0] = False
        coarse = np.einsum("nck,ck->n", np.square(unit[..., other]), weight[:, other]) / (channels * other.sum())
        order = np.argsort(coarse)
        bound = coarse[order[len(order) // 200]] * _SPREAD
        near = int(np.searchsorted(coarse[order], bound))
        alike += 0.5 * near / len(order)
        few = int(np.clip(near / _MORE, _FLAT * len(order), 0.15 * len(order)))
        for index, kept in enumerate((few, _MORE * few)):
            chosen = order[: min(len(order), max(kept, _FEWEST_BLOCKS))]
            part = unit[chosen][..., half].astype(np.float64)
            found[index][..., half] = np.einsum("nck,ndk->cdk", part, part) / len(chosen)
    return found[0], found[1], alike


def _less_picture(flat: Array, less_flat: Array) -> Array:
    """The spectra of the flattest blocks less what the picture has in them, (C, C, 64).

    That part has the shape in which the spectrum grows towards blocks that are less flat; how much of it there is is
    what makes the rest lie best on a smooth curve, a polynomial of the frequency's squares in the logarithm. The
    lowest coefficients, where slopes of the picture are, are held to the curve where they lie above it.
    """
    down, across = np.divmod(np.arange(1, 64), BLOCK)
    u, v = (down / BLOCK) ** 2, (across / BLOCK) ** 2
    basis = np.stack([np.ones(63), u + v, u * u + v * v, u * v], axis=1)
    out = flat.copy()
    channels = len(flat)
    share = np.zeros(channels)
    for c in range(channels):
        own = np.maximum(flat[c, c, 1:], 1e-30)
        growth = np.maximum(less_flat[c, c, 1:] - own, 0.0)
        heard = np.sqrt(np.minimum(own / (_HEARD * np.quantile(own, 0.9)), 1.0))
        best = np.inf
        for candidate in np.linspace(0.0, _MOST_LEFT, 11):
            rest = own - candidate * growth
            if (rest <= 0.02 * own).any():
                break
            weight = rest / own * heard
            logarithm = np.log(rest)
            at = np.linalg.lstsq(basis * weight[:, None], logarithm * weight, rcond=None)[0]
            off = float(np.square((basis @ at - logarithm) * weight).mean())
            if off < best:
                best, share[c], at_best = off, candidate, at
        rest = own - share[c] * growth
        lowest = radial_frequency()[1:] < 0.16
        out[c, c, 1:] = np.where(lowest, np.minimum(rest, np.exp(basis @ at_best)), rest)
        beside = (out[c, c, 1] + out[c, c, BLOCK]) / 2
        out[c, c, 0] = np.clip(np.exp(at_best[0]), beside, 2 * beside)
    for c in range(channels):
        for d in range(c):
            pair = flat[c, d] - np.sqrt(share[c] * share[d]) * (less_flat[c, d] - flat[c, d])
            limit = np.sqrt(out[c, c] * out[d, d])
            out[c, d] = out[d, c] = np.clip(pair, -limit, limit)
            out[c, d, 0] = out[d, c, 0] = (out[c, d, 1] + out[c, d, BLOCK]) / 2
    return out


def _audible(spectrum: Array) -> Chosen:
    """The coefficients to measure in when noise is not white: the finest that still hold a good share of it."""
    mean = spectrum.mean(axis=0)
    order = orders()
    able = (mean > _AUDIBLE * mean[1:].max()) & (order >= 2)
    for least in range(BLOCK, 1, -1):
        chosen = able & (order >= least)
        if chosen.sum() >= _FEWEST_MEASURING:
            return np.asarray(chosen)
    strongest = np.zeros(64, bool)  # hardly anything but slopes: the strongest, whatever they are
    strongest[1 + np.argsort(mean[1:])[-_FEWEST_MEASURING:]] = True
    return strongest


def _scaled(covariance: Array, shape: Array) -> Array:
    """Covariances with the spectra on their diagonal."""
    own = np.sqrt(np.maximum(np.einsum("cck->ck", covariance), 1e-30))
    root = np.sqrt(shape)
    correlation = covariance / (own[:, None] * own[None, :])
    return np.asarray(np.clip(correlation, -1, 1) * root[:, None] * root[None, :])
