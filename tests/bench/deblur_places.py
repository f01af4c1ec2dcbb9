"""Deblur where blur differs over the frame: PSFs by place beside one PSF, Richardson-Lucy and the network.

    PYTHONPATH=.:plugin:tests .venv/bin/python -m bench.deblur_places pictures FOLDER [--most N] [--side PX] [--out DIR]
    PYTHONPATH=.:plugin:tests .venv/bin/python -m bench.deblur_places clips CLIP... [--window 2] [--every 4] [--out DIR]

``pictures``: the middle of clean pictures is blurred in linear light by PSFs that pass into one another over the frame
(17 of them, drawn by :mod:`bench.deblur` apart from what undoes them), and noise is added. ``sizes``: how far the sizes
that the grid settles on are from the true ones at the cells' middles, px, mean of the absolute errors.

``clips``: of a clip every ``every``-th frame is exposed for ``window`` of them, from what lies between them along the
flow (:mod:`models.train.shutter`; clips reduced twofold), so the shutter angle is 360 window / every. The new clip is
deblurred with ``kind=motion`` and that angle, by one line a frame and by place, and with ``kind=auto``, told nothing.
Its middle frames are compared with those that were not exposed for long, cell by cell.

PSNR in dB after the sRGB curve, mean over the pictures, as a gain over the input. Richardson-Lucy (scikit-image) is
told the mean of the true PSFs and is the best of its iterations for the very picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from models.train.shutter import Shuttered

from bench.deblur import blurred, disc_by_samples, gaussian_by_samples
from bench.deblur_network import best, made, psnr, richardson_lucy
from bench.timing import state_machine
from wetgate.color.curves import srgb_decode, srgb_encode
from wetgate.ops.blur_grid import cells_of, grid_of_frames
from wetgate.spec import Image

PARTS = 17
Shown = Callable[[float], Image]


def across(height: int, width: int) -> Image:
    """0 at the left to 1 at the right."""
    return np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width))


def outwards(height: int, width: int) -> Image:
    """0 in the middle to 1 in the corners."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return (np.hypot(y, x) / np.sqrt(2)).astype(np.float32)


