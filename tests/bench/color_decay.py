"""color_decay against the oracle manual white balance, the automatic peers, and OCIO's speed.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.color_decay --data FOLDER [--films prints] [--fades 64] [--peers]

FOLDER holds ``test/Kodak24`` and ``test/McMaster``, photographs on which nothing was trained or tuned. Every figure is
the mean CIEDE2000 to the unfaded picture. The oracle manual white balance is linear gains per channel that take what
became of a mid grey back to its true light, which nobody knows in practice. OpenCV's balances need a build with xphoto
(opencv-contrib-python-headless, for instance in a folder of its own on PYTHONPATH), ffmpeg's filters imageio-ffmpeg.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import wetgate.nodes.color_decay  # noqa: F401  declares the node
from bench.faded_reels import FILMS, FadedReel, photographs, reels, scanners, unfaded
from bench.grain import ocio_matrix_and_lut
from bench.timing import alternate, state_machine
from support.reels import Reel
from wetgate.color.curves import srgb_decode, srgb_encode
from wetgate.color.density import linear_from_density
from wetgate.color.difference import delta_e_2000, xyz_to_lab
from wetgate.color.hop import in_bands
from wetgate.color.primaries import rgb_to_xyz
from wetgate.engine.pipeline import cores
from wetgate.spec import DENSITY, Context, Frame, Window, registry

_TO_XYZ = rgb_to_xyz("rec709")


def difference(light: np.ndarray, truth: np.ndarray) -> float:
    """Mean CIEDE2000 of linear Rec.709, held in 0..1 as a display would show it."""
    a, b = (
        xyz_to_lab(np.clip(p, 0, 1).astype(np.float64) @ _TO_XYZ.T, _TO_XYZ.sum(axis=1)).reshape(-1, 3)
        for p in (light, truth)
    )
    return float(delta_e_2000(a, b).mean())


def analysed(densities: Sequence[np.ndarray], **params: object) -> dict[str, Any]:
    return registry.get("color_decay").make(params).analyze(Reel(densities), Context())


def reversed_reel(
    densities: Sequence[np.ndarray], analysis: dict[str, Any] | None = None, **params: object
) -> list[np.ndarray]:
    """The node on a reel, by an analysis of it, or one that is made first; as linear light."""
    instance = registry.get("color_decay").make(params)
    context = Context(analysis=analysis or analysed(densities, **params), threads=1)
    return [linear_from_density(instance.render(Window((f,)), context).frame.rgb) for f in Reel(densities)]


# --- peers, each of linear light of one picture, as they work on 8-bit codes


def _codes(light: np.ndarray) -> np.ndarray:
    return np.round(np.clip(srgb_encode(light), 0, 1) * 255).astype(np.uint8)


def _light(codes: np.ndarray) -> np.ndarray:
    return srgb_decode(codes.astype(np.float32) / 255)


def grey_world(light: np.ndarray) -> np.ndarray:
    mean = light.mean(axis=(0, 1))
    return light * (mean.mean() / np.maximum(mean, 1e-6))


def max_rgb(light: np.ndarray) -> np.ndarray:
    most = np.quantile(light, 0.995, axis=(0, 1))
    return light / np.maximum(most, 1e-3)


def histogram_stretch(light: np.ndarray) -> np.ndarray:
    codes = srgb_encode(light)
    low, high = np.quantile(codes, (0.005, 0.995), axis=(0, 1))
    return srgb_decode(np.clip((codes - low) / np.maximum(high - low, 1e-3), 0, 1))


def opencv_peers() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    if not hasattr(cv2, "xphoto"):
        print("OpenCV has no xphoto here: its balances are left out")
        return {}

    def with_balance(make: Callable[[], object]) -> Callable[[np.ndarray], np.ndarray]:
        def run(light: np.ndarray) -> np.ndarray:
            balanced = make().balanceWhite(np.ascontiguousarray(_codes(light)[..., ::-1]))
            return _light(balanced[..., ::-1])

        return run

    return {
        "OpenCV SimpleWB": with_balance(cv2.xphoto.createSimpleWB),
        "OpenCV GrayworldWB": with_balance(cv2.xphoto.createGrayworldWB),
        "OpenCV LearningBasedWB": with_balance(cv2.xphoto.createLearningBasedWB),
    }


def ffmpeg_peers() -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    try:
        import imageio_ffmpeg
    except ImportError:
        print("imageio-ffmpeg is not installed: ffmpeg's filters are left out")
        return {}
    program = imageio_ffmpeg.get_ffmpeg_exe()

    def with_filter(text: str) -> Callable[[np.ndarray], np.ndarray]:
        def run(light: np.ndarray) -> np.ndarray:
            codes = _codes(light)
            height, width = codes.shape[:2]
            command = [program, "-v", "error", "-threads", "2", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s"]
            command += [f"{width}x{height}", "-i", "-", "-vf", text, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
            done = subprocess.run(command, input=codes.tobytes(), capture_output=True, check=True)
            return _light(np.frombuffer(done.stdout, np.uint8).reshape(height, width, 3))

        return run

    return {
        "ffmpeg histeq": with_filter("histeq"),
        "ffmpeg greyedge": with_filter("greyedge=difford=1:minknorm=5:sigma=2"),
        "ffmpeg colorcorrect": with_filter("colorcorrect=analyze=average"),
        "ffmpeg normalize": with_filter("normalize=smoothing=0"),
    }


def oracle(light: np.ndarray, reel: FadedReel) -> np.ndarray:
    return light * (0.18 / reel.grey)


def measure(pictures: Sequence[np.ndarray], film: str, count: int, shots: int, with_peers: bool, seed: int) -> None:
    rows: dict[str, list[float]] = defaultdict(list)
    lost: dict[str, list[float]] = defaultdict(list)
    by_severity: dict[float, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    peers: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    if with_peers:
        peers = {"grey-world": grey_world, "max-RGB": max_rgb, "histogram stretch": histogram_stretch}
        peers |= opencv_peers() | ffmpeg_peers()
    for reel in reels(pictures, film, count, shots, seed):
        told = {"scanner": scanners()[reel.scanner][1], "film": "negative" if reel.negative else "positive"}
        inner = [reel.picture(s) for s in reel.scans]
        seen = [linear_from_density(p) for p in inner]
        alone = [analysed([p], **told) for p in inner]
        results = {
            "input": seen,
            "oracle white balance": [oracle(p, reel) for p in seen],
            "Wetgate, reel, borders seen": [reel.picture(p) for p in reversed_reel(reel.scans, **told)],
            "Wetgate, reel, pictures alone": reversed_reel(inner, **told),
            "Wetgate, reel, dye set told": reversed_reel(inner, dyes=reel.dyes, **told),
            "Wetgate, one picture": [reversed_reel([p], a, **told)[0] for p, a in zip(inner, alone, strict=True)],
            "Wetgate, one, caution off": [
                reversed_reel([p], a, cautious=False, **told)[0] for p, a in zip(inner, alone, strict=True)
            ],
        }
        results |= {name: [run(p) for p in seen] for name, run in peers.items()}
        before = [difference(p, t) for p, t in zip(seen, reel.truths, strict=True)]
        for name, made in results.items():
            left = [difference(p, t) for p, t in zip(made, reel.truths, strict=True)]
            rows[name] += left
            by_severity[reel.severity][name] += left
            lost[name] += [a - b for a, b in zip(left, before, strict=True)]
    white = np.mean(rows["oracle white balance"])
    stocks = ", ".join(FILMS[film])
    print(f"\n{film} ({stocks}), {count} fades of {shots} pictures")
    print("mean dE2000, against the oracle, the worst loss to the input, pictures that lose more than 0.5")
    for name, values in rows.items():
        mean = np.mean(values)
        worst, many = max(lost[name]), sum(v > 0.5 for v in lost[name])
        print(f"{name:<32} {mean:6.2f}   {100 * (1 - mean / white):+6.1f} %   {worst:+6.2f}   {many} of {len(values)}")
    print("\nby loss of the first dye")
    names = [n for n in rows if n in ("input", "oracle white balance") or n.startswith("Wetgate")]
    for severity in sorted(by_severity):
        print(f"{severity:.2f}  " + "  ".join(f"{n}: {np.mean(by_severity[severity][n]):.2f}" for n in names))


def measure_unfaded(pictures: Sequence[np.ndarray], seed: int) -> None:
    print("\nunfaded: how far a picture is moved, mean dE2000 (mean, worst)")
    for scanner, (_, kind) in list(scanners().items())[:2]:
        scans = unfaded(pictures, scanner, seed)
        for name, made in {
            "one picture": [reversed_reel([s], scanner=kind)[0] for s in scans],
            "as one reel": reversed_reel(scans, scanner=kind),
        }.items():
            moved = [difference(p, linear_from_density(s)) for p, s in zip(made, scans, strict=True)]
            far = sum(m > 1 for m in moved)
            print(f"{scanner}, {name:<14} {np.mean(moved):6.3f} {np.max(moved):6.3f}   over 1: {far}")


def speed(width: int, height: int, runs: int) -> None:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.stack([0.1 + x / width, 0.3 + y / height, np.full_like(x, 0.7)], axis=2).astype(np.float32)
    frame = Frame(picture, DENSITY, number=1001)
    node = registry.get("color_decay")
    apply, buffer = ocio_matrix_and_lut(), picture.copy()
    vector = [0.9, 0.2, 0.5, -0.05, 0.02, 0.03, 0.02, 0.05, 0.15]
    field = [0.1, 0.05, 0.1, 0.02, 0.0, 0.02, 0.0, 0.03, 0.2, 0.1]
    reel = {"vector": vector, "trust": 1.0}
    shots = [{"first": 1001, "last": 1001, "field": field, "own": reel}]
    analysis = {"reel": reel, "shots": shots, "gathered": {"window": [0, 0, 1, 1]}}
    uneven, even = Context(threads=cores(), analysis=analysis), node.make({"uneven": 0.0})
    instance = node.make({})
    timed = alternate(
        {
            "OCIO, one core": lambda: apply(buffer),
            "OCIO, all cores": lambda: in_bands(lambda a, b: apply(buffer[a:b]), height, width),
            "color_decay, even": lambda: even.render(Window((frame,)), uneven),
            "color_decay, uneven": lambda: instance.render(Window((frame,)), uneven),
        },
        runs,
        warm=2,
    )
    print(f"\none frame of {width}x{height} in memory, {cores()} threads")
    one, every = timed["OCIO, one core"].median, timed["OCIO, all cores"].median
    for result in timed.values():
        print(
            result.row("ms", 1000), f"  {result.median / one:6.2f} / {result.median / every:6.2f} times OCIO (one/all)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("WETGATE_TEST_DATA"))
    parser.add_argument("--folders", nargs="+", default=["test/Kodak24", "test/McMaster"])
    parser.add_argument("--films", nargs="+", choices=list(FILMS), default=list(FILMS))
    parser.add_argument("--fades", type=int, default=64)
    parser.add_argument("--shots", type=int, default=16)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="run the automatic peers too")
    parser.add_argument("--size", default="1920x1080", help="of the frame that is timed")
    parser.add_argument("--runs", type=int, default=9, help="of the timing; 0 leaves it out")
    args = parser.parse_args()
    state_machine()
    if args.data is None:
        print("no photographs: name their folder with --data or WETGATE_TEST_DATA")
    else:
        pictures = photographs([Path(args.data) / f for f in args.folders])
        for film in args.films:
            measure(pictures, film, args.fades, args.shots, args.peers, args.seed)
        measure_unfaded(pictures, args.seed)
    if args.runs:
        width, height = map(int, args.size.split("x"))
        speed(width, height, args.runs)


if __name__ == "__main__":
    main()
