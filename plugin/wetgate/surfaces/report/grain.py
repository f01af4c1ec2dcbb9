"""The grain of a shot in the report: what was measured, what is made of it, and how well the two match.

What is made is measured too: the node renders flat fields at the tones of the shot, and they go through the same
analysis as the shot did. So a match is told by what comes out, not by what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from wetgate.color.film_stocks import stocks
from wetgate.ops.grain_analysis import MeasuredGrain, combine
from wetgate.ops.grain_match import CORRELATION, DEVIATION_PERCENT, SPECTRUM_DB, GrainMatch, compare, third_octaves
from wetgate.ops.grain_patches import measure_frame
from wetgate.ops.metrics_grain import BANDS
from wetgate.spec import DENSITY, Box, Context, Frame, Window, registry
from wetgate.surfaces.report.data import Curve, Plot, Plots, Table

_LAYERS: tuple[tuple[str, Literal["red", "green", "blue"]], ...] = (
    ("red", "red"),
    ("green", "green"),
    ("blue", "blue"),
)
_FIELD = 512  # pixels a side of the flat fields that are made: 225 patches each
_MOST_TONES = 6
_SEED = 20071  # of the fields: other grain than any frame's


@dataclass(frozen=True, slots=True)
class Grains:
    """The grain of one step: of the shot by its analysis, of what the node makes, and of the sampled frames before and
    after the whole render. None where there is none, or too little flat picture to see it."""

    shot: MeasuredGrain | None
    made: MeasuredGrain | None
    source: MeasuredGrain | None = None
    result: MeasuredGrain | None = None


def grain_plots(
    step: str,
    params: Mapping[str, Any],
    results: Mapping[str, Any] | None,
    size: Sequence[int],
    source: MeasuredGrain | None = None,
    result: MeasuredGrain | None = None,
) -> Plots | None:
    """The section for one grain step; None where neither the shot nor what is made has grain to show.

    ``params`` are the step's values, ``results`` its analysis, ``size`` width and height of the picture; ``source`` and
    ``result`` what was measured in sampled frames before and after the render.
    """
    shot = None if results is None else MeasuredGrain.from_json(results)
    grains = Grains(shot, _made(params, results, shot, size), source, result)
    if not any((grains.shot, grains.made, grains.source, grains.result)):
        return None
    plots = [p for p in (_strength(grains), _spectrum(grains), _in_the_frames(grains)) if p is not None]
    tables = [t for t in (_match_table(grains, params), _correlations(grains), _origin(params)) if t is not None]
    return Plots(f"Grain: {step}", plots, _about(grains, params), tables)


def _made(
    params: Mapping[str, Any], results: Mapping[str, Any] | None, shot: MeasuredGrain | None, size: Sequence[int]
) -> MeasuredGrain | None:
    """What the node makes on flat fields at the tones of the shot; None where it makes none of its own."""
    constants = {name: value for name, value in params.items() if not isinstance(value, Mapping)}
    given = constants | {"seed": _SEED, "strength": 1.0, "view": "result", "mix": 1.0}
    if given["engine"] == "plate" or given["amount"] == 0:
        return None
    node = registry.get("grain").make({n: tuple(v) if isinstance(v, list) else v for n, v in given.items()})
    part, whole = Box(0, 0, _FIELD, _FIELD), Box(0, 0, int(size[0]), int(size[1]))
    context = Context(analysis=results)
    fields = []
    for number, tone in enumerate(_tones(shot)):
        flat = np.full((_FIELD, _FIELD, 3), tone, np.float32)
        frame = Frame(flat, DENSITY, number, data_window=part, display_window=whole)
        fields.append(measure_frame(node.render(Window((frame,)), context).frame.rgb))
    return combine(fields, 0.0)


def _tones(shot: MeasuredGrain | None) -> list[float]:
    if shot is None:
        return [0.15, 0.45, 0.75, 1.05, 1.35]
    knots = np.unique(np.round(np.concatenate([np.array(d) for d in shot.density]), 2))
    return [
        float(v) for v in np.unique(np.interp(np.linspace(0, len(knots) - 1, _MOST_TONES), range(len(knots)), knots))
    ]


def _strength(grains: Grains) -> Plot | None:
    caption = "Dots are what flat places of the shot showed; the lines are what the node makes, measured alike."
    return _deviations("Strength by density", ("made", grains.made), ("measured", grains.shot), caption)


def _spectrum(grains: Grains) -> Plot | None:
    if grains.shot is None and grains.made is None:
        return None
    curves: list[Curve] = []
    for grain, dots in ((grains.made, False), (grains.shot, True)):
        if grain is not None:
            levels = third_octaves(grain)
            said = "measured" if dots else "made"
            curves += [
                Curve(
                    f"{name}, {said}", [(f, float(v)) for f, v in zip(BANDS, levels[:, c], strict=True)], colour, dots
                )
                for c, (name, colour) in enumerate(_LAYERS)
            ]
    caption = "Third-octave bands; 0 dB is white noise of the same deviation. Coarse grain is high at the left."
    return Plot("Spectrum", curves, "cycles a pixel", "power, dB", caption)


def _in_the_frames(grains: Grains) -> Plot | None:
    caption = "Of the sampled frames: dots are the source's grain, lines the result's, all steps of the graph included."
    return _deviations("Before and after", ("result", grains.result), ("source", grains.source), caption)


def _deviations(
    title: str, lines: tuple[str, MeasuredGrain | None], dots: tuple[str, MeasuredGrain | None], caption: str
) -> Plot | None:
    """Deviation against density of each layer, of a named grain as lines and another as dots; None without either."""
    curves = [
        Curve(f"{name}, {said}", _knots(grain, c), colour, dots=said == dots[0])
        for c, (name, colour) in enumerate(_LAYERS)
        for said, grain in (lines, dots)
        if grain is not None
    ]
    return Plot(title, curves, "density of the picture", "deviation, density", caption) if curves else None


def _knots(grain: MeasuredGrain, layer: int) -> list[tuple[float, float]]:
    return list(zip(grain.density[layer], grain.deviation[layer], strict=True))


def _match_table(grains: Grains, params: Mapping[str, Any]) -> Table | None:
    rows: list[list[Any]] = []
    if grains.shot is not None and grains.made is not None and params["match"]:
        rows.append(["what is made against the shot", *_told(compare(grains.shot, grains.made))])
    if grains.source is not None and grains.result is not None:
        rows.append(["result against source", *_told(compare(grains.source, grains.result))])
    if not rows:
        return None
    columns = ["largest difference", "deviation", "spectrum", "correlation"]
    caption = (
        f"A match is held to {DEVIATION_PERCENT:g} %, {SPECTRUM_DB:g} dB and {CORRELATION:g} on eight flat frames"
        " of HD; smaller samples scatter by more than that themselves."
    )
    return Table("Match", rows, columns, caption)


def _told(match: GrainMatch) -> list[str]:
    deviation, spectrum, correlation = match.worst
    said = "no common tone" if deviation != deviation else f"{deviation:.1f} %"
    return [said, f"{spectrum:.2f} dB", f"{correlation:.3f}"]


def _correlations(grains: Grains) -> Table | None:
    named = (
        ("measured in the shot", grains.shot),
        ("made", grains.made),
        ("source, sampled", grains.source),
        ("result, sampled", grains.result),
    )
    rows = [
        [name, *(f"{grain.correlation[a, b]:.3f}" for a, b in ((0, 1), (1, 2), (0, 2))), grain.patches]
        for name, grain in named
        if grain is not None
    ]
    return Table("Correlation between layers", rows, ["grain", "red-green", "green-blue", "red-blue", "flat patches"])


def _origin(params: Mapping[str, Any]) -> Table:
    if params["engine"] == "plate":
        return Table("Where it comes from", [["grain", "the shot's own, split off and returned"]])
    if params["stock"] == "custom":
        return Table("Where it comes from", [["stock", "by its figures"], ["RMS granularity", float(params["rms"])]])
    stock = stocks()[params["stock"]]
    rows: list[list[Any]] = [["stock", stock.label], ["granularity and MTF", stock.source]]
    rows += [list(pair) for pair in stock.estimates]
    return Table("Where the stock's figures come from", rows)


def _about(grains: Grains, params: Mapping[str, Any]) -> str:
    if params["engine"] == "plate":
        return "The grain that was split off was put back."
    if not params["match"]:
        return f"The grain of {params['stock']}, whatever the shot has."
    if grains.shot is None:
        return "The shot showed no flat grain to match, so this is the stock's."
    return f"Matched to {grains.shot.patches} flat patches in {grains.shot.frames} frames of the shot."
