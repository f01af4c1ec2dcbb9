"""Pixel formats: every component is found where libavutil puts it, whatever the padding."""

from __future__ import annotations

import av
import numpy as np
import pytest

from wetgate.io.movie_planes import components, fill, layout_of
from wetgate.spec import UsageError

NAMES = """
yuv420p yuv422p yuv444p yuv440p yuv411p yuv410p yuvj420p yuvj422p yuvj444p yuva420p yuva422p yuva444p
yuv420p9le yuv420p10le yuv420p12le yuv420p14le yuv420p16le yuv422p10le yuv422p12le yuv422p16le
yuv444p10le yuv444p12le yuv444p16le yuva422p10le yuva422p12le yuva422p16le yuva444p10le yuva444p12le yuva444p16le
yuv420p10be yuv422p16be
nv12 nv21 nv16 nv24 nv42 nv20le p010le p012le p016le p210le p216le p410le p416le
gbrp gbrp9le gbrp10le gbrp12le gbrp14le gbrp16le gbrap gbrap10le gbrap12le gbrap16le gbrpf32le gbrapf32le
rgb24 bgr24 rgba bgra argb abgr rgb0 bgr0 rgb48le bgr48le rgba64le bgra64le rgb48be
gray gray10le gray12le gray16le grayf32le ya8 ya16le
yuyv422 uyvy422 yvyu422 y210le y212le ayuv64le vuya vuyx
"""
FORMATS = NAMES.split()


@pytest.mark.parametrize("name", FORMATS)
def test_a_layout_agrees_with_libavutils_own_description(name: str) -> None:
    layout = layout_of(name)
    # An odd size, so that rounding up of subsampled planes shows.
    described = av.VideoFormat(name, 67, 35).components
    assert [(p.plane, layout.bits) for p in layout.parts] == [(c.plane, c.bits) for c in described]
    sizes = [layout.size_of(i, 67, 35) for i in range(len(layout.parts))]
    if layout.model == "ycbcr":
        assert sizes == [(c.height, c.width) for c in described]
    assert layout.has_alpha == any(c.is_alpha for c in described)


@pytest.mark.parametrize("name", FORMATS)
def test_components_come_back_from_a_padded_frame_as_they_were_put_in(name: str) -> None:
    layout = layout_of(name)
    rng = np.random.default_rng(7)
    frame = av.VideoFrame(67, 35, name)
    assert frame.planes[0].line_size > 67  # rows are padded, or the test shows nothing
    given = []
    for i in range(len(layout.parts)):
        shape = layout.size_of(i, 67, 35)
        if layout.is_float:
            given.append(rng.standard_normal(shape).astype(np.float32))
        else:
            given.append(rng.integers(0, layout.peak, shape, np.uint16, endpoint=True))
    fill(frame, given)
    for component, expected in zip(components(frame), given, strict=True):
        assert np.array_equal(component, expected)


@pytest.mark.parametrize(
    ("name", "part", "byte"), [("rgb24", 2, 2), ("bgr24", 2, 0), ("argb", 3, 0), ("uyvy422", 0, 1)]
)
def test_a_component_of_a_packed_format_lies_at_its_byte(name: str, part: int, byte: int) -> None:
    frame = av.VideoFrame(64, 4, name)
    parts = [np.zeros(layout_of(name).size_of(i, 64, 4), np.uint8) for i in range(len(layout_of(name).parts))]
    parts[part][0, 0] = 201
    fill(frame, parts)
    assert bytes(frame.planes[0])[byte] == 201


def test_ten_bits_of_p010_lie_in_the_high_bits() -> None:
    frame = av.VideoFrame(64, 4, "p010le")
    fill(frame, [np.full((4, 64), 1023), np.full((2, 32), 512), np.full((2, 32), 1)])
    assert bytes(frame.planes[0])[:2] == (1023 << 6).to_bytes(2, "little")
    assert bytes(frame.planes[1])[2:4] == (1 << 6).to_bytes(2, "little")  # Cb, then Cr


@pytest.mark.parametrize("name", ["pal8", "monow", "bayer_rggb8", "rgb565le", "x2rgb10le", "xv30le"])
def test_a_format_that_is_not_read_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        layout_of(name)
