"""Blurred pictures for training the deblurring networks: linear light through lenses and shutters that differ from
place to place.

A network sees six maps: the picture in signed log (3) and the deviation of its noise in the same values (3). It should
find what sharp light would be there; noise, grain and a codec's loss are the picture's own and not to be found, so what
is sharp comes through however noisy it is. Where light was clipped, the sharp light counts as clipped too: nothing
beyond the ceiling is to be invented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from models.train.noise import coarse
from models.train.pictures import Pictures
from models.train.recipe import Recipe
from models.train.shutter import Shuttered
from models.train.task import Array, Examples, Pair, Task
from wetgate.color.curves import srgb_decode, srgb_encode
from wetgate.damage import get
from wetgate.damage.jpeg import coded
from wetgate.inference.encodings import SignedLog
from wetgate.ops.blur import Kernel, disc, gaussian, motion
from wetgate.ops.random import Stream

MAPS = 6
REACH = 15  # px about a point that its light may get to: PSFs are at most 31 x 31
_FLOOR_CODES = 5.0  # of the deviation by which a patch is weighed
_ENCODING = SignedLog()
Blurred = tuple[Array, Array]
"""Sharp and blurred light of a patch, (H, W, 3), white at 1."""


class BlurredPictures:
    """Examples by the shares of ``settings["kinds"]``: ``sharp`` (nothing to find), ``even`` (one PSF), ``varying``
    (two or four PSFs, one passing into the other over the patch), ``layers`` (something moves before something else)
    and ``shutter`` (frames of clips, exposed longer)."""

    def __init__(self, pictures: Pictures, clips: Shuttered | None, recipe: Recipe) -> None:
        settings: Mapping[str, Any] = recipe.examples
        self._pictures, self._clips, self._settings = pictures, clips, settings
        self._shares, self._patch = recipe.shares, recipe.patch
        self._kinds: dict[str, Callable[[np.random.Generator], Blurred]] = {
            "sharp": self._sharp,
            "even": self._even,
            "varying": self._varying,
            "layers": self._layers,
            "shutter": self._shutter,
        }
        unknown = set(settings["kinds"]) - set(self._kinds)
        if unknown:
            raise ValueError(f"examples.kinds names {', '.join(sorted(unknown))}; there are {', '.join(self._kinds)}")
        self._shakes = _shakes(settings, recipe.seed)

    def __call__(self, random: np.random.Generator) -> Pair:
        names, shares = zip(*self._settings["kinds"].items(), strict=True)
        sharp, blurred = self._kinds[str(random.choice(names, p=np.asarray(shares) / np.sum(shares)))](random)
        return self._seen(sharp, blurred, random)

    def _light(self, random: np.random.Generator) -> Array:
        """A patch with a margin, as light; here and there what is bright is a lamp, many times as bright."""
        codes = self._pictures.patch(random, self._patch + 2 * REACH, self._shares)
        light = srgb_decode(codes)
        if random.random() < self._settings["lamps"]:
            steep = np.clip((codes.max(axis=2, keepdims=True) - np.float32(0.75)) * 4, 0, 1) ** 3
            light = light * (1 + steep * np.float32(np.exp(random.uniform(0, np.log(20)))))
        return np.asarray(light, np.float32)

    def _sharp(self, random: np.random.Generator) -> Blurred:
        light = _inner(self._light(random))
        return light, light

    def _even(self, random: np.random.Generator) -> Blurred:
        light = self._light(random)
        return _inner(light), through(light, self._psf(self._family(random), random))

    def _varying(self, random: np.random.Generator) -> Blurred:
        """PSFs of one family as a rule; one of them may be a point: the part that is in focus or stands still."""
        light, size = self._light(random), self._patch
        family = self._family(random)
        count = 2 if random.random() < 0.5 else 4
        mixed = random.random() < 0.25
        psfs = [self._psf(self._family(random) if mixed else family, random) for _ in range(count)]
        if random.random() < 0.4:
            psfs[0] = np.ones((1, 1), np.float32)
        if count == 2:
            y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - np.float32(0.5)
            angle, width = random.uniform(0, 2 * np.pi), random.uniform(0.05, 1.0)
            along = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
            second = _smooth((along + np.float32(random.uniform(-0.3, 0.3))) / np.float32(width) + np.float32(0.5))
            weights = [1 - second, second]
        else:
            ramp = _smooth(np.linspace(0, 1, size, dtype=np.float32))
            weights = [np.outer(v, h) for v in (1 - ramp, ramp) for h in (1 - ramp, ramp)]
        made = [w[..., None] * through(light, psf) for w, psf in zip(weights, psfs, strict=True)]
        return _inner(light), np.asarray(np.sum(made, axis=0), np.float32)

    def _layers(self, random: np.random.Generator) -> Blurred:
        """What moves covers what is behind it for a part of the exposure: its mask is blurred with it."""
        behind, before = self._light(random), self._light(random)
        knots = random.standard_normal((5, 5)).astype(np.float32)
        field = cv2.resize(knots, behind.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        mask = np.clip((field - np.float32(random.uniform(-0.4, 0.6))) * 12 + np.float32(0.5), 0, 1)[..., None]
        moving = self._psf(str(random.choice(["motion", "shake"])), random)
        still = np.ones((1, 1), np.float32) if random.random() < 0.5 else self._psf(self._family(random), random)
        cover = np.concatenate([mask * before, mask], axis=2)
        seen = through(cover, moving)
        blurred = seen[..., :3] + (1 - seen[..., 3:]) * through(behind, still)
        return _inner(mask * before + (1 - mask) * behind), np.asarray(blurred, np.float32)

    def _shutter(self, random: np.random.Generator) -> Blurred:
        if self._clips is None:
            raise ValueError("examples.kinds has a share of shutter, and none of the data folders is a clip")
        return self._clips.patch(random, self._patch)

    def _family(self, random: np.random.Generator) -> str:
        names, shares = zip(*self._settings["psf"].items(), strict=True)
        return str(random.choice(names, p=np.asarray(shares) / np.sum(shares)))

    def _psf(self, family: str, random: np.random.Generator) -> Kernel:
        """Small ones are more frequent: they are what can be undone, and what most footage has."""
        low, high = self._settings["psf_size"][family]
        size = float(low + (high - low) * random.random() ** self._settings["small"])
        if family == "defocus":
            return disc(size)
        if family == "gaussian":
            return _cut(gaussian(size))
        if family == "motion":
            return _cut(motion(size, float(random.uniform(0, 180)), float(random.uniform(-0.2, 0.2))))
        psf = np.rot90(self._shakes[int(random.integers(len(self._shakes)))], int(random.integers(4)))
        return np.ascontiguousarray(psf[:, ::-1] if random.integers(2) else psf)

    def _seen(self, sharp: Array, blurred: Array, random: np.random.Generator) -> Pair:
        """Exposure, noise, ceiling and codec, and both in the values that the network sees."""
        settings = self._settings
        white = np.float32(2.0 ** random.uniform(*settings["exposure"]))
        sharp, blurred = sharp * white, blurred * white
        deviation, noise = self._noise(blurred, white, random)
        shown = blurred + noise
        if random.random() < settings["clipped"]:
            ceiling = white * np.float32(random.uniform(0.4, 1.0))
            sharp, blurred, shown = (np.minimum(light, ceiling) for light in (sharp, blurred, shown))
        if random.random() < settings["coded"]["share"]:
            top = max(white, np.float32(np.percentile(shown, 99.5)))
            low, high = settings["coded"]["quality"]
            quality = int(random.integers(low, high, endpoint=True))
            codes = np.rint(np.clip(srgb_encode(shown / top), 0, 1) * 255).astype(np.uint8)
            done = srgb_decode(coded(codes, quality, str(random.choice(["420", "444"])), False)[0] / np.float32(255))
            shown = np.where(shown > top, shown, done * top)
        level = _ENCODING.deviation(shown, deviation * np.float32(np.exp(random.uniform(-0.3, 0.3))))
        maps = np.concatenate([_ENCODING.encode(shown), level], axis=2)
        wanted = _ENCODING.encode(sharp) - _ENCODING.encode(blurred)
        return _channels_first(maps), _channels_first(wanted)

    def _noise(self, light: Array, white: np.float32, random: np.random.Generator) -> tuple[Array, Array]:
        """Deviation and noise: photons and read-out, normal, in a share of the patches coarse as a demosaic leaves it.

        ``photon`` and ``read`` are the most in percent of white, at white and at black.
        """
        settings = self._settings["noise"]
        strength = np.float32(random.random() < settings["share"])
        photon = strength * np.float32(random.random() ** 2 * settings["photon"] / 100)
        read = np.float32(1e-5) + strength * np.float32(random.random() ** 2 * settings["read"] / 100)
        deviation = white * np.sqrt(photon**2 * np.maximum(light, 0) / white + read**2)
        grain = random.standard_normal((light.shape[0] + 16, light.shape[1] + 16, 3), np.float32)
        if random.random() < settings["coarse"]:
            grain = coarse(grain, float(random.uniform(0.3, 1.0)))
        return deviation, deviation * grain[8:-8, 8:-8]


def through(light: Array, psf: Kernel) -> Array:
    """``light`` (H, W, C) with a margin of :data:`REACH`, convolved with a PSF, without the margin."""
    flipped = np.ascontiguousarray(psf[::-1, ::-1])  # filter2D correlates
    made = cv2.filter2D(light, cv2.CV_32F, flipped, borderType=cv2.BORDER_REFLECT)
    return _inner(np.asarray(made, np.float32).reshape(light.shape))


def _inner(light: Array) -> Array:
    return np.ascontiguousarray(light[REACH:-REACH, REACH:-REACH])


def _smooth(t: Array) -> Array:
    t = np.clip(t, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _cut(psf: Kernel) -> Kernel:
    """The middle of a PSF that would reach farther than the margin, of sum 1."""
    y, x = (max(0, n // 2 - REACH) for n in psf.shape)
    middle = psf[y : psf.shape[0] - y, x : psf.shape[1] - x]
    return np.ascontiguousarray(middle / middle.sum())


def _shakes(settings: Mapping[str, Any], seed: int) -> list[Kernel]:
    """PSFs of shaken cameras, drawn once: a path takes longer than a step of the training should."""
    stream = Stream.of(seed, "shakes")
    spread = stream.child("size").uniforms(0, settings["shakes"], 2)
    low, high = settings["psf_size"]["shake"]
    drawn = []
    for n, (u, v) in enumerate(spread):
        shake = get("shake").make({"size": float(low + (high - low) * u ** settings["small"]), "jerk": float(v)})
        drawn.append(_cut(shake.psf(stream, n)))
    return drawn


def _channels_first(picture: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(picture, 2, 0), np.float32)


def _examples(recipe: Recipe, folders: Sequence[Path]) -> Examples:
    """``folders``: tiles with their ``manifest.csv``, and clips, folders of frames without one."""
    tiles = [folder for folder in folders if (folder / "manifest.csv").is_file()]
    clips = [folder for folder in folders if folder not in tiles]
    settings = recipe.examples["shutter"]
    exposed = Shuttered(clips, settings["windows"], settings["reduction"]) if clips else None
    return BlurredPictures(Pictures(tiles, recipe.reductions, recipe.cleanest), exposed, recipe)


def loss_of(found: Tensor, wanted: Tensor, maps: Tensor) -> Tensor:
    """Root mean square error of encoded light in 255ths, and a quarter as much of the mean absolute error, as shares of
    (deviation of what is wanted + 5): wide blurs, whose errors are larger and can hardly be undone, do not take all of
    the network, and sharp pictures count."""
    error = 255 * (found - wanted)
    blur = 255 * wanted.square().mean(dim=(1, 2, 3)).sqrt()
    both = (error.square().mean(dim=(1, 2, 3)) + 0.01).sqrt() + 0.25 * error.abs().mean(dim=(1, 2, 3))
    return (both / (blur + _FLOOR_CODES)).mean()


DEBLUR = Task(MAPS, _examples, loss_of)
