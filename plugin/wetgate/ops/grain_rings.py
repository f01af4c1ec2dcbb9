"""Power spectra of square patches that a quadratic surface was taken out of, on rings of frequency."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PATCH = 64
_SMOOTHING = 60.0


@cache
def surfaces() -> NDArray[np.float32]:
    """An orthonormal basis of the quadratic surfaces on a patch, (4096, 6)."""
    axis = np.linspace(-1, 1, PATCH)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    basis = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, 6)
    return np.linalg.qr(basis)[0].astype(np.float32)


@cache
def window() -> NDArray[np.float32]:
    axis = np.hanning(PATCH + 2)[1:-1]
    return np.outer(axis, axis).astype(np.float32)


@cache
def _ring_index() -> NDArray[np.intp]:
    """The ring of each sample of the half plane that rfft2 gives, in steps of one cycle a patch; -1 for those left out:
    zero and what the surface holds."""
    ring = np.rint(_radius() * PATCH).astype(np.intp) - 2
    ring[ring < 0] = -1
    return np.asarray(np.minimum(ring, 41), np.intp)


@cache
def _ring_weights() -> Array:
    """How often each sample of the half plane stands in the whole one, halved: once at both ends, else twice."""
    weights = np.ones((PATCH, PATCH // 2 + 1))
    weights[:, [0, -1]] = 0.5
    return weights


def _radius() -> Array:
    return np.asarray(np.hypot(np.fft.fftfreq(PATCH)[:, None], np.fft.rfftfreq(PATCH)[None, :]), np.float64)


@cache
def ring_frequencies() -> Array:
    """Mean frequency of each ring, cycles a pixel."""
    return rings(_radius()[..., None])[:, 0]


def rings(periodogram: Array) -> Array:
    """Mean over each ring, (K, C), of a periodogram (64, 33, C)."""
    index, weights = _ring_index(), _ring_weights()
    kept = index >= 0
    counts = np.bincount(index[kept], weights[kept])
    layers = [
        np.bincount(index[kept], (periodogram[..., c] * weights)[kept]) / counts for c in range(periodogram.shape[2])
    ]
    return np.stack(layers, axis=1)


@cache
def white_share() -> Array:
    """Share of white noise's power on each ring that the surface leaves, (K, 1): exact, by the basis itself."""
    hann = window().astype(np.float64)
    basis = surfaces().astype(np.float64).reshape(PATCH, PATCH, 6) * hann[..., None]
    taken = np.square(np.abs(np.fft.rfft2(basis, axes=(0, 1)))).sum(axis=2, keepdims=True)
    return 1.0 - rings(taken) / float((hann**2).sum())


def smoothed(power: Array, patches: int) -> Array:
    """The spectrum without the chance in it: a Whittaker smoother of its logarithm, by ring.

    A ring's logarithm has the variance 1 / samples, which weighs it against its second differences: the low rings,
    of few samples, lean on their neighbours, the others hardly. A spectrum that is a parabola there is left as it is.
    """
    index = _ring_index()
    weights = np.bincount(index[index >= 0]) * patches / 2.0
    bend = np.diff(np.eye(len(weights)), 2, axis=0)
    system = np.diag(weights) + _SMOOTHING * bend.T @ bend
    level = np.log(np.maximum(power, power.max(axis=0) * 1e-12))
    smooth = np.linalg.solve(system, weights[:, None] * level)
    # The Hann window lends a sixth of each neighbouring ring's power, which on a slope is more than it gives.
    return np.asarray(np.exp(smooth) / (2 / 3 + np.cosh(np.gradient(smooth, axis=0)) / 3))


def mean_over_plane(power: Array) -> Array:
    """Mean of a radial spectrum over the plane of frequencies, (3,): its variance."""
    axis = np.fft.fftfreq(PATCH)
    radius = np.hypot(axis[:, None], axis[None, :]).ravel()
    layers = [np.interp(radius, ring_frequencies(), power[:, c]).mean() for c in range(power.shape[1])]
    return np.array(layers)
