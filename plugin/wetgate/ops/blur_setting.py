"""What one frame is deblurred by, its PSFs and its noise; and how a result keeps to the frame that it was made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import convolve
from wetgate.ops.blur_shape import Blurring, Shape
from wetgate.ops.deconvolve import CONSISTENT, LEAST, share_within
from wetgate.ops.psf_field import PsfField
from wetgate.spec import Image

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDING = 0.05  # beyond the limit: what is done in a part of the picture, and in other precision


@dataclass(frozen=True, slots=True)
class Setting:
    """The blur's ``shape``; ``deviation`` (H, W, C) of the noise, and its ``source`` in words; ``white``, the level
    that a network is to take for white; ``doubted``, what the frame may differ by from the sharp picture blurred again:
    the noise, and what the blur may be off. ``coarseness`` of the noise: sigma in pixels of the Gaussian through which
    white noise would look like it."""

    shape: Shape
    deviation: Image
    white: float
    source: str
    doubted: Image
    coarseness: float = 0.0

    @classmethod
    def of(
        cls, picture: Image, shape: Shape, deviation: Image, white: float, source: str, coarseness: float = 0.0
    ) -> Setting:
        """For a ``picture`` (H, W, C)."""
        return cls(shape, deviation, white, source, doubted(picture, shape, deviation), coarseness)

    @property
    def certain(self) -> bool:
        """Whether the noise is as strong as it measures: of coarse noise that is not known, since blurred texture
        measures as such."""
        return self.coarseness == 0

    @property
    def blurs(self) -> bool:
        """Whether there is a blur to undo."""
        return self.shape.psf.size > 1 if self.shape.field is None else self.shape.field.blurs

    @property
    def reach(self) -> tuple[int, int]:
        """How far, in rows and columns, the blur brings light."""
        if self.shape.field is not None:
            return self.shape.field.reach
        return self.shape.psf.shape[0] // 2, self.shape.psf.shape[1] // 2

    def blurred(self, image: Image) -> Image:
        """``image`` (H, W, C) as the blur makes it."""
        return blurred_by(self.shape.blurring, image)

    def without_psf(self) -> Setting:
        """The same for a frame that no PSF explains."""
        return replace(self, shape=Shape(self.shape.words))

    def facts(self) -> dict[str, Any]:
        """For the record."""
        deviation = float(f"{float(np.median(self.deviation)):.4g}")
        words: Mapping[str, Any] = self.shape.words
        return {"psf": dict(words), "noise": self.source, "deviation": deviation}


def blurred_by(blurring: Blurring, image: Image) -> Image:
    """``image`` (H, W, C) through one PSF or a field of them."""
    return blurring.convolve(image) if isinstance(blurring, PsfField) else convolve(image, blurring)


def doubted(picture: Image, shape: Shape, deviation: Image) -> Image:
    """The ``deviation`` of a picture's noise together with what it changes by where its blur is another by as much as
    it may be off: beside edges a PSF that is a little too wide rings, and no noise hides it."""
    if not shape.others:
        return deviation
    variance = np.square(deviation)
    for one, other in shape.others:
        apart = np.square(np.float32(0.5) * (blurred_by(one, picture) - blurred_by(other, picture)))
        reach = max(n for b in (one, other) for n in (b.reach if isinstance(b, PsfField) else b.shape))
        # Running sums leave a little less than 0 where nothing is.
        about = np.maximum(cv2.blur(apart, (reach + 2, reach + 2)), 0).reshape(apart.shape)
        variance += np.float32(shape.caution) * about
    return np.asarray(np.sqrt(variance), np.float32)


@dataclass(frozen=True, slots=True)
class Consistency:
    """How a result, blurred again, differs from its source, in deviations of the noise, where blur was undone and away
    from the frame's edges: ``own``, what the source itself does, and ``change``, what the result takes off that, a
    value each."""

    own: Values
    change: Values

    @classmethod
    def of(cls, source: Image, result: Image, setting: Setting, known: Mask) -> Consistency:
        y, x = setting.reach
        inside = np.zeros(source.shape, np.bool_)
        inside[y : source.shape[0] - y, x : source.shape[1] - x] = True
        inside &= known
        if setting.shape.field is not None:
            inside &= setting.shape.field.worked()[..., None]
        noise = np.maximum(setting.doubted, np.float32(LEAST * setting.white))
        own = ((source - setting.blurred(source)) / noise)[inside].astype(np.float64)
        return cls(own, (setting.blurred(result - source) / noise)[inside].astype(np.float64))

    @property
    def value(self) -> float:
        """Rms of the difference; 0 where nothing is known."""
        return math.sqrt(float(np.mean(np.square(self.own - self.change)))) if self.own.size else 0.0

    @property
    def limit(self) -> float:
        """The most that ``value`` may be: the noise, or what the source has, where it is hardly changed."""
        own = math.sqrt(float(np.mean(np.square(self.own)))) if self.own.size else 0.0
        return max(CONSISTENT[1], own) + _ROUNDING

    def share(self) -> float:
        """The greatest share of the change, up to 1, that keeps to the limit."""
        return 1.0 if self.value <= self.limit else share_within(self.own, self.change, self.limit, most=True)
