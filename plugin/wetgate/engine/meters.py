"""The measures that ``wetgate measure`` knows: what each is given, what it is called, and how it adds up over a shot.

A meter is fed pairs of frames in order and ends in columns: one value a frame, and where a mean over frames is not the
figure that the field reads, the figure of the whole shot beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from wetgate.color.curves import pq_encode, srgb_encode
from wetgate.color.difference import delta_e_2000, delta_e_itp, xyz_to_lab
from wetgate.color.primaries import WHITES, apply_matrix, rgb_to_rgb, rgb_to_xyz, white_xyz
from wetgate.ops import metrics, metrics_grain, metrics_temporal
from wetgate.spec import Image

Better = Literal["higher", "lower", ""]
_LUMA = {False: (0.2126, 0.7152, 0.0722), True: (0.2627, 0.6780, 0.0593)}  # BT.709-6 item 3.2; BT.2020-2 Table 4


@dataclass(frozen=True, slots=True)
class Domain:
    """In which encoding two shots are compared.

    ``hdr`` is true where code values are PQ or HLG; ``stored`` where they are the files' own, both of one space;
    ``text`` says it in words. ``white`` is the luminance in nits that counts as white for CIELAB.
    """

    hdr: bool
    stored: bool
    text: str

    @property
    def white(self) -> float:
        return 203.0 if self.hdr else 100.0  # HDR reference white: BT.2408-8, 2.2


@dataclass(slots=True)
class Pair:
    """One frame of the reference and of the test. ``light`` gives linear Rec.2020 in nits of a side (0 or 1)."""

    number: int
    codes: tuple[Image, Image]
    light: Callable[[int], Image]
    domain: Domain
    _kept: dict[int, Image] = field(default_factory=dict)

    def nits(self, side: int) -> Image:
        """(H, W, 3) linear Rec.2020, 1.0 = 1 nit."""
        if side not in self._kept:
            self._kept[side] = self.light(side)
        return self._kept[side]

    def luma(self, side: int) -> Image:
        """(H, W) weighted code values."""
        return np.asarray(self.codes[side] @ np.asarray(_LUMA[self.domain.hdr], np.float32), np.float32)


def encoded(nits: Image, hdr: bool) -> Image:
    """Light as a display is sent it: PQ in Rec.2020, or sRGB in Rec.709 with 100 nits as white, clipped to 0..1."""
    if hdr:
        return np.asarray(pq_encode(np.clip(nits, 0.0, 10000.0)), np.float32)
    light = apply_matrix(rgb_to_rgb("rec2020", "rec709"), nits) / 100.0
    return np.asarray(srgb_encode(np.clip(light, 0.0, 1.0)), np.float32)


@dataclass(slots=True)
class Column:
    """One figure over the frames. ``shot`` are figures of all frames together, by name ("rms", "pooled")."""

    name: str
    unit: str
    better: Better
    domain: str
    values: dict[int, float] = field(default_factory=dict)
    shot: dict[str, float] = field(default_factory=dict)


class Meter(Protocol):
    """A measure at work on one pair of shots."""

    def add(self, pair: Pair) -> None: ...
    def columns(self) -> list[Column]: ...


@dataclass(slots=True)
class Still:
    """A measure of each frame by itself."""

    column: Column
    measure: Callable[[Pair], float]

    def add(self, pair: Pair) -> None:
        self.column.values[pair.number] = self.measure(pair)

    def columns(self) -> list[Column]:
        return [self.column]


@dataclass(slots=True)
class Differences:
    """Mean, 99th percentile and maximum of a colour difference over each frame."""

    name: str
    unit: str
    domain: str
    measure: Callable[[Pair], NDArray[np.floating]]
    rows: dict[int, tuple[float, float, float]] = field(default_factory=dict)

    def add(self, pair: Pair) -> None:
        apart = np.asarray(self.measure(pair), np.float64)
        self.rows[pair.number] = (float(apart.mean()), float(np.percentile(apart, 99)), float(apart.max()))

    def columns(self) -> list[Column]:
        made = []
        for place, suffix in enumerate(("", "_p99", "_max")):
            values = {number: row[place] for number, row in self.rows.items()}
            made.append(Column(self.name + suffix, self.unit, "lower", self.domain, values))
        return made


@dataclass(slots=True)
class Flicker:
    """Mean squared warping error along the reference's own flow, and its excess over the reference's own."""

    domain: str
    previous: Pair | None = None
    rows: dict[int, tuple[float, float]] = field(default_factory=dict)

    def add(self, pair: Pair) -> None:
        if self.previous is not None:
            motion = metrics_temporal.motion_between(self.previous.luma(0), pair.luma(0))
            own, test = (metrics_temporal.warping_error(self.previous.codes[s], pair.codes[s], motion) for s in (0, 1))
            self.rows[pair.number] = (own, test)
        self.previous = pair

    def columns(self) -> list[Column]:
        unit = "code²"
        excess = {n: metrics_temporal.warping_excess(test, own) for n, (own, test) in self.rows.items()}
        own = _finite_mean(o for o, _ in self.rows.values())
        test = _finite_mean(t for _, t in self.rows.values())
        return [
            Column("flicker", unit, "lower", self.domain, excess, {"excess": max(test - own, 0.0)}),
            Column("flicker_test", unit, "lower", self.domain, {n: t for n, (_, t) in self.rows.items()}),
            Column("flicker_reference", unit, "", self.domain, {n: o for n, (o, _) in self.rows.items()}),
        ]


@dataclass(slots=True)
class GlobalFlicker:
    """Brightness flicker of the test against the reference, in percent of level."""

    domain: str
    levels: dict[int, float] = field(default_factory=dict)

    def add(self, pair: Pair) -> None:
        reference = max(float(pair.luma(0).mean(dtype=np.float64)), 1e-6)
        self.levels[pair.number] = float(pair.luma(1).mean(dtype=np.float64)) / reference

    def columns(self) -> list[Column]:
        each, total = metrics_temporal.global_flicker(list(self.levels.values()))
        values = {n: abs(float(v)) for n, v in zip(self.levels, each, strict=True)}
        return [Column("global_flicker", "%", "lower", self.domain, values, {"rms": total})]


@dataclass(slots=True)
class Jitter:
    """How the test moves against the reference from frame to frame, rigidly and not, in pixels."""

    domain: str
    shifts: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    def add(self, pair: Pair) -> None:
        self.shifts[pair.number] = metrics_temporal.displacements(pair.luma(0), pair.luma(1))

    def columns(self) -> list[Column]:
        each, total = metrics_temporal.jitter(list(self.shifts.values()))
        values = {n: float(v) for n, v in zip(self.shifts, each, strict=True)}
        return [Column("jitter", "px", "lower", self.domain, values, {"rms": total})]


@dataclass(slots=True)
class Grain:
    """How unlike the grain of the two is, in the reference's flat places: a frame at a time, and all frames pooled."""

    domain: str
    rows: dict[int, metrics_grain.GrainDistance] = field(default_factory=dict)
    pooled: list[metrics_grain.GrainSample] = field(default_factory=list)

    def add(self, pair: Pair) -> None:
        places = metrics_grain.flat_patches(pair.codes[0])
        samples = [metrics_grain.grain_sample(pair.codes[s], places, tones=pair.codes[0]) for s in (0, 1)]
        self.rows[pair.number] = metrics_grain.grain_distance(*samples)
        self.pooled = [a.merged(b) for a, b in zip(self.pooled, samples, strict=True)] if self.pooled else samples

    def columns(self) -> list[Column]:
        made = []
        total = metrics_grain.grain_distance(*self.pooled) if self.pooled else None
        for name, unit, part in (
            ("grain_spectrum", "dB", "spectrum_db"),
            ("grain_deviation", "%", "deviation_percent"),
            ("grain_correlation", "", "correlation"),
        ):
            values = {n: float(getattr(row, part)) for n, row in self.rows.items()}
            shot = {"pooled": float(getattr(total, part))} if total is not None else {}
            made.append(Column(name, unit, "lower", self.domain, values, shot))
        return made


