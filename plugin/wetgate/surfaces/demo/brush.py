"""Tools that the scene is painted with: shapes that round themselves, noise, letters, and light on all of it.

Colours are scene-linear Rec.709 float32. A :class:`Sprite` is premultiplied. Sizes and points are in the units of a
540-line picture; ``scale`` brings them to pixels. Masks are painted at twice the size and averaged down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.color.curves import srgb_decode
from wetgate.spec import Image

Mask = NDArray[np.float32]
Points = Sequence[tuple[float, float]]
Light = tuple[tuple[float, float, float], tuple[float, float, float]]

_OVER = 2
_SHIFT = 4  # sub-pixel bits of OpenCV's rasteriser


def hue(code: str) -> NDArray[np.float32]:
    """A scene-linear colour from an sRGB hex code, ``"d08050"``: reflectances are easier to pick that way."""
    eight_bit = [int(code[i : i + 2], 16) / 255.0 for i in (0, 2, 4)]
    return np.asarray(srgb_decode(np.array(eight_bit)), np.float32)


def rgb(r: float, g: float, b: float) -> NDArray[np.float32]:
    """A scene-linear colour as it is."""
    return np.array([r, g, b], np.float32)


@dataclass(slots=True)
class Sprite:
    """A picture with soft edges: premultiplied ``color`` (H, W, 3) and ``cover`` (H, W), 0 to 1."""

    color: Image
    cover: Mask

    @classmethod
    def empty(cls, width: float, height: float, scale: float) -> Sprite:
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        return cls(np.zeros((*size, 3), np.float32), np.zeros(size, np.float32))

    def paint(self, mask: Mask, color: Any) -> None:
        """Put ``color`` (one, or one a pixel) over what is there, where the mask is."""
        m = mask[..., None]
        self.color = self.color * (1 - m) + np.asarray(color, np.float32) * m
        self.cover = self.cover * (1 - mask) + mask

    def glow(self, light: Any) -> None:
        """Add light without covering anything: (H, W, 3), or a colour times a mask."""
        self.color = self.color + np.asarray(light, np.float32)

    def over(self, under: Image) -> Image:
        """The sprite over an opaque picture of its size."""
        return np.asarray(under * (1 - self.cover[..., None]) + self.color, np.float32)

    def flipped(self) -> Sprite:
        """Upside down, as a still floor shows it."""
        return Sprite(self.color[::-1], self.cover[::-1])


def blank(shape: tuple[int, int]) -> Mask:
    return np.zeros(shape, np.float32)


def polygon(shape: tuple[int, int], points: Points, scale: float) -> Mask:
    """A filled polygon as a soft mask of ``shape`` (H, W)."""
    fine = np.zeros((shape[0] * _OVER, shape[1] * _OVER), np.uint8)
    corners = np.rint(np.asarray(points, np.float64) * scale * _OVER * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(fine, [corners], 255, cv2.LINE_AA, _SHIFT)
    return _averaged(fine, shape)


def stroke(shape: tuple[int, int], points: Points, width: float, scale: float) -> Mask:
    """A line of ``width`` through the points; one thinner than a pixel is drawn fainter."""
    fine = np.zeros((shape[0] * _OVER, shape[1] * _OVER), np.uint8)
    wide = width * scale * _OVER
    corners = np.rint(np.asarray(points, np.float64) * scale * _OVER * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(fine, [corners], False, 255, max(1, round(wide)), cv2.LINE_AA, _SHIFT)
    return _averaged(fine, shape) * np.float32(min(1.0, wide / max(1, round(wide))))


def disc(shape: tuple[int, int], x: float, y: float, radius: float, scale: float) -> Mask:
    """A filled circle with an edge one pixel soft."""
    yy, xx = np.ogrid[0 : shape[0], 0 : shape[1]]
    distance = np.hypot(xx + 0.5 - x * scale, yy + 0.5 - y * scale)
    return np.asarray(np.clip(radius * scale - distance + 0.5, 0, 1), np.float32)


def halo(shape: tuple[int, int], x: float, y: float, radius: float, scale: float) -> Mask:
    """A Gaussian spot, 1 in its middle."""
    yy, xx = np.ogrid[0 : shape[0], 0 : shape[1]]
    squared = np.square(xx + 0.5 - x * scale) + np.square(yy + 0.5 - y * scale)
    return np.asarray(np.exp(-squared / (2 * (radius * scale) ** 2)), np.float32)


def box(shape: tuple[int, int], x: float, y: float, width: float, height: float, scale: float) -> Mask:
    """An upright rectangle."""
    return polygon(shape, [(x, y), (x + width, y), (x + width, y + height), (x, y + height)], scale)


def letters(
    shape: tuple[int, int], text: str, x: float, y: float, size: float, scale: float, *, weight: int = 400
) -> Mask:
    """Text with its baseline at (x, y), ``size`` high, in the face that OpenCV carries."""
    fine = np.zeros((shape[0] * _OVER, shape[1] * _OVER, 3), np.uint8)
    place = (round(x * scale * _OVER), round(y * scale * _OVER))
    face = cv2.FontFace("sans")
    cv2.putText(fine, text, place, (255, 255, 255), face, max(4, round(size * scale * _OVER)), weight)
    return _averaged(fine[..., 0], shape)


def smooth(points: Points, steps: int = 8) -> list[tuple[float, float]]:
    """A closed outline rounded through its points (Catmull-Rom)."""
    p = np.asarray(points, np.float64)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for i in range(len(p)):
        a, b, c, d = p[i - 1], p[i], p[(i + 1) % len(p)], p[(i + 2) % len(p)]
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return [(float(x), float(y)) for x, y in np.concatenate(pieces)]


def lit(
    mask: Mask, albedo: Any, lights: Sequence[Light], *, round_by: float, scale: float, ambient: Any, relief: Any = None
) -> Image:
    """The colour of a shape rounded off at its edges by ``round_by``, lit from directions (x right, y down, z to us).

    ``relief`` is a height field of the mask's size, in units, that is added to the roundness: folds, planks.
    """
    radius = max(round_by * scale, 1.0)
    inner = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    rest = np.clip(1 - inner / radius, 0, 1)
    height = cv2.GaussianBlur(np.sqrt(np.maximum(1 - rest * rest, 0)) * radius, (0, 0), max(radius * 0.18, 0.6))
    if relief is not None:
        height = height + np.asarray(relief, np.float32) * scale
    slope_x, slope_y = np.gradient(height, axis=1), np.gradient(height, axis=0)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    shade = np.broadcast_to(np.asarray(ambient, np.float32), (*mask.shape, 3)).copy()
    for direction, color in lights:
        d = np.asarray(direction) / np.linalg.norm(direction)
        facing = (-slope_x * d[0] - slope_y * d[1] + d[2]) / length
        wrapped = np.clip((facing + 0.25) / 1.25, 0, None)  # a little light wraps round, as from a soft source
        shade += wrapped[..., None].astype(np.float32) * np.asarray(color, np.float32)
    return np.asarray(np.asarray(albedo, np.float32) * shade, np.float32)


def clouded(
    shape: tuple[int, int], cells: tuple[float, float], octaves: int, seed: int, *, tiles: bool = False
) -> Mask:
    """Fractal noise, mean about 0, deviation about 1; ``cells`` (down, across) are those of the coarsest octave.

    With ``tiles`` its opposite edges fit together.
    """
    rng = np.random.default_rng(seed)
    total = np.zeros(shape, np.float32)
    strength = 1.0
    for octave in range(octaves):
        grid = [max(2, round(c * 2**octave)) for c in cells]
        values = rng.standard_normal((grid[0] + 3, grid[1] + 3)).astype(np.float32)
        if grid[0] > shape[0] * 2 or grid[1] > shape[1] * 2:
            break
        if tiles:
            around = np.tile(values[: grid[0], : grid[1]], (3, 3))
            whole = cv2.resize(around, (3 * shape[1], 3 * shape[0]), interpolation=cv2.INTER_CUBIC)
            total += strength * whole[shape[0] : 2 * shape[0], shape[1] : 2 * shape[1]]
        else:
            total += strength * cv2.resize(values, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        strength *= 0.55
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)


def step(low: float, high: float, x: Any) -> Any:
    """Smooth step from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((np.asarray(x, np.float32) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _averaged(fine: NDArray[np.uint8], shape: tuple[int, int]) -> Mask:
    mask = cv2.resize(fine, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(mask, np.float32) / np.float32(255)
