"""Deblur beside its peers: clean pictures are blurred in linear light, noise is added, and everybody is told the PSF.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deblur table PICTURES --levin KERNELS.npz [--quick] [--blind]
    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deblur peers PICTURES --levin KERNELS.npz --rows FILE
    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deblur halos
    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deblur speed

The blur is not made by the code that undoes it: PSFs are drawn here, by 33 samples an axis and pixel, and applied in
the Fourier domain in double precision to the whole picture, of which the middle is taken: light comes in over the
edges, as it does in a camera. White Gaussian noise in percent of white, in linear light, unclipped. Everybody gets the
middle of it and the same PSF; Wetgate measures the noise, over all of the photograph, as it would over a shot. With
``--blind`` it is told no PSF either, and the kind, size and angle that it found in the photograph are printed beside
the share of its gain with the PSF told. ``peers`` puts the peers' figures into the file that ``table`` goes on from:
they do not change with our code, and take half of the time.

Peers are scikit-image's: Wiener, unsupervised Wiener and Richardson-Lucy, with the picture's edges reflected by twice
the PSF's reach. Each is tuned on the very picture that it is judged by: the best of 16 balances, of 60 numbers of
iterations. PSNR in dB in linear light (peak 1) and after the sRGB curve; the gain is over the best peer of
that row in that measure. ``residual``: rms of the picture less our result blurred again, over the noise, 1 is right.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy import fft
from skimage import restoration

import wetgate
import wetgate.nodes
from bench.timing import state_machine
from wetgate.ops import blur_measure
from wetgate.ops.blur_shot import blur_of_frames, free_of_frames
from wetgate.ops.noise_measure import measure_noise
from wetgate.ops.noise_model import top_of
from wetgate.spec import Image, registry

Kernel = np.ndarray
Tried = dict[str, Any]  # of one picture: levels by who, residual, what was found
Sharp = blur_measure.Blur("sharp", 0.0, 0.0, 0.0)
SPACE = "ACEScg"  # the working space: numbers go through as they are
NOISE = (0.005, 0.01, 0.03)


@dataclass(frozen=True)
class Blur:
    """``family`` for the summary; ``psf`` odd-sized; ``params`` what Wetgate is told."""

    family: str
    name: str
    psf: Kernel
    params: dict[str, object]


# --- blur, drawn apart from what undoes it


def disc_by_samples(radius: float, over: int = 33) -> Kernel:
    reach = int(np.ceil(radius + 0.5))
    axis = (np.arange((2 * reach + 1) * over) + 0.5) / over - (reach + 0.5)
    inside = (np.hypot(axis[:, None], axis[None, :]) <= radius).astype(np.float64)
    return _binned(inside, reach, over)


def gaussian_by_samples(sigma: float, over: int = 33) -> Kernel:
    reach = int(np.ceil(4.5 * sigma))
    axis = (np.arange((2 * reach + 1) * over) + 0.5) / over - (reach + 0.5)
    line = np.exp(-0.5 * (axis / sigma) ** 2)
    return _binned(np.outer(line, line), reach, over)


def line_by_samples(length: float, angle: float, over: int = 33) -> Kernel:
    """Samples along the line, each in the pixel that it falls into, moved by a box of one pixel."""
    reach = int(np.ceil(length / 2 + 1))
    along = (np.arange(int(length * over * 8)) + 0.5) / (over * 8) - length / 2
    x, y = along * np.cos(np.radians(angle)), -along * np.sin(np.radians(angle))
    out = np.zeros((2 * reach + 1,) * 2)
    jitter = (np.arange(9) + 0.5) / 9 - 0.5
    for dy in jitter:
        for dx in jitter:
            np.add.at(out, (np.rint(y + dy).astype(int) + reach, np.rint(x + dx).astype(int) + reach), 1)
    return out / out.sum()


def _binned(samples: Kernel, reach: int, over: int) -> Kernel:
    size = 2 * reach + 1
    out = samples.reshape(size, over, size, over).sum(axis=(1, 3))
    return out / out.sum()


def blurs(levin: Path | None, quick: bool) -> Iterator[Blur]:
    for radius in (2.0,) if quick else (1.0, 2.0, 3.0, 4.0):
        yield Blur("disc", f"disc r {radius:g}", disc_by_samples(radius), {"kind": "defocus", "size": radius})
    for sigma in (1.6,) if quick else (0.8, 1.6, 3.0):
        yield Blur("gaussian", f"Gaussian {sigma:g}", gaussian_by_samples(sigma), {"kind": "gaussian", "size": sigma})
    for length, angle in ((15, 30),) if quick else ((5, 0), (9, 70), (15, 30), (25, 135)):
        psf = line_by_samples(length, angle)
        yield Blur("motion", f"motion {length} px, {angle}", psf, {"kind": "motion", "size": length, "angle": angle})
    for i, psf in enumerate(read_levin(levin) if levin else []):
        if quick and i not in (0, 4):
            continue
        yield Blur("Levin", f"Levin {i + 1}", psf, {"kind": "custom", "psf": as_text(psf)})


def read_levin(file: Path) -> list[Kernel]:
    """Levin's eight kernels of an .npz, each turned as it is convolved with, odd-sized."""
    held = np.load(file)
    kernels = [held[name].astype(np.float64) for name in held.files]
    return [k / k.sum() for k in kernels]


