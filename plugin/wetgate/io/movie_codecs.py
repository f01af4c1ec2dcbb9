"""Which encoder writes what: containers, pixel formats, how quality and HDR metadata are put to each.

An encoder that is not in the table is taken as libavcodec has it: its first pixel format that is written here, its own
defaults, quality as ``crf`` where it has that option and as a fixed quantiser where not.

Thread counts are fixed, because x264 (frame threads), x265 (frame threads) and FFV1 (slices) write other bytes for
other counts: the same render gives the same file on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import av
from av.codec.codec import UnknownCodecError

from wetgate.io.movie_hdr import StaticHdr
from wetgate.io.movie_planes import layout_of
from wetgate.io.sink import WriteOptions
from wetgate.spec import UsageError, suggest

# Suffix -> muxer. What libavformat can read and nothing here writes is refused by name.
MUXERS = {
    ".mov": "mov",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mkv": "matroska",
    ".webm": "webm",
    ".mxf": "mxf",
    ".avi": "avi",
    ".nut": "nut",
}
_PQ, _HLG = 16, 18
HdrStyle = Literal["x265", "x264", "svtav1", ""]


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder and how it is set up. ``formats`` and ``alpha`` are in order of preference."""

    name: str
    formats: tuple[str, ...]
    alpha: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    quality: Literal["crf", "quantiser", ""] = ""
    best: float | None = None
    threads: int = 0
    hdr: HdrStyle = ""
    lossless: bool = False
    matrix: int | None = None  # the only one that the encoder can name
    tag: str = ""  # the code in mov and mp4 where libavformat's default is not the usual one
    even: bool = False  # refuses odd sizes of subsampled pictures


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TABLE = (
    Encoder("prores_ks", ("yuv422p10le", "yuv444p10le"), ("yuva444p10le",), {"vendor": "apl0"}),
    Encoder(
        "libx264",
        ("yuv420p", "yuv420p10le", "yuv422p", "yuv422p10le", "yuv444p", "yuv444p10le", "gray", "gray10le"),
        options={"preset": "medium"},
        quality="crf",
        best=16,
        threads=6,
        hdr="x264",
        even=True,
    ),
    Encoder(
        "libx265",
        _names("yuv420p10le yuv420p yuv422p10le yuv444p10le yuv420p12le yuv422p12le yuv444p12le gbrp10le gbrp12le"),
        options={"preset": "medium"},
        quality="crf",
        best=16,
        hdr="x265",
        tag="hvc1",
        even=True,
    ),
    Encoder(
        "libsvtav1",
        ("yuv420p10le", "yuv420p"),
        options={"preset": "6"},
        quality="crf",
        best=20,
        hdr="svtav1",
        even=True,
    ),
    Encoder(
        "ffv1",
        ("yuv444p16le", "yuv444p12le", "yuv444p10le", "yuv444p", "gbrp16le"),
        ("yuva444p16le", "yuva444p12le", "yuva444p10le", "yuva444p", "gbrap16le"),
        # Y'CbCr first: limited range has room for super-whites and sub-blacks, which 16-bit RGB would cut off.
        # Version 3 in intra-only slices with checksums: the archives' profile (RFC 9043).
        {"level": "3", "slices": "16", "slicecrc": "1", "g": "1", "coder": "range_def", "context": "0"},
        lossless=True,
        threads=4,
    ),
    Encoder("dnxhd", ("yuv422p10le", "yuv422p", "yuv444p10le", "gbrp10le"), options={"profile": "dnxhr_hqx"}, matrix=1),
    Encoder(
        "mjpeg",
        ("yuvj422p", "yuvj444p", "yuvj420p"),
        options={"huffman": "optimal"},
        quality="quantiser",
        best=2,
        threads=1,
        matrix=5,
    ),
    Encoder("v210", ("yuv422p10le",), lossless=True),
    Encoder("mpeg2video", ("yuv422p", "yuv420p"), quality="quantiser", best=2, threads=1),
)
ENCODERS = {encoder.name: encoder for encoder in _TABLE}
_DEFAULTS = {"mov": "prores_ks", "matroska": "ffv1", "webm": "libsvtav1", "mxf": "dnxhd", "avi": "ffv1", "nut": "ffv1"}
_DNXHR_FORMATS = {
    "dnxhr_lb": "yuv422p",
    "dnxhr_sq": "yuv422p",
    "dnxhr_hq": "yuv422p",
    "dnxhr_hqx": "yuv422p10le",
    "dnxhr_444": "yuv444p10le",
}
_DEPTHS = {"uint8": 8, "uint10": 10, "uint12": 12, "uint16": 16}


