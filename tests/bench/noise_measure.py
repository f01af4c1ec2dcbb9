"""The blind noise level against the truth, on photographs and clips: every row, wins and losses alike.

    WETGATE_TEST_DATA=... PYTHONPATH=plugin:tests .venv/bin/python -m bench.noise_measure [--every 2] [--only white]

Noise is added to clean pictures, unclipped, and measured from them alone. ``level`` is the rms of the measured
deviation over the picture's own pixels against that of the truth; ``curve`` the mean over pixels of how far the
measured deviation at a pixel's level is from the true one there; ``said`` the error that the measurement gives for
itself. Peer in the same run, on white noise: J. Immerkaer's difference of Laplacians ("Fast noise variance estimation",
Computer Vision and Image Understanding 64(2), 1996), as most tools have it. The first row of each set is no noise at
all: what is read there is the pictures' own, in code values of 255, and adds to all that follow.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from wetgate.damage.camera import demosaiced
from wetgate.ops.noise_measure import measure_noise
from wetgate.spec import Image

Truth = Callable[[Image, int], np.ndarray]
Made = tuple[Image, Truth, Image]  # noisy picture, deviation at the levels of a channel, those levels


def _srgb(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, odd through zero."""
    size = np.abs(light)
    return np.sign(light) * np.where(
        size < 0.0031308, 12.92 * size, 1.055 * np.maximum(size, 1e-9) ** (1 / 2.4) - 0.055
    )


