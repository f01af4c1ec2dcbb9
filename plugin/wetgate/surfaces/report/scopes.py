"""The scopes, computed from absolute display light: waveform and histogram on the PQ scale, vectorscope in ICtCp.

All three put SDR and HDR on one footing: a nit is a nit on either side. Light is linear Rec.2020, (H, W, 3), in nits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wetgate.color.curves import pq_encode
from wetgate.color.ictcp import rec2020_to_ictcp
from wetgate.color.primaries import apply_matrix, rgb_to_rgb
from wetgate.spec import Image
from wetgate.surfaces.report.data import Pixels

TICKS = (0.1, 1.0, 10.0, 50.0, 100.0, 203.0, 400.0, 1000.0, 2000.0, 4000.0, 10000.0)
LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)  # BT.2020-2 Table 4
WAVEFORM = (512, 240)  # width, height in pixels of the drawing
VECTORSCOPE = 280
BINS = 128
# Half the width of the vectorscope in Ct and Cp: Rec.709 at 100 nits reaches 0.26, P3 at 1,000 nits 0.41.
CHROMA_SPAN = 0.42
_COLUMNS_SAMPLED = 1024
_TRACE = np.array([[255, 86, 70], [72, 230, 112], [88, 138, 255]], np.float64)


def axis_top(peaks: list[float]) -> float:
    """The top of the nits axis, a round level above the brightest of these peaks: 1,000 at least."""
    return next((t for t in (1000.0, 2000.0, 4000.0) if max(peaks, default=0.0) <= t), 10000.0)


def height_of(nits: float | Image, top: float) -> NDArray[np.float64]:
    """Where a level lies on the axis: 0 at no light, 1 at ``top``, in equal steps of PQ code (BT.2100)."""
    code = np.asarray(pq_encode(np.maximum(np.asarray(nits, np.float64), 0.0)))
    return np.asarray(code / float(np.asarray(pq_encode(np.float64(top)))))


def ticks(top: float) -> list[tuple[float, float]]:
    """(nits, height) of the axis' marks."""
    return [(t, float(height_of(t, top))) for t in TICKS if t <= top]


def waveform(nits: Image, *, top: float) -> Pixels:
    """An RGB overlay waveform, (240, 512, 4) 8-bit with alpha: x is the picture's x, y the level, 0 at the bottom."""
    width, height = WAVEFORM
    level = height_of(_thinned(nits), top)
    if level.shape[1] < width:  # a picture narrower than the drawing fills it
        level = level[:, np.arange(width) * level.shape[1] // width]
    rows = np.clip(np.rint((1.0 - level) * (height - 1)), 0, height - 1).astype(np.intp)
    columns = np.arange(level.shape[1]) * width // level.shape[1]
    counts = np.stack(
        [_counted(rows[..., c], np.broadcast_to(columns, rows.shape[:2]), (height, width)) for c in range(3)], axis=-1
    )
    return _traced(counts / (level.shape[0] * level.shape[1] / width), gain=34.0)


def vectorscope(nits: Image) -> Pixels:
    """Colours in the Ct-Cp plane of ICtCp (BT.2100), (280, 280, 4) 8-bit with alpha.

    Ct grows towards blue like Cb, to the right; Cp towards red like Cr, upwards.
    """
    light = np.maximum(_thinned(nits), 0.0)
    plane = np.asarray(rec2020_to_ictcp(light.reshape(-1, 3).astype(np.float64)), np.float64)[:, 1:]
    x, y = _plotted(plane)
    counts = _counted(y, x, (VECTORSCOPE, VECTORSCOPE))
    strength = 1.0 - np.exp(-counts / len(plane) * 6500.0)
    colour = _hues()
    return np.concatenate([colour, np.rint(255 * strength[..., None])], axis=2).astype(np.uint8)


def vectorscope_hexagon(primaries: str, nits: float) -> list[tuple[float, float]]:
    """Red, yellow, green, cyan, blue and magenta of a gamut at full level: (x, y) in units of the scope, 0 to 1."""
    corners = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], np.float64) * nits
    plane = np.asarray(rec2020_to_ictcp(np.maximum(apply_matrix(rgb_to_rgb(primaries, "rec2020"), corners), 0.0)))
    return [(0.5 + ct / (2 * CHROMA_SPAN), 0.5 - cp / (2 * CHROMA_SPAN)) for _, ct, cp in plane]


def histogram(nits: Image, *, top: float) -> NDArray[np.float64]:
    """Share of samples in 128 bins of the axis by channel, (3, 128); what is above the axis counts in the last bin."""
    level = height_of(_thinned(nits), top)
    places = np.clip((level * BINS).astype(np.intp), 0, BINS - 1)
    total = level.shape[0] * level.shape[1]
    return np.stack([np.bincount(places[..., c].ravel(), minlength=BINS) / total for c in range(3)])


def _thinned(nits: Image) -> Image:
    """Every nth sample of a large picture: scopes show where light lies, and a mean would move it."""
    step = max(1, round(nits.shape[1] / _COLUMNS_SAMPLED))
    return np.nan_to_num(nits[::step, ::step])


def _counted(rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.float64]:
    flat = np.bincount((rows * shape[1] + columns).ravel(), minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.float64)


def _traced(density: NDArray[np.float64], *, gain: float) -> Pixels:
    """Three densities as one luminous trace: colours add, so that equal red, green and blue give a neutral."""
    strength = 1.0 - np.exp(-density * gain)
    colour = np.minimum(strength @ _TRACE, 255.0)
    alpha = strength.max(axis=2)
    straight = colour / np.maximum(alpha, 1e-6)[..., None]
    return np.concatenate([np.minimum(straight, 255.0), 255 * alpha[..., None]], axis=2).round().astype(np.uint8)


def _plotted(plane: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    x = np.rint((0.5 + plane[:, 0] / (2 * CHROMA_SPAN)) * (VECTORSCOPE - 1))
    y = np.rint((0.5 - plane[:, 1] / (2 * CHROMA_SPAN)) * (VECTORSCOPE - 1))
    return np.clip(x, 0, VECTORSCOPE - 1).astype(np.intp), np.clip(y, 0, VECTORSCOPE - 1).astype(np.intp)


def _hues() -> NDArray[np.float64]:
    """The colour of each place of the vectorscope, about as light as the place's hue looks."""
    axis = (np.arange(VECTORSCOPE) / (VECTORSCOPE - 1) - 0.5) * 2.0
    ct, cp = np.meshgrid(axis, -axis)
    # Opponent to RGB at a constant level, for display only: Cp drives red up and green down, Ct blue up and green down.
    rgb = np.stack([0.72 + 0.9 * cp - 0.15 * ct, 0.72 - 0.35 * cp - 0.35 * ct, 0.72 + 0.9 * ct - 0.1 * cp], axis=-1)
    return np.asarray(np.clip(rgb, 0.25, 1.0) * 255.0)
