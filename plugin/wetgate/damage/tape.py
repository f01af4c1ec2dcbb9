"""Analogue video tape: little bandwidth, less of it for colour, noise, time-base errors, drop-outs."""

from __future__ import annotations

import math

import numpy as np

from wetgate.color.ycbcr import rgb_from_ycbcr, ycbcr_from_rgb
from wetgate.damage.model import Damaged, Place, damage
from wetgate.damage.planes import MATRICES
from wetgate.ops.blur import Kernel, convolve_separable, gaussian_taps, valid_separable
from wetgate.ops.noise import curve_noise
from wetgate.ops.random import Stream
from wetgate.ops.warp import resample
from wetgate.spec import Frame, Image, param

_ACTIVE_US = 52.0  # microseconds of picture a line: Rec. ITU-R BT.1700, 625 lines (525 lines: 52.66)
_SYSTEM_LINES = 576  # active lines; other heights are counted as shares of it

_ONE = np.ones(1, np.float32)


@damage(id="tape", label="Analogue tape", space="video", version=1)
class Tape:
    """A generation of analogue tape, in Y'CbCr (BT.601) of code values, line by line.

    Luma and chroma are low-passed along the line by Gaussians whose response is 1/2 at ``luma_mhz`` and
    ``chroma_mhz`` (a line is 52 us of picture), luma peaked again by ``sharpen`` as players do, chroma late by
    ``delay``. Noise is band-limited alike, white down the lines. Lines wander sideways by ``jitter`` (smooth along
    the frame, new each frame), and the last ones tear where the heads switch (``head_switch``). Drop-outs replace
    part of a line by the line above it, bright or dark at their start, as a drop-out compensator leaves them.
    Formats, roughly: VHS 3 and 0.4 MHz, U-matic 3 and 0.6, Betacam SP and 1-inch 5.5 and 1.5 (the manufacturers'
    bandwidths). Truth: ``offset`` (H) px of each line, ``dropouts`` (H, W).
    """

    luma_mhz: float = param(3.0, lo=0.3, hi=13.5, unit="MHz", hint="Luma bandwidth, at half response.")
    chroma_mhz: float = param(0.5, lo=0.1, hi=6.75, unit="MHz", hint="Chroma bandwidth, at half response.")
    sharpen: float = param(0.5, lo=0, hi=3, hint="Peaking of luma after the tape: halos beside edges.")
    delay: float = param(0.15, lo=-2, hi=2, unit="us", hint="How late chroma is.")
    luma_noise: float = param(0.015, lo=0, hi=0.3, hint="Luma noise, standard deviation in code value.")
    chroma_noise: float = param(0.025, lo=0, hi=0.3, hint="Chroma noise, standard deviation.")
    jitter: float = param(0.05, lo=0, hi=2, unit="us", hint="Sideways wander of the lines, standard deviation.")
    head_switch: float = param(
        0.0, lo=0, hi=10, unit="% of height", hint="How many lines tear at the foot of the picture."
    )
    dropouts: float = param(1.0, lo=0, hi=200, unit="per frame", hint="Drop-outs a frame, in the mean.")

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place, n = Place.of(frame), frame.number
        ycc = ycbcr_from_rgb(frame.rgb, MATRICES["rec601"])
        px_per_us = place.full_width / _ACTIVE_US
        luma_sigma, chroma_sigma = (_sigma_us(mhz) * px_per_us for mhz in (self.luma_mhz, self.chroma_mhz))
        luma = self._luma(np.ascontiguousarray(ycc[..., :1]), luma_sigma)
        chroma = _along(np.ascontiguousarray(ycc[..., 1:]), gaussian_taps(chroma_sigma))
        luma += np.float32(self.luma_noise) * _line_noise(random.child("luma"), n, place, 1, luma_sigma)
        chroma += np.float32(self.chroma_noise) * _line_noise(random.child("chroma"), n, place, 2, chroma_sigma)
        offset = self._offsets(place, n, random, px_per_us)
        moved_luma = _shifted(luma, offset)
        moved_chroma = _shifted(chroma, offset + np.float32(self.delay * px_per_us))
        ycc = np.concatenate([moved_luma, moved_chroma], axis=2)
        lost = self._drop(ycc, place, n, random, px_per_us)
        rgb = rgb_from_ycbcr(ycc, MATRICES["rec601"])
        return Damaged(frame.with_rgb(rgb), {"offset": offset, "dropouts": lost})

    def _luma(self, luma: Image, sigma: float) -> Image:
        low = _along(luma, gaussian_taps(sigma))
        if not self.sharpen:
            return low
        return low + np.float32(self.sharpen) * (low - _along(low, gaussian_taps(1.6 * sigma)))

    def _offsets(self, place: Place, n: int, random: Stream, px_per_us: float) -> Image:
        lines = (place.y + np.arange(place.height) + 0.5) / place.full_height * _SYSTEM_LINES
        wander = curve_noise(random.child("jitter"), n, lines, 90.0, octaves=5) * self.jitter * px_per_us
        foot = self.head_switch / 100 * _SYSTEM_LINES
        if foot:
            depth = np.clip((lines - (_SYSTEM_LINES - foot)) / foot, 0, 1)
            size, rough = random.child("head").normals(n, 1, 2)[0]
            tear = depth**1.5 * (2.5 + 0.6 * size) * px_per_us
            wander = wander + tear * (1 + 0.15 * rough * curve_noise(random.child("tear"), n, lines, 4.0, octaves=2))
        return wander.astype(np.float32)

    def _drop(self, ycc: Image, place: Place, n: int, random: Stream, px_per_us: float) -> Image:
        """Drop-outs written into ``ycc``; their mask (H, W)."""
        lost = np.zeros((place.height, place.width), np.float32)
        whole = ycc.copy()
        count = random.child("count").poisson(n, self.dropouts)
        rows = random.child("dropout").uniforms(n, count, 5) if count else np.empty((0, 5))
        line = place.full_height / _SYSTEM_LINES
        for u in rows:
            top = math.floor(u[0] * place.full_height) - place.y
            bottom = top + max(1, round(line * (1 + math.floor(2.5 * u[4] ** 3))))
            left = u[1] * place.full_width - place.x
            length = (0.8 + 9.0 * u[2] ** 3) * px_per_us
            x = np.arange(place.width)
            inside = np.clip(np.minimum(x + 0.5 - left, left + length - x - 0.5) + 0.5, 0, 1).astype(np.float32)
            spike = np.exp(-np.clip(x - left, 0, None) / (0.25 * px_per_us)).astype(np.float32) * inside
            for row in range(max(top, 0), min(bottom, place.height)):
                above = whole[max(top - 1, 0)]
                ycc[row] += inside[:, None] * (above - ycc[row])
                ycc[row, :, 0] += spike * np.float32(0.7 if u[3] < 0.7 else -0.5)
                lost[row] = np.maximum(lost[row], inside)
        return lost


def _sigma_us(mhz: float) -> float:
    """Standard deviation, in microseconds, of the Gaussian whose response is 1/2 at ``mhz``."""
    return math.sqrt(2 * math.log(2)) / (2 * math.pi * mhz)


def _along(image: Image, taps: Kernel) -> Image:
    return convolve_separable(image, _ONE, taps)


def _line_noise(random: Stream, n: int, place: Place, channels: int, sigma: float) -> Image:
    """Unit-variance noise (H, W, channels), low-passed along lines alone."""
    reach = max(1, math.ceil(4 * sigma))
    white = random.normal(n, place.height, place.width + 2 * reach, channels, x=place.x - reach, y=place.y)
    taps = gaussian_taps(sigma, reach)
    return valid_separable(white, _ONE, taps) * np.float32(1 / math.sqrt(float((taps.astype(np.float64) ** 2).sum())))


def _shifted(image: Image, offset: Image) -> Image:
    height, width = image.shape[:2]
    yy, xx = np.meshgrid(np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32), indexing="ij")
    return resample(image, xx - offset[:, None], yy, "cubic", "extend")
