"""Grain that is made against grain that was measured, by the targets of a match; losses are printed and kept.

    WETGATE_TEST_DATA=... PYTHONPATH=plugin:tests .venv/bin/python -m bench.grain_match [--page] [--quick]

Stocks that the node does not know are made by the damage models on eight flat frames of HD, analysed, made again by the
node and compared: deviation of each tone, radial spectrum on rings down to 70 dB below its top, correlation of layers,
mean of linear light, correlation in time. Real plates are compared with twelve draws of their match: third-octave bands
within two standard errors of the same process drawn twice. aomenc's own noise model (Debian's aom-tools, played by
dav1d) is the peer, on luma in video codes: it takes the noise off an 8-bit clip itself, codes it, and makes it again.
``--page`` writes the tables into ``plugin/docs/grain-match.md``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import wetgate.damage as damage
import wetgate.nodes.grain  # noqa: F401  declares the node
from bench.cards import put, table
from support.grain_spectrum import radial_spectrum, unit
from wetgate.ops.grain_analysis import combine
from wetgate.ops.grain_patches import measure_frame
from wetgate.ops.metrics_grain import grain_distance, grain_sample
from wetgate.ops.random import Stream
from wetgate.spec import DENSITY, Context, Frame, Image, Window, registry

NODE = registry.get("grain")
TONES = (0.1, 0.3, 0.5, 0.75, 1.0, 1.3, 1.6, 1.9)
WIDTH, HEIGHT = 1920, 1080
PAGE = Path(__file__).parents[2] / "plugin/docs/grain-match.md"
_FAINTEST = 10**-7.0
# Gauge of the damage model and of the node, and the model's parameters.
STOCKS: tuple[tuple[str, str, str, dict[str, float | str]], ...] = (
    ("65 mm, fine", "65", "mm65", {"rms": 5.0, "size_um": 5.0, "mono": 0.15, "medium": "negative"}),
    ("35 mm negative", "35", "mm35", {"rms": 8.0, "size_um": 8.0, "mono": 0.15, "medium": "negative"}),
    (
        "16 mm print, coarse",
        "16",
        "mm16",
        {"rms": 10.0, "size_um": 10.0, "mono": 0.4, "clumps": 0.5, "medium": "print"},
    ),
    ("Super 8 reversal", "s8", "super8", {"rms": 10.0, "size_um": 10.0, "mono": 0.3, "medium": "positive"}),
    ("Super 8, coarse", "s8", "super8", {"rms": 14.0, "size_um": 16.0, "mono": 0.4, "clumps": 0.5, "medium": "print"}),
    (
        "16 mm black and white",
        "16",
        "mm16",
        {"rms": 14.0, "size_um": 9.0, "mono": 1.0, "blue": 1.0, "medium": "negative"},
    ),
)


@dataclass(frozen=True)
class Row:
    name: str
    deviation: float
    spectrum: float
    correlation: float
    light: float
    time: float

    def cells(self) -> list[str]:
        found = (self.deviation, self.spectrum, self.correlation, self.light, self.time)
        limits = (3.0, 0.5, 0.03, 0.1, 0.01)
        marks = [f"{v:.3g}" if v <= limit else f"**{v:.3g}**" for v, limit in zip(found, limits, strict=True)]
        return [self.name, *marks]


def flat(density: float, number: int, width: int = WIDTH, height: int = HEIGHT) -> Frame:
    return Frame(np.full((height, width, 3), density, np.float32), DENSITY, number=number)


def render(frame: Frame, analysis: Any = None, **params: Any) -> Image:
    return NODE.make(params).render(Window((frame,)), Context(analysis=analysis)).frame.rgb


def synthetic(tones: Sequence[float]) -> Iterator[Row]:
    for name, gauge, own, params in STOCKS:
        model = damage.get("grain").make({"gauge": gauge, "scanner": 0.6, **params})
        clean = [flat(d, i) for i, d in enumerate(tones)]
        stock = [model.apply(f, Stream.of(11, "stock")).frame.rgb for f in clean]
        measured = combine([measure_frame(s) for s in stock], _pitch(own))
        if measured is None:
            raise SystemExit(f"{name} was not measured")
        made = [render(f, measured.to_json(), match=True, gauge=own, seed=5) for f in clean]
        a, b = radial_spectrum(stock), radial_spectrum(made)
        seen = a > _FAINTEST * a.max()
        pooled = [np.corrcoef(np.concatenate([unit(f).reshape(-1, 3) for f in frames]).T) for frames in (stock, made)]
        light = [np.power(10.0, -m.astype(np.float64)).mean((0, 1)) / 10**-d for m, d in zip(made, tones, strict=True)]
        time = (unit(made[0]) * unit(made[1])).mean((0, 1))
        yield Row(
            name,
            100 * max(float(np.abs(m.std((0, 1)) / s.std((0, 1)) - 1).max()) for m, s in zip(made, stock, strict=True)),
            float(np.abs(10 * np.log10(b / a))[seen].max()),
            float(np.abs(pooled[1] - pooled[0]).max()),
            100 * float(np.abs(np.mean(light, axis=0) - 1).max()),
            float(np.abs(time).max()),
        )


def _pitch(gauge: str) -> float:
    from wetgate.color.film_gauge import WIDTH_MM
    from wetgate.nodes.grain import _GAUGES

    return WIDTH_MM[_GAUGES[gauge]] * 1000 / WIDTH


def plates(folder: Path) -> Iterator[list[str]]:
    """The real plates: how many of twelve bands lie outside two standard errors, and the worst in dB."""
    import cv2

    for file in sorted(folder.glob("*.png")):
        code = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
        density = np.repeat((-2.2 * np.log10(np.maximum(code, 1 / 255)))[..., None], 3, axis=2).astype(np.float32)
        measured = combine([measure_frame(density)], 0.0)
        if measured is None:
            yield [file.stem, "not measured", "", ""]
            continue
        places = [(y, x) for y in range(0, 193, 32) for x in range(0, 193, 32)]
        plate = np.log(grain_sample(density[..., :1], places).spectrum()[:, 0])
        draws = []
        for number in range(12):
            made = render(flat(float(density.mean()), number, 256, 256), measured.to_json(), match=True)
            draws.append(np.log(grain_sample(made[..., :1], places).spectrum()[:, 0]))
        error = np.sqrt(2) * np.std(draws, axis=0, ddof=1)
        off = plate - np.mean(draws, axis=0)
        outside = int((np.abs(off) > 2 * error).sum())
        worst = int(np.argmax(np.abs(off) / error))
        yield [
            file.stem,
            f"{outside} of 12",
            f"{10 / np.log(10) * off[worst]:+.2f} dB",
            f"{abs(off[worst]) / error[worst]:.1f}",
        ]


def peer() -> list[list[str]]:
    """Luma grain of a 35 mm stock on greys, through aomenc's noise model and dav1d, and through our own table."""
    if not shutil.which("aomenc") or not shutil.which("dav1d"):
        return [["aomenc's noise model", "not here", "", ""]]
    from wetgate.ops import grain_av1

    width, height, count = 640, 384, 10
    rows = []
    density = 0.745
    frames = [render(flat(density, n, width, height), stock="vision3_500t", gauge="mm16") for n in range(count)]
    luma = [_luma(f) for f in frames]
    measured = combine([measure_frame(f) for f in frames], 0.0)
    assert measured is not None
    again = [
        _luma(render(flat(density, n, width, height), measured.to_json(), match=True, seed=3)) for n in range(count)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _y4m(folder / "noisy.y4m", luma)
        _y4m(folder / "flat.y4m", [np.full((height, width), float(np.mean(luma)))] * count)
        (folder / "grain.tbl").write_text(grain_av1.to_text([grain_av1.of_measured(measured)]), encoding="ascii")
        theirs = _coded(folder, "noisy.y4m", ["--denoise-noise-level=50"], width, height)
        ours = _coded(folder, "flat.y4m", ["--film-grain-table=grain.tbl"], width, height)
    for label, test in (
        ("this node, matched", again),
        ("this node's AV1 table, played by dav1d", ours),
        ("aomenc's noise model, played by dav1d", theirs),
    ):
        distance = grain_distance(_pooled(luma), _pooled(test))
        rows.append([label, f"{distance.spectrum_db:.2f}", f"{distance.deviation_percent:.1f}"])
    return rows


def _luma(density: Image) -> np.ndarray:
    """Video codes 16 to 235 of BT.1886 light."""
    light = np.power(10.0, -density.astype(np.float64))
    coded = np.power(np.clip(light, 0, 1), 1 / 2.4) @ np.array([0.2126, 0.7152, 0.0722])
    return 16 + 219 * np.asarray(coded)


def _pooled(frames: Sequence[np.ndarray]) -> Any:
    height, width = frames[0].shape
    places = [(y, x) for y in range(0, height - 63, 64) for x in range(0, width - 63, 64)]
    total = None
    for frame in frames:
        one = grain_sample((frame / 255)[..., None].astype(np.float32), places)
        total = one if total is None else total.merged(one)
    return total


def _y4m(path: Path, frames: Sequence[np.ndarray]) -> None:
    height, width = frames[0].shape
    grey = np.full(width * height // 2, 128, np.uint8).tobytes()
    head = f"YUV4MPEG2 W{width} H{height} F24:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + b"".join(b"FRAME\n" + np.rint(f).astype(np.uint8).tobytes() + grey for f in frames))


def _coded(folder: Path, source: str, options: list[str], width: int, height: int) -> list[np.ndarray]:
    encode = ["aomenc", source, "-o", "o.ivf", "--ivf", "--cpu-used=6", "--end-usage=q", "--cq-level=30", *options]
    for command in (encode, ["dav1d", "-i", "o.ivf", "-o", "o.y4m", "--filmgrain", "1"]):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    raw = (folder / "o.y4m").read_bytes()
    at, size = raw.index(b"\n") + 1, width * height
    frames = []
    while at < len(raw):
        at += len(b"FRAME\n")
        frames.append(np.frombuffer(raw, np.uint8, size, at).reshape(height, width).astype(np.float64))
        at += size * 3 // 2
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="write the tables into the page")
    parser.add_argument("--quick", action="store_true", help="two tones in place of eight")
    args = parser.parse_args()
    rows = []
    for row in synthetic(TONES[2:5:2] if args.quick else TONES):
        print(row, flush=True)
        rows.append(row.cells())
    columns = [
        "stock",
        "deviation, % (3)",
        "spectrum, dB (0.5)",
        "correlation (0.03)",
        "light, % (0.1)",
        "in time (0.01)",
    ]
    lines = [*table(columns, rows), ""]
    data = os.environ.get("WETGATE_TEST_DATA")
    if data:
        found = list(plates(Path(data) / "colour" / "grain_plates"))
        lines += [*table(["real plate", "bands outside two standard errors", "worst", "in standard errors"], found), ""]
    else:
        lines += ["The real plates were not there (`WETGATE_TEST_DATA`).", ""]
    lines += table(["10 frames of grain on grey, luma", "spectrum, dB rms", "deviation, %"], peer())
    print("\n".join(lines))
    if args.page:
        put(PAGE, "grain", lines, "python -m bench.grain_match --page" + " --quick" * args.quick)


if __name__ == "__main__":
    main()
