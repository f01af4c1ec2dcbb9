"""Dust, hairs, blotches: marks that lie on the film for one frame; hairs that hang in the gate for many."""

from __future__ import annotations

import math

import numpy as np

from wetgate.damage.marks import Patch, Table, blotch, fibre, lay, speck
from wetgate.damage.model import Damaged, Place, damage
from wetgate.ops.noise import red_series
from wetgate.ops.random import Stream
from wetgate.spec import Frame, param

_POLARITY = {
    "dark": "Dark: dirt on a positive",
    "bright": "Bright: dirt on the negative, printed in",
    "mixed": "Both: dirt of several generations",
}


@damage(id="dust", label="Dust and hair", space="scene", version=1)
class Dust:
    """Dust, clusters of dirt, hairs and blotches, each in a single frame, somewhere else in the next.

    Marks are a Poisson process in time and place. Sizes are log-normal (``size`` is the median diameter, a factor
    of two is one standard deviation), so that there are many small ones and few large ones; a third of the specks
    come in clusters of small grains. Outlines are irregular (random harmonics), hairs are paths of wandering
    direction, blotches thresholded fractal noise. A mark hides the film: L' = (1 - a) L + a m, in linear light,
    with a the coverage times an opacity that differs from mark to mark. Dirt on a positive blocks the projector's
    light, m = 0.005; dirt on the negative leaves the print unexposed, m = 1, the base. Truth: ``mask`` (H, W), the
    coverage, of all marks; ``boxes``, [x, y, width, height] of each mark in px of the full picture.
    """

    specks: float = param(14.0, lo=0, hi=2000, unit="per frame", hint="Specks and clusters a frame, in the mean.")
    hairs: float = param(0.5, lo=0, hi=100, unit="per frame", hint="Hairs and fibres a frame, in the mean.")
    blotches: float = param(0.05, lo=0, hi=50, unit="per frame", hint="Large ragged patches a frame, in the mean.")
    size: float = param(0.22, lo=0.02, hi=5, unit="% of width", hint="Median diameter of a speck.")
    hair_length: float = param(4.0, lo=0.2, hi=50, unit="% of width", hint="Median length of a hair.")
    blotch_size: float = param(2.5, lo=0.2, hi=40, unit="% of width", hint="Median diameter of a blotch.")
    opacity: float = param(0.9, lo=0, hi=1, hint="How much light the marks hide, at the most.")
    softness: float = param(
        0.05, lo=0, hi=2, unit="% of width", hint="Width of the marks' edges: their distance from focus."
    )
    polarity: str = param("mixed", choices=_POLARITY, hint="Whether marks are dark or bright.")
    bright_share: float = param(0.6, lo=0, hi=1, hint="Share of bright marks where both kinds are there.")

    def neutral(self) -> bool:
        return self.opacity == 0 or not (self.specks or self.hairs or self.blotches)

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place, n = Place.of(frame), frame.number
        rgb = frame.rgb
        mask = np.zeros((place.height, place.width), np.float32)
        boxes: list[list[int]] = []
        for name, level in (("dark", 0.005), ("bright", 1.0)):
            patches = self._marks(place, n, random.child(name), self._share(name))
            boxes += [[p.x, p.y, p.alpha.shape[1], p.alpha.shape[0]] for p in patches]
            covered = lay(patches, place)
            rgb = rgb + (np.float32(level) - rgb) * covered[..., None]
            mask = 1 - (1 - mask) * (1 - covered)
        return Damaged(frame.with_rgb(rgb), {"mask": mask, "boxes": boxes})

    def _share(self, name: str) -> float:
        if self.polarity != "mixed":
            return float(self.polarity == name)
        return self.bright_share if name == "bright" else 1 - self.bright_share

    def _marks(self, place: Place, n: int, random: Stream, share: float) -> list[Patch]:
        unit = place.full_width / 100
        soft = self.softness * unit
        patches: list[Patch] = []
        for i, (u, g) in enumerate(_each(random.child("specks"), n, self.specks * share)):
            size = self.size * unit * 0.5 * math.exp(0.7 * g[0])
            x, y = u[0] * place.full_width, u[1] * place.full_height
            fade = self.opacity * (0.35 + 0.65 * u[2] ** 0.5)
            if u[3] < 0.67:
                patches.append(_faded(speck(x, y, size, soft, random.child("speck", i), n), fade))
            else:
                patches += self._cluster(x, y, size, fade, soft, random.child("cluster", i), n)
        for i, (u, g) in enumerate(_each(random.child("hairs"), n, self.hairs * share)):
            length = self.hair_length * unit * math.exp(0.5 * g[0])
            width = max(0.06 * unit * math.exp(0.25 * g[1]), 0.6)
            hair = fibre(
                u[0] * place.full_width,
                u[1] * place.full_height,
                length,
                width,
                1.2 + 3 * u[2],
                soft,
                random.child("hair", i),
                n,
            )
            patches.append(_faded(hair, self.opacity * (0.6 + 0.4 * u[3])))
        for i, (u, g) in enumerate(_each(random.child("blotches"), n, self.blotches * share)):
            size = self.blotch_size * unit * 0.5 * math.exp(0.5 * g[0])
            mark = blotch(
                u[0] * place.full_width, u[1] * place.full_height, size, 2 * soft, random.child("blotch", i), n
            )
            patches.append(_faded(mark, self.opacity * (0.3 + 0.6 * u[2])))
        return patches

    def _cluster(
        self, x: float, y: float, size: float, fade: float, soft: float, random: Stream, n: int
    ) -> list[Patch]:
        count = 3 + random.poisson(n, 5)
        spread = random.child("spread").normals(n, count, 3)
        return [
            _faded(
                speck(
                    x + 3.2 * size * dx,
                    y + 3.2 * size * dy,
                    0.45 * size * math.exp(0.5 * g),
                    soft,
                    random.child("grain", i),
                    n,
                ),
                fade,
            )
            for i, (dx, dy, g) in enumerate(spread)
        ]


