"""Grain: the grain of a film stock, measured, matched and put back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.film_gauge import LABELS, WIDTH_MM
from wetgate.color.film_stocks import Kind, Stock, of_figure, stocks
from wetgate.ops import grain_av1
from wetgate.ops.grain_analysis import MeasuredGrain, combine, of_sidecar
from wetgate.ops.grain_crystal import Crystals, crystal_field
from wetgate.ops.grain_field import Law, add_spectral, apply_law, law_densities
from wetgate.ops.grain_light import light_shift
from wetgate.ops.grain_patches import measure_frame
from wetgate.ops.grain_plate import matched, put_plate
from wetgate.ops.grain_shape import (
    Kernel,
    kernel_of,
    measured_power,
    mixing,
    pixel_over_aperture,
    stock_power,
)
from wetgate.ops.random import Stream
from wetgate.spec import Bound, Context, Frame, FrameError, Image, Result, Shot, Window, node, param

Array = NDArray[np.float64]

# Softness of scanner lenses and of what a file has been through: a Gaussian's sigma in pixels. Ours.
_SCANNER_PX = 0.45
# Ids of choices begin with a letter: the gauges by theirs.
_GAUGES = {"mm8": "8", "super8": "s8", "mm16": "16", "super16": "s16", "mm35": "35", "full35": "s35", "mm65": "65"}
_SIDECAR = "wetgate.grain/1"
_MOST_FRAMES = 12  # that an analysis looks at, spread over the shot
_MOST_HELD = 3  # frames that are looked at to find one that is not the same again: footage on threes
_MID_GREY = -math.log10(0.18)
_VIEW_GAIN = 4.0
# The bound: a shift of the mean of light in percent, and how far chance may move it on top of that.
_MOST_SHIFT, _DEVIATIONS_OF_CHANCE = 0.1, 4.0
# Where the amounts for tones hand over to one another: densities of the picture, 0.745 is mid-grey.
_HIGHLIGHTS, _SHADOWS = (0.2, 0.65), (0.85, 1.45)


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Everything that grain is made from at one setting: the kernels of the layers, how they mix, their law, and the
    discs of the crystal engine with the share of the film that is developed at each density of the law."""

    kernels: tuple[Kernel, ...]
    mix: Array
    law: Law
    crystals: Crystals
    developed: Array


