"""The far half of the scene: dusk sky with its sun, headlands, lighthouse, the lit town, the boat and the gulls.

Places are in the units of a 540-line picture whose horizon is at 262; colours are scene-linear Rec.709.
"""

from __future__ import annotations

import numpy as np

from wetgate.spec import Image
from wetgate.surfaces.demo.brush import (
    Mask,
    Sprite,
    box,
    clouded,
    disc,
    halo,
    hue,
    letters,
    lit,
    polygon,
    rgb,
    smooth,
    step,
    stroke,
)
from wetgate.surfaces.demo.camera import HORIZON

SUN = (352.0, 238.0)  # at the left edge of a picture that is 960 wide, before the pan
MARGIN = 120.0  # how much wider than the picture, each side
SKY_ABOVE = 330.0  # how much higher than the picture: waves reflect it
SUN_LIGHT = rgb(150.0, 84.0, 30.0)
DUSK = rgb(0.085, 0.098, 0.175)  # what the whole sky sheds


def sky(width: float, scale: float) -> Image:
    """The sky from ``SKY_ABOVE`` over the picture's top down to the horizon, margins included."""
    high, wide = round((SKY_ABOVE + HORIZON) * scale), round((width + 2 * MARGIN) * scale)
    y = (SKY_ABOVE + HORIZON - (np.arange(high, dtype=np.float32) + 0.5) / scale)[:, None]
    x = ((np.arange(wide, dtype=np.float32) + 0.5) / scale - MARGIN)[None, :]
    near = np.exp(-np.square((x - SUN[0]) / 330))[..., None]
    horizon = rgb(0.40, 0.165, 0.135) * (1 - near) + rgb(1.15, 0.42, 0.12) * near
    middle = rgb(0.135, 0.105, 0.21) * (1 - near) + rgb(0.38, 0.195, 0.205) * near
    up = y[..., None]
    picture = horizon + (middle - horizon) * step(4, 105, up)
    picture = picture + (rgb(0.042, 0.068, 0.175) - picture) * step(60, 255, up)
    picture = picture + (rgb(0.014, 0.026, 0.082) - picture) * step(225, 520, up)
    distance = np.hypot(x - SUN[0], y - (HORIZON - SUN[1]))[..., None]
    picture = picture + rgb(2.6, 1.15, 0.36) * np.exp(-distance / 34) + rgb(0.5, 0.17, 0.04) * np.exp(-distance / 130)
    picture = _clouds(picture, x, y, distance, scale)
    sun = np.clip((9.5 - distance) * scale + 0.5, 0, 1)
    return np.asarray(picture + sun * SUN_LIGHT * (0.75 + 0.25 * step(-9, 6, up - (HORIZON - SUN[1]))), np.float32)


def _clouds(picture: Image, x: Mask, y: Mask, distance: Image, scale: float) -> Image:
    shape = (picture.shape[0], picture.shape[1])
    tall = shape[0] / scale / 592.0
    wide = shape[1] / scale / 1200.0
    streaks = clouded(shape, (26 * tall, 4.2 * wide), 6, 11) + 0.6 * clouded(shape, (60 * tall, 16 * wide), 4, 12)
    lower = np.roll(streaks, round(7 * scale), axis=0)
    there = np.exp(-np.square((y - 118) / 78)) + 0.75 * np.exp(-np.square((y - 300) / 110))
    density = (step(0.15, 2.3, streaks) * np.clip(there, 0, 1) * 0.92)[..., None]
    belly = step(-0.6, 1.6, streaks - lower)[..., None]  # thinner towards the sun below: the side that glows
    glow = np.exp(-distance / 210)
    body = rgb(0.085, 0.06, 0.115) + rgb(0.30, 0.11, 0.075) * glow
    edge = rgb(0.50, 0.165, 0.105) + rgb(2.0, 0.70, 0.2) * glow
    return np.asarray(picture * (1 - density) + (body + (edge - body) * belly) * density, np.float32)


