"""Denoise beside its peers: noise is added to clean pictures and clips, and everybody cleans the same frames.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.denoise stills DIR [--sigma 15 25 50] [--bm3d 4]
    PYTHONPATH=plugin:tests .venv/bin/python -m bench.denoise sizes [--tier draft fast fine] [--size 1920x1080 ...]

White Gaussian noise on code values, unclipped for our node, BM3D and OpenCV's means, rounded to eight bits for ffmpeg,
which knows no other. Wetgate is blind: it measures the noise, and leaves what it takes for film grain unless a row says
"none kept". PSNR in dB. ``--bm3d N`` runs BM3D (PyPI ``bm3d``) on the first N pictures. Clips are
``bench.denoise_clips``' subject. ``sizes`` prints the processor time and the peak memory of one frame of the node,
alone and in a shot, in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

import wetgate
from bench.noise_peers import bm3d, opencv_means
from bench.timing import state_machine
from wetgate.spec import Image

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
Clip = list[Image]


def psnr(a: Image, b: Image) -> float:
    """Peak 1, float64."""
    return float(-10 * np.log10(np.mean(np.square(a.astype(np.float64) - b))))


def read_clip(source: Path, most: int) -> Clip:
    """Frames of a movie or a folder, code values 0 to 1, halved above 1,000 pixels."""
    codes: list[np.ndarray] = []
    if source.is_dir():
        files = sorted(f for f in source.iterdir() if f.suffix in {".jpg", ".png", ".webp"})[:most]
        codes = [cv2.imread(str(f), cv2.IMREAD_COLOR) for f in files]
    else:
        movie = cv2.VideoCapture(str(source))
        while len(codes) < most and (found := movie.read())[0]:
            codes.append(found[1])
    if max(codes[0].shape) > 1000:
        codes = [cv2.resize(c, (c.shape[1] // 2, c.shape[0] // 2), interpolation=cv2.INTER_AREA) for c in codes]
    return [np.ascontiguousarray(c[..., ::-1]).astype(np.float32) / 255 for c in codes]


def noisy(clip: Clip, sigma: float) -> Clip:
    random = np.random.default_rng(1)
    return [f + np.float32(sigma / 255) * random.standard_normal(f.shape).astype(np.float32) for f in clip]


def ours(**params: float | str) -> Callable[[Clip], Clip]:
    return lambda clip: list(wetgate.nodes.denoise(clip, in_space="srgb_tx", **params))


def stills(folder: Path, sigmas: Sequence[float], with_bm3d: int) -> None:
    files = sorted(f for f in folder.iterdir() if f.suffix in {".png", ".webp", ".tif"})
    pictures = [np.ascontiguousarray(cv2.imread(str(f))[..., ::-1]).astype(np.float32) / 255 for f in files]
    print(f"{folder.name}: {len(pictures)} pictures, PSNR and processor seconds a picture")
    for sigma in sigmas:
        given = [noisy([p], sigma)[0] for p in pictures]
        runs: dict[str, tuple[Callable[[Clip], Clip], int]] = {
            "the input": (lambda clip: clip, len(given)),
            "Wetgate, noise measured": (ours(), len(given)),
            "Wetgate, measured, none kept": (ours(keep_grain=0.0), len(given)),
            "Wetgate, noise told": (ours(sigma=sigma), len(given)),
            "Wetgate fine, noise measured": (ours(tier="fine"), len(given)),
            "OpenCV non-local means": (opencv_means(sigma), len(given)),
        }
        if with_bm3d:
            few = min(with_bm3d, len(given))
            runs[f"Wetgate, first {few}"] = (ours(), few)
            runs[f"Wetgate fine, first {few}"] = (ours(tier="fine"), few)
            runs[f"BM3D, first {few}"] = (bm3d(sigma, few), few)
        for name, (run, count) in runs.items():
            before = sum(os.times()[:4])
            made = [run([g])[0] for g in given[:count]]
            pace = (sum(os.times()[:4]) - before) / count
            found = np.mean([psnr(m, p) for m, p in zip(made, pictures, strict=False)])
            print(f"  sigma {sigma:4g}  {name:<28} {found:6.2f} dB  {pace:7.2f} s", flush=True)


def sizes(tiers: Sequence[str], wanted: Sequence[str]) -> None:
    """Of each tier and size: processor seconds of a frame alone and in a shot, and the peak memory of either."""
    print("one thread, noise told; the second and later frames of a shot find the first's work done")
    for size in wanted:
        for tier in tiers:
            for kind in ("alone", "in a shot"):
                command = [sys.executable, "-m", "bench.denoise", "one", "--tier", tier, "--size", size]
                subprocess.run([*command, *(["--shot"] if kind != "alone" else [])], check=True)


def one(tier: str, size: str, shot: bool) -> None:
    width, height = map(int, size.split("x"))
    small = np.random.default_rng(1).uniform(0.1, 0.9, (height // 16 + 2, width // 16 + 2, 3)).astype(np.float32)
    whole = cv2.resize(small, (width + 32, height + 32), interpolation=cv2.INTER_CUBIC)
    clip = [np.ascontiguousarray(whole[2 * i : 2 * i + height, 3 * i : 3 * i + width]) for i in range(7)]
    given = noisy(clip if shot else clip[:1], 20)
    empty = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours(sigma=20, tier=tier, threads=1)([given[0][:64, :64].copy()])
    before = sum(os.times()[:4])
    ours(sigma=20, tier=tier, threads=1, **({} if shot else {"temporal": 0.0, "coherence": 0.0}))(given)
    spent = (sum(os.times()[:4]) - before) / len(given)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    name = f"{size}  {tier:<6} {'7 frames of a shot' if shot else 'a frame alone'}"
    print(f"{name:<40} {spent:7.2f} processor s a frame  peak {peak / 2**20:5.2f} GiB, {empty / 2**20:.2f} before",
          flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["stills", "sizes", "one"])
    parser.add_argument("sources", type=Path, nargs="*")
    parser.add_argument("--sigma", type=float, nargs="+", default=[15, 25, 50])
    parser.add_argument("--bm3d", type=int, default=0)
    parser.add_argument("--tier", nargs="+", default=["draft", "fast", "fine"])
    parser.add_argument("--size", nargs="+", default=["1920x1080", "3840x2160"])
    parser.add_argument("--shot", action="store_true")
    args = parser.parse_args()
    if args.what == "one":
        one(args.tier[0], args.size[0], args.shot)
        return
    state_machine()
    if args.what == "sizes":
        sizes(args.tier, args.size)
    for folder in args.sources:
        stills(folder, args.sigma, args.bm3d)


if __name__ == "__main__":
    main()