@node(
    id="grain",
    label="Grain",
    space="density",
    version=1,
    analyzes=True,
    synthesises=True,
    neighbourhood=0,
    plates=lambda self: self.engine == "plate" or self.match,
    views={
        "grain": "The grain that is added, as density on mid-grey, four times as strong.",
        "plate": "The grain that is added, as it is, on mid-grey: a grain plate, which the engine plate takes.",
        "deviation": "Standard deviation of the grain at each pixel, in density, mean of the layers.",
        "synthesis": "Share of the result's light that the input does not determine: what grain changes (0 to 1).",
    },
)
class Grain:
    """Puts film grain into a picture: that of a stock, or the grain that was measured in the shot.

    Grain is noise of the density, independent from frame to frame, D + sigma(D) n + lift(D). sigma comes from RMS
    granularity as data sheets publish it (through 48 um, per layer and density where they have curves), or from the
    measured curve; n is a field of unit variance with the power spectrum of the stock's dye clouds, as the pixels of
    the scan see them, or of the measured grain; lift keeps the mean of linear light, which noise of the density would
    raise. Sizes are micrometres of film, so the gauge and the width of the scan set what a pixel sees, at any
    resolution. Cloud sizes follow from the stock's MTF, by a rule of ours. The same seed gives the same grain in every
    frame, whatever part of it is rendered.

    Three engines: ``spectral`` filters white noise, ``crystal`` draws discs, an inhomogeneous Boolean model (A. Newson,
    J. Delon and B. Galerne, Computer Graphics Forum 36, 2017), whose shape of grain follows the density; it is the
    reference, some hundred times slower, and takes its shape from the stock also where the rest is matched.

    ``plate`` puts the shot's own grain back, as a step before took it off (in a graph the nearest Denoise, or the one
    that ``plate: {step: NAME}`` names; in a host the picture at Reference, grain on mid-grey, which is the scan divided
    by the scan without grain, times 0.18). Where nothing was restored in between, that is the scan bit for bit. Where
    steps in between tell that they invented pixels, grain like the shot's is made. The controls of strength, tones and
    layers act on the plate, those of size do not.

    The analysis looks for flat patches and measures the deviation at each density, the power spectrum of each layer
    and the correlation between layers, before a step takes the grain off; with ``match`` that is what is made. Grain is
    new in every frame: patches that the next frame shows again, wherever they have moved to, are texture and left out,
    so a shot that has nothing but texture has no grain; a single picture cannot tell them apart. It is saved as
    ``.grain.json``, and as a film grain table for AV1 encoders; either, given as ``--analysis``, is matched as it
    stands.

    Forensic fidelity makes no grain; the plate, which is the input's own, comes back. The bound: grain moves the mean
    of linear light of no layer by more than 0.1 % beyond what chance does in so many pixels; forensic, not at all.
    """

    strength: float = param(1.0, lo=0, hi=1, hint="Share of the grain that is put in; 0 is the input.")
    engine: str = param(
        "spectral",
        choices={"spectral": "Spectral (fast)", "crystal": "Crystal (reference)", "plate": "Plate (the shot's own)"},
        hint="How grain is made: noise of the right spectrum and strength, or discs laid like dye clouds; or the shot's"
        " own is put back, as it was taken off before.",
    )
    match: bool = param(
        False,
        label="Match the shot",
        hint="Makes the grain that the analysis measured in place of a stock's; where nothing could be measured, the"
        " stock's, and the record says so.",
    )
    stock: str = param(
        "vision3_500t",
        choices={name: s.label for name, s in stocks().items()} | {"custom": "By its figures"},
        hint="Film stock, by its published granularity and MTF; or one by the figures below. An estimate is a stock"
        " whose data sheet is not known to us; so is the correlation of 0.15 between the layers of all colour stocks.",
    )
    rms: float = param(
        8.0,
        lo=0.5,
        hi=60,
        soft=(2, 20),
        label="RMS granularity",
        hint="Times 1000, through 48 um at net density 1. Works in the stock by its figures.",
    )
    cloud_um: float = param(
        9.0,
        lo=1,
        hi=40,
        soft=(4, 20),
        unit="um",
        label="Dye cloud diameter",
        hint="Diameter of the dye clouds on the film. Works in the stock by its figures.",
    )
    medium: str = param(
        "negative",
        choices={"negative": "Colour negative", "positive": "Reversal film", "monochrome": "Black-and-white negative"},
        hint="What film it is: where the picture is bright, or where it is dense. Works in the stock by its figures.",
    )
    gauge: str = param(
        "mm35",
        choices={name: LABELS[gauge] for name, gauge in _GAUGES.items()},
        hint="Film gauge: how much film the picture's width stands for.",
    )
    scan_width: float = param(
        0.0,
        lo=0,
        hi=80,
        unit="mm",
        hint="Width of film that the picture shows, where the scan took more or less than the gauge's picture; 0 is the"
        " gauge's.",
    )
    amount: float = param(1.0, lo=0, hi=4, soft=(0, 2), unit="x", hint="Multiplies the grain; 1 is the stock's own.")
    size: float = param(
        1.0, lo=0.25, hi=4, soft=(0.5, 2), unit="x", hint="Multiplies the size of the grain at its strength in pixels."
    )
    softness: float = param(
        0.0, lo=0, hi=4, soft=(0, 1.5), unit="px", hint="Blur of the grain beyond the scan's own; a Gaussian's sigma."
    )
    shadows: float = param(1.0, lo=0, hi=4, soft=(0, 2), unit="x", hint="Multiplies grain in the shadows.")
    mids: float = param(1.0, lo=0, hi=4, soft=(0, 2), unit="x", hint="Multiplies grain about mid-grey.")
    highlights: float = param(1.0, lo=0, hi=4, soft=(0, 2), unit="x", hint="Multiplies grain in the highlights.")
    red: float = param(1.0, lo=0, hi=4, soft=(0, 2), unit="x", hint="Multiplies grain of the cyan layer, seen in red.")
    green: float = param(
        1.0, lo=0, hi=4, soft=(0, 2), unit="x", hint="Multiplies grain of the magenta layer, seen in green."
    )
    blue: float = param(
        1.0, lo=0, hi=4, soft=(0, 2), unit="x", hint="Multiplies grain of the yellow layer, seen in blue."
    )
    correlation: float = param(
        0.0,
        lo=-1,
        hi=1,
        label="Colour correlation",
        hint="How far the layers share their grain, against the stock's own (0): 1 is grey grain, -1 none in common.",
    )
    seed: int = param(0, lo=0, hi=2**31 - 1, hint="Same seed, same grain, on every machine.")

    def render(self, frames: Window, ctx: Context) -> Result:
        frame = frames.center
        known = MeasuredGrain.from_json(ctx.analysis) if ctx.analysis is not None else None
        if self.engine == "plate":
            return self._returned(frame, known, ctx)
        measured = known if self.match else None
        facts: dict[str, Any] = {"grain": "measured" if measured is not None else self.stock}
        if self.match and measured is None:
            facts["unmatched"] = "the analysis found no flat grain, so this is the stock's"
        if ctx.fidelity == "forensic" or self.strength * self.amount == 0:
            facts["grain"] = "none"
            return Result(frame, self._views(frame.rgb, frame.rgb, 0.0, None, ctx), facts)
        made = self._synthesis(frame, measured)
        rgb = self._rendered(frame, made, ctx)
        pitch = self._pitch_um(frame)
        facts |= {"pitch_um": round(pitch, 4), "cloud_um": round(self._stock().cloud_um * self.size, 3)}
        at_grey = int(np.searchsorted(law_densities(), _MID_GREY))
        facts["deviation_at_mid_grey"] = [round(float(s), 5) for s in made.law.deviation[:, at_grey]]
        return Result(frame.with_rgb(rgb), self._views(frame.rgb, rgb, rgb - frame.rgb, made.law, ctx), facts)

    def analyze(self, shot: Shot, ctx: Context) -> dict[str, Any]:
        count = min(len(shot.numbers), _MOST_FRAMES)
        chosen = [shot.numbers[i] for i in np.linspace(0, len(shot.numbers) - 1, count).round().astype(int)]
        found = []
        pitch = 0.0
        for done, number in enumerate(chosen, 1):
            ctx.check_abort()
            frame = shot[number]
            pitch = self._pitch_um(frame)
            found.append(measure_frame(frame.rgb, [shot[n].rgb for n in _following(shot, number)]))
            ctx.progress(done / count)
        measured = combine(found, pitch)
        told = [f.texture for f in found if f.texture is not None]
        texture = {"texture": sum(told)} if told else {}
        return ({"patches": 0, "frames": count} if measured is None else measured.to_json()) | texture

    def summary(self, results: Mapping[str, Any]) -> str:
        measured = MeasuredGrain.from_json(results)
        if measured is None:
            if results.get("texture"):
                return "no grain could be measured: what is flat is texture, which the next frame shows again"
            return "no grain could be measured: nothing flat enough shows it"
        grey = ", ".join(f"{s[0]:.3f}" for s in measured.deviation_at(np.array([_MID_GREY])))
        told = f"grain of deviation {grey} of density at mid-grey, on {measured.patches} flat patches"
        return told if self.match else f"{told}; match=true makes grain like it"

    def imported(self, text: str) -> dict[str, Any] | None:
        """Grain that was measured elsewhere: the first span with grain of an AV1 film grain table, or a
        ``.grain.json``."""
        if text.startswith(grain_av1.HEADER):
            spans = [t for t in grain_av1.from_text(text) if t.apply_grain]
            return grain_av1.to_measured(spans[0]).to_json() if spans else {"patches": 0, "frames": 0}
        return of_sidecar(text, _SIDECAR)

    def sidecars(self, results: Mapping[str, Any], numbers: Sequence[int]) -> dict[str, Any]:
        """The measured grain, and the film grain table of AV1 that comes nearest to it, by name."""
        from wetgate import __version__

        measured = MeasuredGrain.from_json(results)
        if measured is None:
            return {}
        about = {"grain": _SIDECAR, "wetgate": __version__, "gauge": self.gauge}
        table = grain_av1.of_measured(measured, self.seed)
        return {"grain": about | dict(results), "av1-grain.tbl": grain_av1.to_text([table])}

    def bound(self, source: Frame, result: Frame, ctx: Context) -> Bound:
        """The largest shift of a layer's mean of linear light, in percent; in forensic fidelity the largest change."""
        if ctx.fidelity == "forensic":
            return Bound(
                "change of density where no grain may be made", float(np.abs(result.rgb - source.rgb).max()), 1e-3
            )
        analysis = MeasuredGrain.from_json(ctx.analysis) if self.match and ctx.analysis is not None else None
        made = self._synthesis(source, analysis)
        shift, chance = light_shift(source.rgb, result.rgb, made.law, made.kernels)
        allowed = _MOST_SHIFT + _DEVIATIONS_OF_CHANCE * chance
        worst = int(np.argmax(shift / allowed))
        name = f"shift of the mean of light (0.1 and {_DEVIATIONS_OF_CHANCE:g} deviations of what chance does)"
        return Bound(name, float(shift[worst]), float(allowed[worst]), "%")

    def _returned(self, frame: Frame, measured: MeasuredGrain | None, ctx: Context) -> Result:
        """The frame with the grain that was taken off before, and made grain where pixels were invented since."""
        split = ctx.split
        if split is None:
            facts = {"grain": "none", "unreturned": "no grain was split off before this step, so none is put back"}
            return Result(frame, self._views(frame.rgb, frame.rgb, 0.0, None, ctx), facts)
        if not split.before.window == frame.window == (split.after or frame).window:
            raise FrameError(
                f"the plate is {split.before.width}x{split.before.height} at {split.before.window}, the picture"
                f" {frame.window}",
                where=f"frame {frame.number}",
                remedy="put the grain back before the step that changes the picture's size",
            )
        gains = np.array([self.red, self.green, self.blue]) * (self.amount * self.strength * split.amount)
        law = gains[:, None] * self._tones(law_densities())
        invented = None if ctx.fidelity == "forensic" or split.invented is None else np.clip(split.invented, 0.0, 1.0)
        if invented is not None and not invented.any():
            invented = None
        rgb = put_plate(
            frame.rgb, split.before.rgb, _MID_GREY if split.after is None else split.after.rgb, law, invented
        )
        if (law == 1.0).all() and split.same is not False and split.after is not None:
            same = split.same if isinstance(split.same, np.ndarray) else np.ones(rgb.shape[:2], bool)
            same = same if invented is None else same & (invented == 0)
            rgb = np.where(same[..., None], split.before.rgb, rgb)
        facts = {"grain": "the shot's own, returned"}
        made: Image | float = 0.0
        if invented is not None:
            synthesis = self._synthesis(frame, measured)
            plain = Law(synthesis.law.deviation, np.zeros_like(synthesis.law.lift))
            noise = self._rendered(frame, replace(synthesis, law=plain), ctx) - frame.rgb
            made = matched(noise, frame.rgb, synthesis.law, invented)
            rgb = rgb + made
            facts["invented"] = f"{100 * float(invented.mean()):.3g} % of the picture has grain that was made"
        return Result(frame.with_rgb(rgb), self._views(frame.rgb, rgb, made, None, ctx), facts)

    def _rendered(self, frame: Frame, made: Synthesis, ctx: Context) -> Image:
        x, y = frame.window.x - frame.display.x, frame.window.y - frame.display.y
        stream = Stream.of(self.seed, "grain")
        if self.engine != "crystal":
            return add_spectral(
                frame.rgb,
                made.law,
                made.kernels,
                made.mix,
                stream=stream,
                frame=frame.number,
                x=x,
                y=y,
                threads=ctx.threads,
                check_abort=ctx.check_abort,
            )
        densities = law_densities()
        fields = []
        for layer in range(3):
            if not made.mix[:, layer].any():
                continue
            share = np.interp(frame.rgb[..., layer], densities, made.developed).astype(np.float32)
            fields.append(
                crystal_field(
                    share,
                    made.crystals,
                    stream=stream.child(layer),
                    frame=frame.number,
                    x=x,
                    y=y,
                    threads=ctx.threads,
                    check_abort=ctx.check_abort,
                )
            )
        mixed = [sum(np.float32(w) * f for w, f in zip(row, fields, strict=False)) for row in made.mix]
        out = np.empty(frame.rgb.shape, np.float32)
        apply_law(frame.rgb, [np.asarray(m, np.float32) for m in mixed], made.law, out, 0, 0)
        return out

    def _synthesis(self, frame: Frame, measured: MeasuredGrain | None) -> Synthesis:
        pitch = self._pitch_um(frame)
        stock = self._stock()
        densities = law_densities()
        if measured is None:
            deviation, kernels = _of_stock(stock, pitch, self.size, self.softness)
            correlation = np.full((3, 3), stock.correlation)
        else:
            deviation, kernels = _of_measured(measured, pitch, self.size, self.softness)
            correlation = measured.correlation.copy()
        gains = np.array([self.red, self.green, self.blue]) * (self.amount * self.strength)
        deviation = deviation * gains[:, None] * self._tones(densities)
        crystals = Crystals(stock.cloud_um * self.size / pitch, math.hypot(_SCANNER_PX, self.softness))
        developed = stock.developed(densities)
        mix = mixing(_shared(correlation, self.correlation), kernels if self.engine != "crystal" else kernels[:1] * 3)
        law = Law.gaussian(deviation)
        if self.engine == "crystal":
            lift = np.stack([crystals.lift(developed, d) for d in deviation])
            law = Law(law.deviation, lift.astype(np.float32))
        return Synthesis(kernels, mix, law, crystals, developed)

    def _tones(self, densities: Array) -> Array:
        bright = 1.0 - _smooth(densities, *_HIGHLIGHTS)
        dark = _smooth(densities, *_SHADOWS)
        return self.mids + bright * (self.highlights - self.mids) + dark * (self.shadows - self.mids)

    def _stock(self) -> Stock:
        if self.stock != "custom":
            return stocks()[self.stock]
        kind: Kind = self.medium  # type: ignore[assignment]
        return of_figure("custom", kind, self.rms, self.cloud_um)

    def _pitch_um(self, frame: Frame) -> float:
        """Micrometres of film that a pixel sees."""
        return self.film_um / frame.display.width

    @property
    def film_um(self) -> float:
        """Micrometres of film that the picture's width shows."""
        return (self.scan_width or WIDTH_MM[_GAUGES[self.gauge]]) * 1000

    def _views(
        self, before: Image, after: Image, made: Image | float, law: Law | None, ctx: Context
    ) -> dict[str, Image]:
        """The views; ``made`` is the density that the input does not determine."""
        views: dict[str, Image] = {}
        if "grain" in ctx.views:
            views["grain"] = np.float32(_MID_GREY) + np.float32(_VIEW_GAIN) * np.clip(after - before, -1, 1)
        if "plate" in ctx.views:
            views["plate"] = np.float32(_MID_GREY) + (after - before)
        if "synthesis" in ctx.views:
            density = np.clip(np.broadcast_to(np.asarray(made, np.float32), after.shape), -1, 1)
            light = np.abs(np.expm1(density * np.float32(-math.log(10))))
            views["synthesis"] = np.minimum(light.mean(axis=2), 1.0).astype(np.float32)
        if "deviation" in ctx.views:
            mean = np.zeros(before.shape[:2], np.float32)
            if law is not None:
                for c in range(3):
                    mean += np.interp(before[..., c], law_densities(), law.deviation[c]).astype(np.float32)
            views["deviation"] = mean / np.float32(3)
        return views


