"""What an electronic camera does: photon and read noise, the colour mosaic, row and column patterns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wetgate.damage.model import Damaged, Place, damage
from wetgate.ops.random import Stream
from wetgate.spec import Frame, Image, param


@damage(id="sensor", label="Sensor noise", space="scene", version=1)
class Sensor:
    """Poisson-Gaussian noise of a sensor: photons are counted, and reading the count adds noise.

    N = Poisson(L g full_well) with g the channel's white-balance share, then + Normal(0, read), and back: L' = N /
    (g full_well); variance L / (g full_well) + (read / (g full_well))^2 (A. Foi et al., Practical
    Poissonian-Gaussian noise modeling, IEEE TIP 17(10), 2008). Counts below 30 are drawn from the exact
    distribution, above from a normal with its skewness corrected to first order (Cornish-Fisher); both rounded to
    whole electrons. Negative light holds no photons: it is kept and gets read noise alone. Nothing saturates here;
    ``clip`` does that. Truth: ``variance`` (H, W, 3).
    """

    full_well: float = param(
        2000.0, lo=20, hi=2e5, soft=(100, 2e4), unit="e", hint="Electrons at a value of 1: lower is a higher ISO."
    )
    read: float = param(3.0, lo=0, hi=200, unit="e", hint="Read noise, standard deviation.")
    red: float = param(0.5, lo=0.05, hi=1, hint="Share of the light that red photosites get before white balance.")
    blue: float = param(0.6, lo=0.05, hi=1, hint="Share of the light that blue photosites get before white balance.")

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place, n = Place.of(frame), frame.number
        wells = np.float32(self.full_well) * np.array([self.red, 1.0, self.blue], np.float32)
        electrons = frame.rgb * wells
        mean = np.maximum(electrons, np.float32(0))
        size = (n, place.height, place.width, 3)
        counted = _poisson(mean, random.child("photons"), size, place)
        read = random.child("read").normal(*size, x=place.x, y=place.y) * np.float32(self.read)
        noisy = (counted + (electrons - mean) + read) / wells
        return Damaged(frame.with_rgb(noisy), {"variance": mean / wells**2 + (np.float32(self.read) / wells) ** 2})


@damage(id="mosaic", label="Colour mosaic", space="scene", version=1)
class Mosaic:
    """A Bayer mosaic, interpolated: two of three values at each pixel are made from neighbours.

    Put after ``sensor``, it correlates its noise in space and between channels as cameras do; it also zips edges
    and makes false colour. RGGB from the display window's corner. Interpolation: bilinear, or the 5x5 linear
    filters of H. S. Malvar, L. He and R. Cutler, High-quality linear interpolation for demosaicing of
    Bayer-patterned color images, ICASSP 2004, fig. 2. Edges are mirrored by whole pixels, which keeps the mosaic's
    phase. Linear, values unbounded.
    """

    method: str = param(
        "malvar",
        choices={"bilinear": "Bilinear", "malvar": "Malvar-He-Cutler"},
        hint="How the missing values are interpolated.",
    )

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place = Place.of(frame)
        return Damaged(frame.with_rgb(demosaiced(frame.rgb, self.method, place.x, place.y)))


@damage(id="pattern", label="Row and column noise", space="scene", version=1)
class Pattern:
    """Fixed-pattern noise of the read-out: columns that stay, rows that change with every frame.

    L' = (L + c(x) column + r(y, frame) row) (1 + p(x, y) response) with c, r, p standard normal: column offsets and
    pixel response are of the sensor, row offsets of the moment (EMVA Standard 1288 has the split into DSNU, PRNU
    and row and column parts). Shared by the channels by ``shared``. Truth: ``row`` (H, 3), ``column`` (W, 3).
    """

    row: float = param(0.001, lo=0, hi=0.2, soft=(0, 0.02), hint="Standard deviation of row offsets, new each frame.")
    column: float = param(0.001, lo=0, hi=0.2, soft=(0, 0.02), hint="Standard deviation of column offsets, which stay.")
    response: float = param(
        0.0, lo=0, hi=0.2, soft=(0, 0.02), hint="Standard deviation of the pixels' gain, which stays."
    )
    shared: float = param(0.7, lo=0, hi=1, hint="Correlation of the offsets between the channels.")

    def neutral(self) -> bool:
        return not (self.row or self.column or self.response)

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        place = Place.of(frame)
        rows = self._offsets(random.child("row").normal(frame.number, place.height, 1, 4, y=place.y)[:, 0], self.row)
        columns = self._offsets(random.child("column").normal(0, 1, place.width, 4, x=place.x)[0], self.column)
        rgb = frame.rgb + rows[:, None, :] + columns[None, :, :]
        if self.response:
            gain = random.child("response").normal(0, place.height, place.width, 3, x=place.x, y=place.y)
            rgb = rgb * (1 + np.float32(self.response) * gain)
        return Damaged(frame.with_rgb(rgb), {"row": rows, "column": columns})

    def _offsets(self, drawn: Image, size: float) -> Image:
        """(N, 3) offsets of (N, 4) draws, the last of them shared by the channels."""
        own, common = np.float32(np.sqrt(1 - self.shared)), np.float32(np.sqrt(self.shared))
        return np.float32(size) * (own * drawn[:, :3] + common * drawn[:, 3:])


def demosaiced(rgb: Image, method: str, x: int = 0, y: int = 0) -> Image:
    """``rgb`` (H, W, 3) seen through an RGGB mosaic whose phase is that of pixel (x, y), and interpolated."""
    height, width = rgb.shape[:2]
    pad = 2
    # Mirrored by whole samples (d c b | a b c d): colours of the mosaic keep their places.
    padded = rgb[_mirrored(height, pad)][:, _mirrored(width, pad)]
    odd_x = (x - pad + np.arange(width + 2 * pad)) % 2
    odd_y = (y - pad + np.arange(height + 2 * pad)) % 2
    red = (odd_y == 0)[:, None] & (odd_x == 0)[None, :]
    blue = (odd_y == 1)[:, None] & (odd_x == 1)[None, :]
    raw = np.where(red, padded[..., 0], np.where(blue, padded[..., 2], padded[..., 1]))
    red, blue = red[pad:-pad, pad:-pad], blue[pad:-pad, pad:-pad]
    red_row = np.broadcast_to((odd_y == 0)[pad:-pad, None], red.shape)
    views = {
        (j, i): raw[pad + j : pad + j + height, pad + i : pad + i + width] for j in range(-2, 3) for i in range(-2, 3)
    }
    centre = views[0, 0]
    cross = views[0, 1] + views[0, -1] + views[1, 0] + views[-1, 0]
    corners = views[1, 1] + views[1, -1] + views[-1, 1] + views[-1, -1]
    sides, above = views[0, 1] + views[0, -1], views[1, 0] + views[-1, 0]
    if method == "bilinear":
        green_at, row_at, column_at, other_at = cross / 4, sides / 2, above / 2, corners / 4
    else:
        far_x, far_y = views[0, 2] + views[0, -2], views[2, 0] + views[-2, 0]
        green_at = (4 * centre + 2 * cross - far_x - far_y) / 8
        row_at = (10 * centre + 8 * sides - 2 * corners - 2 * far_x + far_y) / 16
        column_at = (10 * centre + 8 * above - 2 * corners - 2 * far_y + far_x) / 16
        other_at = (12 * centre + 4 * corners - 3 * (far_x + far_y)) / 16
    green = ~(red | blue)
    out = np.empty((height, width, 3), np.float32)
    out[..., 1] = np.where(green, centre, green_at)
    # At a green pixel of a red row the reds lie left and right, the blues above and below.
    out[..., 0] = np.where(red, centre, np.where(blue, other_at, np.where(red_row, row_at, column_at)))
    out[..., 2] = np.where(blue, centre, np.where(red, other_at, np.where(red_row, column_at, row_at)))
    return out


def _mirrored(size: int, pad: int) -> NDArray[np.intp]:
    if size == 1:
        return np.zeros(1 + 2 * pad, np.intp)
    index = np.abs(np.arange(-pad, size + pad)) % (2 * (size - 1))
    return np.where(index < size, index, 2 * (size - 1) - index)


def _poisson(mean: Image, random: Stream, size: tuple[int, int, int, int], place: Place) -> Image:
    z = random.normal(*size, x=place.x, y=place.y)
    # Cornish-Fisher: the skewness of a Poisson variable is mean^-1/2, so mean + sqrt(mean) z + (z^2 - 1) / 6.
    drawn = np.rint(mean + np.sqrt(mean) * z + (z * z - 1) * np.float32(1 / 6))
    few = mean < 30
    if few.any():
        u = random.child("few").uniform(*size, x=place.x, y=place.y)[few].astype(np.float64)
        drawn[few] = _few(mean[few].astype(np.float64), u)
    return np.maximum(drawn, np.float32(0)).astype(np.float32)


def _few(mean: NDArray[np.float64], u: NDArray[np.float64]) -> Image:
    """Poisson counts of small means by walking the cumulative distribution; 80 is nine deviations above 30."""
    term = np.exp(-mean)
    total, count = term.copy(), np.zeros_like(mean)
    for k in range(1, 80):
        beyond = u > total
        if not beyond.any():
            break
        count[beyond] = k
        term = term * mean / k
        total += term
    return count.astype(np.float32)
