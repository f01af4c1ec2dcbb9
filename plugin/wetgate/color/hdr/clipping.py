"""Clipped SDR highlights: where they are, and a bounded estimate of the light that was lost there.

SDR clips the camera's channels, so clipping is looked for in the primaries of the source. Where one or two channels
clipped, the others and the colour of bright unclipped neighbours say what the lost ones were. Where all three did,
only the place is known: the estimate is a smooth rise from the area's edge, full in small areas (lamps, glints) and
nearly nothing in large ones (skies, windows), which nobody can tell. Both are bounded in stops, both only add light,
both are nothing outside the clipped areas, and the node's ledger keeps them apart from what was recorded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.hdr.levels import SDR_WHITE
from wetgate.color.hdr.planes import Array, brightest, darkest, multiply, on_blocks, over_pixels
from wetgate.color.primaries import apply_matrix, rgb_to_rgb

# Half a code under 8-bit white: ((254.5 - 16) / 219 for narrow, 254.5 / 255 for full range) to the power 2.4 is 0.9951
# and 0.9953. A conversion of primaries rounds within that.
_HARD = 0.995
_SOFT = 0.95  # the estimate begins here, at nothing: five codes lower
_CLEAR = 0.8  # a pixel of this level itself is not clipped, whatever lies around it
_PILE, _FEWEST = 1e-4, 50  # share and number of samples that a pile takes
_BOTTOM, _WIDTH, _BINS = 90.0, 1.01, 720  # steps of 1 % from 90 to 115,000 nits
_NEAR, _AROUND, _WIDE = 0.0015, 0.015, 0.05  # radii as a share of the picture's width
_STEP_DOWN = 4  # blurs run on every 4th pixel's average


@dataclass(frozen=True, slots=True)
class Top:
    """How one frame's values in source primaries end: samples by 1 % steps of light from 90 nits, and all samples."""

    counts: NDArray[np.int64]
    total: int


def top_of(rgb: Any, primaries: str, threads: int = 1) -> Top:
    """How the values of SDR light (H, W, 3, Rec.2020, nits) end, seen in the source's primaries."""
    pixels = np.asarray(rgb)
    matrix = rgb_to_rgb("rec2020", primaries)
    found: dict[int, NDArray[np.int64]] = {}

    def count(at: slice, planes: Array) -> None:
        source = multiply(matrix, planes)
        steps = np.log(source[source >= _BOTTOM] / _BOTTOM) / math.log(_WIDTH)
        found[at.start] = np.bincount(np.minimum(steps, _BINS - 1).astype(np.int64), minlength=_BINS)

    on_blocks(pixels, count, threads)
    return Top(np.sum(list(found.values()), axis=0), pixels.size)


def clip_level(tops: list[Top]) -> float | None:
    """The light at which a shot's channels clip, in nits, or None where nothing shows that they do.

    100 where at most as much lies above 105 nits as within 5 % of SDR white: above it are then a codec's ringing and a
    scaler's overshoot. Else (super-whites, scene-linear light) the highest pile: a level within 2 % of which lie at
    least as many samples as above it, and three times as many as in the 10 % below it.
    """
    counts = np.sum([t.counts for t in tops], axis=0)
    white = int(math.log(SDR_WHITE / _BOTTOM) / math.log(_WIDTH))
    if counts[white + 6 :].sum() <= counts[white - 5 : white + 6].sum():
        return SDR_WHITE
    running = np.concatenate(([0], np.cumsum(counts)))
    first = np.arange(white, _BINS - 2)  # of the two steps of a pile
    pile = running[first + 2] - running[first]
    above = running[-1] - running[first + 2]
    below = running[first] - running[first - 10]
    enough = pile >= max(_PILE * sum(t.total for t in tops), _FEWEST)
    found = first[enough & (pile >= above) & (pile >= 3 * below)]
    if found.size == 0:
        return None
    fuller = int(found[-1] + (counts[found[-1] + 1] > counts[found[-1]]))
    return float(_BOTTOM * _WIDTH**fuller)


