"""Film grain tables of AV1: text in and out, from measured grain and back to it.

The text is what aomenc (``--film-grain-table``), SVT-AV1 (``fgs-table``) and grav1synth read: libaom's
``aom_dsp/grain_table.c``, header ``filmgrn1``. What the numbers do is in the AV1 bitstream specification, 6.8.20 and
7.18.3: Gaussian noise through an auto-regressive filter, scaled by the luma of the place.

AV1 grain lives in video code values, so densities go through the display curve of BT.1886 (gamma 2.4) and the BT.709
matrix at 8 bits, limited range; chroma is 4:2:0. It takes its strength from luma alone, and luma and chroma grain are
independent here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.grain_analysis import MeasuredGrain
from wetgate.ops.grain_shape import GRID, frequencies, measured_power
from wetgate.spec import UsageError

Array = NDArray[np.float64]
Points = tuple[tuple[int, int], ...]

HEADER = "filmgrn1"
FOREVER = 2**63 - 1
_LAG = 3
_BASE_DEVIATION = 32.0  # of the Gaussian table at 8 bits: 512 at 12 (7.18.3.2)
_MOST_GRAIN = 40.0  # keeps three deviations inside the 8-bit range that grain is clipped to
_GAMMA = 2.4
_LUMA = np.array([0.2126, 0.7152, 0.0722])
_TO_YCC = np.stack([_LUMA, (np.array([0, 0, 1.0]) - _LUMA) / 1.8556, (np.array([1.0, 0, 0]) - _LUMA) / 1.5748])
_BY_LUMA = (128, 192, 256)  # chroma multiplier, luma multiplier, offset, as coded: strength follows luma alone
_TONES = tuple(int(v) for v in np.linspace(20, 235, 10).round())


@dataclass(frozen=True, slots=True)
class GrainTable:
    """Film grain parameters of a span of time (in 100 ns), named as in the specification, coded as in the text."""

    start: int
    end: int
    apply_grain: int
    seed: int
    ar_lag: int
    ar_shift: int
    grain_scale_shift: int
    scaling_shift: int
    chroma_from_luma: int
    overlap: int
    cb: tuple[int, int, int]
    cr: tuple[int, int, int]
    points_y: Points
    points_cb: Points
    points_cr: Points
    ar_y: tuple[int, ...]
    ar_cb: tuple[int, ...]
    ar_cr: tuple[int, ...]


def to_text(tables: Sequence[GrainTable]) -> str:
    """The tables as a filmgrn1 file."""
    lines = [HEADER]
    for t in tables:
        lines.append(f"E {t.start} {t.end} {t.apply_grain} {t.seed} 1")
        head = (t.ar_lag, t.ar_shift, t.grain_scale_shift, t.scaling_shift, t.chroma_from_luma, t.overlap)
        lines.append("\tp " + " ".join(map(str, (*head, *t.cb, *t.cr))))
        for name, points in (("sY", t.points_y), ("sCb", t.points_cb), ("sCr", t.points_cr)):
            lines.append(f"\t{name} " + " ".join(map(str, (len(points), *(v for p in points for v in p)))))
        for name, taps in (("cY", t.ar_y), ("cCb", t.ar_cb), ("cCr", t.ar_cr)):
            lines.append(f"\t{name} " + " ".join(map(str, taps)))
    return "\n".join(lines) + "\n"


def from_text(text: str) -> list[GrainTable]:
    """The tables of a filmgrn1 file. Raises :class:`UsageError` that names the line where it is not one."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != HEADER:
        raise UsageError("this is no film grain table", where="line 1", allowed=f"{HEADER} on the first line")
    tables: list[GrainTable] = []
    at = 1
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        start, end, apply_grain, seed, update = _numbers(lines, at, "E", 5)
        at += 1
        if not update:  # the parameters before hold on
            if not tables:
                raise UsageError("the first entry has no parameters", where=f"line {at}")
            tables.append(replace(tables[-1], start=start, end=end, apply_grain=apply_grain, seed=seed))
            continue
        p = _numbers(lines, at, "p", 12)
        scaled = [_points(_numbers(lines, at + 1 + k, name)) for k, name in enumerate(("sY", "sCb", "sCr"))]
        count = 2 * p[0] * (p[0] + 1)
        wanted = (("cY", count), ("cCb", count + 1), ("cCr", count + 1))
        taps = [tuple(_numbers(lines, at + 4 + k, name, n)) for k, (name, n) in enumerate(wanted)]
        at += 7
        tables.append(
            GrainTable(
                start=start,
                end=end,
                apply_grain=apply_grain,
                seed=seed,
                ar_lag=p[0],
                ar_shift=p[1],
                grain_scale_shift=p[2],
                scaling_shift=p[3],
                chroma_from_luma=p[4],
                overlap=p[5],
                cb=(p[6], p[7], p[8]),
                cr=(p[9], p[10], p[11]),
                points_y=scaled[0],
                points_cb=scaled[1],
                points_cr=scaled[2],
                ar_y=taps[0],
                ar_cb=taps[1],
                ar_cr=taps[2],
            )
        )
    return tables


