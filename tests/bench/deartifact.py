"""The Deartifact network beside ffmpeg's filters, on JPEG stills and on real streams, losses printed.

    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deartifact stills DIR [--quality 10 20 30 40] [--every]
    PYTHONPATH=plugin:tests .venv/bin/python -m bench.deartifact clips CLIP ... [--frames 9]

``stills``: luma saved as grey JPEG, as the published figures are made; the network told the file's quantiser, and
blind. ``--every`` goes from quality 5 to 95, and saves twice with a shifted grid. Published on Classic5 at 10, 20, 30
and 40: DnCNN-3 29.40 31.63 32.91 33.77, FBCNN 30.12 32.31 33.54 34.35.

``clips``: each clip (a movie or a folder; above 1,000 pixels halved, which takes its own compression away) is coded by
the ffmpeg of PyPI's imageio-ffmpeg as H.264 at CRF 32, 37 and 42 and as MPEG-2 at 1, 2 and 4 Mb/s. Everybody works from
that file: ours from PyAV's decoder with the quantisers it exports, and blind; ffmpeg's filters with
``-export_side_data +venc_params``. Columns: PSNR of luma, and over the best Gaussian blur of that row's input;
structural artefact (the squared step of output - source across the 8-pixel grid less that inside) against the
input's; high-pass energy away from edges against the input's; seconds a frame.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from bench.denoise import read_clip
from bench.timing import state_machine
from wetgate.color.chroma import upsample
from wetgate.color.ycbcr import Quantisation
from wetgate.damage.jpeg import coded
from wetgate.damage.planes import PlaneFormat, Planes
from wetgate.inference import network
from wetgate.io.movie_side_data import DECODER_OPTIONS, codec_side_data
from wetgate.ops.metrics import psnr, psnr_b, ssim, structural_artefact
from wetgate.ops.quantiser import UNKNOWN, h264_step, in_values, jpeg_step, mpeg_step, network_quantiser
from wetgate.spec import Image

BLURS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.5)  # sigmas in pixels that the best is looked for in
TWICE = ((10, 30), (30, 10), (10, 70))
STREAMS = {
    **{f"H.264 CRF {crf}": ["-c:v", "libx264", "-crf", str(crf)] for crf in (32, 37, 42)},
    **{
        f"MPEG-2 {rate} Mb/s": [
            *["-c:v", "mpeg2video", "-g", "12", "-bf", "2"],
            *["-b:v", f"{rate}M", "-maxrate", f"{rate}M", "-bufsize", f"{rate}M"],
        ]
        for rate in (1, 2, 4)
    },
}
FILTERS = ("deblock", "fspp", "pp7", "nlmeans=s=1.5:p=7:r=9")
_LIMITED = Quantisation(8, False)
_EDGE_SHARE = 0.8  # of the pixels: those with less slope than the rest lie away from edges


def restored(ycc: Image, steps: Image | tuple[float, float]) -> Image:
    """The network's picture of Y', Cb, Cr values, told steps in values (or UNKNOWN)."""
    told = network_quantiser(np.asarray(steps, np.float32))
    return network("deartifact", "fast").restore([ycc], maps={"quantiser": told}, threads=1).picture


# Stills.


@dataclass(frozen=True)
class Still:
    clean: Image  # (H, W), 0 to 1
    saved: Image
    step: float  # in values

    def ours(self, step: float) -> Image:
        ycc = np.zeros((*self.saved.shape, 3), np.float32)
        ycc[..., 0] = self.saved
        return restored(ycc, (step, UNKNOWN if step < 0 else 0.0))[..., 0]

    def by(self, filters: str) -> Image:
        height, width = self.saved.shape
        pipe = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}"]
        done = _ffmpeg(*pipe, "-i", "-", "-vf", filters, *pipe[:4], "-", given=_bytes(self.saved).tobytes())
        return np.frombuffer(done, np.uint8).reshape(height, width).astype(np.float32) / 255


def saved(grey: np.ndarray, quality: int, first: int = 0) -> Still:
    """A grey picture as JPEG of ``quality``; of ``first`` before that, its grid 4 px right and down of the last one."""
    once = grey
    if first:
        padded = np.pad(grey, ((4, 0), (4, 0)), mode="edge")
        once = np.ascontiguousarray(coded(np.repeat(padded[..., None], 3, 2), first, "444", True)[0][4:, 4:, 0])
    done, tables = coded(np.repeat(once[..., None], 3, 2), quality, "444", True)
    step = float(in_values(jpeg_step(tables[0]), full_range=True))
    return Still(grey.astype(np.float32) / 255, done[..., 0].astype(np.float32) / 255, step)


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
        "network, told": lambda s: s.ours(s.step),
        "network, blind": lambda s: s.ours(UNKNOWN),
    }
    if peers:
        # No side data comes with a still: the quantiser scale that goes with the step, and a quarter of it.
        scales = [min(63, max(1, round(codes / n))) for n in (2, 8)]
        for f in ("deblock", *(f"{name}=qp={qp}" for name in FILTERS[1:3] for qp in scales), FILTERS[-1]):
            runs[f"ffmpeg {f}"] = lambda s, f=f: s.by(f)  # type: ignore[misc]
    for label, run in runs.items():
        began = time.perf_counter()
        made = [_bytes(run(s)).astype(np.float32) / 255 for s in pictures]
        pace = (time.perf_counter() - began) / len(pictures)
        pairs = [(s.clean, m) for s, m in zip(pictures, made, strict=True)]
        means = [float(np.mean([measure(a, b) for a, b in pairs])) for measure in (psnr, psnr_b, ssim)]
        print(f"  {name:<8} {label:<30} {means[0]:6.2f} {means[1]:6.2f} {means[2]:7.4f} {pace:7.2f} s", flush=True)


# Clips.


@dataclass(frozen=True)
class Picture:
    planes: Planes
    steps: Image  # (H, W, 2), in values


def clips(sources: Sequence[Path], frames: int) -> None:
    layout = PlaneFormat(siting="left", multiple=2)
    for source in sources:
        read = read_clip(source, frames)
        # Whole macroblocks: ffmpeg's fspp breaks off on other sizes.
        height, width = (n // 16 * 16 for n in read[0].shape[:2])
        clean = [layout.planes(f[:height, :width]) for f in read]
        print(f"{source.name}: {len(clean)} frames of {width}x{height}, luma, ends left out")
        for name, settings in STREAMS.items():
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / ("stream.mkv" if "264" in name else "stream.mpg")
                _encode(clean, settings, file)
                _stream(name, clean, file)


def _stream(name: str, clean: Sequence[Planes], file: Path) -> None:
    pictures = list(_decoded(file))[: len(clean)]
    if len(pictures) != len(clean):
        raise SystemExit(f"{file.name} gave back {len(pictures)} of {len(clean)} frames")
    inside = range(2, len(clean) - 2)
    wanted = [clean[i][0].astype(np.float32) / 255 for i in inside]
    given = [pictures[i].planes[0].astype(np.float32) / 255 for i in inside]
    blur = max(_level(wanted, [cv2.GaussianBlur(g, (0, 0), sigma) for g in given]) for sigma in BLURS)
    blur = max(blur, _level(wanted, given))
    height, width = given[0].shape

    def by(filters: str) -> list[Image]:
        side = ["-export_side_data", "+venc_params", "-i", str(file)]
        out = _ffmpeg(*side, "-vf", filters, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
        size = width * height + 2 * (-(-width // 2) * -(-height // 2))
        planes = [np.frombuffer(out, np.uint8, width * height, i * size).reshape(height, width) for i in inside]
        return [p.astype(np.float32) / 255 for p in planes]

    runs: dict[str, Callable[[], list[Image]]] = {
        "the input": lambda: given,
        "network, told": lambda: [_luma(pictures[i], pictures[i].steps) for i in inside],
        "network, blind": lambda: [_luma(pictures[i], (UNKNOWN, UNKNOWN)) for i in inside],
        **{f"ffmpeg {f}": (lambda f=f: by(f)) for f in FILTERS},  # type: ignore[misc]
    }
    print(f"  {name}, {file.stat().st_size * 8 * 25 / len(clean) / 1000:.0f} kb/s; best blur {blur:.2f} dB")
    before = float(np.mean([structural_artefact(w * 255, g * 255) for w, g in zip(wanted, given, strict=True)]))
    for label, run in runs.items():
        began = time.perf_counter()
        made = run()
        pace = (time.perf_counter() - began) / len(inside)
        level = _level(wanted, made)
        left = float(np.mean([structural_artefact(w * 255, m * 255) for w, m in zip(wanted, made, strict=True)]))
        kept = float(np.mean([_kept(w, g, m) for w, g, m in zip(wanted, given, made, strict=True)]))
        less = 100 * (1 - left / before) if before else 0.0
        print(
            f"    {label:<30} {level:6.2f} dB  over blur {level - blur:+5.2f}  artefact {left:7.3f} ({less:+4.0f} %)"
            f"  high-pass {kept:5.2f}  {pace:6.2f} s",
            flush=True,
        )


def _luma(picture: Picture, steps: Image | tuple[float, float]) -> Image:
    """The network's luma as 8-bit codes over 255."""
    luma, *chroma = picture.planes
    planes = [upsample(_LIMITED.value(c, chroma=True), luma.shape, (2, 2), "left") for c in chroma]
    ycc = np.stack([_LIMITED.value(luma), *planes], axis=-1)
    codes = _LIMITED.code(restored(ycc, steps)[..., 0])
    return np.clip(np.rint(codes), 0, 255).astype(np.float32) / 255


