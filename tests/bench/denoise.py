"""Denoise beside its peers: noise is added to clean pictures and clips, and everybody cleans the same frames.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.denoise stills DIR [--sigma 15 25 50] [--bm3d 4]
    PYTHONPATH=plugin:tests .venv/bin/python -m bench.denoise clips CLIP ... [--sigma 20 40] [--frames 9]

White Gaussian noise on code values, unclipped for our node and OpenCV's means, rounded to eight bits for ffmpeg, which
knows no other. Wetgate is blind: it measures the noise. A clip is a movie or a folder of pictures; those above 1,000
pixels are halved, which takes their own compression away. PSNR in dB, frames two and more from the ends; excess is the
squared warping error beyond the clean clip's own, in squared 8-bit codes; texture is high-pass energy over the clean
clip's. ``--bm3d N`` runs BM3D (PyPI ``bm3d``) on the first N pictures.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

import wetgate
from bench.timing import state_machine
from wetgate.ops.metrics_temporal import motion_between, warping_error
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


def ours(**params: float) -> Callable[[Clip], Clip]:
    return lambda clip: list(wetgate.nodes.denoise(clip, in_space="srgb_tx", **params))


def opencv_means(sigma: float) -> Callable[[Clip], Clip]:
    """Non-local means over five frames, h at the noise's deviation."""

    def run(clip: Clip) -> Clip:
        codes = [np.clip(np.rint(f * 255), 0, 255).astype(np.uint8) for f in clip]
        made = []
        for i in range(len(codes)):
            if len(codes) < 5 or not 2 <= i < len(codes) - 2:
                made.append(cv2.fastNlMeansDenoisingColored(codes[i], None, sigma, sigma, 7, 21))
            else:
                made.append(cv2.fastNlMeansDenoisingColoredMulti(codes, i, 5, None, sigma, sigma, 7, 21))
        return [m.astype(np.float32) / 255 for m in made]

    return run


def ffmpeg(filters: str) -> Callable[[Clip], Clip]:
    """A filter of the ffmpeg that PyPI's imageio-ffmpeg carries, on 8-bit R'G'B'."""

    def run(clip: Clip) -> Clip:
        import imageio_ffmpeg

        height, width = clip[0].shape[:2]
        raw = b"".join(np.clip(np.rint(f * 255), 0, 255).astype(np.uint8).tobytes() for f in clip)
        pipe = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *pipe, "-i", "-", "-vf", filters, *pipe[:4], "-"]
        made = subprocess.run(command, input=raw, capture_output=True, check=True).stdout
        frames = np.frombuffer(made, np.uint8).reshape(-1, height, width, 3)
        return [f.astype(np.float32) / 255 for f in frames]

    return run


def bm3d(sigma: float, most: int) -> Callable[[Clip], Clip]:
    def run(clip: Clip) -> Clip:
        from bm3d import bm3d_rgb

        return [np.asarray(bm3d_rgb(f.astype(np.float64), sigma / 255), np.float32) for f in clip[:most]]

    return run


def stills(folder: Path, sigmas: Sequence[float], with_bm3d: int) -> None:
    files = sorted(f for f in folder.iterdir() if f.suffix in {".png", ".webp", ".tif"})
    pictures = [np.ascontiguousarray(cv2.imread(str(f))[..., ::-1]).astype(np.float32) / 255 for f in files]
    print(f"{folder.name}: {len(pictures)} pictures, PSNR and seconds a picture")
    for sigma in sigmas:
        given = [noisy([p], sigma)[0] for p in pictures]
        runs: dict[str, tuple[Callable[[Clip], Clip], int]] = {
            "the input": (lambda clip: clip, len(given)),
            "Wetgate, noise measured": (ours(), len(given)),
            "Wetgate, noise told": (ours(sigma=sigma), len(given)),
            "OpenCV non-local means": (opencv_means(sigma), len(given)),
        }
        if with_bm3d:
            few = min(with_bm3d, len(given))
            runs[f"Wetgate, first {few}"] = (ours(), few)
            runs[f"BM3D, first {few}"] = (bm3d(sigma, few), few)
        for name, (run, count) in runs.items():
            began = time.perf_counter()
            made = [run([g])[0] for g in given[:count]]
            pace = (time.perf_counter() - began) / count
            found = np.mean([psnr(m, p) for m, p in zip(made, pictures, strict=False)])
            print(f"  sigma {sigma:4g}  {name:<28} {found:6.2f} dB  {pace:7.2f} s", flush=True)


def clips(sources: Sequence[Path], sigmas: Sequence[float], frames: int) -> None:
    for source in sources:
        clean = read_clip(source, frames)
        height, width = clean[0].shape[:2]
        print(f"{source.name}: {len(clean)} frames of {width}x{height}")
        motions = [motion_between(clean[i - 1] @ LUMA, clean[i] @ LUMA) for i in range(3, len(clean) - 2)]
        for sigma in sigmas:
            given = noisy(clean, sigma)
            strong = f"s={sigma * 0.4:.1f}:p=7:r=15"
            runs: dict[str, Callable[[Clip], Clip]] = {
                "the input": lambda clip: clip,
                "Wetgate, frame by frame": ours(temporal=0.0),
                "Wetgate": ours(),
                "OpenCV means, five frames": opencv_means(sigma),
                f"ffmpeg nlmeans {strong}": ffmpeg(f"nlmeans={strong}"),
                "ffmpeg hqdn3d": ffmpeg(f"hqdn3d={sigma * 0.4:.1f}"),
            }
            for name, run in runs.items():
                began = time.perf_counter()
                made = run(given)
                pace = (time.perf_counter() - began) / len(clean)
                _print_row(sigma, name, clean, made, motions, pace)


def _print_row(sigma: float, name: str, clean: Clip, made: Clip, motions: Sequence[object], pace: float) -> None:
    inside = range(2, len(clean) - 2)
    level = np.mean([psnr(made[i], clean[i]) for i in inside])
    pairs = list(zip(range(3, len(clean) - 2), motions, strict=True))
    excess = [
        max(0.0, warping_error(made[i - 1], made[i], m) - warping_error(clean[i - 1], clean[i], m))  # type: ignore[arg-type]
        for i, m in pairs
    ]
    texture = np.mean([_high(made[i]) / _high(clean[i]) for i in inside])
    print(
        f"  sigma {sigma:4g}  {name:<34} {level:6.2f} dB  excess {np.mean(excess) * 255**2:8.2f}"
        f"  texture {texture:5.2f}  {pace:7.2f} s",
        flush=True,
    )


def _high(picture: Image) -> float:
    return float(np.mean(np.square(picture - cv2.GaussianBlur(picture, (0, 0), 1.5))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["stills", "clips"])
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--sigma", type=float, nargs="+")
    parser.add_argument("--bm3d", type=int, default=0)
    parser.add_argument("--frames", type=int, default=9)
    args = parser.parse_args()
    state_machine()
    if args.what == "stills":
        for folder in args.sources:
            stills(folder, args.sigma or (15, 25, 50), args.bm3d)
    else:
        clips(args.sources, args.sigma or (20, 40), args.frames)


if __name__ == "__main__":
    main()
