"""What video systems do to a picture short of coding it: chroma grids, fields, changes of size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np

from wetgate.color.chroma import downsample, upsample
from wetgate.color.ycbcr import rgb_from_ycbcr, ycbcr_from_rgb
from wetgate.damage.model import Damaged, damage, spatially
from wetgate.damage.planes import MATRICES, MATRIX_LABELS, SUBSAMPLING
from wetgate.ops.random import Stream
from wetgate.ops.resize import ResizeKernel, resize
from wetgate.ops.warp import displace
from wetgate.spec import Box, Frame, Image, param

_KERNELS = {
    "nearest": "Nearest",
    "area": "Area",
    "linear": "Linear",
    "cubic": "Cubic (Catmull-Rom)",
    "lanczos3": "Lanczos, three lobes",
}


@damage(id="chroma", label="Chroma subsampling", space="video", version=1)
class Chroma:
    """Chroma on a coarser grid than luma: colour bleeds over edges.

    R'G'B' to Y'CbCr by ``matrix``, Cb and Cr reduced and enlarged again. ``good`` filters are the biorthogonal
    pairs of our own movie reader; ``cheap`` is a mean and a repeat, as consumer gear does, which steps and shifts.
    ``shift`` moves chroma to the right, the usual fault of analogue links. Values are unbounded, luma is untouched.
    """

    grid: str = param(
        "420",
        choices={"420": "4:2:0", "422": "4:2:2", "411": "4:1:1"},
        hint="How many luma samples a chroma sample spans.",
    )
    filter: str = param("cheap", choices={"good": "Good", "cheap": "Cheap"}, hint="How chroma is reduced and enlarged.")
    matrix: str = param("rec709", choices=MATRIX_LABELS, hint="Luma weights.")
    shift: float = param(0.0, lo=-20, hi=20, soft=(-4, 4), unit="px", hint="How far right chroma lies of its luma.")

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        ycc = ycbcr_from_rgb(frame.rgb, MATRICES[self.matrix])
        across, down = SUBSAMPLING[self.grid]
        for k in (1, 2):
            plane = np.ascontiguousarray(ycc[..., k])
            if self.filter == "good":
                small = downsample(plane, (across, down), "left")
                plane = upsample(small, plane.shape, (across, down), "left")
            else:
                plane = _mean_and_repeat(plane, across, down)
            if self.shift:
                plane = displace(plane[..., None], self.shift, 0.0, "cubic", "extend")[..., 0]
            ycc[..., k] = plane
        return Damaged(frame.with_rgb(rgb_from_ycbcr(ycc, MATRICES[self.matrix])))


@damage(id="interlace", label="Interlace combing", space="video", version=1, sequence=True)
class Interlace:
    """Two fields of different moments in one frame: moving edges comb.

    ``weave`` takes the first field's lines from frame t and the other's from t + 1, as video deinterlaced by
    weaving at half its rate looks. ``pulldown`` is film on 60-field video: of each five frames, by frame number,
    the third and fourth (of A B B-C C-D D) mix neighbours; the frames that fall out are not removed. Lines are
    smoothed by (1, 2, 1) / 4 vertically where ``filter`` says so, as cameras do against twitter. The last frame of
    a run has itself as the next. Reaches one frame ahead. Truth: ``combed`` (whether the frame has two moments),
    ``first_line`` of the earlier field.
    """

    cadence: str = param(
        "weave", choices={"weave": "Every frame", "pulldown": "2:3 pulldown"}, hint="Which frames comb."
    )
    first: str = param("top", choices={"top": "Top field first", "bottom": "Bottom field first"}, hint="Field order.")
    filter: bool = param(True, hint="Whether lines are smoothed against twitter.")

    def run(self, frames: Iterator[Frame], random: Stream) -> Iterator[Damaged]:
        held: Frame | None = None
        for frame in frames:
            if held is not None:
                yield self._woven(held, frame)
            held = frame
        if held is not None:
            yield self._woven(held, held)

    def _woven(self, frame: Frame, following: Frame) -> Damaged:
        later = 1 if self.first == "top" else 0
        # Lines are counted from the display window's corner, so that a cropped data window combs alike.
        start = (later - (frame.window.y - frame.display.y)) % 2
        combs = self.cadence == "weave" or frame.number % 5 in (2, 3)
        now, then = self._smoothed(frame.rgb), self._smoothed(following.rgb)
        rgb = now.copy()
        if combs and then.shape == now.shape:
            rgb[start::2] = then[start::2]
        return Damaged(frame.with_rgb(rgb), {"combed": combs, "first_line": 1 - start})

    def _smoothed(self, rgb: Image) -> Image:
        if not self.filter:
            return rgb
        above, below = np.concatenate([rgb[:1], rgb[:-1]]), np.concatenate([rgb[1:], rgb[-1:]])
        return np.asarray((above + 2 * rgb + below) * np.float32(0.25))


@damage(id="resize", label="Resize", space="video", version=1, resizes=True)
class Resize:
    """The picture is made smaller, and larger again: detail is lost, ringing and stairs may come.

    Filters widen as the picture shrinks (area: exact overlap). ``restore`` off leaves the small picture: its
    windows are scaled, its other channels reduced alike (alpha by area, extra channels by the nearest sample).
    ``space`` of the filter: code values, as video hardware does it, or ``linear`` approximately (the code value's
    power of 2.4, odd). Truth: ``size`` (rows, columns) of the small picture.
    """

    scale: float = param(0.5, lo=0.02, hi=1, soft=(0.25, 1), hint="Size of the small picture.")
    down: str = param("area", choices=_KERNELS, hint="Filter of the way down.")
    up: str = param("cubic", choices=_KERNELS, hint="Filter of the way up.")
    restore: bool = param(True, hint="Whether the picture gets its size back.")
    light: str = param(
        "code", choices={"code": "Code values", "linear": "Linear light"}, hint="What the filters work on."
    )

    def neutral(self) -> bool:
        return self.scale == 1

    def apply(self, frame: Frame, random: Stream) -> Damaged:
        size = (max(1, round(frame.height * self.scale)), max(1, round(frame.width * self.scale)))
        truth = {"size": size}
        if self.restore:
            return Damaged(frame.with_rgb(spatially(frame, lambda rgb: self._there_and_back(rgb, size))), truth)
        return Damaged(_shrunk(frame, self._small(frame, size)), truth)

    def _there_and_back(self, rgb: Image, size: tuple[int, int]) -> Image:
        small, (height, width) = self._reduced(rgb, size), rgb.shape[:2]
        if self.light == "code":
            return resize(small, height, width, cast(ResizeKernel, self.up))
        return _power(resize(_power(small, 2.4), height, width, cast(ResizeKernel, self.up)), 1 / 2.4)

    def _reduced(self, rgb: Image, size: tuple[int, int]) -> Image:
        if self.light == "code":
            return resize(rgb, *size, cast(ResizeKernel, self.down))
        return _power(resize(_power(rgb, 2.4), *size, cast(ResizeKernel, self.down)), 1 / 2.4)

    def _small(self, frame: Frame, size: tuple[int, int]) -> Image:
        """The reduced colour, weighted by alpha, which is reduced too."""
        if frame.alpha is None:
            return self._reduced(frame.rgb, size)
        weight = np.where(frame.alpha > 0, frame.alpha, np.float32(1))
        small = resize(weight, *size, "area")[..., None]
        return self._reduced(frame.rgb * weight[..., None], size) / small


def _shrunk(frame: Frame, rgb: Image) -> Frame:
    height, width = rgb.shape[:2]
    pixels = rgb
    if frame.alpha is not None:
        alpha = resize(frame.alpha, height, width, "area")
        pixels = np.concatenate([rgb, alpha[..., None]], axis=2)
    rows = (np.arange(height) * frame.height // height).astype(np.intp)
    columns = (np.arange(width) * frame.width // width).astype(np.intp)
    extra = {
        name: np.ascontiguousarray(plane[rows][:, columns]) if plane.shape[:2] == frame.rgb.shape[:2] else plane
        for name, plane in frame.extra.items()
    }
    sx, sy = width / frame.width, height / frame.height

    def scaled(box: Box) -> Box:
        return Box(round(box.x * sx), round(box.y * sy), max(1, round(box.width * sx)), max(1, round(box.height * sy)))

    return replace(
        frame,
        pixels=np.ascontiguousarray(pixels, dtype=np.float32),
        data_window=replace(scaled(frame.window), width=width, height=height),
        display_window=scaled(frame.display),
        extra=extra,
    )


def _mean_and_repeat(plane: Image, across: int, down: int) -> Image:
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % down), (0, -width % across)), mode="edge")
    cells = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    mean = cells.mean(axis=(1, 3), keepdims=True, dtype=np.float32)
    return np.broadcast_to(mean, cells.shape).reshape(padded.shape)[:height, :width]


def _power(values: Image, exponent: float) -> Image:
    return np.sign(values) * np.abs(values) ** np.float32(exponent)
