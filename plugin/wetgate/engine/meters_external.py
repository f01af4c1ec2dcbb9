"""Measures that other people's programs compute: VMAF through ffmpeg's libvmaf, ColorVideoVDP through its package.

Where the program is not there the request is refused with what to install. Nothing stands in for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.engine.meters import Column, Domain, Pair, encoded
from wetgate.spec import FrameError, Image, UsageError

KINDS = {
    "vmaf": "Netflix VMAF 0.6.1 on luma, 0 to 100, SDR only; needs an ffmpeg with libvmaf",
    "cvvdp": "ColorVideoVDP quality in JOD, at most 10; needs the package cvvdp",
}


def demand(name: str, domain: Domain) -> None:
    """Raise :class:`UsageError` where the measure cannot be had here, or means nothing in this domain."""
    if name == "vmaf":
        if domain.hdr:
            raise UsageError(
                "vmaf is not defined for HDR: its model was trained on SDR",
                where="--metrics",
                remedy="use cvvdp or deitp, or compare SDR versions",
            )
        _ffmpeg()
    elif importlib.util.find_spec("pycvvdp") is None:
        raise UsageError("cvvdp is not available", where="--metrics", remedy="install it: pip install cvvdp")


def vmaf(pairs: Iterator[Pair], rate: float, domain: Domain) -> Column:
    """VMAF of every frame. Luma goes to ffmpeg as narrow-range 10-bit codes, both pictures in one stream."""
    program = _ffmpeg()
    column = Column("vmaf", "", "higher", f"luma of {domain.text}, 10 bits, model vmaf_v0.6.1")
    first = next(pairs)
    height, width = first.codes[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        graph = (
            f"split[r][t];[r]crop={width}:{height}:0:0:exact=1[ref];[t]crop={width}:{height}:0:{height}:exact=1[test];"
            "[test][ref]libvmaf=log_fmt=json:log_path=vmaf.json:shortest=1"
        )
        command = [program, "-hide_banner", "-loglevel", "error", "-nostdin", "-f", "rawvideo"]
        command += ["-pix_fmt", "yuv444p10le", "-s", f"{width}x{2 * height}", "-r", f"{rate:.6f}", "-i", "pipe:0"]
        command += ["-lavfi", graph, "-f", "null", "-"]
        errors = Path(folder) / "errors"
        with errors.open("wb") as said:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said, stdout=said, cwd=folder)
            assert child.stdin is not None
            numbers = [first.number]
            try:
                child.stdin.write(_stacked(first))
                for pair in pairs:
                    numbers.append(pair.number)
                    child.stdin.write(_stacked(pair))
                child.stdin.close()
            except BrokenPipeError:
                pass  # ffmpeg has ended early: its message says why
            except BaseException:
                child.kill()
                child.wait()
                raise
            child.wait()
        if child.returncode != 0 or not log.is_file():
            text = errors.read_text(errors="replace").strip().splitlines()
            raise FrameError(
                f"vmaf could not be computed: {text[-1] if text else 'ffmpeg ended without a word'}", where=program
            )
        frames = json.loads(log.read_text(encoding="utf-8"))["frames"]
    if len(frames) != len(numbers):
        raise FrameError(f"libvmaf measured {len(frames)} of {len(numbers)} frames", where=program)
    column.values = {n: float(f["metrics"]["vmaf"]) for n, f in zip(numbers, frames, strict=True)}
    return column


def cvvdp(read: Callable[[int], Pair], count: int, rate: float, domain: Domain) -> Column:
    """ColorVideoVDP of the shot, in JOD. It pools over time, so there is one figure and none a frame.

    ``read`` gives the pair at a place in the shot. SDR is shown on the package's display ``standard_4k`` as sRGB, HDR
    on ``standard_hdr_pq`` as PQ.
    """
    import torch

    pycvvdp: Any = importlib.import_module("pycvvdp")
    base: Any = importlib.import_module("pycvvdp.video_source").video_source_dm

    display = "standard_hdr_pq" if domain.hdr else "standard_4k"
    metric = pycvvdp.cvvdp(display_name=display, quiet=True, device=torch.device("cpu"))
    first = read(0)
    kept: dict[int, Pair] = {0: first}

    class Shot(base):  # type: ignore[misc]
        def get_video_size(self) -> tuple[int, int, int]:
            height, width = first.codes[0].shape[:2]
            return height, width, count

        def get_frames_per_second(self) -> float:
            return rate

        def get_test_frame(self, frame: int, device: Any, colorspace: str) -> Any:
            return self._one(1, frame, device, colorspace)

        def get_reference_frame(self, frame: int, device: Any, colorspace: str) -> Any:
            return self._one(0, frame, device, colorspace)

        def _one(self, side: int, frame: int, device: Any, colorspace: str) -> Any:
            if frame not in kept:
                if len(kept) > 1:
                    del kept[next(iter(kept))]
                kept[frame] = read(frame)
            codes = encoded(kept[frame].nits(side), domain.hdr)
            tensor = torch.from_numpy(np.ascontiguousarray(codes.transpose(2, 0, 1)))[None, :, None].to(device)
            return self.apply_dm_and_color_transform(tensor, colorspace)

    with torch.no_grad():
        quality, _ = metric.predict_video_source(Shot(display_photometry=metric.display_photometry))
    version = getattr(metric, "version", "")
    where = f"{'PQ' if domain.hdr else 'sRGB'} on the display {display}, ColorVideoVDP {version}".strip()
    return Column("cvvdp", "JOD", "higher", where, {}, {"shot": float(quality)})


def _ffmpeg() -> str:
    """An ffmpeg that has libvmaf: on the path, or the one that the package imageio-ffmpeg carries."""
    candidates = [shutil.which("ffmpeg")]
    if importlib.util.find_spec("imageio_ffmpeg") is not None:
        candidates.append(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    for program in candidates:
        if program:
            listing = subprocess.run([program, "-hide_banner", "-filters"], capture_output=True, check=False)
            if b" libvmaf " in listing.stdout:
                return program
    raise UsageError(
        "vmaf is not available: no ffmpeg with libvmaf was found",
        where="--metrics",
        remedy="install one: pip install imageio-ffmpeg",
    )


def _stacked(pair: Pair) -> bytes:
    """Reference above test, luma in 10-bit narrow range (BT.709-6 item 4.6), chroma neutral, planar 4:4:4."""
    luma = np.concatenate([_ten_bit(pair.luma(0)), _ten_bit(pair.luma(1))])
    neutral = np.full(luma.shape, 512, "<u2")
    return luma.tobytes() + neutral.tobytes() + neutral.tobytes()


def _ten_bit(luma: Image) -> NDArray[np.uint16]:
    return np.asarray(np.rint(64.0 + 876.0 * np.clip(luma, 0.0, 1.0)), "<u2")
