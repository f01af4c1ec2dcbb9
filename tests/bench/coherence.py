"""Temporal coherence: what a node's results shimmer frame by frame, and fused along the motion.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.coherence CLIP ... [--sigma 20 40] [--frames 9] [--size 448x288]

The node is Denoise without its own averaging in time (``temporal=0``), on clean clips with white noise, told its level,
``coherence`` 0 beside 1 at either radius, and the node with its averaging beside both. A clip is a movie or a folder of
pictures, halved above 1,000 pixels; ``--size`` crops its middle. Excess is the mean squared warping error along the
clean clip's flow, less the clean clip's own, floored at 0 (``wetgate measure -m flicker`` has the same), in squared
8-bit codes. Energy is the high-pass energy against frame by frame, where shimmer is part of it; detail is the high-pass
of the result projected on the clean clip's, against frame by frame: what is left of the picture's own. Frames two and
more from the ends.

Wanted: excess down by 80 %, PSNR no lower, energy 95 % at least. A row that misses one of them says which.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

import wetgate
from bench.denoise import LUMA, Clip, noisy, psnr, read_clip
from bench.timing import state_machine
from wetgate.ops.metrics_temporal import Motion, motion_between, warping_error, warping_excess
from wetgate.ops.motion import luma, motions
from wetgate.spec import Image

FROM_THE_ENDS = 2
KINDS = {
    "frame by frame": {"temporal": 0.0, "coherence": 0.0},
    "fused, radius 1": {"temporal": 0.0, "coherence": 1.0, "coherence_radius": 1},
    "fused, radius 2": {"temporal": 0.0, "coherence": 1.0, "coherence_radius": 2},
    "own averaging in time": {"coherence": 0.0},
    "own averaging, fused": {"coherence": 1.0, "coherence_radius": 1},
}


def fine(picture: Image) -> Image:
    return picture - cv2.GaussianBlur(picture, (0, 0), 1.5)


class Truth:
    """A clean clip and what is measured of it once."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.inside = range(FROM_THE_ENDS, len(clip) - FROM_THE_ENDS)
        self.motions: dict[int, Motion] = {
            i: motion_between(clip[i - 1] @ LUMA, clip[i] @ LUMA) for i in self.inside[1:]
        }
        self.own = self._error(clip)

    def _error(self, clip: Clip) -> float:
        return float(np.mean([warping_error(clip[i - 1], clip[i], m) for i, m in self.motions.items()]))

    def excess(self, made: Clip) -> float:
        return warping_excess(self._error(made), self.own) * 255**2

    def level(self, made: Clip) -> float:
        return float(np.mean([psnr(made[i], self.clip[i]) for i in self.inside]))

    def energy(self, made: Clip) -> float:
        return float(np.mean([np.square(fine(made[i])).mean() for i in self.inside]))

    def detail(self, made: Clip) -> float:
        return float(np.mean([(fine(made[i]) * fine(self.clip[i])).mean() for i in self.inside]))


def rows(clean: Clip, sigma: float) -> None:
    truth, given = Truth(clean), noisy(clean, sigma)
    base: tuple[float, float, float, float] | None = None
    for name, params in KINDS.items():
        began = time.perf_counter()
        made = list(wetgate.nodes.denoise(given, in_space="srgb_tx", sigma=sigma, threads=1, **params))
        pace = (time.perf_counter() - began) / len(clean)
        found = truth.level(made), truth.excess(made), truth.energy(made), truth.detail(made)
        base = base or found
        level, excess, energy, detail = found
        down = 100 * (1 - excess / base[1]) if base[1] else 0.0
        energy, detail = energy / base[2], detail / base[3]
        misses = [
            text for bad, text in ((down < 80, "EXCESS"), (level < base[0], "PSNR"), (energy < 0.95, "ENERGY")) if bad
        ]
        print(
            f"  sigma {sigma:4g}  {name:<24} {level:6.2f} dB  excess {excess:8.2f}, down {down:5.1f} %"
            f"  energy {energy:5.3f}  detail {detail:5.3f}  {pace:6.2f} s  {'' if found is base else ' '.join(misses)}",
            flush=True,
        )


def cost(size: tuple[int, int]) -> None:
    """Seconds of the motion of a pair, both ways, and of fusing five frames."""
    from wetgate.ops.fusion import Part, fuse

    width, height = size
    random = np.random.default_rng(1)
    coarse = random.uniform(0, 1, (height // 8 + 8, width // 8 + 8, 3)).astype(np.float32)
    whole = cv2.resize(coarse, (width + 64, height + 64), interpolation=cv2.INTER_CUBIC)
    parts = []
    for i in range(5):
        picture = np.ascontiguousarray(whole[3 * i : 3 * i + height, 5 * i : 5 * i + width])
        parts.append(Part(picture, picture + np.float32(0.01), picture))
    began = time.perf_counter()
    pair = motions(luma(parts[2].encoded), luma(parts[3].encoded))
    searched = time.perf_counter() - began
    began = time.perf_counter()
    fuse(parts[2], [(parts[k], pair[0]) for k in (0, 1, 3, 4)])
    fused = time.perf_counter() - began
    print(f"{width}x{height}: a pair's motion both ways {searched:.2f} s, five frames fused {fused:.2f} s")


def cropped(clip: Clip, size: Sequence[int]) -> Clip:
    width, height = size
    top, left = (clip[0].shape[0] - height) // 2, (clip[0].shape[1] - width) // 2
    return [np.ascontiguousarray(f[max(top, 0) : top + height, max(left, 0) : left + width]) for f in clip]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="*")
    parser.add_argument("--sigma", type=float, nargs="+", default=[20, 40])
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--size", default="")
    parser.add_argument("--cost", default="", metavar="WIDTHxHEIGHT", help="time the motion and the fusion alone")
    args = parser.parse_args()
    state_machine()
    if args.cost:
        width, height = args.cost.split("x")
        cost((int(width), int(height)))
    for source in args.clips:
        clip = read_clip(source, args.frames)
        if args.size:
            clip = cropped(clip, [int(n) for n in args.size.split("x")])
        print(f"{source.name}: {len(clip)} frames of {clip[0].shape[1]}x{clip[0].shape[0]}")
        for sigma in args.sigma:
            rows(clip, sigma)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
