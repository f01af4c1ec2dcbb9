"""Examples for the fade prior: photographs as colour prints or negatives, faded spectrally, seen by scanners.

Each *film* is a stock and a scanner of random bands; each *fade* a reel of pictures on that film that have faded
together; each example a few of the reel's pictures, of which the prior is to say how the reel has faded. Everything is
simulated wavelength by wavelength by :mod:`wetgate.damage.dyes`. Some pictures stand in coloured light, some are cut
so close that one colour fills them: neither is a fade, and the prior has to have seen both.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.color.curves import srgb_decode, srgb_encode
from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.color.fade import DyeFade, fitted, from_negative, on_negative
from wetgate.color.film_dyes import DYE_SETS, Medium, gaussian_bands, set_matrix, stain_spectrum, stocks
from wetgate.damage.dyes import amounts_of, decayed, scan
from wetgate.ops.fade_statistics import PICTURE_SIZE, picture_statistics

Array = NDArray[np.float64]

PICTURES = 24  # of a reel
POOLS = (1,) * 24 + (2,) * 5 + (3,) * 4 + (4,) * 4 + (8,) * 3 + (16,) * 3 + (24,)
JUDGED = 40  # pixels of each picture by which a restoration is judged
_PAIRS = 512  # neighbours that a picture's statistics are taken from
_FADES_A_FILM = 30
_LAST_PICTURE_DENSITY = 3.2
_COLOURED_LIGHT = 0.15  # share of the pictures
_CLOSE = 0.2  # share of the pictures
_TURNED = 0.1  # share of the pictures
# Panoramas in scene-linear light are looked at in so many directions, exposed for this geometric mean.
_DIRECTIONS, _EXPOSED_FOR = 4, 0.13
_RATES = {"dark": (1.0, 0.25, 0.5), "light": (0.35, 1.0, 0.5)}  # about those of wetgate.damage.fade, and varied


@dataclass(frozen=True)
class Reel:
    """A faded reel: what its scans say, and what is true of it."""

    statistics: Array  # (pictures, PICTURE_SIZE)
    matrix: Array  # (3, 3) that the solver is told
    broad: bool  # the scanner that the solver is told
    base: Array  # (3,) dye amounts that base and black seem to have
    black: Array
    truth: DyeFade
    faded: NDArray[np.float16]  # (pictures, JUDGED, 3): densities, evenly faded, by which a restoration is judged
    fresh: NDArray[np.float16]  # and what they were


def pictures(folders: Sequence[Path], half: int | None = None) -> list[NDArray[np.float32]]:
    """Linear light of the photographs in some folders, a quarter of their size, and of panoramas (.hdr); of one half of
    them, 0 or 1. Tiles of one photograph (name_0, name_1, ...) are in the same half."""
    found = []
    for path in sorted(
        p for folder in folders for p in folder.iterdir() if p.suffix in (".jpg", ".png", ".webp", ".hdr")
    ):
        photograph = path.stem if path.suffix == ".hdr" else path.stem.rpartition("_")[0] or path.stem
        if half is not None and zlib.crc32(photograph.encode()) % 2 != half:
            continue
        if path.suffix == ".hdr":
            found += _looked_around(path)
            continue
        codes = _read(path, cv2.IMREAD_COLOR)
        small = cv2.resize(codes, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        found.append(np.asarray(srgb_decode(small.astype(np.float32) / 255), np.float32))
    return found


def _read(path: Path, how: int) -> NDArray[Any]:
    """A picture (H, W, 3), red first."""
    stored = cv2.imread(str(path), how)
    if stored is None:
        raise ValueError(f"{path} cannot be read as a picture")
    return stored[..., ::-1]


def _looked_around(path: Path) -> list[NDArray[np.float32]]:
    """The middle of a panorama in some directions, exposed as a photograph would be, white no brighter than clear
    film."""
    light = _read(path, cv2.IMREAD_UNCHANGED)
    height, width = light.shape[:2]
    band = cv2.resize(light[height // 4 : 3 * height // 4], (width // 2, height // 4), interpolation=cv2.INTER_AREA)
    views = []
    for part in np.array_split(band, _DIRECTIONS, axis=1):
        grey = float(np.exp(np.log(np.maximum(part.mean(axis=2), 1e-5)).mean()))
        views.append(np.asarray(np.minimum(part * (_EXPOSED_FOR / grey), 1), np.float32))
    return views


def reels(photographs: Sequence[NDArray[np.float32]], medium: Medium, films: int, seed: int) -> Iterator[Reel]:
    """Faded reels: ``films`` films with 30 fades each."""
    random = np.random.default_rng(seed)
    names = [s.id for s in stocks().values() if s.medium == medium and s.id != "technicolor"]
    for _ in range(films):
        stock = stocks()[names[random.integers(len(names))]]
        width = float(np.exp(random.uniform(np.log(15), np.log(80))))
        widths = np.clip(width * np.exp(random.normal(0, 0.2, 3)), 12, 100)
        centres = np.array((640.0, 540.0, 450.0)) + random.normal(0, 7, 3)
        bands = gaussian_bands(tuple(centres), tuple(widths))
        chosen = random.choice(len(photographs), 2 * PICTURES, replace=len(photographs) < 2 * PICTURES)
        fresh, places = _on_film([photographs[i] for i in chosen], medium, random)
        amounts = amounts_of(stock, bands, fresh.reshape(-1, 3)).reshape(fresh.shape)
        exact = scan(stock, bands, amounts.reshape(-1, 3), None).reshape(fresh.shape)
        for _ in range(_FADES_A_FILM):
            some = random.choice(2 * PICTURES, PICTURES, replace=False)
            broad = bool(width > np.exp(random.normal(np.log(38), 0.15)))
            own = [name for name, (_, members) in DYE_SETS.items() if stock.id in members]
            told = own[random.integers(len(own))]
            matrix = set_matrix(told, "broad" if broad else "narrow")
            yield _faded(stock.id, bands, matrix, broad, fresh[some], exact[some], amounts[some], places[some], random)


def _on_film(
    chosen: Sequence[NDArray[np.float32]], medium: Medium, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Scanner densities (pictures, 2 * _PAIRS, 3) of pixels and their right neighbours, and their places (.., 2)."""
    densities, places = [], []
    for picture in chosen:
        picture = _part(picture, random)
        height, width = picture.shape[:2]
        y, x = random.integers(0, height, _PAIRS), random.integers(0, width - 1, _PAIRS)
        density = density_from_linear(np.maximum(np.concatenate([picture[y, x], picture[y, x + 1]]), 1e-4))
        density = np.minimum(_regraded(np.asarray(density, np.float64), random), _LAST_PICTURE_DENSITY)
        if medium == "negative":
            density = on_negative(density)
        densities.append(density)
        places.append(np.stack([np.concatenate([x, x + 1]) / width, np.concatenate([y, y]) / height], axis=1))
    return np.array(densities, np.float32), np.array(places)


