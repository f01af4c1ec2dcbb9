"""The demo's shot: a harbour at dusk, painted by arithmetic, in scene-linear light with real highlights.

A camera on the quay slides to the right and pans a little. The sun stands on the horizon (about 150 times diffuse
white), its glints run over the water, neon and lamps reach 20 to 60; a boat passes, gulls fly, somebody in an oilskin
looks out to sea, a colour chart leans on a crate. Everything is a function of the frame's number and the size.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from wetgate.color.curves import bt1886_encode
from wetgate.spec import Image, UsageError
from wetgate.surfaces.demo import backdrop, quay, water
from wetgate.surfaces.demo.brush import Mask, Sprite, rgb, step, stroke
from wetgate.surfaces.demo.camera import EYE, FOCAL, Standing, View, moved, placed, projected, spot

SPACE = "lin_rec709_scene"  # the alias under which OCIO's studio config knows linear Rec.709
SDR_SPACE = "rec1886_rec709_display"
FRAMES = 24
RATE = 24

_WATER = 3.0  # metres that the eye is over the water
_EDGE = 11.0  # how far off the quay ends
_TRAVEL = 0.17  # metres that the camera slides in a second
_PAN = 13.0  # and units that the far distance moves
_FACADE = ((2.15, 11.0), (3.05, 5.75))  # (x, z) of its far and its near lower corner, in metres; so the others
_LAMP = (-2.75, 9.2)
_WATCHER = (0.78, 6.1)
_CRATE = (-2.45, 6.6)
_EXPOSURE = 1.55  # of the SDR grade
_KNEE = 0.72
_CLIP = 3.0  # exposed light at which the grade's shoulder reaches white


@dataclass(slots=True)
class Scene:
    """Everything that does not change from frame to frame, painted once.

    ``width`` and ``height`` in pixels, 16:9 or near it. :meth:`frame` gives the pictures.
    """

    width: int = 960
    height: int = 540
    scale: float = field(init=False)
    _sky: Image = field(init=False)
    _town: Sprite = field(init=False)
    _boat: Sprite = field(init=False)
    _front: Sprite = field(init=False)
    _people: tuple[Standing, ...] = field(init=False)
    _stones: tuple[Image, ...] = field(init=False)
    _wet: Mask = field(init=False)
    _waves: water.Waves = field(init=False)

    def __post_init__(self) -> None:
        if self.width < 64 or self.height < 36 or not 1.2 <= self.width / self.height <= 2.4:
            raise UsageError(
                f"the demo's shot cannot be {self.width}x{self.height}",
                allowed="64x36 or more, between 1.2:1 and 2.4:1",
            )
        self.scale = self.height / 540.0
        units = self.width / self.scale
        self._sky = backdrop.headlands(units, self.scale).over(backdrop.sky(units, self.scale))
        self._town = backdrop.town(self.scale)
        self._boat = backdrop.boat(self.scale)
        self._front = quay.front(self.scale)
        people = []
        for paint, at, tall, metres, foot in (
            (quay.lamp, _LAMP, 402.0, 3.55, (30.0, 436.0)),
            (quay.crate, _CRATE, 100.0, 0.78, (65.0, 98.0)),
            (quay.watcher, _WATCHER, 278.0, 1.72, (60.0, 292.0)),
        ):
            size = (
                FOCAL * self.scale * metres / at[1] / tall
            )  # pixels a unit of the painting, so that none is resampled
            people.append(Standing(paint(size), at, (foot[0] * size, foot[1] * size)))
        self._people = tuple(people)
        stones, self._wet = quay.cobbles()
        # Seen flat, a pixel covers many stones going away: the same tile ever softer in that direction.
        side = stones.shape[0]
        thrice = np.tile(stones, (3, 1, 1))
        soft = [cv2.GaussianBlur(thrice, (0, 0), sigmaX=0.8, sigmaY=s)[side : 2 * side] for s in (2.5, 6.0)]
        self._stones = (stones, *(np.asarray(s, np.float32) for s in soft))
        self._waves = water.waves(7)

    def frame(self, index: float) -> Image:
        """Frame ``index`` (0 is the first), (H, W, 3) float32 scene-linear Rec.709, diffuse white about 1."""
        time = index / RATE
        view = View(self.width, self.height, self.scale, slide=_TRAVEL * (time - 0.5), pan=_PAN * (time - 0.5))
        above = self._above(view, time)
        picture = np.zeros((self.height, self.width, 3), np.float32)
        horizon = round(view.horizon)
        left = round(backdrop.MARGIN * self.scale)
        picture[:horizon] = above[-horizon:, left : left + self.width]
        self._sea(picture, above, view, time, left)
        picture = self._ship(picture, view, time)
        picture = self._paving(picture, view)
        picture = self._railing(picture, view)
        picture = self._facade(picture, view, 1.0)
        picture = self._bulbs(picture, view, time)
        for standing in self._people:
            shadow = _contact(picture, view.place(*standing.at, 0.0), 0.17 * view.focal / standing.at[1])
            picture = standing.over(picture * (1 - 0.55 * shadow[..., None]), view)
        return _lens(picture, self.scale)

    def _above(self, view: View, time: float) -> Image:
        """Sky, land and town above the horizon, margins included, panned to this frame."""
        picture = moved(self._sky, -view.pan * self.scale, 0.0)
        town_left = 462.0 + backdrop.MARGIN - view.pan - view.parallax(420.0)
        picture = placed(picture, self._town, town_left * self.scale, picture.shape[0] - 123.0 * self.scale)
        shift = (backdrop.MARGIN - view.pan) * self.scale
        gulls = moved(backdrop.gulls((self.height, picture.shape[1]), time, self.scale), shift, 0.0)
        rows = round(view.horizon)
        cover = gulls[:rows, :, None] * 0.85
        picture[-rows:] = picture[-rows:] * (1 - cover) + rgb(0.035, 0.03, 0.045) * cover
        return picture

    def _sea(self, picture: Image, above: Image, view: View, time: float, left: int) -> None:
        top = round(view.horizon)
        bottom = min(self.height, int(view.horizon + view.focal * EYE / _EDGE) + 2)
        rows = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5
        away = (view.focal * _WATER / np.maximum(rows - view.horizon, 0.35)).astype(np.float32)
        rough = cv2.GaussianBlur(above, (0, 0), sigmaX=3.0 * self.scale, sigmaY=30.0 * self.scale)
        picture[top:bottom] = water.reflected(
            above,
            np.asarray(rough, np.float32),
            self._waves,
            across=view.across(away),
            away=away,
            focal=view.focal,
            height=_WATER,
            time=time,
            left=left,
            horizon=top - view.horizon,
        )

    def _ship(self, picture: Image, view: View, time: float) -> Image:
        """The boat and its own reflection, broken by the ripples. Its waterline is 92 units down the painting."""
        scale = self.scale
        heave = 1.1 * np.sin(2 * np.pi * 0.55 * time + 0.6)
        x = (372.0 + 46.0 * time - view.pan - view.parallax(46.0)) * scale
        y = view.horizon + (67.0 - 92.0 + heave) * scale
        ship, hull = self._boat, round(92 * scale)
        image = np.dstack([ship.color, ship.cover]).astype(np.float32)[:hull][::-1]
        rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
        u = rows / scale
        ripple = np.sin(u * 0.9 - 9 * time + columns / scale * 0.05) + 0.6 * np.sin(u * 2.1 + 6 * time)
        swing = ((0.5 + u * 0.075) * ripple * scale).astype(np.float32)
        broken = cv2.remap(np.ascontiguousarray(image), columns + swing, rows + 0.6 * swing, cv2.INTER_LINEAR)
        broken = cv2.GaussianBlur(broken, (0, 0), sigmaX=0.6 * scale + 0.01, sigmaY=2.2 * scale + 0.01)
        fade = (np.exp(-u / 55) * 0.85).astype(np.float32)
        reflection = Sprite(broken[..., :3] * fade[..., None] * 0.8, broken[..., 3] * fade)
        picture = placed(picture, reflection, x, y + 90.5 * scale)
        dry = round(90 * scale)
        return placed(picture, Sprite(ship.color[:dry], ship.cover[:dry]), x, y)

    def _paving(self, picture: Image, view: View) -> Image:
        """The cobbles: a plane under the eye, dusk and lamplight on it, and in the wet what stands there."""
        start = view.horizon + view.focal * EYE / _EDGE
        top = int(start)
        rows = np.arange(top, self.height, dtype=np.float32)[:, None] + 0.5
        away = (view.focal * EYE / (rows - view.horizon)).astype(np.float32)
        across = view.across(away)
        stones, wet = self._stones_seen(across, away, view)
        light = backdrop.DUSK * 1.25 + rgb(0.26, 0.10, 0.04) * np.exp(-np.square((across + 2.2) / 3.4))[..., None]
        for (x, z), reach, color in (
            ((2.0, 8.2), 1.7, rgb(1.55, 0.86, 0.36)),
            (_LAMP, 1.9, rgb(1.5, 1.0, 0.5)),
            ((1.7, 10.2), 1.5, rgb(0.1, 0.5, 0.6)),
        ):
            squared = np.square(across - x) + np.square(away - z)
            light = light + np.exp(-squared / (2 * reach * reach))[..., None] * color
        sheen = self._mirrored(picture, view)[top:]
        grazing = np.clip(EYE / np.hypot(away, EYE), 0, 1)
        fresnel = (0.06 + 0.94 * np.power(1 - grazing, 4))[..., None] * (0.30 + 0.7 * wet)
        ground = stones * light * (0.85 - 0.5 * wet) + sheen * np.minimum(fresnel, 0.8)
        kerb = step(_EDGE - 0.45, _EDGE - 0.40, away)[..., None]
        ground = ground * (1 - kerb) + (rgb(0.30, 0.29, 0.28) * light * 0.75 + sheen * 0.05) * kerb
        edge = np.clip(rows - start, 0, 1)[..., None]
        out = picture.copy()
        out[top:] = picture[top:] * (1 - edge) + ground * edge
        return out

    def _stones_seen(self, across: Mask, away: Mask, view: View) -> tuple[Image, Image]:
        side = self._stones[0].shape[0]
        map_x = np.mod(across * quay.STONE, side).astype(np.float32)
        map_y = np.mod(np.broadcast_to(away * quay.STONE, across.shape), side).astype(np.float32)
        a, b, c = (cv2.remap(t, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP) for t in self._stones)
        under = (np.square(away) / (view.focal * EYE) * quay.STONE)[..., None]  # tile rows that a pixel covers
        stones = a + (b - a) * step(1.0, 4.0, under) + (c - b) * step(4.0, 12.0, under)
        wet = cv2.remap(self._wet, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        return np.asarray(stones, np.float32), np.asarray(wet[..., None], np.float32)

    def _mirrored(self, picture: Image, view: View) -> Image:
        """What the wet ground shows: sky and sea turned over, the café's front and the figures upside down."""
        horizon = round(view.horizon)
        mirror = np.zeros_like(picture)
        rows = min(self.height - horizon, horizon)
        mirror[horizon : horizon + rows] = picture[:horizon][::-1][:rows]
        mirror = self._facade(mirror, view, -1.0)
        for standing in self._people:
            mirror = standing.mirrored(mirror, view)
        return np.asarray(
            cv2.GaussianBlur(mirror, (0, 0), sigmaX=1.4 * self.scale, sigmaY=7.0 * self.scale), np.float32
        )

    def _facade(self, picture: Image, view: View, way: float) -> Image:
        """The café's front, upwards (1) or as the ground mirrors it (-1)."""
        far, near = _FACADE
        tall = quay.FRONT[1] * way
        corners = [view.place(*far, tall), view.place(*near, tall), view.place(*near, 0.0), view.place(*far, 0.0)]
        return projected(picture, self._front, corners)

    def _railing(self, picture: Image, view: View) -> Image:
        shape, z = (self.height, self.width), _EDGE - 0.25
        metre = view.focal / z
        mask = np.zeros(shape, np.float32)
        for x in np.arange(-8.6, 2.4, 1.35):
            post = [view.place(float(x), z, 0.0), view.place(float(x), z, 0.98)]
            mask = np.maximum(mask, stroke(shape, post, 0.055 * metre, 1.0))
        for height, thick in ((0.96, 0.05), (0.5, 0.028)):
            rail = [view.place(-9.0, z, height), view.place(2.4, z, height)]
            mask = np.maximum(mask, stroke(shape, rail, thick * metre, 1.0))
        columns = np.arange(self.width, dtype=np.float32)[None, :, None] / self.scale
        color = rgb(0.028, 0.033, 0.04) + rgb(0.20, 0.085, 0.03) * np.exp(-np.square((columns - 340) / 160))
        return np.asarray(picture * (1 - mask[..., None]) + color * mask[..., None], np.float32)

    def _bulbs(self, picture: Image, view: View, time: float) -> Image:
        """A string of bulbs from the lamp to the café, swaying."""
        t = np.linspace(0, 1, 90)
        start, end = np.array([*_LAMP, 3.4]), np.array([*_FACADE[0], 3.45])
        path = start + (end - start) * t[:, None]
        path[:, 2] -= 4 * t * (1 - t) * (0.62 + 0.05 * np.sin(2 * np.pi * 0.35 * time + 4 * t))
        points = [view.place(float(x), float(z), float(h)) for x, z, h in path]
        wire = stroke((self.height, self.width), points, self.scale, 1.0)[..., None]
        picture = np.asarray(picture * (1 - wire) + rgb(0.03, 0.03, 0.035) * wire, np.float32)
        for k in range(6, 90, 7):
            x, y = points[k]
            light = rgb(21.0, 11.5, 4.2) * (0.8 + 0.04 * ((k * 37) % 10))
            picture = spot(picture, x, y + 4.2 * self.scale, 2.7 * self.scale, light)
        return picture


