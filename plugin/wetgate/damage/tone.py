"""Losses of range: clipped highlights, few bits, banding, a smaller gamut."""

from __future__ import annotations

import numpy as np

from wetgate.color.primaries import apply_matrix, rgb_to_rgb
from wetgate.damage.model import Damaged, Place, damage
from wetgate.ops.blur import convolve_separable, gaussian_taps
from wetgate.ops.random import Stream
from wetgate.spec import Frame, Image, param


@damage(id="clip", label="Clipped highlights", space="scene", version=1)
class Clip:
    """Light above a level is lost, channel by channel, as a sensor or a video white clipper loses it.

    L' = min(L, level), or with ``knee`` k > 0 a roll-off from (1 - k) level: l + (level - l) (1 - exp(-(L - l) /
    (level - l))), C1 and never above the level. ``black`` clips below. Linear light. Truth: ``clipped`` (H, W, 3),
    which values were at or above the level (or below ``black``).
    """

    level: float = param(1.0, lo=0.01, hi=65504, soft=(0.2, 4), hint="The most light that is kept.")
    knee: float = param(0.0, lo=0, hi=1, hint="Share of the range below the level over which highlights roll off.")
    black: float = param(-65504.0, lo=-65504, hi=0.2, soft=(-0.1, 0.1), hint="The least that is kept.")

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        rgb, level = frame.rgb, np.float32(self.level)
        clipped = (rgb >= level) | (rgb < np.float32(self.black))
        if self.knee:
            start = level * np.float32(1 - self.knee)
            room = level - start
            over = np.maximum(rgb - start, 0)
            rgb = np.where(rgb > start, start - room * np.expm1(-over / room), rgb)
        bounded = np.clip(rgb, np.float32(self.black), level)
        return Damaged(frame.with_rgb(bounded), {"clipped": clipped})


@damage(id="quantise", label="Few bits", space="video", version=1)
class Quantise:
    """Code values rounded to whole numbers of few bits and clipped to their range.

    Full range: round((2^b - 1) E). Limited: round(219 2^(b-8) E + 16 2^(b-8)), which keeps some super-white (Rec.
    ITU-R BT.2100-2 Table 9). ``dither`` adds triangular noise of that many steps before rounding (2 makes the error
    white; S. P. Lipshitz et al., JAES 40(5), 1992). Truth: ``step``, in code value.
    """

    bits: int = param(8, lo=1, hi=16, hint="Bits a channel.")
    range: str = param("full", choices={"full": "Full", "limited": "Limited (legal)"}, hint="How values map to codes.")
    dither: float = param(0.0, lo=0, hi=4, unit="steps", hint="Peak-to-peak width of triangular dither.")

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        peak = float(2**self.bits - 1)
        limited = self.range == "limited"
        unit = 2.0 ** (self.bits - 8)
        scale, offset = (219 * unit, 16 * unit) if limited else (peak, 0.0)
        codes = frame.rgb * np.float32(scale) + np.float32(offset)
        if self.dither:
            place = Place.of(frame)
            u = random.uniform(frame.number, place.height, place.width, 6, x=place.x, y=place.y)
            codes = codes + (u[..., :3] - u[..., 3:]) * np.float32(self.dither / 2)
        whole = np.clip(np.floor(codes + np.float32(0.5)), 0, np.float32(peak))
        return Damaged(frame.with_rgb((whole - np.float32(offset)) / np.float32(scale)), {"step": 1 / scale})


@damage(id="banding", label="Banding", space="video", version=1)
class Banding:
    """Smooth gradients fall into steps: what hid the rounding is taken away, then values are rounded.

    Flat places (local deviation below ``flat``) are smoothed by a Gaussian, as encoders and noise filters do, and
    rounded to ``levels`` steps over 0..1 without dither; the rest is rounded alone. Truth: ``flat`` (H, W), how far
    each pixel was smoothed.
    """

    levels: int = param(48, lo=2, hi=1024, soft=(16, 256), hint="Steps between black and white.")
    smooth: float = param(0.5, lo=0, hi=5, unit="% of width", hint="Radius over which flat places are smoothed.")
    flat: float = param(0.02, lo=0.001, hi=0.5, hint="Local deviation, in code value, up to which a place is flat.")

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place, rgb = Place.of(frame), frame.rgb
        flat = np.zeros((place.height, place.width), np.float32)
        sigma = self.smooth * place.full_width / 100
        if sigma > 0.2:
            taps = gaussian_taps(sigma)
            luma = rgb.mean(axis=2, keepdims=True)
            mean = convolve_separable(luma, taps, taps)
            spread = convolve_separable((luma - mean) ** 2, taps, taps)
            flat = np.exp(-spread[..., 0] / np.float32(self.flat**2))
            rgb = rgb + flat[..., None] * (convolve_separable(rgb, taps, taps) - rgb)
        steps = np.float32(self.levels)
        return Damaged(frame.with_rgb(np.floor(rgb * steps + np.float32(0.5)) / steps), {"flat": flat})


@damage(id="gamut_clip", label="Gamut clip", space="display", version=1)
class GamutClip:
    """Colours outside a smaller gamut are clipped to it, channel by channel: saturation is lost and hues turn.

    Linear Rec.2020 light through the 3x3 to the smaller primaries (SMPTE RP 177), negative components set to 0, and
    back. Light above white is kept. Truth: ``clipped`` (H, W), whether a pixel lay outside.
    """

    gamut: str = param(
        "rec709",
        choices={"rec709": "BT.709", "p3d65": "P3-D65", "rec601_525": "BT.601, 525 lines"},
        hint="The gamut that is left.",
    )

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        there = rgb_to_rgb("rec2020", self.gamut)
        inside: Image = apply_matrix(there, frame.rgb)
        # Rounding of the matrix leaves a millionth of the pixel's light below 0 for colours on the boundary.
        clipped = (inside < -1e-6 * np.abs(inside).max(axis=2, keepdims=True)).any(axis=2)
        back = apply_matrix(np.linalg.inv(there), np.maximum(inside, np.float32(0)))
        return Damaged(frame.with_rgb(np.where(clipped[..., None], back, frame.rgb)), {"clipped": clipped})