def _part(picture: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Some rectangle of a picture: there are few photographs, and many framings."""
    height, width = picture.shape[:2]
    least, most = (0.18, 0.45) if random.random() < _CLOSE else (0.45, 1)
    rows, columns = (max(2, int(size * random.uniform(least, most))) for size in (height, width))
    y, x = random.integers(0, height - rows + 1), random.integers(0, width - columns + 1)
    return picture[y : y + rows, x : x + columns]


def _regraded(density: Array, random: np.random.Generator) -> Array:
    """As it might have been exposed, lit and graded: level, contrast, saturation and balance vary a little, and in some
    pictures the light is coloured: warm or cold, more or less green. Some have all their hues turned: there are scenes
    of any colour, and few of most in some hundred photographs."""
    grey = density.mean(axis=1, keepdims=True)
    colour = (density - grey) * np.exp(random.normal(0, 0.2))
    if random.random() < _TURNED:
        angle = random.uniform(0, 2 * np.pi)
        across = np.stack([colour[:, 1] - colour[:, 2], colour[:, 2] - colour[:, 0], colour[:, 0] - colour[:, 1]], 1)
        colour = np.cos(angle) * colour + np.sin(angle) / np.sqrt(3) * across
    density = grey + colour
    balance = random.normal(0, 0.015, 3)
    if random.random() < _COLOURED_LIGHT:
        balance += random.normal(0, 0.09) * np.array([-1, 0, 1]) + random.normal(0, 0.04) * np.array([-0.5, 1, -0.5])
    return np.maximum(density * np.exp(random.normal(0, 0.08)) + random.normal(0, 0.08) + balance, -0.05)


def _faded(
    stock_id: str,
    bands: Array,
    matrix: Array,
    broad: bool,
    fresh: NDArray[Any],
    exact: NDArray[Any],
    amounts: NDArray[Any],
    places: NDArray[Any],
    random: np.random.Generator,
) -> Reel:
    stock = stocks()[stock_id]
    loss, stain, order = _ageing(random)
    extent = _extents(places, random) if random.random() < 0.5 else np.ones(places.shape[:2], np.float32)
    black_density = 3.2 + random.normal(0, 0.15)
    ends = np.array([[0.0] * 3, [black_density] * 3], np.float32)
    offset = (random.normal(0, 0.01, 3) + random.normal(0, 0.02)) * (random.random() < 0.5)  # of the scanner's exposure
    spectrum = stain_spectrum(stock.wavelengths_nm)

    def aged(what: NDArray[Any], before: NDArray[Any], how_far: NDArray[Any]) -> Array:
        flat = what.reshape(-1, 3).astype(np.float32)
        far = how_far.reshape(-1).astype(np.float32)
        seen = scan(stock, bands, decayed(flat, loss, far, order), np.float32(stain) * far, spectrum)
        return seen.reshape(what.shape) - before + offset

    faded = fresh + aged(amounts, exact, extent)
    some = slice(None, None, 3)
    held = amounts[:, some]
    evenly = fresh[:, some] + aged(held, exact[:, some], np.ones(held.shape[:2]))
    end_amounts = amounts_of(stock, bands, ends)
    faded_ends = ends + aged(end_amounts, scan(stock, bands, end_amounts, None), np.ones(2))
    seen = _scanned(faded, random)
    inverse = np.linalg.inv(matrix)
    dyes = seen @ inverse.T
    statistics = np.array([picture_statistics(p, p[_PAIRS:] - p[:_PAIRS]) for p in dyes])
    assert statistics.shape[1] == PICTURE_SIZE
    ends_seen = _scanned(np.repeat(faded_ends[None], 64, 0), random).mean(axis=0) @ inverse.T
    true = fresh[:, some].reshape(-1, 3)
    picture = np.asarray(from_negative(true) if stock.medium == "negative" else true, np.float64)
    truth = fitted(evenly.reshape(-1, 3), true, picture, faded_ends[0], matrix)
    judged = evenly[:, :JUDGED].astype(np.float16), fresh[:, some][:, :JUDGED].astype(np.float16)
    return Reel(statistics, matrix, broad, ends_seen[0], ends_seen[1], truth, *judged)


def _ageing(random: np.random.Generator) -> tuple[Array, float, float]:
    """Loss of each dye, stain, and order of the decay."""
    if random.random() < 0.18:
        return np.zeros(3), 0.0, 1.0
    order = float(np.clip(random.normal(1, 0.12), 0.7, 1.35))
    stain = float(0.3 * random.random() ** 2)
    if random.random() < 0.15:
        return random.uniform(0, 0.8, 3), stain, order
    rates = np.array(_RATES["dark" if random.random() < 0.65 else "light"]) * np.exp(random.normal(0, 0.3, 3))
    return 1 - (1 - random.uniform(0, 0.9)) ** (rates / rates.max()), stain, order


def _extents(places: Array, random: np.random.Generator) -> NDArray[np.float32]:
    """How far the fade has gone at each place, 1 in the mean: a slow field for each picture, and the edges."""
    strength, edges = random.uniform(0, 0.5), random.uniform(0, 1) * (random.random() < 0.5)
    waves = random.normal(0, 1, (len(places), 3, 3)) * np.array([[0, 1, 0.5], [1, 0.5, 0.33], [0.5, 0.33, 0.25]])
    field = np.zeros(places.shape[:2])
    for i in range(3):
        for j in range(3):
            wave = np.cos(np.pi * i * places[..., 1]) * np.cos(np.pi * j * places[..., 0])
            field += 0.35 * waves[:, i, j, None] * wave
    edge = np.exp(-np.minimum(places[..., 0], 1 - places[..., 0]) / 0.06)
    return np.maximum(1 + strength * field + edges * edge, 0).astype(np.float32)


def _scanned(density: NDArray[Any], random: np.random.Generator) -> Array:
    """With the scanner's noise, in 10-bit sRGB codes, as density again."""
    light = linear_from_density(density)
    light = light + random.normal(0, 1, light.shape) * (0.0006 + 0.008 * np.sqrt(np.maximum(light, 0) * 0.1))
    codes = np.round(np.clip(srgb_encode(light), 0, 1) * 1023) / 1023
    return np.clip(density_from_linear(srgb_decode(codes)), -0.5, 4.0)
