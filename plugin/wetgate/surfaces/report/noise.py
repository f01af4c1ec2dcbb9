"""The noise of a shot in the report: its curve with the measured points, its spectrum, and the verdict's evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from wetgate.ops.noise_measure import FORMAT, RINGS, MeasuredNoise
from wetgate.ops.noise_verdict import EVIDENCE, Verdict
from wetgate.surfaces.report.data import Curve, Plot, Plots, Table

_CODES = 255.0  # deviations are told as the node's own parameter has them
_COLOURS: tuple[tuple[str, Literal["red", "green", "blue"]], ...] = (
    ("red", "red"),
    ("green", "green"),
    ("blue", "blue"),
)
_LAWS = {
    "constant": "the same at all levels",
    "poisson-gaussian": "variance on a line: photons and read noise",
    "free": "neither: a smooth curve through the points",
}


def noise_plots(step: str, results: Mapping[str, Any]) -> Plots | None:
    """The section for one step's analysis; None where that holds no measured noise."""
    document = results.get("noise")
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        return None
    measured = MeasuredNoise.from_json(document)
    if measured is None:
        return None
    tables = [_curves_table(measured)]
    said = results.get("verdict", {})
    about = f"Measured in {measured.frames} frames of the shot, in the footage's own values."
    if "odds" in said:
        verdict = Verdict.from_json(said)
        about += f" Said to be {verdict.origin}, {100 * verdict.confidence:.0f} % sure."
        tables.insert(0, _evidence_table(verdict))
    return Plots(f"Noise: {step}", [_curve_plot(measured), _spectrum_plot(measured)], about, tables)


def _curve_plot(measured: MeasuredNoise) -> Plot:
    lines, dots = [], []
    for (name, colour), curve in zip(_COLOURS, measured.best, strict=False):
        pairs = zip(curve.level, curve.deviation, curve.points, strict=True)
        knots = [(float(x), _CODES * float(s), _CODES * float(p)) for x, s, p in pairs]
        lines.append(Curve(name, [(x, s) for x, s, _ in knots], colour))
        dots.append(Curve(f"{name}, measured", [(x, p) for x, _, p in knots], colour, dots=True))
    caption = "Dots are what flat places showed before any law; the line is what the node works by."
    return Plot("Strength by level", [*lines, *dots], "level", "deviation, 255ths", caption)


def _spectrum_plot(measured: MeasuredNoise) -> Plot:
    curves = [
        Curve(name, [(f, float(p)) for f, p in zip(RINGS, row, strict=True)], colour)
        for (name, colour), row in zip(_COLOURS, measured.radial(), strict=False)
    ]
    white = Curve("white", [(RINGS[0], 1.0), (RINGS[-1], 1.0)])
    kind = "It could not be told from white." if measured.white else "Below 1 at the right: coarser than single pixels."
    return Plot(
        "Spectrum", [white, *curves], "cycles a pixel", "power, mean 1", f"The level line is white noise. {kind}"
    )


def _curves_table(measured: MeasuredNoise) -> Table:
    rows = [
        [
            name,
            _LAWS[curve.law],
            f"{_CODES * float(curve.deviation.min()):.3g} to {_CODES * float(curve.deviation.max()):.3g}",
            f"{100 * curve.error:.0f} %",
            "not known" if share != share else f"{100 * float(share):.0f} %",
        ]
        for (name, _), curve, share in zip(_COLOURS, measured.best, measured.independence, strict=False)
    ]
    columns = ["channel", "law", "deviation, 255ths", "doubt", "new in each frame"]
    repeats = f"{len(measured.repeated)} of them repeat the one before." if measured.repeated else ""
    return Table("Curves", rows, columns, repeats)


def _evidence_table(verdict: Verdict) -> Table:
    rows: list[list[Any]] = [[f"odds of {name}", f"{100 * p:.0f} %", ""] for name, p in verdict.odds.items()]
    for name, value in verdict.evidence.items():
        mark = " (decisive)" if name in verdict.reasons else ""
        rows.append([name.replace("_", " ") + mark, f"{value:.2f}", EVIDENCE.get(name, "")])
    return Table("Where it comes from", rows, ["evidence", "value", "what it is"])