Case = tuple[Callable[[float], Image], Callable[[int, int], Image], float, float]
CASES: Mapping[str, Case] = {
    "disc 0 to 4": (disc_by_samples, across, 0.0, 4.0),
    "disc 1 to 3": (disc_by_samples, across, 1.0, 3.0),
    "corners soft": (gaussian_by_samples, outwards, 0.3, 2.5),
    "disc 2 evenly": (disc_by_samples, across, 2.0, 2.0),
    "sharp": (disc_by_samples, across, 0.0, 0.0),
}
RUNS: Mapping[str, Mapping[str, object]] = {
    "even": {"variation": "even"},
    "auto": {},
    "grid": {"variation": "grid"},
    "network": {"method": "network"},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.deblur_places", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["pictures", "clips"])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=3, help="pictures of a folder, frames of a clip")
    parser.add_argument("--side", type=int, default=384, help="px of the middle")
    parser.add_argument("--noise", type=float, default=0.005, help="of white, in linear light")
    parser.add_argument("--window", type=float, default=2, help="frames that an exposure lasts")
    parser.add_argument("--every", type=int, default=4, help="frames from one exposure to the next")
    parser.add_argument("--quality", default="fine")
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--out", type=Path, help="folder for pictures to look at")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    state_machine()
    for folder in given.data:
        pictures(folder, given) if given.what == "pictures" else clips(folder, given)


def pictures(folder: Path, given: argparse.Namespace) -> None:
    files = [file for file in sorted(folder.iterdir()) if file.suffix in {".png", ".webp"}][: given.most]
    print(f"{folder.name}: {len(files)} pictures, {given.side} px, noise {given.noise:.1%} of white")
    print(f"{'':14s} {'input':>6s} {'RL':>8s} " + " ".join(f"{name:>8s}" for name in RUNS) + "   sizes")
    for name in given.cases:
        rows = [tried(file, seed, name, given) for seed, file in enumerate(files)]
        *figures, off = np.mean(rows, axis=0)
        print(
            f"{name:14s} {figures[0]:6.2f} " + " ".join(f"{g:+7.2f}" for g in figures[1:]) + f"   {off:.2f}", flush=True
        )


def tried(file: Path, seed: int, name: str, given: argparse.Namespace) -> list[float]:
    psf_of, place_of, first, last = CASES[name]
    codes = cv2.imread(str(file), cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / np.float32(255)
    whole = np.asarray(srgb_decode(codes), np.float32)
    top, left = (max(0, n - given.side) // 2 for n in whole.shape[:2])
    middle = slice(top, top + given.side), slice(left, left + given.side)
    light = whole[middle]
    share = place_of(*light.shape[:2])
    shown, psfs = np.zeros_like(light), []
    for part in range(PARTS):
        size = first + (last - first) * part / (PARTS - 1)
        psf = psf_of(size) if size > 0.3 else np.ones((1, 1))
        weight = np.clip(1 - np.abs(share * (PARTS - 1) - part), 0, 1)
        shown += weight[..., None] * blurred(whole, psf)[middle]
        psfs.append((psf, float(weight.mean())))
    noise = np.random.default_rng(seed).standard_normal(light.shape)
    shown = (shown + given.noise * noise).astype(np.float32)
    runs = {n: made(shown, quality=given.quality, **params) for n, params in RUNS.items()}
    rl = best(light, richardson_lucy(shown, mean_of(psfs)))
    keep(given.out, f"{name}_{seed}", [shown, rl, *runs.values(), light])
    before = psnr(light, shown)
    grid = grid_of_frames([shown])
    off = np.nan
    if grid is not None:
        rows, columns = cells_of((light.shape[0], light.shape[1]))
        truth = first + (last - first) * cv2.resize(share, (columns, rows), interpolation=cv2.INTER_AREA)
        off = float(np.abs(grid.settled() - truth).mean())
    return [before, psnr(light, rl) - before, *(psnr(light, picture) - before for picture in runs.values()), off]


def mean_of(psfs: list[tuple[Image, float]]) -> Image:
    side = max(psf.shape[0] for psf, _ in psfs)
    padded = [weight * np.pad(psf, (side - psf.shape[0]) // 2) for psf, weight in psfs]
    return np.sum(padded, axis=0)


def clips(folder: Path, given: argparse.Namespace) -> None:
    pairs = Shuttered([folder], [given.window], 2)
    every = range(0, len(pairs), given.every)
    first = max(0, (len(every) - given.most - 2) // 2)
    chosen = [pairs.pair(n) for n in every[first : first + given.most + 2]]
    sharp, shown = ([pair[i] for pair in chosen] for i in (0, 1))
    angle = 360 * given.window / given.every
    told = {"kind": "motion", "shutter": angle}
    runs = {
        "one line": made(shown, quality=given.quality, variation="even", **told),
        "by place": made(shown, quality=given.quality, **told),
        "kind=auto": made(shown, quality=given.quality),
    }
    numbers = range(1, len(shown) - 1)
    print(f"{folder.name}: {len(numbers)} frames in {len(shown)}, shutter of {angle:.0f} degrees", flush=True)
    for name, frames in runs.items():
        gain = np.mean([psnr(sharp[n], frames[n]) - psnr(sharp[n], shown[n]) for n in numbers])
        cells = np.concatenate([by_cell(sharp[n], shown[n], frames[n]) for n in numbers])
        worst, median, most = np.percentile(cells, (2, 50, 98))
        print(
            f"  {name:10s} {gain:+.2f} dB; by cell {cells.mean():+.2f}, from {worst:+.2f} over {median:+.2f} to"
            f" {most:+.2f}; {np.mean(cells < -0.1):.0%} of the cells lose more than 0.1 dB",
            flush=True,
        )
    for n in numbers:
        keep(given.out, f"{folder.name}_{n}", [shown[n], *(frames[n] for frames in runs.values()), sharp[n]])


def by_cell(truth: Image, shown: Image, picture: Image) -> list[float]:
    size = truth.shape[0], truth.shape[1]
    rows, columns = (np.array_split(np.arange(n), count) for n, count in zip(size, cells_of(size), strict=True))
    cells = [(slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)) for y in rows for x in columns]
    return [psnr(truth[cell], picture[cell]) - psnr(truth[cell], shown[cell]) for cell in cells]


def keep(folder: Path | None, name: str, strip: list[Image]) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        codes = np.rint(255 * np.clip(srgb_encode(np.concatenate(strip, axis=1)), 0, 1)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{name.replace(' ', '_')}.png"), codes[..., ::-1])


if __name__ == "__main__":
    main()