def _decoded(file: Path) -> Iterator[Picture]:
    with av.open(str(file)) as movie:
        stream = movie.streams.video[0]
        stream.codec_context.options = dict(DECODER_OPTIONS)
        stream.codec_context.thread_count = 1
        for frame in movie.decode(stream):
            planes = [
                np.frombuffer(p, np.uint8).reshape(-1, p.line_size)[: p.height, : p.width].copy() for p in frame.planes
            ]
            yield Picture(planes, _steps(frame, planes[0].shape))


def _steps(frame: av.VideoFrame, shape: tuple[int, ...]) -> Image:
    found = codec_side_data(frame)
    steps = np.full((*shape, 2), UNKNOWN, np.float32)
    if "blocks" not in found:
        return steps
    is_h264 = found["quantiser_type"] == "h264"
    for x, y, w, h, quantiser in found["blocks"].tolist():
        codes = [h264_step(quantiser), h264_step(quantiser, chroma=True)] if is_h264 else [mpeg_step(quantiser)] * 2
        told = [in_values(c, full_range=False, chroma=k == 1) for k, c in enumerate(codes)]
        steps[y : y + h, x : x + w] = told
    return steps


def _encode(clean: Sequence[Planes], settings: Sequence[str], file: Path) -> None:
    height, width = clean[0][0].shape
    raw = b"".join(p.tobytes() for planes in clean for p in planes)
    pipe = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    _ffmpeg(*pipe, *settings, "-threads", "1", str(file), given=raw)


