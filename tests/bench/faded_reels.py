"""Faded reels with their truth, to measure the reversal by: spectral, on scanners and films that it is not told.

Photographs stand on a print or a reversal film, between frame lines of its black and clear film beside them, or on a
negative, in clear film; the film fades, and a scanner looks at it. Its bands are flat-topped filters under a lamp, or
diodes of three widths, not the Gaussians from which the solver's matrices come; light has shot noise and stands in
10-bit codes. A negative is inverted after that, as it is handed to the node and to its peers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.color.curves import srgb_decode, srgb_encode
from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.color.fade import from_negative, on_negative
from wetgate.color.film_dyes import stain_spectrum, stocks
from wetgate.damage.dyes import amounts_of, decayed, scan

Array = NDArray[np.float32]

# Each kind of film with its stocks, and the dye set that an operator who reads the edge print would choose.
FILMS = {
    "prints": {"5381": "eastman_1950", "5383": "eastman_1974", "5384": "eastman_1981", "2383": "vision"},
    "reversal and Fuji": {"ektachrome": "reversal", "kodachrome": "kodachrome", "fuji3513": "fuji"},
    "negatives": {"5247": "negatives", "5248": "negatives", "5250": "negatives", "5293": "negatives"},
}
LINE, REBATE = 8, 6  # rows of frame line above and below, columns of clear film left and right
_LONG_SIDE = 160
# Loss of the first dye to go, from mild to severe.
_SEVERITIES = (0.2, 0.35, 0.5, 0.65, 0.75, 0.85)


def scanners() -> dict[str, tuple[NDArray[np.float64], str]]:
    """Bands of three scanners, and what an operator would call each: narrow or broad."""
    w = stocks()["5384"].wavelengths_nm

    def band(centre: float, width: float, power: float) -> NDArray[np.float64]:
        return np.exp(-math.log(2) * np.abs((w - centre) / (width / 2)) ** power)

    # Planck's law at 3,200 K, relative.
    lamp = 1 / (w**5 * np.expm1(1.4388e7 / (w * 3200)))
    made = {
        "diodes": (np.stack([band(631, 18, 2), band(526, 34, 2), band(462, 24, 2)]), "narrow"),
        "filters": (lamp * np.stack([band(635, 70, 6), band(540, 60, 6), band(448, 50, 6)]), "broad"),
        "laser": (np.stack([band(641, 10, 2), band(533, 10, 2), band(458, 10, 2)]), "narrow"),
        "dichroic": (lamp * np.stack([band(628, 80, 4), band(544, 66, 3), band(455, 60, 4)]), "broad"),
    }
    return {name: (bands / bands.sum(axis=1, keepdims=True), kind) for name, (bands, kind) in made.items()}


def photographs(folders: Sequence[Path]) -> list[Array]:
    """Linear light of every picture in some folders, its long side 160 pixels."""
    found = []
    for path in sorted(p for folder in folders for p in folder.iterdir() if p.suffix in (".webp", ".png", ".jpg")):
        codes = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
        scale = _LONG_SIDE / max(codes.shape[:2])
        small = cv2.resize(codes, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found.append(np.asarray(srgb_decode(small.astype(np.float32) / 255), np.float32))
    return found


@dataclass(frozen=True)
class FadedReel:
    """One reel. ``scans`` are densities with frame lines and clear film about the picture, ``truths`` linear light of
    the pictures; ``grey`` (3,) is what became of the light of a mid grey of 0.18, at the mean of the fade. ``dyes`` is
    the dye set of its stock."""

    stock: str
    dyes: str
    negative: bool
    scanner: str
    kind: str
    severity: float
    uneven: bool
    scans: tuple[Array, ...]
    truths: tuple[Array, ...]
    grey: Array

    def picture(self, scan: Array) -> Array:
        """The picture in a scan, without what is around it."""
        return scan[LINE:-LINE, REBATE:-REBATE]


def reels(pictures: Sequence[Array], film: str, count: int, shots: int, seed: int) -> Iterator[FadedReel]:
    """``count`` reels of ``shots`` pictures: each stock, kind of fade, severity, evenness and scanner in turn."""
    random = np.random.default_rng(seed)
    seen, names = list(scanners()), list(FILMS[film])
    for index in range(count):
        stock = names[index % len(names)]
        kind = "light" if index % 3 == 2 else "dark"
        severity = _SEVERITIES[(index // 4) % len(_SEVERITIES)]
        scanner = seen[(index + index // 4) % len(seen)]
        chosen = [pictures[i] for i in random.choice(len(pictures), shots, replace=len(pictures) < shots)]
        yield _faded(chosen, stock, FILMS[film][stock], scanner, kind, severity, bool(index % 2), random)


def unfaded(pictures: Sequence[Array], scanner: str, seed: int) -> list[Array]:
    """Scans (densities) of fresh prints, with the scanner's noise and codes, without frame lines."""
    random = np.random.default_rng(seed)
    return [_scanned(density_from_linear(np.maximum(p, 10**-3.2)), random) for p in pictures]