def headlands(width: float, scale: float) -> Sprite:
    """Two ranges of hills in the haze and the lighthouse rock; from ``SKY_ABOVE`` on down to the horizon."""
    land = Sprite.empty(width + 2 * MARGIN, SKY_ABOVE + HORIZON, scale)
    shape = land.cover.shape
    base = SKY_ABOVE + HORIZON
    right = width + 2 * MARGIN
    ranges = (
        (21, 560.0, right, 92.0, rgb(0.215, 0.112, 0.135), 0.5),
        (22, 420.0, right, 60.0, rgb(0.098, 0.064, 0.095), 0.8),
        (23, -40.0, 395.0, 46.0, rgb(0.12, 0.07, 0.092), 0.7),
        (24, -60.0, 290.0, 27.0, rgb(0.048, 0.039, 0.062), 1.0),
    )
    for seed, left, end, height, color, rough in ranges:
        xs = np.linspace(left, end, 220)
        profile = clouded((1, 220), (1, 5), 6, seed)[0] * 0.16 * rough + 0.8
        along = (xs - left) / (end - left)
        envelope = np.sqrt(np.clip(along * 1.7, 0, 1)) if end >= right else np.sqrt(np.clip((1 - along) * 1.5, 0, 1))
        ridge = base - np.maximum(profile * envelope * height, 0)
        outline = [(float(x), float(y)) for x, y in zip(xs, ridge, strict=True)] + [(end, base + 2), (left, base + 2)]
        mask = polygon(shape, outline, scale)
        haze = step(0, height, base - (np.arange(shape[0], dtype=np.float32) + 0.5)[:, None] / scale)[..., None]
        trees = 1 + 0.05 * rough * clouded(shape, (70, 110), 3, seed + 40)[..., None]
        land.paint(mask, (color * (0.75 + 0.25 * haze) + rgb(0.075, 0.03, 0.016) * (1 - haze)) * trees)
    _lighthouse(land, 232.0, base - 9, scale)
    return land


def _lighthouse(land: Sprite, x: float, foot: float, scale: float) -> None:
    shape = land.cover.shape
    top = foot - 58
    tower = polygon(shape, [(x - 6, foot), (x - 3.6, top), (x + 3.6, top), (x + 6, foot)], scale)
    rows = (np.arange(shape[0], dtype=np.float32) + 0.5)[:, None] / scale
    bands = (np.floor((foot - rows) / 14.5) % 2)[..., None]
    albedo = hue("c8c2b8") * (1 - bands) + hue("a32c22") * bands
    land.paint(tower, lit(tower, albedo, [((1, 0.1, 0.3), (1.5, 0.7, 0.3))], round_by=5, scale=scale, ambient=DUSK))
    land.paint(box(shape, x - 5.5, top - 1.5, 11, 2.2, scale), hue("3a3432") * 0.5)
    land.paint(box(shape, x - 3.2, top - 8.5, 6.4, 7, scale), rgb(26.0, 20.0, 11.0))
    land.paint(polygon(shape, [(x - 4, top - 8.5), (x, top - 13), (x + 4, top - 8.5)], scale), hue("7a2a22") * 0.4)
    land.glow(halo(shape, x, top - 5, 9, scale)[..., None] * rgb(1.1, 0.8, 0.42))
    hut = box(shape, x - 24, foot - 12, 17, 13, scale)
    land.paint(hut, hue("9a8f84") * rgb(0.3, 0.22, 0.2))
    land.paint(
        polygon(shape, [(x - 26, foot - 12), (x - 15.5, foot - 19), (x - 5, foot - 12)], scale), hue("6a3a30") * 0.25
    )
    land.paint(box(shape, x - 18, foot - 9, 3.4, 4.4, scale), rgb(5.5, 3.0, 1.0))


