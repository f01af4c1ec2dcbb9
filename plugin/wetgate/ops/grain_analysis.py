"""What grain a film scan has: strength by density, power spectrum per layer and correlation between layers.

Pictures are densities, (H, W, 3). Grain is measured on their flat patches (:mod:`wetgate.ops.grain_patches`); what the
surface that is taken out of each takes of the grain is known and given back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.grain_patches import TEXTURE_ALONE, Patches
from wetgate.ops.grain_rings import PATCH, mean_over_plane, ring_frequencies, smoothed, white_share
from wetgate.spec import UsageError

Array = NDArray[np.float64]

_TONE = 0.1  # width of a class of density
_FEWEST_IN_TONE = 3


@dataclass(frozen=True, slots=True)
class MeasuredGrain:
    """Grain as it was measured.

    ``density`` and ``deviation`` are knots per layer: density of the picture, ascending, and standard deviation of
    density there. ``power`` (K, 3) is the power spectrum at ``frequency`` (K,), cycles a pixel, of unit variance.
    ``correlation`` is (3, 3); ``pitch_um`` the film a pixel saw (0 where nobody knows); ``patches`` and ``frames`` how
    much it was measured on.
    """

    density: tuple[tuple[float, ...], ...]
    deviation: tuple[tuple[float, ...], ...]
    frequency: Array
    power: Array
    correlation: Array
    pitch_um: float
    patches: int
    frames: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON, rounded to what it is good for."""
        return {
            "patches": self.patches,
            "frames": self.frames,
            "pitch_um": round(self.pitch_um, 5),
            "layers": [
                {"density": [round(d, 4) for d in ds], "deviation": [round(s, 6) for s in ss]}
                for ds, ss in zip(self.density, self.deviation, strict=True)
            ],
            "spectrum": {
                "frequency": [round(float(f), 5) for f in self.frequency],
                "power": [[float(f"{p:.5g}") for p in layer] for layer in self.power.T],
            },
            "correlation": [[round(float(c), 4) for c in row] for row in self.correlation],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MeasuredGrain | None:
        """Back from :meth:`to_json`; None where nothing could be measured."""
        if not data.get("patches"):
            return None
        return cls(
            tuple(tuple(layer["density"]) for layer in data["layers"]),
            tuple(tuple(layer["deviation"]) for layer in data["layers"]),
            np.array(data["spectrum"]["frequency"], np.float64),
            np.array(data["spectrum"]["power"], np.float64).T,
            np.array(data["correlation"], np.float64),
            float(data["pitch_um"]),
            int(data["patches"]),
            int(data["frames"]),
        )

    def deviation_at(self, density: Array) -> Array:
        """Standard deviation per layer, (3, N), at densities (N,): linear in variance between knots, held beyond."""
        layers = zip(self.density, self.deviation, strict=True)
        return np.stack([np.sqrt(np.interp(density, d, np.square(s))) for d, s in layers])


def of_sidecar(text: str, kind: str) -> dict[str, Any] | None:
    """The measured grain in a JSON file whose ``grain`` is ``kind``, as :meth:`MeasuredGrain.to_json` has it; None
    where it is no such file. Raises :class:`UsageError` where it is one, and damaged."""
    try:
        data = json.loads(text)
    except ValueError:
        return None
    if not isinstance(data, dict) or data.get("grain") != kind:
        return None
    try:
        measured = MeasuredGrain.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"the measured grain lacks or spoils {error}", where="--analysis", remedy="measure the grain again"
        ) from None
    return {"patches": 0, "frames": 0} if measured is None else measured.to_json()


def combine(frames: Iterable[Patches], pitch_um: float) -> MeasuredGrain | None:
    """What the patches of several frames say together; None where there are none, or no grain in them."""
    every = list(frames)
    found = [f for f in every if len(f)]
    told = [(len(f), f.texture) for f in every if f.texture is not None]
    texture = sum(t for _, t in told)
    if not found or texture > TEXTURE_ALONE * (texture + sum(n for n, _ in told)):
        return None
    means = np.concatenate([f.mean for f in found])
    covariance = np.concatenate([f.covariance for f in found])
    variance = np.concatenate([f.variance for f in found])
    if not (variance.mean(axis=0) > 1e-12).all():
        return None
    power = np.sum([f.power for f in found], axis=0)
    power = smoothed(power / white_share(), len(means))
    power /= mean_over_plane(power)
    # A share of the variance went with the surface: its six basis functions hold the lowest frequencies.
    given_back = 1.0 / (1.0 - 6.0 * power[:2].mean(axis=0) / PATCH**2)
    tones = [_tones(means[:, c], variance[:, c] * given_back[c]) for c in range(3)]
    summed = covariance.sum(axis=0)
    scale = np.sqrt(np.diag(summed))
    return MeasuredGrain(
        tuple(t[0] for t in tones),
        tuple(t[1] for t in tones),
        ring_frequencies(),
        power,
        summed / np.outer(scale, scale),
        pitch_um,
        len(means),
        len(found),
    )


def _tones(mean: Array, variance: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots of density and deviation: the median variance of each class that has enough patches."""
    classes = np.floor(mean / _TONE).astype(np.intp)
    knots: list[tuple[float, float]] = []
    for tone in np.unique(classes):
        chosen = classes == tone
        if chosen.sum() >= _FEWEST_IN_TONE:
            knots.append((float(mean[chosen].mean()), float(np.sqrt(np.median(variance[chosen])))))
    if not knots:
        knots = [(float(np.median(mean)), float(np.sqrt(np.median(variance))))]
    return tuple(k[0] for k in knots), tuple(k[1] for k in knots)
