"""Where a picture's JPEG blocks lie and at which quality they were saved, from the pixels alone.

At the right phase the DCT coefficients of a decoded JPEG lie on multiples of its quantisers, blurred by the decoder's
rounding alone; at any other phase they lie anywhere. How many of the coefficients that are not 0 lie on the multiples
that a quality would have (libjpeg's scaling of ITU-T T.81, tables K.1), against how many would by chance, is the
evidence for a phase and a quality: a sum of log-likelihood ratios (Fan and de Queiroz, IEEE TIP 12(2), 2003, look at
the same lattice). Where the tables are others (Motion JPEG of cameras, of FFmpeg), the quantiser of each low frequency
is looked for by itself, at a phase that is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.block_transform import SIDE, forward, whole_blocks
from wetgate.ops.quantiser import LOW_FREQUENCIES, jpeg_step
from wetgate.spec import Image

# ITU-T T.81, table K.1: luma quantisers, natural order.
K1 = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.int64,
)
# Table K.2: chroma quantisers.
K2 = np.full((8, 8), 99, np.int64)
K2[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

QUALITIES = np.arange(1, 101)
# How far from a multiple a coefficient counts as on it. Decoders round pixels, a deviation of 0.29 codes in each
# coefficient; with the rounding of R'G'B' about 0.35, so that this is two deviations.
_ON = 0.75
_ASTRAY = 0.06  # share of coefficients that lie elsewhere all the same: clipped pixels, other decoders
# An older save is looked for by a mixture: a Gaussian about each multiple, and coefficients that the later save moved
# farther. Its deviation is that of an even quantiser, the step over the root of 12, times what a shifted grid brings
# from coarser frequencies. Measured on 13 photographs at pairs of qualities from 10, 20 to 60, 90: the phase is right
# in all, with evidence of 0.11 a coefficient and more, and so is the quality; saved once they have 0.04 at most.
_WIDER, _MOVED, _UNDER = 1.5, 0.3, 0.08
_TOLD_APART = 3.5  # deviations between multiples, from which the mixture has gaps
_FIRST = np.r_[2:26, 26:50:2, 50:85:3]  # qualities to begin with: at 10 a table is a tenth coarser than at 11
COARSER = 1.25
"""A step over another, from which it is the coarser one: of an earlier save, of other tables."""
_NONZERO = 1.0  # codes: below it a coefficient is 0 or rounding
# Evidence a coefficient from which a lattice counts as found: far above what any picture without one gave (0.0).
_FOUND = 0.05
_MERE_ROUNDING = 4.0  # codes: the most, where a soft block's pixels are rounded alike
_LEAST = 60  # coefficients
_BLOCKS_TRIED, _BLOCKS_MEASURED = 500, 3000
_COEFFICIENTS_TRIED, _COEFFICIENTS_MEASURED = 1500, 12000
_ENOUGH_SOUND = 40  # blocks
_FINALISTS = 4
# Quantisers of tables of any kind: beyond the last hardly a coefficient is left. Of so many coefficients at least, the
# mean evidence from which a quantiser counts as seen, and of how many of the nine low frequencies it must be. Measured:
# Motion JPEG at quantisers of 10 to 55 has 1.3 and more in all nine; of 71 pictures without a lattice none reaches 0.
_ANY = np.arange(2, 200).astype(np.float32)
_LEAST_ANY, _MOST_ANY = 40, 1500
_SEEN, _SEEN_OF_NINE = 0.3, 6


@dataclass(frozen=True, slots=True)
class Lattice:
    """A JPEG grid that was found: ``phase`` (x, y) of the first block, 0 to 7, libjpeg's ``quality``, and the
    ``evidence``, a mean log-likelihood ratio a coefficient, of ``count`` coefficients."""

    phase: tuple[int, int]
    quality: int
    evidence: float
    count: int


def quality_of_step(step: float) -> int:
    """The quality whose luma table has the step that comes nearest, on a scale of ratios."""
    return int(QUALITIES[np.abs(np.log(_STEPS / step)).argmin()])


def quality_table(quality: int, base: NDArray[np.int64] = K1) -> NDArray[np.int64]:
    """libjpeg's quantisers at a quality 1 to 100 (jcparam.c, jpeg_quality_scaling)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((base * scale + 50) // 100, 1, 255)


