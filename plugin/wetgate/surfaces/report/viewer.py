"""The comparison at the head of the page: two sides under a split, their frames, their exposure, false colour."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape

import numpy as np

from wetgate.color.hdr.scopes import BANDS
from wetgate.engine.pipeline import cores
from wetgate.surfaces.report import charts, images
from wetgate.surfaces.report.data import ReportData, Side

STOPS = (0, -1, -2, -3)
_BANDS = "bands"  # the false colour among the exposures
# How wide the pictures may be, those of exposure 0 and the others: what is not the first look is kept smaller.
_SIZES = ((1600, 720), (1280, 720), (960, 720), (960, 540), (720, 540), (720, 360))
_QUALITY_OTHER = 80  # of WebP


def sizes(data: ReportData, room: int) -> Iterator[tuple[int, int]]:
    """The sizes to try, largest first, without those at which the pictures would hardly fit into ``room`` bytes.

    Judged by the middle frame: encoding all pictures of a shot only to find them too large takes seconds.
    """
    widest = max(p.nits.shape[1] for side in (data.before, data.after) for p in side.pictures)
    middle = len(data.before.pictures) // 2
    ladder = list(dict.fromkeys((min(first, widest), min(other, widest)) for first, other in _SIZES))
    for size in ladder:
        if size != ladder[-1]:
            one = sum(len(uri) for *_, uri in _encoded(data, size, [middle]))
            if one * len(data.before.pictures) > 1.1 * room:
                continue
        yield size


def comparison(data: ReportData, size: tuple[int, int]) -> str:
    """The section as HTML; its pictures are at most ``size`` wide, at exposure 0 and otherwise.

    Where either side is HDR it can be stopped down, both sides alike: every exposure is a picture of its own made from
    the float light, so that nothing bands and print and scripts that are off lose only the choice.
    """
    sides = {"before": data.before, "after": data.after}
    shown = []
    for kind, i, shade, uri in _encoded(data, size, range(len(data.before.pictures))):
        text = escape(f"{sides[kind].label}, frame {sides[kind].pictures[i].number}", quote=True)
        hidden = "" if i == 0 and shade == "0" else " hidden"
        shown.append(
            f'<img class="{kind}" data-index="{i}" data-shade="{shade}" alt="{text}{_told(shade)}" '
            f'decoding="sync" src="{uri}" draggable="false"{hidden}>'
        )
    high, wide = data.after.pictures[0].nits.shape[:2]
    numbers = [p.number for p in data.before.pictures]
    labels = escape(data.before.label), escape(data.after.label)
    tags = "".join(
        f'<span class="tag {place}">{label}{_badge(side)}</span>'
        for place, label, side in zip(("left", "right"), labels, sides.values(), strict=True)
    )
    views = "".join(
        _button("view", v, t, v == "split")
        for v, t in (("split", "Split"), ("before", labels[0]), ("after", labels[1]))
    )
    between = escape(f"Split between {data.before.label} and {data.after.label}", quote=True)
    return (
        '<section class="viewer" aria-label="Comparison">'
        f'<div class="stage" data-view="split" style="aspect-ratio:{wide}/{high};--w:{wide / high:.4f}" '
        f'data-numbers="{escape(json.dumps(numbers), quote=True)}">{"".join(shown)}{tags}'
        f'<div class="split" role="slider" tabindex="0" aria-label="{between}" aria-valuemin="0" aria-valuemax="100" '
        'aria-valuenow="50" aria-orientation="horizontal"><i></i></div></div>'
        f'<div class="transport"><div class="choice" role="group" aria-label="View">{views}</div>'
        f"{_scrubber(numbers)}</div>{_exposure(_peak(data)) if _hdr(data) else ''}{_caption(data)}</section>"
    )


def _encoded(data: ReportData, size: tuple[int, int], frames: Iterable[int]) -> list[tuple[str, int, str, str]]:
    """Side, place of the frame, exposure and data URI of each picture of these frames."""
    peak = _peak(data)
    shades = (*map(str, STOPS), _BANDS) if _hdr(data) else ("0",)
    wanted = [(kind, i, shade) for kind in ("before", "after") for i in frames for shade in shades]

    def encode(which: tuple[str, int, str]) -> str:
        kind, i, shade = which
        side = data.before if kind == "before" else data.after
        picture = side.pictures[i]
        if shade == "0":
            return images.photograph_uri(images.for_the_page(picture, hdr=side.hdr, peak=peak, width=size[0]))
        if shade == _BANDS:
            pixels = images.bands_for_the_page(picture, width=size[1])
        else:
            pixels = images.for_the_page(picture, hdr=side.hdr, peak=peak, width=size[1], stops=int(shade))
        return images.photograph_uri(pixels, quality=_QUALITY_OTHER)

    with ThreadPoolExecutor(cores()) as workers:
        return [(*which, uri) for which, uri in zip(wanted, workers.map(encode, wanted), strict=True)]


def _hdr(data: ReportData) -> bool:
    return data.before.hdr or data.after.hdr


def _peak(data: ReportData) -> float:
    return max(1000.0, *(float(np.nanmax(p.nits)) for side in (data.before, data.after) for p in side.pictures))


def _told(shade: str) -> str:
    return {"0": "", _BANDS: ", false colour"}.get(shade, f", {shade.replace('-', '−')} stops")


def _button(kind: str, value: str, text: str, pressed: bool, label: str = "") -> str:
    named = f' aria-label="{label}"' if label else ""
    return (
        f'<button type="button" data-{kind}="{value}" aria-pressed="{"true" if pressed else "false"}"{named}>'
        f"{text}</button>"
    )


def _exposure(peak: float) -> str:
    stops = "".join(
        _button("expose", str(s), str(s).replace("-", "−"), s == 0, f"{s} stops".replace("-", "minus ")) for s in STOPS
    )
    bands = _button("expose", _BANDS, "False colour", False)
    return (
        '<div class="exposure" role="group" aria-label="Exposure of both sides"><span>Exposure, stops</span>'
        f'<div class="choice">{stops}{bands}</div>{_legend(peak)}</div>'
    )


def _legend(peak: float) -> str:
    """The bands of the false colour that light up to ``peak`` can have, hidden until they are seen."""
    items, low = [], 0.0
    for edge, name, colour in BANDS:
        if low > peak:
            break
        rgb = images.srgb_code(colour)
        reach = f"to {charts.figure(edge)}" if np.isfinite(edge) else f"above {charts.figure(low)}"
        items.append(f'<li><i style="background:rgb({rgb[0]},{rgb[1]},{rgb[2]})"></i>{escape(name)}, {reach}</li>')
        low = edge
    return f'<ul class="legend" hidden><li>Nits:</li>{"".join(items)}</ul>'


def _caption(data: ReportData) -> str:
    mapped = [side.label for side in (data.before, data.after) if side.hdr]
    if not mapped:
        return ""
    return (
        f'<p class="caption">{escape(" and ".join(mapped))}: HDR, tone-mapped for this SDR page (203 nits shown at 88 '
        "% of white, brighter light rolled off). At exposure 0 highlights hardly differ here: stop both sides down to "
        "compare them. SDR white (100 nits) and HDR reference white (203 nits) are put level first. Judge levels by "
        "the scopes, not by this preview.</p>"
    )


def _badge(side: Side) -> str:
    return " <small>HDR, tone-mapped</small>" if side.hdr else ""


def _scrubber(numbers: list[int]) -> str:
    if len(numbers) < 2:
        return f'<output class="frame">{numbers[0]}</output>'
    return (
        '<button type="button" class="play" aria-label="Play the sampled frames" aria-pressed="false"></button>'
        f'<input type="range" class="scrub" min="0" max="{len(numbers) - 1}" step="1" value="0" aria-label="Frame" '
        f'aria-valuetext="frame {numbers[0]}"><output class="frame">{numbers[0]}</output>'
    )
