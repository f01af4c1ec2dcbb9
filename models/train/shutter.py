"""Motion blur as a shutter makes it, from the frames of clips: light is summed while things move, each in its own way.

Between two frames the moments are made along the optical flow (DIS), each from both frames, and averaged in linear
light over a window about the frame that stays as the sharp one: what a long exposure would have seen. Things that pass
before others, turn, or stand still blur as they do in a camera, which no convolution gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.train.task import Array
from wetgate.color.curves import srgb_decode
from wetgate.ops.flow import Flow, dense_flow, warp_to

Half = NDArray[np.float16]

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709
_FAST = 95  # percentile of the speed in a frame, by which moments are spaced
_APART_PX = 1.0  # between two moments at that speed: a line of light without gaps
_PLACES = 3  # that one patch is chosen of
_MOMENTS = (3, 16)  # least and most from a frame to the next


class Shuttered:
    """Pairs of a frame and the same with a longer exposure, of clips, in linear light, white at 1.

    ``windows`` are the lengths of the exposures in frames; each frame with room for a window on both sides is exposed
    for each of them. Clips are reduced ``reduction`` times by area, which takes most of the blur that they had.
    """

    def __init__(self, folders: Sequence[Path], windows: Sequence[float], reduction: float) -> None:
        self._pairs: list[tuple[Half, Half]] = []
        for folder in folders:
            frames = _frames(folder, reduction)
            steps = [_Step(*pair) for pair in pairwise(frames)]
            for window in windows:
                reach = int(np.ceil(window / 2))
                for number in range(reach, len(frames) - reach):
                    long = exposed(steps[number - reach : number + reach], window)
                    self._pairs.append((frames[number].astype(np.float16), long.astype(np.float16)))
        if not self._pairs:
            raise ValueError("no clip is long enough for a window of the exposures")

    def __len__(self) -> int:
        return len(self._pairs)

    def pair(self, number: int) -> tuple[Array, Array]:
        """A whole frame, sharp and exposed for long."""
        sharp, long = self._pairs[number]
        return sharp.astype(np.float32), long.astype(np.float32)

    def patch(self, random: np.random.Generator, size: int) -> tuple[Array, Array]:
        """The sharp and the long exposure of a place, (size, size, 3), turned and mirrored.

        Of a few places the one where they differ most: in most of a frame nothing moves.
        """
        sharp, long = max((self._cut(random, size) for _ in range(_PLACES)), key=_apart)
        turns, mirrored = int(random.integers(4)), bool(random.integers(2))
        turned = [np.rot90(p, turns) for p in (sharp, long)]
        turned = [np.ascontiguousarray(p[:, ::-1] if mirrored else p) for p in turned]
        return turned[0], turned[1]

    def _cut(self, random: np.random.Generator, size: int) -> tuple[Array, Array]:
        sharp, long = self._pairs[int(random.integers(len(self._pairs)))]
        y, x = (int(random.integers(side - size + 1)) for side in sharp.shape[:2])
        place = slice(y, y + size), slice(x, x + size)
        return sharp[place].astype(np.float32), long[place].astype(np.float32)


class _Step:
    """From one frame to the next: both in linear light, and the flow there and back."""

    def __init__(self, first: Array, second: Array) -> None:
        self.first, self.second = first, second
        a, b = (np.sqrt(np.maximum(f @ _LUMA, 0)) for f in (first, second))  # near what displays are sent
        self.there, self.back = dense_flow(a, b), dense_flow(b, a)

    @property
    def moments(self) -> int:
        speed = float(np.percentile(np.hypot(self.there[..., 0], self.there[..., 1]), _FAST))
        return int(np.clip(np.ceil(speed / _APART_PX), *_MOMENTS))

    def at(self, time: float) -> Array:
        """The light at ``time``, 0 at the first frame, 1 at the second.

        Flows from the moment into both frames after H. Jiang et al., "Super SloMo", CVPR 2018, eq. 4; the nearer frame
        counts more.
        """
        t = np.float32(time)
        to_first: Flow = -(1 - t) * t * self.there + t * t * self.back
        to_second: Flow = (1 - t) * (1 - t) * self.there - t * (1 - t) * self.back
        return np.asarray((1 - t) * warp_to(self.first, to_first) + t * warp_to(self.second, to_second), np.float32)


def _apart(pair: tuple[Array, Array]) -> float:
    """How far two exposures are apart, as a share of their light."""
    return float(np.abs(pair[0] - pair[1]).mean() / (pair[0].mean() + 1e-3))


def exposed(steps: Sequence[_Step], window: float) -> Array:
    """The mean light over ``window`` frames about the middle of an even number of steps."""
    middle = len(steps) / 2
    total, count = np.zeros_like(steps[0].first), 0
    for place, step in enumerate(steps):
        moments = step.moments
        for n in range(moments):
            time = (n + 0.5) / moments
            if abs(place + time - middle) <= window / 2:
                total += step.at(time)
                count += 1
    return total / np.float32(count)


def _frames(folder: Path, reduction: float) -> list[Array]:
    frames = []
    for file in sorted(f for f in folder.iterdir() if f.suffix in {".jpg", ".png", ".webp"}):
        codes = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if codes is None:
            raise FileNotFoundError(f"{file} cannot be read")
        light = srgb_decode(codes[..., ::-1].astype(np.float32) / np.float32(255))
        size = round(light.shape[1] / reduction), round(light.shape[0] / reduction)
        frames.append(np.asarray(cv2.resize(light, size, interpolation=cv2.INTER_AREA), np.float32))
    return frames
