"""What a network is tried for before anybody relies on it, with figures: the same for shipped models and users' own.

Seams, colour shift, determinism, range and size are passed or failed, speed is told. It works on pictures that are made
here, so that the same weights give the same figures on every machine, speed aside.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from wetgate.inference.devices import CPU, Device
from wetgate.inference.encodings import Encoding, encoding_of, vst
from wetgate.inference.manifest import Model
from wetgate.inference.restoring import Network
from wetgate.inference.unbounded import MARGIN
from wetgate.spec import Image, ModelError, WetgateError

SCHEMA = "wetgate.conformance/1"
# Tiled against whole, as a share of the trained range: rounding of fp32, of half (11 bits), and of bfloat16 (8 bits)
# through the layers of a network. int8 is exact between tiles but for values that round to the other step.
SEAMS = {"fp32": 1e-5, "fp16": 4e-3, "bf16": 3e-2, "int8": 1e-2}
COLOUR_SHIFT = 0.02  # of the trained range: five 8-bit codes
_SIZE = (96, 168)
_NOISE = vst(0.002, 1e-4)


@dataclass(frozen=True, slots=True)
class Check:
    """One figure: what was measured, the most that passes (None: nothing is demanded), and whether it passed."""

    name: str
    value: float
    limit: float | None
    unit: str
    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of a model on a device in a precision."""

    model: str
    version: int
    sha256: str
    device: str
    precision: str
    runtime: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(c.passed for c in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if not c.passed)

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "passed": self.passed} | asdict(self)


def verdict_from_json(document: Mapping[str, Any]) -> Verdict:
    """The verdict of a stored document. Raises :class:`ModelError` for any other."""
    try:
        if document["schema"] != SCHEMA:
            raise KeyError("schema")
        fields = {n: document[n] for n in ("model", "version", "sha256", "device", "precision", "runtime")}
        return Verdict(**fields, checks=tuple(Check(**c) for c in document["checks"]))
    except (KeyError, TypeError) as error:
        raise ModelError(f"this is no conformance document: {error}", remedy="wetgate models verify") from None


def examine(model: Model, device: Device = CPU, precision: str = "auto") -> Verdict:
    """Try a model. What cannot even be run is a failed check, not an error; a device that is not there is one."""
    net = Network(model, device, precision)
    free = Network(replace(model, hold=None), device, precision)  # what the network does when nothing holds it
    checks: list[Check] = []
    runtime = ""
    for number, trial in enumerate((_sizes, _seams, _colour, _determinism, _range, _speed)):
        try:
            checks.append(trial(free if trial is _colour else net))
            runtime = runtime or str(net.session().facts["runtime"])
        except WetgateError as error:
            checks.append(Check(trial.__name__.strip("_"), float("nan"), None, "", False, error.message()))
            if number == 0:
                break  # it does not run at all: the other trials would only say so again
    return Verdict(
        model.id, model.version, net.weights.sha256, device.name, net.weights.precision, runtime, tuple(checks)
    )


def _run(net: Network, picture: Image, threads: int = 1) -> tuple[Image, Image]:
    """The change in encoded values, and the picture, for a window of the same picture."""
    model = net.model
    encoding = _encoding(model)
    maps = {p.name: [encoding.sigma[0] if p.name == "noise" and encoding.id == "vst" else 0.1] for p in model.maps}  # type: ignore[attr-defined]
    done = net.restore(
        [picture] * model.frames, maps=maps, encoding=encoding, threads=threads, where="the conformance run"
    )
    before = done.picture - done.change
    return encoding.encode(done.picture) - encoding.encode(before), done.picture


def _encoding(model: Model) -> Encoding:
    return _noise_of(model.channels) if model.encoding == "vst" else encoding_of(model.encoding)


def _noise_of(channels: int) -> Encoding:
    return replace(_NOISE, gain=_NOISE.gain[:1] * channels, read=_NOISE.read[:1] * channels)


def _span(model: Model) -> float:
    return model.range[1] - model.range[0]


