"""Pictures that show a reversal of fading: densities before and after, the curve of each dye, what is lost.

All are densities, as the node works: drawn in light on black, from 0 (white) to 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wetgate.color.fade import DyeFade, unbent
from wetgate.color.primaries import inverse
from wetgate.spec import Image

Array = NDArray[np.float64]

_PLOT = (640, 480)  # width, height
_MOST = 4.0  # density at the far end of an axis
_BLACK, _GREY, _WHITE = 3.0, 1.2, 0.05
_TRACES = {
    "red": (0.15, 1.6, 1.6),
    "green": (1.6, 0.2, 1.6),
    "blue": (1.6, 1.1, 0.15),
    "cyan": (1.6, 0.2, 0.2),
    "magenta": (0.2, 1.6, 0.2),
    "yellow": (0.15, 0.2, 1.6),
}


def recovered_view(density: Image, kept: Image) -> Image:
    """The picture, going over to magenta where ``kept`` (H, W) falls to 0."""
    magenta = np.array([0.1, 1.3, 0.2], np.float32)
    share = kept[..., None]
    return np.asarray(density * share + magenta * (1 - share), np.float32)


def density_plot(before: Image, after: Image) -> Image:
    """Red, green and blue density over their mean (0 to 4), before in the upper half, after in the lower one."""
    width, height = _PLOT
    return np.concatenate([_cloud(before, width, height // 2), _cloud(after, width, height // 2)])


def _cloud(density: Image, width: int, height: int) -> Image:
    step = max(1, int(np.sqrt(density.shape[0] * density.shape[1] / 60000)))
    points = density[::step, ::step].reshape(-1, 3).astype(np.float64)
    mean = points.mean(axis=1)
    column = np.clip(mean / _MOST * (width - 1), 0, width - 1).astype(int)
    canvas = _axes(width, height)
    for channel, name in enumerate(("red", "green", "blue")):
        row = np.clip((1 - points[:, channel] / _MOST) * (height - 1), 0, height - 1).astype(int)
        counts = np.bincount(row * width + column, minlength=width * height).reshape(height, width)
        level = np.minimum(counts / max(1.0, counts.max() / 8), 1.0)[..., None] ** 0.4
        trace = np.array(_TRACES[name])
        light = 10.0**-canvas + level * 10.0**-trace
        canvas = np.where(counts[..., None] > 0, -np.log10(np.minimum(light, 1.0)), canvas)
    return canvas.astype(np.float32)


def dye_curves(fade: DyeFade, density: Image) -> Image:
    """Restored amount over the amount that is left (0 to 4) for cyan, magenta, yellow, and where the picture has them:
    its amounts as bars along the lower edge."""
    width, height = _PLOT
    canvas = _axes(width, height)
    left = np.linspace(0, _MOST, width)
    restored = unbent(left[:, None] * fade.gain, fade.bend)
    step = max(1, int(np.sqrt(density.shape[0] * density.shape[1] / 60000)))
    amounts = density[::step, ::step].reshape(-1, 3).astype(np.float64) @ inverse(fade.matrix).T - fade.base
    for dye, name in enumerate(("cyan", "magenta", "yellow")):
        row = np.clip((1 - restored[:, dye] / _MOST) * (height - 1), -5, height - 2)
        for column, before in enumerate([0, *range(width - 1)]):
            ends = int(row[column]), int(row[before])
            if max(ends) >= 0:
                canvas[max(min(ends), 0) : max(ends) + 2, column] = _TRACES[name]
        counts, _ = np.histogram(np.clip(amounts[:, dye], 0, _MOST), bins=width, range=(0, _MOST))
        bars = (counts / max(counts.max(), 1) * 24).astype(int)
        bottom = height - 1 - 26 * dye
        for place in np.flatnonzero(bars):
            canvas[bottom - bars[place] : bottom, place] = _TRACES[name]
    return canvas.astype(np.float32)


def _axes(width: int, height: int) -> Array:
    """Black with a line at each whole density, and the diagonal on which nothing changes."""
    canvas = np.full((height, width, 3), _BLACK)
    for unit in range(1, int(_MOST)):
        canvas[height - 1 - int(unit / _MOST * (height - 1))] = _GREY + 0.8
        canvas[:, int(unit / _MOST * (width - 1))] = _GREY + 0.8
    columns = np.arange(width)
    canvas[height - 1 - (columns * (height - 1)) // (width - 1), columns] = _GREY
    return canvas