def exposed(picture: Image) -> Image:
    """The scene's light as both grades expose it: 1 is diffuse white."""
    return np.asarray(np.maximum(picture, 0.0) * np.float32(_EXPOSURE), np.float32)


def graded_sdr(picture: Image) -> Image:
    """The scene as a broadcast camera delivers it, BT.1886 codes 0 to 1: exposed, rolled off above a knee, clipped.

    Each channel by itself, as cameras do: highlights clip channel by channel and lose their hue on the way.
    """
    light = exposed(picture)
    over = np.clip((light - _KNEE) / (_CLIP - _KNEE), 0, 1)
    shoulder = _KNEE + (1 - _KNEE) * (1 - np.square(1 - over) * (1 - over * 0.2))
    display = np.where(light > _KNEE, np.minimum(shoulder, 1.0), light)
    return np.asarray(bt1886_encode(display * 100.0), np.float32)


def _contact(picture: Image, at: tuple[float, float], radius: float) -> Mask:
    """The soft dark that lies where something stands."""
    yy, xx = np.ogrid[0 : picture.shape[0], 0 : picture.shape[1]]
    return np.asarray(np.exp(-np.square((xx - at[0]) / radius) - np.square((yy - at[1]) / (radius * 0.22))), np.float32)


def _lens(picture: Image, scale: float) -> Image:
    """Glare round what is bright, and the fall-off towards the corners that every lens has."""
    bright = np.minimum(np.maximum(picture - 0.9, 0.0), 60.0)
    small = cv2.resize(bright, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    glare = cv2.GaussianBlur(bright, (0, 0), 2.2 * scale) * 0.055
    height, width = picture.shape[:2]
    for sigma, share in ((3.0, 0.034), (9.0, 0.016), (30.0, 0.010)):
        wide = cv2.GaussianBlur(small, (0, 0), sigma * scale) * share
        glare = glare + cv2.resize(wide, (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.ogrid[0:height, 0:width]
    off = (np.square((x + 0.5) / width - 0.5) + np.square(((y + 0.5) / height - 0.5) * height / width)) / 0.33
    return np.asarray((picture + np.maximum(glare, 0)) * (1 - 0.28 * off)[..., None], np.float32)