def _picture(model: Model, height: int = _SIZE[0], width: int = _SIZE[1]) -> Image:
    """Encoded values all over the trained range: waves of every length, steps, and noise; in the working space."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = np.zeros((height, width, model.channels))
    for c in range(model.channels):
        for period in (3.0, 7.3, 19.0, 61.0):
            waves[..., c] += np.sin(2 * np.pi * (x * np.cos(period + c) + y * np.sin(period + c)) / period)
    steps = ((x // 24 + y // 24) % 2)[..., None] - 0.5
    noise = np.random.default_rng(20).normal(0, 0.03, waves.shape)
    tilt = 0.5 + 0.5 * (x / width)[..., None]  # one side is darker: what pools over the whole picture shows in tiles
    shares = np.clip(0.5 + 0.07 * waves + 0.2 * steps + noise, 0, 1) * tilt
    low, high = model.range
    encoded = (low + (high - low) * (0.05 + 0.9 * shares)).astype(np.float32)
    return np.ascontiguousarray(_encoding(model).decode(encoded), np.float32)


def _sizes(net: Network) -> Check:
    """Odd sizes, strips and a single pixel."""
    for height, width in ((1, 1), (1, 37), (61, 3), (33, 47)):
        _run(net, _picture(net.model, height, width))
    return Check("sizes", 0.0, None, "", True, "takes pictures of any size, down to one pixel")


def _seams(net: Network) -> Check:
    """Tiled against whole."""
    model = net.model
    picture = _picture(model)
    side = max(-(-64 // model.multiple) * model.multiple, model.multiple)
    whole, _ = _run(
        Network(replace(model, tile=4096 // model.multiple * model.multiple), net.device, net.weights.precision),
        picture,
    )
    tiled, _ = _run(Network(replace(model, tile=side), net.device, net.weights.precision), picture)
    value = float(np.abs(tiled - whole).max()) / _span(model)
    limit = SEAMS[net.weights.precision]
    return _at_most("seams", value, limit, "of the range", "tiled against whole")


def _colour(net: Network) -> Check:
    """Flat fields and a picture: how far the network alone moves the mean, without the hold."""
    model = net.model
    low, high = model.range
    worst = float(np.abs(_run(net, _picture(model))[0].mean(axis=(0, 1))).max())
    for share in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95):
        for lean in (0.0, 0.15):  # grey, and one channel after another a little higher
            level = np.full(model.channels, low + (high - low) * share)
            level[int(share * 10) % model.channels] += lean * (high - low) * (1 - share)
            flat = np.broadcast_to(level.astype(np.float32), (40, 40, model.channels))
            change, _ = _run(net, np.ascontiguousarray(_encoding(model).decode(np.ascontiguousarray(flat)), np.float32))
            worst = max(worst, float(np.abs(change.mean(axis=(0, 1))).max()))
    return _at_most(
        "colour shift", worst / (high - low), COLOUR_SHIFT, "of the range", "mean of flat fields and a picture"
    )


def _determinism(net: Network) -> Check:
    """The same bits again, and with other numbers of threads."""
    picture = _picture(net.model)
    first, *others = (_run(net, picture, threads)[1] for threads in (1, 1, 2, 3))
    worst = max(float(np.abs(other - first).max()) for other in others)
    limit = 0.0 if not net.device.is_gpu else 1e-3
    return _at_most("determinism", worst, limit, "", "largest difference between runs and numbers of threads")


def _range(net: Network) -> Check:
    """From -0.5 to 1000: finite, and bit for bit where the network was shown a clamped value."""
    picture = _picture(net.model)
    picture[20:26, 30:40] = 40.0
    picture[50:56, 90:100] = 1000.0
    picture[70:76, 20:30] = -0.5
    done = _run(net, picture)[1]
    if net.model.scale != 1:
        value = 0.0 if np.isfinite(done).all() else 1.0
        return _at_most("range", value, 0.0, "", "-0.5 to 1000 stay finite")
    outside = np.zeros(picture.shape[:2], bool)
    v = _encoding(net.model).encode(picture)
    low, high = net.model.range
    margin = MARGIN * (high - low)
    outside |= ((v > high + margin) | (v < low - margin)).all(axis=2)
    changed = np.abs(done - picture)[outside]
    value = float(changed.max()) if changed.size else 0.0
    return _at_most("range", value, 0.0, "", "change of highlights at 40 and 1000 and of negatives")


def _speed(net: Network) -> Check:
    picture = _picture(net.model, 256, 256)
    _run(net, picture)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        _run(net, picture)
        took.append(time.perf_counter() - began)
    value = sorted(took)[1] / (256 * 256) * 1e6
    return Check("speed", value, None, "s a megapixel", True, "one thread, tiles and wrapper included")


def _at_most(name: str, value: float, limit: float, unit: str, text: str) -> Check:
    return Check(name, value, limit, unit, bool(value <= limit), text)


def lines(verdict: Verdict) -> Iterator[str]:
    """The verdict for a person, a line a check."""
    for check in verdict.checks:
        word = "passed" if check.passed else "FAILED"
        figure = "" if check.value != check.value else f"{check.value:.3g}{check.unit and ' ' + check.unit}"
        bound = "" if check.limit is None else f", at most {check.limit:g}"
        text = f" ({check.text})" if figure else check.text
        yield f"{word}  {check.name}: {figure}{bound}{text}"
