"""Nodes that exist for tests alone: small, exact, and easy to foretell. Use inside ``declared()``."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from wetgate.spec import Coherent, Context, Frame, Result, Shot, UsageError, Window, node, param, registry

PREPARED: list[int] = []  # the frames that t_prepared was given, in order
PAIRED: list[tuple[int, int]] = []  # pairs of frames that t_prepared made something of
SHIMMERED: list[int] = []  # the frames that t_shimmer rendered, in order


def _declare() -> list[str]:
    @node(id="t_gain", label="Gain", space="scene", version=1, views={"above": "Where the result is above 1."})
    class Gain:
        """Multiplies scene-linear light by a gain, for tests: result = input x (1 + strength x (gain - 1))."""

        strength: float = param(1.0, lo=0, hi=1, hint="How much of the gain is used.")
        gain: float = param(2.0, lo=0, hi=16, hint="The factor at strength 1.")

        def render(self, frames: Window, ctx: Context) -> Result:
            factor = np.float32(1 + self.strength * (self.gain - 1))
            frame = frames.center.with_rgb(frames.center.rgb * factor)
            aovs = {"above": (frame.rgb.max(axis=2) > 1).astype(np.float32)} if "above" in ctx.views else {}
            return Result(frame, aovs, {"factor": float(factor)})

    @node(id="t_mean", label="Temporal mean", space="scene", version=1, reach=lambda self: self.radius, analyzes=False)
    class Mean:
        """The mean over t-radius..t+radius, edge frames weighted by their repeats, for tests of windows."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        radius: int = param(1, lo=0, hi=5, hint="Frames on either side of the one.")

        def render(self, frames: Window, ctx: Context) -> Result:
            mean = np.mean([f.rgb.astype(np.float64) for f in frames.frames], axis=0)
            repeated = sum(frames.repeated)
            return Result(frames.center.with_rgb(mean.astype(np.float32)), facts={"repeated": repeated})

    @node(id="t_prepared", label="Prepared", space="scene", version=1, reach=lambda self: self.radius)
    class Prepared:
        """The mean of what ``prepare`` made of the window's frames, for tests: each frame's light squared."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        radius: int = param(1, lo=0, hi=1, hint="Frames on either side of the one.")

        def prepare(self, frame: Frame, ctx: Context) -> Frame:
            PREPARED.append(frame.number)
            return frame.with_rgb(np.square(frame.rgb))

        def render(self, frames: Window, ctx: Context) -> Result:
            if frames.reach == 0:
                assert not frames.prepared
                return Result(frames.center)
            for a, b in itertools.pairwise(f.number for f in frames.frames):
                ctx.kept((a, b), partial(PAIRED.append, (a, b)))
            assert not frames.prepared_at(0).pixels.flags.writeable
            mean = np.mean([f.rgb for f in frames.prepared], axis=0, dtype=np.float64)
            return Result(frames.center.with_rgb(mean.astype(np.float32)))

    @node(id="t_level", label="Level", space="scene", version=1, analyzes=lambda self: self.mean == 0)
    class Level:
        """Divides by the mean of the whole shot, which its analysis finds, for tests of analysis documents."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        mean: float = param(0.0, lo=0, hi=16, render_only=True, hint="The mean by hand; 0 takes the analysis's.")

        def analyze(self, shot: Shot, ctx: Context) -> dict[str, Any]:
            return {"mean": float(np.mean([f.rgb.mean(dtype=np.float64) for f in shot])), "cuts": list(shot.cuts)}

        def summary(self, results: dict[str, Any]) -> str:
            return f"a mean of {results['mean']:.3g}"

        def render(self, frames: Window, ctx: Context) -> Result:
            if self.mean > 0:
                assert ctx.analysis is None, "an analysis was made and nobody asked for it"
                return Result(frames.center.with_rgb(frames.center.rgb / np.float32(self.mean)))
            if ctx.analysis is None:
                raise UsageError("t_level needs its analysis")
            return Result(frames.center.with_rgb(frames.center.rgb / np.float32(ctx.analysis["mean"])))

        def sidecars(self, results: dict[str, Any], numbers: list[int]) -> dict[str, Any]:
            return {"level": {"mean": results["mean"], "frames": len(numbers)}}

    @node(id="t_half", label="Half left", space="scene", version=1)
    class HalfLeft:
        """Changes the left half of the picture alone, for tests of what stays untouched: input x 0.5 there."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")

        def render(self, frames: Window, ctx: Context) -> Result:
            rgb = frames.center.rgb.copy()
            rgb[:, : rgb.shape[1] // 2] *= np.float32(0.5)
            return Result(frames.center.with_rgb(rgb))

    @node(id="t_fail", label="Fail", space="scene", version=1)
    class Fail:
        """Makes a value that is not a number at one frame and copies the others, for tests of the failure policy."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        frame: int = param(0, lo=-1000, hi=100000, hint="The frame that fails.")

        def render(self, frames: Window, ctx: Context) -> Result:
            rgb = frames.center.rgb.copy()
            if frames.number == self.frame:
                rgb[0, 0, 0] = np.nan
            return Result(frames.center.with_rgb(rgb))

    @node(id="t_near", label="Near", space="scene", version=1, neighbourhood=lambda self: self.radius)
    class Near:
        """The mean of the pixels up to radius away along rows and columns, edges repeated, for tests of tiles."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        radius: int = param(2, lo=0, hi=6, animates=False, hint="How far it looks.")

        def render(self, frames: Window, ctx: Context) -> Result:
            rgb, r = frames.center.rgb, self.radius
            total = np.zeros(rgb.shape, np.float32)
            for axis in (0, 1):
                wide = np.pad(rgb, [(r * (axis == a), r * (axis == a)) for a in (0, 1)] + [(0, 0)], mode="edge")
                for step in range(2 * r + 1):
                    total += wide.take(range(step, step + rgb.shape[axis]), axis=axis)
            return Result(frames.center.with_rgb(total / np.float32(2 * (2 * r + 1))))

    @node(id="t_slow", label="Slow", space="scene", version=1)
    class Slow:
        """Takes its time and changes nothing but the last digit of red, for tests that interrupt a render."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        seconds: float = param(0.1, lo=0, hi=10, hint="How long a frame takes.")

        def render(self, frames: Window, ctx: Context) -> Result:
            time.sleep(self.seconds)
            rgb = frames.center.rgb.copy()
            rgb[..., 0] = np.nextafter(rgb[..., 0], np.float32(np.inf))
            return Result(frames.center.with_rgb(rgb))

    @node(id="t_larger", label="Larger", space="scene", version=1, enlarges=lambda self: self.factor)
    class Larger:
        """Repeats every pixel factor times in both directions, for tests of results that are larger."""

        strength: float = param(1.0, lo=0, hi=1, hint="0 leaves the frame as it is.")
        factor: int = param(2, lo=1, hi=4, animates=False, hint="How many times as wide and as high the result is.")

        def render(self, frames: Window, ctx: Context) -> Result:
            frame = frames.center
            pixels = np.repeat(np.repeat(frame.pixels, self.factor, axis=0), self.factor, axis=1)
            return Result(Frame(np.ascontiguousarray(pixels), frame.space, frame.number))

    @node(id="t_shimmer", label="Shimmer", space="scene", version=1, coherent=Coherent(fuses="change"))
    class Shimmer:
        """Adds noise that is another in every frame, for tests of temporal coherence: what a shimmering method does."""

        strength: float = param(1.0, lo=0, hi=1, hint="How much of the shimmer is added.")
        deviation: float = param(0.02, lo=0, hi=1, hint="Standard deviation of the noise in light.")

        def render(self, frames: Window, ctx: Context) -> Result:
            SHIMMERED.append(frames.number)
            rgb = frames.center.rgb
            noise = np.random.default_rng(frames.number).standard_normal(rgb.shape).astype(np.float32)
            return Result(frames.center.with_rgb(rgb + np.float32(self.strength * self.deviation) * noise))

    @node(id="t_halved", label="Halved", space="scene", version=1, coherent=Coherent(), finishing=["strength"])
    class Halved:
        """Takes off all that differs from a mean over the picture's rows, and gives back the share that is kept."""

        strength: float = param(1.0, lo=0, hi=1, hint="How much of what differs is taken off.")

        def render(self, frames: Window, ctx: Context) -> Result:
            SHIMMERED.append(frames.number)
            rgb = frames.center.rgb
            return Result(frames.center.with_rgb(np.broadcast_to(rgb.mean(axis=0), rgb.shape).astype(np.float32)))

        def finish(self, source: Frame, made: Result, ctx: Context) -> Result:
            return Result(source.with_rgb(source.rgb + np.float32(self.strength) * (made.frame.rgb - source.rgb)))

    @node(id="t_pulse", label="Pulse", space="scene", version=2, coherent=Coherent(since=2))
    class Pulse:
        """Multiplies light by a gain of even frames and another of odd ones, for tests of temporal coherence."""

        strength: float = param(1.0, lo=0, hi=1, hint="How much of the gain is used.")
        gain: float = param(0.1, lo=0, hi=1, hint="The gain is 1 plus and minus this by turns.")

        def render(self, frames: Window, ctx: Context) -> Result:
            gain = 1 + self.strength * self.gain * (1 if frames.number % 2 else -1)
            return Result(frames.center.with_rgb(frames.center.rgb * np.float32(gain)))

    names = ["t_gain", "t_mean", "t_prepared", "t_level", "t_half", "t_fail", "t_near", "t_slow", "t_larger"]
    return [*names, "t_shimmer", "t_halved", "t_pulse"]


@contextmanager
def declared() -> Iterator[None]:
    """The sample nodes are in the registry inside this block, and gone after it."""
    names = _declare()
    try:
        yield
    finally:
        for name in names:
            registry.forget(name)


def grey(number: int, level: float, space: str = "ACEScg", size: tuple[int, int] = (6, 8)) -> Frame:
    """A flat frame of one level, height x width as given."""
    return Frame(np.full((*size, 3), level, np.float32), space, number)
