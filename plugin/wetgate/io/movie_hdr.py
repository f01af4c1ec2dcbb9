"""Static HDR metadata of a movie: SMPTE ST 2086 mastering display, CTA-861.3 content light level.

In a frame's metadata it travels as ``hdr:mastering_display``, in the notation that x265 made usual,
``G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)`` (chromaticities in steps of 0.00002, luminances
in steps of 0.0001 cd/m2, largest first), ``hdr:max_cll`` and ``hdr:max_fall`` (whole cd/m2). The steps are those of
Rec. ITU-T H.265 D.3.28 (mastering display colour volume SEI) and of ISO/IEC 14496-12 12.1.7 (``mdcv``).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wetgate.io.movie_side_data import attached
from wetgate.spec import UsageError

if TYPE_CHECKING:
    import av

MASTERING_KEY = "hdr:mastering_display"
MAX_CLL_KEY = "hdr:max_cll"
MAX_FALL_KEY = "hdr:max_fall"
# Dynamic metadata, in a frame's codec facts as the bytes that the decoder hands out (structures of libavutil).
DYNAMIC_KEYS = {
    "DYNAMIC_HDR_PLUS": "hdr:hdr10plus",
    "DOVI_RPU_BUFFER": "hdr:dolby_vision_rpu",
    "DOVI_METADATA": "hdr:dolby_vision",
    "DYNAMIC_HDR_VIVID": "hdr:vivid",
    "AMBIENT_VIEWING_ENVIRONMENT": "hdr:ambient_viewing",
}
CHROMATICITY_STEP = 0.00002
LUMINANCE_STEP = 0.0001

_NOTATION = re.compile(
    r"\s*G\((\d+),(\d+)\)B\((\d+),(\d+)\)R\((\d+),(\d+)\)WP\((\d+),(\d+)\)L\((\d+),(\d+)\)\s*\Z".replace(
        ",", r"\s*,\s*"
    )
)


@dataclass(frozen=True, slots=True)
class MasteringDisplay:
    """The display on which the picture was judged. Whole steps: chromaticities (x, y), luminances."""

    red: tuple[int, int]
    green: tuple[int, int]
    blue: tuple[int, int]
    white: tuple[int, int]
    max_luminance: int
    min_luminance: int

    def __str__(self) -> str:
        g, b, r, w = self.green, self.blue, self.red, self.white
        return (
            f"G({g[0]},{g[1]})B({b[0]},{b[1]})R({r[0]},{r[1]})WP({w[0]},{w[1]})"
            f"L({self.max_luminance},{self.min_luminance})"
        )


@dataclass(frozen=True, slots=True)
class StaticHdr:
    """What an HDR10 stream says of itself, as far as it does."""

    display: MasteringDisplay | None = None
    max_cll: int | None = None
    max_fall: int | None = None

    def __bool__(self) -> bool:
        return self.display is not None or self.max_cll is not None

    @property
    def metadata(self) -> dict[str, Any]:
        """The entries for :attr:`wetgate.spec.Frame.metadata`."""
        entries = {
            MASTERING_KEY: None if self.display is None else str(self.display),
            MAX_CLL_KEY: self.max_cll,
            MAX_FALL_KEY: self.max_fall,
        }
        return {key: value for key, value in entries.items() if value is not None}


def parse_mastering_display(text: str) -> MasteringDisplay:
    """Read the notation above. :class:`UsageError` where it is another, or the values do not fit their fields."""
    found = _NOTATION.match(text)
    if found is None:
        raise UsageError(
            f"mastering display {text!r} is not understood",
            where=MASTERING_KEY,
            allowed="G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min) in whole steps of 0.00002 and 0.0001 cd/m2",
        )
    v = [int(group) for group in found.groups()]
    if max(v[:8]) > 50000 or max(v[8:]) > 0xFFFFFFFF or v[9] >= v[8]:
        raise UsageError(
            f"mastering display {text!r} is out of range",
            where=MASTERING_KEY,
            allowed="chromaticities 0 to 50000, luminances below 2^32, the largest above the smallest",
        )
    return MasteringDisplay((v[4], v[5]), (v[0], v[1]), (v[2], v[3]), (v[6], v[7]), v[8], v[9])


def static_hdr(metadata: Mapping[str, Any]) -> StaticHdr:
    """The static HDR metadata in a frame's metadata."""
    text, cll, fall = (metadata.get(key) for key in (MASTERING_KEY, MAX_CLL_KEY, MAX_FALL_KEY))
    display = None if text is None else parse_mastering_display(str(text))
    for key, value in ((MAX_CLL_KEY, cll), (MAX_FALL_KEY, fall)):
        if value is not None and not 0 <= round(float(value)) <= 0xFFFF:
            raise UsageError(f"{key} is {value}", where=key, allowed="0 to 65535 cd/m2 (CTA-861.3)")
    if cll is None and fall is None:
        return StaticHdr(display)
    return StaticHdr(display, round(float(cll or 0)), round(float(fall or 0)))


def hdr_of_frame(frame: av.VideoFrame) -> StaticHdr:
    """The static HDR metadata that the decoder attached to a picture, from the stream or from the container."""
    display, cll, fall = None, None, None
    for kind, data in attached(frame):
        if kind == "MASTERING_DISPLAY_METADATA":
            display = _mastering(data)
        elif kind == "CONTENT_LIGHT_LEVEL":
            cll, fall = struct.unpack_from("=II", data)
    return StaticHdr(display, cll, fall)


def dynamic_hdr_of_frame(frame: av.VideoFrame) -> dict[str, bytes]:
    """Dynamic HDR metadata of a picture, unread, by key."""
    return {DYNAMIC_KEYS[kind]: data for kind, data in attached(frame) if kind in DYNAMIC_KEYS}


def _mastering(data: bytes) -> MasteringDisplay | None:
    """FFmpeg's AVMasteringDisplayMetadata (libavutil/mastering_display_metadata.h): rationals, then two flags."""
    numbers = struct.unpack_from("=20i2i", data)
    if not (numbers[20] and numbers[21]):
        return None

    def steps(at: int, step: float) -> int:
        return round(numbers[at] / numbers[at + 1] / step) if numbers[at + 1] else 0

    xy = [(steps(i, CHROMATICITY_STEP), steps(i + 2, CHROMATICITY_STEP)) for i in (0, 4, 8, 12)]
    return MasteringDisplay(xy[0], xy[1], xy[2], xy[3], steps(18, LUMINANCE_STEP), steps(16, LUMINANCE_STEP))
