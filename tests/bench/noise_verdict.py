"""The verdict grain / electronic / compression / clean: fitted on one half of the damage models, tried on the other.

    WETGATE_TEST_DATA=... PYTHONPATH=plugin:tests .venv/bin/python -m bench.noise_verdict [--fit] [--count 20]

Nothing of the held-out half is used in the fit: other stocks, gauges and grain parameters; other full wells, read
noises and demosaicings (OpenCV's edge-aware one among them); another codec and other quantisers; photographs of other
sets. ``--fit`` writes ``plugin/wetgate/ops/noise_verdict.json``. Rows: what it was, how many, what was said.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import wetgate.damage as damage
import wetgate.nodes.grain  # noqa: F401  declares the node
from wetgate.color.density import density_from_linear, linear_from_density
from wetgate.ops import noise_verdict
from wetgate.ops.noise_measure import measure_noise
from wetgate.ops.random import Stream
from wetgate.spec import DENSITY, SCENE, VIDEO, Context, Frame, Image, Window, registry

Shot = list[Image]
Random = np.random.Generator
SIZE, FRAMES = 288, 2
TUNED_STOCKS = ("vision3_50d", "vision3_250d", "vision_320t", "eastman_5250", "kodachrome_64", "velvia_50", "double_x")
HELD_STOCKS = ("vision3_200t", "vision3_500t", "exr_100t", "eastman_5247", "eastman_5293", "provia_100f", "tri_x")


def _stock(shot: Shot, random: Random, names: tuple[str, ...], gauges: tuple[str, ...]) -> Shot:
    """The node's own grain, of a stock."""
    params = {
        "stock": str(random.choice(names)),
        "gauge": str(random.choice(gauges)),
        "amount": float(random.uniform(0.7, 1.4)),
        "softness": float(random.choice([0.0, 0.4])),
        "seed": int(random.integers(1 << 30)),
        # The window of a scan 2,048 pixels wide.
        "scan_width": 0.0,
    }
    node = registry.get("grain")
    wide = {"mm35": 21.95, "mm16": 10.26, "super16": 12.52, "super8": 5.79, "full35": 24.89}[params["gauge"]]
    params["scan_width"] = wide * SIZE / 2048
    made = node.make(params)
    out = []
    for number, light in enumerate(shot):
        frame = Frame(np.asarray(density_from_linear(light), np.float32), DENSITY, number=number)
        out.append(linear_from_density(made.render(Window((frame,)), Context()).frame.rgb))
    return out


def _grain(shot: Shot, random: Random, sizes: tuple[float, float], mono: tuple[float, ...]) -> Shot:
    """The damage model's grain, which the node does not share code with."""
    params = {
        "rms": float(random.uniform(5, 20)),
        "size_um": float(random.uniform(*sizes)),
        "gauge": "16",
        "mono": float(random.choice(mono)),
        "medium": str(random.choice(["negative", "print", "positive"])),
        "clumps": float(random.uniform(0.2, 0.6)),
    }
    model = damage.get("grain").make(params)
    stream = Stream.of(int(random.integers(1 << 30)), "grain")
    out = []
    for number, light in enumerate(shot):
        # As a part of a scan 1,024 wide.
        frame = Frame(np.asarray(density_from_linear(light), np.float32), DENSITY, number=number)
        out.append(linear_from_density(model.apply(frame, stream).frame.rgb))
    return out


def _camera(shot: Shot, random: Random, wells: tuple[float, float], ways: tuple[str, ...]) -> Shot:
    import cv2

    full = float(np.exp(random.uniform(*np.log(wells))))
    sensor = damage.get("sensor").make({"full_well": full, "read": float(random.uniform(1, 6))})
    size = float(random.choice([0.0, 0.5, 1.0])) / np.sqrt(full) * 0.1
    pattern = damage.get("pattern").make({"row": size, "column": size})
    way = str(random.choice(ways))
    coded = bool(random.integers(2))
    stream = Stream.of(int(random.integers(1 << 30)), "camera")
    out = []
    for number, light in enumerate(shot):
        frame = Frame(light, SCENE, number=number)
        rgb = pattern.apply(sensor.apply(frame, stream.child("s")).frame, stream.child("p")).frame.rgb
        if way == "edge":  # OpenCV's edge-aware demosaicing, on 16-bit codes
            raw = rgb[..., 1].copy()
            raw[::2, ::2], raw[1::2, 1::2] = rgb[::2, ::2, 0], rgb[1::2, 1::2, 2]
            codes = np.clip(raw * 40000 + 8000, 0, 65535).astype(np.uint16)
            # OpenCV names a mosaic by its second row's second and third photosites: RGGB is its BG.
            made = cv2.cvtColor(codes, cv2.COLOR_BayerBG2RGB_EA)
            rgb = (made.astype(np.float32) - 8000) / 40000
        elif way != "none":
            rgb = damage.get("mosaic").make({"method": way}).apply(Frame(rgb, SCENE), stream).frame.rgb
        if coded:  # as an 8-bit still
            rgb = _light(np.round(np.clip(_code(rgb), 0, 1) * 255) / 255)
        out.append(np.asarray(rgb, np.float32))
    return out