def of_measured(measured: MeasuredGrain, seed: int = 0, start: int = 0, end: int = FOREVER) -> GrainTable:
    """The table that comes nearest to measured grain, for all of the time from ``start`` to ``end``."""
    power = np.mean([measured_power(measured.frequency, measured.power[:, c], 1.0) for c in range(3)], axis=0)
    covariance = np.real(np.fft.ifft2(power / power.mean()))
    coarse, kept = _halved(covariance)
    luma, chroma = _auto_regression(covariance), _auto_regression(coarse)
    shift = min(7 if max(np.abs(luma[0]).max(), np.abs(chroma[0]).max()) < 127 / 128 else 6, 9)
    gains = luma[1], chroma[1]
    scale_shift = int(min(3, max(0, math.ceil(math.log2(_BASE_DEVIATION * max(gains) / _MOST_GRAIN)))))
    grain = [_BASE_DEVIATION * g / 2**scale_shift for g in gains]
    codes = _code_deviation(measured, np.array(_TONES))
    wanted = np.stack([codes[0] / grain[0], codes[1] * kept / grain[1], codes[2] * kept / grain[1]])
    scaling_shift = max(8, min(11, int(math.log2(255.0 / max(float(wanted.max()), 1e-6)))))
    values = np.clip(np.rint(wanted * 2**scaling_shift), 0, 255).astype(int)
    points: list[Points] = [tuple((t, int(v)) for t, v in zip(_TONES, row, strict=True)) for row in values]
    taps = [tuple(int(v) for v in np.clip(np.rint(c * 2**shift), -128, 127)) for c in (luma[0], chroma[0])]
    return GrainTable(
        start=start,
        end=end,
        apply_grain=1,
        seed=1 + seed % 0xFFFF,  # at 0 the shift register of 7.18.3.2 stands still
        ar_lag=_LAG,
        ar_shift=shift,
        grain_scale_shift=scale_shift,
        scaling_shift=scaling_shift,
        chroma_from_luma=0,
        overlap=1,
        cb=_BY_LUMA,
        cr=_BY_LUMA,
        points_y=points[0],
        points_cb=points[1],
        points_cr=points[2],
        ar_y=taps[0],
        ar_cb=(*taps[1], 0),
        ar_cr=(*taps[1], 0),
    )


def to_measured(table: GrainTable, pitch_um: float = 0.0) -> MeasuredGrain:
    """The grain that a table describes: deviations from its scaling, luma's spectrum for all layers."""
    down, across = frequencies()
    power = _coded_power(table, table.ar_y)
    kept = _halved(np.real(np.fft.ifft2(power / power.mean())))[1]
    scale = _BASE_DEVIATION / 2**table.grain_scale_shift / 2**table.scaling_shift
    tones = np.array(_TONES, np.float64)
    coded = ((table.points_y, table.ar_y), (table.points_cb, table.ar_cb[:-1]), (table.points_cr, table.ar_cr[:-1]))
    deviations = []
    for points, taps in coded:
        knots = np.array(points or ((0, 0),), np.float64)
        gain = math.sqrt(float(_coded_power(table, taps).mean()))
        deviations.append(np.interp(tones, knots[:, 0], knots[:, 1]) * (scale * gain))
    deviations[1:] = [d / kept for d in deviations[1:]]  # at half the samples chroma grain is the mean of four
    back = np.linalg.inv(_TO_YCC)
    ycc = np.stack(deviations) / np.array([219.0, 224.0, 224.0])[:, None]
    covariance = np.einsum("ck,kt,dk->tcd", back, np.square(ycc), back)
    signal = (tones - 16) / 219
    density = -_GAMMA * np.log10(signal)
    layers = np.sqrt(np.einsum("tcc->ct", covariance)) / (signal * math.log(10) / _GAMMA)
    summed = covariance.sum(axis=0)
    total = np.sqrt(np.maximum(np.diag(summed), 1e-30))
    ring = np.rint(np.hypot(down, across) * GRID / 2).astype(np.intp).ravel()
    spectrum = np.bincount(ring, power.ravel() / power.mean()) / np.bincount(ring)
    radial = np.bincount(ring, np.hypot(down, across).ravel()) / np.bincount(ring)
    order = np.argsort(density)
    knots_d = tuple(float(d) for d in density[order])
    return MeasuredGrain(
        (knots_d,) * 3,
        tuple(tuple(float(s) for s in layer[order]) for layer in layers),
        radial[1:],
        np.repeat(spectrum[1:, None], 3, axis=1),
        summed / np.outer(total, total),
        pitch_um,
        1,
        1,
    )


