"""Shapes of dirt: specks, fibres and blotches as small alpha patches, placed anywhere, drawn alike in any tile."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.damage.model import Place
from wetgate.ops.noise import curve_noise
from wetgate.ops.random import Stream
from wetgate.spec import Image

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Patch:
    """Coverage 0..1, (h, w) float32, of a mark whose first pixel is (x, y) of the full picture."""

    x: int
    y: int
    alpha: Image


def lay(patches: list[Patch], place: Place) -> Image:
    """Coverage (H, W) of all marks within a frame: 1 - product(1 - alpha)."""
    clear = np.ones((place.height, place.width), np.float32)
    for patch in patches:
        h, w = patch.alpha.shape
        left, top = max(patch.x, place.x), max(patch.y, place.y)
        right, bottom = min(patch.x + w, place.x + place.width), min(patch.y + h, place.y + place.height)
        if left >= right or top >= bottom:
            continue
        inner = patch.alpha[top - patch.y : bottom - patch.y, left - patch.x : right - patch.x]
        clear[top - place.y : bottom - place.y, left - place.x : right - place.x] *= 1 - inner
    return 1 - clear


def speck(cx: float, cy: float, radius: float, softness: float, random: Stream, frame: int) -> Patch:
    """An irregular grain of dirt: a polar outline of five random harmonics, stretched and turned.

    ``radius`` px is that of the disc of equal area; specks below a pixel become fainter, not larger. Edges fade over
    ``softness`` px.
    """
    draws = random.normals(frame, 1, 14)[0]
    stretch = math.exp(0.35 * float(draws[0]))
    turn = float(draws[1]) * math.pi
    drawn, faint = max(radius, 0.55), min(1.0, (radius / 0.55) ** 2)
    reach = math.ceil(drawn * max(stretch, 1 / stretch) * 1.8 + softness) + 1
    x0, y0 = math.floor(cx) - reach, math.floor(cy) - reach
    axis = np.arange(2 * reach + 1)
    dx, dy = np.meshgrid(x0 + axis + 0.5 - cx, y0 + axis + 0.5 - cy)
    u = (math.cos(turn) * dx + math.sin(turn) * dy) / stretch
    v = (-math.sin(turn) * dx + math.cos(turn) * dy) * stretch
    angle = np.arctan2(v, u)
    outline = np.full_like(angle, 1.0)
    for k in range(1, 6):
        outline += draws[2 * k] * (0.30 / k) * np.cos(k * angle) + draws[2 * k + 1] * (0.30 / k) * np.sin(k * angle)
    distance = np.hypot(u, v) - drawn * np.clip(outline, 0.35, 1.7)
    alpha = np.clip(0.5 - distance / max(softness, 0.7), 0, 1) * faint
    return Patch(x0, y0, alpha.astype(np.float32))


def fibre(
    cx: float, cy: float, length: float, width: float, curl: float, softness: float, random: Stream, frame: int
) -> Patch:
    """A hair or fibre: a path whose direction wanders, ``length`` px, with kinks, thinner towards its ends.

    ``curl`` is the turn in radians over the whole length, rms. Width and opacity vary along it.
    """
    count = int(np.clip(length / max(width, 0.8), 12, 90))
    t = np.linspace(0, 1, count)
    start, kinks = random.child("start").uniforms(frame, 1, 2)[0]
    bend = curve_noise(random.child("bend"), frame, t, 0.6, octaves=2)
    wobble = curve_noise(random.child("wobble"), frame, t * length, max(6 * width, 8.0), octaves=2)
    heading = 2 * math.pi * start + curl * np.cumsum(bend) / count * 1.5 + 0.18 * wobble
    if kinks > 0.6:  # some hairs are bent sharply once
        heading = heading + np.where(t > 0.3 + 0.4 * (kinks - 0.6) / 0.4, 1.4 if start > 0.5 else -1.4, 0.0)
    step = length / count
    px, py = np.cumsum(np.cos(heading)) * step, np.cumsum(np.sin(heading)) * step
    px, py = px - px.mean() + cx, py - py.mean() + cy
    thick = width * (0.75 + 0.25 * curve_noise(random.child("thick"), frame, t, 0.15, octaves=1)).clip(0.4, 1.6)
    thick *= np.sqrt(np.clip(np.minimum(t, 1 - t) * 12, 0.15, 1))
    return _stroke(px, py, thick, softness)


def blotch(cx: float, cy: float, radius: float, softness: float, random: Stream, frame: int) -> Patch:
    """A large ragged patch (a stain, stuck emulsion, mould): thresholded fractal noise inside a soft disc."""
    reach = math.ceil(radius * 1.6) + 2
    x0, y0 = math.floor(cx) - reach, math.floor(cy) - reach
    axis = np.arange(2 * reach + 1)
    dx, dy = np.meshgrid(x0 + axis + 0.5 - cx, y0 + axis + 0.5 - cy)
    noise = _fractal(random, frame, (dx / radius, dy / radius))
    level = 1.05 - np.hypot(dx, dy) / radius + 0.55 * noise
    grad = max(softness, 0.7) / radius
    return Patch(x0, y0, np.clip(0.5 + level / grad / 2, 0, 1).astype(np.float32))


def _fractal(random: Stream, frame: int, at: tuple[Table, Table]) -> Table:
    """Sum of random plane waves over four octaves: smooth noise that any pixel can evaluate by itself."""
    total = np.zeros_like(at[0])
    for octave in range(4):
        waves = random.child("wave", octave)
        count = 6
        angle = waves.uniforms(frame, count, 3)
        for a, phase, jitter in angle:
            k = 2.2 * 2**octave * (0.75 + 0.5 * jitter)
            total += 0.62**octave * np.cos(
                k * (math.cos(2 * math.pi * a) * at[0] + math.sin(2 * math.pi * a) * at[1]) + 6.283 * phase
            )
    return total / 4.2


def _stroke(px: Table, py: Table, thick: Table, softness: float) -> Patch:
    """Coverage of a polyline with a width at each point, by the distance to its segments."""
    reach = float(thick.max()) / 2 + softness + 1
    x0, y0 = math.floor(float(px.min()) - reach), math.floor(float(py.min()) - reach)
    x1, y1 = math.ceil(float(px.max()) + reach), math.ceil(float(py.max()) + reach)
    alpha = np.zeros((y1 - y0 + 1, x1 - x0 + 1), np.float32)
    for i in range(len(px) - 1):
        ax, ay, bx, by = px[i], py[i], px[i + 1], py[i + 1]
        left, right = math.floor(min(ax, bx) - reach) - x0, math.ceil(max(ax, bx) + reach) - x0
        top, bottom = math.floor(min(ay, by) - reach) - y0, math.ceil(max(ay, by) + reach) - y0
        left, top = max(left, 0), max(top, 0)
        part = alpha[top : bottom + 1, left : right + 1]
        gx, gy = np.meshgrid(np.arange(part.shape[1]) + left + x0 + 0.5, np.arange(part.shape[0]) + top + y0 + 0.5)
        along = ((gx - ax) * (bx - ax) + (gy - ay) * (by - ay)) / max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
        s = np.clip(along, 0, 1)
        distance = np.hypot(gx - ax - s * (bx - ax), gy - ay - s * (by - ay))
        width = thick[i] + s * (thick[i + 1] - thick[i])
        thin = np.minimum(width / 0.9, 1)  # below a pixel: fainter, not thinner
        cover = np.clip((np.maximum(width, 0.9) / 2 - distance) / max(softness, 0.7) + 0.5, 0, 1) * thin
        np.maximum(part, cover.astype(np.float32), out=part)
    return Patch(x0, y0, alpha)
