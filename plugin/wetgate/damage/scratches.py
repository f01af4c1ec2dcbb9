"""Running scratches: near-vertical lines that go on over many frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wetgate.damage.model import Damaged, Place, damage
from wetgate.ops.noise import curve_noise
from wetgate.ops.random import Stream
from wetgate.spec import Frame, Image, param

_MOST = 16  # scratches that may begin in one frame; at the highest rate, 4, more come once in a million
_MEMORY = 6  # mean lengths looked back: exp(-6) of the scratches would be longer, and are cut there

# Density taken off red, green, blue by a scratch that goes ever deeper into a print's layers, magenta on top, then
# cyan, then yellow next to the base, as Eastman colour prints are built: first green light comes through, then
# red, then all.
_DEPTHS = np.array([[0.0, 0.9, 0.05], [0.9, 1.0, 0.1], [1.0, 1.0, 0.55], [1.0, 1.0, 1.0]])


@dataclass(frozen=True, slots=True)
class _Line:
    """A scratch on the strip: its column, half width and reach along the film (in frames), and how it looks."""

    x: float
    start: float
    end: float
    width: float
    strength: float
    bright: bool
    depth: float
    random: Stream


@damage(id="scratches", label="Scratches", space="scene", version=1)
class Scratches:
    """Lines along the film from grit in a gate or roller: a few pixels wide, many frames long, wandering sideways.

    A scratch lives on the strip: its column is a function of s = frame + y / height, so that it runs on from the
    foot of one frame into the head of the next. Starts are a Poisson process, lengths exponential. Column: x0 plus
    smooth noise of s (three octaves); strength: smooth noise along s, cut at 0, so that a scratch breaks off and
    comes back. Across: a core of the given width with a fainter fringe of the other sign, the light that the
    groove's flanks bend aside (the side lobes of A. C. Kokaram, Motion Picture Restoration, 1998). Scratches
    of the base refract light away and are dark; of the emulsion they take dye with them: ``polarity`` bright,
    coloured by how deep they go through magenta, cyan and yellow layers (``color``). L' = L (1 - a) for dark, and
    towards the base, 1, per channel for bright. Truth: ``mask`` (H, W), ``lines``, [x at the frame's middle row,
    width px, bright] of each.
    """

    rate: float = param(6.0, lo=0, hi=400, unit="per 100 frames", hint="How many scratches begin.")
    length: float = param(30.0, lo=1, hi=500, unit="frames", hint="Mean length of a scratch.")
    width: float = param(0.12, lo=0.02, hi=3, unit="% of width", hint="Median width.")
    wander: float = param(0.3, lo=0, hi=10, unit="% of width", hint="How far a scratch strays sideways.")
    strength: float = param(0.6, lo=0, hi=1, hint="Depth of the deepest scratches.")
    breaks: float = param(0.4, lo=0, hi=1, hint="Share of a scratch's length where it fades out.")
    polarity: str = param(
        "mixed",
        choices={"dark": "Dark: base side, or printed in", "bright": "Bright: emulsion side", "mixed": "Both"},
        hint="Whether scratches are dark or bright.",
    )
    color: float = param(0.5, lo=0, hi=1, hint="How coloured bright scratches are; 0 is white.")

    def neutral(self) -> bool:
        return self.rate == 0 or self.strength == 0

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place, n = Place.of(frame), frame.number
        rows = (place.y + np.arange(place.height) + 0.5) / place.full_height
        rgb, clear = frame.rgb.copy(), np.ones((place.height, place.width), np.float32)
        known = []
        for line in self._alive(place, n, random):
            alive = (n + rows >= line.start) & (n + rows <= line.end)
            if not alive.any():
                continue
            column = self._column(line, n + rows, place)
            force = self._force(line, n + rows) * alive
            self._draw(rgb, clear, place, line, column, force.astype(np.float32))
            known.append([float(column[len(column) // 2]) + place.x, line.width, line.bright])
        return Damaged(frame.with_rgb(rgb), {"mask": 1 - clear, "lines": known})

    def _alive(self, place: Place, n: int, random: Stream) -> list[_Line]:
        """The scratches that were born up to frame ``n`` and have not ended before it."""
        past = math.ceil(_MEMORY * self.length) + 1
        first = n - past + 1
        # One table for all time: a row a frame of birth, a column a scratch and property.
        draws = random.child("births").uniform(0, past, _MOST * 6, y=first)[..., 0].reshape(past, _MOST, 6)
        sizes = random.child("sizes").normal(0, past, _MOST, y=first)[..., 0]
        chances = random.child("counts").uniform(0, past, 1, y=first)[:, 0, 0]
        counts = np.minimum(np.searchsorted(np.cumsum(_poisson_terms(self.rate / 100)), chances), _MOST)
        lines = []
        for row in np.nonzero(counts)[0]:
            born = first + int(row)
            for i in range(int(counts[row])):
                u = [float(value) for value in draws[row, i]]
                end = born + u[0] + min(-math.log(u[1]), _MEMORY - 1.0) * self.length
                if end < n:
                    continue
                lines.append(
                    _Line(
                        x=u[3] * place.full_width,
                        start=born + u[0],
                        end=end,
                        width=self.width * math.exp(0.5 * float(sizes[row, i])) * place.full_width / 100,
                        strength=self.strength * (0.25 + 0.75 * u[4]),
                        bright=self.polarity == "bright" or (self.polarity == "mixed" and u[2] < 0.5),
                        depth=u[5] * (len(_DEPTHS) - 1),
                        random=random.child("course", born, i),
                    )
                )
        return lines

    def _column(self, line: _Line, s: NDArray[np.float64], place: Place) -> NDArray[np.float64]:
        stray = curve_noise(line.random.child("wander"), 0, s, 3.0, octaves=4)
        return line.x - place.x + stray * self.wander * place.full_width / 100

    def _force(self, line: _Line, s: NDArray[np.float64]) -> NDArray[np.float64]:
        course = curve_noise(line.random.child("force"), 0, s, 1.3, octaves=6)
        level = 0.9 * (1 - 2 * self.breaks)  # of a unit normal: a share near `breaks` lies below -level
        ends = np.clip(np.minimum(s - line.start, line.end - s) * 8, 0, 1)
        return np.asarray(line.strength * np.clip((course + level + 0.35) / 1.2, 0, 1) * ends)

    def _draw(
        self, rgb: Image, clear: Image, place: Place, line: _Line, column: NDArray[np.float64], force: Image
    ) -> None:
        reach = math.ceil(3 * max(line.width, 1.0)) + 2
        left = np.floor(column).astype(int) - reach
        at = left[:, None] + np.arange(2 * reach + 1)[None, :]
        inside = (at >= 0) & (at < place.width)
        offset = np.abs(at + 0.5 - column[:, None])
        half = max(line.width, 0.9) / 2
        thin = min(1.0, line.width / 0.9)
        core = np.clip(half + 0.5 - offset, 0, 1) * thin
        fringe = np.exp(-0.5 * ((offset - 2 * half - 0.3) / (0.6 * half + 0.4)) ** 2) * 0.22 * thin
        rows = np.broadcast_to(np.arange(place.height)[:, None], at.shape)[inside]
        columns = at[inside]
        a = (core * force[:, None]).astype(np.float32)[inside]
        f = (fringe * force[:, None]).astype(np.float32)[inside]
        pixels = rgb[rows, columns]
        if line.bright:
            shade = np.float32(self.color) * self._tint(line.depth) + np.float32(1 - self.color)
            toward = np.maximum(np.float32(1) - pixels, 0) * a[:, None] * shade
            pixels = (pixels + toward) * (1 - np.float32(0.5) * f[:, None])
        else:
            pixels = pixels * (1 - a[:, None]) * (1 + f[:, None])
        rgb[rows, columns] = pixels
        clear[rows, columns] *= 1 - a

    @staticmethod
    def _tint(depth: float) -> Image:
        low = min(int(depth), len(_DEPTHS) - 2)
        share = depth - low
        return np.asarray((1 - share) * _DEPTHS[low] + share * _DEPTHS[low + 1], dtype=np.float32)


def _poisson_terms(mean: float) -> NDArray[np.float64]:
    """Probabilities of 0 .. 15 events."""
    return np.array([math.exp(-mean) * mean**k / math.factorial(k) for k in range(_MOST)])
