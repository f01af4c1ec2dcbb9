"""The fade of a film's dyes as a solver sees it, and its reversal: D = A c + stain, c' = c (1 - f), a curve a dye.

Everything is in scanner density. Faded density D' less the density of the aged base, through A^-1, gives the amounts v
of dye that are left. What was there is c = g v (1 + b g v): g = 1 / (1 - f) for thin dye, b for what the decay's
order and the width of the scanner's bands bend. Light beyond the base holds no dye, and is freed of stain alone. ``A``
is :func:`wetgate.color.film_dyes.set_matrix`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wetgate.color.density import CINEON_GAMMA, density_from_linear, linear_from_density
from wetgate.color.primaries import inverse
from wetgate.spec import Image

Array = NDArray[np.float64]

# The curve of a dye is carried on straight from where its slope has fallen or risen to these shares of g.
LEAST_SLOPE, MOST_SLOPE = 0.25, 3.0
# Nothing on a film is denser; what a picture lacks in light below is carried over as light.
DENSEST = 4.5
# Scene light of 10^-2.5 of diffuse white is taken as a negative's clear end.
NEGATIVE_RANGE = 2.5
# Rates of cyan, magenta, yellow relative to the fastest: in the dark cyan goes first, under light magenta (H. Wilhelm
# and C. Brower, The Permanence and Care of Color Photographs, 1993, ch. 5, 6 and 9; J. M. Reilly, Storage Guide for
# Color Photographic Materials, 1998). The ratios are ours, inside the spread of the tests published there.
RATES = {"dark": (1.0, 0.22, 0.5), "light": (0.35, 1.0, 0.55)}


@dataclass(frozen=True, eq=False)
class DyeFade:
    """How a reel has faded: ``gain`` (3,) g of cyan, magenta, yellow, ``bend`` (3,) b, and ``base`` (3,), what stain
    and scanner put on the film, in dye amounts. ``matrix`` is A."""

    gain: Array
    bend: Array
    base: Array
    matrix: Array

    @classmethod
    def none(cls, matrix: Array) -> DyeFade:
        return cls(np.ones(3), np.zeros(3), np.zeros(3), matrix)

    @classmethod
    def of_vector(cls, vector: Array, matrix: Array) -> DyeFade:
        return cls(np.exp(vector[:3]), np.asarray(vector[3:6]), np.asarray(vector[6:9]), matrix)

    @property
    def loss(self) -> Array:
        """f (3,): the share of each dye that is gone, where there is little of it."""
        return 1 - 1 / self.gain

    @property
    def stain(self) -> Array:
        """Scanner density (3,) of the aged base."""
        return np.asarray(self.matrix @ self.base)

    def vector(self) -> Array:
        """(9,): ln g, b, base."""
        return np.concatenate([np.log(self.gain), self.bend, self.base])

    def scaled(self, fade: float, stain: float) -> DyeFade:
        """A share of the fade and of the stain. A share of 0 is none; the fade scales as time does, g^share."""
        return replace(self, gain=self.gain**fade, bend=self.bend * fade, base=self.base * stain)

    def at(self, extent: float) -> DyeFade:
        """Where it has gone ``extent`` times as far as in the mean."""
        return replace(self, gain=self.gain**extent, base=self.base * extent)

    def limited(self, most: float) -> DyeFade:
        """No dye multiplied by more than ``most``."""
        return replace(self, gain=np.minimum(self.gain, most))

    def restored(self, density: Array) -> Array:
        """Density (N, 3) before the fade."""
        left = np.asarray(density, np.float64) @ inverse(self.matrix).T - self.base
        amounts = unbent(np.maximum(left, 0) * self.gain, self.bend) + np.minimum(left, 0)
        return np.asarray(amounts @ self.matrix.T)


def unbent(amounts: Array, bend: Array) -> Array:
    """p (1 + b p) for p >= 0, straight beyond where its slope 1 + 2 b p would leave 0.25 .. 3."""
    held = np.minimum(amounts, bend_ends(bend))
    return np.asarray(amounts + bend * held * (held + 2 * (amounts - held)))


def bend_ends(bend: Array) -> Array:
    """The amounts (3,) beyond which each curve goes on straight."""
    limit = np.where(bend < 0, 1 - LEAST_SLOPE, MOST_SLOPE - 1)
    return np.asarray(np.minimum(limit / np.maximum(2 * np.abs(bend), 1e-9), 1e6))


@dataclass(frozen=True)
class Trims:
    """What a person sets beside: density ``lights`` (3,) added to red, green, blue, and gain and gamma a dye."""

    lights: tuple[float, ...] = (0.0, 0.0, 0.0)
    gain: tuple[float, ...] = (1.0, 1.0, 1.0)
    gamma: tuple[float, ...] = (1.0, 1.0, 1.0)


def reverse(density: Image, fade: DyeFade, extent: Image | None, trims: Trims, threads: int) -> Image:
    """A picture of densities (H, W, 3) before the fade. ``extent`` (H, W) scales it from place to place, or None."""
    from wetgate.color.hop import in_bands  # loads OpenColorIO

    out = np.empty(density.shape, np.float32)
    to_amounts = inverse(fade.matrix).astype(np.float32)
    to_density = fade.matrix.astype(np.float32)
    gain, log_gain = fade.gain.astype(np.float32), np.log(fade.gain).astype(np.float32)
    bend, ends = fade.bend.astype(np.float32), bend_ends(fade.bend).astype(np.float32)
    base = fade.base.astype(np.float32)

    def band(first: int, last: int) -> None:
        rows = density[first:last]
        seen = [np.minimum(rows[..., k], np.float32(DENSEST)) for k in range(3)]
        far = None if extent is None else extent[first:last]
        amounts = []
        for k in range(3):
            left = _mixed(to_amounts[k], seen)
            if far is None:
                left -= base[k]
                thin = np.minimum(left, 0)
                left -= thin
                left *= gain[k]
            else:
                left -= far * base[k]
                thin = np.minimum(left, 0)
                left -= thin
                left *= np.exp(far * log_gain[k])
            if bend[k]:
                _unbend(left, bend[k], ends[k])
            if trims.gamma[k] != 1:
                np.power(left, np.float32(trims.gamma[k]), out=left)
            if trims.gain[k] != 1:
                left *= np.float32(trims.gain[k])
            left += thin
            amounts.append(left)
        for k in range(3):
            made = _mixed(to_density[k], amounts)
            if trims.lights[k]:
                made += np.float32(trims.lights[k])
            out[first:last, :, k] = made
        _carry_black(rows, out[first:last])

    in_bands(band, density.shape[0], density.shape[1], threads)
    return out


def noise_gain(density: Image, fade: DyeFade, extent: Image | None) -> Image:
    """(H, W): by how much the reversal multiplies noise of the density, in the worst channel."""
    left = np.maximum(density.astype(np.float64) @ inverse(fade.matrix).T - fade.base, 0)
    gain = fade.gain if extent is None else np.exp(extent[..., None] * np.log(fade.gain))
    slope = gain * np.clip(1 + 2 * fade.bend * gain * left, LEAST_SLOPE, MOST_SLOPE)
    back = inverse(fade.matrix)
    worst = np.zeros(density.shape[:2])
    for channel in range(3):
        rows = np.einsum("k,hwk,kj->hwj", fade.matrix[channel], slope, back)
        worst = np.maximum(worst, np.sqrt((rows**2).sum(axis=2)))
    return worst.astype(np.float32)


def on_negative(picture: Image) -> Image:
    """Density on a negative of a picture's density, at a gradient of 0.6 (Kodak, Cineon 10-bit log)."""
    return np.float32(CINEON_GAMMA) * (np.float32(NEGATIVE_RANGE) - picture)


