"""The page itself: one self-contained HTML file, nothing fetched, every text escaped."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import wetgate
from wetgate.spec import FrameError, UsageError
from wetgate.surfaces.report import charts, images, scopes, viewer
from wetgate.surfaces.report.data import Gallery, Picture, Plot, Plots, ReportData, Series, Side, Table

_LIMIT = 6_000_000
_RECORD_MOST = 100_000  # characters of one entry of the record
_METADATA = {
    "max_cll": "MaxCLL, nits",
    "max_fall": "MaxFALL, nits",
    "max_cll_percentile": "MaxCLL, percentile, nits",
    "max_fall_percentile": "MaxFALL, percentile, nits",
    "mastering_display": "Mastering display (ST 2086, as x265 writes it)",
    "percentile": "Percentile",
}
_LEVELS = {"error": "Error", "warning": "Warning", "note": "Note"}


def build_report(data: ReportData) -> str:
    """The report as HTML. The comparison's pictures are reduced until the page is under 6 MB or they are smallest."""
    head, tail = _before_the_pictures(data), _after_the_pictures(data)
    page = ""
    for sizes in viewer.sizes(data, _LIMIT - len(head) - len(tail)):
        page = head + viewer.comparison(data, sizes) + tail
        if len(page) <= _LIMIT:
            break
    return page


def write_report(path: str | Path, data: ReportData) -> Path:
    """Write the report, whole or not at all. Raises :class:`UsageError` where the place cannot be written."""
    from wetgate.io.atomic import write_bytes

    target = Path(path)
    try:
        write_bytes(target, build_report(data).encode("utf-8"))
    except FrameError as error:
        raise UsageError("the report cannot be written", where=str(target), remedy=str(error.__cause__)) from error
    return target