def _light(code: np.ndarray) -> np.ndarray:
    return np.where(code < 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def _white(clean: Image, random: np.random.Generator, sigma: float) -> Made:
    noisy = clean + random.normal(0, sigma / 255, clean.shape)
    return noisy, lambda x, c: np.full(x.shape, sigma / 255), clean


def _photons(clean: Image, random: np.random.Generator, a: float, b: float) -> Made:
    light = _light(clean)
    noisy = light + random.normal(0, 1, clean.shape) * np.sqrt(a * light + b)
    return noisy, lambda x, c: np.sqrt(a * x + b), light


def _encoded(clean: Image, random: np.random.Generator, a: float, b: float) -> Made:
    light = _light(clean)
    noisy = _srgb(light + random.normal(0, 1, clean.shape) * np.sqrt(a * light + b))
    steps = np.linspace(0, 1, 256)
    z = np.linspace(-4, 4, 161)
    weight = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    spread = _srgb(steps[:, None] + np.sqrt(a * steps + b)[:, None] * z)
    mean = spread @ weight
    deviation = np.sqrt(np.square(spread - mean[:, None]) @ weight)
    return noisy, lambda x, c: np.interp(x, mean, deviation), np.interp(light, steps, mean)


def _mosaic(clean: Image, random: np.random.Generator, sigma: float, method: str) -> Made:
    noise = demosaiced(random.normal(0, sigma / 255, clean.shape).astype(np.float32), method)
    return clean + noise, lambda x, c: np.full(x.shape, noise[..., c].std()), clean


def _soft(clean: Image, random: np.random.Generator, sigma: float, blur: float) -> Made:
    import cv2

    noise = cv2.GaussianBlur(random.normal(0, 1, clean.shape).astype(np.float32), (0, 0), blur)
    noise *= sigma / 255 / noise.std()
    return clean + noise, lambda x, c: np.full(x.shape, sigma / 255), clean


KINDS: dict[str, Callable[[Image, np.random.Generator], Made]] = {
    **{f"white {s}": (lambda x, r, s=s: _white(x, r, s)) for s in (5, 10, 15, 25, 50)},
    "photons, linear, a=0.001": lambda x, r: _photons(x, r, 0.001, 2e-5),
    "photons, linear, a=0.01": lambda x, r: _photons(x, r, 0.01, 1e-4),
    "photons, sRGB, a=0.001": lambda x, r: _encoded(x, r, 0.001, 2e-5),
    "photons, sRGB, a=0.01": lambda x, r: _encoded(x, r, 0.01, 1e-4),
    "mosaic bilinear 10": lambda x, r: _mosaic(x, r, 10, "bilinear"),
    "mosaic bilinear 25": lambda x, r: _mosaic(x, r, 25, "bilinear"),
    "mosaic Malvar 10": lambda x, r: _mosaic(x, r, 10, "malvar"),
    "mosaic Malvar 25": lambda x, r: _mosaic(x, r, 25, "malvar"),
    "blurred 0.7 px 10": lambda x, r: _soft(x, r, 10, 0.7),
    "blurred 1.5 px 10": lambda x, r: _soft(x, r, 10, 1.5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture")
    parser.add_argument("--only", default="", help="rows whose name begins so")
    parser.add_argument("--sets", default="Kodak24,McMaster")
    args = parser.parse_args()
    data = Path(os.environ.get("WETGATE_TEST_DATA") or sys.exit("set WETGATE_TEST_DATA to the folder of real pictures"))
    for name in args.sets.split(","):
        pictures = sorted((data / "test" / name).glob("*.webp"), key=lambda p: int(p.stem))[:: args.every]
        _print_set(name, [_read(p) for p in pictures], args.only)
    _print_clips(data, args.only)


def _print_set(name: str, pictures: list[Image], only: str) -> None:
    print(f"\n{name}, {len(pictures)} pictures: error of the level, mean / worst, and signed mean, in percent")
    own = [measure_noise([p]) for p in pictures]
    read = [float(m.deviation().mean() * 255) for m in own if m is not None]
    print(f"{'no noise: what is read':<28} {np.mean(read):6.2f} / {np.max(read):6.2f} of 255")
    for kind, make in KINDS.items():
        if not kind.startswith(only):
            continue
        began = time.perf_counter()
        rows, peer = [], []
        for index, clean in enumerate(pictures):
            noisy, truth, levels = make(clean, np.random.default_rng(index))
            rows.append(_compared([noisy.astype(np.float32)], truth, levels))
            if kind.startswith("white"):
                true = float(truth(levels[:1, :1, 0], 0)[0, 0])
                peer.append(_immerkaer(noisy) / true - 1)
        print(_row(kind, np.array(rows), (time.perf_counter() - began) / len(pictures)), flush=True)
        if peer:
            off = 100 * np.array(peer)
            mean, worst, signed = np.abs(off).mean(), np.abs(off).max(), off.mean()
            print(f"{'  Immerkaer there':<28} {mean:6.1f} / {worst:6.1f}   {signed:+6.1f}", flush=True)


def _print_clips(data: Path, only: str) -> None:
    """Three neighbouring frames of clips, white noise: single frames beside differences over time."""
    import cv2

    clips = [p for p in sorted((data / "video_train").glob("*")) if p.is_dir()]
    print("\nclips, 3 frames, white noise: error of the level in percent, single frames / over time / the one to use")
    for clip in clips:
        frames = []
        for file in sorted(p for p in clip.iterdir() if p.suffix in (".png", ".webp", ".jpg", ".jpeg"))[10:13]:
            frames.append(cv2.imread(str(file))[..., ::-1].astype(np.float32) / 255)
        if len(frames) < 3:
            continue
        for sigma in (5, 20, 40):
            if not f"white {sigma}".startswith(only):
                continue
            random = np.random.default_rng(sigma)
            noisy = [(f + random.normal(0, sigma / 255, f.shape)).astype(np.float32) for f in frames]
            found = measure_noise(noisy)
            assert found is not None
            assert found.temporal is not None
            off = [
                100 * (np.mean([c.deviation.mean() for c in curves]) * 255 / sigma - 1)
                for curves in (found.curves, found.temporal, found.best)
            ]
            print(f"{clip.name + f', white {sigma}':<40} {off[0]:+6.1f} / {off[1]:+6.1f} / {off[2]:+6.1f}")


def _compared(frames: list[Image], truth: Truth, levels: Image) -> tuple[float, float, float]:
    """Relative error of the level, mean relative error of the curve, and the error that was said, over channels."""
    found = measure_noise(frames)
    if found is None:
        return np.nan, np.nan, np.nan
    level, curve, said = [], [], []
    for channel, measured in enumerate(found.curves):
        at = np.asarray(levels[::3, ::3, channel], np.float64).ravel()
        true, read = truth(at, channel), measured.deviation_at(at)
        level.append(np.sqrt(np.mean(read**2) / np.mean(true**2)) - 1)
        curve.append(np.mean(np.abs(read / true - 1)))
        said.append(measured.error)
    return float(np.mean(level)), float(np.mean(curve)), float(np.mean(said))


def _immerkaer(noisy: Image) -> float:
    """Mean over channels of sqrt(pi / 2) mean |x * N| / 6, N the difference of two Laplacians."""
    import cv2

    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    return float(np.sqrt(np.pi / 2) * np.abs(cv2.filter2D(noisy.astype(np.float32), -1, mask)[1:-1, 1:-1]).mean() / 6)


def _row(kind: str, rows: np.ndarray, seconds: float) -> str:
    level, curve, said = 100 * rows.T
    return (
        f"{kind:<28} {np.abs(level).mean():6.1f} / {np.abs(level).max():6.1f}   {level.mean():+6.1f}"
        f"   curve {curve.mean():5.1f}   said {said.mean():4.1f}   {seconds:5.2f} s a picture"
    )


def _read(path: Path) -> Image:
    import cv2

    return cv2.imread(str(path))[..., ::-1].astype(np.float32) / np.float32(255)


if __name__ == "__main__":
    main()
