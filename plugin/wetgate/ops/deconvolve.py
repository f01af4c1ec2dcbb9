"""Deconvolution with a known PSF and a denoiser as prior: what the blur left is kept, what it took is the prior's.

Half-quadratic splitting (K. Zhang et al., "Plug-and-play image restoration with deep denoiser prior", IEEE TPAMI
44(10), 2022, eq. 6) of

    sum over valid pixels of ((y - k * x) / n)^2 + prior(x)

with y the picture, k the PSF, n the deviation of its noise, in the light that was blurred. Each round solves

    x = argmin |y - k * x|^2 + a |x - z|^2,   a = LAMBDA (n / s)^2        (in the Fourier domain)
    z = denoised x, taking its noise for s

with s falling from a tenth of white to n. s and n vary over the picture together, so a is one number and the first step
stays a division, whatever the law of the noise. Only about highlights far above white s starts as much higher: there
ringing would be as much stronger too.

Pixels that are not known, beyond the frame, clipped or masked, have no part in the first term, so that nothing wraps
around and no border is believed (unknown boundaries: M. Almeida and M. Figueiredo, IEEE TIP 22(8), 2013). x is then
found by conjugate gradients, which the division preconditions. That a clipped value is a lower limit is not used:
counting it where the estimate is darker measured worse than leaving it out, since it holds the estimate at the limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import Kernel, reflect_pad
from wetgate.ops.halo_limit import light_limits
from wetgate.ops.noise_model import top_of
from wetgate.spec import Image

Mask = NDArray[np.bool_]
Denoiser = Callable[[Image, Image], Image]  # (picture, deviation of its noise at every value) -> picture

LAMBDA = 0.23  # of Zhang et al., sec. 4.2; 0.1 and 0.5 measured worse here as well
START = 0.1  # first s, as a share of white: 0.19, their choice for code values, measured 0.2 to 0.8 dB worse in light
LEAST = 2e-3  # of white: noise is not taken to be weaker, since the network has seen none that is
# Within how much of the noise a re-blurred result has to give the picture again.
CONSISTENT = (0.95, 1.05)
_SPARE = 0.01
_BULK, _TIMES_BULK = 80.0, 4.0  # percentile of the light that is no lamp, and how far above it white may lie
_LEAST_WHITE = 1e-3
_SURROUNDINGS = 24  # px of them that are cleaned as well
_MARGIN = 8  # px beyond the PSF's reach that the unknown surroundings get
_EXACT_SINGLE = 2e5  # peak over noise from which single precision of the transforms would show


@dataclass(frozen=True, slots=True)
class Schedule:
    """``fall``: s of a round over s of the one before. Conjugate gradients of a round end after ``steps``, or once the
    norm of their residual is ``tolerance`` of what it was."""

    fall: float
    steps: int
    tolerance: float


FAST = Schedule(0.4, 8, 0.05)
FINE = Schedule(0.6, 24, 0.005)


@dataclass(frozen=True, slots=True)
class Deconvolved:
    """``picture`` (H, W, C); ``reblurred``, k * picture; ``ratio``, the rms of (y - reblurred) / n over valid pixels:
    1 where the two differ by the noise; ``rounds`` of the solver."""

    picture: Image
    reblurred: Image
    ratio: float
    rounds: int


def deconvolve(
    picture: Image,
    psf: Kernel,
    deviation: Image,
    denoise: Denoiser,
    *,
    white: float = 1.0,
    valid: Mask | None = None,
    clipped: Mask | None = None,
    overshoot: float = math.inf,
    schedule: Schedule = FINE,
    threads: int = 1,
    check_abort: Callable[[], None] = lambda: None,
) -> Deconvolved:
    """Undo ``psf`` (odd-sized, sum 1) in ``picture`` (H, W, C), linear light, unbounded.

    ``deviation`` (H, W, C) of the picture's noise; ``white`` the level that the denoiser takes for white. ``valid`` and
    ``clipped`` (H, W, C): where values are known, and where they are at a limit and not. The result strays from the
    range of the picture within the PSF's reach by at most ``overshoot`` times that range, and never below 0 where the
    picture does not, beyond its noise.
    """
    floor = np.float32(LEAST * white)
    noise = np.maximum(deviation, floor).astype(np.float32)
    typical = float(np.median(noise))
    psf = _within(psf, max(picture.shape[:2]))
    canvas = _Canvas(picture, psf, float(np.abs(picture).max()) > _EXACT_SINGLE * float(noise.min()), threads)
    y = canvas.extended(picture)
    relative = canvas.extended(noise / np.float32(typical))
    known = canvas.inside(np.ones(picture.shape, np.bool_) if valid is None else valid)
    if clipped is not None and clipped.any():
        known &= ~canvas.inside(clipped)
    least, most = light_limits(picture, noise, (psf.shape[0] + 2, psf.shape[1] + 2), overshoot, clipped)
    least, most = canvas.extended(least), canvas.extended(most)

    bright = canvas.extended(_brightness(picture, psf, white))
    lifts = float(bright.max()) > 1
    rounds = falling(max(START * white * math.sqrt(float(bright.max())), typical), typical, schedule.fall)
    rounds = [float(s) for s in np.geomspace(max(START * white, typical), typical, len(rounds))]
    local = relative * np.float32(typical)
    cleaned = canvas.cleaned
    z = x = y
    for i, s in enumerate(rounds):
        check_abort()
        lift = bright ** np.float32(1 - i / (len(rounds) - 1))
        x = canvas.solved(y, z, known, LAMBDA * (typical / s) ** 2, np.square(1 / lift) if lifts else None, schedule)
        z = y.copy()
        deviation = relative * (np.float32(s) * lift)
        z[cleaned] = np.clip(denoise(_packed(x[cleaned]), _packed(deviation[cleaned])), least[cleaned], most[cleaned])
    check_abort()
    again = canvas.blurred(z)
    left = ((y - again) / local)[known]
    found = math.sqrt(float(np.mean(np.square(left, dtype=np.float64)))) if left.size else 1.0
    if not CONSISTENT[0] + _SPARE < found < CONSISTENT[1] - _SPARE:
        # Too far from the picture: some of x, which lies nearer. Too near, noise among it: some of a smoother one.
        wanted = CONSISTENT[1] - _SPARE if found > 1 else CONSISTENT[0] + _SPARE
        other = x if found > 1 else z.copy()
        if found < 1:
            other[cleaned] = denoise(_packed(z[cleaned]), _packed(local[cleaned]))
        other = np.clip(other, least, most)
        step = canvas.blurred(other) - again
        share = np.float32(_share(left, (step / local)[known], wanted))
        z, again = z + share * (other - z), again + share * step
    out, reblurred = canvas.cut(z), canvas.cut(again)
    return Deconvolved(out, reblurred, residual_ratio(picture, reblurred, noise, valid, clipped), len(rounds))


def falling(first: float, last: float, fall: float) -> list[float]:
    """Levels from ``first`` to ``last``, evenly in their logarithm, none falling faster than ``fall``."""
    steps = math.ceil(math.log(max(first / last, 1.0)) / -math.log(fall) - 1e-9)
    return [float(s) for s in np.geomspace(first, last, steps + 1)] if steps else [last, last]


def _within(psf: Kernel, side: int) -> Kernel:
    """A PSF cut to reach no farther than ``side`` px: what lies beyond a small picture is unknown in any case."""
    y, x = (max(0, n // 2 - side) for n in psf.shape)
    cut = psf[y : psf.shape[0] - y, x : psf.shape[1] - x]
    return np.asarray(cut / cut.sum(), np.float32)


def _packed(image: Image) -> Image:
    return np.ascontiguousarray(image, np.float32)


def white_of(picture: Image) -> float:
    """The level that a denoiser is to take for white: that of the shot, or less where a lamp alone makes it."""
    bulk = float(np.percentile(picture[::2, ::2].max(axis=2), _BULK))
    return max(_LEAST_WHITE, min(top_of(picture), _TIMES_BULK * bulk))


def residual_ratio(
    picture: Image, reblurred: Image, noise: Image, valid: Mask | None = None, clipped: Mask | None = None
) -> float:
    """Rms of (picture - reblurred) / noise over the values that are known."""
    off = np.square((picture - reblurred) / noise, dtype=np.float64)
    counted = np.ones(off.shape, np.bool_) if valid is None else valid
    if clipped is not None:
        counted = counted & ~clipped
    return math.sqrt(float(off[counted].mean())) if counted.any() else 0.0


def transfer(psf: Kernel, shape: tuple[int, int]) -> NDArray[Any]:
    """The half-plane transform of a centred PSF on a canvas, double precision."""
    kernel = np.zeros(shape, np.float64)
    height, width = psf.shape
    kernel[:height, :width] = psf
    return np.fft.rfft2(np.roll(kernel, (-(height // 2), -(width // 2)), (0, 1)))


class _Canvas:
    """The picture with room for the surroundings that the blur brought in, channels first, of a size that transforms
    well."""

    def __init__(self, picture: Image, psf: Kernel, double: bool, threads: int) -> None:
        height, width = picture.shape[:2]
        self._top, self._left = psf.shape[0] // 2 + _MARGIN, psf.shape[1] // 2 + _MARGIN
        self._size = (height, width)
        self.shape = (_fast(height + 2 * self._top), _fast(width + 2 * self._left))
        self._threads = threads
        self._kind = np.float64 if double else np.float32
        full = transfer(psf, self.shape)
        self._k = full if double else full.astype(np.complex64)
        self._k2 = np.square(np.abs(self._k))

    @property
    def cleaned(self) -> tuple[slice, slice]:
        """The part that is worth cleaning: the picture and surroundings that hold much of what was blurred into it."""
        y, x = (min(n, _MARGIN + _SURROUNDINGS) for n in (self._top, self._left))
        rows = slice(self._top - y, self._top + self._size[0] + y)
        return rows, slice(self._left - x, self._left + self._size[1] + x)

    def extended(self, image: Image) -> Image:
        """(H, W, C) on the canvas, surroundings reflected and, opposite, meeting."""
        height, width = self._size
        below, right = self.shape[0] - height - self._top, self.shape[1] - width - self._left
        most_y, most_x = max(self._top, below), max(self._left, right)
        padded = reflect_pad(image, most_y, most_x)
        y0, x0 = most_y - self._top, most_x - self._left
        return np.ascontiguousarray(padded[y0 : y0 + self.shape[0], x0 : x0 + self.shape[1]])

    def inside(self, mask: Mask) -> Mask:
        out = np.zeros((*self.shape, mask.shape[2]), np.bool_)
        out[self._rows, self._columns] = mask
        return out

    def cut(self, image: Image) -> Image:
        return np.ascontiguousarray(image[self._rows, self._columns], np.float32)

    @property
    def _rows(self) -> slice:
        return slice(self._top, self._top + self._size[0])

    @property
    def _columns(self) -> slice:
        return slice(self._left, self._left + self._size[1])

    def solved(self, y: Image, z: Image, known: Mask, a: float, ease: Image | None, schedule: Schedule) -> Image:
        """The x that blurs to y where y is known and stays near z, channel by channel.

        (K' M K + A) (x - z) = K' M (y - K z) by conjugate gradients, M the mask and A = a, times ``ease`` (H, W, 1)
        where it is given. Without either the preconditioner |K|^2 + a is the system itself, and one step ends it.
        """

        def one(c: int) -> Image:
            spectrum = np.fft.rfft2(z[..., c].astype(self._kind))
            left = y[..., c].astype(self._kind) - self._blurred(spectrum)
            mask = known[..., c]
            less = None if ease is None else self._kind(a) * (ease[..., 0] - 1)
            inverse = 1 / (self._k2 + self._kind(a))
            rest = self._back(np.where(mask, left, 0))
            change = np.zeros_like(rest)
            along = better = inverse * rest
            first = gain = self._dot(rest, better)
            for _ in range(schedule.steps):
                if gain <= schedule.tolerance**2 * first or gain <= 0:
                    break
                image = self._back(np.where(mask, self._blurred(along), 0)) + self._kind(a) * along
                if less is not None:
                    image = image + np.fft.rfft2(less * np.fft.irfft2(along, self.shape))
                length = self._kind(gain / self._dot(along, image))
                change = change + length * along
                rest = rest - length * image
                better = inverse * rest
                before, gain = gain, self._dot(rest, better)
                along = better + self._kind(gain / before) * along
            return np.asarray(z[..., c] + np.fft.irfft2(change, self.shape), np.float32)

        return self._each(one, y.shape[2])

    def blurred(self, z: Image) -> Image:
        def one(c: int) -> Image:
            return np.asarray(self._blurred(np.fft.rfft2(z[..., c].astype(self._kind))), np.float32)

        return self._each(one, z.shape[2])

    def _blurred(self, spectrum: NDArray[Any]) -> NDArray[Any]:
        return np.fft.irfft2(self._k * spectrum, self.shape)

    def _back(self, image: NDArray[Any]) -> NDArray[Any]:
        """The transform of an image blurred by the mirrored PSF."""
        return np.asarray(np.conj(self._k) * np.fft.rfft2(image.astype(self._kind)))

    def _dot(self, a: NDArray[Any], b: NDArray[Any]) -> float:
        """Inner product of two images by their half-plane transforms."""
        rows = np.einsum("ij,ij->j", a.real, b.real, dtype=np.float64)
        rows += np.einsum("ij,ij->j", a.imag, b.imag, dtype=np.float64)
        last = rows[-1] if self.shape[1] % 2 == 0 else 0.0
        return float(2 * rows.sum() - rows[0] - last)

    def _each(self, one: Callable[[int], Image], count: int) -> Image:
        if self._threads <= 1:
            planes: Sequence[Image] = [one(c) for c in range(count)]
        else:
            with ThreadPoolExecutor(min(self._threads, count), thread_name_prefix="channel") as pool:
                planes = list(pool.map(one, range(count)))
        return np.ascontiguousarray(np.stack(planes, axis=2))


def _brightness(picture: Image, psf: Kernel, white: float) -> Image:
    """How many times white the light within the PSF's reach is, (H, W, 1), at least 1."""
    size = (psf.shape[1] + 4, psf.shape[0] + 4)
    most = cv2.dilate(picture.max(axis=2), np.ones(size[::-1], np.uint8))
    times = np.maximum(most / np.float32(2 * white), 1)
    return np.asarray(np.exp(cv2.blur(np.log(times), size)), np.float32)[..., None]


def _share(left: Image, step: Image, wanted: float) -> float:
    """The least t of 0 to 1 with the rms of left - t step nearest to ``wanted``."""
    from_it, by_step = left.astype(np.float64), step.astype(np.float64)
    aa, bb = float(by_step @ by_step), float(from_it @ by_step)
    cc = float(from_it @ from_it) - wanted**2 * len(from_it)
    if aa <= 0:
        return 0.0
    root = math.sqrt(max(bb * bb - aa * cc, 0.0))
    t = (bb - root) / aa if cc > 0 else (bb + root) / aa
    return min(max(t, 0.0), 1.0)


def _fast(size: int) -> int:
    return int(cv2.getOptimalDFTSize(size))
