"""A picture with room for the surroundings that a blur brought in, and convolution with a PSF inverted on it.

Planes are (C, height, width), of a size that transforms well, worked in single precision unless the picture's range
asks for double. Transforms are SciPy's: they keep single precision and take a third of the time of NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from wetgate.ops.blur import Kernel, reflect_pad
from wetgate.spec import Image

Mask = NDArray[np.bool_]
Planes = NDArray[np.float32]  # (C, height, width) of the canvas
Spectrum = NDArray[Any]  # half-plane transform

_SURROUNDINGS = 24  # px of them that are cleaned as well
_MARGIN = 8  # px beyond the PSF's reach that the unknown surroundings get


def transfer(psf: Kernel, shape: tuple[int, int]) -> Spectrum:
    """The half-plane transform of a centred PSF on a canvas, double precision."""
    kernel = np.zeros(shape, np.float64)
    height, width = psf.shape
    kernel[:height, :width] = psf
    return np.asarray(fft.rfft2(np.roll(kernel, (-(height // 2), -(width // 2)), (0, 1))))


class Canvas:
    """For pictures of one size that one PSF blurred."""

    def __init__(self, size: tuple[int, int], psf: Kernel, double: bool = False, threads: int = 1) -> None:
        height, width = self._size = size
        self._top, self._left = psf.shape[0] // 2 + _MARGIN, psf.shape[1] // 2 + _MARGIN
        self.shape = (good_size(height + 2 * self._top), good_size(width + 2 * self._left))
        self._threads = threads
        self._kind: Any = np.float64 if double else np.float32
        self._k = transfer(psf, self.shape).astype(np.complex128 if double else np.complex64)
        self._mirrored = np.conj(self._k)
        self._k2 = np.square(self._k.real) + np.square(self._k.imag)

    @property
    def cleaned(self) -> tuple[slice, slice]:
        """The part that is worth cleaning: the picture and surroundings that hold much of what was blurred into it."""
        y, x = (min(n, _MARGIN + _SURROUNDINGS) for n in (self._top, self._left))
        rows = slice(self._top - y, self._top + self._size[0] + y)
        return rows, slice(self._left - x, self._left + self._size[1] + x)

    def extended(self, image: Image) -> Planes:
        """(H, W, C) on the canvas, surroundings reflected and, opposite, meeting."""
        height, width = self._size
        below, right = self.shape[0] - height - self._top, self.shape[1] - width - self._left
        most_y, most_x = max(self._top, below), max(self._left, right)
        padded = reflect_pad(image, most_y, most_x)
        y0, x0 = most_y - self._top, most_x - self._left
        cut = padded[y0 : y0 + self.shape[0], x0 : x0 + self.shape[1]]
        return np.ascontiguousarray(cut.transpose(2, 0, 1))

    def inside(self, mask: Mask) -> Mask:
        """(H, W, C) on the canvas, false about it."""
        out = np.zeros((mask.shape[2], *self.shape), np.bool_)
        out[:, self._rows, self._columns] = mask.transpose(2, 0, 1)
        return out

    def cut(self, planes: Planes) -> Image:
        """The picture's part as (H, W, C)."""
        return np.ascontiguousarray(planes[:, self._rows, self._columns].transpose(1, 2, 0), np.float32)

    def blurred(self, planes: Planes) -> Planes:
        def one(c: int) -> Image:
            return np.asarray(self._image(self._k * self._spectrum(planes[c])), np.float32)

        return self._each(one, len(planes))

    def solved(
        self, y: Planes, z: Planes, known: Mask, a: float, ease: Image | None, steps: int, tolerance: float
    ) -> Planes:
        """The x that blurs to y where y is known and stays near z, plane by plane.

        (K' M K + A) (x - z) = K' M (y - K z) by conjugate gradients, M the mask and A = a, times ``ease`` (height,
        width) where it is given. Without either the preconditioner |K|^2 + a is the system itself, and one step ends
        it. They end after ``steps``, or once the norm of the residual is ``tolerance`` of what it was.
        """
        inverse = 1 / (self._k2 + self._kind(a))
        less = None if ease is None else (self._kind(a) * (ease - 1)).astype(self._kind)

        def one(c: int) -> Image:
            mask = known[c]
            left = y[c] - self._image(self._k * self._spectrum(z[c]))
            left *= mask
            rest = self._mirrored * self._spectrum(left)
            along = inverse * rest
            change = np.zeros_like(along)
            first = gain = self._dot(rest, along)
            for _ in range(steps):
                if gain <= tolerance**2 * first or gain <= 0:
                    break
                seen = self._image(self._k * along)
                seen *= mask
                image = self._mirrored * self._spectrum(seen)
                image += self._kind(a) * along
                if less is not None:
                    image += self._spectrum(less * self._image(along.copy()))
                length = self._kind(gain / self._dot(along, image))
                change += length * along
                rest -= length * image
                better = inverse * rest
                before, gain = gain, self._dot(rest, better)
                along *= self._kind(gain / before)
                along += better
            return np.asarray(z[c] + self._image(change), np.float32)

        return self._each(one, len(y))

    def _spectrum(self, image: Image) -> Spectrum:
        return np.asarray(fft.rfft2(image.astype(self._kind, copy=False)))

    def _image(self, spectrum: Spectrum) -> NDArray[Any]:
        """Of a spectrum that is not needed afterwards."""
        return np.asarray(fft.irfft2(spectrum, self.shape, overwrite_x=True))

    @property
    def _rows(self) -> slice:
        return slice(self._top, self._top + self._size[0])

    @property
    def _columns(self) -> slice:
        return slice(self._left, self._left + self._size[1])

    def _dot(self, a: Spectrum, b: Spectrum) -> float:
        """Inner product of two images by their half-plane transforms.

        Summed by einsum, in one order whatever the threads, which BLAS does not promise.
        """
        total = 2 * float(np.einsum("i,i->", a.view(self._kind).ravel(), b.view(self._kind).ravel()))
        for column in (0, -1) if self.shape[1] % 2 == 0 else (0,):
            once = a[:, column], b[:, column]
            total -= float(np.sum(once[0].real * once[1].real + once[0].imag * once[1].imag, dtype=np.float64))
        return total

    def _each(self, one: Callable[[int], Image], count: int) -> Planes:
        if self._threads <= 1:
            planes: Sequence[Image] = [one(c) for c in range(count)]
        else:
            with ThreadPoolExecutor(min(self._threads, count), thread_name_prefix="channel") as pool:
                planes = list(pool.map(one, range(count)))
        return np.stack(planes)


def good_size(size: int) -> int:
    """The least size from ``size`` up that transforms of real images are quick at."""
    return int(fft.next_fast_len(size, real=True))
