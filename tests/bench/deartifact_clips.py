"""Deartifact on real streams, beside ffmpeg's filters: ``python -m bench.deartifact clips``.

Each clip (a movie or a folder; above 1,000 pixels halved, which takes its own compression away) is coded by the ffmpeg
of PyPI's imageio-ffmpeg as H.264 at CRF 32, 37 and 42, as MPEG-2 at 1, 2 and 4 Mb/s, and as Motion JPEG. Everybody
works from that file: the node from the decoder's frames with the quantisers that it exports, and blind, analysed over
the frames; ffmpeg's filters with ``-export_side_data +venc_params``. A clip that is a folder of JPEGs, not halved, is
cut by 4 pixels first: its own blocks, squared steps of 20 to 40 in DAVIS, lie on the codec's grid otherwise, and that
they are gone would count as structure in the error.

Columns: PSNR of luma, rounded to 8 bits, and over the best Gaussian blur of that row's input; structural artefact (the
squared step of output - source across the 8-pixel grid less that inside) against the input's; high-pass energy away
from edges against the input's; excess (mean squared warping error along the source's flow less the source's own, in
squared codes) against the node frame by frame; seconds a frame. Sixteen frames are coded before those that are worked,
so that a bit rate binds; of these two at either end are left out.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

import wetgate
import wetgate.nodes
from bench.denoise import read_clip
from bench.timing import alternate, processor
from wetgate.color.ycbcr import Quantisation, luma_weights
from wetgate.damage.planes import PlaneFormat, Planes
from wetgate.engine.graph import SCHEMA, build
from wetgate.io.opening import open_source
from wetgate.ops.metrics import psnr, structural_artefact
from wetgate.ops.metrics_temporal import Motion, motion_between, warping_error, warping_excess
from wetgate.spec import Frame, Image, registry

BLURS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.5)  # sigmas in pixels that the best is looked for in
STREAMS = {
    **{f"H.264 CRF {crf}": ["-c:v", "libx264", "-crf", str(crf)] for crf in (32, 37, 42)},
    **{
        f"MPEG-2 {rate} Mb/s": [
            *["-c:v", "mpeg2video", "-g", "12", "-bf", "2"],
            *[
                "-b:v",
                f"{rate}M",
                "-maxrate",
                f"{rate}M",
                "-bufsize",
                "1835k",
            ],  # H.262, Table 8-14: the buffer of MP@ML
        ]
        for rate in (1, 2, 4)
    },
    "Motion JPEG q 12": ["-c:v", "mjpeg", "-q:v", "12", "-pix_fmt", "yuvj420p"],
}
FILTERS = ("deblock", "fspp", "pp7", "nlmeans=s=1.5:p=7:r=9")
FRAME_BY_FRAME = "node, told, frame by frame"
NODE: dict[str, tuple[bool, dict[str, Any]]] = {  # whether it is told, and its parameters
    FRAME_BY_FRAME: (True, {"coherence": 0.0}),
    "node, blind, frame by frame": (False, {"coherence": 0.0}),
    "node, told, radius 1": (True, {"coherence": 1.0, "coherence_radius": 1}),
    "node, told, radius 2": (True, {"coherence": 1.0, "coherence_radius": 2}),
}
SPACE = "rec1886_rec709_display"
PACE = FILTERS[-1]
TIERS = ("draft", "fast", "fine", "best")
_LIMITED = Quantisation(8, False)
_EDGE_SHARE = 0.8  # of the pixels: those with less slope than the rest lie away from edges
_ENDS = 2
_LEAD = 16  # frames that are coded before those that count: until then a rate does not bind
_CUT = 4  # px


@dataclass(frozen=True)
class Truth:
    """A clean clip's luma, 0 to 1, and what is measured of it once."""

    luma: Sequence[Image]
    motions: Sequence[Motion]

    @classmethod
    def of(cls, luma: Sequence[Image]) -> Truth:
        return cls(luma, [motion_between(a, b) for a, b in pairwise(luma)])

    def level(self, made: Sequence[Image]) -> float:
        return float(np.mean([psnr(a, b) for a, b in zip(self.luma, made, strict=True)]))

    def artefact(self, made: Sequence[Image]) -> float:
        return float(np.mean([structural_artefact(a * 255, b * 255) for a, b in zip(self.luma, made, strict=True)]))

    def kept(self, given: Sequence[Image], made: Sequence[Image]) -> float:
        return float(np.mean([kept(a, g, m) for a, g, m in zip(self.luma, given, made, strict=True)]))

    def excess(self, made: Sequence[Image]) -> float:
        return warping_excess(self._error(made), self._error(self.luma)) * 255**2

    def _error(self, made: Sequence[Image]) -> float:
        pairs = zip(made[:-1], made[1:], self.motions, strict=True)
        return float(np.mean([warping_error(a, b, m) for a, b, m in pairs]))


