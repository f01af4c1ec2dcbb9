"""Small pictures for tests: deterministic, float32, of any size, and nothing that needs a file.

Every function returns shape (H, W, 3) unless it says otherwise; ``frame`` makes a :class:`Frame` of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wetgate.spec import SCENE, Box, Frame, Image, Part


def ramp(width: int = 64, height: int = 32, lo: float = 0.0, hi: float = 1.0) -> Image:
    """Grey from ``lo`` at the left edge to ``hi`` at the right one, in even steps."""
    row = np.linspace(lo, hi, width, dtype=np.float64) if width > 1 else np.array([lo])
    return _rgb(np.broadcast_to(row, (height, width)))


def noise(width: int = 64, height: int = 32, *, mean: float = 0.18, sigma: float = 0.05, seed: int = 1) -> Image:
    """Independent Gaussian values in every channel."""
    rng = np.random.default_rng(seed)
    return (mean + sigma * rng.standard_normal((height, width, 3))).astype(np.float32)


def highlights(width: int = 64, height: int = 32, *, lo: float = -0.5, peak: float = 1000.0, seed: int = 2) -> Image:
    """Scene-linear values with nothing left out: negatives from ``lo``, blacks, mid-grey, highlights to ``peak``.

    Half of the picture spreads evenly over log2 from 2**-10 to ``peak``, a quarter lies in 0..1, an eighth below
    zero, and the rest is exactly ``lo``, 0, 1 or ``peak``. Channels are independent, so colours leave every gamut.
    """
    rng = np.random.default_rng(seed)
    shape = (height, width, 3)
    kind = rng.random(shape)
    values = np.exp2(rng.uniform(-10.0, np.log2(peak), shape))
    values = np.where(kind < 0.5, rng.random(shape), values)
    values = np.where(kind < 0.25, rng.uniform(lo, 0.0, shape), values)
    corners = np.array([lo, 0.0, 1.0, peak])[rng.integers(0, 4, shape)]
    values = np.where(kind < 0.125, corners, values).astype(np.float32)
    flat = values.reshape(-1)
    ends = np.array([lo, 0.0, 1.0, peak], np.float32)[: flat.size]
    flat[: ends.size] = ends
    return values


def patches(width: int = 64, height: int = 32) -> Image:
    """Six columns of the primaries and secondaries, and a row of greys, at 0.02, 0.18, 0.5, 1 and 4 times."""
    colours = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0]], np.float64)
    levels = np.array([0.02, 0.18, 0.5, 1.0, 4.0])
    column = np.arange(width) * len(colours) // width
    row = np.arange(height) * (len(levels) + 1) // height
    picture = np.where(row[:, None, None] < len(levels), colours[column][None], 1.0)
    scale = np.where(row[:, None] < len(levels), levels[np.minimum(row, len(levels) - 1)][:, None], levels[column % 5])
    return np.ascontiguousarray(picture * scale[..., None], dtype=np.float32)


def scene(width: int = 64, height: int = 48, *, shift: float = 0.0, peak: float = 8.0, seed: int = 3) -> Image:
    """A picture as a camera would see one, scene-linear: soft light, a textured ground, edges, and a lamp at ``peak``.

    ``shift`` moves it to the right by so many pixels (any fraction), so that a shot with camera motion can be made.
    """
    x = (np.arange(width) + 0.5 - shift)[None, :]
    y = (np.arange(height) + 0.5)[:, None]
    u, v = x / max(width, 1), y / max(height, 1)
    sky = np.stack([0.30 + 0.2 * v + 0 * u, 0.42 + 0.15 * v + 0 * u, 0.70 - 0.1 * v + 0 * u], axis=-1)
    rng = np.random.default_rng(seed)
    waves = rng.uniform(0.15, 0.9, (6, 2))
    phase = rng.uniform(0, 2 * np.pi, 6)
    texture = sum(np.sin(a * x + b * y + p) for (a, b), p in zip(waves, phase, strict=True)) / 6
    ground = np.stack([0.16 + 0.08 * texture, 0.12 + 0.05 * texture, 0.06 + 0.03 * texture], axis=-1)
    picture = np.where((v > 0.55)[..., None], ground, sky)
    pole = (np.abs(u - 0.3) < 0.03) & (v > 0.2)
    picture = np.where(pole[..., None], np.array([0.02, 0.018, 0.015]), picture)
    lamp = np.exp(-(((u - 0.72) * width) ** 2 + ((v - 0.25) * height) ** 2) / (2 * (0.05 * max(width, height)) ** 2))
    picture = picture + lamp[..., None] * peak * np.array([1.0, 0.86, 0.62])
    return np.ascontiguousarray(picture, dtype=np.float32)


def frame(pixels: Image, space: str = SCENE, **fields: Any) -> Frame:
    """A frame of these pixels; ``alpha=True`` adds a soft alpha, an array is taken as it is."""
    alpha = fields.pop("alpha", None)
    if alpha is not None:
        height, width = pixels.shape[:2]
        plane = ramp(width, height)[..., 0] if alpha is True else alpha
        pixels = np.concatenate([pixels[..., :3], plane[..., None].astype(np.float32)], axis=2)
    return Frame(pixels=np.ascontiguousarray(pixels, dtype=np.float32), space=space, **fields)


def full_frame(pixels: Image, space: str = SCENE, number: int = 1001) -> Frame:
    """A frame with everything that can travel: alpha, an offset data window, extra channels, a part and metadata."""
    height, width = pixels.shape[:2]
    depth = np.linspace(1.0, 1e4, height * width, dtype=np.float32).reshape(height, width)
    ids = np.arange(height * width, dtype=np.uint32).reshape(height, width)
    part = Part("matte", {"matte.R": depth * np.float32(0.5)}, Box(0, 0, width, height), Box(0, 0, width, height), {})
    return frame(
        pixels,
        space,
        alpha=True,
        number=number,
        data_window=Box(-3, 5, width, height),
        display_window=Box(0, 0, width + 8, height + 16),
        pixel_aspect=2.0,
        extra={"Z": depth, "id": ids},
        parts=(part,),
        metadata={"smpte:TimeCode": (83886080, 0), "owner": "a studio", "studio:take": 7},
    )


def _rgb(plane: Any) -> Image:
    return np.ascontiguousarray(np.repeat(np.asarray(plane)[..., None], 3, axis=2), dtype=np.float32)