def muxer_of(suffix: str) -> str:
    """The muxer of a file name's suffix; :class:`UsageError` where nothing here writes such files."""
    if suffix.lower() not in MUXERS:
        raise UsageError(f"{suffix} movies are read, not written", allowed=" ".join(MUXERS))
    return MUXERS[suffix.lower()]


def available(name: str) -> bool:
    """Whether this build of libavcodec has the encoder."""
    try:
        return bool(av.codec.Codec(name, "w").type == "video")
    except UnknownCodecError:
        return False


def choose_encoder(muxer: str, options: WriteOptions, transfer: int) -> tuple[Encoder, tuple[str, ...]]:
    """The encoder that was asked for, or the container's own: for HDR in MP4 HEVC, AV1 where that is not built in.

    Also notes. Raises :class:`UsageError` where it is not there.
    """
    name = options.codec or ""
    notes: list[str] = []
    if not name:
        name = _DEFAULTS.get(muxer, "libx264")
        if muxer == "mp4" and transfer in (_PQ, _HLG):
            name = "libx265"
            if not available(name):
                name = "libsvtav1"
                notes.append("this build has no HEVC encoder: HDR is written as AV1")
    if not available(name):
        known = [n for n in ENCODERS if available(n)]
        raise UsageError(f"this build has no video encoder {name!r}", where="codec", remedy=suggest(name, known))
    return ENCODERS.get(name) or _generic(name), tuple(notes)


def _generic(name: str) -> Encoder:
    codec = av.codec.Codec(name, "w")
    formats: list[str] = []
    alpha: list[str] = []
    for f in codec.video_formats or ():
        try:
            layout = layout_of(f.name)
        except UsageError:
            continue
        (alpha if layout.has_alpha else formats).append(f.name)
    if not formats and not alpha:
        raise UsageError(f"no pixel format of the encoder {name} is written here", where="codec")
    private = {o.name for o in av.CodecContext.create(name, "w").supported_options.private}
    quality: Literal["crf", "quantiser"] = "crf" if "crf" in private else "quantiser"
    return Encoder(name, tuple(formats or alpha), tuple(alpha), quality=quality)


def choose_format(encoder: Encoder, options: WriteOptions, alpha: bool) -> tuple[str, tuple[str, ...]]:
    """The pixel format: the one asked for, else by depth, alpha and profile. Also notes.

    Raises :class:`UsageError` where the encoder has no such format.
    """
    profile = options.codec_options.get("profile", encoder.options.get("profile", ""))
    every = [f.name for f in av.codec.Codec(encoder.name, "w").video_formats or ()]
    if options.pixel_format is not None:
        if every and options.pixel_format not in every:
            raise UsageError(
                f"{encoder.name} does not write {options.pixel_format}", where="pixel_format", allowed=", ".join(every)
            )
        return options.pixel_format, _alpha_note(alpha, options.pixel_format, encoder)
    if encoder.name == "prores_ks":
        deep = profile in ("4444", "4444xq", "4", "5")
        # Four-four-four-four is the only ProRes with alpha; a 4:2:2 profile that was asked for keeps none.
        if alpha and (deep or not profile):
            return "yuva444p10le", ()
        chosen = "yuv444p10le" if deep else "yuv422p10le"
        return chosen, _alpha_note(alpha, chosen, encoder)
    if encoder.name == "dnxhd" and profile in _DNXHR_FORMATS:
        return _DNXHR_FORMATS[profile], _alpha_note(alpha, _DNXHR_FORMATS[profile], encoder)
    offered = encoder.alpha if alpha and encoder.alpha else encoder.formats
    if options.depth is not None:
        bits = _DEPTHS.get(options.depth)
        found = [f for f in offered if bits is not None and layout_of(f).bits == bits]
        if not found:
            raise UsageError(
                f"{encoder.name} does not store {options.depth}",
                where="depth",
                allowed=", ".join(sorted({f"uint{layout_of(f).bits}" for f in offered})),
            )
        return found[0], _alpha_note(alpha, found[0], encoder)
    return offered[0], _alpha_note(alpha, offered[0], encoder)


