"""Fading of colour film: each dye by itself, spectrally, unevenly over the frame."""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np

from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.damage.dyes import Scanner, Spectrum, Stock, amounts_of, decayed, scan, stain_spectrum, stocks
from wetgate.damage.model import Damaged, Place, damage
from wetgate.ops.noise import cosine_field
from wetgate.ops.random import Stream
from wetgate.spec import Frame, Image, param

# Rate constants of cyan, magenta, yellow relative to the fastest. The order is established (H. Wilhelm and C.
# Brower, The Permanence and Care of Color Photographs, 1993, ch. 5, 6 and 9; J. M. Reilly, Storage Guide for Color
# Photographic Materials, 1998): in the dark cyan goes first and magenta is the most stable, hence prints turned
# pink; under light magenta goes first. The ratios are ours, inside the spread of the tests published there, not
# data of one stock.
_RATES = {"dark": (1.0, 0.22, 0.5), "light": (0.35, 1.0, 0.55)}

# A negative holds the scene's logarithm at this gradient (Kodak, Cineon 10-bit log: 0.6), and scene light of 10^-2.5 of
# diffuse white is taken as its clear end.
_NEGATIVE_GAMMA = 0.6
_NEGATIVE_RANGE = 2.5


@damage(id="fade", label="Dye fade", space="density", version=1)
class Fade:
    """Loss of the dyes of a colour print or negative in storage or under light, per dye, spectrally, unevenly, with
    stain.

    The picture's scanner density is taken as that of the fresh film. The dye amounts c that would have scanned so
    are found on the stock's measured spectral densities, then each dye decays, and the film is scanned again: dc/dt
    = -k c^n, so c(t) = c exp(-k t) for n = 1 (first order). n is ``order``, the loss is stated at c = 1, a dye's
    density of 1 at its peak. k t is scaled over the frame by 1 + ``uneven`` (a low-order random field) + ``edges``
    exp(-distance / 6 % of the width). ``stain`` adds a yellow-brown absorption, in density at 440 nm. Negatives are
    faded as negatives, the picture being their inversion at a gradient of 0.6; ``mask`` is the share of their
    orange mask that is gone. What comes out is D + scan(faded) - scan(fresh): with no fade, the input itself. A
    print is nowhere denser than ``black``; light that the picture lacks below it is carried over as light. There is
    no dye to lose above the base, so light beyond it is only stained. Truth: ``loss`` (cyan, magenta, yellow at the
    frame's mean), ``extent`` (the field k t is scaled by), ``stain``. Sources: Beer's law per wavelength; dyes:
    ``color/film_dyes.json``; rates: Wilhelm and Brower 1993, Reilly 1998.
    """

    cyan: float = param(0.0, lo=0, hi=0.98, hint="Share of the cyan dye that is lost, beside the kind and amount.")
    magenta: float = param(0.0, lo=0, hi=0.98, hint="Share of the magenta dye that is lost.")
    yellow: float = param(0.0, lo=0, hi=0.98, hint="Share of the yellow dye that is lost.")
    kind: str = param(
        "dark",
        choices={"dark": "Dark storage, cyan first", "light": "Light and projection, magenta first"},
        hint="Which dye goes first in the fade that amount sets.",
    )
    amount: float = param(
        0.0, lo=0, hi=0.98, hint="Share that the fastest dye has lost; the others follow by the kind."
    )
    stain: float = param(0.0, lo=0, hi=1, hint="Density of the yellow stain at 440 nm.", unit="D")
    mask: float = param(0.0, lo=0, hi=1, hint="Share of a negative's orange mask that is gone; prints have none.")
    order: float = param(
        1.0, lo=0.5, hi=1.5, hint="Order of the decay: below 1 thin densities lose more, above 1 dense ones."
    )
    uneven: float = param(0.0, lo=0, hi=1, hint="Strength of the slow change of the fade over the frame.")
    edges: float = param(0.0, lo=0, hi=2, hint="How much further the fade has gone at the left and right edges.")
    black: float = param(3.2, lo=1.5, hi=4.5, unit="D", hint="Density of the print's deepest black; nothing is denser.")
    timed: bool = param(False, hint="Whether the lab balanced it again, so that a mid grey of 0.18 stays where it was.")
    stock: str = param(
        "5383",
        choices={name: s.name for name, s in stocks().items()},
        hint="The film whose dyes fade.",
    )
    scanner: str = param(
        "broad",
        choices={"narrow": "Diodes, 22 nm", "broad": "Filters, 60 nm"},
        hint="How wide the scanner's bands are; wide ones see side absorptions and bend the densities more.",
    )

    def neutral(self) -> bool:
        return not (self.cyan or self.magenta or self.yellow or self.amount or self.stain or self.mask)

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        stock = stocks()[self.stock]
        scanner = cast(Scanner, self.scanner)
        extent = self._extent(Place.of(frame), random)
        fresh = frame.rgb.reshape(-1, 3)
        on_print = stock.medium == "print"
        held = np.minimum(fresh, np.float32(self.black)) if on_print else fresh
        amounts = amounts_of(stock, scanner, _on_film(stock, held))
        change = self._change(stock, scanner, amounts, extent.ravel())
        if self.timed:
            change -= self._change(stock, scanner, self._grey(stock, scanner), np.ones(1, np.float32))
        if stock.medium == "negative":
            change = change / np.float32(-_NEGATIVE_GAMMA)
        aged = _below_black(fresh, held, held + change) if on_print else fresh + change
        aged = aged.reshape(frame.rgb.shape)
        truth = {"loss": self._loss().tolist(), "extent": extent, "stain": self.stain}
        return Damaged(frame.with_rgb(aged), truth)

    def _change(self, stock: Stock, scanner: Scanner, amounts: Image, extent: Image) -> Image:
        """What ageing adds to the scanner density (N, 3) of these amounts."""
        kept = decayed(amounts, self._loss(), extent, self.order)
        aged = self._scan_aged(stock, scanner, kept, np.float32(self.stain) * extent)
        return aged - scan(stock, scanner, amounts, None)

    def _grey(self, stock: Stock, scanner: Scanner) -> Image:
        return amounts_of(stock, scanner, _on_film(stock, np.full((1, 3), -np.log10(0.18), np.float32)))

    def _scan_aged(self, stock: Stock, scanner: Scanner, kept: Image, stain: Image) -> Image:
        mask_gone = self.mask * (_mask_spectrum(stock.id) if stock.medium == "negative" else 0.0)
        stained = scan(stock, scanner, kept, stain, stain_spectrum(stock.wavelengths_nm))
        if not np.any(mask_gone):
            return stained
        # The mask is uniform, so its loss shifts each band by what the base alone shows.
        clear = np.zeros((1, 3), np.float32)
        shift = scan(stock, scanner, clear, np.full(1, -1, np.float32), np.asarray(mask_gone))
        return stained + shift - scan(stock, scanner, clear, None)

    def _loss(self) -> Spectrum:
        """Share of cyan, magenta, yellow lost at c = 1 where the extent is 1."""
        own = np.array([self.cyan, self.magenta, self.yellow])
        kept = (1 - own) * (1 - self.amount) ** np.array(_RATES[self.kind])
        return np.asarray(1 - kept)

    def _extent(self, place: Place, random: Stream) -> Image:
        """(H, W): the factor on k t, 1 in the mean; one field for the whole shot."""
        coefficients = random.child("uneven").normals(0, 4, 4)
        order = np.add.outer(np.arange(4), np.arange(4))
        coefficients *= np.where(order == 0, 0.0, 1.0 / np.maximum(order, 1))
        coefficients *= 0.5 / np.sqrt(float((coefficients**2).sum()) / 4 + 1e-12)
        field = cosine_field(
            coefficients,
            place.height,
            place.width,
            x=place.x,
            y=place.y,
            full_height=place.full_height,
            full_width=place.full_width,
        )
        u = (np.arange(place.x, place.x + place.width) + 0.5) / place.full_width
        edge = np.exp(-np.minimum(u, 1 - u) / 0.06).astype(np.float32)
        extent = 1 + np.float32(self.uneven) * field + np.float32(self.edges) * edge[None, :]
        return np.maximum(extent, np.float32(0))


def _below_black(fresh: Image, held: Image, aged: Image) -> Image:
    """Faded density where the picture is blacker than the film: the light it lacks there is taken off the faded black.

    Noise about zero light thus stays the noise it was; as a difference of densities it would stay black in a black that
    the fade has lifted.
    """
    deeper = fresh > held
    if not deeper.any():
        return aged
    out = aged.copy()
    lacking = linear_from_density(fresh[deeper].astype(np.float64)) - linear_from_density(
        held[deeper].astype(np.float64)
    )
    out[deeper] = density_from_linear(linear_from_density(aged[deeper].astype(np.float64)) + lacking)
    return out


def _on_film(stock: Stock, picture: Image) -> Image:
    """Density on the film of a picture's density: itself on a print, inverted on a negative."""
    if stock.medium == "print":
        return picture
    return np.float32(_NEGATIVE_GAMMA) * (np.float32(_NEGATIVE_RANGE) - picture)


@cache
def _mask_spectrum(stock_id: str) -> Spectrum:
    """What of a negative's minimum density is mask: all above its value at 700 nm, where coloured couplers absorb
    nothing."""
    minimum = stocks()[stock_id].minimum
    return np.asarray(np.maximum(minimum - minimum[-1], 0.0))
