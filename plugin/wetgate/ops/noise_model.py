"""The noise of a shot as a denoiser works by it: measured or given, at every pixel, and how coarse it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.noise_curve import NoiseCurve
from wetgate.ops.noise_measure import MeasuredNoise, chosen_frames, measure_noise
from wetgate.ops.noise_verdict import judge
from wetgate.spec import Frame, Image, Shot

# What noise explains: a Gaussian strays farther once in 16,000 times.
MOST_DEVIATIONS = 4.0
# The level of a pixel is that of its surroundings, a Gaussian of this sigma in pixels: the pixel's own noise must not
# say how noisy it is.
_LEVEL_PX = 2.0
_REDUCED = 4  # the level is smooth, so the curve is looked up on a picture that much smaller
_TOP_PERCENTILE = 99.5
_LEAST_TOP = 1e-3
_NOTHING = 1e-5  # of the shot's white: noise below it is rounding
_COARSEST_PX = 1.3  # that networks are trained on


@dataclass(frozen=True, slots=True)
class ShotNoise:
    """``curves``, one a channel; ``coarseness``, sigma in pixels of the Gaussian through which white noise would look
    like it; ``top``, the level that counts as white in the shot; ``origin``, where it comes from: grain,
    electronic, compression, clean, unknown or, given by hand, white."""

    curves: tuple[NoiseCurve, ...]
    coarseness: float
    top: float
    origin: str

    @classmethod
    def measure(
        cls,
        shot: Shot,
        most: int,
        to_scene: Callable[[Frame], Frame],
        check_abort: Callable[[], None],
        progress: Callable[[float], None],
    ) -> dict[str, Any]:
        """The measurement of a shot as JSON, for :meth:`from_json`: in its own values, and where the noise comes from,
        which is judged in scene-linear light (``to_scene``)."""
        numbers = chosen_frames(shot.numbers, most)
        frames: list[Image] = []
        light: list[Image] = []
        for done, number in enumerate(numbers, 1):
            check_abort()
            frame = shot[number]
            frames.append(frame.rgb)
            light.append(to_scene(frame).rgb)
            progress(0.5 * done / len(numbers))
        measured = measure_noise(frames, numbers)
        results: dict[str, Any] = {"top": _held(max(top_of(f) for f in frames)), "noise": {"frames": 0}}
        if measured is None:
            return results
        progress(0.75)
        check_abort()
        in_light = measure_noise(light, numbers)
        verdict = {"origin": "unknown"} if in_light is None else judge(in_light, light).to_json()
        progress(1.0)
        return results | {"noise": measured.to_json(), "verdict": verdict}

    @classmethod
    def from_json(cls, results: Mapping[str, Any]) -> ShotNoise | None:
        """Of an analysis; None where it found no noise."""
        measured = MeasuredNoise.from_json(results["noise"])
        if measured is None:
            return None
        return cls._of(measured, float(results["top"]), str(results["verdict"]["origin"]))

    @classmethod
    def of_frame(cls, rgb: Image) -> ShotNoise | None:
        """Of one frame by itself; None where no noise could be measured.

        The figures are those that an analysis would hold: rounded, so that the last bits of a sum, which differ with
        the threads that linear algebra works on, reach no pixel.
        """
        measured = measure_noise([rgb])
        if measured is None:
            return None
        held = MeasuredNoise.from_json(measured.to_json())
        return None if held is None else cls._of(held, _held(top_of(rgb)))

    @classmethod
    def white(cls, deviation: float) -> ShotNoise:
        """The same white noise of ``deviation`` in all channels and at all levels, where 1 is white."""
        level = np.array([0.0, 1.0])
        curve = NoiseCurve(level, np.full(2, deviation), "constant", 0.0, deviation**2, 0.0, 0.0, level * np.nan)
        return cls((curve,) * 3, 0.0, 1.0, "white")

    @classmethod
    def _of(cls, measured: MeasuredNoise, top: float, origin: str = "unknown") -> ShotNoise | None:
        curves = measured.best
        if max(float(c.deviation.max()) for c in curves) <= _NOTHING * top:
            return None
        return cls(curves, coarseness(measured.autocorrelation()), top, origin)

    def times(self, factor: float) -> ShotNoise:
        """Noise ``factor`` times as strong."""
        if factor == 1:
            return self
        stronger = (
            replace(
                c,
                deviation=c.deviation * factor,
                slope=c.slope * factor**2,
                offset=c.offset * factor**2,
            )
            for c in self.curves
        )
        return replace(self, curves=tuple(stronger))

    def typical(self) -> list[float]:
        """Rms deviation of each channel over its knots, for records."""
        return [float(f"{math.sqrt(float(np.mean(np.square(c.deviation)))):.4g}") for c in self.curves]

    def law(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The Poisson-Gaussian laws nearest to the curves, variance = gain x + read, both not negative."""
        gains, reads = [], []
        for curve in self.curves:
            least = float(np.square(curve.deviation).min())
            gains.append(0.0 if curve.law == "constant" else max(curve.slope, 0.0))
            reads.append(
                max(least if curve.law == "constant" else curve.offset, 0.25 * least, (_NOTHING * self.top) ** 2)
            )
        return tuple(gains), tuple(reads)

    def deviation_of(self, rgb: Image) -> Image:
        """Standard deviation of the noise at each pixel of a picture, (H, W, C), in its values."""
        floor = _NOTHING * self.top

        def of(curve: NoiseCurve) -> Callable[[Any], Any]:
            return lambda level: np.maximum(curve.deviation_at(level), floor)

        return self._looked_up(rgb, [of(c) for c in self.curves])

    def encoded_deviation_of(self, rgb: Image, unit: Sequence[float]) -> Image:
        """The same in the values of the transform that :meth:`law` gives, in which noise of that law has the deviation
        ``unit``: what the curve has more or less than the law is kept."""
        floor = _NOTHING * self.top

        def ratio(curve: NoiseCurve, gain: float, read: float, one: float) -> Callable[[Any], Any]:
            def of(x: Any) -> Any:
                law = np.sqrt(gain * np.maximum(x, 0.0) + read)
                return one * np.maximum(curve.deviation_at(x), floor) / law

            return of

        laws = zip(self.curves, *self.law(), unit, strict=True)
        return self._looked_up(rgb, [ratio(*entry) for entry in laws])

    def _looked_up(self, rgb: Image, of_level: Sequence[Callable[[Any], Any]]) -> Image:
        """A function of each channel's smooth level, on a reduced picture, brought to the picture's size."""
        import cv2

        height, width = rgb.shape[:2]
        small_size = (max(1, round(width / _REDUCED)), max(1, round(height / _REDUCED)))
        small = cv2.resize(rgb, small_size, interpolation=cv2.INTER_AREA).reshape(small_size[1], small_size[0], -1)
        small = cv2.GaussianBlur(small, (0, 0), max(_LEVEL_PX / _REDUCED, 0.3)).reshape(small.shape)
        made = np.stack([f(small[..., c]) for c, f in enumerate(of_level)], axis=2).astype(np.float32)
        grown = cv2.resize(made, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(grown, np.float32).reshape(rgb.shape)


def top_of(rgb: Image) -> float:
    """The level that counts as white in a picture: its 99.5th percentile, of the brightest channel."""
    return max(_LEAST_TOP, float(np.percentile(rgb[::2, ::2].max(axis=2), _TOP_PERCENTILE)))


def _held(value: float) -> float:
    """A figure as an analysis holds it."""
    return float(f"{value:.6g}")


def coarseness(autocorrelation: NDArray[np.float64]) -> float:
    """Sigma in pixels of the Gaussian that turns white noise into noise of this (C, 8, 8) autocorrelation.

    White noise through a Gaussian of sigma s has the correlation exp(-d^2 / (4 s^2)) at distance d: read at one pixel
    across and down, mean of the channels.
    """
    beside = float(np.mean([autocorrelation[:, 0, 1], autocorrelation[:, 1, 0]]))
    if beside < 0.03:
        return 0.0
    return min(_COARSEST_PX, math.sqrt(0.25 / -math.log(min(beside, 0.99))))


def explained(before: Image, after: Image, noise: ShotNoise) -> float:
    """The largest change of a pixel over the deviation of the noise there."""
    return float((np.abs(after - before) / noise.deviation_of(before)).max())
