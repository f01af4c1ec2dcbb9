"""What users would denoise with instead of Wetgate, each as a function of a clip: frames in, frames out."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from wetgate.spec import Image

Clip = list[Image]


def opencv_means(sigma: float) -> Callable[[Clip], Clip]:
    """Non-local means over five frames, h at the noise's deviation."""

    def run(clip: Clip) -> Clip:
        codes = [np.clip(np.rint(f * 255), 0, 255).astype(np.uint8) for f in clip]
        made = []
        for i in range(len(codes)):
            if len(codes) < 5 or not 2 <= i < len(codes) - 2:
                made.append(cv2.fastNlMeansDenoisingColored(codes[i], None, sigma, sigma, 7, 21))
            else:
                made.append(cv2.fastNlMeansDenoisingColoredMulti(codes, i, 5, None, sigma, sigma, 7, 21))
        return [m.astype(np.float32) / 255 for m in made]

    return run


def ffmpeg(filters: str) -> Callable[[Clip], Clip]:
    """A filter of the ffmpeg that PyPI's imageio-ffmpeg carries, on 8-bit R'G'B'."""

    def run(clip: Clip) -> Clip:
        import imageio_ffmpeg

        height, width = clip[0].shape[:2]
        raw = b"".join(np.clip(np.rint(f * 255), 0, 255).astype(np.uint8).tobytes() for f in clip)
        pipe = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *pipe, "-i", "-", "-vf", filters, *pipe[:4], "-"]
        made = subprocess.run(command, input=raw, capture_output=True, check=True).stdout
        frames = np.frombuffer(made, np.uint8).reshape(-1, height, width, 3)
        return [f.astype(np.float32) / 255 for f in frames]

    return run


def bm3d(sigma: float, most: int) -> Callable[[Clip], Clip]:
    def run(clip: Clip) -> Clip:
        from bm3d import bm3d_rgb

        return [np.asarray(bm3d_rgb(f.astype(np.float64), sigma / 255), np.float32) for f in clip[:most]]

    return run


def vbm3d(sigma: float, python: Path) -> Callable[[Clip], Clip]:
    """VapourSynth's plug-in, in an interpreter that has it."""

    def run(clip: Clip) -> Clip:
        with tempfile.TemporaryDirectory(prefix="wetgate-bench-") as folder:
            given, made = Path(folder) / "noisy.npy", Path(folder) / "cleaned.npy"
            np.save(given, np.stack(clip))
            script = Path(__file__).with_name("vbm3d.py")
            subprocess.run([python, script, given, made, str(sigma)], check=True)
            return list(np.load(made))

    return run
