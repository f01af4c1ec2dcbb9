"""The deblurring networks beside their peers, where blur differs over the frame and where things move.

    PYTHONPATH=.:plugin:tests .venv/bin/python -m bench.deblur_network pictures FOLDER [--most N] [--noise 0.005]
    PYTHONPATH=.:plugin:tests .venv/bin/python -m bench.deblur_network clips CLIP... [--most N]
    PYTHONPATH=.:plugin:tests .venv/bin/python -m bench.deblur_network speed

``pictures``: the middle of clean pictures is blurred in linear light, evenly or by five PSFs that pass into one another
from left to right, and noise is added. ``clips``: frames exposed for as long as three or five of them, from what lies
between them along the flow (:mod:`models.train.shutter`; clips reduced twofold); needs clips that were not trained on.
PSNR in dB after the sRGB curve, mean over the pictures, as a gain over the input.

Peers: an unsharp mask and scikit-image's Richardson-Lucy with the true PSF, or where it varies the mean of those that
there are; both in linear light, both the best of many settings for the very picture. ``psf``: Deblur as it measures the
blur itself, one PSF for the frame (by place: :mod:`bench.deblur_places`).
``fast``, ``fine``: Deblur with ``method=network``, told nothing. A row ``sharp`` is of
pictures that nothing was done to: there the figure is the PSNR to the input, and 99 means no change.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from models.train.shutter import Shuttered
from skimage import restoration

import wetgate
from bench.timing import state_machine
from wetgate.color.curves import srgb_decode, srgb_encode
from wetgate.ops.blur import Kernel, convolve, disc, gaussian, motion
from wetgate.spec import Image

SPACE = "ACEScg"  # the working space: numbers go through as they are
SIDE = 256
PARTS = 5
QUALITIES = ("fast", "fine")
Psfs = Callable[[float], Kernel]

CASES: dict[str, tuple[Psfs, bool]] = {
    "disc 1.5": (lambda share: disc(1.5), False),
    "disc 3": (lambda share: disc(3), False),
    "Gaussian 1.5": (lambda share: gaussian(1.5), False),
    "motion 9": (lambda share: motion(9, 30), False),
    "disc 0 to 4": (lambda share: disc(4 * share), True),
    "motion 0 to 16": (lambda share: motion(max(16 * share, 0.01), 30), True),
    "motion turns": (lambda share: motion(9, 180 * share), True),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.deblur_network", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["pictures", "clips", "speed"])
    parser.add_argument("data", type=Path, nargs="*")
    parser.add_argument("--most", type=int, default=6, help="pictures of a folder, frames of a clip")
    parser.add_argument("--noise", type=float, default=0.005, help="of white, in linear light")
    parser.add_argument("--out", type=Path, help="folder for pictures to look at")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    state_machine()
    if given.what == "pictures":
        for folder in given.data:
            pictures(folder, given.most, given.noise, given.out)
    elif given.what == "clips":
        for folder in given.data:
            clips(folder, given.most, given.out)
    else:
        speed()


def pictures(folder: Path, most: int, noise: float, out: Path | None) -> None:
    lights = [middle(file) for file in sorted(folder.iterdir()) if file.suffix in {".png", ".webp"}][:most]
    print(f"{folder.name}: {len(lights)} pictures, noise {noise:.1%} of white")
    _header()
    ways: tuple[dict[str, str], ...] = ({"method": "auto"}, *({"method": "network", "quality": q} for q in QUALITIES))
    to_input = [np.mean([psnr(light, made(light, **way)) for light in lights]) for way in ways]
    print(
        f"{'sharp':16s} {'':6s} {'':8s} {'':8s} " + " ".join(f"{p:8.2f}" for p in to_input) + "   (PSNR to the input)"
    )
    for name, (psf_of, varies) in CASES.items():
        rows = []
        for seed, light in enumerate(lights):
            grain = np.random.default_rng(seed).standard_normal(light.shape).astype(np.float32)
            shown = blurred(light, psf_of, varies) + np.float32(noise) * grain
            mean = mean_psf(psf_of) if varies else psf_of(1.0)
            rows.append(_row(light, shown, mean, f"{name.replace(' ', '_')}_{seed}", out))
        _print(name, rows)


def clips(folder: Path, most: int, out: Path | None) -> None:
    for window in (2, 4):
        pairs = Shuttered([folder], [window], 2)
        chosen = np.linspace(0, len(pairs) - 1, min(most, len(pairs))).astype(int)
        rows = [_row(*pairs.pair(int(n)), None, f"{folder.name}_{window}_{n}", out) for n in chosen]
        if window == 2:
            _header()
        _print(f"{folder.name[:11]} {window}", rows)


def _row(light: Image, shown: Image, psf: Kernel | None, name: str, out: Path | None) -> list[float]:
    results = {
        "unsharp": best(light, unsharp(shown)),
        "RL": best(light, richardson_lucy(shown, psf)) if psf is not None else shown,
        "psf": made(shown, quality="fast", variation="even"),
        **{tier: made(shown, method="network", quality=tier) for tier in QUALITIES},
    }
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        strip = np.concatenate([shown, *results.values(), light], axis=1)
        codes = np.rint(255 * np.clip(srgb_encode(strip), 0, 1)).astype(np.uint8)
        cv2.imwrite(str(out / f"{name}.png"), codes[..., ::-1])
    before = psnr(light, shown)
    return [before, *(psnr(light, picture) - before for picture in results.values())]


def _header() -> None:
    print(f"{'':16s} {'input':>6s} {'unsharp':>8s} {'RL':>8s} {'psf':>8s}", *(f"{tier:>8s}" for tier in QUALITIES))


def _print(name: str, rows: list[list[float]]) -> None:
    first, *gains = np.mean(rows, axis=0)
    least = min(row[-1] for row in rows)
    print(f"{name:16s} {first:6.2f} " + " ".join(f"{g:+8.2f}" for g in gains) + f"   least {least:+.2f}", flush=True)


def made(light: Image, **params: object) -> Image:
    return wetgate.nodes.deblur(light, in_space=SPACE, **params)


def blurred(light: Image, psf_of: Psfs, varies: bool) -> Image:
    if not varies:
        return convolve(light, psf_of(1.0))
    place = np.linspace(0, PARTS - 1, light.shape[1], dtype=np.float32)
    total = np.zeros_like(light)
    for part in range(PARTS):
        weight = np.clip(1 - np.abs(place - part), 0, 1)[None, :, None]
        total += weight * convolve(light, psf_of(part / (PARTS - 1)))
    return total


def mean_psf(psf_of: Psfs) -> Kernel:
    psfs = [psf_of(part / (PARTS - 1)) for part in range(PARTS)]
    side = max(max(p.shape) for p in psfs)
    padded = [np.pad(p, [((side - n) // 2,) * 2 for n in p.shape]) for p in psfs]
    return np.mean(padded, axis=0)


def unsharp(light: Image) -> Iterator[Image]:
    yield light
    for sigma in (0.7, 1.0, 1.5, 2.5, 4.0):
        detail = light - cv2.GaussianBlur(light, (0, 0), sigma)
        for amount in (0.25, 0.5, 1.0, 1.5, 2.5, 4.0):
            yield light + np.float32(amount) * detail


def richardson_lucy(light: Image, psf: Kernel) -> Iterator[Image]:
    yield light
    py, px = 2 * psf.shape[0], 2 * psf.shape[1]
    held = cv2.copyMakeBorder(np.maximum(light, 0), py, py, px, px, cv2.BORDER_REFLECT).astype(np.float64)
    for count in (2, 5, 10, 20, 40):
        planes = [restoration.richardson_lucy(held[..., c], psf, count, clip=False) for c in range(3)]
        yield np.stack(planes, axis=2)[py:-py, px:-px].astype(np.float32)


def best(truth: Image, candidates: Iterator[Image]) -> Image:
    return max(candidates, key=lambda picture: psnr(truth, picture))


def middle(file: Path) -> Image:
    codes = cv2.imread(str(file), cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / np.float32(255)
    y, x = ((n - SIDE) // 2 for n in codes.shape[:2])
    return np.asarray(srgb_decode(codes[y : y + SIDE, x : x + SIDE]), np.float32)


def psnr(truth: Image, picture: Image) -> float:
    apart = srgb_encode(truth) - np.clip(srgb_encode(picture), 0, 1)
    return min(99.0, float(-10 * np.log10(max(np.mean(np.square(apart, dtype=np.float64)), 1e-10))))


def speed() -> None:
    random = np.random.default_rng(1)
    light = cv2.GaussianBlur(random.random((540, 960, 3)).astype(np.float32), (0, 0), 2)
    psf = disc(2)
    rows = {
        "network, fast": lambda: made(light, method="network", quality="fast", noise=0.5),
        "network, fine": lambda: made(light, method="network", quality="fine", noise=0.5),
        "psf, fast": lambda: made(light, kind="defocus", size=2.0, quality="fast", noise=0.5),
        "RL, 30 rounds": lambda: [restoration.richardson_lucy(light[..., c], psf, 30, clip=False) for c in range(3)],
    }
    for name, run in rows.items():
        if name != "RL, 30 rounds":
            run()
        start = time.process_time()
        run()
        print(f"{name:16s} {time.process_time() - start:6.2f} s of processor time for 960x540", flush=True)


if __name__ == "__main__":
    main()
