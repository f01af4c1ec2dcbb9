"""Denoise on clips beside its peers: noise is added to clean frames, and everybody cleans the same ones.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.denoise_clips CLIP ... [--sigma 20 40] [--frames 9]
        [--size 448x288] [--vapoursynth PYTHON] [--bm3d] [--only NAME ...] [--card]

White Gaussian noise on code values, unclipped (rounded to eight bits for ffmpeg and OpenCV, which know no other here).
Peers are told its strength; Wetgate measures it, but where a row says that it was told. A clip is a movie or a folder
of pictures, halved above 1,000 pixels, which takes its own compression away; ``--size`` crops the middle. PSNR in dB,
mean over frames two and more from the ends; excess is the mean squared warping error along the clean clip's flow beyond
the clean clip's own, in squared 8-bit codes, and "down" what of it is gone against our own node frame by frame; texture
is high-pass energy over the clean clip's; seconds are processor time a frame, all on one thread. V-BM3D is
VapourSynth's plug-in, run by the interpreter that ``--vapoursynth`` names; BM3D (``--bm3d``) cleans the middle frame
alone, so its excess is not known. ffmpeg's nlmeans runs at two thirds of the noise's deviation, near the best of five
strengths that were tried on one clip; OpenCV's at the deviation.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bench import cards
from bench.coherence import Truth, cropped, fine
from bench.denoise import Clip, noisy, ours, psnr, read_clip
from bench.noise_peers import bm3d, ffmpeg, opencv_means, vbm3d
from bench.timing import state_machine
from wetgate import resources

ALONE, DEFAULT = "Wetgate, frame by frame", "Wetgate"
COLUMNS = ("who", "PSNR", "of each clip", "excess", "down", "texture", "seconds a frame")
GAIN, DOWN = 1.5, 80.0  # dB over frame by frame and per cent of the excess that are asked of the default


@dataclass(frozen=True)
class Row:
    """One cleaner on one clip; ``excess`` is nan where single frames were cleaned."""

    level: float
    excess: float
    texture: float
    seconds: float


def cleaners(sigma: float, vapoursynth: Path | None, with_bm3d: bool) -> dict[str, Callable[[Clip], Clip]]:
    made: dict[str, Callable[[Clip], Clip]] = {
        "the input": lambda clip: clip,
        ALONE: ours(temporal=0.0, coherence=0.0, threads=1),
        "Wetgate, along motion, not fused": ours(coherence=0.0, threads=1),
        DEFAULT: ours(threads=1),
        "Wetgate, noise told": ours(sigma=sigma, threads=1),
        "Wetgate, fine": ours(tier="fine", threads=1),
        "OpenCV non-local means, five frames": opencv_means(sigma),
        "ffmpeg nlmeans p=7 r=15": ffmpeg(f"nlmeans=s={sigma * 2 / 3:.1f}:p=7:r=15"),
        "ffmpeg hqdn3d": ffmpeg(f"hqdn3d={sigma * 0.4:.1f}"),
    }
    if vapoursynth is not None:
        made["V-BM3D, VapourSynth"] = vbm3d(sigma, vapoursynth)
    if with_bm3d:
        made["BM3D, middle frame"] = lambda clip: bm3d(sigma, 1)([clip[len(clip) // 2]])
    return made


def measured(truth: Truth, name: str, run: Callable[[Clip], Clip], given: Clip) -> Row:
    before = sum(os.times()[:4])
    made = run(given)
    spent = (sum(os.times()[:4]) - before) / len(made)
    if len(made) == 1:
        clean = truth.clip[len(given) // 2]
        texture = float(np.square(fine(made[0])).mean() / np.square(fine(clean)).mean())
        return Row(psnr(made[0], clean), float("nan"), texture, spent)
    return Row(truth.level(made), truth.excess(made), truth.energy(made) / truth.energy(truth.clip), spent)


def lines_of(sigma: float, found: dict[str, list[Row]]) -> list[str]:
    """The table of one strength, and what is lost in it."""

    def mean(name: str, what: str) -> float:
        return float(np.mean([getattr(row, what) for row in found[name]]))

    rows = []
    for name, of_clips in found.items():
        excess = mean(name, "excess")
        down = 100 * (1 - excess / mean(ALONE, "excess")) if ALONE in found and mean(ALONE, "excess") > 0 else np.nan
        each = " / ".join(f"{row.level:.2f}" for row in of_clips)
        known = np.isfinite(excess) and name != "the input"
        rows.append(
            [
                name,
                f"{mean(name, 'level'):.2f}",
                each,
                f"{excess:.1f}" if np.isfinite(excess) else "-",
                f"{down:.0f} %" if known else "-",
                f"{mean(name, 'texture'):.2f}",
                f"{mean(name, 'seconds'):.2f}",
            ]
        )
    lines = [f"Noise of {sigma:g}:", "", *cards.table(COLUMNS, rows)]
    if DEFAULT not in found or ALONE not in found:
        return lines
    lost = []
    gain = mean(DEFAULT, "level") - mean(ALONE, "level")
    if gain < GAIN:
        lost.append(f"it gains {gain:.2f} dB over frame by frame, where {GAIN:g} are asked for")
    down = 100 * (1 - mean(DEFAULT, "excess") / mean(ALONE, "excess"))
    if down < DOWN:
        lost.append(f"its excess is down by {down:.0f} %, where {DOWN:g} are asked for")
    for name in found:
        if name.startswith(("Wetgate", "the input")):
            continue
        for what, better, words in (("level", 1, "PSNR"), ("excess", -1, "excess"), ("seconds", -1, "speed")):
            theirs, own = mean(name, what), mean(DEFAULT, what)
            if np.isfinite(theirs) and better * (theirs - own) > 0.005:
                lost.append(f"{name} is ahead in {words} ({theirs:.2f} against {own:.2f})")
    return [*lines, "", "Where Wetgate loses: " + ("; ".join(lost) + "." if lost else "nowhere in this table.")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--sigma", type=float, nargs="+", default=[20, 40])
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--size", default="")
    parser.add_argument("--vapoursynth", type=Path)
    parser.add_argument("--bm3d", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], help="rows whose names begin so")
    parser.add_argument("--card", action="store_true", help="put the tables into the card of denoise_fast")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    state_machine()
    if args.frames < 6:
        parser.error(f"--frames is {args.frames}; excess needs 6 at least: two neighbours, each two frames from an end")
    truths = {}
    for source in args.clips:
        clip = read_clip(source, args.frames)
        truths[source.stem] = Truth(cropped(clip, [int(n) for n in args.size.split("x")]) if args.size else clip)
    size = next(iter(truths.values())).clip[0].shape
    lines = [f"{', '.join(truths)}; {args.frames} frames of each, {size[1]}x{size[0]}."]
    for sigma in args.sigma:
        found: dict[str, list[Row]] = {}
        for name, run in cleaners(sigma, args.vapoursynth, args.bm3d).items():
            if args.only and not name.startswith(tuple(args.only)):
                continue
            for clip_name, truth in truths.items():
                row = measured(truth, name, run, noisy(truth.clip, sigma))
                found.setdefault(name, []).append(row)
                print(f"  sigma {sigma:g}  {name:<36} {clip_name:<20} {row.level:6.2f} dB  excess {row.excess:8.2f}"
                      f"  texture {row.texture:5.2f}  {row.seconds:6.2f} s", flush=True)  # fmt: skip
        lines += ["", *lines_of(sigma, found)]
    print("\n".join(lines))
    if args.card:
        options = [f"--size {args.size}"] * bool(args.size) + ["--vapoursynth PYTHON"] * bool(args.vapoursynth)
        options = [f"--frames {args.frames}", *options, *["--bm3d"] * args.bm3d, "--card"]
        command = f"python -m bench.denoise_clips CLIP ... {' '.join(options)}"
        cards.put(resources.folder("models") / "cards/denoise_fast.md", "clips", lines, command)


if __name__ == "__main__":
    main()
