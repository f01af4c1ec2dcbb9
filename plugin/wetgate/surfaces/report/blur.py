"""The blur of a shot in the report: what kind it is and how wide, as a picture of the PSFs over the frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wetgate.ops.blur_grid import BlurGrid
from wetgate.ops.blur_measure import Blur
from wetgate.ops.blur_motion import Movement, line_of, movement_at
from wetgate.ops.psf import drawn, drawn_by_place, from_text, named
from wetgate.spec import Image
from wetgate.surfaces.report.data import Gallery, Table, View

_WIDTH = 640  # px of a picture
_MOST_FRAMES = 2  # whose motion is drawn
_SHUTTER = 180.0  # degrees that motion is drawn for, where nothing says how open the shutter was
_LEAST_SEEN = 0.25  # brightness of a PSF that nothing is known of


def blur_gallery(step: str, results: Mapping[str, Any], size: Sequence[int]) -> Gallery | None:
    """The section for one step's analysis, ``size`` the width and height of the picture; None where that tells no
    blur."""
    if "blur" not in results:
        return None
    height = max(1, round(_WIDTH * size[1] / size[0]))
    views, rows = [], _rows(results)
    grid = results.get("grid")
    if grid is not None:
        views += _grid_views(BlurGrid.from_json(grid), height)
    if results.get("free") and not results["free"]["sharp"]:
        views.append(View("PSF", _grey(drawn(from_text(results["free"]["psf"]), height, _WIDTH)), "Of any shape."))
    views += _motion_views(results, height)
    if not rows:
        return None
    return Gallery(f"Blur: {step}", views, _about(results), Table("What was measured", rows), columns=2)


def _rows(results: Mapping[str, Any]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    if results["blur"] is not None:
        blur = Blur.from_json(results["blur"])
        size = "" if blur.kind == "sharp" else f", {blur.size:.2f} px"
        parts = "; parts of it alone, which no one blur explains" if blur.in_parts else ""
        turned = f" at {blur.angle:.0f} degrees" if blur.kind == "motion" else ""
        rows.append(["the shot as a whole", f"{blur.kind}{size}{turned}, {100 * blur.confidence:.0f} % sure{parts}"])
    if results.get("grid") is not None:
        grid = BlurGrid.from_json(results["grid"])
        least, most = grid.settled().min(), grid.settled().max()
        told = "it varies over the frame" if grid.varies else "no more than measuring it does"
        rows.append(["place by place", f"{grid.kind}, {least:.2f} to {most:.2f} px; {told}"])
    if results.get("shutter") is not None:
        found = results["shutter"]
        rows.append(["motion", f"a shutter of {found['degrees']:.0f} degrees explains {found['cells']} cells best"])
    if results.get("free") is not None:
        free = results["free"]
        agree = f"parts of the picture agree by {free['agreement']:.2f}"
        rows.append(["any shape", "sharp" if free["sharp"] else agree])
    motion = results.get("motion")
    if motion:
        lengths = [line_of(*step[:2])[0] for step in motion.values()]
        rows.append(["motion of most of the frame", f"{min(lengths):.1f} to {max(lengths):.1f} px a frame"])
    return rows


def _about(results: Mapping[str, Any]) -> str:
    if results.get("grid") is None and not results.get("motion"):
        return "One blur for the whole shot."
    return (
        "PSFs where they are in the frame, enlarged alike; the darker, the less the place itself shows of its blur, and"
        " what is darkest is lent by neighbours. A point is a place that is sharp."
    )


def _grid_views(grid: BlurGrid, height: int) -> list[View]:
    shape = grid.size.shape[0], grid.size.shape[1]
    sizes = grid.settled()
    psfs = [named(grid.kind, float(s)) for s in sizes.ravel()]
    picture = drawn_by_place(psfs, shape, height, _WIDTH) * _told(grid.confidence, height)
    words = {"defocus": "Radius of the disc", "gaussian": "Sigma of the Gaussian"}[grid.kind]
    caption = f"{words} in each cell, px: " + "; ".join(" ".join(f"{v:.1f}" for v in row) for row in sizes)
    return [View("Blur by place", _grey(picture), caption)]


def _motion_views(results: Mapping[str, Any], height: int) -> list[View]:
    numbers = [int(n) for n in results.get("motion", {})]
    degrees = (results.get("shutter") or {}).get("degrees", _SHUTTER)
    views = []
    for number in numbers[:: max(1, len(numbers) // _MOST_FRAMES)][:_MOST_FRAMES]:
        found = movement_at(results, number)
        if found is not None:
            caption = f"Lines at a shutter of {degrees:.0f} degrees; {found.apart:.0%} of the frame moves apart."
            views.append(View("Motion by place", _grey(_lines(found, degrees / 360, height)), caption, number))
    return views


def _lines(found: Movement, share: float, height: int) -> Image:
    lines = [line_of(float(x) * share, float(y) * share) for x, y in found.cells.reshape(-1, 2)]
    shape = found.sure.shape[0], found.sure.shape[1]
    return drawn_by_place([named("motion", *line) for line in lines], shape, height, _WIDTH) * _told(found.sure, height)


def _told(sure: Any, height: int) -> Image:
    """How bright each place is drawn, (height, width)."""
    rows, columns = (np.arange(n) * count // n for n, count in zip((height, _WIDTH), sure.shape, strict=True))
    bright = _LEAST_SEEN + (1 - _LEAST_SEEN) * np.clip(sure, 0, 1)
    return np.asarray(bright[rows][:, columns], np.float32)


def _grey(picture: Image) -> Any:
    shown = np.rint(255 * np.sqrt(np.clip(picture, 0, 1))).astype(np.uint8)  # near what displays are sent
    return np.repeat(shown[..., None], 3, axis=2)
