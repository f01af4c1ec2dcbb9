"""The motion between two pictures with how far it is trusted, and pictures carried along it.

Motion is searched between *guides*: (H, W) luma in encoded values, with as little noise as can be had.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from wetgate.ops.flow import Flow, consistent, dense_flow, targets
from wetgate.spec import Image

T = TypeVar("T")

# Luma of Rec.709 for guides: which weights is no matter, as long as noise of all channels is averaged.
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Side from which the flow is searched at half size: motion is smooth, and the search's cost is not.
_HALVED_FROM = 1200
# How far from home, squared and in pixels, there and back may end. Who carries pictures compares them too, so this may
# be wider than a test of the flow alone: on clips with noise of 40 of 255, 2 for 0.5 gains 0.04 to 0.45 dB.
_SLACK = 2.0


@dataclass(frozen=True, slots=True)
class Motion:
    """The way from one picture into another: ``flow`` (h, w, 2) belongs to the first one's pixels, ``trust`` (h, w) is
    1 where going there and back ends at home, 0 where not, with soft edges. Large pictures have theirs at half size.
    """

    flow: Flow
    trust: Image

    def at(self, height: int, width: int) -> Motion:
        """The same for pictures of this size, flow in their pixels."""
        here = self.trust.shape
        if here == (height, width):
            return self
        factor = np.array([width / here[1], height / here[0]], np.float32)
        flow = cv2.resize(self.flow, (width, height), interpolation=cv2.INTER_LINEAR) * factor
        trust = cv2.resize(self.trust, (width, height), interpolation=cv2.INTER_LINEAR)
        return Motion(np.asarray(flow, np.float32), np.asarray(trust, np.float32))


def luma(encoded: Image) -> Image:
    """The (H, W) luma of an encoded picture: a guide. Summed pixel by pixel: the last bit of a matrix product may
    depend on where in memory a picture lies, and the search rounds to codes."""
    red, green, blue = (encoded[..., k] * weight for k, weight in enumerate(_LUMA))
    return np.asarray(red + green + blue, np.float32)


def motions(first: Image, second: Image) -> tuple[Motion, Motion]:
    """The motion from ``first`` into ``second``, and that from ``second`` into ``first``."""
    scale = 2 if max(first.shape) >= _HALVED_FROM else 1
    a, b = _reduced(first, scale), _reduced(second, scale)
    there, back = (dense_flow(*pair, preset="stiff") for pair in ((a, b), (b, a)))
    return Motion(there, _trust(there, back)), Motion(back, _trust(back, there))


def toward(here: T, there: T, backwards: bool, pair: Callable[[T, T], tuple[Motion, Motion]]) -> Motion:
    """The motion from one frame into another. ``pair`` gives the :func:`motions` of an earlier frame and a later one,
    so that it can be made once for both; ``backwards`` says that ``there`` is the earlier one."""
    return pair(there, here)[1] if backwards else pair(here, there)[0]


def _trust(there: Flow, back: Flow) -> Image:
    agreed = consistent(there, back, _SLACK).astype(np.float32)
    # A trusted pixel has trusted neighbours: edges of occlusion are where ghosts come from.
    eroded = cv2.erode(agreed, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.GaussianBlur(eroded, (0, 0), 1.0), np.float32)


def _reduced(guide: Image, scale: int) -> Image:
    if scale == 1:
        return guide
    size = (math.ceil(guide.shape[1] / scale), math.ceil(guide.shape[0] / scale))
    return np.asarray(cv2.resize(guide, size, interpolation=cv2.INTER_AREA))


def carried(image: Image, flow: Flow) -> Image:
    """``image`` (H, W) or (H, W, C) sampled where ``flow`` points, edges repeated.

    Bicubic (OpenCV's, a = -0.75, positions to 1/32 pixel): bilinear would take detail with it. Nothing is clipped, but
    the kernel overshoots beside edges.
    """
    sampled = cv2.remap(np.ascontiguousarray(image), *targets(flow), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32).reshape(image.shape)