def _codec(shot: Shot, random: Random, kinds: tuple[tuple[str, int, int], ...]) -> Shot:
    codec, low, high = kinds[int(random.integers(len(kinds)))]
    code = [np.asarray(np.clip(_code(light), 0, 1), np.float32) for light in shot]
    quantiser = int(random.integers(low, high + 1))
    if codec == "jpeg":
        made = damage.apply("jpeg", [Frame(c, VIDEO, number=i) for i, c in enumerate(code)], quality=quantiser)
    else:
        frames = [Frame(c, VIDEO, number=i) for i, c in enumerate(code)]
        made = damage.apply("codec", frames, codec=codec, quantiser=quantiser)
    return [np.asarray(_light(d.frame.rgb), np.float32) for d in made]


def _clean(shot: Shot, random: Random) -> Shot:
    return shot


Kind = tuple[str, str, Callable[[Shot, Random], Shot]]
TUNED: tuple[Kind, ...] = (
    ("grain", "stocks", lambda s, r: _stock(s, r, TUNED_STOCKS, ("mm35", "mm16"))),
    ("grain", "damage model", lambda s, r: _grain(s, r, (5, 9), (0.1, 0.2, 1.0))),
    ("electronic", "mosaic", lambda s, r: _camera(s, r, (300, 4000), ("malvar", "bilinear"))),
    ("electronic", "three sensors", lambda s, r: _camera(s, r, (300, 4000), ("none",))),
    ("compression", "MPEG-2, H.264", lambda s, r: _codec(s, r, (("mpeg2", 6, 16), ("h264", 28, 38)))),
    ("clean", "as they are", _clean),
)
HELD: tuple[Kind, ...] = (
    ("grain", "other stocks", lambda s, r: _stock(s, r, HELD_STOCKS, ("full35", "super16"))),
    ("grain", "damage model", lambda s, r: _grain(s, r, (3, 12), (0.0, 0.35, 1.0))),
    ("electronic", "mosaic", lambda s, r: _camera(s, r, (150, 6000), ("malvar", "bilinear"))),
    ("electronic", "edge-aware mosaic", lambda s, r: _camera(s, r, (300, 4000), ("edge",))),
    ("electronic", "three sensors", lambda s, r: _camera(s, r, (150, 6000), ("none",))),
    (
        "compression",
        "MPEG-4, H.264, JPEG",
        lambda s, r: _codec(s, r, (("mpeg4", 6, 16), ("h264", 30, 40), ("jpeg", 20, 50))),
    ),
    ("clean", "as they are", _clean),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="fit the weights first, and write them")
    parser.add_argument("--count", type=int, default=16, help="shots of each kind")
    parser.add_argument("--draw", type=int, default=2, help="which draw of the held-out shots")
    args = parser.parse_args()
    data = Path(os.environ.get("WETGATE_TEST_DATA") or sys.exit("set WETGATE_TEST_DATA to the folder of real pictures"))
    if args.fit:
        tuned = list(_cases(TUNED, sorted((data / "train_a").glob("*.jpg")), args.count, 1))
        known = [(kind, list(e.values())) for kind, _, e, _, _ in tuned if kind in noise_verdict.ORIGINS]
        _fit([kind for kind, _ in known], np.array([values for _, values in known]))
        noise_verdict._weights.cache_clear()
    pictures = sorted((data / "test" / "McMaster").glob("*.webp")) + sorted((data / "val/cid22_ccbysa").glob("*.*g*"))
    said: dict[tuple[str, str], Counter[str]] = {}
    right = total = 0
    for kind, name, _, measured, shot in _cases(HELD, pictures, args.count, args.draw):
        verdict = noise_verdict.judge(measured, shot)
        said.setdefault((kind, name), Counter())[verdict.origin] += 1
        right, total = right + (verdict.origin == kind), total + 1
        if verdict.origin != kind:
            evidence = ", ".join(f"{k} {v:.2f}" for k, v in verdict.evidence.items())
            print(f"  {kind}, {name}: said {verdict.origin} ({verdict.confidence:.2f}): {evidence}", flush=True)
    print(f"\nheld out: {100 * right / total:.1f} % right of {total}; unknown counts as wrong")
    for (kind, name), count in said.items():
        print(f"{kind:<12} {name:<24} {dict(count)}")
    both = [(k, c) for (k, _), c in said.items() if k in ("grain", "electronic")]
    of_two = sum(c[k] for k, c in both) / max(sum(sum(c.values()) for _, c in both), 1)
    print(f"grain against electronic alone: {100 * of_two:.1f} %")


