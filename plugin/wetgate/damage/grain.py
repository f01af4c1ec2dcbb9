"""Film grain: noise of the density, shaped by the size of the dye clouds and by how much dye there is."""

from __future__ import annotations

import math

import numpy as np

from wetgate.damage.gauge import LABELS, pitch_um
from wetgate.damage.model import Damaged, Place, damage
from wetgate.ops.noise import gaussian_mixture_field, gaussian_mixture_power
from wetgate.ops.random import Stream
from wetgate.spec import Frame, Image, param

# Diameter of the aperture that RMS granularity is measured with (ISO 10505:2009 and manufacturers' data sheets: 48
# um), at net density 1.
_APERTURE_UM = 48.0
_NEGATIVE_GAMMA = 0.6  # gradient of camera negatives: Kodak, Cineon 10-bit log
_MOST = 2.5  # log10 range of scene light below diffuse white that the film holds
# A print's gradient rises from its base as 1 - exp(-D / toe) and falls towards its densest black alike: the S of
# Eastman Color Print Film's curves, in constants of ours.
_TOE, _SHOULDER, _PRINT_MOST = 0.25, 0.6, 3.6


@damage(id="grain", label="Film grain", space="density", version=1)
class Grain:
    """Grain of a colour film: a Gaussian field of the density, per dye layer, new in every frame.

    Standard deviation: a layer of N sites an area, a share p = d / d_max of them developed, has the binomial
    variance d (d_max - d) / N, which is Selwyn's and Nutting's law sigma ~ sqrt(d) for thin densities and falls
    again as the layer fills up (E. W. H. Selwyn, Photographic Journal 75, 1935; J. C. Dainty and R. Shaw, Image
    Science, 1974, ch. 3). It is scaled so that a 48 um aperture sees ``rms`` / 1000 at net density 1, which fixes
    the power at low frequencies. Spectrum: white noise through two Gaussians, of ``size`` and twice ``size`` (dye
    clouds and their clumps; ``clumps`` is the share of the second), the scanner's pixel and its lens; sizes are on
    the film, so that the look holds at any resolution. ``medium``: a reversal film has its grain where the picture
    is dense; a negative where the scene is bright, carried to the picture at 1 / gradient; a print shows its
    negative's grain through its own S-curve, most in the mid tones. The mean of linear light is kept: sigma^2
    ln(10) / 2 is added to the density. Truth: ``sigma`` (H, W, 3), the standard deviation of what was added, in
    density.
    """

    amount: float = param(1.0, lo=0, hi=8, unit="x", hint="Multiplies the standard deviation; 0 is no grain.")
    rms: float = param(8.0, lo=0.5, hi=60, hint="RMS granularity times 1000, through 48 um at density 1.")
    size_um: float = param(6.0, lo=1, hi=40, unit="um", hint="Diameter of the dye clouds on the film.")
    clumps: float = param(0.35, lo=0, hi=1, hint="Share of coarser clumps, of twice the size.")
    gauge: str = param("35", choices=LABELS, hint="Film gauge: how much film the picture's width stands for.")
    medium: str = param(
        "negative",
        choices={
            "negative": "Camera negative, inverted",
            "print": "Negative seen through its print",
            "positive": "Reversal film",
        },
        hint="Where the grain lies: in the scene's bright parts, or in the picture's dense ones.",
    )
    red: float = param(1.0, lo=0, hi=4, unit="x", hint="Grain of the cyan layer, seen in red.")
    green: float = param(1.0, lo=0, hi=4, unit="x", hint="Grain of the magenta layer, seen in green.")
    blue: float = param(1.6, lo=0, hi=4, unit="x", hint="Grain of the yellow layer, seen in blue: the coarsest.")
    scanner: float = param(
        0.45, lo=0, hi=3, unit="px", hint="Softness of the lenses up to the file: a Gaussian's sigma."
    )
    mono: float = param(0.15, lo=0, hi=1, hint="Correlation between the layers; 1 is a black-and-white film.")
    d_max: float = param(2.6, lo=1.2, hi=5, unit="D", hint="Density at which every site of a layer is developed.")
    fog: float = param(0.08, lo=0, hi=0.5, unit="D", hint="Density of the unexposed film, which has grain too.")

    def neutral(self) -> bool:
        return self.amount == 0

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place = Place.of(frame)
        sigma = self._sigma(frame.rgb, pitch_um(self.gauge, place))
        noise = self.field(frame.number, place, random)
        lift = sigma * sigma * np.float32(math.log(10) / 2)
        grainy = frame.rgb + sigma * noise + lift
        return Damaged(frame.with_rgb(grainy), {"sigma": sigma})

    def field(self, number: int, place: Place, random: Stream) -> Image:
        """The unit-variance field (H, W, 3) of a frame, before the density law."""
        sigmas, weights = self._mixture(pitch_um(self.gauge, place))
        raw = gaussian_mixture_field(
            random.child("layers"),
            number,
            place.height,
            place.width,
            4 if self.mono else 3,
            sigmas=sigmas,
            weights=weights,
            x=place.x,
            y=place.y,
        )
        raw *= np.float32(1 / math.sqrt(gaussian_mixture_power(sigmas, weights)))
        if not self.mono:
            return raw
        shared, own = math.sqrt(self.mono), math.sqrt(1 - self.mono)
        return np.float32(own) * raw[..., :3] + np.float32(shared) * raw[..., 3:]

    def _mixture(self, pitch: float) -> tuple[tuple[float, float], tuple[float, float]]:
        # A disc of diameter d has the second moment of a Gaussian of d / 4; the pixel's box adds 1/12 px^2.
        fine = math.hypot(self.size_um / 4 / pitch, math.sqrt(1 / 12), self.scanner)
        coarse = math.hypot(self.size_um / 2 / pitch, math.sqrt(1 / 12), self.scanner)
        return (fine, coarse), (1 - self.clumps, self.clumps)

    def _sigma(self, picture: Image, pitch: float) -> Image:
        """Standard deviation a pixel (H, W, 3), in the picture's density."""
        net, carried = picture, 1.0
        if self.medium != "positive":
            net, carried = np.float32(_NEGATIVE_GAMMA) * (np.float32(_MOST) - picture), 1 / _NEGATIVE_GAMMA
        developed = np.clip(net, 0, self.d_max) + np.float32(self.fog)
        ceiling = self.d_max + 2 * self.fog
        law = developed * (np.float32(ceiling) - developed) / np.float32((1 + self.fog) * (ceiling - 1 - self.fog))
        layers = np.array([self.red, self.green, self.blue], np.float32)
        peak = self.amount * self.rms / 1000 * carried * self._pixel_over_aperture(pitch)
        sigma = np.sqrt(law) * (layers * np.float32(peak))
        if self.medium == "print":  # its toe passes little of what lies in the highlights, its shoulder of the shadows
            toe = -np.expm1(-np.maximum(picture, 0) / np.float32(_TOE))
            shoulder = -np.expm1(-np.maximum(np.float32(_PRINT_MOST) - picture, 0) / np.float32(_SHOULDER))
            sigma = sigma * toe * shoulder
        return np.asarray(sigma, dtype=np.float32)

    def _pixel_over_aperture(self, pitch: float) -> float:
        """Standard deviation of one pixel of the file when the aperture sees 1 on the film."""
        sigmas, weights = self._mixture(pitch)
        film = (self.size_um / 4 / pitch, self.size_um / 2 / pitch)
        # The film's power spectrum, 1 at zero frequency, through the aperture: the integral of |G|^2 |A|^2 over
        # frequency, A the disc taken as the Gaussian of the same power (sigma = d / 4). Pixel and lens come after it.
        aperture = _APERTURE_UM / 4 / pitch
        seen = sum(
            wi * wj / (4 * math.pi * (aperture**2 + (si * si + sj * sj) / 2))
            for si, wi in zip(film, weights, strict=True)
            for sj, wj in zip(film, weights, strict=True)
        )
        return math.sqrt(gaussian_mixture_power(sigmas, weights) / seen)
