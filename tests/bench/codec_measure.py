"""What Deartifact's analysis finds in pictures whose coding is known: JPEG quality and grid, resized grids, encodes.

    .venv/bin/python -m bench.codec_measure --data /data            (from tests/; Kodak24 and Classic5)
    .venv/bin/python -m bench.codec_measure --data /data --set val  (pictures for tuning)
    .venv/bin/python -m bench.codec_measure --data /data --fit      (weights of wetgate.ops.coding_evidence)

No peer measures the same: the tables of a file can be read, but what is left of them in pixels is not what other
filters look for. The limit is that of the project's own measure: quality within 5 and phase right on 99 % of
photographs; after a resize the phase within 0.1 px, or said not to be known.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

import wetgate.ops.coding_evidence as evidence_module
from wetgate.io.movie import open_movie
from wetgate.ops.block_grid import find_grid_of
from wetgate.ops.coded_blocks import steps_of_codec
from wetgate.ops.coding_evidence import evidence_of, strength_of
from wetgate.ops.coding_measure import coding_of_pictures

LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # of BGR
KERNELS = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC, "area": cv2.INTER_AREA, "lanczos": cv2.INTER_LANCZOS4}
SETS = {"test": ("test/Kodak24", "test/Classic5"), "val": ("val/cid22_ccbysa",)}


def pictures(data: Path, name: str) -> Iterator[tuple[str, Any]]:
    """BGR pictures of 8 bits that were never compressed."""
    for folder in SETS[name]:
        for path in sorted((data / folder).glob("*.*")):
            picture = cv2.imread(str(path))
            if picture is not None:
                yield path.name, picture


def saved(picture: Any, quality: int, chroma: int = 0x221111) -> Any:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma]
    return cv2.imdecode(cv2.imencode(".jpg", picture, options)[1], cv2.IMREAD_COLOR)


def values(bgr: Any) -> Any:
    return np.ascontiguousarray(bgr[..., ::-1], np.float32) / np.float32(255)


def jpeg_rows(data: Path, name: str, saves: int) -> None:
    """Quality and phase of single saves, cropped anywhere; how often a picture without any is called compressed."""
    random = np.random.default_rng(11)
    right = phases = count = false = clean = 0
    wrong = []
    for label, picture in pictures(data, name):
        for _ in range(saves):
            quality, chroma = int(random.integers(5, 96)), [0x221111, 0x111111][int(random.integers(2))]
            x, y = (int(v) for v in random.integers(0, 8, 2))
            found = coding_of_pictures([values(saved(picture, quality, chroma)[y:, x:])])
            near = found.quality is not None and abs(found.quality - quality) <= 5
            placed = found.quality is not None and found.origin == ((-x) % 8, (-y) % 8)
            right, phases, count = right + near, phases + placed, count + 1
            if not (near and placed):
                wrong.append(f"{label} Q{quality}: {found.quality} {found.origin}")
        found = coding_of_pictures([values(picture)])
        clean, false = clean + 1, false + (found.quality is not None or found.steps[0] > 0)
    print(f"JPEG, Q 5 to 95, cropped: quality within 5 on {right}/{count}, phase right on {phases}/{count}")
    print(f"never compressed: {false}/{clean} called compressed")
    for line in wrong:
        print("  lost:", line)


def resize_rows(data: Path, name: str, saves: int) -> None:
    """Grids after a resize by 0.7 to 1.4: known and right, known and wrong, not known; and of pictures without one."""
    random = np.random.default_rng(12)
    told = wrong = count = false = clean = 0
    lost = []
    for label, picture in pictures(data, name):
        for kind in [*["jpeg"] * saves, "clean"]:
            scale, kernel = float(random.uniform(0.7, 1.4)), list(KERNELS)[int(random.integers(4))]
            quality = int(random.integers(5, 91))
            x, y = (int(v) for v in random.integers(0, 8, 2))
            base = saved(picture, quality) if kind == "jpeg" else picture
            size = tuple(round(n * scale) for n in base.shape[1::-1])
            made = cv2.resize(base, size, interpolation=KERNELS[kernel])[y:, x:]
            grid = find_grid_of([np.ascontiguousarray(made.astype(np.float32) @ LUMA / np.float32(255))])
            assert grid is not None
            if kind == "clean":
                clean, false = clean + 1, false + grid.known
                continue
            errors = [
                _phase_error(
                    grid.period[k], grid.phase[k], 8 * size[k] / base.shape[1 - k], (x, y)[k], made.shape[1 - k]
                )
                for k in (0, 1)
            ]
            bad = grid.known and max(map(abs, errors)) > 0.1
            count, told, wrong = count + 1, told + grid.known, wrong + bad
            if bad:
                lost.append(f"{label} Q{quality} x{scale:.3f} {kernel}: {errors[0]:+.2f} {errors[1]:+.2f} px, {grid}")
    print(f"after a resize of 0.7 to 1.4, Q 5 to 90: told on {told}/{count}, of these off by over 0.1 px {wrong}")
    print(f"never compressed, resized: a grid told on {false}/{clean}")
    for line in lost:
        print("  lost:", line)


def _phase_error(period: float, phase: float, true: float, cut: int, size: int) -> float:
    """How far the edge nearest the picture's middle is from its true place, in pixels."""
    place = round((size / 2 + cut) / true) * true - cut
    return (phase - place + period / 2) % period - period / 2