def _following(shot: Shot, number: int) -> list[int]:
    """The frames after one, and near the end of its shot those before it too, the nearest first."""
    numbers = list(shot.numbers)
    here = numbers.index(number)
    begins = [0, *(numbers.index(c) for c in shot.cuts), len(numbers)]
    first = max(b for b in begins if b <= here)
    last = min(b for b in begins if b > here)
    return (numbers[here + 1 : min(here + 1 + _MOST_HELD, last)] + numbers[first:here][::-1])[:_MOST_HELD]


@lru_cache(maxsize=32)
def _of_stock(stock: Stock, pitch_um: float, size: float, softness: float) -> tuple[Array, tuple[Kernel, ...]]:
    """Deviation of a pixel per layer over the law's densities, and the layers' kernels. ``size`` changes the kernels
    alone."""
    blur = math.hypot(_SCANNER_PX, softness)
    plain = stock_power(stock.cloud_um, pitch_um, blur)
    scale = pixel_over_aperture(plain, stock.cloud_um, pitch_um)
    kernel = kernel_of(plain if size == 1 else stock_power(stock.cloud_um * size, pitch_um, blur))
    return stock.deviation(law_densities()) * scale, (kernel,) * 3


def _of_measured(
    measured: MeasuredGrain, pitch_um: float, size: float, softness: float
) -> tuple[Array, tuple[Kernel, ...]]:
    """The same of measured grain, carried from the pixels that it was measured in to these."""
    deviation = measured.deviation_at(law_densities())
    nearer = measured.pitch_um / pitch_um if measured.pitch_um > 0 else 1.0
    kernels = []
    for layer in range(3):
        spectrum = measured.power[:, layer]
        before = measured_power(measured.frequency, spectrum, 1.0).mean()
        after = measured_power(measured.frequency, spectrum, nearer, softness).mean()
        deviation[layer] *= math.sqrt(float(after / before))
        kernels.append(kernel_of(measured_power(measured.frequency, spectrum, nearer * size, softness)))
    return deviation, tuple(kernels)


def _shared(correlation: Array, more: float) -> Array:
    """A correlation matrix moved towards all in common (``more`` = 1) or nothing (-1)."""
    towards = np.ones((3, 3)) if more > 0 else np.eye(3)
    moved = correlation + abs(more) * (towards - correlation)
    np.fill_diagonal(moved, 1.0)
    return np.asarray(moved)


def _smooth(x: Array, low: float, high: float) -> Array:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))