def town(scale: float) -> Sprite:
    """Houses along the far quay, 620 wide and 130 high, the waterline at its foot."""
    houses = Sprite.empty(620, 130, scale)
    shape = houses.cover.shape
    rng = np.random.default_rng(31)
    walls = ("b9a58e", "c7b08a", "a3776a", "d0c6b6", "8f9ba6", "b88a5e", "c39a94", "99a38c")
    roofs = ("5b352c", "6a3f31", "4a3a3c", "3f4248")
    for row, (base, tall) in enumerate(((104.0, 1.15), (124.0, 1.0))):
        x = 10.0 + 8 * row
        while x < 596:
            wide = float(rng.uniform(22, 44))
            ends = min(1.0, x / 130 + 0.45)
            high = float(rng.uniform(24, 44)) * tall * ends
            _house(houses, x, base, wide, high, str(rng.choice(walls)), str(rng.choice(roofs)), rng, row, scale)
            x += wide + float(rng.choice([0, 0, 0, 3, 6]))
    _church(houses, 302.0, 98.0, scale)
    wall = box(shape, 0, 121, 620, 9, scale)
    stones = 1 + 0.25 * clouded(shape, (60, 240), 2, 33)[..., None]
    houses.paint(wall, hue("6b625c") * rgb(0.15, 0.115, 0.125) * stones)
    for lamp in np.linspace(30, 590, 11):
        houses.paint(stroke(shape, [(lamp, 121), (lamp, 108)], 0.8, scale), hue("302c2c") * 0.3)
        houses.paint(disc(shape, lamp, 107, 1.7, scale), rgb(19.0, 11.0, 4.2))
        houses.glow(halo(shape, lamp, 107, 6, scale)[..., None] * rgb(0.75, 0.4, 0.14))
    return houses


def _house(
    houses: Sprite, x: float, base: float, wide: float, high: float, wall: str, roof: str, rng: np.random.Generator,
    row: int, scale: float,
) -> None:  # fmt: skip
    shape = houses.cover.shape
    top = base - high
    haze = 0.30 if row == 0 else 0.12
    ambient = DUSK * (1 - haze) + rgb(0.2, 0.1, 0.1) * haze
    columns = np.clip(((np.arange(shape[1], dtype=np.float32) + 0.5) / scale - x) / wide, 0, 1)[None, :, None]
    sunny = rgb(0.42, 0.16, 0.075) * (1 - columns) ** 2  # the sun stands low on the left
    houses.paint(box(shape, x, top, wide, high + 22, scale), hue(wall) * (ambient * 1.25 + sunny))
    peak = float(rng.uniform(6, 13))
    gable = bool(rng.random() < 0.45)
    outline = [(x - 1.2, top), (x + wide / 2, top - peak), (x + wide + 1.2, top)]
    if not gable:
        outline = [(x - 1.2, top), (x + 4, top - peak * 0.75), (x + wide - 4, top - peak * 0.75), (x + wide + 1.2, top)]
    houses.paint(polygon(shape, outline, scale), hue(roof) * (ambient * 1.3 + sunny * 1.5))
    if rng.random() < 0.6:
        chimney = x + float(rng.uniform(0.2, 0.7)) * wide
        houses.paint(box(shape, chimney, top - peak * 0.8 - 4, 3, 6, scale), hue(roof) * ambient)
    pitch = 8.4
    for wy in np.arange(top + 4.5, base - 5, 9.2):
        for wx in np.arange(x + 3.6, x + wide - 5.5, pitch):
            on = rng.random()
            if on < 0.42:
                light = (rgb(4.6, 2.5, 0.85) if on < 0.33 else rgb(3.0, 2.9, 2.6)) * float(rng.uniform(0.35, 1.35))
            else:
                light = rgb(0.022, 0.026, 0.045)
            houses.paint(box(shape, float(wx), float(wy), 3.3, 4.8, scale), light)


def _church(houses: Sprite, x: float, base: float, scale: float) -> None:
    shape = houses.cover.shape
    tower = box(shape, x - 7, base - 62, 14, 66, scale)
    houses.paint(tower, hue("b5a792") * (DUSK * 1.2 + rgb(0.12, 0.055, 0.035)))
    houses.paint(box(shape, x - 7, base - 62, 5, 66, scale), hue("b5a792") * (DUSK + rgb(0.42, 0.17, 0.075)))
    houses.paint(
        polygon(shape, [(x - 8.5, base - 62), (x, base - 96), (x + 8.5, base - 62)], scale), hue("4c5a58") * 0.25
    )
    houses.paint(disc(shape, x, base - 51, 4.2, scale), rgb(3.4, 2.9, 2.0))
    houses.paint(stroke(shape, [(x, base - 51), (x, base - 54.4)], 0.7, scale), rgb(0.1, 0.1, 0.1))
    houses.paint(stroke(shape, [(x, base - 51), (x + 2.4, base - 50)], 0.7, scale), rgb(0.1, 0.1, 0.1))