def _code_deviation(measured: MeasuredGrain, codes: Array) -> Array:
    """Deviation of Y', Cb and Cr in 8-bit codes, (3, N), on greys of these luma codes."""
    signal = (codes - 16) / 219
    deviation = measured.deviation_at(-_GAMMA * np.log10(signal)) * (signal * math.log(10) / _GAMMA)
    covariance = np.einsum("ct,cd,dt->tcd", deviation, measured.correlation, deviation)
    variance = np.einsum("kc,tcd,kd->kt", _TO_YCC, covariance, _TO_YCC)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)) * np.array([219.0, 224.0, 224.0])[:, None])


def _coded_power(table: GrainTable, taps: Sequence[int]) -> Array:
    """Power spectrum (GRID, GRID) of white noise of deviation 1 through a coded auto-regressive filter."""
    down, across = frequencies()
    response = np.ones((GRID, GRID), np.complex128)
    for (dy, dx), tap in zip(_neighbours(table.ar_lag), taps, strict=True):
        response -= tap / 2**table.ar_shift * np.exp(-2j * math.pi * (down * dy + across * dx))
    return np.asarray(1.0 / np.square(np.abs(response)))


def _halved(covariance: Array) -> tuple[Array, float]:
    """Covariance of the means of 2x2 pixels, at their distances, scaled to one; and the deviation that is left."""
    around = np.zeros_like(covariance)
    for dy, wy in ((-1, 0.25), (0, 0.5), (1, 0.25)):
        for dx, wx in ((-1, 0.25), (0, 0.5), (1, 0.25)):
            around += wy * wx * np.roll(covariance, (dy, dx), axis=(0, 1))
    index = np.fft.fftfreq(GRID // 2, 1 / (GRID // 2)).astype(int) * 2
    coarse = around[np.ix_(index, index)]
    return coarse / coarse[0, 0], math.sqrt(float(coarse[0, 0]))


def _auto_regression(covariance: Array) -> tuple[Array, float]:
    """Coefficients of the causal filter of lag 3 (24) by the Yule-Walker equations, and the deviation it gives to
    noise of deviation 1."""
    places = _neighbours(_LAG)
    system = np.array([[covariance[a[0] - b[0], a[1] - b[1]] for b in places] for a in places])
    right = np.array([covariance[a[0], a[1]] for a in places])
    taps = np.linalg.solve(system + 1e-3 * np.eye(len(places)), right)
    innovation = covariance[0, 0] - 2 * taps @ right + taps @ system @ taps
    return taps, math.sqrt(float(covariance[0, 0] / max(innovation, 1e-6)))


def _neighbours(lag: int) -> list[tuple[int, int]]:
    """Offsets (down, across) to a filter's inputs, in the order that coefficients are coded in: 7.18.3.3."""
    above = [(dy, dx) for dy in range(-lag, 0) for dx in range(-lag, lag + 1)]
    return [(-dy, -dx) for dy, dx in [*above, *((0, dx) for dx in range(-lag, 0))]]


def _numbers(lines: Sequence[str], at: int, name: str, count: int | None = None) -> list[int]:
    words = lines[at].split() if at < len(lines) else []
    try:
        numbers = [int(w) for w in words[1:]]
    except ValueError:
        numbers = []
    if not words or words[0] != name or not numbers or (count is not None and len(numbers) != count):
        said = " ".join(words)[:40] or "the end of the file"
        how = f"{name} and {count} whole numbers" if count is not None else f"{name} and whole numbers"
        raise UsageError(f"film grain table has {said!r}", where=f"line {at + 1}", allowed=how)
    return numbers


def _points(numbers: Sequence[int]) -> Points:
    pairs = tuple(zip(numbers[1::2], numbers[2::2], strict=False))
    if len(numbers) != 1 + 2 * numbers[0]:
        raise UsageError(f"film grain table names {numbers[0]} points and has {len(pairs)}", allowed="as many as named")
    return pairs
