"""The fade of a reel in the report: densities before and after, the curve of each dye, the figures of fade and stain,
how unevenly each shot has faded, and what of a picture comes back and what is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.color.config import ColorConfig
from wetgate.color.fade import DyeFade, unbent
from wetgate.engine.colour import Colour
from wetgate.ops.fade_facts import Gathered, trust_in
from wetgate.ops.fade_field import extent
from wetgate.spec import DENSITY, DISPLAY, Context, Frame, Window, registry
from wetgate.surfaces.report.data import Curve, Gallery, Plot, Plots, Table, View
from wetgate.surfaces.report.images import srgb_from_nits

Array = NDArray[np.float64]
Colour3 = Literal["red", "green", "blue"]

NODE = "color_decay"
_LAYERS: tuple[Colour3, ...] = ("red", "green", "blue")
# Each dye is drawn in the colour that it absorbs: the layer of the scan that shows it.
_DYES: tuple[tuple[str, Colour3], ...] = (("cyan", "red"), ("magenta", "green"), ("yellow", "blue"))
_MOST_POINTS = 240  # of each layer
_MOST_FIELDS = 6
_FIELD = (90, 160)  # rows and columns of an unevenness picture
_OLDER = (
    "The analysis was made by an earlier version of Wetgate, which did not write down what the plots need. The render"
    " follows it as before; to see the plots, analyse the shot again."
)
_VIEWS = {
    "recovered": "What comes back; what is drowned in noise, fourfold to tenfold, goes over to magenta.",
    "confidence": "How far the result is determined, white wholly: by the analysis, and by what noise it multiplies.",
}


def fade_plots(step: str, results: Mapping[str, Any]) -> Plots | None:
    """The section for one step's analysis; None where that holds no fade."""
    reel = results.get("reel")
    if not isinstance(reel, Mapping) or "vector" not in reel or "gathered" not in results:
        return None
    if "matrix" not in reel:
        return Plots(f"Fade: {step}", [], _OLDER)
    found = Gathered.from_json(results["gathered"])
    trust = float(reel["trust"])
    whole = _fade_of(reel)
    used = whole.scaled(trust, trust)
    colours = np.concatenate([s.colours for s in found.shots])
    seen = colours[np.unique(np.linspace(0, len(colours) - 1, _MOST_POINTS).round().astype(int))]
    known = [(b.kind, np.median(b.pieces[1:-1], axis=0)) for b in found.borders]
    known += [(p.kind, p.density) for p in found.points]
    about = (
        f"Solved over {_counted(int(reel['shots']), 'shot')} together, and used to {100 * trust:.0f} %. Densities are"
        " of the scan, over clear film; the line is where neutral lies."
    )
    plots = [
        _densities(
            "Density in the scan", seen, known, "What the analysis saw, and clear film, black and pointed places."
        ),
        _densities(
            "Density restored", used.restored(seen), [(k, used.restored(d[None])[0]) for k, d in known], "As rendered."
        ),
        _curves(used, seen),
    ]
    return Plots(f"Fade: {step}", plots, about, [_fade_table(whole, used), _evidence(reel), _shots(results, whole)])


def fade_gallery(
    step: str,
    results: Mapping[str, Any],
    params: Mapping[str, Any],
    samples: Sequence[tuple[int, Frame]],
    config: str | None,
) -> Gallery | None:
    """Of one or two frames as they came in: what comes back and what is lost; and each shot's unevenness."""
    reel = results.get("reel")
    if not isinstance(reel, Mapping) or "matrix" not in reel:
        return None
    views = [view for number, frame in samples[:2] for view in _lost_and_found(number, frame, results, params, config)]
    views += _fields(results)
    if not views:
        return None
    return Gallery(f"What came back, and how evenly: {step}", views, columns=3)


