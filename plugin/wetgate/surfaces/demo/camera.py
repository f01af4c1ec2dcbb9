"""The demo's camera, and how painted things are put where it sees them, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from wetgate.spec import Image
from wetgate.surfaces.demo.brush import Mask, Sprite

FOCAL = 1030.0  # units of the 540-line picture: 50 degrees across a 16:9 one
HORIZON = 262.0  # units from the top
EYE = 1.6  # metres over the quay


@dataclass(frozen=True, slots=True)
class View:
    """The camera of one frame: ``slide`` to the right in metres, ``pan`` in units of the 540-line picture."""

    width: int
    height: int
    scale: float
    slide: float
    pan: float

    @property
    def focal(self) -> float:
        """In pixels."""
        return FOCAL * self.scale

    @property
    def horizon(self) -> float:
        """In pixels from the top."""
        return HORIZON * self.scale

    def parallax(self, distance: float) -> float:
        """How far, in units, the slide moves what is that many metres off."""
        return FOCAL * self.slide / distance

    def place(self, x: float, z: float, above: float) -> tuple[float, float]:
        """Where a point ``x`` right, ``z`` off and ``above`` the quay (metres) is in the picture, in pixels."""
        px = self.width / 2 + self.focal * (x - self.slide) / z - self.pan * self.scale
        return px, self.horizon + self.focal * (EYE - above) / z

    def across(self, away: Mask) -> Mask:
        """How far right of the origin each pixel of rows that are ``away`` metres off is, in metres: (H, W)."""
        columns = np.arange(self.width, dtype=np.float32)[None, :] + 0.5
        shift = np.float32(self.pan * self.scale - self.width / 2)
        return np.asarray((columns + shift) / np.float32(self.focal) * away + np.float32(self.slide), np.float32)


@dataclass(frozen=True, slots=True)
class Standing:
    """Something upright on the quay: a sprite painted at the size it is seen, whose point ``foot`` stands at (x, z)."""

    sprite: Sprite
    at: tuple[float, float]
    foot: tuple[float, float]  # pixels from the sprite's upper left corner

    def over(self, picture: Image, view: View) -> Image:
        x, y = view.place(*self.at, 0.0)
        return placed(picture, self.sprite, x - self.foot[0], y - self.foot[1])

    def mirrored(self, picture: Image, view: View) -> Image:
        """As still water at its foot shows it."""
        x, y = view.place(*self.at, 0.0)
        above_foot = self.sprite.cover.shape[0] - self.foot[1]
        return placed(picture, self.sprite.flipped(), x - self.foot[0], y - above_foot)


def moved(image: Image, dx: float, dy: float) -> Image:
    """The picture shifted, its edge repeated."""
    return _shifted(image, dx, dy, cv2.BORDER_REPLICATE)


def placed(picture: Image, sprite: Sprite, x: float, y: float) -> Image:
    """The sprite over the picture with its upper left corner at (x, y); what lies outside is cut."""
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    both = np.dstack([sprite.color, sprite.cover]).astype(np.float32)
    padded = cv2.copyMakeBorder(both, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    padded = _shifted(np.asarray(padded, np.float32), x - x0, y - y0, cv2.BORDER_CONSTANT)
    left, top = x0 - 1, y0 - 1
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + padded.shape[1], picture.shape[1]), min(top + padded.shape[0], picture.shape[0])
    out = picture.copy()
    if x1 < x2 and y1 < y2:
        piece = padded[y1 - top : y2 - top, x1 - left : x2 - left]
        out[y1:y2, x1:x2] = out[y1:y2, x1:x2] * (1 - piece[..., 3:]) + piece[..., :3]
    return out


def projected(picture: Image, sprite: Sprite, corners: list[tuple[float, float]]) -> Image:
    """The sprite over the picture, its corners (clockwise from the upper left) pulled to these places."""
    high, wide = sprite.cover.shape
    source = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, np.array(corners, np.float32))
    size = (picture.shape[1], picture.shape[0])
    color = cv2.warpPerspective(sprite.color, matrix, size, flags=cv2.INTER_LINEAR)
    cover = cv2.warpPerspective(sprite.cover, matrix, size, flags=cv2.INTER_LINEAR)
    return Sprite(np.asarray(color, np.float32), np.asarray(cover, np.float32)).over(picture)


def spot(picture: Image, x: float, y: float, radius: float, color: Any) -> Image:
    """A small round light painted onto the picture."""
    yy, xx = np.ogrid[0 : picture.shape[0], 0 : picture.shape[1]]
    reach = int(np.ceil(radius)) + 2
    rows = slice(max(int(y) - reach, 0), max(int(y) + reach, 0))
    columns = slice(max(int(x) - reach, 0), max(int(x) + reach, 0))
    distance = np.hypot(xx[:, columns] + 0.5 - x, yy[rows] + 0.5 - y)
    mask = np.clip(radius - distance + 0.5, 0, 1)[..., None].astype(np.float32)
    out = picture.copy()
    out[rows, columns] = out[rows, columns] * (1 - mask) + np.asarray(color, np.float32) * mask
    return out


def _shifted(image: Image, dx: float, dy: float, border: int) -> Image:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border), np.float32)