def clipped(rgb: Any, primaries: str, level: float | None, threads: int = 1) -> NDArray[np.bool_]:
    """Which channels of SDR light (H, W, 3) clipped, in the source's primaries; (H, W, 3)."""
    pixels = np.asarray(rgb)
    if level is None:
        return np.zeros(pixels.shape, bool)
    matrix = rgb_to_rgb("rec2020", primaries)
    hit = np.empty((3, pixels.size // 3), bool)
    on_blocks(
        pixels, lambda at, planes: np.greater_equal(multiply(matrix, planes), _HARD * level, out=hit[:, at]), threads
    )
    return np.moveaxis(hit.reshape(3, *pixels.shape[:-1]), 0, -1)


def estimated_stops(rgb: Any, primaries: str, level: float | None, most: float, threads: int = 1) -> Array | None:
    """How much light each channel, in source primaries, may have lost: stops (H, W, 3) float32 from 0 to ``most``.

    None where nothing clipped. ``rgb`` is SDR light in nits, Rec.2020.
    """
    if level is None or most <= 0.0:
        return None
    matrix = rgb_to_rgb("rec2020", primaries) / level
    source = over_pixels(lambda planes: multiply(matrix, planes), np.asarray(rgb, np.float32), threads)
    # Only pixels that are themselves near the clip can get an estimate, and mostly they are few.
    near = np.flatnonzero(brightest(source) > _CLEAR)
    if near.size == 0:
        return None
    h, w = source.shape[:2]
    width = max(w, 8)
    own = source.reshape(-1, 3)[near]
    # Grain would pass the threshold pixel by pixel and be multiplied, so what counts is the level around a pixel; the
    # pixel's own only keeps the estimate away from what is clearly not clipped.
    around = _soften(source, width).reshape(-1, 3)[near]
    weight = _step((around - _SOFT) / (_HARD - _SOFT)) * _step((own - _CLEAR) / (_SOFT - _CLEAR))
    every, any_ = darkest(weight), brightest(weight)
    if not any_.any():
        return None

    def spread(values: Array) -> Array:
        plane = np.zeros(h * w, np.float32)
        plane[near] = values
        return plane.reshape(h, w)

    lost = spread(any_)
    region = _blur(lost, _WIDE * width, (h, w)).ravel()[near]
    small = 1.0 - 0.9 * _step(2.0 * region)
    dome = every * _step(_soften(spread(every), width).ravel()[near]) * small
    stops = np.repeat((most * dome)[:, None], 3, axis=1)
    if (any_ > every).any():
        stops += weight * _from_neighbours(source, lost, near, own, weight, most) * (small * (1.0 - every))[:, None]
    out = np.zeros((h * w, 3), np.float32)
    out[near] = np.minimum(stops, np.float32(most))
    return out.reshape(h, w, 3)


def with_estimate(lifted: Array, stops: Array, primaries: str, peak: float) -> tuple[Array, Array]:
    """Lifted light (H, W, 3) with the estimate put in, and the stops that came in, per pixel (H, W).

    The gain approaches what lies between a pixel's brightest channel and ``peak``, and never passes it. A pixel
    without an estimate comes out as it is, bit for bit.
    """
    touched = brightest(stops) > 0.0
    light = lifted[touched]
    wanted = stops[touched]
    room = np.log2(np.maximum(peak / np.maximum(brightest(light), 1e-6), 1.0))
    biggest = brightest(wanted)
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = np.where(room > 0.0, room * -np.expm1(-biggest / room), 0.0)
    scale = reached / np.maximum(biggest, 1e-9)
    source = apply_matrix(rgb_to_rgb("rec2020", primaries), light)
    source *= np.exp2(wanted * scale[:, None])
    raised = apply_matrix(rgb_to_rgb(primaries, "rec2020"), source)
    over = brightest(raised)
    raised *= np.where(over > peak, np.maximum(peak, brightest(light)) / np.maximum(over, 1e-6), 1.0)[:, None]
    out = lifted.copy()
    out[touched] = raised
    added = np.zeros(lifted.shape[:2], np.float32)
    added[touched] = reached
    return out, added


def _from_neighbours(
    source: Array, lost: Array, near: NDArray[np.intp], own: Array, weight: Array, most: float
) -> Array:
    """Stops by which each channel of the pixels ``near`` lies below the colour of their bright unclipped neighbours.

    Shape (N, 3). Only for pixels that have a colour of their own: a nearly white one says nothing of what it was, and
    would take on the colour of the thing beside it.
    """
    h, w = lost.shape
    radius = _AROUND * max(w, 8)
    thumb, clean = _reduced(source), 1.0 - _reduced(lost)
    bright = _step((brightest(thumb) - 0.4) / 0.4) * clean
    trust = _blur(bright, radius, (h, w), reduced=True).ravel()[near]
    seen = [_blur(bright * thumb[..., c], radius, (h, w), reduced=True).ravel()[near] for c in range(3)]
    colour = np.stack(seen, axis=1) / np.maximum(trust, 1e-4)[:, None]
    open_ = 1.0 - weight
    match = (open_ * own * colour).sum(axis=1) / np.maximum((open_ * colour * colour).sum(axis=1), 1e-5)
    ratio = colour * match[:, None] / np.maximum(own, 1e-5)
    stops = np.clip(np.log2(np.maximum(ratio, 1.0)), 0.0, most)
    purity = 1.0 - darkest(own) / np.maximum(brightest(own), 1e-5)
    sure = _step(trust * 20.0) * _step((purity - 0.2) / 0.4)
    return np.asarray(stops * sure[:, None])


def _step(x: Array) -> Array:
    t = np.clip(x, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def _soften(picture: Array, width: int) -> Array:
    """A blur of a few pixels at full size, a box twice: over grain, and over the edge of a clipped area."""
    import cv2

    side = 2 * max(1, round(_NEAR * width)) + 1
    once = cv2.blur(np.ascontiguousarray(picture, np.float32), (side, side), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.blur(once, (side, side), borderType=cv2.BORDER_REPLICATE), np.float32)


def _reduced(picture: Array) -> Array:
    """A quarter of the size, by averages."""
    import cv2

    h, w = picture.shape[:2]
    size = (max(1, -(-w // _STEP_DOWN)), max(1, -(-h // _STEP_DOWN)))
    return np.asarray(cv2.resize(np.ascontiguousarray(picture, np.float32), size, interpolation=cv2.INTER_AREA))


def _blur(plane: Array, sigma: float, size: tuple[int, int], reduced: bool = False) -> Array:
    """A wide Gaussian blur, edges repeated, worked on a quarter of the size and brought to ``size`` (H, W)."""
    import cv2

    small = plane if reduced else _reduced(plane)
    soft = cv2.GaussianBlur(
        np.ascontiguousarray(small, np.float32),
        (0, 0),
        max(sigma, 3.0) / _STEP_DOWN,
        borderType=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cv2.resize(soft, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.float32)