_TABLES = np.stack([quality_table(int(q)) for q in QUALITIES]).reshape(len(QUALITIES), -1).astype(np.float32)
_STEPS = np.array([jpeg_step(table) for table in _TABLES])


@cache
def _ratios(on: float) -> tuple[Image, Image]:
    """:func:`_ratios_of` by quality and frequency."""
    return _ratios_of(_TABLES, on)


def _ratios_of(quantisers: Image, on: float) -> tuple[Image, Image]:
    """The log-likelihood ratio of a coefficient on a multiple, within ``on``, and of one beside it; 0 where the
    quantiser is too fine for a lattice to be seen."""
    tells = 2 * on + 0.4 * on < quantisers
    steps = np.where(tells, quantisers, 4 * on)
    hit = np.where(tells, np.log((1 - _ASTRAY) * steps / (2 * on)), 0)
    miss = np.where(tells, np.log(_ASTRAY / (1 - 2 * on / steps)), 0)
    return hit.astype(np.float32), miss.astype(np.float32)


def find_lattice(luma: Image, sound: NDArray[np.bool_] | None = None) -> Lattice | None:
    """The JPEG grid in a luma plane of whole 8-bit full-range codes (H, W), or None.

    ``sound`` marks pixels that were not clipped: blocks without others are taken where there are enough.
    """
    plane = np.asarray(luma, np.float32) - 128
    phases = [(x, y) for y in range(SIDE) for x in range(SIDE)]
    scores = []
    for phase in phases:
        coefficients = _coefficients(plane, sound, phase, _BLOCKS_TRIED)
        evidence, count = _evidence(coefficients, QUALITIES, _COEFFICIENTS_TRIED, _ON)
        scores.append(float(evidence.max()) * count)
    best: Lattice | None = None
    for place in np.argsort(scores)[::-1][:_FINALISTS]:
        found = lattice_at(luma, phases[int(place)], sound)
        if best is None or (found is not None and found.evidence * found.count > best.evidence * best.count):
            best = found
    return best


def lattice_at(luma: Image, phase: tuple[int, int], sound: NDArray[np.bool_] | None = None) -> Lattice | None:
    """The quality at a phase that is known, or None where no lattice is seen there."""
    coefficients = _coefficients(np.asarray(luma, np.float32) - 128, sound, phase, _BLOCKS_MEASURED)
    evidence, count = _evidence(coefficients, QUALITIES, _COEFFICIENTS_MEASURED, _ON)
    place = int(evidence.argmax())
    if count < _LEAST or evidence[place] < _FOUND:
        return None
    return Lattice(phase, int(QUALITIES[place]), float(evidence[place]), count)


def step_at(luma: Image, phase: tuple[int, int], sound: NDArray[np.bool_] | None = None) -> float | None:
    """The step of JPEG blocks at a phase, whatever their tables: the mean of the quantisers of the nine lowest AC
    coefficients (:func:`~wetgate.ops.quantiser.jpeg_step`), or None where no lattice is seen there."""
    coefficients = np.abs(_coefficients(np.asarray(luma, np.float32) - 128, sound, phase, _BLOCKS_MEASURED))
    found = [_quantiser(coefficients[:, frequency]) for frequency in LOW_FREQUENCIES]
    seen = [q for q in found if q is not None]
    return float(np.mean(seen)) if len(seen) >= _SEEN_OF_NINE else None


def _quantiser(values: Image) -> float | None:
    """The quantiser under which the coefficients of one frequency are likeliest."""
    values = values[values > _NONZERO][:_MOST_ANY]
    if len(values) < _LEAST_ANY:
        return None
    hit, miss = _ratios_of(_ANY, _ON)
    evidence = _lying_on(values, _ANY[:, None], hit[:, None], miss[:, None], _ON).mean(axis=1)
    best = int(evidence.argmax())
    return float(_ANY[best]) if evidence[best] > _SEEN else None


@dataclass(frozen=True, slots=True)
class OlderSave:
    """An earlier, coarser save under the last one: the ``phase`` (x, y) of its first block and its ``quality``."""

    phase: tuple[int, int]
    quality: int


