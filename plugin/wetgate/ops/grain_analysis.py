"""What grain a film scan has: strength by density, power spectrum per layer and correlation between layers.

Pictures are densities, (H, W, 3). Grain is what is left of flat patches of 64 pixels once a quadratic surface is taken
out of each. A patch is flat where its coarse variation stands to its fine one as grain's does, so pictures of grain
alone are used whole, and no patch is picked for having little grain. What the next frame shows again is texture, and
left out. What the surface takes of the grain is known and given back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.grain_time import held, returning
from wetgate.spec import Image, UsageError

Array = NDArray[np.float64]

PATCH = 64
# Densities outside of this hold no light, or none that film knows: left out.
_RANGE = (-2.0, 4.0)
_TONE = 0.1  # width of a class of density
_BLOCK = 8
# A patch is flat up to this multiple of the ratio that the flattest twentieth has: for grain alone, whose ratio has a
# relative spread of about a fifth, that is three deviations above the mean.
_FLATTEST, _FLAT_UP_TO = 0.05, 2.3
_FEWEST_IN_TONE = 3
# Texture that lies as evenly as grain passes for flat, but not as equal: of the patches of a tone those count whose
# variance is up to this multiple of the weakest tenth's, which is three deviations above the mean of grain alone.
_TEXTURE_TONE, _FEWEST_ALIKE, _WEAKEST, _ALIKE_UP_TO, _ALIKE_AT_ALL = 0.2, 8, 0.1, 2.2, 16.0
# Where that many of a frame's or a shot's flat patches come again in the next frame, the rest is texture that was lost
# from sight. Of two clips of old film 81 and 83 % did, of most clips of cameras 92 to 100 %.
_TEXTURE_ALONE = 0.9
_STILL = 3  # frames in a row that are the same picture again: beyond footage on threes it is texture that stands still
_MOST_PATCHES = 1500  # of one frame
_CLIPPED = 0.02
_SMOOTHING = 60.0


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


@dataclass(frozen=True, slots=True)
class Patches:
    """The flat patches of one frame, by patch and layer: mean density and variance (N, 3), covariance (N, 3, 3), and
    the sum of their periodograms by ring, (K, 3); and how many flat ones were ``texture``, None where nothing told."""

    mean: Array
    variance: Array
    covariance: Array
    power: Array
    texture: int | None = None

    def __len__(self) -> int:
        return len(self.mean)


def measure_frame(density: Image, after: Sequence[Image] = ()) -> Patches:
    """The flat patches of a picture of density (H, W, 3); none where it is smaller than one or has none. ``after`` are
    frames that follow, of which the first that is not the same picture again tells grain from texture."""
    patches, places = _cut(density)
    if not len(patches):
        return _none(None)
    flat = patches.reshape(len(patches), PATCH * PATCH, 3)
    means = flat.mean(axis=1)
    inside = ((means > _RANGE[0]) & (means < _RANGE[1])).all(axis=1) & ~_clipped(flat)
    flat, means, places = flat[inside], means[inside], places[inside]
    basis = _surfaces()
    rest = flat - np.einsum("pk,nkc->npc", basis, np.einsum("pk,npc->nkc", basis, flat))
    rest = rest.reshape(-1, PATCH, PATCH, 3)
    keep = _flat(rest)
    rest, means, places = rest[keep], means[keep], places[keep]
    # Grain lies under everything, so texture has more than it: the weakest of all flat patches say what grain can be,
    # before any is left out.
    alike = _alike(rest, means)
    new, texture = _new(rest, places, [f for f in after if f.shape == density.shape])
    rest, means = rest[alike & new], means[alike & new]
    if not len(rest):
        return _none(texture)
    covariance = np.einsum("nyxc,nyxd->ncd", rest, rest) / (PATCH * PATCH)
    transform = np.fft.rfft2(rest * _window()[..., None], axes=(1, 2))
    periodogram = np.square(np.abs(transform)).sum(axis=0, dtype=np.float64)
    variance = np.einsum("ncc->nc", covariance)
    return Patches(means.astype(np.float64), variance, covariance, _rings(periodogram), texture)


def combine(frames: Iterable[Patches], pitch_um: float) -> MeasuredGrain | None:
    """What the patches of several frames say together; None where there are none, or no grain in them."""
    every = list(frames)
    found = [f for f in every if len(f)]
    told = [(len(f), f.texture) for f in every if f.texture is not None]
    texture = sum(t for _, t in told)
    if not found or texture > _TEXTURE_ALONE * (texture + sum(n for n, _ in told)):
        return None
    means = np.concatenate([f.mean for f in found])
    covariance = np.concatenate([f.covariance for f in found])
    variance = np.concatenate([f.variance for f in found])
    if not (variance.mean(axis=0) > 1e-12).all():
        return None
    power = np.sum([f.power for f in found], axis=0)
    power = _smoothed(power / _white_share(), len(means))
    power /= _mean_over_plane(power)
    # A share of the variance went with the surface: its six basis functions hold the lowest frequencies.
    given_back = 1.0 / (1.0 - 6.0 * power[:2].mean(axis=0) / PATCH**2)
    tones = [_tones(means[:, c], variance[:, c] * given_back[c]) for c in range(3)]
    summed = covariance.sum(axis=0)
    scale = np.sqrt(np.diag(summed))
    return MeasuredGrain(
        tuple(t[0] for t in tones),
        tuple(t[1] for t in tones),
        _ring_frequencies(),
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


def _cut(density: Image) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Patches (N, 64, 64, 3), side by side, or overlapping by half where the picture is small; and their places (N, 2),
    down and across."""
    height, width = density.shape[:2]
    if min(height, width) < PATCH:
        return np.empty((0, PATCH, PATCH, 3), np.float32), np.empty((0, 2), np.intp)
    step = PATCH // 2 if height * width < 300 * PATCH * PATCH else PATCH
    places = [(y, x) for y in range(0, height - PATCH + 1, step) for x in range(0, width - PATCH + 1, step)]
    every = -(-len(places) // _MOST_PATCHES)
    chosen = places[::every]
    return np.stack([density[y : y + PATCH, x : x + PATCH, :3] for y, x in chosen]), np.array(chosen, np.intp)


def _new(
    rest: NDArray[np.float32], places: NDArray[np.intp], after: Sequence[Image]
) -> tuple[NDArray[np.bool_], int | None]:
    """Which patches the frames after do not show again, and how many they do; None where no frame can tell: one that
    is the same picture again does not, a row of them does."""
    grey = rest.mean(axis=3)
    where = [(int(y), int(x)) for y, x in places]
    for frame in after:
        later = np.ascontiguousarray(frame[..., :3].mean(axis=2), np.float32)
        if not held(grey, where, later):
            again = returning(grey, where, later)
            if len(again) and again.mean() > _TEXTURE_ALONE:
                again[:] = True
            return ~again, int(again.sum())
    if len(after) >= _STILL:
        return np.zeros(len(rest), bool), len(rest)
    return np.ones(len(rest), bool), None


def _clipped(flat: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether more than a fiftieth of a patch's samples share its extreme value in some layer: crushed or clipped."""
    low = (flat == flat.min(axis=1, keepdims=True)).mean(axis=1)
    high = (flat == flat.max(axis=1, keepdims=True)).mean(axis=1)
    return np.asarray((np.maximum(low, high) > _CLIPPED).any(axis=1))


def _flat(rest: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which patches hold grain and no picture."""
    if not len(rest):
        return np.zeros(0, bool)
    grey = rest.mean(axis=3)
    side = PATCH // _BLOCK
    coarse = grey.reshape(-1, side, _BLOCK, side, _BLOCK).mean(axis=(2, 4)).var(axis=(1, 2))
    fine = np.square(np.diff(grey, axis=1)[:, :, :-1]).mean(axis=(1, 2))
    fine += np.square(np.diff(grey, axis=2)[:, :-1]).mean(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(fine > 0, coarse / fine, np.inf)
    if not np.isfinite(ratio).any():
        return np.zeros(len(rest), bool)
    return np.asarray(ratio <= _FLAT_UP_TO * np.quantile(ratio[np.isfinite(ratio)], _FLATTEST))


def _alike(rest: NDArray[np.float32], means: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which patches have about as much as the weakest of their tone: so has grain of one film, and texture has not."""
    variance = np.square(rest).mean(axis=(1, 2, 3))
    tone = np.floor(means.mean(axis=1) / _TEXTURE_TONE).astype(np.intp)
    if not len(rest):
        return np.zeros(0, bool)
    # Tones of few patches are held to the picture: four times the deviation is what a film's tones differ by.
    keep = np.asarray(variance <= _ALIKE_AT_ALL * np.quantile(variance, _WEAKEST))
    for one in np.unique(tone):
        chosen = tone == one
        if chosen.sum() >= _FEWEST_ALIKE:
            keep[chosen] = variance[chosen] <= _ALIKE_UP_TO * np.quantile(variance[chosen], _WEAKEST)
    return np.asarray(keep)


def _none(texture: int | None) -> Patches:
    nothing = np.empty((0, 3))
    return Patches(nothing, nothing, np.empty((0, 3, 3)), np.zeros((len(_ring_frequencies()), 3)), texture)


@cache
def _surfaces() -> NDArray[np.float32]:
    """An orthonormal basis of the quadratic surfaces on a patch, (4096, 6)."""
    axis = np.linspace(-1, 1, PATCH)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    basis = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1).reshape(-1, 6)
    return np.linalg.qr(basis)[0].astype(np.float32)


@cache
def _window() -> NDArray[np.float32]:
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
def _ring_frequencies() -> Array:
    """Mean frequency of each ring, cycles a pixel."""
    return _rings(_radius()[..., None])[:, 0]


def _rings(periodogram: Array) -> Array:
    """Mean over each ring, (K, C), of a periodogram (64, 33, C)."""
    index, weights = _ring_index(), _ring_weights()
    kept = index >= 0
    counts = np.bincount(index[kept], weights[kept])
    layers = [
        np.bincount(index[kept], (periodogram[..., c] * weights)[kept]) / counts for c in range(periodogram.shape[2])
    ]
    return np.stack(layers, axis=1)


@cache
def _white_share() -> Array:
    """Share of white noise's power on each ring that the surface leaves, (K, 1): exact, by the basis itself."""
    window = _window().astype(np.float64)
    basis = _surfaces().astype(np.float64).reshape(PATCH, PATCH, 6) * window[..., None]
    taken = np.square(np.abs(np.fft.rfft2(basis, axes=(0, 1)))).sum(axis=2, keepdims=True)
    return 1.0 - _rings(taken) / float((window**2).sum())


def _smoothed(power: Array, patches: int) -> Array:
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


def _mean_over_plane(power: Array) -> Array:
    """Mean of a radial spectrum over the plane of frequencies, (3,): its variance."""
    axis = np.fft.fftfreq(PATCH)
    radius = np.hypot(axis[:, None], axis[None, :]).ravel()
    layers = [np.interp(radius, _ring_frequencies(), power[:, c]).mean() for c in range(power.shape[1])]
    return np.array(layers)