@dataclass(frozen=True, slots=True)
class Kind:
    """A measure by name: a sentence about it, and how to make a meter of it for a domain."""

    text: str
    make: Callable[[Domain], Meter]


def _lab(pair: Pair, side: int) -> NDArray[np.floating]:
    xyz = apply_matrix(rgb_to_xyz("rec2020"), pair.nits(side)) / np.float32(pair.domain.white)
    return np.asarray(xyz_to_lab(xyz, np.asarray(white_xyz(WHITES["d65"]), np.float32)))


def _still(name: str, unit: str, better: Better, measure: Callable[[Pair], float]) -> Callable[[Domain], Meter]:
    return lambda domain: Still(Column(name, unit, better, domain.text), measure)


def _itp(domain: Domain) -> Meter:
    return Differences(
        "deitp", "dE ITP", "absolute light, linear Rec.2020", lambda p: delta_e_itp(p.nits(0), p.nits(1))
    )


def _ciede(domain: Domain) -> Meter:
    where = f"CIELAB, D65, white {domain.white:.0f} nits"
    return Differences("de2000", "dE2000", where, lambda p: delta_e_2000(_lab(p, 0), _lab(p, 1)))


KINDS: Mapping[str, Kind] = {
    "psnr": Kind(
        "Peak signal-to-noise ratio over R'G'B', dB",
        _still("psnr", "dB", "higher", lambda p: metrics.psnr(*p.codes)),
    ),
    "psnr_y": Kind(
        "Peak signal-to-noise ratio of luma, dB",
        _still("psnr_y", "dB", "higher", lambda p: metrics.psnr(p.luma(0), p.luma(1))),
    ),
    "ssim": Kind(
        "Structural similarity (Wang 2004), mean over R'G'B'",
        _still("ssim", "", "higher", lambda p: metrics.ssim(*p.codes)),
    ),
    "ms_ssim": Kind(
        "Multi-scale structural similarity (Wang 2003), mean over R'G'B'",
        _still("ms_ssim", "", "higher", lambda p: metrics.ms_ssim(*p.codes)),
    ),
    "psnr_b": Kind(
        "PSNR of luma less the test's blocking (Yim and Bovik 2011), dB, 8x8 blocks",
        _still("psnr_b", "dB", "higher", lambda p: metrics.psnr_b(p.luma(0), p.luma(1))),
    ),
    "blocks": Kind(
        "Block structure in the error: squared step across 8x8 edges less that inside",
        _still("blocks", "code²", "lower", lambda p: metrics.structural_artefact(*p.codes)),
    ),
    "de2000": Kind("Colour difference CIEDE2000: mean, 99th percentile, maximum", _ciede),
    "deitp": Kind("Colour difference dE ITP (BT.2124): mean, 99th percentile, maximum", _itp),
    "flicker": Kind(
        "Warping error along the reference's flow, and what it exceeds the reference's own by",
        lambda domain: Flicker(domain.text),
    ),
    "global_flicker": Kind(
        "Flicker of the mean level against the reference, percent", lambda domain: GlobalFlicker(domain.text)
    ),
    "jitter": Kind(
        "Motion of the test against the reference, less its mean, rms pixels", lambda domain: Jitter(domain.text)
    ),
    "grain": Kind(
        "Unlikeness of grain in flat places: third-octave spectrum, deviation by tone, correlation of channels",
        lambda domain: Grain(domain.text),
    ),
}


def _finite_mean(values: object) -> float:
    finite = [v for v in values if math.isfinite(v)]  # type: ignore[attr-defined]
    return sum(finite) / len(finite) if finite else math.nan