def clips(sources: Sequence[Path], frames: int, peers: bool, streams: str, size: str, tier: str = "fast") -> None:
    layout = PlaneFormat(siting="left", multiple=2)
    for source in sources:
        read = read_clip(source, _LEAD + frames + 1)  # FFmpeg's MPEG decoders tell nothing of the last one
        cut = _CUT if source.is_dir() and any(source.glob("*.jpg")) else 0
        # Whole macroblocks: ffmpeg's fspp breaks off on other sizes.
        height, width = ((n - cut) // 16 * 16 for n in read[0].shape[:2])
        top = left = cut
        if size:
            wide, tall = (int(n) // 16 * 16 for n in size.split("x"))
            top, left = (cut + max(have - want, 0) // 32 * 16 for have, want in ((height, tall), (width, wide)))
            height, width = min(height, tall), min(width, wide)
        clean = [layout.planes(f[top : top + height, left : left + width]) for f in read]
        count = len(clean) - _LEAD - 1
        if count < 2 * _ENDS + 2:
            raise SystemExit(f"{source.name} has {len(clean)} frames; needed: {_LEAD + 2 * _ENDS + 3} or more")
        truth = Truth.of([p[0].astype(np.float32) / 255 for p in clean[_LEAD + _ENDS : _LEAD + count - _ENDS]])
        print(
            f"{source.name}: {len(truth.luma)} frames of {width}x{height}, luma, ends left out"
            f"{', cut by 4 px' if cut else ''}",
            flush=True,
        )
        for name, settings in STREAMS.items():
            if streams not in name:
                continue
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / ("stream.mpg" if "MPEG-2" in name else "stream.mkv")
                _encode(clean, settings, file)
                _stream(name, truth, file, count, peers, tier)


def _stream(name: str, truth: Truth, file: Path, count: int, peers: bool, tier: str) -> None:
    opened = open_source(file, codec_data=True)
    pictures = [opened.read(n).frame.with_(space=SPACE) for n in list(opened.numbers)[_LEAD : _LEAD + count]]
    opened.close()
    if len(pictures) != count:
        raise SystemExit(f"{file.name} gave back {len(pictures)} of {count} frames")
    inside = slice(_ENDS, count - _ENDS)
    given = _lumas(pictures[inside])
    blur = max(truth.level([cv2.GaussianBlur(g, (0, 0), sigma) for g in given]) for sigma in BLURS)
    blur = max(blur, truth.level(given))
    runs: dict[str, Callable[[], Sequence[Image]]] = {"the input": lambda: given}
    for label, (told, params) in NODE.items():
        runs[label] = lambda t=told, p=params: _lumas(_node(pictures, t, {"tier": tier, **p})[inside])
    for filters in FILTERS if peers else ():
        runs[f"ffmpeg {filters}"] = lambda f=filters: _filtered(file, f, given[0].shape, count)[inside]
    with av.open(str(file)) as coded:
        sizes = [packet.size for packet in coded.demux(video=0)]
    rate = sum(sizes[_LEAD : _LEAD + count]) * 8 * 25 / count / 1000
    print(f"  {name}, {rate:.0f} kb/s; best blur {blur:.2f} dB", flush=True)
    before, shimmer = truth.artefact(given), 0.0
    for label, run in runs.items():
        began = time.perf_counter()
        made = run()
        pace = (time.perf_counter() - began) / count
        level, left, excess = truth.level(made), truth.artefact(made), truth.excess(made)
        shimmer = excess if label == FRAME_BY_FRAME else shimmer
        less = 100 * (1 - left / before) if before else 0.0
        steadier = f"({100 * (1 - excess / shimmer):+4.0f} %)" if shimmer else "        "
        print(
            f"    {label:<28} {level:6.2f} dB  over blur {level - blur:+5.2f}  artefact {left:7.3f} ({less:+4.0f} %)"
            f"  high-pass {truth.kept(given, made):5.2f}  excess {excess:7.2f} {steadier}  {pace:6.2f} s",
            flush=True,
        )


def pace(source: Path, count: int, threads: int) -> None:
    """Processor time a frame of the node and of ``nlmeans`` on one stream, in turn."""
    layout = PlaneFormat(siting="left", multiple=2)
    clean = [layout.planes(f[: f.shape[0] // 4 * 4, : f.shape[1] // 16 * 16]) for f in read_clip(source, count)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stream.mkv"
        _encode(clean, STREAMS["H.264 CRF 37"], file)
        opened = open_source(file, codec_data=True)
        pictures = [opened.read(n).frame.with_(space=SPACE) for n in list(opened.numbers)[:count]]
        opened.close()
        found = wetgate.analyze(str(file), nodes=["deartifact"], in_space=SPACE).results

        def node(**params: Any) -> None:
            graph = build({"graph": SCHEMA, "nodes": [{"node": "deartifact", "params": params}]})
            wetgate.run_graph(graph, pictures, analyses={graph.output: found}, threads=threads)

        def filtered(filters: str) -> None:
            ffmpeg("-threads", str(threads), "-i", str(file), "-vf", filters, "-f", "null", "-", threads=threads)

        runs = alternate(
            {
                **{f"the node, tier {t}": lambda t=t: node(tier=t, coherence=0.0) for t in TIERS},
                "the node, tier fast, coherent": lambda: node(coherence=1.0),
                "ffmpeg, decoding": lambda: filtered("null"),
                f"ffmpeg {PACE}": lambda: filtered(PACE),
            },
            runs=3,
            clock=processor,
        )
    height, width = clean[0][0].shape
    print(f"{source.name}, {width}x{height}, {threads} threads, processor time a frame:")
    for run in runs.values():
        print(f"  {run.row('ms', 1000 / len(clean))}")
    alone = runs[f"ffmpeg {PACE}"].median - runs["ffmpeg, decoding"].median
    times = ", ".join(f"{t} {runs[f'the node, tier {t}'].median / alone:.2f}" for t in TIERS)
    print(f"  nlmeans without decoding {1000 * alone / len(clean):.1f} ms; the node's times of that: {times}")


def _node(pictures: Sequence[Frame], told: bool, params: dict[str, Any]) -> list[Frame]:
    """The node over the clip, its analysis included: of the decoder's data, or of the pixels where it is not told."""
    frames = list(pictures) if told else [f.with_(codec={}) for f in pictures]
    made: list[Frame] = wetgate.run_node(registry.get("deartifact"), frames, threads=1, **params)
    return made


def _lumas(frames: Sequence[Frame]) -> list[Image]:
    """Luma as 8-bit codes over 255."""
    weights = np.array(luma_weights(1), np.float32)
    return [np.clip(np.rint(_LIMITED.code(f.rgb @ weights)), 0, 255).astype(np.float32) / 255 for f in frames]


def _filtered(file: Path, filters: str, shape: tuple[int, ...], count: int) -> list[Image]:
    height, width = shape
    side = ["-export_side_data", "+venc_params", "-i", str(file)]
    limited = f"{filters},scale=out_range=limited"  # Motion JPEG comes in full range
    out = ffmpeg(*side, "-vf", limited, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    size = width * height + 2 * (-(-width // 2) * -(-height // 2))
    shown = range(_LEAD, _LEAD + count)
    planes = [np.frombuffer(out, np.uint8, width * height, i * size).reshape(height, width) for i in shown]
    return [p.astype(np.float32) / 255 for p in planes]


def _encode(clean: Sequence[Planes], settings: Sequence[str], file: Path) -> None:
    height, width = clean[0][0].shape
    raw = b"".join(p.tobytes() for planes in clean for p in planes)
    pipe = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
    ffmpeg(*pipe, *settings, *tags, "-threads", "1", str(file), given=raw)


def ffmpeg(*arguments: str, given: bytes = b"", threads: int = 1) -> bytes:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-filter_threads", str(threads), *arguments]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"ffmpeg {' '.join(arguments[-6:])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def kept(wanted: Image, given: Image, made: Image) -> float:
    """High-pass energy of ``made`` over that of ``given``, where the source has no edge within some pixels."""
    slope = cv2.GaussianBlur(np.hypot(cv2.Sobel(wanted, -1, 1, 0), cv2.Sobel(wanted, -1, 0, 1)), (0, 0), 2.0)
    away = slope < np.quantile(slope, _EDGE_SHARE)
    high = [np.mean(np.square(p - cv2.GaussianBlur(p, (0, 0), 1.5))[away]) for p in (made, given)]
    return float(high[0] / high[1])
