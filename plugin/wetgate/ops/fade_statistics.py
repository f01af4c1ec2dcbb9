"""What a picture's densities say about the fading of its dyes, as a short vector of numbers that can be pooled.

The statistics are those by which colour constancy finds an illuminant, taken in dye amounts: quantiles of each dye,
quantiles of the differences between dyes over all and from thin to dense (the neutral line), the thinnest and the
densest places (most likely white and black), contrasts and their correlation in the picture and in its edges (the
grey-edge assumption: J. van de Weijer, Th. Gevers and A. Gijsenij, IEEE Transactions on Image Processing 16, 2007), the
direction that most edges have in the three dyes (light and shade change all three alike, so that it shows the ratios of
their gains), and what stands in each sector of hue. Shots of one reel are pooled by their mean and their extremes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

Array = NDArray[np.float64]

_ROWS = 128  # that a picture is reduced to: grain and noise average out, and every picture counts alike
_QUANTILES = (0.01, 0.05, 0.15, 0.30, 0.50, 0.70, 0.85, 0.95, 0.99)
_CHROMA_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_EDGE_QUANTILES = (0.5, 0.9)
_ENDS = (0.01, 0.04)  # shares of the pixels, thinnest and densest
_BANDS = 5
_SECTORS = 6
_SECTOR_CHROMA = 0.15  # in dye amounts: half of it counts a pixel half in its sector
_LEAST = 1e-3  # of a standard deviation, in density
_DENSITIES = (-0.5, 4.0)  # within which densities are looked at; light beyond is clipped for the statistics alone
PICTURE_SIZE = 3 * len(_QUANTILES) + 2 * len(_CHROMA_QUANTILES) + 2 * _BANDS + 12 + 6 * len(_ENDS)
PICTURE_SIZE += 3 * len(_EDGE_QUANTILES) + 3 + 3 * _SECTORS
POOLED_SIZE = PICTURE_SIZE + 10


def reduced(density: Image) -> Image:
    """The picture at about 128 rows, by averaging whole blocks of density; a small picture as it is."""
    step = max(1, density.shape[0] // _ROWS)
    rows, columns = density.shape[0] // step * step, density.shape[1] // step * step
    if columns == 0:
        step, rows, columns = 1, density.shape[0], density.shape[1]
    held = np.clip(density[:rows, :columns], *_DENSITIES)
    if step == 1:
        return np.asarray(held, np.float32)
    blocks = held.reshape(rows // step, step, columns // step, step, 3)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64), np.float32)


def picture_statistics(amounts: Array, edges: Array) -> Array:
    """Statistics (PICTURE_SIZE,) of dye amounts (N, 3) and of their differences (M, 3) between neighbours."""
    quantiles = np.quantile(amounts, _QUANTILES, axis=0).T.ravel()
    chroma = amounts[:, (0, 2)] - amounts[:, 1:2]
    chroma_quantiles = np.quantile(chroma, _CHROMA_QUANTILES, axis=0).T.ravel()
    order = np.argsort(amounts.sum(axis=1), kind="stable")
    bands = np.array([chroma[part].mean(axis=0) for part in np.array_split(order, _BANDS) if len(part)])
    if len(bands) < _BANDS:  # fewer pixels than bands
        bands = np.vstack([bands, np.repeat(bands[-1:], _BANDS - len(bands), axis=0)])
    ends = [amounts[part].mean(axis=0) for share in _ENDS for part in _both_ends(order, share)]
    parts = [quantiles, chroma_quantiles, bands.ravel(), _spread(amounts), _spread(edges), *ends]
    return np.concatenate([*parts, _edge_sizes(edges), _edge_direction(edges), _sectors(amounts, chroma)])


def statistics_of(density: Image, to_amounts: Array) -> Array:
    """Statistics of a picture of densities (H, W, 3); ``to_amounts`` is A^-1 of its dyes."""
    amounts = reduced(density).astype(np.float64) @ to_amounts.T
    edges = (amounts[:, 1:] - amounts[:, :-1]).reshape(-1, 3)
    return picture_statistics(amounts.reshape(-1, 3), edges if len(edges) else np.zeros((1, 3)))


def pooled(shots: Array) -> Array:
    """Statistics of a reel (POOLED_SIZE,) from those of its shots (n, PICTURE_SIZE): means, extremes, number."""
    count = len(_QUANTILES)
    least, median, most = (
        shots[:, 0 : 3 * count : count],
        shots[:, 4 : 3 * count : count],
        shots[:, 8 : 3 * count : count],
    )
    number = np.array([np.log2(len(shots))])
    return np.concatenate([shots.mean(axis=0), least.min(axis=0), most.max(axis=0), median.std(axis=0), number])


def _spread(values: Array) -> Array:
    """Logarithms of the three deviations, and the three correlations."""
    centred = values - values.mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    deviation = np.sqrt(np.diag(covariance)) + _LEAST
    correlation = covariance / np.outer(deviation, deviation)
    return np.concatenate([np.log(deviation), correlation[(0, 0, 1), (1, 2, 2)]])


def _both_ends(order: NDArray[np.intp], share: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    count = max(1, round(share * len(order)))
    return order[:count], order[-count:]


def _edge_sizes(edges: Array) -> Array:
    """Logarithms of quantiles of the edges' sizes, dye by dye."""
    return np.asarray(np.log(np.quantile(np.abs(edges), _EDGE_QUANTILES, axis=0) + _LEAST).ravel())


def _edge_direction(edges: Array) -> Array:
    """The direction on which most edges lie: ln of its cyan and of its yellow over its magenta, and how far they lie
    off it. Found from the greatest variance by weights that fall with the distance from it, so that edges between
    colours count little."""
    direction, weight, off = np.ones(3) / np.sqrt(3), np.ones(len(edges)), np.zeros(len(edges))
    for _ in range(3):
        moment = (edges * weight[:, None]).T @ edges + _LEAST**2 * np.eye(3)
        direction = np.abs(np.linalg.eigh(moment)[1][:, -1])
        along = edges @ direction
        off = np.sqrt(np.maximum((edges**2).sum(axis=1) - along**2, 0))
        weight = 1 / (1 + (off / (2 * off.mean() + _LEAST)) ** 2)
    share = np.log((off.mean() + _LEAST) / (np.abs(edges @ direction).mean() + _LEAST))
    ratios = np.log((direction + 0.02) / (direction[1] + 0.02))
    return np.array([ratios[0], ratios[2], share])


def _sectors(amounts: Array, chroma: Array) -> Array:
    """For six sectors of hue about the median colour: their share, and the mean chroma and density in them."""
    away = chroma - np.median(chroma, axis=0)
    size = np.hypot(away[:, 0], away[:, 1])
    sector = ((np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi) + 0.5) * _SECTORS).astype(int) % _SECTORS
    weight = size**2 / (size**2 + _SECTOR_CHROMA**2)
    total = amounts.mean(axis=1)
    shares = np.bincount(sector, weight, _SECTORS)
    held = shares + 0.01 * len(amounts)
    sizes = np.bincount(sector, weight * size, _SECTORS) / held
    densities = np.bincount(sector, weight * total, _SECTORS) / held
    return np.concatenate([np.sqrt(shares / len(amounts)), sizes, densities])
