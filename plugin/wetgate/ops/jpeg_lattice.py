"""Where a picture's JPEG blocks lie and at which quality they were saved, from the pixels alone.

At the right phase the DCT coefficients of a decoded JPEG lie on multiples of its quantisers, blurred by the decoder's
rounding alone; at any other phase they lie anywhere. How many of the coefficients that are not 0 lie on the multiples
that a quality would have (libjpeg's scaling of ITU-T T.81, tables K.1), against how many would by chance, is the
evidence for a phase and a quality: a sum of log-likelihood ratios (Fan and de Queiroz, IEEE TIP 12(2), 2003, look at
the same lattice). Where the tables are others (Motion JPEG of cameras, of FFmpeg), the quantiser of each low frequency
is looked for by itself, at a phase that is known.
"""

from __future__ import annotations

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
# An older lattice is looked for with tables coarse enough to tell at this blur. The limits, in deviations over all
# phases, are beyond what any of a dozen photographs that were saved once reached (3.2 and 1.1).
_COARSE, _BLURRED = np.array([10]), 5.0
_STANDS_OUT, _LEADS = 6.0, 2.0
_LEAST_BLOCKS = 1000  # a small picture's phases differ by chance
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


def older_phase(luma: Image, last: Lattice, sound: NDArray[np.bool_] | None = None) -> tuple[int, int] | None:
    """The phase (x, y) of an earlier save on a grid shifted both ways, or None.

    The later save blurs its lattice, so its quality is not told; but of all phases that one alone stands out, where the
    earlier save was much the coarser.
    """
    if luma.size < _LEAST_BLOCKS * SIDE**2:
        return None
    plane = np.asarray(luma, np.float32) - 128
    phases = [(x, y) for y in range(SIDE) for x in range(SIDE) if x != last.phase[0] and y != last.phase[1]]
    scores = []
    for phase in phases:
        coefficients = _coefficients(plane, sound, phase, _BLOCKS_TRIED)
        scores.append(float(_evidence(coefficients, _COARSE, _COEFFICIENTS_MEASURED, _BLURRED)[0][0]))
    order = np.argsort(scores)
    deviation = float(np.median(np.abs(np.array(scores) - np.median(scores)))) / 0.6745
    if deviation == 0:
        return None
    best, next_best, middle = (scores[int(order[k])] for k in (-1, -2, len(order) // 2))
    stands_out = best - middle > _STANDS_OUT * deviation and best - next_best > _LEADS * deviation
    return phases[int(order[-1])] if stands_out else None


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