def _faded(
    chosen: Sequence[Array],
    stock_id: str,
    dyes: str,
    scanner: str,
    kind: str,
    severity: float,
    uneven: bool,
    random: np.random.Generator,
) -> FadedReel:
    stock, bands = stocks()[stock_id], scanners()[scanner][0]
    rates = {"dark": (1.0, 0.22, 0.5), "light": (0.35, 1.0, 0.55)}[kind] * np.exp(random.normal(0, 0.25, 3))
    loss = 1 - (1 - severity) ** (rates / rates.max())
    stain = severity * random.uniform(0.05, 0.3)
    order = random.uniform(0.85, 1.15)
    black = random.uniform(3.0, 3.4)
    edges = random.uniform(0.2, 0.6) if uneven else 0.0
    strength = random.uniform(0.15, 0.4) if uneven else 0.0

    def aged(fresh: Array, extent: Array) -> Array:
        flat, far = fresh.reshape(-1, 3), extent.reshape(-1).astype(np.float32)
        amounts = amounts_of(stock, bands, flat)
        kept = decayed(amounts, loss, far, order)
        seen = scan(stock, bands, kept, np.float32(stain) * far, stain_spectrum(stock.wavelengths_nm))
        return (flat + seen - scan(stock, bands, amounts, None)).reshape(fresh.shape)

    negative = stock.medium == "negative"

    def scanned(fresh: Array, extent: Array) -> Array:
        seen = _scanned(aged(on_negative(fresh) if negative else fresh, extent), random)
        return from_negative(seen) if negative else seen

    scans = []
    for light in chosen:
        fresh = density_from_linear(np.maximum(light, 10**-black)).astype(np.float32)
        clear = from_negative(np.zeros(1, np.float32)).item() if negative else 0.0
        film = np.full((fresh.shape[0] + 2 * LINE, fresh.shape[1] + 2 * REBATE, 3), black, np.float32)
        film[:, :REBATE] = film[:, -REBATE:] = clear
        if negative:
            film[:] = clear
        film[LINE:-LINE, REBATE:-REBATE] = fresh
        scans.append(scanned(film, _extent(film.shape[:2], strength, edges, random)))
    mid = np.full((1, 1, 3), -math.log10(0.18), np.float32)
    became = aged(on_negative(mid) if negative else mid, np.ones((1, 1)))
    grey = linear_from_density(from_negative(became) if negative else became)[0, 0]
    return FadedReel(stock_id, dyes, negative, scanner, kind, severity, uneven, tuple(scans), tuple(chosen), grey)


def _extent(shape: tuple[int, int], strength: float, edges: float, random: np.random.Generator) -> Array:
    """How far the fade has gone, 1 in the mean: a sum of two tilted waves, and the edges."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    u, v = x / shape[1], y / shape[0]
    field = np.zeros(shape)
    for _ in range(2):
        angle, phase = random.uniform(0, 2 * np.pi, 2)
        waves = random.uniform(0.3, 0.9)
        field += np.cos(2 * np.pi * waves * (u * math.cos(angle) + v * math.sin(angle)) + phase)
    field = (field - field.mean()) / max(field.std(), 1e-6)
    edge = np.exp(-np.minimum(u, 1 - u) / 0.08)
    extent = np.maximum(1 + strength * field * 0.7 + edges * edge, 0)
    return (extent / extent.mean()).astype(np.float32)


def _scanned(density: Array, random: np.random.Generator) -> Array:
    """Shot noise (1 % at a tenth of the base's light), a floor of 0.05 %, and 10-bit sRGB codes; as density again."""
    light = linear_from_density(density)
    light = light + random.normal(0, 1, light.shape) * np.hypot(5e-4, 0.01 * np.sqrt(np.maximum(light, 0) * 0.1))
    codes = np.round(np.clip(srgb_encode(light), 0, 1) * 1023) / 1023
    return np.asarray(density_from_linear(srgb_decode(codes)), np.float32)
