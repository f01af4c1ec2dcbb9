"""SDR to HDR and back: how far a picture is from itself after the lift, a file, and the lift's numeric inverse.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.roundtrip [PICTURE ...] [--in-space srgb_tx]

Pictures are SDR (PNG, WebP, EXR ...); without any, one is painted. dE2000 over all pixels of all pictures: mean, 99th
percentile, maximum. Rows: float all the way, through half, through 10-bit PQ (full and narrow range); and, for method
A, back by the report's own forward curve, which is no inverse of its inverse.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from bench.timing import state_machine
from wetgate import read
from wetgate.color.config import ColorConfig
from wetgate.color.curves import pq_decode, pq_encode
from wetgate.color.difference import delta_e_2000, xyz_to_lab
from wetgate.color.hdr import bt2446a
from wetgate.color.hdr.lift import Settings, invert, lift
from wetgate.color.primaries import apply_matrix, rgb_to_xyz
from wetgate.engine.colour import Colour
from wetgate.spec import DISPLAY, Frame, Image

METHODS = ("bt2446a", "bt2446b", "bt2446c", "bt2408", "adaptive")
_MATRIX = rgb_to_xyz("rec2020")


def _half(nits: Image) -> Image:
    return pq_decode(pq_encode(nits).astype(np.float16).astype(np.float32))


def _ten_bits(low: int, high: int) -> Callable[[Image], Image]:
    span = high - low

    def store(nits: Image) -> Image:
        codes = np.clip(np.rint(pq_encode(nits) * span + low), 0, 1023)
        return pq_decode(((codes - low) / span).astype(np.float32))

    return store


STORES: dict[str, Callable[[Image], Image]] = {
    "float": lambda nits: nits,
    "half, linear light": lambda nits: (nits / 100).astype(np.float16).astype(np.float32) * 100,
    "half, PQ code values": _half,
    "10-bit PQ, full range": _ten_bits(0, 1023),
    "10-bit PQ, narrow range": _ten_bits(64, 940),
}


def _apart(a: Image, b: Image) -> np.ndarray:
    labs = [xyz_to_lab(apply_matrix(_MATRIX, rgb), 100.0 * _MATRIX.sum(axis=1)) for rgb in (a, b)]
    return delta_e_2000(*labs).ravel()


def _painted() -> Image:
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:270, 0:480].astype(np.float32)
    base = np.stack([x / 480, y / 270, np.hypot(x - 240, y - 135) / 300], axis=2)
    return np.clip(base + random.normal(0, 0.02, base.shape), 0, 1).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*")
    parser.add_argument("--in-space", default="srgb_display")
    args = parser.parse_args()
    state_machine()
    config = ColorConfig.load()
    space = config.resolve(args.in_space)
    frames = [Frame(f.pixels[..., :3].copy(), space) for p in args.pictures for f in read(p, in_space=args.in_space)]
    frames = frames or [Frame(_painted(), space)]
    light = [Colour(config, space).to(f, DISPLAY).rgb for f in frames]
    print(f"{len(light)} pictures, {sum(p.shape[0] * p.shape[1] for p in light) / 1e6:.1f} million pixels; dE2000")
    print(f"{'method':<10} {'through':<26} {'mean':>8} {'p99':>8} {'max':>8}")
    for method in METHODS:
        settings = Settings(method=method)
        lifted = [lift(p, settings, 2).astype(np.float32) for p in light]
        rows: dict[str, list[np.ndarray]] = {}
        for name, store in STORES.items():
            rows[name] = [_apart(a, invert(settings, 2)(store(b))) for a, b in zip(light, lifted, strict=True)]
        if method == "bt2446a":
            rows["float, report's own way"] = [
                _apart(a, bt2446a.hdr_to_sdr(b).astype(np.float32)) for a, b in zip(light, lifted, strict=True)
            ]
        for name, parts in rows.items():
            every = np.concatenate(parts)
            print(f"{method:<10} {name:<26} {every.mean():8.4f} {np.percentile(every, 99):8.4f} {every.max():8.4f}")


if __name__ == "__main__":
    main()
