"""What a lens does: defocus, softness, motion, camera shake, diffraction. Convolutions of linear light."""

from __future__ import annotations

import numpy as np

from wetgate.damage.model import Damaged, damage, spatially
from wetgate.ops.blur import (
    Kernel,
    airy,
    convolve,
    convolve_separable,
    disc,
    gaussian,
    gaussian_taps,
    motion,
    trajectory,
)
from wetgate.ops.random import Stream
from wetgate.spec import Frame, param


@damage(id="defocus", label="Defocus", space="scene", version=1)
class Defocus:
    """A lens out of focus: convolution with an antialiased disc, the geometric image of a round aperture.

    Linear light, edges reflected (half-sample); highlights keep their values, so that bokeh stays bright. Truth:
    ``psf``. Source: J. W. Goodman, Introduction to Fourier Optics, 3rd ed., 6.4, in the limit of large defocus.
    """

    radius: float = param(2.0, lo=0, hi=40, soft=(0, 8), unit="px", hint="Radius of the disc.")

    def neutral(self) -> bool:
        return self.radius == 0

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        return _blurred(frame, disc(self.radius))


@damage(id="soften", label="Gaussian softness", space="scene", version=1)
class Soften:
    """A soft lens or print: convolution with a Gaussian, what many small blurs in a row come to.

    Taps are the Gaussian integrated over each pixel, cut at 4 sigma. Linear light, edges reflected (half-sample).
    Truth: ``psf``.
    """

    sigma: float = param(1.0, lo=0, hi=40, soft=(0, 5), unit="px", hint="Standard deviation of the Gaussian.")

    def neutral(self) -> bool:
        return self.sigma == 0

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        taps = gaussian_taps(self.sigma)
        blurred = spatially(frame, lambda rgb: convolve_separable(rgb, taps, taps))
        return Damaged(frame.with_rgb(blurred), {"psf": gaussian(self.sigma)})


@damage(id="motion", label="Motion blur", space="scene", version=1)
class Motion:
    """The camera moves during the exposure: convolution with a straight or bent line of even light.

    Linear light, edges reflected (half-sample). ``spread`` draws another length and angle for each frame. Truth:
    ``psf``, ``length``, ``angle``.
    """

    length: float = param(12.0, lo=0, hi=200, soft=(0, 40), unit="px", hint="How far the picture moves.")
    angle: float = param(0.0, lo=-180, hi=180, unit="degrees", hint="Direction, counter-clockwise from the right.")
    curve: float = param(0.0, lo=-1, hi=1, hint="Bend of the path: its sagitta as a share of its length.")
    spread: float = param(0.0, lo=0, hi=1, hint="How much length (share) and angle (times 90 degrees) vary by frame.")

    def neutral(self) -> bool:
        return self.length == 0

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        g = random.normals(frame.number, 1, 2)[0] * self.spread
        length, angle = self.length * float(np.exp(g[0])), self.angle + 90.0 * float(g[1])
        blurred = _blurred(frame, motion(length, angle, self.curve))
        return Damaged(blurred.frame, {**blurred.truth, "length": length, "angle": angle})


@damage(id="shake", label="Camera shake", space="scene", version=1)
class Shake:
    """A hand-held exposure: convolution with a random path, a particle with inertia pulled back to its start.

    Velocity is a damped random walk with sudden jerks (after G. Boracchi and A. Foi, Modeling the performance of
    image restoration from motion blur, IEEE TIP 21(8), 2012, sec. III); the path is scaled to an rms radius of
    ``size`` / 4 and centred on its mean. One path for the shot, or a new one each frame. Linear light. Truth:
    ``psf``.
    """

    size: float = param(12.0, lo=0, hi=120, soft=(0, 40), unit="px", hint="Extent of the path.")
    jerk: float = param(0.3, lo=0, hi=1, hint="How abrupt the path is.")
    every_frame: bool = param(False, hint="Whether each frame has its own path.")

    def neutral(self) -> bool:
        return self.size == 0

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        return _blurred(frame, self.psf(random, frame.number if self.every_frame else 0))

    def psf(self, random: Stream, draw: int) -> Kernel:
        """The PSF of the ``draw``-th path."""
        count = 1500
        g, u = random.normals(draw, count, 2), random.child("jerk").uniforms(draw, count, 2)
        position, velocity = np.zeros(2), random.child("start").normals(draw, 1, 2)[0]
        path = np.empty((count, 2))
        for i in range(count):
            velocity = 0.994 * velocity + 0.06 * g[i] - 0.0004 * position
            if u[i, 0] < self.jerk * 0.006:
                turn = 2 * np.pi * u[i, 1]
                velocity = velocity + 1.5 * np.array([np.cos(turn), np.sin(turn)]) * np.hypot(*velocity)
            position = position + velocity
            path[i] = position
        path -= path.mean(axis=0)
        path *= self.size / 4 / np.sqrt((path**2).sum(axis=1).mean())
        return trajectory(path[:, 0], path[:, 1])


@damage(id="diffraction", label="Lens diffraction", space="scene", version=1)
class Diffraction:
    """A lens stopped down: convolution with the Airy pattern of each channel's wavelength.

    First zero at 1.22 wavelength f_number / pixel pitch (M. Born and E. Wolf, Principles of Optics, 7th ed.,
    8.5.2); red, green and blue are taken at 610, 540 and 460 nm. Linear light, edges reflected (half-sample).
    Truth: ``psf`` (h, w, 3).
    """

    f_number: float = param(16.0, lo=0.7, hi=128, soft=(4, 45), hint="Aperture number of the lens.")
    pixel_um: float = param(5.0, lo=0.5, hi=50, unit="um", hint="Pitch of the sensor's pixels.")

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        psfs = [airy(1.22 * nm * 1e-3 * self.f_number / self.pixel_um) for nm in (610.0, 540.0, 460.0)]
        blurred = spatially(
            frame, lambda rgb: np.stack([convolve(rgb[..., k], psf) for k, psf in enumerate(psfs)], axis=-1)
        )
        largest = max(psf.shape[0] for psf in psfs)
        together = [np.pad(psf, (largest - psf.shape[0]) // 2) for psf in psfs]
        return Damaged(frame.with_rgb(blurred), {"psf": np.stack(together, axis=-1)})


def _blurred(frame: Frame, psf: Kernel) -> Damaged:
    return Damaged(frame.with_rgb(spatially(frame, lambda rgb: convolve(rgb, psf))), {"psf": psf})
