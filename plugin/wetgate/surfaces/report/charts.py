"""Charts as inline SVG: coloured by the page's own variables, so that they follow its light and dark."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from wetgate.surfaces.report.data import Plot, Series, Timing
from wetgate.surfaces.report.scopes import VECTORSCOPE, ticks, vectorscope_hexagon

_WIDTH, _HEIGHT = 420, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 10, 22
_PLOT_HEIGHT = 240
_LEAST_SPAN = 0.1
_HOVER_MOST = 1000  # points that can be pointed at; more would be finer than the chart


def series_chart(series: Series) -> str:
    """One measure over the frames as a line; frames without a value break it. ``data-points`` serves the hover."""
    points = [(int(n), float(v)) for n, v in series.values]
    finite = [v for _, v in points if math.isfinite(v)]
    if not finite:
        return '<p class="quiet">No frame has a value.</p>'
    marks = round_ticks(*widened(min(finite), max(finite)))
    low, high = min(marks[0], min(finite)), max(marks[-1], max(finite))
    numbers = [n for n, _ in points]
    span = max(numbers[-1] - numbers[0], 1)

    def x(number: int) -> float:
        inner = _WIDTH - _LEFT - _RIGHT
        return _LEFT + inner * ((number - numbers[0]) / span if len(points) > 1 else 0.5)

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))

    grid = "".join(
        f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(m):.1f}" y2="{y(m):.1f}"/>'
        f'<text class="tick" x="{_LEFT - 8}" y="{y(m) + 3.5:.1f}" text-anchor="end">{figure(m)}</text>'
        for m in marks
    )
    ends = sorted({numbers[0], numbers[-1]})
    for number in ends:
        anchor = "middle" if len(ends) == 1 else ("start" if number == ends[0] else "end")
        grid += f'<text class="tick" x="{x(number):.1f}" y="{_HEIGHT - 5}" text-anchor="{anchor}">{number}</text>'
    runs: list[list[str]] = [[]]
    for number, value in points:
        if math.isfinite(value):
            runs[-1].append(f"{x(number):.1f} {y(value):.1f}")
        elif runs[-1]:
            runs.append([])
    lines = "".join(f'<path class="line" d="M{" L".join(run)}"/>' for run in runs if len(run) > 1)
    dots = "".join(
        f'<circle class="dot" cx="{run[0].split()[0]}" cy="{run[0].split()[1]}" r="2.5"/>'
        for run in runs
        if len(run) == 1
    )
    told = [[n, round(x(n), 1), round(y(v), 1), figure(v)] for n, v in points if math.isfinite(v)]
    hover = json.dumps(told[:: 1 + len(told) // _HOVER_MOST])
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" tabindex="0" '
        f'aria-label="{escape(series.name, quote=True)} by frame" data-points="{escape(hover, quote=True)}">'
        f'{grid}{lines}{dots}<line class="cursor" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" hidden=""/>'
        '<circle class="probe" r="3.5" hidden=""/></svg>'
    )


def plot_chart(plot: Plot) -> str:
    """Curves and measured points over linear axes that hold all of them and 0."""
    finite = [(x, y) for c in plot.curves for x, y in c.points if math.isfinite(x) and math.isfinite(y)]
    if not finite:
        return '<p class="quiet">Nothing was measured.</p>'
    across = round_ticks(min(0.0, *(x for x, _ in finite)), max(x for x, _ in finite))
    up = round_ticks(min(0.0, *(y for _, y in finite)), max(y for _, y in finite))
    left, right, base = _LEFT, _WIDTH - _RIGHT, _PLOT_HEIGHT - 2 * _BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        share = (x - across[0]) / (across[-1] - across[0]), (y - up[0]) / (up[-1] - up[0])
        return left + (right - left) * share[0], base - (base - _TOP) * share[1]

    body = []
    for mark in up:
        y = at(across[0], mark)[1]
        body.append(f'<line class="rule" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        body.append(f'<text class="tick" x="{left - 8}" y="{y + 3.5:.1f}" text-anchor="end">{figure(mark)}</text>')
    for mark in across:
        x = at(mark, up[0])[0]
        body.append(f'<text class="tick" x="{x:.1f}" y="{base + 15}" text-anchor="middle">{figure(mark)}</text>')
    middle = (left + right) / 2
    body.append(f'<text class="tick" x="{middle}" y="{_PLOT_HEIGHT - 8}" text-anchor="middle">{escape(plot.x)}</text>')
    for curve in plot.curves:
        runs: list[list[str]] = [[]]
        for x, y in curve.points:
            if not (math.isfinite(x) and math.isfinite(y)):
                runs.append([])
                continue
            px, py = at(x, y)
            if curve.dots:
                body.append(f'<circle class="dot {curve.colour}" cx="{px:.1f}" cy="{py:.1f}" r="2.6"/>')
            runs[-1].append(f"{px:.1f} {py:.1f}")
        if not curve.dots:
            body += [f'<path class="line {curve.colour}" d="M{" L".join(run)}"/>' for run in runs if len(run) > 1]
    label = f"{plot.name}: {plot.y} against {plot.x}"
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_PLOT_HEIGHT}" role="img" '
        f'aria-label="{escape(label, quote=True)}">{"".join(body)}</svg>'
    )


def nits_axis(top: float, width: int, height: int) -> str:
    """The graticule of a waveform: a line a level, its nits at the left."""
    lines = []
    for nits, at in ticks(top):
        y = height * (1 - at)
        kind = "rule strong" if nits in (100.0, 203.0) else "rule"
        lines.append(f'<line class="{kind}" x1="0" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="tick" x="-6" y="{y + 3.5:.1f}" text-anchor="end">{figure(nits)}</text>')
    return "".join(lines)


def histogram_chart(shares: NDArray[np.float64], top: float) -> str:
    """Three overlaid channels on the nits axis; height is the square root of the share, so that small shares show."""
    width, height = 438, 292  # the vectorscope beside it is as high
    base = height - _BOTTOM
    tall = np.sqrt(np.maximum(shares, 0.0))
    ceiling = max(float(np.sort(tall[:, 1:-1].ravel())[-3]) * 1.08, 1e-6)  # a spike of black must not flatten the rest
    inner = width - 2 * _RIGHT
    body = []
    for nits, at in ticks(top):
        x = _RIGHT + inner * at
        body.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{base}"/>')
        if nits in (1.0, 10.0, 100.0, 1000.0, 4000.0, 10000.0):
            anchor = "end" if at > 0.97 else "middle"
            body.append(f'<text class="tick" x="{x:.1f}" y="{height - 6}" text-anchor="{anchor}">{figure(nits)}</text>')
    for channel, name in enumerate(("red", "green", "blue")):
        bins = tall.shape[1]
        path = [f"M{_RIGHT} {base}"]
        for k, value in enumerate(tall[channel]):
            y = base - (base - _TOP) * min(float(value) / ceiling, 1.0)
            path.append(f"L{_RIGHT + inner * (k + 0.5) / bins:.1f} {y:.1f}")
        path.append(f"L{_RIGHT + inner} {base}Z")
        body.append(f'<path class="fill {name}" d="{" ".join(path)}"/>')
    label = 'role="img" aria-label="RGB histogram"'
    return f'<svg class="histogram" viewBox="0 0 {width} {height}" {label}>{"".join(body)}</svg>'


def vectorscope_graticule() -> str:
    """Cross, circle, and the hexagons of Rec.709 at 100 nits and P3 at 1,000 nits, with the primaries' letters."""
    size, middle = VECTORSCOPE, VECTORSCOPE / 2
    body = [
        f'<line class="rule" x1="0" x2="{size}" y1="{middle}" y2="{middle}"/>',
        f'<line class="rule" x1="{middle}" x2="{middle}" y1="0" y2="{size}"/>',
    ]
    for primaries, nits, kind in (("rec709", 100.0, "gamut"), ("p3d65", 1000.0, "gamut wide")):
        corners = vectorscope_hexagon(primaries, nits)
        path = " L".join(f"{x * size:.1f} {y * size:.1f}" for x, y in corners)
        body.append(f'<path class="{kind}" d="M{path}Z"/>')
        if primaries == "p3d65":
            for letter, (x, y) in zip("RYGCBM", corners, strict=True):
                push = 1 + 14 / max(math.hypot(x * size - middle, y * size - middle), 1)
                tx, ty = middle + (x * size - middle) * push, middle + (y * size - middle) * push
                body.append(f'<text class="tick" x="{tx:.1f}" y="{ty + 3.5:.1f}" text-anchor="middle">{letter}</text>')
    return "".join(body)


