"""Views of light: false colour in nits, and the waveform of a frame. Pictures in the display working space, SDR-safe.

Both are linear Rec.2020 pictures whose brightest colour is 100 nits, so that they look the same on any display.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wetgate.color.curves import pq_encode
from wetgate.color.hdr.planes import Array, brightest
from wetgate.color.primaries import apply_matrix, rgb_to_rgb
from wetgate.spec import Image

# Upper edge in nits, name, and Rec.709 colour (0..1, linear) of each band. Light up to SDR white is grey but for the
# neighbourhoods of the grey card and of black; every band above it has a hue of its own.
BANDS: tuple[tuple[float, str, tuple[float, float, float]], ...] = (
    (0.01, "black", (0.05, 0.0, 0.10)),
    (0.1, "near black", (0.03, 0.03, 0.35)),
    (1.0, "deep shadow", (0.03, 0.10, 0.45)),
    (20.0, "shadow", (0.10, 0.10, 0.10)),
    (33.0, "grey card (26)", (0.05, 0.35, 0.08)),
    (100.0, "mid tone", (0.30, 0.30, 0.30)),
    (180.0, "above SDR white", (0.05, 0.45, 0.50)),
    (230.0, "diffuse white (203)", (0.75, 0.75, 0.75)),
    (400.0, "highlight", (0.85, 0.80, 0.05)),
    (1000.0, "bright highlight", (1.00, 0.35, 0.02)),
    (2000.0, "over 1,000", (0.90, 0.03, 0.02)),
    (4000.0, "over 2,000", (0.85, 0.02, 0.50)),
    (10000.0, "over 4,000", (0.55, 0.10, 0.90)),
    (np.inf, "over 10,000: PQ clips", (0.30, 1.00, 0.50)),
)
WAVEFORM_HEIGHT = 400
_WAVEFORM_WIDTH = 960
_GRATICULE = (1.0, 10.0, 100.0, 203.0, 1000.0, 4000.0, 10000.0)


def false_colour(rgb: Any) -> Image:
    """The band of each pixel's max(R, G, B), as colour; inside a band the shade rises with the light. (H, W, 3)."""
    light = brightest(np.asarray(rgb))
    edges = np.array([b[0] for b in BANDS[:-1]], np.float32)
    index = np.searchsorted(edges, light, side="left")
    colours = in_display_colours([b[2] for b in BANDS])
    low = pq_encode(np.concatenate(([1e-4], edges)))
    high = pq_encode(np.concatenate((edges, [1e5])))
    code = pq_encode(np.maximum(light, 0.0).astype(np.float32))
    share = np.clip((code - low[index]) / (high - low)[index], 0.0, 1.0)
    shade = (0.6 + 0.4 * share).astype(np.float32)
    return np.ascontiguousarray(colours[index] * shade[..., None] * np.float32(100.0))


def in_display_colours(rgb: Any) -> Image:
    """A drawing in Rec.709 red, green and blue (nits) as Rec.2020 light: colours that every display can show."""
    return np.ascontiguousarray(apply_matrix(rgb_to_rgb("rec709", "rec2020"), np.ascontiguousarray(rgb, np.float32)))


def waveform(rgb: Any) -> Image:
    """The waveform of a frame: columns are the picture's, height is PQ code, so light reads in nits.

    Shape (400, at most 960, 3). Red, green and blue add up where they coincide; lines mark 1, 10, 100, 203, 1,000,
    4,000 and 10,000 nits.
    """
    pixels = np.asarray(rgb)[..., :3]
    height, columns = WAVEFORM_HEIGHT, min(_WAVEFORM_WIDTH, pixels.shape[1])
    column = (np.arange(pixels.shape[1]) * columns) // pixels.shape[1]
    counts = np.zeros((3, height, columns), np.float64)
    for channel in range(3):
        plane = np.ascontiguousarray(pixels[..., channel], np.float32)
        row = (height - 1) - np.rint(_code(plane) * (height - 1)).astype(np.int64)
        counts[channel] = np.bincount((row * columns + column).ravel(), minlength=height * columns).reshape(
            height, columns
        )
    # A column full of one level is white; a single pixel is still to be seen.
    level = counts / max(1.0, pixels.shape[0] * pixels.shape[1] / columns)
    trace = (80.0 * np.minimum(level * 12.0, 1.0) ** 0.5).astype(np.float32)
    trace[level == 0.0] = 0.0
    picture = in_display_colours(np.moveaxis(trace, 0, 2))
    for nits in _GRATICULE:
        line = (height - 1) - int(np.rint(_code(np.array([nits], np.float32))[0] * (height - 1)))
        picture[line] = np.maximum(picture[line], np.float32(12.0 if nits == 203.0 else 6.0))
    return picture


def _code(light: Array) -> Array:
    return np.clip(pq_encode(np.maximum(light, 0.0)), 0.0, 1.0)