def older_save(luma: Image, last: Lattice, sound: NDArray[np.bool_] | None = None) -> OlderSave | None:
    """A save before the ``last`` one, coarser and on a grid shifted against it, or None.

    The later save blurs the older lattice; at the phase of the older one alone its blur still has gaps.
    """
    plane = np.asarray(luma, np.float32) - 128
    found = []
    for phase in ((x, y) for y in range(SIDE) for x in range(SIDE) if (x, y) != last.phase):
        evidence, count = _evidence_under(_coefficients(plane, sound, phase, _BLOCKS_TRIED), last, _FIRST)
        found.append((float(evidence.max()) / max(count, _LEAST), phase))
    (best, phase), (next_best, _) = sorted(found, reverse=True)[:2]
    if best < _UNDER or next_best > best / 2:
        return None
    evidence, count = _evidence_under(_coefficients(plane, sound, phase, _BLOCKS_MEASURED), last, QUALITIES)
    place = int(evidence.argmax())
    coarser = _STEPS[place] > COARSER * _STEPS[last.quality - 1]
    return OlderSave(phase, int(QUALITIES[place])) if coarser and evidence[place] > _UNDER * count else None


def _evidence_under(
    coefficients: Image, last: Lattice, qualities: NDArray[np.int64]
) -> tuple[NDArray[np.float64], int]:
    """The evidence for each of the ``qualities`` in coefficients that were saved again at the ``last`` one's, and from
    how many of them: summed log-likelihood ratios of the mixture about its multiples."""
    evidence, counted = np.zeros(len(qualities)), 0
    for frequency in LOW_FREQUENCIES:
        deviation = max(_WIDER * float(_TABLES[last.quality - 1, frequency]) / math.sqrt(12), 1.0)
        values = np.abs(coefficients[:, frequency])
        values = values[values > 3 * deviation][:_MOST_ANY]
        steps = _TABLES[qualities - 1, frequency, None]
        off = (values - steps * np.rint(values / steps)) / deviation
        likely = steps / (math.sqrt(2 * math.pi) * deviation) * np.exp(-(off**2) / 2)
        told = steps[:, 0] > _TOLD_APART * deviation
        evidence += np.where(told, np.log((1 - _MOVED) * likely + _MOVED).sum(axis=1), 0)
        counted += len(values)
    return evidence, counted


def _coefficients(plane: Image, sound: NDArray[np.bool_] | None, phase: tuple[int, int], most: int) -> Image:
    blocks = whole_blocks(plane, phase).reshape(-1, SIDE, SIDE)
    if sound is not None and len(blocks):
        whole = whole_blocks(sound, phase).reshape(len(blocks), -1).all(axis=1)
        if whole.sum() >= _ENOUGH_SOUND:
            blocks = blocks[whole]
    blocks = blocks[:: max(1, len(blocks) // most)]
    return forward(np.ascontiguousarray(blocks)).reshape(-1, SIDE * SIDE)


def _evidence(coefficients: Image, qualities: NDArray[np.int64], most: int, on: float) -> tuple[Image, int]:
    """Mean evidence of each quality, and from how many coefficients."""
    # The mean of a block is left out: in a flat one all pixels are rounded alike, which moves it by up to four codes.
    which, frequency = np.nonzero(np.abs(coefficients[:, 1:]) > max(_NONZERO, on))
    frequency = frequency + 1
    values = np.abs(coefficients[which, frequency])
    if not len(values):
        return np.zeros(len(qualities), np.float32), 0
    order = np.argsort(frequency, kind="stable")[:: len(values) // most + 1]
    values, frequency = values[order], frequency[order]
    hit, miss = _ratios(on)
    rows = qualities - 1
    evidence = _lying_on(values, _TABLES[rows][:, frequency], hit[rows][:, frequency], miss[rows][:, frequency], on)
    return np.asarray(evidence.mean(axis=1), np.float32), len(values)


def _lying_on(values: Image, steps: Image, hit: Image, miss: Image, on: float) -> Image:
    """The evidence of each coefficient for each of the ``steps``, (steps, values)."""
    times = values / steps
    near = np.abs(times - np.rint(times)) * steps < on
    # What rounding makes of a coefficient that was 0 says nothing either way.
    return np.where(values < np.minimum(_MERE_ROUNDING, steps / 3), 0, np.where(near, hit, miss))