def timing_bar(timing: Timing) -> str:
    """Mean seconds of work a frame in each stage, as one bar with its key."""
    stages = [("read", timing.read), ("compute", timing.compute), ("write", timing.write)]
    total = sum(s for _, s in stages)
    if total <= 0:
        return ""
    bars = "".join(f'<span class="{n}" style="flex:{100 * max(s / total, 0.004):.3f}"></span>' for n, s in stages)
    keys = "".join(f'<span class="{n}"><i></i>{n} <b>{s:.3f}\u202fs</b></span>' for n, s in stages)
    return f'<div class="bar">{bars}</div><div class="key">{keys}</div>'


def widened(low: float, high: float) -> tuple[float, float]:
    """The span of an axis for values low..high: a tenth of the greatest at least, so that a wobble looks like one."""
    least = _LEAST_SPAN * max(abs(low), abs(high))
    if high - low >= least:
        return low, high
    middle = (low + high) / 2
    return middle - least / 2, middle + least / 2


def round_ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round marks that enclose low..high: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if high - low < 1e-9 * max(abs(high), 1e-3):
        pad = max(abs(high) * 0.05, 1e-3)
        low, high = low - pad, high + pad
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, last + 1)]


def figure(value: float) -> str:
    """A number to read: four significant digits, thousands apart, exponents only far out."""
    if not math.isfinite(value):
        return "∞" if value > 0 else ("−∞" if value < 0 else "–")
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        text = f"{value:.2e}"
    elif size >= 1000:
        text = f"{value:,.0f}".replace(",", "\u202f")
    else:
        text = f"{value:.4g}"
    return text.replace("-", "−")


def mean_of(series: Series) -> float:
    """The mean of the finite values, or nan."""
    finite = [v for _, v in series.values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.nan


def extremes_of(series: Series) -> tuple[float, float]:
    """The least and greatest finite value, or nan twice."""
    finite: Sequence[float] = [v for _, v in series.values if math.isfinite(v)]
    return (min(finite), max(finite)) if finite else (math.nan, math.nan)