def _alpha_note(alpha: bool, pixel_format: str, encoder: Encoder) -> tuple[str, ...]:
    if not alpha or layout_of(pixel_format).has_alpha:
        return ()
    return (f"alpha is left out: {encoder.name} as {pixel_format} holds none (ProRes 4444 and FFV1 do)",)


def encoder_options(
    encoder: Encoder, pixel_format: str, options: WriteOptions, hdr: StaticHdr, transfer: int, rate: Fraction
) -> dict[str, str]:
    """The options of the encoder, those of the user last."""
    found = dict(encoder.options)
    layout = layout_of(pixel_format)
    if encoder.name == "prores_ks":
        found["profile"] = "4444" if layout.across == 1 else "hq"
        if layout.has_alpha:
            found["alpha_bits"] = "16"
    if encoder.name in ("libx264", "libx265", "libsvtav1"):
        found["g"] = str(max(1, round(2 * rate)))  # a keyframe every two seconds: reviewers scrub
    quality = options.quality if options.quality is not None else encoder.best
    if quality is not None and encoder.quality == "crf":
        found["crf"] = f"{quality:g}"
    if options.quality is not None and not encoder.quality:
        raise UsageError(
            f"{encoder.name} has no quality scale",
            where="quality",
            remedy="choose a profile (ProRes, DNxHR) by codec_options",
        )
    key, own = _stream_params(encoder, layout.bits, hdr, transfer)
    given = dict(options.codec_options)
    if key:
        found[key] = ":".join(filter(None, (own, given.pop(key, ""))))
    return {**found, **given}


def _stream_params(encoder: Encoder, bits: int, hdr: StaticHdr, transfer: int) -> tuple[str, str]:
    """HDR metadata and fixed settings in the encoder's own notation."""
    if encoder.hdr == "x265":
        # info: the encoder's greeting in the stream names this machine's CPU. frame-threads: by core count otherwise.
        parts = ["log-level=none", "info=0", "frame-threads=3", "repeat-headers=1"]
        if transfer == _PQ and bits >= 10:
            parts.append("hdr10-opt=1")
        if hdr.display is not None:
            parts.append(f"master-display={hdr.display}")
        if hdr.max_cll is not None:
            parts.append(f"max-cll={hdr.max_cll},{hdr.max_fall or 0}")
        return "x265-params", ":".join(parts)
    if encoder.hdr == "x264":
        parts = []
        if hdr.display is not None:
            parts.append(f"mastering-display={hdr.display}")
        if hdr.max_cll is not None:
            parts.append(f"cll={hdr.max_cll},{hdr.max_fall or 0}")
        return "x264-params", ":".join(parts)
    if encoder.hdr == "svtav1":
        parts = []
        if hdr.display is not None:
            parts.append(f"mastering-display={_svt_display(hdr)}")
        if hdr.max_cll is not None:
            parts.append(f"content-light={hdr.max_cll},{hdr.max_fall or 0}")
        return "svtav1-params", ":".join(parts)
    return "", ""


def _svt_display(hdr: StaticHdr) -> str:
    """SVT-AV1 takes decimal chromaticities and luminances in cd/m2 (its Docs/Parameters.md)."""
    assert hdr.display is not None
    d = hdr.display

    def xy(point: tuple[int, int]) -> str:
        return f"({point[0] / 50000:.5f},{point[1] / 50000:.5f})"

    return (
        f"G{xy(d.green)}B{xy(d.blue)}R{xy(d.red)}WP{xy(d.white)}"
        f"L({d.max_luminance / 10000:.4f},{d.min_luminance / 10000:.4f})"
    )
