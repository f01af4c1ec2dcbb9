"""How fast and how exact the shipped networks are in each precision, and how long peers take on the same frame.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.inference PICTURES [--model denoise_fast] [--size 960x540]
        [--runs 5] [--most 24] [--threads 1] [--peers] [--profile] [--card]

``seconds`` is the median of runs taken in turn on the wall clock; ``processor`` the least processor time of one, which
other work on the machine moves less: ratios are of that. PSNR is against ONNX Runtime in FP32, mean over PICTURES with
white noise at 15, 25 and 50 of 255, unclipped, its strength told. ``--peers`` times them on the first picture, brought
to the size (BM3D on a sixteenth of it, times sixteen). ``--profile`` prints each step of the INT8 graph.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from bench import cards
from bench.denoise import ours, psnr
from bench.noise_peers import bm3d, ffmpeg, opencv_means
from bench.timing import state_machine
from wetgate import resources
from wetgate.inference.catalogue import shipped
from wetgate.inference.devices import CPU
from wetgate.inference.manifest import Model
from wetgate.inference.sessions import Session, session_of
from wetgate.inference.tiling import reflected
from wetgate.spec import Image

SIGMAS = (15, 25, 50)


def sessions(model: Model, threads: int) -> dict[str, Session]:
    """By name: each file of the model in the runtimes that can run it; ONNX Runtime in FP32 first."""
    made = {}
    for precision, weights in model.weights.items():
        for runtime in ("onnx", "torch"):
            if (precision, runtime) == ("bf16", "onnx"):
                continue  # its CPU provider has no kernels for it
            tried = replace(model, weights={precision: replace(weights, runtime=runtime)})
            label = f"{precision.upper()}, {'ONNX Runtime' if runtime == 'onnx' else 'torch'}"
            made[label] = session_of(tried, CPU, precision=precision, threads=threads)
    return made


def maps_of(picture: Image, sigma: float, multiple: int, seed: int) -> tuple[Image, np.ndarray]:
    """A noisy picture and the network's input for it, continued to whole multiples."""
    noise = np.random.default_rng(seed).standard_normal(picture.shape, np.float32) * np.float32(sigma / 255)
    noisy = picture + noise
    height, width = picture.shape[:2]
    rows = reflected(0, -(-height // multiple) * multiple, height)
    columns = reflected(0, -(-width // multiple) * multiple, width)
    maps = np.zeros((1, 7, len(rows), len(columns)), np.float32)
    maps[0, :3] = noisy[rows][:, columns].transpose(2, 0, 1)
    maps[0, 3:6] = sigma / 255
    return noisy, maps


def speeds(runs: dict[str, Callable[[], object]], times: int) -> dict[str, tuple[float, float]]:
    """Median seconds and least processor seconds of each, taken in turn after one that is not counted."""
    wall: dict[str, list[float]] = {name: [] for name in runs}
    busy: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(times + 1):
        for name, run in runs.items():
            began, before = time.perf_counter(), sum(os.times()[:4])
            run()
            if index:
                wall[name].append(time.perf_counter() - began)
                busy[name].append(sum(os.times()[:4]) - before)
    return {name: (float(np.median(wall[name])), min(busy[name])) for name in runs}


def losses(made: dict[str, Session], model: Model, pictures: Sequence[Image]) -> dict[str, list[float]]:
    """PSNR of each session at each sigma."""
    found: dict[str, list[float]] = {name: [] for name in made}
    for sigma in SIGMAS:
        levels: dict[str, list[float]] = {name: [] for name in made}
        for seed, picture in enumerate(pictures):
            noisy, maps = maps_of(picture, sigma, model.multiple, seed)
            height, width = picture.shape[:2]
            for name, session in made.items():
                residual = np.asarray(session.run(maps))[0, :, :height, :width].transpose(1, 2, 0)
                levels[name].append(psnr(noisy + residual, picture))
        for name, values in levels.items():
            found[name].append(float(np.mean(values)))
    return found


def peers(frame: Image, sigma: float) -> list[list[str]]:
    """Seconds that peers and our node need for a frame with noise."""
    height, width = frame.shape[:2]
    noisy = frame + np.random.default_rng(1).standard_normal(frame.shape, np.float32) * np.float32(sigma / 255)
    clip = [noisy] * 5
    part = [noisy[: height // 4, : width // 4].copy()]
    runs: dict[str, tuple[Callable[[], object], float]] = {
        "Wetgate node, one frame alone, noise told": (lambda: ours(sigma=sigma, temporal=0.0)(clip[:1]), 1),
        "ffmpeg nlmeans s=8 p=7 r=15": (lambda: ffmpeg("nlmeans=s=8:p=7:r=15")(clip), 5),
        "ffmpeg owdenoise": (lambda: ffmpeg(f"owdenoise=ls={sigma * 0.5:g}:cs={sigma * 0.5:g}")(clip), 5),
        "ffmpeg hqdn3d": (lambda: ffmpeg(f"hqdn3d={sigma * 0.4:.1f}")(clip), 5),
        "OpenCV non-local means, one frame": (lambda: opencv_means(sigma)(clip[:1]), 1),
        "BM3D (a sixteenth of the frame, times 16)": (lambda: bm3d(sigma, 1)(part), 1 / 16),
    }
    rows = []
    for name, (run, frames) in runs.items():
        began, before = time.perf_counter(), sum(os.times()[:4])
        run()
        wall, busy = time.perf_counter() - began, sum(os.times()[:4]) - before
        rows.append([name, f"{wall / frames:.3f}", f"{busy / frames:.3f}"])
        print("  ".join(rows[-1]), flush=True)
    return rows


def profile(session: Session, maps: np.ndarray) -> None:
    """Processor milliseconds of each step of a torch graph, the least of four runs."""
    import torch

    graph = session._graph
    least: dict[int, float] = {}
    with torch.inference_mode():
        x = torch.from_numpy(maps).contiguous(memory_format=torch.channels_last)
        for _ in range(4):
            values = {**graph._constants, graph._input: x}
            for number, (operator, names, attributes, outputs) in enumerate(graph._steps):
                began = time.thread_time()
                made = operator([values[n] if n else None for n in names], attributes)
                spent = time.thread_time() - began
                least[number] = min(least.get(number, spent), spent)
                values[outputs[0]] = made
                if number not in shapes:
                    shapes[number] = tuple(made.shape)
    total = sum(least.values())
    for number, (operator, *_) in enumerate(graph._steps):
        name = getattr(operator, "__name__", type(operator).__name__).strip("_")
        print(f"  {number:3d} {name:<16} {shapes[number]!s:<22} {1e3 * least[number]:7.2f} ms")
    print(f"      all {'':<36} {1e3 * total:7.2f} ms")


shapes: dict[int, tuple[int, ...]] = {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--model", default="denoise_fast")
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--most", type=int, default=24)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--card", action="store_true", help="put the tables into the model's card")
    args = parser.parse_args()
    state_machine()
    (model,) = [m for m in shipped() if m.id == args.model]
    width, height = map(int, args.size.split("x"))
    files = sorted(f for f in args.pictures.iterdir() if f.suffix in {".png", ".webp", ".tif"})[: args.most]
    pictures = [np.ascontiguousarray(cv2.imread(str(f))[..., ::-1]).astype(np.float32) / 255 for f in files]
    frame = np.ascontiguousarray(cv2.resize(pictures[0], (width, height), interpolation=cv2.INTER_AREA))
    made = sessions(model, args.threads)
    _, maps = maps_of(frame, 25, model.multiple, 0)
    if args.profile:
        profile(made["INT8, torch"], maps)
    paces = speeds({name: (lambda s=s: s.run(maps)) for name, s in made.items()}, args.runs)
    first = next(iter(paces))
    found = losses(made, model, pictures)
    rows = []
    for name, (wall, busy) in paces.items():
        ratio = paces[first][1] / busy
        change = " / ".join(f"{a - b:+.3f}" for a, b in zip(found[name], found[first], strict=True))
        rows.append([name, f"{wall:.3f}", f"{busy:.3f}", f"{ratio:.2f}", change])
    rows[0][-1] = " / ".join(f"{level:.2f}" for level in found[first])
    columns = ["precision, runtime", "seconds", "processor", "times FP32", "PSNR at 15 / 25 / 50, dB"]
    lines = [f"{args.size}, {args.threads} thread, {len(pictures)} pictures of {args.pictures.name}:", ""]
    lines += cards.table(columns, rows)
    if args.peers:
        lines += ["", f"Peers on a frame of {args.size} with noise of 20:", ""]
        lines += cards.table(["who", "seconds a frame", "processor"], peers(frame, 20))
    print("\n".join(lines))
    if args.card:
        options = " --peers" * args.peers
        command = f"python -m bench.inference {args.pictures.name} --model {model.id}{options} --card"
        cards.put(resources.folder("models") / model.card, "speed", lines, command)


if __name__ == "__main__":
    main()
