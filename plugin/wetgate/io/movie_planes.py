"""Pixel formats of libavutil: which byte of which plane holds which component, read and written without swscale.

A component is a two-dimensional view into the frame's own memory, row padding skipped. Formats with several samples in
one word (``v30x``, ``x2rgb10``), palettes, Bayer mosaics and bit streams are not described: nothing that a finishing
tool meets decodes to them, and :func:`layout_of` says so by name.
Source of the layouts: FFmpeg, libavutil/pixdesc.c (``av_pix_fmt_descriptors``), checked against it in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import UsageError

if TYPE_CHECKING:
    import av

Model = Literal["ycbcr", "rgb", "grey"]
Samples = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Where one component lies: its plane, the first sample of a row and the step to the next, both in samples."""

    plane: int
    offset: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """A pixel format.

    ``parts`` are in the order Y Cb Cr, R G B, or Y, then alpha where there is one. ``bits`` are the significant ones,
    ``shift`` how far they lie above bit 0 (p010). ``across`` and ``down`` are the luma samples to each chroma sample.
    ``jpeg`` marks the ``yuvj`` names, which are full-range by definition.
    """

    name: str
    model: Model
    dtype: np.dtype[Any]
    bits: int
    parts: tuple[Part, ...]
    shift: int = 0
    across: int = 1
    down: int = 1
    jpeg: bool = False

    @property
    def colours(self) -> int:
        """How many components are colour: 3, or 1 of a grey picture."""
        return 1 if self.model == "grey" else 3

    @property
    def has_alpha(self) -> bool:
        return len(self.parts) > self.colours

    @property
    def is_float(self) -> bool:
        return self.dtype.kind == "f"

    @property
    def peak(self) -> int:
        """The largest code value; of a float format 1."""
        return 1 if self.is_float else (1 << self.bits) - 1

    def size_of(self, part: int, width: int, height: int) -> tuple[int, int]:
        """Rows and columns of a component of a picture of ``width`` x ``height``."""
        if self.model == "ycbcr" and part in (1, 2):
            return -(-height // self.down), -(-width // self.across)
        return height, width


_SUBSAMPLING = {"444": (1, 1), "440": (1, 2), "422": (2, 1), "420": (2, 2), "411": (4, 1), "410": (4, 4)}
_PLANAR = re.compile(r"yuv(?P<j>j?)(?P<a>a?)(?P<s>444|440|422|420|411|410)p(?P<bits>9|1[0246])?(?P<end>le|be)?")
_PLANAR_RGB = re.compile(r"gbr(?P<a>a?)p(?P<bits>9|1[0246]|f16|f32)?(?P<end>le|be)?")
_GREY = re.compile(r"(?P<a>gray|ya)(?P<bits>8|9|1[0246]|f16|f32)?(?P<end>le|be)?")
_SEMI = re.compile(r"p(?P<s>[024])(?P<bits>10|12|16)(?P<end>le|be)")
_PACKED_RGB = re.compile(r"(?P<order>[rgb0a]{3,4})(?P<bits>24|48|64)?(?P<end>le|be)?")
_SEMI_SUBSAMPLING = {"0": (2, 2), "2": (2, 1), "4": (1, 1)}


def _dtype(bits: str | int, end: str | None) -> np.dtype[Any]:
    order = ">" if end == "be" else "<"
    if isinstance(bits, str) and bits.startswith("f"):
        return np.dtype(f"{order}f{int(bits[1:]) // 8}")
    return np.dtype(f"{order}u2") if int(bits) > 8 else np.dtype(np.uint8)


def _bits(text: str | None) -> tuple[str | int, int]:
    """The text for :func:`_dtype` and the number of significant bits."""
    if text is None:
        return 8, 8
    return (text, int(text[1:])) if text.startswith("f") else (int(text), int(text))


def _packed_rgb(name: str) -> Layout | None:
    found = _PACKED_RGB.fullmatch(name)
    if found is None or not {"r", "g", "b"} <= set(found["order"]):
        return None
    order = found["order"]
    bits = {"48": 16, "64": 16}.get(found["bits"] or "", 8)
    wanted = "rgb" + ("a" if "a" in order else "")
    parts = tuple(Part(0, order.index(c), len(order)) for c in wanted)
    return Layout(name, "rgb", _dtype(bits, found["end"]), bits, parts)


def _semi_planar(name: str) -> Layout | None:
    sizes = {"nv12": "420", "nv21": "420", "nv16": "422", "nv24": "444", "nv42": "444"}
    if name in sizes:
        first = 1 if name in ("nv21", "nv42") else 0
        across, down = _SUBSAMPLING[sizes[name]]
        parts = (Part(0), Part(1, first, 2), Part(1, 1 - first, 2))
        return Layout(name, "ycbcr", np.dtype(np.uint8), 8, parts, 0, across, down)
    if name in ("nv20le", "nv20be"):
        return Layout(name, "ycbcr", _dtype(10, name[4:]), 10, (Part(0), Part(1, 0, 2), Part(1, 1, 2)), 0, 2, 1)
    found = _SEMI.fullmatch(name)
    if found is None:
        return None
    across, down = _SEMI_SUBSAMPLING[found["s"]]
    bits = int(found["bits"])
    parts = (Part(0), Part(1, 0, 2), Part(1, 1, 2))
    return Layout(name, "ycbcr", _dtype(16, found["end"]), bits, parts, 16 - bits, across, down)


_PACKED_YCBCR: dict[str, tuple[np.dtype[Any], int, int, int, tuple[Part, ...]]] = {
    "yuyv422": (np.dtype(np.uint8), 8, 0, 2, (Part(0, 0, 2), Part(0, 1, 4), Part(0, 3, 4))),
    "yvyu422": (np.dtype(np.uint8), 8, 0, 2, (Part(0, 0, 2), Part(0, 3, 4), Part(0, 1, 4))),
    "uyvy422": (np.dtype(np.uint8), 8, 0, 2, (Part(0, 1, 2), Part(0, 0, 4), Part(0, 2, 4))),
    "y210le": (np.dtype("<u2"), 10, 6, 2, (Part(0, 0, 2), Part(0, 1, 4), Part(0, 3, 4))),
    "y212le": (np.dtype("<u2"), 12, 4, 2, (Part(0, 0, 2), Part(0, 1, 4), Part(0, 3, 4))),
    "y216le": (np.dtype("<u2"), 16, 0, 2, (Part(0, 0, 2), Part(0, 1, 4), Part(0, 3, 4))),
    "ayuv64le": (np.dtype("<u2"), 16, 0, 1, (Part(0, 1, 4), Part(0, 2, 4), Part(0, 3, 4), Part(0, 0, 4))),
    "vuya": (np.dtype(np.uint8), 8, 0, 1, (Part(0, 2, 4), Part(0, 1, 4), Part(0, 0, 4), Part(0, 3, 4))),
    "vuyx": (np.dtype(np.uint8), 8, 0, 1, (Part(0, 2, 4), Part(0, 1, 4), Part(0, 0, 4))),
}


def _planar(name: str) -> Layout | None:
    found = _PLANAR.fullmatch(name)
    if found is not None:
        kind, bits = _bits(found["bits"])
        across, down = _SUBSAMPLING[found["s"]]
        parts = tuple(Part(i) for i in range(4 if found["a"] else 3))
        jpeg = bool(found["j"])
        return Layout(name, "ycbcr", _dtype(kind, found["end"]), bits, parts, 0, across, down, jpeg)
    found = _PLANAR_RGB.fullmatch(name)
    if found is not None:
        kind, bits = _bits(found["bits"])
        planes = (2, 0, 1, 3) if found["a"] else (2, 0, 1)
        return Layout(name, "rgb", _dtype(kind, found["end"]), bits, tuple(Part(p) for p in planes))
    found = _GREY.fullmatch(name)
    if found is not None:
        kind, bits = _bits(found["bits"])
        parts = (Part(0, 0, 2), Part(0, 1, 2)) if found["a"] == "ya" else (Part(0),)
        return Layout(name, "grey", _dtype(kind, found["end"]), bits, parts)
    return None


@lru_cache(maxsize=256)
def layout_of(name: str) -> Layout:
    """The layout of a libavutil pixel format. :class:`UsageError` where it is one that is not read."""
    if name in _PACKED_YCBCR:
        dtype, bits, shift, across, parts = _PACKED_YCBCR[name]
        return Layout(name, "ycbcr", dtype, bits, parts, shift, across)
    found = _planar(name) or _semi_planar(name) or _packed_rgb(name)
    if found is None:
        raise UsageError(
            f"pixel format {name} is not read",
            allowed="planar and semi-planar Y'CbCr, planar and packed RGB, grey, of 8 to 16 bits or float",
            remedy="convert the movie to one of these first, for instance to FFV1 or ProRes",
        )
    return found


def components(frame: av.VideoFrame) -> tuple[Samples, ...]:
    """The components of a decoded frame, in the order of :attr:`Layout.parts`: views into its memory, do not write.

    Where the format keeps its bits high in the word (p010), the array is a shifted copy.
    """
    layout = layout_of(frame.format.name)
    found = []
    for index in range(len(layout.parts)):
        view = _view(frame, layout, index)
        found.append(view >> layout.shift if layout.shift else view)
    return tuple(found)


def fill(frame: av.VideoFrame, values: Sequence[Samples]) -> None:
    """Store component arrays (integers within the format's bits, or floats) in a frame that was made for writing."""
    layout = layout_of(frame.format.name)
    if len(values) != len(layout.parts):
        raise ValueError(f"{layout.name} has {len(layout.parts)} components, {len(values)} were given")
    for index, value in enumerate(values):
        view = _view(frame, layout, index)
        if value.shape != view.shape:
            raise ValueError(f"component {index} of {layout.name} is {view.shape}, {value.shape} were given")
        view[...] = value << layout.shift if layout.shift else value


def _view(frame: av.VideoFrame, layout: Layout, index: int) -> Samples:
    part = layout.parts[index]
    plane = frame.planes[part.plane]
    size = layout.dtype.itemsize
    shape = layout.size_of(index, frame.width, frame.height)
    stride = plane.line_size
    if stride < 0:  # rows stored bottom to top, and PyAV's buffer starts at the top one
        raise UsageError(f"pixel format {layout.name} with rows stored upwards is not read")
    return np.ndarray(
        shape, layout.dtype, buffer=memoryview(plane), offset=part.offset * size, strides=(stride, part.step * size)
    )
