"""Results of neighbouring frames fused along the motion, so that what a frame-by-frame method made does not shimmer.

A neighbour's result is carried to the frame and averaged with the frame's own. Its weight falls to nothing, smoothly,
where the motion is not trusted (occlusion, lost search) and where the carried guide looks unlike the frame's own by
more than results of these two frames usually differ: there the frame stands alone, so that limbs leave no ghosts.
Finite support, no recursion: a fused frame depends on its window only.

What is the picture's own stays. With ``fuses="change"`` only what the node changed is fused, and added to the frame as
it was given: its detail, grain and light come through whole. That cannot be where the node takes off what is new in
every frame, noise or coding errors: the change is then as random as they are. With ``fuses="result"`` the results are
fused; light that changes over areas (a fire, a cloud, a flicker in the footage) is taken out of the neighbours first,
and no pixel moves by more than the node changes the picture thereabouts: what it leaves alone is left alone here too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from wetgate.ops.channels import mean_of_channels
from wetgate.ops.flow import Flow, targets
from wetgate.ops.motion import Motion, carried
from wetgate.spec import Image

Fuses = Literal["result", "change"]

# Gaussian of the comparison, in pixels: single pixels that differ flicker, areas that differ are ghosts.
_COMPARED_OVER = 1.5
_LEAST_DEVIATION = 2e-3  # encoded: half an 8-bit code, below which interpolation alone differs
_REDUCED = 4  # areas are measured on means of 4 x 4 pixels
# Light that moves over areas: Gaussian in pixels. Noise of deviation s is down to s / (2 sqrt(pi) 12) = s / 43 there.
_AREA = 12.0
# Detail that averaging takes is given back to what is left: finer than this, measured over that, by so much at most. A
# tenth more energy is aimed at than the frame had, as the range of its pixels lets less than that through.
_FINER_THAN, _MEASURED_OVER, _MOST_GAIN, _AIMED_AT = 1.5, 8.0, 1.25, 1.1


@dataclass(frozen=True, slots=True)
class Part:
    """A frame: what a node was given and what it made of it alone, in values of any range, and the latter in encoded
    values, all (H, W, 3). ``made`` may be larger than ``given``."""

    given: Image
    made: Image
    encoded: Image


@dataclass(frozen=True, slots=True)
class Fused:
    """``picture`` (H, W, 3) and ``confidence`` (H, W): the mean weight of the neighbours, 0 to 1."""

    picture: Image
    confidence: Image


def fuse(
    frame: Part,
    neighbours: Sequence[tuple[Part, Motion]],
    *,
    fuses: Fuses = "result",
    amount: float = 1.0,
    agreed: float = 5.0,
    unlike: float = 0.06,
    places: int = 0,
    check_abort: Callable[[], None] = lambda: None,
) -> Fused:
    """A frame's result fused with its neighbours', each of which comes with the motion from the frame into it.

    ``amount`` 0 to 1 scales the neighbours' weights; ``places`` is how many neighbours a full window has, where some
    are missing: the confidence is a mean over these. A result counts in full as long as it differs from the frame's by
    no more than ``agreed`` times the usual difference (median square, where the motion is trusted), and by no more than
    ``unlike`` in encoded values, which no shimmer reaches.
    """
    height, width = frame.made.shape[:2]
    weights = np.zeros((height, width), np.float32)
    moved = np.zeros(frame.made.shape, np.float32)  # what the neighbours would change, times their weights
    areas = _Areas(frame)
    own = _change(frame) if fuses == "change" else frame.made
    for part, way in neighbours:
        check_abort()
        motion = way.at(height, width)
        there = carried(part.encoded, motion.flow)
        weight = motion.trust * _likeness(frame.encoded, there, motion.trust, agreed, unlike)
        weight *= np.float32(amount)
        other = _change(part) if fuses == "change" else part.made
        moved += weight[..., None] * (_within(other, motion.flow) - own)
        weights += weight
        if fuses == "result":
            areas.add(part, motion.flow, weight)
    confidence = weights / np.float32(max(places, len(neighbours), 1))
    step = moved / (1 + weights[..., None])
    if fuses == "result":
        step += areas.light() * (weights / (1 + weights))[..., None]
        picture = _with_detail(frame.made + step, frame.made)
        most = areas.changed()
        step = np.clip(picture - frame.made, -most, most)
    step[weights == 0] = 0
    return Fused(np.asarray(frame.made + step, np.float32), confidence)


def _likeness(here: Image, there: Image, trust: Image, agreed: float, unlike: float) -> Image:
    """1 where the carried result differs by no more than is usual in this pair of frames, then falling as a Gaussian.

    By its colour, not its luma alone: a red sleeve over blue jeans is another thing, however bright both are.
    """
    apart = cv2.GaussianBlur(mean_of_channels(np.square(here - there)), (0, 0), _COMPARED_OVER)
    followed = apart[trust > 0.5]
    usual = float(np.median(followed)) if followed.size else 0.0
    allowed = np.float32(min(max(agreed * usual, _LEAST_DEVIATION**2), unlike**2))
    return np.asarray(np.exp(-np.maximum(apart / allowed - 1, 0)), np.float32)


def _change(part: Part) -> Image:
    return part.made - _sized(part.given, *part.made.shape[:2])


def _within(image: Image, flow: Flow) -> Image:
    """``image`` carried along ``flow``, and nowhere beyond what it holds within two pixels: no ringing beside lamps."""
    near = np.ones((5, 5), np.uint8)
    least, most = (
        cv2.remap(bound, *targets(flow), cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        for bound in (cv2.erode(image, near), cv2.dilate(image, near))
    )
    return np.clip(carried(image, flow), least, most)


class _Areas:
    """What frames hold over areas: light that moves, and how much the node changed. On means of 4 x 4 pixels."""

    def __init__(self, frame: Part) -> None:
        self._shape = frame.made.shape[:2]
        self._size = (math.ceil(self._shape[1] / _REDUCED), math.ceil(self._shape[0] / _REDUCED))
        self._given, self._most = self._planes(frame)
        self._moved = np.zeros_like(self._given)
        self._weights = np.zeros(self._given.shape[:2], np.float32)

    def add(self, part: Part, flow: Flow, weight: Image) -> None:
        """A neighbour that counts for ``weight`` where ``flow`` leads into it."""
        factor = np.array([self._size[0] / self._shape[1], self._size[1] / self._shape[0]], np.float32)
        way = self._small(flow) * factor
        share = self._small(weight)
        given, changed = (
            cv2.remap(plane, *targets(way), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for plane in self._planes(part)
        )
        self._moved += share[..., None] * (self._given - given)
        self._weights += share
        self._most = np.maximum(self._most, share[..., None] * changed)

    def light(self) -> Image:
        """What the frame as it was given has over the neighbours, mean over areas (H, W, 3)."""
        sigma = _AREA / _REDUCED
        over = cv2.GaussianBlur(self._moved, (0, 0), sigma)
        share = cv2.GaussianBlur(self._weights, (0, 0), sigma)
        return self._whole(over / np.maximum(share, np.float32(1e-6))[..., None])

    def changed(self) -> Image:
        """How far the node changed the picture thereabouts, in the frame or in a neighbour that counts (H, W, 3)."""
        return self._whole(cv2.dilate(self._most, np.ones((3, 3), np.uint8)))

    def _planes(self, part: Part) -> tuple[Image, Image]:
        return self._small(part.given), self._small(np.abs(_change(part)))

    def _small(self, image: Image) -> Image:
        return np.asarray(cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.float32)

    def _whole(self, plane: Image) -> Image:
        size = (self._shape[1], self._shape[0])
        return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _with_detail(mean: Image, made: Image) -> Image:
    """``mean`` with its fine detail raised towards the energy that ``made`` has in the neighbourhood.

    Nowhere beyond the range of ``made`` about a pixel, and to no more energy than ``made`` has in all.
    """
    fine, own = (_fine(p) for p in (mean, made))
    energy, wanted = (cv2.GaussianBlur(mean_of_channels(np.square(p)), (0, 0), _MEASURED_OVER) for p in (fine, own))
    gain = np.sqrt(np.clip(_AIMED_AT * wanted / np.maximum(energy, np.float32(1e-12)), 1, _MOST_GAIN**2))
    near = np.ones((3, 3), np.uint8)
    least, most = np.minimum(cv2.erode(made, near), mean), np.maximum(cv2.dilate(made, near), mean)
    raised = np.clip(mean + (gain - 1)[..., None] * fine, least, most) - mean
    return np.asarray(mean + _share(fine, _fine(raised), own) * raised, np.float32)


def _fine(image: Image) -> Image:
    return np.asarray(image - cv2.GaussianBlur(image, (0, 0), _FINER_THAN), np.float32)


def _share(fine: Image, raised: Image, own: Image) -> np.float32:
    """How much of ``raised`` on top of ``fine`` has the energy of ``own``, 0 to 1: a root of a quadratic."""
    square, cross, short = (
        float(np.sum(a * b, dtype=np.float64)) for a, b in ((raised, raised), (fine, raised), (own, own))
    )
    short -= float(np.sum(fine * fine, dtype=np.float64))
    if square <= 0 or short <= 0:
        return np.float32(short > 0)
    return np.float32(min(1.0, (math.sqrt(cross * cross + square * short) - cross) / square))


def _sized(image: Image, height: int, width: int) -> Image:
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
