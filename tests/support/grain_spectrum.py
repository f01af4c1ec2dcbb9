"""The radial spectrum of grain on flat frames, made apart from the package's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image

_PATCH = 256  # px: rings of 1/64 cycle a pixel hold four of its frequencies


def unit(pixels: Image) -> NDArray[np.float64]:
    """Each layer of (H, W, C) with mean 0 and deviation 1."""
    values = pixels.astype(np.float64)
    return (values - values.mean((0, 1))) / values.std((0, 1))


def radial_spectrum(frames: Sequence[Image]) -> NDArray[np.float64]:
    """Welch's radial spectrum (K, 3) of whole flat frames, rings of 1/64 cycle a pixel from 1/32 to below 1/2."""
    window = np.outer(np.hanning(_PATCH), np.hanning(_PATCH))[..., None]
    total = np.zeros((_PATCH, _PATCH, 3))
    for frame in frames:
        values = unit(frame)
        for y in range(0, frame.shape[0] - _PATCH + 1, _PATCH):
            for x in range(0, frame.shape[1] - _PATCH + 1, _PATCH):
                total += np.square(np.abs(np.fft.fft2(values[y : y + _PATCH, x : x + _PATCH] * window, axes=(0, 1))))
    axis = np.fft.fftfreq(_PATCH)
    ring = np.rint(np.hypot(axis[:, None], axis[None, :]) * 64).astype(int).ravel()
    layers = [np.bincount(ring, total[..., c].ravel()) / np.bincount(ring) for c in range(3)]
    return np.stack(layers, axis=1)[2:32]