def as_text(psf: Kernel) -> str:
    return "/".join(" ".join(f"{v * 1e6:.0f}" for v in row) for row in psf)


def blurred(light: Image, psf: Kernel) -> Image:
    """Double precision, in the Fourier domain, edges meeting."""
    kernel = np.zeros(light.shape[:2])
    kernel[: psf.shape[0], : psf.shape[1]] = psf
    kernel = np.roll(kernel, (-(psf.shape[0] // 2), -(psf.shape[1] // 2)), (0, 1))
    transfer = np.fft.rfft2(kernel)[..., None]
    return np.fft.irfft2(np.fft.rfft2(light.astype(np.float64), axes=(0, 1)) * transfer, light.shape[:2], axes=(0, 1))


# --- peers


def padded(picture: Image, psf: Kernel) -> tuple[Image, Callable[[Image], Image]]:
    py, px = 2 * psf.shape[0], 2 * psf.shape[1]
    held = cv2.copyMakeBorder(picture.astype(np.float64), py, py, px, px, cv2.BORDER_REFLECT_101)
    return held, lambda made: made[py:-py, px:-px]


def by_channel(picture: Image, run: Callable[[np.ndarray], np.ndarray]) -> Image:
    return np.stack([run(picture[..., c]) for c in range(3)], axis=2)


def wiener(picture: Image, psf: Kernel) -> Iterator[Image]:
    held, cut = padded(picture, psf)
    for balance in np.geomspace(1e-4, 3, 16):
        yield cut(by_channel(held, lambda x, b=balance: restoration.wiener(x, psf, b, clip=False)))


def unsupervised(picture: Image, psf: Kernel) -> Iterator[Image]:
    held, cut = padded(picture, psf)
    yield cut(by_channel(held, lambda x: restoration.unsupervised_wiener(x, psf, clip=False, rng=1)[0]))


def richardson_lucy(picture: Image, psf: Kernel, most: int = 60) -> Iterator[Image]:
    """Every count of iterations of scikit-image's algorithm (0.26, no filter_epsilon), each going on from the one
    before. Its ``fftconvolve`` with the transform of the PSF kept."""
    held, cut = padded(np.maximum(picture, 0), psf)
    size = held.shape[:2]
    room = [fft.next_fast_len(n + k - 1, real=True) for n, k in zip(size, psf.shape, strict=True)]
    transfer, mirrored = (fft.rfft2(k, room) for k in (psf, np.flip(psf)))
    rows, columns = (slice(k // 2, k // 2 + n) for n, k in zip(size, psf.shape, strict=True))

    def through(x: Image, by: np.ndarray) -> Image:
        return fft.irfft2(fft.rfft2(x, room) * by, room)[:, rows, columns]

    seen = np.ascontiguousarray(held.transpose(2, 0, 1))
    made = np.full_like(seen, 0.5)
    for _ in range(most):
        made *= through(seen / (through(made, transfer) + 1e-12), mirrored)
        yield cut(made.transpose(1, 2, 0)).copy()


PEERS = {"wiener": wiener, "unsupervised": unsupervised, "RL": richardson_lucy}


# --- measures


def to_light(code: Image) -> Image:
    """IEC 61966-2-1."""
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_code(light: Image) -> Image:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def psnr(a: Image, b: Image) -> tuple[float, float]:
    """In linear light, and after the sRGB curve."""
    return tuple(
        float(-10 * np.log10(np.mean(np.square(x - y, dtype=np.float64))))
        for x, y in ((a.astype(np.float64), b), (to_code(a.astype(np.float64)), to_code(b)))
    )


def in_place(made: Image, truth: Image, reach: int) -> tuple[float, float]:
    """The best of all moves by quarters of a pixel: where the middle of a PSF lies, the picture does not say. So were
    Levin's kernels compared first (A. Levin et al., "Understanding and evaluating blind deconvolution algorithms", CVPR
    2009). ``reach`` at each side is left out."""
    rows, columns = (slice(reach, n - reach) for n in truth.shape[:2])

    def against(move: tuple[float, float]) -> tuple[float, float]:
        return psnr(moved(made, move)[rows, columns], truth[rows, columns])

    whole, part = (np.ascontiguousarray(x.mean(axis=2), np.float32) for x in (made, truth[rows, columns]))
    fits = cv2.matchTemplate(whole, part, cv2.TM_SQDIFF)
    y, x = reach - np.array(np.unravel_index(fits.argmin(), fits.shape))
    quarters = np.arange(-3, 4) / 4
    return max((against((y + dy, x + dx)) for dy in quarters for dx in quarters), key=lambda level: level[0])


def moved(picture: Image, by: tuple[float, float]) -> Image:
    """A picture moved down and to the right by parts of a pixel, in the Fourier domain; its sides reflected."""
    room = 24
    held = cv2.copyMakeBorder(picture, room, room, room, room, cv2.BORDER_REFLECT)
    y, x = np.fft.fftfreq(held.shape[0])[:, None], np.fft.rfftfreq(held.shape[1])[None, :]
    turn = np.exp(-2j * np.pi * (y * by[0] + x * by[1]))[..., None]
    out = np.fft.irfft2(np.fft.rfft2(held, axes=(0, 1)) * turn, held.shape[:2], axes=(0, 1))
    return out[room:-room, room:-room]


def best(made: Iterator[Image], truth: Image) -> tuple[float, float]:
    found = np.array([psnr(m, truth) for m in made])
    return tuple(found.max(axis=0))


def ours(picture: Image, params: dict[str, object], **more: object) -> tuple[Image, float]:
    aovs: dict[int, dict[str, Image]] = {}
    made = wetgate.nodes.deblur(picture, in_space=SPACE, aovs=aovs, **{"threads": 1} | params | more)
    (views,) = aovs.values()
    left = (views["deblur.residual"] - 0.5) / 0.1
    return made, float(np.sqrt(np.mean(np.square(left, dtype=np.float64))))


@dataclass
class Row:
    """One blur at one noise over all pictures: PSNR by who, gain over the best peer, what else was seen."""

    blur: Blur
    noise: float
    levels: dict[str, list[tuple[float, float]]]
    residuals: list[float]
    found: list[dict[str, object]]

    @classmethod
    def of(cls, blur: Blur, noise: float, tries: list[Tried]) -> Row:
        levels = {who: [t["levels"][who] for t in tries] for who in tries[0]["levels"]}
        return cls(blur, noise, levels, [t["residual"] for t in tries], [t["found"] for t in tries if t["found"]])

    def mean(self, who: str) -> np.ndarray:
        return np.mean(self.levels[who], axis=0)

    @property
    def gain(self) -> np.ndarray:
        return self.mean("Wetgate") - np.max([self.mean(peer) for peer in PEERS], axis=0)

    def line(self) -> str:
        cells = "  ".join("{:6.2f}/{:6.2f}".format(*self.mean(who)) for who in ("input", *PEERS, "Wetgate"))
        text = f"{self.blur.name:<20}{self.noise:6.1%}  {cells}  {self.gain[0]:+.2f}/{self.gain[1]:+.2f}"
        text += f"  residual {min(self.residuals):.3f} to {max(self.residuals):.3f}"
        if self.found:
            share = (self.mean("blind") - self.mean("input")) / (self.mean("Wetgate") - self.mean("input"))
            seen = ", ".join(" ".join(f"{v}" for k, v in f.items() if k != "psf") for f in self.found)
            text += f"  blind {share[0]:.0%}/{share[1]:.0%} of the gain: {seen}"
        return text + ("" if min(self.gain) > 0 else "  LOSS")


@dataclass(frozen=True)
class Condition:
    """One blur at one noise on the middle of one picture, ``side`` px of it: all that the peers' figures hang on."""

    file: Path
    seed: int
    side: int
    blur: Blur
    noise: float

    def __str__(self) -> str:
        return f"{self.file.name} {self.side} {self.blur.name} {self.noise}"

    def pictures(self) -> tuple[Image, Image, Image]:
        """The photograph blurred and with noise, the middle of it that everybody is given, and that of the truth."""
        picture = to_light(cv2.imread(str(self.file))[..., ::-1].astype(np.float32) / 255)
        whole = blurred(picture, self.blur.psf)
        whole = (whole + self.noise * np.random.default_rng(self.seed).standard_normal(whole.shape)).astype(np.float32)
        side = [min(self.side, n) for n in whole.shape[:2]]
        top, left = ((n - s) // 2 for n, s in zip(whole.shape[:2], side, strict=True))
        given, truth = (np.ascontiguousarray(x[top : top + side[0], left : left + side[1]]) for x in (whole, picture))
        return whole, given, truth


def peers_tried(at: Condition) -> Tried:
    _, given, truth = at.pictures()
    levels = {"input": psnr(given, truth)}
    return {"levels": levels | {name: best(peer(given, at.blur.psf), truth) for name, peer in PEERS.items()}}


def ours_tried(at: Condition, quality: str, blind: bool) -> Tried:
    whole, given, truth = at.pictures()
    noise = noise_of(whole)
    made, residual = ours(given, at.blur.params, quality=quality, analysis=noise)
    levels = {"Wetgate": psnr(made, truth)}
    found: dict[str, object] | None = None
    if blind:
        if at.blur.family == "Levin":
            found = free_of_frames([whole])
            alone, _ = ours(given, {"kind": "free"}, quality=quality, analysis=noise | {"free": found})
            reach = at.blur.psf.shape[0] // 2
            lost = np.subtract(in_place(made, truth, reach), in_place(alone, truth, reach))
            levels["blind"] = tuple(float(v) for v in np.subtract(levels["Wetgate"], lost))
        else:
            found = (blur_of_frames([whole]) or Sharp).to_json()
            alone, _ = ours(given, {}, quality=quality, analysis=noise | {"blur": found})
            levels["blind"] = psnr(alone, truth)
        found = found or {"kind": "none"}
    return {"levels": levels, "residual": residual, "found": found}


def noise_of(whole: Image) -> dict[str, Any]:
    """An analysis of the shot, as far as its noise."""
    measured = measure_noise([whole])
    held: dict[str, Any] = {"frames": 0} if measured is None else measured.to_json()
    return {"top": top_of(whole), "noise": held, "verdict": {"origin": "unknown"}}


def table(args: argparse.Namespace) -> None:
    """Picture by picture, so that a run that is ended early is a table of fewer pictures."""
    files = sorted(f for f in args.pictures.iterdir() if f.suffix in {".png", ".webp", ".tif", ".jpg"})
    files = files[:: max(1, len(files) // args.count)][: args.count]
    kept = Kept(args.rows)
    kinds = [(blur, n) for blur in blurs(args.levin, args.quick) for n in args.noise]
    tries: list[list[Tried]] = [[] for _ in kinds]
    for seed, file in enumerate(files):
        for (blur, noise), row in zip(kinds, tries, strict=True):
            at = Condition(file, seed, args.side, blur, noise)
            peers = kept.get(f"peers {at}", lambda at=at: peers_tried(at))
            if args.what == "peers":
                continue
            found = kept.get(
                f"{args.quality}{' blind' * args.blind} {at}", lambda at=at: ours_tried(at, args.quality, args.blind)
            )
            row.append(found | {"levels": peers["levels"] | found["levels"]})
        if args.what == "table":
            names = ", ".join(f.name for f in files[: seed + 1])
            print(f"\n{args.pictures.name}: {names}; {args.side} px of the middle; linear / sRGB PSNR in dB")
            print_table([Row.of(b, n, row) for (b, n), row in zip(kinds, tries, strict=True)])


class Kept:
    """Figures in a ``file``, a line each, as they come: a run that was ended goes on from there."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        lines = file.read_text().splitlines() if file is not None and file.exists() else []
        self._held: dict[str, Tried] = dict(json.loads(line) for line in lines)

    def get(self, key: str, make: Callable[[], Tried]) -> Tried:
        if key not in self._held:
            self._held[key] = make()
            if self._file is not None:
                with self._file.open("a") as out:
                    out.write(json.dumps([key, self._held[key]]) + "\n")
        return self._held[key]


def print_table(rows: list[Row]) -> None:
    names = "  ".join(f"{name:>13}" for name in ("input", *PEERS, "Wetgate"))
    print(f"{'blur':<20}{'noise':>6}  {names}  gain")
    for row in rows:
        print(row.line())
    print()
    for family in dict.fromkeys(row.blur.family for row in rows):
        of_it = [row for row in rows if row.blur.family == family]
        every = np.mean([row.gain for row in of_it], axis=0)
        low = np.mean([row.gain for row in of_it if row.noise <= 0.01], axis=0)
        print(f"{family:<10} gain {every[0]:+.2f}/{every[1]:+.2f} dB; at noise to 1 %: {low[0]:+.2f}/{low[1]:+.2f} dB")
    every = np.mean([row.gain for row in rows], axis=0)
    lost = sum(min(row.gain) < 0 for row in rows)
    print(f"mean gain over the best tuned peer {every[0]:+.2f}/{every[1]:+.2f} dB; {lost} of {len(rows)} rows lost")
    residuals = [r for row in rows for r in row.residuals]
    print(f"residual over noise {min(residuals):.3f} to {max(residuals):.3f}", flush=True)


def halos() -> None:
    """A step of 0.1 to 0.6 through each blur: overshoot as a share of the step where everybody's edge is as sharp as
    ours (10 to 90 %), and a lamp of 40.0 beside black."""
    side, noise = 128, 0.005
    truth = np.full((side, side, 3), 0.1, np.float32)
    truth[:, side // 2 :] = 0.6
    print("overshoot at equal edge width, share of the step; width in px, 10 to 90 %")
    for blur in (
        Blur("disc", "disc r 3", disc_by_samples(3), {"kind": "defocus", "size": 3.0}),
        Blur("gaussian", "Gaussian 1.6", gaussian_by_samples(1.6), {"kind": "gaussian", "size": 1.6}),
        Blur("motion", "motion 15 px", line_by_samples(15, 0), {"kind": "motion", "size": 15.0}),
    ):
        wide = np.pad(truth, ((40, 40), (40, 40), (0, 0)), mode="edge")
        given = blurred(wide, blur.psf)[40:-40, 40:-40]
        given = (given + noise * np.random.default_rng(1).standard_normal(given.shape)).astype(np.float32)
        made, _ = ours(given, blur.params)
        width, over = _edge(made)
        cells = [f"Wetgate {over:6.2%} at {width:.2f}"]
        for name, peer in PEERS.items():
            found = [_edge(m) for m in peer(given, blur.psf)]
            near = min(found, key=lambda f: abs(f[0] - width))
            cells.append(f"{name} {near[1]:6.2%} at {near[0]:.2f}")
        print(f"  {blur.name:<14} " + "   ".join(cells))
    lamp = np.zeros((side, side, 3), np.float32)
    lamp[:, side // 2 :] = 40.0
    wide = np.pad(lamp, ((40, 40), (40, 40), (0, 0)), mode="edge")
    blur = Blur("disc", "disc r 3", disc_by_samples(3), {"kind": "defocus", "size": 3.0})
    given = blurred(wide, blur.psf)[40:-40, 40:-40]
    given = (given + 0.01 * np.random.default_rng(1).standard_normal(given.shape)).astype(np.float32)
    made, _ = ours(given, blur.params)
    print(f"  40.0 beside 0: darkest {made.min():.4f}, {-min(0.0, float(made.min())) / 40:.3%} of the step below black")


def _edge(made: Image) -> tuple[float, float]:
    """Width from 10 to 90 % of the step in the mean row, and the greatest overshoot beyond its noise-free levels."""
    row = made[16:-16].mean(axis=(0, 2))
    low, high = 0.1, 0.6
    share = (row - low) / (high - low)
    middle = len(row) // 2
    near = share[middle - 24 : middle + 24]
    fine = np.interp(np.linspace(0, len(near) - 1, 4800), np.arange(len(near)), near)
    rising = np.argmax(fine > 0.9) - np.argmax(fine > 0.1)
    over = max(float(share[8:-8].max()) - 1, -float(share[8:-8].min()))
    return rising / 100.0, max(over, 0.0)


def speed() -> None:
    """Frames of known PSF beside 30 iterations of scikit-image's Richardson-Lucy, one after the other, in one thread.

    Ours is the render of a frame; what a shot is analysed for once, and the record, are timed apart. The least of three
    runs of the peer and two of the fast tier, which take turns.
    """
    random = np.random.default_rng(1)
    small = random.random((68, 120, 3))
    psf = disc_by_samples(3)
    params = {"kind": "defocus", "size": 3.0, "noise": 1.0}
    spent: list[float] = []
    render = registry.get("deblur").cls.render

    def timed(*args: object) -> object:
        began = time.process_time()
        made = render(*args)
        spent.append(time.process_time() - began)
        return made

    def in_all(run: Callable[[], object]) -> float:
        began = time.process_time()
        run()
        return time.process_time() - began

    registry.get("deblur").cls.render = timed
    for width, height in ((960, 540), (1920, 1080)):
        picture = cv2.resize(small, (1920, 1080), interpolation=cv2.INTER_CUBIC)[:height, :width].astype(np.float32)
        picture = picture * 0.6 + 0.1
        given = (blurred(picture, psf) + 0.01 * random.standard_normal(picture.shape)).astype(np.float32)
        peers, runs = [], []
        for quality in ("fast", "fine", "fast"):
            peers.append(in_all(lambda x=given: by_channel(x, lambda c: restoration.richardson_lucy(c, psf, 30))))
            runs.append((quality, in_all(lambda x=given, q=quality: ours(x, params, quality=q, threads=1)), spent[-1]))
        peer = min(peers)
        for quality in ("fast", "fine"):
            whole, alone = (min(run[k] for run in runs if run[0] == quality) for k in (1, 2))
            print(
                f"  {width}x{height}, {quality}: {alone:6.2f} s of processor a frame, {alone / peer:.2f} times"
                f" Richardson-Lucy's {peer:.2f}; with analysis and record {whole:.2f}",
                flush=True,
            )
    registry.get("deblur").cls.render = render


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["table", "peers", "halos", "speed"])
    parser.add_argument("pictures", type=Path, nargs="?")
    parser.add_argument("--levin", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--noise", type=float, nargs="+", default=NOISE, help="deviations, of white")
    parser.add_argument("--quality", default="fine")
    parser.add_argument("--rows", type=Path, help="file that keeps each figure; runs go on from it")
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--side", type=int, default=256)
    args = parser.parse_args()
    state_machine()
    if args.what in {"table", "peers"}:
        table(args)
    elif args.what == "halos":
        halos()
    else:
        speed()


if __name__ == "__main__":
    main()
