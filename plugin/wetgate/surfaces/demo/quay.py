"""The near half of the scene: cobbles, the café's front, and who and what stands on the quay.

Flat things are painted square on, in metres times ``PIXELS`` (and ``scale``); the scene puts them into perspective.
Colours are scene-linear Rec.709.
"""

from __future__ import annotations

import cv2
import numpy as np

from wetgate.spec import Image
from wetgate.surfaces.demo.backdrop import DUSK
from wetgate.surfaces.demo.brush import (
    Mask,
    Sprite,
    blank,
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

PIXELS = 190.0  # a metre of the café's front
FRONT = (5.4, 3.5)  # its width and height in metres
STONE = 128.0  # pixels a metre of the cobbles, whatever the picture's size
TILE = 6.0  # metres until they repeat
_WARM = rgb(1.0, 0.56, 0.23)
# sRGB of the 24 patches of the ColorChecker Classic under D65, after X-Rite's published sRGB values (2005).
_CHART = (
    "735244", "c29682", "627a9d", "576c43", "8580b1", "67bdaa",
    "d67e2c", "505ba6", "c15a63", "5e3c6c", "9dbc40", "e0a32e",
    "383d96", "469449", "af363c", "e7c71f", "bb5695", "0885a1",
    "f3f3f2", "c8c8c8", "a0a0a0", "7a7a79", "555555", "343434",
)  # fmt: skip


def cobbles() -> tuple[Image, Mask]:
    """A tile of the quay's paving: reflectance (768, 768, 3) and how wet each place is (768, 768)."""
    size = round(STONE * TILE)
    rng = np.random.default_rng(41)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / STONE
    warp = clouded((size, size), (14, 14), 2, 42, tiles=True) * 0.008
    course = TILE / 36
    row = np.floor((y + warp) / course).astype(int) % 36
    offsets = rng.uniform(0, 1, 36).astype(np.float32)[row]
    stone = TILE / 26
    column = np.floor((x + warp) / stone + offsets).astype(int) % 26
    fy = np.abs(np.mod((y + warp) / course, 1) - 0.5)
    fx = np.abs(np.mod((x + warp) / stone + offsets, 1) - 0.5)
    edge = np.maximum(step(0.38, 0.5, fy), step(0.41, 0.5, fx))
    shades = rng.uniform(0.7, 1.3, (36, 26)).astype(np.float32)[row, column][..., None]
    warmth = rng.normal(0, 0.05, (36, 26)).astype(np.float32)[row, column][..., None]
    grit = 1 + 0.16 * clouded((size, size), (90, 90), 3, 43, tiles=True)[..., None]
    reflectance = hue("78716b") * shades * grit * (1 + warmth * rgb(1, 0, -1)) * (1 - 0.75 * edge[..., None])
    puddles = step(-0.3, 0.9, clouded((size, size), (5, 5), 3, 44, tiles=True))
    wet = 0.16 * (1 - edge) + 0.84 * puddles
    return np.maximum(reflectance, 0.004).astype(np.float32), np.asarray(wet, np.float32)


def front(scale: float) -> Sprite:
    """The café's front, 5.4 by 3.5 m, its ground line at the lower edge; the far end is at the left."""
    s = PIXELS * scale / 100.0  # painted in centimetres
    wide, high = FRONT[0] * 100, FRONT[1] * 100
    wall = Sprite.empty(wide, high, s)
    shape = wall.cover.shape
    spill = halo(shape, 300, 250, 190, s)[..., None] * _WARM * 0.5 + halo(shape, 270, 60, 95, s)[..., None] * rgb(
        0.05, 0.34, 0.42
    )
    light = DUSK * 1.05 + spill
    wall.paint(np.ones(shape, np.float32), _bricks(shape, s) * light)
    wall.paint(box(shape, 0, 0, wide, 14, s), hue("4a4644") * DUSK * 1.6)
    wall.paint(box(shape, 0, 14, wide, 4, s), hue("1c1a1a") * DUSK)
    wall.paint(box(shape, 0, 318, wide, 32, s), hue("4d4845") * (DUSK + spill))
    _window(wall, 62, 132, 262, 150, light, s)
    _door(wall, 358, 118, 92, 232, light, s)
    _awning(wall, 46, 104, 412, light, s)
    _neon(wall, s)
    _board(wall, 472, 180, 56, 92, light, s)
    _poster(wall, 8, 168, 46, 68, light, s)
    return wall


def _bricks(shape: tuple[int, int], s: float) -> Image:
    y = (np.arange(shape[0], dtype=np.float32)[:, None] + 0.5) / s
    x = (np.arange(shape[1], dtype=np.float32)[None, :] + 0.5) / s
    row = np.floor(y / 7.5).astype(int)
    shift = np.where(row % 2 == 0, 0.0, 11.0)
    column = np.floor((x + shift) / 22.0).astype(int)
    rng = np.random.default_rng(51)
    shades = rng.uniform(0.72, 1.25, (64, 64)).astype(np.float32)[row % 64, column % 64]
    mortar = np.maximum(
        step(0.42, 0.48, np.abs(np.mod(y / 7.5, 1) - 0.5)), step(0.465, 0.49, np.abs(np.mod((x + shift) / 22, 1) - 0.5))
    )
    grit = 1 + 0.12 * clouded(shape, (140, 210), 2, 52)
    brick = hue("8a4a38") * (shades * grit)[..., None]
    return np.asarray(brick * (1 - mortar[..., None]) + hue("8d8278") * mortar[..., None] * 0.9, np.float32)


def _window(wall: Sprite, x: float, y: float, wide: float, high: float, light: Image, s: float) -> None:
    shape = wall.cover.shape
    wall.paint(box(shape, x - 9, y - 9, wide + 18, high + 22, s), hue("20463c") * light * 1.15)
    glass = box(shape, x, y, wide, high, s)
    rows = np.clip(((np.arange(shape[0], dtype=np.float32) + 0.5) / s - y) / high, 0, 1)[:, None, None]
    room = rgb(1.55, 0.76, 0.255) * (1.2 - 0.75 * rows) * (1 + 0.09 * clouded(shape, (9, 16), 4, 61)[..., None])
    wall.paint(glass, room)
    inside = glass  # what is inside is cut by the frame
    for k in range(3):
        level = y + 34 + 22 * k
        wall.paint(box(shape, x + 14, level, 92, 2.2, s) * inside, hue("3a2216") * 0.6)
        rng = np.random.default_rng(70 + k)
        at = x + 17.0
        while at < x + 100:
            tall, thick = float(rng.uniform(9, 17)), float(rng.uniform(3, 5))
            tint = hue(str(rng.choice(["2f6b3a", "8a3b1e", "c98a2b", "355f8a", "7a1f2d", "d9c7a0"]))) * 1.5
            wall.paint(box(shape, at, level - tall, thick, tall, s) * inside, tint)
            wall.paint(box(shape, at + thick * 0.3, level - tall - 3, thick * 0.4, 4, s) * inside, tint * 0.8)
            at += thick + float(rng.uniform(1.2, 4))
    for px, drop in ((x + 128, 26), (x + 178, 34), (x + 228, 26)):
        wall.paint(stroke(shape, [(px, y), (px, y + drop)], 0.8, s), rgb(0.05, 0.03, 0.02))
        wall.paint(
            polygon(shape, [(px - 9, y + drop + 8), (px - 3, y + drop), (px + 3, y + drop), (px + 9, y + drop + 8)], s),
            hue("7d2018") * 0.8,
        )
        wall.paint(disc(shape, px, y + drop + 9, 4.2, s), rgb(34.0, 22.0, 10.0))
        wall.glow(halo(shape, px, y + drop + 12, 17, s)[..., None] * rgb(2.2, 1.25, 0.5) * inside[..., None])
    _guests(wall, x, y + high, inside, s)
    wall.paint(box(shape, x + wide / 2 - 2, y, 4, high, s), hue("1c3d34") * light)
    wall.paint(box(shape, x, y + 24, wide, 3, s), hue("1c3d34") * light)
    wall.paint(box(shape, x - 13, y + high + 6, wide + 26, 8, s), hue("2a5548") * light * 1.3)


def _guests(wall: Sprite, x: float, foot: float, inside: Mask, s: float) -> None:
    """Two guests at a table behind the glass, and the bar."""
    shape = wall.cover.shape
    for px, coat, hair, way in ((x + 158, "28405e", "2a1a12", 1), (x + 214, "7a2f2a", "6a4526", -1)):
        body = polygon(
            shape,
            smooth(
                [
                    (px - 19, foot),
                    (px - 17, foot - 30),
                    (px - 6, foot - 42),
                    (px + 6, foot - 42),
                    (px + 17, foot - 30),
                    (px + 19, foot),
                ]
            ),
            s,
        )
        lamp = [((0.1 * way, -1.0, 0.35), (2.6, 1.5, 0.65))]
        wall.paint(body * inside, lit(body, hue(coat), lamp, round_by=12, scale=s, ambient=rgb(0.4, 0.25, 0.12)))
        head = polygon(
            shape,
            smooth(
                [
                    (px - 8, foot - 52),
                    (px - 6, foot - 63),
                    (px + 2, foot - 66),
                    (px + 8, foot - 59),
                    (px + 7, foot - 47),
                    (px, foot - 42),
                ]
            ),
            s,
        )
        wall.paint(head * inside, lit(head, hue("c98f6d"), lamp, round_by=9, scale=s, ambient=rgb(0.5, 0.3, 0.16)))
        top = polygon(
            shape,
            smooth(
                [
                    (px - 9 * way, foot - 50),
                    (px - 9 * way, foot - 64),
                    (px, foot - 70),
                    (px + 8 * way, foot - 64),
                    (px + 2 * way, foot - 60),
                    (px - 4 * way, foot - 56),
                ]
            ),
            s,
        )
        wall.paint(top * inside, lit(top, hue(hair), lamp, round_by=5, scale=s, ambient=rgb(0.2, 0.12, 0.06)))
    wall.paint(box(shape, x + 168, foot - 24, 40, 3, s) * inside, hue("5a3520") * 2.0)
    wall.paint(disc(shape, x + 188, foot - 29, 3.0, s) * inside, rgb(18.0, 9.0, 2.4))


def _door(wall: Sprite, x: float, y: float, wide: float, high: float, light: Image, s: float) -> None:
    shape = wall.cover.shape
    wall.paint(box(shape, x - 8, y - 8, wide + 16, high + 8, s), hue("20463c") * light)
    wall.paint(box(shape, x, y, wide, high, s), hue("a8322a") * light * 1.1)
    pane = box(shape, x + 14, y + 16, wide - 28, high * 0.52, s)
    rows = np.clip(((np.arange(shape[0], dtype=np.float32) + 0.5) / s - y) / high, 0, 1)[:, None, None]
    wall.paint(pane, rgb(1.3, 0.64, 0.22) * (1.25 - rows))
    wall.paint(box(shape, x + wide / 2 - 1.5, y + 16, 3, high * 0.52, s), hue("8a2a24") * light)
    wall.paint(disc(shape, x + 9, y + high * 0.62, 3.2, s), hue("d9b457") * light * 2.2)
    sign = box(shape, x + 24, y + 44, wide - 48, 18, s)
    wall.paint(sign, hue("f2ede0") * 0.42)
    wall.paint(letters(shape, "OPEN", x + 27.5, y + 57.6, 14, s, weight=700), hue("a02820") * 0.4)


def _awning(wall: Sprite, x: float, y: float, wide: float, light: Image, s: float) -> None:
    shape = wall.cover.shape
    columns = (np.arange(shape[1], dtype=np.float32) + 0.5)[None, :, None] / s
    stripe = step(0.46, 0.54, np.abs(np.mod((columns - x) / 34.0, 1) * 2 - 1))
    cloth = hue("b8302a") * (1 - stripe) + hue("efe6d2") * stripe
    rows = np.clip(((np.arange(shape[0], dtype=np.float32) + 0.5) / s - y) / 34, 0, 1)[:, None, None]
    hem = [(x + wide - k * wide / 24, y + 32 + (5 if k % 2 else 0)) for k in range(25)]
    mask = polygon(shape, [(x + 8, y), (x + wide - 8, y), (x + wide, y + 32), *hem, (x, y + 32)], s)
    wall.paint(mask, cloth * (light * 0.9 + DUSK * 0.9) * (0.75 + 0.5 * rows))
    under = polygon(shape, [(x, y + 37), (x + wide, y + 37), (x + wide, y + 44), (x, y + 44)], s)
    wall.color *= 1 - 0.45 * under[..., None]


def _neon(wall: Sprite, s: float) -> None:
    """Tubes: a white-hot core in a coloured sleeve, and the light they throw on the wall."""
    shape = wall.cover.shape
    text = letters(shape, "HARBOUR", 66, 82, 60, s, weight=500)
    wide = cv2.dilate(text, np.ones((3, 3)), iterations=max(1, round(s)))
    for radius, power in ((26.0, 0.9), (9.0, 1.4), (3.0, 2.0)):
        wall.glow(cv2.GaussianBlur(text, (0, 0), radius * s)[..., None] * rgb(0.12, 1.0, 1.25) * power)
    wall.paint(np.asarray(wide, np.float32), rgb(0.35, 8.5, 11.0))
    core = cv2.erode(text, np.ones((3, 3)), iterations=1)
    wall.paint(np.asarray(core, np.float32), rgb(5.0, 19.0, 22.0))
    cup = smooth([(392, 46), (426, 46), (422, 74), (396, 74)], 6)
    line = np.maximum(
        stroke(shape, [*cup, cup[0]], 3.2, s),
        stroke(shape, smooth([(424, 52), (437, 54), (433, 66), (422, 66)], 5), 2.8, s),
    )
    for k in range(3):
        steam = [(401 + 8 * k + 3 * np.sin(t * 2.2), 40 - 6 * t) for t in np.linspace(0, 3, 12)]
        line = np.maximum(line, stroke(shape, steam, 2.2, s))
    for radius, power in ((20.0, 0.8), (7.0, 1.4)):
        wall.glow(cv2.GaussianBlur(line, (0, 0), radius * s)[..., None] * rgb(1.5, 0.12, 0.55) * power)
    wall.paint(line, rgb(21.0, 1.9, 8.2))


def _board(wall: Sprite, x: float, y: float, wide: float, high: float, light: Image, s: float) -> None:
    shape = wall.cover.shape
    wall.paint(box(shape, x - 4, y - 4, wide + 8, high + 8, s), hue("8a5d33") * light * 1.2)
    wall.paint(box(shape, x, y, wide, high, s), hue("23282a") * light * 1.3)
    chalk = blank(shape)
    for k, (text, size) in enumerate(
        (("Today", 13.5), ("mussels", 9.5), ("crab soup", 9.5), ("plum tart", 9.5), ("tea 2.40", 9.5))
    ):
        chalk = np.maximum(chalk, letters(shape, text, x + 6, y + 18 + 16.5 * k, size, s, weight=500))
    wall.paint(chalk * 0.85, hue("e8e4d8") * light * 2.0)


def _poster(wall: Sprite, x: float, y: float, wide: float, high: float, light: Image, s: float) -> None:
    """A regatta poster: flat colours that a grade has to keep."""
    shape = wall.cover.shape
    paper = light * 1.7
    wall.paint(box(shape, x, y, wide, high, s), hue("efe3c8") * paper)
    wall.paint(box(shape, x + 3, y + 3, wide - 6, 42, s), hue("4fa3b8") * paper)
    wall.paint(polygon(shape, [(x + 9, y + 38), (x + 23, y + 9), (x + 23, y + 38)], s), hue("d84a32") * paper)
    wall.paint(polygon(shape, [(x + 25, y + 13), (x + 37, y + 38), (x + 25, y + 38)], s), hue("f4c63c") * paper)
    wall.paint(box(shape, x + 3, y + 38, wide - 6, 7, s), hue("1f3f66") * paper)
    wall.paint(letters(shape, "REGATTA", x + 4, y + 56, 9.4, s, weight=700), hue("1f3f66") * paper)
    wall.paint(letters(shape, "19-21 JUNE", x + 6, y + 64, 6.2, s, weight=500), hue("a8322a") * paper)


def watcher(scale: float) -> Sprite:
    """Somebody in a yellow oilskin looking out to sea, 120 wide and 300 high, soles at 292: 1.72 m to 285."""
    figure = Sprite.empty(120, 300, scale)
    shape = figure.cover.shape
    sun = ((-0.95, -0.15, 0.10), (2.1, 0.86, 0.30))
    cafe = ((0.95, -0.05, 0.38), (0.62, 0.36, 0.155))
    lights = [sun, cafe]
    sky_light = DUSK * 0.95

    def part(points: list[tuple[float, float]], color: str, roundness: float, relief: Mask | None = None) -> None:
        mask = polygon(shape, smooth(points), scale)
        figure.paint(
            mask, lit(mask, hue(color), lights, round_by=roundness, scale=scale, ambient=sky_light, relief=relief)
        )

    part([(47, 196), (62, 194), (61, 240), (59, 280), (46, 280), (47, 240)], "2b3547", 7)
    part([(60, 194), (76, 196), (76, 240), (74, 280), (62, 280), (60, 240)], "333f54", 7)
    part([(41, 272), (60, 270), (61, 291), (36, 292), (33, 286)], "26221f", 6)
    part([(59, 270), (76, 272), (77, 291), (54, 292), (52, 287)], "2e2925", 6)
    folds = 0.5 * cv2.GaussianBlur(clouded(shape, (7, 22), 2, 81), (0, 0), max(2.2 * scale, 0.5))
    part(
        [(39, 92), (52, 76), (69, 76), (84, 92), (90, 140), (93, 206), (76, 212), (50, 212), (31, 206), (35, 140)],
        "e0a51c",
        20,
        folds,
    )
    figure.paint(stroke(shape, [(52, 84), (47, 150), (44, 210)], 1.1, scale) * 0.55, hue("6a4a0c") * 0.25)
    figure.paint(box(shape, 31, 202, 62, 3.2, scale) * figure.cover, hue("b37f10") * rgb(0.55, 0.35, 0.2))
    for level in (106, 124, 142, 160):
        figure.paint(disc(shape, 46.5 - 0.04 * (level - 100), level, 1.5, scale), hue("3a2c14") * 0.6)
    part([(73, 88), (85, 96), (91, 132), (92, 168), (82, 176), (75, 170), (76, 130)], "d99c18", 10, folds)
    part([(43, 170), (52, 168), (54, 176), (46, 180)], "c68a68", 5)
    part([(40, 92), (47, 88), (50, 128), (53, 166), (43, 174), (36, 166), (36, 126)], "e2a820", 9, folds)
    part([(52, 60), (66, 60), (68, 80), (52, 80)], "b97f60", 8)
    part([(44, 82), (56, 70), (72, 70), (80, 84), (70, 92), (52, 92)], "c8901a", 8)
    face = [
        (49, 37),
        (47, 44),
        (43.5, 51),
        (46.5, 53.5),
        (46, 57),
        (47, 59),
        (46.6, 63),
        (51, 67.5),
        (60, 66),
        (69, 58),
        (71, 44),
        (66, 33),
        (56, 31),
    ]
    part(face, "cf9878", 13)
    figure.paint(stroke(shape, [(49.3, 46.6), (52.6, 46.0)], 1.3, scale) * 0.8, hue("3a241c") * 0.3)
    figure.paint(stroke(shape, [(48.8, 43.2), (53.4, 42.4)], 1.3, scale) * 0.7, hue("3a241c") * 0.35)
    figure.paint(stroke(shape, [(47.2, 60.4), (50.6, 60.2)], 1.1, scale) * 0.6, hue("7a3a34") * 0.4)
    part([(59, 46), (63, 46), (64, 52), (61, 56), (58.5, 52)], "c08566", 3)
    part([(57, 44), (72, 42), (74, 56), (70, 66), (64, 66), (65, 56)], "4a2c1c", 6)
    ribs = np.broadcast_to(0.5 * np.sin((np.arange(shape[1], dtype=np.float32) + 0.5)[None, :] / scale * 2.2), shape)
    part([(47, 40), (48, 28), (56, 20), (67, 21), (74, 30), (75, 42), (62, 39)], "a3271f", 10, ribs)
    part([(46, 36), (60, 34), (75, 38), (75.5, 45), (61, 42), (46, 43)], "b23028", 4, ribs)
    part([(58, 14), (64, 13), (67, 19), (62, 23), (57, 20)], "c8463a", 5)
    return figure


def crate(scale: float) -> Sprite:
    """A fish crate with a colour chart leant on it, 130 wide and 100 high, its foot at 98."""
    prop = Sprite.empty(130, 100, scale)
    shape = prop.cover.shape
    lights = [((0.5, -0.75, 0.45), (0.95, 0.62, 0.34)), ((-0.9, -0.3, 0.3), (0.55, 0.26, 0.12))]
    body = polygon(shape, [(4, 40), (122, 38), (126, 97), (8, 98)], scale)
    rows = (np.arange(shape[0], dtype=np.float32) + 0.5)[:, None] / scale
    slats = np.broadcast_to(np.minimum(1.2, 6.0 * np.abs(np.mod(rows / 15, 1) - 0.5)), shape)
    wood = hue("8c6a46") * (1 + 0.18 * clouded(shape, (60, 5), 4, 91)[..., None])
    prop.paint(body, lit(body, wood, lights, round_by=3, scale=scale, ambient=DUSK * 1.2, relief=slats))
    prop.paint(letters(shape, "MARLIN", 76, 92, 11, scale, weight=700) * 0.75, hue("2b2420") * 0.35)
    for k in range(6):
        net = smooth([(70 + 9 * k, 40), (76 + 9 * k, 26 - 3 * (k % 3)), (88 + 7 * k, 30), (92 + 6 * k, 40)], 6)
        prop.paint(stroke(shape, net, 1.6, scale), hue("3c7d6a") * 0.5)
    light = DUSK * 1.25 + rgb(0.62, 0.42, 0.24)
    prop.paint(polygon(shape, [(6, 30), (66, 30), (66, 74), (6, 74)], scale), hue("1c1c1c") * light)
    for k, code in enumerate(_CHART):
        x, y = 8.5 + 9.3 * (k % 6), 32.5 + 10.1 * (k // 6)
        prop.paint(box(shape, x, y, 8.3, 8.8, scale), hue(code) * light)
    return prop


def lamp(scale: float) -> Sprite:
    """A quay lamp, 60 wide and 440 high, its foot at 436 and its globe at 34; 3.9 m from foot to globe."""
    post = Sprite.empty(60, 440, scale)
    shape = post.cover.shape
    lights = [((-0.95, -0.1, 0.3), (1.0, 0.46, 0.2)), ((0.9, -0.2, 0.3), (0.35, 0.2, 0.1))]
    for outline, roundness in (
        ([(27.6, 60), (32.4, 60), (33.4, 400), (26.6, 400)], 3.5),
        ([(22, 436), (24, 396), (36, 396), (38, 436)], 6),
        ([(24, 62), (25, 55), (35, 55), (36, 62)], 4),
        ([(18, 56), (22, 49), (38, 49), (42, 56)], 4),
    ):
        mask = polygon(shape, outline, scale)
        post.paint(mask, lit(mask, hue("2c3a36"), lights, round_by=roundness, scale=scale, ambient=DUSK))
    post.paint(disc(shape, 30, 34, 15.5, scale), rgb(15.0, 10.4, 5.4))
    post.glow(np.power(halo(shape, 30, 34, 7.5, scale), 1.4)[..., None] * rgb(52.0, 36.0, 19.0))
    return post
