"""Deartifact beside ffmpeg's filters, on JPEG stills and on real streams, losses printed.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deartifact stills DIR [--quality 10 20 30 40] [--every]
    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deartifact clips CLIP ... [--frames 9] [--size 512x288] ...
    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deartifact pace CLIP [--threads 2]

``stills``: luma saved as grey JPEG, as the published figures are made; the node with the file's tables in each tier,
the node that finds grid and quality in the pixels, and the network that is told nothing. ``--every`` goes from quality
5 to 95, and saves twice with a shifted grid. Published on Classic5 at 10, 20, 30 and 40: DnCNN-3 29.40 31.63 32.91
33.77, FBCNN 30.12 32.31 33.54 34.35.

``clips``: :mod:`bench.deartifact_clips`; ``--size`` crops the middle, ``--streams CRF`` takes those whose name holds
the text, ``--alone`` leaves ffmpeg's filters out, ``--tier`` takes another network. ``pace``: processor time a frame of
the node's tiers beside ffmpeg's ``nlmeans=s=1.5:p=7:r=9`` on the same H.264 stream, decoding counted for neither.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

import wetgate
import wetgate.nodes
from bench.deartifact_clips import FILTERS, SPACE, TIERS, clips, ffmpeg, pace
from bench.timing import state_machine
from wetgate.damage.jpeg import coded
from wetgate.inference import network
from wetgate.ops.metrics import psnr, psnr_b, ssim
from wetgate.ops.quantiser import UNKNOWN, in_values, jpeg_step, network_quantiser
from wetgate.spec import Frame, Image, registry

TWICE = ((10, 30), (30, 10), (10, 70))


@dataclass(frozen=True)
class Still:
    clean: Image  # (H, W), 0 to 1
    saved: Image
    tables: Sequence[np.ndarray]

    @property
    def step(self) -> float:
        """In values."""
        return float(in_values(jpeg_step(self.tables[0]), full_range=True))

    def by_node(self, told: bool, tier: str = "fast") -> Image:
        height, width = self.saved.shape
        codec = {
            "coding": "jpeg",
            "quantisation": [np.asarray(t).reshape(8, 8) for t in self.tables[:1]],
            "sampling": [(1, 1)],
            "size": (width, height),
        }
        grey = np.ascontiguousarray(np.repeat(self.saved[..., None], 3, axis=2))
        frame = Frame(grey, SPACE, codec=codec if told else {})
        made: Frame = wetgate.run_node(registry.get("deartifact"), frame, threads=1, coherence=0.0, tier=tier)
        return np.asarray(made.rgb[..., 1])

    def by_network(self) -> Image:
        ycc = np.zeros((*self.saved.shape, 3), np.float32)
        ycc[..., 0] = self.saved
        told = network_quantiser(np.asarray((UNKNOWN, UNKNOWN), np.float32))
        return network("deartifact", "fast").restore([ycc], maps={"quantiser": told}, threads=1).picture[..., 0]

    def by(self, filters: str) -> Image:
        height, width = self.saved.shape
        pipe = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}"]
        done = ffmpeg(*pipe, "-i", "-", "-vf", filters, *pipe[:4], "-", given=_bytes(self.saved).tobytes())
        return np.frombuffer(done, np.uint8).reshape(height, width).astype(np.float32) / 255


def saved(grey: np.ndarray, quality: int, first: int = 0) -> Still:
    """A grey picture as JPEG of ``quality``; of ``first`` before that, its grid 4 px right and down of the last one."""
    once = grey
    if first:
        padded = np.pad(grey, ((4, 0), (4, 0)), mode="edge")
        once = np.ascontiguousarray(coded(np.repeat(padded[..., None], 3, 2), first, "444", True)[0][4:, 4:, 0])
    done, tables = coded(np.repeat(once[..., None], 3, 2), quality, "444", True)
    return Still(grey.astype(np.float32) / 255, done[..., 0].astype(np.float32) / 255, tables)


def stills(folder: Path, qualities: Sequence[int], every: bool) -> None:
    files = sorted(f for f in folder.iterdir() if f.suffix in {".png", ".webp", ".bmp", ".tif"})
    greys = [cv2.cvtColor(cv2.imread(str(f)), cv2.COLOR_BGR2GRAY) for f in files]
    print(f"{folder.name}: {len(greys)} pictures, luma: PSNR, PSNR-B (dB), SSIM, seconds a picture")
    for quality in range(5, 96, 5) if every else qualities:
        _rows(f"Q {quality}", [saved(g, quality) for g in greys], not every)
    for first, last in TWICE if every else ():
        _rows(f"Q {first},{last}", [saved(g, last, first) for g in greys], False)


def _rows(name: str, pictures: Sequence[Still], peers: bool) -> None:
    codes = pictures[0].step * 255
    runs: dict[str, Callable[[Still], Image]] = {
        "the input": lambda s: s.saved,
        **{f"node, told, tier {t}": lambda s, t=t: s.by_node(True, t) for t in TIERS},
        "node, blind": lambda s: s.by_node(False),
        "network, told nothing": lambda s: s.by_network(),
    }
    if peers:
        # No side data comes with a still: the quantiser scale that goes with the step, and a quarter of it.
        scales = [min(63, max(1, round(codes / n))) for n in (2, 8)]
        for f in ("deblock", *(f"{name}=qp={qp}" for name in FILTERS[1:3] for qp in scales), FILTERS[-1]):
            runs[f"ffmpeg {f}"] = lambda s, f=f: s.by(f)
    for label, run in runs.items():
        began = time.perf_counter()
        made = [_bytes(run(s)).astype(np.float32) / 255 for s in pictures]
        pace = (time.perf_counter() - began) / len(pictures)
        pairs = [(s.clean, m) for s, m in zip(pictures, made, strict=True)]
        means = [float(np.mean([measure(a, b) for a, b in pairs])) for measure in (psnr, psnr_b, ssim)]
        print(f"  {name:<8} {label:<30} {means[0]:6.2f} {means[1]:6.2f} {means[2]:7.4f} {pace:7.2f} s", flush=True)


def _bytes(picture: Image) -> np.ndarray:
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["stills", "clips", "pace"])
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--quality", type=int, nargs="+", default=[10, 20, 30, 40])
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--frames", type=int, default=9)
    parser.add_argument("--streams", default="")
    parser.add_argument("--size", default="")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--tier", choices=TIERS, default="fast")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    state_machine()
    if args.what == "stills":
        for folder in args.sources:
            stills(folder, args.quality, args.every)
    elif args.what == "clips":
        clips(args.sources, args.frames, not args.alone, args.streams, args.size, args.tier)
    else:
        for source in args.sources:
            pace(source, args.frames, args.threads)


if __name__ == "__main__":
    main()