def encodes(frames: Sequence[Any], random: Any) -> Iterator[tuple[str, int, Any, float]]:
    """Real encodes of BGR frames: codec, its quantiser, luma planes, the mean step of its blocks in values."""
    yield "none", 0, [np.ascontiguousarray(f.astype(np.float32) @ LUMA / np.float32(255)) for f in frames], 0.0
    for codec in ("libx264", "libx264", "libx264", "mpeg2video", "mpeg4"):
        quantiser = int(random.integers(20, 46) if codec == "libx264" else random.integers(2, 29))
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/m.mkv"
            _encode(path, codec, quantiser, frames, str(random.choice(["veryfast", "medium"])))
            source = open_movie(path, side_data=True)
            decoded = [source.read(n).frame for n in list(source.numbers)[:4]]
            source.close()
        steps = [steps_of_codec(f.codec, f.height, f.width) for f in decoded]
        step = float(np.exp(np.mean([np.log(s.typical[0]) for s in steps if s is not None])))
        weights = np.array([0.2126, 0.7152, 0.0722], np.float32)
        yield codec, quantiser, [np.ascontiguousarray(f.rgb @ weights) for f in decoded], step


def _encode(path: str, codec: str, quantiser: int, frames: Sequence[Any], preset: str) -> None:
    with av.open(path, "w") as out:
        stream: Any = out.add_stream(codec, rate=Fraction(24))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if codec == "libx264":
            stream.codec_context.options = {"crf": str(quantiser), "preset": preset, "x264-params": "threads=1"}
        else:
            stream.codec_context.qmin = stream.codec_context.qmax = quantiser
        for n, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = n
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def shots(data: Path, stills: Sequence[Path], random: Any) -> Iterator[list[Any]]:
    """Clips at half their size, and pans with noise over photographs at half theirs."""
    for folder in sorted((data / "video_train").iterdir()):
        paths = sorted(folder.glob("*.jpg"))[:6]
        yield [cv2.resize(cv2.imread(str(p)), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for p in paths]
    for path in stills:
        picture = cv2.resize(cv2.imread(str(path)), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        zoom = 1.15 * float(random.uniform(1.0, 1.6))
        picture = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        side = (min(picture.shape[:2]) - 24) // 16 * 16
        speed, noise = random.uniform(-3, 3, 2), float(random.uniform(0, 4))
        made = []
        for n in range(5):
            matrix = np.float32([[1, 0, -2 - speed[0] * n], [0, 1, -2 - speed[1] * n]])
            moved = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
            made.append(np.clip(moved + random.normal(0, noise, moved.shape), 0, 255).astype(np.uint8))
        yield made


def gathered(data: Path, folder: str, count: int, seed: int) -> list[tuple[int, str, Any, float]]:
    """Source, codec, evidence and step of many encodes."""
    random = np.random.default_rng(seed)
    stills = sorted((data / folder).glob("*.jpg"))
    chosen = [stills[i] for i in sorted(random.choice(len(stills), min(count, len(stills)), replace=False))]
    rows = []
    for source, frames in enumerate(shots(data, chosen, random)):
        for codec, _, lumas, step in encodes(frames, random):
            rows.append((source, codec, evidence_of(lumas), step))
    return rows


def fit(data: Path) -> None:
    """Fit the weights to train_b and write them; what is left out of one fifth of the sources at a time is printed."""
    rows = gathered(data, "train_b", 80, 5)
    x = np.array([row[2] for row in rows])
    source, step = np.array([row[0] for row in rows]), np.array([row[3] for row in rows]) * 219
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    a = np.c_[(x - mean) / scale, np.ones(len(x))]
    coded = step > 1
    level = np.log2(np.maximum(step, 1e-3))
    telling = judging(a)
    errors, calls = np.zeros(len(x)), np.zeros(len(x), bool)
    for fifth in range(5):
        out = source % 5 == fifth
        errors[out] = a[out] @ ridge(a[~out & coded], level[~out & coded]) - level[out]
        calls[out] = telling[out] @ logistic(telling[~out], coded[~out].astype(float)) > 0
    print(f"left out: {np.mean(calls[coded]):.3f} of encodes and {np.mean(calls[~coded]):.3f} of others called coded")
    print(f"left out: step off by {np.sqrt(np.mean(errors[coded] ** 2)):.2f} octaves rms, {len(x)} shots")
    weights = {
        "about": "Weights of wetgate.ops.coding_evidence, written by tests/bench/codec_measure.py --fit; do not edit.",
        "mean": mean.round(5).tolist(),
        "scale": scale.round(5).tolist(),
        "coded": logistic(telling, coded.astype(float)).round(5).tolist(),
        "level": ridge(a[coded], level[coded]).round(5).tolist(),
    }
    path = Path(evidence_module.__file__).with_suffix(".json")
    path.write_text(json.dumps(weights, indent=1) + "\n")


def judging(a: Any) -> Any:
    """The evidence without what pictures differ in by themselves: only what is aligned with blocks tells a codec."""
    telling = a.copy()
    telling[:, 3:9] = 0  # a picture that was enlarged twofold has edges of every other pixel too
    return telling


def ridge(a: Any, y: Any) -> Any:
    penalty = np.diag([1.0] * (a.shape[1] - 1) + [0.0])
    return np.linalg.solve(a.T @ a + penalty, a.T @ y)


def logistic(a: Any, y: Any) -> Any:
    weights, w = np.where(y > 0, 0.5 / y.mean(), 0.5 / (1 - y.mean())), np.zeros(a.shape[1])
    keep = np.append(np.ones(a.shape[1] - 1), 0.0)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(a @ w, -30, 30)))
        slope = a.T @ (weights * (p - y)) + keep * w
        w -= np.linalg.solve((a * (weights * p * (1 - p))[:, None]).T @ a + np.diag(keep + 1e-6), slope)
    return w


def video_rows(data: Path) -> None:
    """Encodes of pictures that the weights were not fitted to."""
    rows = gathered(data, "train_a", 24, 77)[4 * 6 :]  # the clips were fitted to
    for codec in dict.fromkeys(row[1] for row in rows):
        mine = [(strength_of(row[2]), row[3]) for row in rows if row[1] == codec]
        called = np.mean([step > 0 for (_, step), _ in mine])
        off = [np.log2(step / true) for (_, step), true in mine if step > 0 and true > 0]
        print(
            f"{codec}: {len(mine)} shots, {called:.2f} called coded"
            + (f", step off by {np.std(off):.2f} octaves rms, {np.mean(off):+.2f} mean" if off else "")
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=list(SETS), default="test")
    parser.add_argument("--saves", type=int, default=4)
    parser.add_argument("--fit", action="store_true")
    args = parser.parse_args()
    if args.fit:
        fit(args.data)
        return
    jpeg_rows(args.data, args.set, args.saves)
    resize_rows(args.data, args.set, args.saves)
    video_rows(args.data)


if __name__ == "__main__":
    main()
