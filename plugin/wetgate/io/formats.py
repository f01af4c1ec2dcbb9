"""The still formats that are written: what each can hold, and its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wetgate.spec import UsageError, suggest

# The header entry that holds the record of a render, a JSON text.
RECORD = "wetgate:record"


@dataclass(frozen=True, slots=True)
class Format:
    """A still format. ``depths`` are those it can store, the first one its default.

    ``lossless`` says whether samples come back as they were (with every compression offered; OpenEXR's are told apart
    by :func:`lossless`). ``windows``: it keeps a data window apart from the display window, else the picture is cut or
    padded with black to the display window. ``record`` is where :data:`RECORD` goes: an ``entry`` of its own, at the
    end of the ``comment``, into DPX's ``user data``, or None: the format has no room and only the sidecar holds it.
    """

    name: str
    suffixes: tuple[str, ...]
    depths: tuple[str, ...]
    compressions: tuple[str, ...]
    lossless: bool
    alpha: bool
    windows: bool
    record: Literal["entry", "comment", "user data"] | None


_EXR_COMPRESSIONS = (
    *("zips", "none", "rle", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"),
    *("htj2k256", "htj2k32", "zstd"),
)
FORMATS = (
    Format("openexr", (".exr", ".sxr"), ("half", "float"), _EXR_COMPRESSIONS, True, True, True, "entry"),
    Format("dpx", (".dpx",), ("uint10", "uint8", "uint12", "uint16", "float"), ("",), True, True, False, "user data"),
    Format(
        "tiff", (".tif", ".tiff"), ("uint16", "uint8", "float"), ("zip", "none", "lzw"), True, True, False, "comment"
    ),
    Format("png", (".png",), ("uint16", "uint8"), ("zip",), True, True, False, "entry"),
    Format("jpeg", (".jpg", ".jpeg"), ("uint8",), ("jpeg",), False, False, False, "comment"),
    Format("targa", (".tga",), ("uint8",), ("none", "rle"), True, True, False, None),
    Format("hdr", (".hdr",), ("float",), ("",), False, False, False, None),
)
# WebP is read, not written: its coder gives up the colour of clear pixels even where it is called lossless.
WRITTEN_SUFFIXES = tuple(s for f in FORMATS for s in f.suffixes)

# Depths from the coarsest to the finest, for keeping at least the source's.
_FINENESS = ("uint8", "uint10", "uint12", "uint16", "half", "float")
_LEVELS = {"zip": (1, 9), "zips": (1, 9), "dwaa": (1, 1000), "dwab": (1, 1000), "jpeg": (1, 100)}


def format_of(name: str) -> Format:
    """The format that a file name asks for. Raises :class:`UsageError` that lists the others."""
    suffix = Path(name).suffix.lower()
    for form in FORMATS:
        if suffix in form.suffixes:
            return form
    raise UsageError(
        f"{name!r}: cannot write {suffix or 'a file without a suffix'}",
        allowed=", ".join(WRITTEN_SUFFIXES) + ", or a movie",
        remedy=suggest(suffix, WRITTEN_SUFFIXES),
    )


def checked_depth(form: Format, depth: str | None) -> str | None:
    """``depth`` if the format stores it; None is left for :func:`default_depth`."""
    if depth is not None and depth not in form.depths:
        raise UsageError(
            f"depth is {depth!r} for {form.name}", where="depth", allowed=", ".join(form.depths), remedy="choose one"
        )
    return depth


def default_depth(form: Format, source: str | None) -> str:
    """The format's default depth, or the source's own where that is finer and the format can store it.

    A source in float gives float in OpenEXR and TIFF; one in half gives half in OpenEXR, float in TIFF.
    """
    default = form.depths[0]
    if source is None or source not in _FINENESS or _FINENESS.index(source) <= _FINENESS.index(default):
        return default
    if source in form.depths:
        return source
    return "float" if source == "half" and form.name == "tiff" else default


def checked_compression(form: Format, compression: str | None) -> str:
    """The compression with its level, in OpenImageIO's writing; the format's default for None.

    OpenImageIO turns a name it does not know into another one without a word (``htj2k`` into ``zip``), so names are
    checked here. Raises :class:`UsageError`.
    """
    if compression is None:
        return {"jpeg": "jpeg:95"}.get(form.name, form.compressions[0])
    name, colon, level = compression.lower().partition(":")
    if name not in form.compressions or name == "":
        offered = ", ".join(c for c in form.compressions if c) or "none can be chosen for this format"
        raise UsageError(
            f"compression is {compression!r} for {form.name}",
            where="compression",
            allowed=offered,
            remedy="write htj2k256 or htj2k32"
            if name == "htj2k"
            else suggest(name, [c for c in form.compressions if c]),
        )
    if colon:
        lo, hi = _LEVELS.get(name, (0, 0))
        if not level.isdigit() or not lo <= int(level) <= hi:
            allowed = f"{name}:{lo} to {name}:{hi}" if hi else f"{name} without a level"
            raise UsageError(f"compression is {compression!r}", where="compression", allowed=allowed)
    return name + colon + level


def lossless(form: Format, compression: str, depth: str, other_types: frozenset[str] = frozenset()) -> bool:
    """Whether every sample comes back as it was: those of ``depth`` and of the further channels' types.

    OpenEXR technical introduction, "Data Compression": pxr24 rounds float to 24 bits, b44 and b44a are lossy for half,
    dwaa and dwab for half and float.
    """
    if form.name != "openexr":
        return form.lossless
    name = compression.partition(":")[0]
    types = other_types | {depth}
    if name == "pxr24":
        return "float" not in types
    if name in ("b44", "b44a"):
        return "half" not in types
    return name not in ("dwaa", "dwab")