def _lost_and_found(
    number: int, frame: Frame, results: Mapping[str, Any], params: Mapping[str, Any], config: str | None
) -> list[View]:
    colour = Colour(ColorConfig.load(config), frame.space)
    density = colour.to(frame, DENSITY)
    node = registry.get(NODE).make(dict(params))
    made = node.render(Window((density,)), Context(analysis=results, views=frozenset(_VIEWS)))
    shown = [
        ("In the scan", density.rgb, ""),
        ("Color Decay alone", made.frame.rgb, "Before the steps that follow it."),
    ]
    views = [View(name, _pixels(colour, frame, picture), caption, number) for name, picture, caption in shown]
    for name, caption in _VIEWS.items():
        aov = made.aovs[name]
        if aov.ndim == 3:
            pixels = _pixels(colour, frame, aov)
        else:
            pixels = np.repeat(np.rint(np.clip(aov, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
        views.append(View(name.capitalize(), pixels, caption, number))
    return views


def _pixels(colour: Colour, frame: Frame, density: Any) -> NDArray[np.uint8]:
    nits = colour.to(Frame(np.ascontiguousarray(density, np.float32), DENSITY, frame.number), DISPLAY).rgb
    return srgb_from_nits(np.ascontiguousarray(nits), hdr=False)


def _fields(results: Mapping[str, Any]) -> list[View]:
    left, top, right, bottom = results["gathered"]["window"]
    views = []
    for shot in results["shots"][:_MOST_FIELDS]:
        theta = np.array(shot["field"])
        if not np.any(theta):
            continue
        far = extent(theta, (left, top, right, bottom), *_FIELD)
        grey = np.rint(np.clip(far * 0.5, 0, 1) * 255).astype(np.uint8)
        caption = f"How far the fade has gone, grey in the mean: {far.min():.2f} to {far.max():.2f} times."
        views.append(View(f"Unevenness, {_span(shot)}", np.repeat(grey[..., None], 3, axis=2), caption))
    return views


def _fade_of(reel: Mapping[str, Any]) -> DyeFade:
    return DyeFade.of_vector(np.array(reel["vector"]), np.array(reel["matrix"]).reshape(3, 3))


def _densities(name: str, density: Array, known: Sequence[tuple[str, Array]], caption: str) -> Plot:
    mean = density.mean(axis=1)
    end = max(float(np.quantile(mean, 0.99)), *(float(d.mean()) for _, d in known), 0.5)
    curves = [Curve("neutral", [(0.0, 0.0), (end, end)])]
    for layer, colour in enumerate(_LAYERS):
        points = [(float(m), float(d)) for m, d in zip(mean, density[:, layer], strict=True)]
        curves.append(Curve(colour, points, colour, dots=True))
    for kind, at in known:
        curves += [Curve(kind, [(float(at.mean()), float(v))], dots=True) for v in at]
    return Plot(name, curves, "mean density", "density", caption)


def _curves(fade: DyeFade, density: Array) -> Plot:
    amounts = np.maximum(density @ np.linalg.inv(fade.matrix).T - fade.base, 0)
    curves = [Curve("unfaded", [(0.0, 0.0), (float(np.quantile(amounts, 0.99)),) * 2])]
    for dye, (name, colour) in enumerate(_DYES):
        left = np.linspace(0, max(float(np.quantile(amounts[:, dye], 0.99)), 0.1), 24)
        every = np.zeros((24, 3))
        every[:, dye] = left
        made = unbent(every * fade.gain, fade.bend)[:, dye]
        curves.append(Curve(name, [(float(x), float(y)) for x, y in zip(left, made, strict=True)], colour))
    caption = (
        "Cyan in red, magenta in green, yellow in blue: each dye as the layer that shows it. Steeper: more was lost."
    )
    return Plot("Dye curves", curves, "amount of dye that is left", "restored", caption)


def _fade_table(whole: DyeFade, used: DyeFade) -> Table:
    stain, rows = whole.stain, []
    for dye, (name, layer) in enumerate(_DYES):
        rows.append(
            [
                name,
                f"{100 * float(whole.loss[dye]):.0f} %",
                f"{float(used.gain[dye]):.2f}",
                f"{float(used.bend[dye]):+.3f}",
                f"{layer} {float(stain[dye]):+.3f}",
            ]
        )
    columns = ["dye", "lost", "multiplied by, as used", "bend, as used", "stain of the base, D"]
    return Table("Fade and stain", rows, columns, "Lost: where there is little of the dye, by the whole solution.")


def _evidence(reel: Mapping[str, Any]) -> Table:
    rows: list[list[Any]] = [
        ["used, share of the solution", f"{100 * float(reel['trust']):.0f} %"],
        ["what the whole of it changes, dE", f"{float(reel['change']):.1f}"],
        ["error to be expected of that, dE", f"{float(reel['expected_error']):.1f}"],
        ["clear film seen", bool(reel["base"])],
        ["frame lines or black seen", bool(reel["black"])],
    ]
    rows += [[f"{a['kind']}: missed by, D", f"{float(a['misses']):.4f}"] for a in reel["anchors"]]
    return Table(
        "What it stands on", rows, (), "An anchor is missed where the fade's nine numbers cannot meet them all."
    )


def _shots(results: Mapping[str, Any], whole: DyeFade) -> Table:
    left, top, right, bottom = results["gathered"]["window"]
    rows = []
    for shot in results["shots"]:
        own = DyeFade.of_vector(np.array(shot["own"]["vector"]), whole.matrix)
        far = extent(np.array(shot["field"]), (left, top, right, bottom), *_FIELD)
        loss = " / ".join(f"{100 * float(f):.0f}" for f in own.loss)
        used, alone = (f"{100 * trust_in(results, shot, lock):.0f} %" for lock in (True, False))
        rows.append([_span(shot), used, loss, alone, f"{far.min():.2f} to {far.max():.2f}"])
    columns = ["frames", "used of the reel's", "loss alone, C / M / Y, %", "trusted alone", "unevenness"]
    about = (
        "Used: a shot whose pictures do not bear out all of the reel's fade gets less of it. Alone: what the shot by"
        " itself would say, used only without the reel lock."
    )
    return Table("Shots", rows, columns, about)


def _span(shot: Mapping[str, Any]) -> str:
    return str(shot["first"]) if shot["first"] == shot["last"] else f"{shot['first']}-{shot['last']}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