@damage(id="gate_hair", label="Hair in the gate", space="scene", version=1)
class GateHair:
    """Hairs and fluff caught at the edge of the gate: in the same place for many frames, trembling.

    One colony for the whole shot, from the frame number of ``start`` for ``frames`` frames (0: always): ``count``
    fibres rooted at the top or bottom edge, which reach in. They tremble by ``tremble`` (Ornstein-Uhlenbeck noise
    of two frames). They shade the film from the lamp: dark, in linear light. Truth: ``mask`` (H, W).
    """

    count: int = param(3, lo=0, hi=40, hint="How many hairs hang in the gate.")
    length: float = param(4.0, lo=0.2, hi=30, unit="% of width", hint="Median length.")
    tremble: float = param(0.15, lo=0, hi=3, unit="% of width", hint="How far they move from frame to frame.")
    opacity: float = param(0.95, lo=0, hi=1, hint="How much light they hide.")
    start: int = param(0, lo=-(2**31), hi=2**31 - 1, hint="First frame number that has them.")
    frames: int = param(0, lo=0, hi=2**31 - 1, hint="For how many frames they stay; 0 is for ever.")

    def neutral(self) -> bool:
        return self.count == 0 or self.opacity == 0

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place, n = Place.of(frame), frame.number
        there = not self.frames or self.start <= n < self.start + self.frames
        patches = [self._hair(i, place, n, random.child(i)) for i in range(self.count if there else 0)]
        covered = lay(patches, place)
        rgb = frame.rgb + (np.float32(0.003) - frame.rgb) * covered[..., None] if patches else frame.rgb
        return Damaged(frame.with_rgb(rgb), {"mask": covered})

    def _hair(self, i: int, place: Place, n: int, random: Stream) -> Patch:
        u, unit = random.child("place").uniforms(0, 1, 4)[0], place.full_width / 100
        length = self.length * unit * (0.5 + u[0])
        at_top = u[1] < 0.5
        y = 0.25 * length if at_top else place.full_height - 0.25 * length
        shake = red_series(random.child("tremble"), n, 2, 2.0) * self.tremble * unit
        width = max(0.09 * unit, 0.8)
        hair = fibre(u[2] * place.full_width, y, length, width, 2.5, 0.12 * unit, random.child("shape"), 0)
        moved = Patch(hair.x + round(shake[0]), hair.y + round(shake[1]), hair.alpha)
        return _faded(moved, self.opacity)


def _each(random: Stream, n: int, mean: float) -> list[tuple[Table, Table]]:
    """One row of uniforms and one of normals for each event of a frame."""
    count = random.poisson(n, mean)
    if not count:
        return []
    u, g = random.child("uniform").uniforms(n, count, 4), random.child("normal").normals(n, count, 4)
    return list(zip(u, g, strict=True))


def _faded(patch: Patch, opacity: float) -> Patch:
    return Patch(patch.x, patch.y, patch.alpha * np.float32(opacity))