def _ffmpeg(*arguments: str, given: bytes = b"") -> bytes:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-filter_threads", "1", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"ffmpeg {' '.join(arguments[-6:])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _level(wanted: Sequence[Image], made: Sequence[Image]) -> float:
    return float(np.mean([psnr(a, b) for a, b in zip(wanted, made, strict=True)]))


def _kept(wanted: Image, given: Image, made: Image) -> float:
    """High-pass energy of ``made`` over that of ``given``, where the source has no edge within some pixels."""
    slope = cv2.GaussianBlur(np.hypot(cv2.Sobel(wanted, -1, 1, 0), cv2.Sobel(wanted, -1, 0, 1)), (0, 0), 2.0)
    away = slope < np.quantile(slope, _EDGE_SHARE)
    high = [np.mean(np.square(p - cv2.GaussianBlur(p, (0, 0), 1.5))[away]) for p in (made, given)]
    return float(high[0] / high[1])


def _bytes(picture: Image) -> np.ndarray:
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["stills", "clips"])
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--quality", type=int, nargs="+", default=[10, 20, 30, 40])
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--frames", type=int, default=9)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    state_machine()
    if args.what == "stills":
        for folder in args.sources:
            stills(folder, args.quality, args.every)
    else:
        clips(args.sources, args.frames)


if __name__ == "__main__":
    main()
