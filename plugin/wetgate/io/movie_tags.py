"""What a video stream says of its colour, and what has to be assumed where it says nothing.

Codes are those of Rec. ITU-T H.273, which libavutil's enumerations repeat. Primaries and transfer only label the
pixels; matrix and range are needed to make R'G'B' at all, so that where they are missing a stated rule fills in and a
note says so: BT.601 for at most 576 lines and BT.709 above, limited range for Y'CbCr and full range for RGB (the
convention of players and of FFmpeg's own readers).
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import av

from wetgate.color.chroma import SITINGS, Siting
from wetgate.color.ycbcr import IDENTITY, luma_weights
from wetgate.io.movie_planes import Layout
from wetgate.io.movie_side_data import attached

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

UNSPECIFIED = 2
SD_LINES = 576
# Codecs that are defined for limited range and have no flag for it: TN2162 (v210), IEC 61834, H.262, RDD 36.
LIMITED_BY_DEFINITION = frozenset({"v210", "dvvideo", "mpeg2video", "mpeg1video", "prores"})
_LIMITED, _FULL = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG
_MATRIX_NAMES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020"}
# AVFieldOrder (libavcodec/defs.h): which field is shown first. TB and BT stand for 9 and 14 of QuickTime's fiel and
# Matroska's FieldOrder: frames of woven fields, the top or the bottom one shown first (RFC 9559, 5.1.4.1.28.2),
# whatever libavcodec's comment says of the order of coding.
_FIELDS = {2: "top", 3: "bottom", 4: "top", 5: "bottom"}
_dump_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class StreamTags:
    """The tags of a stream, gaps filled. ``stated`` are primaries, transfer and matrix as the stream has them.

    ``missing`` names the tags that it lacks, ``notes`` say what was assumed.
    """

    primaries: int
    transfer: int
    matrix: int
    full_range: bool
    siting: Siting
    stated: str = ""
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_tags(
    layout: Layout,
    frame: av.VideoFrame,
    location: str,
    codec: str = "",
    *,
    matrix: int | None = None,
    full_range: bool | None = None,
) -> StreamTags:
    """The tags of the first picture. ``matrix`` (H.273 code) and ``full_range`` overrule the stream.

    ``location`` is the stream's chroma location by libavutil's name, ``codec`` the codec's. Raises
    :class:`UsageError` for a matrix that cannot be worked (YCgCo, constant luminance, ICtCp).
    """
    notes: list[str] = []
    missing = []
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    if primaries == UNSPECIFIED:
        missing.append("primaries")
    if transfer == UNSPECIFIED:
        missing.append("transfer")
    code = int(frame.colorspace)
    stated = f"{primaries}/{transfer}/{code}"
    if layout.model == "ycbcr":
        if code == UNSPECIFIED:
            missing.append("matrix")
        code = _matrix(code, frame.height, matrix, notes)
    else:
        code = IDENTITY if layout.model == "rgb" else code
    tagged = {_LIMITED: False, _FULL: True}.get(int(frame.color_range))
    if layout.jpeg:
        tagged = True
    if codec in LIMITED_BY_DEFINITION and tagged is None:
        tagged = False
    if tagged is None and layout.model != "rgb" and not layout.is_float:
        missing.append("range")
    wide = _range(tagged, layout, full_range, notes)
    siting: Siting = "left"
    if layout.down > 1 or layout.across > 1:
        siting = _siting(location, layout, notes)
    return StreamTags(primaries, transfer, code, wide, siting, stated, tuple(missing), tuple(notes))


def _matrix(tagged: int, height: int, wanted: int | None, notes: list[str]) -> int:
    if wanted is not None:
        luma_weights(wanted)
        if wanted != tagged:
            said = "names none" if tagged == UNSPECIFIED else f"names matrix {tagged}"
            notes.append(f"Y'CbCr matrix {wanted} was asked for, the stream {said}")
        return wanted
    if tagged == UNSPECIFIED:
        code = 6 if height <= SD_LINES else 1
        notes.append(
            f"the stream does not name its Y'CbCr matrix: {_MATRIX_NAMES[code]} was assumed, by its {height} lines; "
            "colours are wrong if that is not so"
        )
        return code
    luma_weights(tagged)
    return tagged


def _range(tagged: bool | None, layout: Layout, wanted: bool | None, notes: list[str]) -> bool:
    words = {True: "full", False: "limited", None: "no"}
    if wanted is not None:
        if wanted != tagged:
            notes.append(f"{words[wanted]} range was asked for, the stream names {words[tagged]} range")
        return wanted
    if tagged is not None:
        return tagged
    if layout.model == "rgb" or layout.is_float:
        return True
    notes.append(
        "the stream does not name its range: limited (black at 16, white at 235 of 8 bits) was assumed; "
        "contrast is wrong if it is full"
    )
    return False


def _siting(location: str, layout: Layout, notes: list[str]) -> Siting:
    if location in SITINGS:
        return cast(Siting, location)
    if layout.jpeg and not location:
        return "center"
    if location not in ("", "unspecified"):
        notes.append(f"chroma location {location} is worked as left")
    # Without a tag: H.264 and H.265 (VUI semantics, chroma_loc_info_present_flag) infer type 0, left.
    return "left"


def chroma_location(container: InputContainer, stream_index: int) -> str:
    """The stream's chroma location by libavutil's name (``left``, ``topleft``...), "" where it has none.

    PyAV has no accessor for it; libavformat's description of the file names it at log level verbose.
    """
    with _dump_lock:
        level = av.logging.get_level()
        av.logging.set_level(av.logging.VERBOSE)
        av.logging.set_libav_level(av.logging.VERBOSE)
        try:
            text = str(cast(Any, container).dumps_format())  # missing from PyAV's stub
        finally:
            av.logging.set_libav_level(av.logging.INFO)  # FFmpeg's own default
            av.logging.set_level(level)
    line = re.search(rf"Stream #0:{stream_index}\b[^\n]*: Video: ([^\n]*)", text)
    if line is None:
        return ""
    names = "left|center|topleft|top|bottomleft|bottom"
    found = re.search(rf"\([^()]*\b({names})\)", line[1])
    return "" if found is None else found[1]


def first_field(field_order: int) -> str:
    """``top`` or ``bottom``, "" for progressive or unknown, from libavcodec's field order."""
    return _FIELDS.get(field_order, "")


def find_timecode(container: InputContainer, first: VideoStream, frame: av.VideoFrame) -> str | None:
    """The start time code: of the video stream, the file, a time code track, or the first picture's S12M data."""
    for holder in (first, container, *container.streams):
        for key, value in holder.metadata.items():
            if key.lower() == "timecode" and value.strip():
                return str(value).strip()
    words = dict(attached(frame)).get("S12M_TIMECODE")
    return None if words is None else _s12m(words)


def _s12m(data: bytes) -> str | None:
    """SMPTE ST 12-1 words as libavutil packs them (timecode.c, av_timecode_make_smpte_tc_string2)."""
    words = memoryview(data).cast("I")
    if not words[0]:
        return None
    word = words[1]

    def decimal(shift: int, mask: int) -> int:
        value = (word >> shift) & mask
        return (value >> 4) * 10 + (value & 15)

    mark = ";" if word & (1 << 30) else ":"
    return f"{decimal(0, 0x3F):02d}:{decimal(8, 0x7F):02d}:{decimal(16, 0x7F):02d}{mark}{decimal(24, 0x3F):02d}"