def boat(scale: float) -> Sprite:
    """A fishing boat bound to the right, 150 wide and 110 high, its waterline at 92."""
    ship = Sprite.empty(150, 110, scale)
    shape = ship.cover.shape
    sun = [((-0.9, -0.3, 0.35), (1.1, 0.5, 0.22))]
    rigging = [
        ((62, 40), (62, 4)),
        ((62, 8), (24, 62)),
        ((62, 8), (136, 58)),
        ((62, 30), (100, 34)),
        ((24, 62), (24, 38)),
    ]
    for line in rigging:
        ship.paint(stroke(shape, list(line), 1.0, scale), hue("40342c") * 0.3)
    cabin = polygon(shape, [(40, 66), (41, 36), (80, 36), (84, 66)], scale)
    ship.paint(cabin, lit(cabin, hue("e6e2d8"), sun, round_by=4, scale=scale, ambient=DUSK * 1.2))
    ship.paint(polygon(shape, [(37, 37), (39, 32.5), (83, 32.5), (85, 37)], scale), hue("2f5d73") * 0.5)
    for wx in (45.5, 57, 68.5):
        ship.paint(box(shape, wx, 42, 8.5, 8.5, scale), rgb(7.5, 4.4, 1.7))
        ship.glow(halo(shape, wx + 4, 46, 6, scale)[..., None] * rgb(0.35, 0.2, 0.08))
    outline = smooth([(14, 60), (40, 65), (90, 64), (118, 58), (142, 48), (136, 66), (122, 92), (30, 94), (18, 84)], 10)
    hull = polygon(shape, outline, scale)
    rows = (np.arange(shape[0], dtype=np.float32) + 0.5)[:, None, None] / scale
    paint = hue("1f4f6b") * (rows < 82) + hue("8c2a20") * (rows >= 82)
    planks = np.broadcast_to(0.35 * np.sin(rows[..., 0] * 2 * np.pi / 5.0), shape)
    ship.paint(hull, lit(hull, paint, sun, round_by=16, scale=scale, ambient=DUSK * 1.3, relief=planks))
    rim = stroke(shape, [(14, 60), (40, 65), (90, 64), (118, 58), (142, 48)], 2.2, scale)
    ship.paint(rim, hue("e8dcc4") * rgb(0.62, 0.46, 0.4))
    ship.paint(letters(shape, "MARLIN 27", 88, 74, 9, scale, weight=600), hue("f0ead8") * rgb(0.5, 0.42, 0.4))
    for x, color in ((26, "d8702a"), (33, "e0b23a"), (96, "d8702a")):
        buoy = disc(shape, x, 63, 4.2, scale)
        ship.paint(buoy, lit(buoy, hue(color), sun, round_by=4, scale=scale, ambient=DUSK * 1.3))
    for x, y, light, radius in (
        (62, 4, (60.0, 48.0, 30.0), 2.0),
        (140, 47, (1.0, 16.0, 3.0), 1.5),
        (23, 37, (24.0, 2.0, 1.0), 1.5),
    ):
        ship.paint(disc(shape, x, y, radius, scale), rgb(*light))
        ship.glow(halo(shape, x, y, 5 * radius, scale)[..., None] * rgb(*light) * 0.02)
    return ship


def gulls(shape: tuple[int, int], time: float, scale: float) -> Mask:
    """Five gulls over the water, wings beating; ``time`` in seconds."""
    mask = np.zeros(shape, np.float32)
    for k, (x, y, size) in enumerate(((470, 96, 11), (512, 120, 8), (438, 138, 7), (150, 70, 9), (566, 84, 6.5))):
        beat = np.sin(2 * np.pi * (2.1 + 0.2 * k) * time + 1.7 * k)
        left, level = x + (15 + 2 * k) * time, y - 4 * time * np.sin(k)
        lift = size * 0.42 * beat
        wing = [(left - size, level - lift * 0.6), (left - size * 0.5, level - size * 0.26 - lift), (left, level)]
        wing += [(left + size * 0.5, level - size * 0.26 - lift), (left + size, level - lift * 0.6)]
        mask = np.maximum(mask, stroke(shape, wing, 1.25, scale))
    return mask