def _before_the_pictures(data: ReportData) -> str:
    digest = base64.b64encode(hashlib.sha256(_part("page.js").encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="dark light">\n'
        f'<meta name="generator" content="Wetgate {escape(wetgate.__version__)}">\n'
        f"<title>{escape(data.title)} · Wetgate</title>\n"
        f"<style>\n{_part('page.css')}</style>\n</head>\n<body>\n<main>\n{_header(data)}\n{_notes(data)}\n"
    )


def _after_the_pictures(data: ReportData) -> str:
    sections = [
        *(_gallery(g) for g in data.galleries if g.first),
        _scopes(data),
        _metrics(data),
        *(_plots(p) for p in data.plots),
        _gallery(Gallery("Views", data.views)),
        *(_gallery(g) for g in data.galleries if not g.first),
        _tables(data),
        _record(data),
    ]
    return (
        "\n"
        + "\n".join(s for s in sections if s)
        + f"\n</main>\n<footer>Wetgate {escape(wetgate.__version__)}. Scopes and figures are computed from the float "
        "pixels; the pictures above are 8-bit previews. This file needs no network.</footer>\n"
        f"<script>{_part('page.js')}</script>\n</body>\n</html>\n"
    )


def _part(name: str) -> str:
    return (files("wetgate.surfaces.report") / name).read_text(encoding="utf-8")


def _header(data: ReportData) -> str:
    subtitle = f'<p class="subtitle">{escape(data.subtitle)}</p>' if data.subtitle else ""
    facts = list(data.facts)
    if data.timing is not None:
        facts.append(("Time", f"{data.timing.seconds_a_frame:.2f} s a frame"))
        if data.timing.joules is not None:
            facts.append(("Energy", f"{data.timing.joules / max(data.timing.frames, 1):.1f} J a frame"))
    items = "".join(f"<div><dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd></div>" for k, v in facts)
    strip = f'<dl class="facts">{items}</dl>' if items else ""
    return f'<header><p class="mark">Wetgate</p><h1>{escape(data.title)}</h1>{subtitle}{strip}</header>'


def _notes(data: ReportData) -> str:
    if not data.notes:
        return ""
    order = list(_LEVELS)
    ranked = sorted(data.notes, key=lambda n: order.index(n.level))
    items = "".join(
        f'<li class="{n.level}"><b>{_LEVELS[n.level]}</b><span>{escape(n.text)}</span></li>' for n in ranked
    )
    return f'<section class="notes" aria-label="Notes and warnings"><ul>{items}</ul></section>'


def _scopes(data: ReportData) -> str:
    peaks = [float(p.nits.max()) for side in (data.before, data.after) for p in side.pictures]
    top = scopes.axis_top(peaks)
    columns = "".join(_scope_column(side, top) for side in (data.before, data.after))
    return (
        '<section class="scopes"><h2>Scopes</h2><p class="quiet">Absolute light: nits in equal steps of PQ code, the '
        "same axis on both sides; 100 nits (SDR white) and 203 nits (HDR reference white) are marked. Vectorscope: "
        "BT.2100 ICtCp, with the hexagons of Rec.709 at 100 nits and of P3 at 1\u202f000 nits.</p>"
        f'<div class="pair">{columns}</div></section>'
    )


def _scope_column(side: Side, top: float) -> str:
    frames = "".join(_scopes_of(p, top, i) for i, p in enumerate(side.pictures))
    where = f"<span>{escape(side.space)}</span>" if side.space else ""
    return f'<div class="side"><h3>{escape(side.label)}{where}</h3>{frames}</div>'


def _scopes_of(picture: Picture, top: float, index: int) -> str:
    width, height = scopes.WAVEFORM
    size = scopes.VECTORSCOPE
    name = escape(str(picture.number))
    hidden = "" if index == 0 else " hidden"
    wave = images.drawing_uri(scopes.waveform(picture.nits, top=top))
    vector = images.drawing_uri(scopes.vectorscope(picture.nits))
    brightest = charts.figure(float(f"{float(picture.nits.max()):.4g}"))
    mean = charts.figure(float((picture.nits @ scopes.LUMINANCE).mean()))
    return (
        f'<div class="frameset" data-index="{index}"{hidden}><figure>'
        f'<svg viewBox="-44 -8 {width + 52} {height + 16}" role="img" aria-label="Waveform in nits, frame {name}">'
        f'<image href="{wave}" width="{width}" height="{height}"/>{charts.nits_axis(top, width, height)}</svg>'
        f"<figcaption>Waveform in nits: brightest sample {brightest}, mean luminance {mean}</figcaption></figure>"
        f'<div class="small"><figure><svg class="vector" viewBox="-6 -6 {size + 12} {size + 12}" role="img" '
        f'aria-label="Vectorscope, frame {name}"><image href="{vector}" width="{size}" height="{size}"/>'
        f"{charts.vectorscope_graticule()}</svg><figcaption>Vectorscope</figcaption></figure>"
        f"<figure>{charts.histogram_chart(scopes.histogram(picture.nits, top=top), top)}"
        "<figcaption>Histogram in nits</figcaption></figure></div></div>"
    )


def _metrics(data: ReportData) -> str:
    if not data.metrics:
        return ""
    cells = "".join(_metric(series) for series in data.metrics)
    return f'<section class="metrics"><h2>Measures</h2><div class="grid">{cells}</div></section>'


def _metric(series: Series) -> str:
    low, high = charts.extremes_of(series)
    unit = f"\u202f{escape(series.unit)}" if series.unit else ""
    arrow = {"higher": "higher is better", "lower": "lower is better", "": ""}[series.better]
    about = ", ".join(escape(t) for t in (series.domain, arrow) if t)
    return (
        f'<figure class="metric"><figcaption><b>{escape(series.name)}</b>'
        f'<span class="value">{charts.figure(charts.mean_of(series))}{unit}</span>'
        f'<span class="range">{charts.figure(low)} to {charts.figure(high)}</span></figcaption>'
        f'{charts.series_chart(series)}<p class="quiet">{about}</p></figure>'
    )


def _plots(plots: Plots) -> str:
    about = f'<p class="quiet">{escape(plots.about)}</p>' if plots.about else ""
    cells = "".join(_plot(plot) for plot in plots.plots)
    under = "".join(_table(t) for t in plots.tables)
    under = f'<div class="tables">{under}</div>' if under else ""
    return (
        f'<section class="metrics plots"><h2>{escape(plots.title)}</h2>{about}<div class="grid">{cells}</div>'
        f"{under}</section>"
    )


def _plot(plot: Plot) -> str:
    caption = f'<p class="quiet">{escape(plot.caption)}</p>' if plot.caption else ""
    return (
        f'<figure class="metric"><figcaption><b>{escape(plot.name)}</b><span class="range">{escape(plot.y)}</span>'
        f"</figcaption>{charts.plot_chart(plot)}{caption}</figure>"
    )


def _gallery(gallery: Gallery) -> str:
    cells = []
    for view in gallery.views:
        uri = images.photograph_uri(images.reduced(view.pixels, gallery.width))
        frame = f"<span>frame {view.number}</span>" if view.number is not None else ""
        cells.append(
            f'<figure><img src="{uri}" alt="{escape(view.name, quote=True)}">'
            f"<figcaption><b>{escape(view.name)}</b>{frame}<p>{escape(view.caption)}</p></figcaption></figure>"
        )
    if not cells:
        return ""
    kind = f"thumbs across-{gallery.columns}" if gallery.columns else "thumbs"
    about = f'<p class="quiet">{escape(gallery.about)}</p>' if gallery.about else ""
    under = _table(gallery.table) if gallery.table is not None else ""
    return (
        f'<section class="{kind}"><h2>{escape(gallery.title)}</h2>{about}'
        f'<div class="grid">{"".join(cells)}</div>{under}</section>'
    )


def _tables(data: ReportData) -> str:
    tables = list(data.tables)
    if data.hdr_metadata:
        rows = [(_METADATA.get(k, k.replace("_", " ")), v) for k, v in data.hdr_metadata.items()]
        tables.insert(0, Table("HDR metadata", rows))
    body = "".join(_table(t) for t in tables)
    if data.timing is not None:
        t = data.timing
        facts = [("Frames", t.frames), ("Wall clock", f"{t.wall_seconds:.2f} s")]
        facts.append(("Seconds a frame", f"{t.seconds_a_frame:.3f}"))
        facts += [(f"of them, step {name}", f"{seconds:.3f}") for name, seconds in t.steps]
        if t.joules is None:
            facts.append(("Energy", "not known: no counter of this machine can be read"))
        else:
            facts.append(
                ("Energy", f"{t.joules:.0f} J of the {t.joules_of}, {t.joules / max(t.frames, 1):.1f} J a frame")
            )
        if t.machine:
            facts.append(("Machine", t.machine))
        caption = (
            "The bar: mean work a frame in each stage, which run side by side. The wall clock holds the whole render, "
            "its analysis included."
        )
        body += _table(Table("Time and energy", facts, caption=caption), extra=charts.timing_bar(t))
    return f'<section class="tables">{body}</section>' if body else ""


def _table(table: Table, extra: str = "") -> str:
    head = "".join(f'<th scope="col">{escape(str(c))}</th>' for c in table.columns)
    head = f"<thead><tr>{head}</tr></thead>" if head else ""
    rows = []
    for row in table.rows:
        cells = [_cell(v) for v in row]
        first = f'<th scope="row">{cells[0][1]}</th>'
        rows.append("<tr>" + first + "".join(f'<td class="{kind}">{text}</td>' for kind, text in cells[1:]) + "</tr>")
    caption = f'<p class="quiet">{escape(table.caption)}</p>' if table.caption else ""
    body = f"<table>{head}<tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="table"><h2>{escape(table.title)}</h2>{extra}<div class="scroll">{body}</div>{caption}</div>'


def _cell(value: Any) -> tuple[str, str]:
    if isinstance(value, bool) or value is None:
        return "text", {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, float):
        return "number", charts.figure(value)
    if isinstance(value, int):
        return "number", f"{value:,}".replace(",", "\u202f")
    if isinstance(value, (list, tuple)):
        return "text", ", ".join(_cell(v)[1] for v in value)
    if isinstance(value, Mapping):
        return "text", "<br>".join(f"{escape(str(k))}: {_cell(v)[1]}" for k, v in value.items())
    return "text", escape(str(value))


def _record(data: ReportData) -> str:
    if not data.record:
        return ""
    plain, nested = [], []
    for name, value in data.record.items():
        if isinstance(value, (Mapping, list, tuple)):
            text = json.dumps(_plain(value), indent=2, ensure_ascii=False)
            if len(text) > _RECORD_MOST:
                text = text[:_RECORD_MOST] + "\n... and so on: the record's own file holds all of it"
            text = escape(text)
            nested.append(f"<details><summary>{escape(str(name))}</summary><pre>{text}</pre></details>")
        else:
            plain.append(f'<p class="entry"><b>{escape(str(name))}</b><code>{escape(str(value))}</code></p>')
    return f'<section class="record"><h2>Record</h2>{"".join(plain + nested)}</section>'


def _plain(value: Any) -> Any:
    """The value as JSON can say it; a number that is none becomes its name."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
