"""What changes the light and the focus from frame to frame: flicker and breathing focus."""

from __future__ import annotations

import numpy as np

from wetgate.damage.model import Damaged, Place, damage, spatially
from wetgate.ops.blur import convolve_separable, gaussian_taps
from wetgate.ops.noise import cosine_field, red_series
from wetgate.ops.random import Stream
from wetgate.ops.warp import resample, rigid_grid
from wetgate.spec import Frame, Image, param


@damage(id="flicker", label="Flicker", space="scene", version=1)
class Flicker:
    """Brightness that changes from frame to frame: a global gain and gamma, and a local gain of low order.

    L' = g m(x, y) 0.18 (L / 0.18)^gamma for L > 0, the plain gain below. log2 g, gamma - 1 and the coefficients of
    log2 m (cosines to order 2) are Ornstein-Uhlenbeck noise of ``correlation`` frames; ``color`` is the part of the
    gain that the channels do not share (uneven development, a flickering arc). Uneven shutters and hand cranking
    change exposure, so a gain in scene light; development changes contrast, so the gamma about mid grey. Truth:
    ``gain`` (3 factors), ``gamma``, ``local`` (H, W), the factor m. After: P. M. B. van Roosmalen, Restoration of
    Archived Film and Video, 1999, and J. Delon, Movie and video scale-time equalization, IEEE TIP 15(1), 2006.
    """

    gain: float = param(0.08, lo=0, hi=2, unit="stops", hint="Global gain, standard deviation.")
    gamma: float = param(0.015, lo=0, hi=0.5, hint="Contrast about mid grey, standard deviation of the exponent.")
    local: float = param(0.05, lo=0, hi=2, unit="stops", hint="Slow change over the frame, rms.")
    color: float = param(0.1, lo=0, hi=1, hint="Share of the gain that differs between the channels.")
    correlation: float = param(0.7, lo=0, hi=30, unit="frames", hint="How long a change lasts; 0 is anew every frame.")

    def neutral(self) -> bool:
        return not (self.gain or self.gamma or self.local)

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place, n = Place.of(frame), frame.number
        common, bend, *own = red_series(random.child("global"), n, 5, self.correlation)
        stops = self.gain * (np.sqrt(1 - self.color) * common + np.sqrt(self.color) * np.array(own))
        gains = np.exp2(stops)
        gamma = float(np.exp(self.gamma * bend))
        rgb = frame.rgb
        if self.gamma:
            grey = np.float32(0.18)
            lit = np.maximum(rgb, np.float32(1e-8)) / grey
            rgb = np.where(rgb > 0, rgb * lit ** np.float32(gamma - 1), rgb)
        local = np.ones((place.height, place.width), np.float32)
        if self.local:
            c = red_series(random.child("local"), n, 9, self.correlation).reshape(3, 3)
            c[0, 0] = 0
            c *= self.local / np.sqrt(4 * 0.5 + 4 * 0.25)  # rms of eight cosines: four on an axis, four products
            local = np.exp2(
                cosine_field(
                    c,
                    place.height,
                    place.width,
                    x=place.x,
                    y=place.y,
                    full_height=place.full_height,
                    full_width=place.full_width,
                )
            )
        rgb = rgb * gains.astype(np.float32) * local[..., None]
        return Damaged(frame.with_rgb(rgb), {"gain": gains.tolist(), "gamma": gamma, "local": local})


@damage(id="breathing", label="Breathing focus", space="scene", version=1)
class Breathing:
    """Film that buckles in the gate: focus comes and goes, and the scale a little with it.

    The film's distance from the plane of focus z is Ornstein-Uhlenbeck noise of ``correlation`` frames about
    ``offset``; the blur is a Gaussian of sigma = ``focus`` |z| (share of the width), the scale 1 + ``scale`` z
    about the centre. Linear light. Truth: ``sigma_px``, ``scale``.
    """

    focus: float = param(0.05, lo=0, hi=2, unit="% of width", hint="Blur at one standard deviation of buckling.")
    offset: float = param(0.0, lo=-4, hi=4, hint="Constant misfocus, in the same standard deviations.")
    scale: float = param(0.0, lo=0, hi=2, unit="%", hint="Change of picture size at one standard deviation.")
    correlation: float = param(6.0, lo=0, hi=60, unit="frames", hint="How slowly the focus changes.")

    def neutral(self) -> bool:
        return not (self.focus or self.scale)

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place = Place.of(frame)
        z = float(red_series(random.child("buckle"), frame.number, 1, self.correlation)[0]) + self.offset
        sigma = abs(z) * self.focus * place.full_width / 100
        scale = 1 + self.scale / 100 * z

        def work(rgb: Image) -> Image:
            if sigma > 0.05:
                taps = gaussian_taps(sigma)
                rgb = convolve_separable(rgb, taps, taps)
            if self.scale:
                rgb = resample(rgb, *rigid_grid(*rgb.shape[:2], dx=0, dy=0, rotation_deg=0, scale=scale))
            return rgb

        return Damaged(frame.with_rgb(spatially(frame, work)), {"sigma_px": sigma, "scale": scale})