def _cases(kinds: tuple[Kind, ...], pictures: list[Path], count: int, seed: int) -> Iterator[tuple]:
    for place, (kind, name, make) in enumerate(kinds):
        for index in range(count):
            random = np.random.default_rng((seed, place, index))
            shot = make(_shot(pictures[int(random.integers(len(pictures)))], random), random)
            shot = [np.ascontiguousarray(s, np.float32) for s in shot]
            measured = measure_noise(shot)
            if measured is not None:
                yield kind, name, noise_verdict.evidence_of(measured, shot), measured, shot


def _shot(path: Path, random: Random) -> Shot:
    """Neighbouring frames of a slow pan over a photograph, scene-linear, reduced so that its own noise is little."""
    import cv2

    code = cv2.imread(str(path))[..., ::-1]
    side = min(code.shape[:2])
    light = _light(code[:side, :side].astype(np.float32) / 255)
    room = SIZE + 8
    small = cv2.resize(light.astype(np.float32), (room, room), interpolation=cv2.INTER_AREA)
    step = random.integers(-3, 4, 2)
    places = [(4 + step[0] * k, 4 + step[1] * k) for k in range(FRAMES)]
    return [np.ascontiguousarray(small[y : y + SIZE, x : x + SIZE]) for y, x in places]


def _fit(kinds: list[str], values: np.ndarray) -> None:
    """Softmax regression by gradient descent, weights decayed, each kind counting alike."""
    mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-3)
    unit = np.clip((values - mean) / scale, -4, 4)
    truth = np.array([[k == o for o in noise_verdict.ORIGINS] for k in kinds], float)
    share = (truth / truth.sum(axis=0)).sum(axis=1) / truth.shape[1]
    weight, bias = np.zeros((truth.shape[1], unit.shape[1])), np.zeros(truth.shape[1])
    for _ in range(6000):
        score = unit @ weight.T + bias
        odds = np.exp(score - score.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        off = (odds - truth) * share[:, None]
        weight -= 0.5 * (off.T @ unit + 0.002 * weight)
        bias -= 0.5 * off.sum(axis=0)
    right = np.mean(odds.argmax(axis=1) == truth.argmax(axis=1))
    print(f"tuning: {100 * right:.1f} % right of {len(kinds)}", flush=True)
    document = {
        "about": "Weights of wetgate.ops.noise_verdict, written by tests/bench/noise_verdict.py --fit; do not edit.",
        "origins": list(noise_verdict.ORIGINS),
        "evidence": list(noise_verdict.EVIDENCE),
        "mean": [round(float(v), 4) for v in mean],
        "scale": [round(float(v), 4) for v in scale],
        "weight": [[round(float(v), 4) for v in row] for row in weight],
        "bias": [round(float(v), 4) for v in bias],
    }
    path = Path(noise_verdict.__file__).with_suffix(".json")
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _code(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, odd through zero."""
    size = np.abs(light)
    return np.sign(light) * np.where(
        size < 0.0031308, 12.92 * size, 1.055 * np.maximum(size, 1e-9) ** (1 / 2.4) - 0.055
    )


def _light(code: np.ndarray) -> np.ndarray:
    return np.where(code < 0.04045, code / 12.92, ((np.maximum(code, 0.0) + 0.055) / 1.055) ** 2.4)


if __name__ == "__main__":
    main()