def from_negative(film: Image) -> Image:
    """The picture's density of a density on the negative: the inverse of :func:`on_negative`."""
    return np.float32(NEGATIVE_RANGE) - film / np.float32(CINEON_GAMMA)


def on_film(restored: Image, seen: Image) -> Image:
    """A restored negative, no denser than film can be (or was): its density is light, and a gain of noise would be
    light without end."""
    return np.minimum(restored, np.maximum(seen, np.float32(DENSEST)))


def fitted(faded: Array, true: Array, picture: Array, base: Array, matrix: Array) -> DyeFade:
    """The fade of the solver's kind that comes nearest to pairs of densities (N, 3), the aged base's (3,) being known.

    Least squares, weighted as the eye sees differences in the ``picture`` of ``true`` (N, 3): lightness goes about as
    the cube root of light, 10^(-D / 3).
    """
    back = inverse(matrix)
    held = np.asarray(base, np.float64) @ back.T
    left = faded.astype(np.float64) @ back.T - held
    wanted = true.astype(np.float64) @ back.T
    weight = np.power(10.0, -np.clip(picture.mean(axis=1), 0, 4) / 3)
    gain, bend = np.ones(3), np.zeros(3)
    for k in range(3):
        columns = np.stack([left[:, k], np.maximum(left[:, k], 0) ** 2], axis=1) * weight[:, None]
        normal = columns.T @ columns
        # A dye of which there is little does not show its bend: held near none, with the weight of a hundredth.
        normal[1, 1] += 1e-2 * normal[0, 0]
        found = np.linalg.solve(normal, columns.T @ (wanted[:, k] * weight))
        gain[k] = np.clip(found[0], 0.3, 30)
        bend[k] = np.clip(found[1] / gain[k] ** 2, -0.5, 0.5)
    return DyeFade(gain, bend, held, matrix)


def _mixed(weights: Image, planes: list[Image]) -> Image:
    total = planes[0] * weights[0]
    total += planes[1] * weights[1]
    total += planes[2] * weights[2]
    return np.asarray(total)


def _unbend(amounts: Image, bend: np.float32, end: np.float32) -> None:
    held = np.minimum(amounts, end)
    beyond = amounts - held
    beyond += beyond
    beyond += held
    beyond *= held
    beyond *= bend
    amounts += beyond


def _carry_black(before: Image, after: Image) -> None:
    """Where the input is denser than film can be, its lack of light against that is taken off the result's light."""
    deeper = before > np.float32(DENSEST)
    if not deeper.any():
        return
    lacking = linear_from_density(before[deeper].astype(np.float64)) - linear_from_density(DENSEST)
    after[deeper] = density_from_linear(linear_from_density(after[deeper].astype(np.float64)) + lacking)
