"""DPX, TIFF, PNG, JPEG and the other still formats, samples as stored, through OpenImageIO.

Files are opened with unassociated alpha and no colour conversion but what a coding itself prescribes (Y'CbCr to R'G'B'
in JPEG). Ten- and twelve-bit DPX gives its own codes: OpenImageIO widens them to 16 bits by repeating the high bits,
which a shift undoes exactly. CMYK is refused, since turning it into RGB needs a profile. Only the first picture of a
file is read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.io.attributes import TimeCode, Typed
from wetgate.io.backend import openimageio, reason
from wetgate.io.formats import RECORD, Format
from wetgate.io.jpeg import read_comments, write_jpeg
from wetgate.io.labels import EXR_LABELS, RASTER_LABELS
from wetgate.io.png_chunks import labels
from wetgate.io.quantise import BITS
from wetgate.io.stored import Stored, colour_channels
from wetgate.spec import Box, FrameError

# OpenImageIO's names for what OpenEXR has standard attributes for (exroutput.cpp of OpenImageIO, exr_meta_translation).
_TO_STANDARD = {
    "smpte:TimeCode": "timeCode",
    "smpte:KeyCode": "keyCode",
    "DateTime": "capDate",
    "Copyright": "owner",
    "ImageDescription": "comments",
    "ExposureTime": "expTime",
    "FNumber": "aperture",
}
_FROM_STANDARD = {standard: name for name, standard in _TO_STANDARD.items()}

# What describes the file's own coding, or its colour label (which the writer makes anew).
_OWN = frozenset(
    [
        "compression",
        "planarconfig",
        "PixelAspectRatio",
        "jpeg:subsampling",
        "jpeg:ColorSpace",
        "png:compressionLevel",
        "tiff:Compression",
        "tiff:PhotometricInterpretation",
        "tiff:PlanarConfiguration",
        "tiff:RowsPerStrip",
        "tiff:UnassociatedAlpha",
        "tiff:ColorSpace",
        "targa:alpha_type",
        "targa:version",
        "bmp:version",
        "dpx:ImageDescriptor",
        "dpx:Packing",
        "dpx:EndOfLinePadding",
        "dpx:EndOfImagePadding",
        "dpx:TimeCode",
        "dpx:UserBits",
        "webp:quality",
    ]
)


def read_raster(path: str | os.PathLike[str]) -> Stored:
    """The first picture of a file. Raises :class:`FrameError`."""
    where = str(path)
    source = _opened(where)
    try:
        array = source.read_image(openimageio().UNKNOWN)
        if array is None:
            raise _unreadable(where, reason(source))
        return _stored(source.spec(), str(source.format_name()), array, where)
    except MemoryError:
        raise FrameError("there is not enough memory for this picture", where=where) from None
    finally:
        source.close()


def read_raster_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The metadata alone. Raises :class:`FrameError`."""
    source = _opened(str(path))
    try:
        return _metadata(source.spec(), str(source.format_name()), str(path))
    finally:
        source.close()


def describe_raster(path: str | os.PathLike[str]) -> Stored:
    """What :func:`read_raster` gives, with samples of zero: the header's facts without unpacking the pixels."""
    where = str(path)
    source = _opened(where)
    try:
        spec = source.spec()
        dtype = {"half": "f2", "float": "f4", "double": "f8"}.get(str(spec.format), f"u{spec.format.size()}")
        blank = np.broadcast_to(np.zeros((1, 1, 1), dtype), (spec.height, spec.width, spec.nchannels))
        return _stored(spec, str(source.format_name()), blank, where)
    finally:
        source.close()


def _opened(where: str) -> Any:
    oiio = openimageio()
    if not Path(where).exists():
        raise FrameError("the file is not there", where=where, remedy="check the path and the frame number")
    if not os.access(where, os.R_OK):
        raise FrameError("the file may not be read", where=where, remedy="check its permissions")
    if Path(where).stat().st_size == 0:
        raise FrameError("the file is empty", where=where, remedy="render or copy it again")
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(where, config)
    if source is None:
        raise _unreadable(where, reason(oiio))
    try:
        _demand_rgb(source.spec(), where)
    except FrameError:
        source.close()
        raise
    return source


def _unreadable(where: str, why: str) -> FrameError:
    return FrameError(f"the picture cannot be read: {why}", where=where, remedy="render or copy the file again")


def _demand_rgb(spec: Any, where: str) -> None:
    model = spec.get("tiff:ColorSpace") or spec.get("jpeg:ColorSpace") or ""
    if str(model).upper() in ("CMYK", "YCCK", "CIELAB", "ICCLAB", "ITULAB"):
        raise FrameError(
            f"the picture is in {model}",
            where=where,
            allowed="RGB or grey",
            remedy="convert it to RGB with its own profile first",
        )
    if spec.deep:
        raise FrameError("this is a deep picture", where=where, remedy="flatten it first")


def _stored(spec: Any, format_name: str, array: NDArray[Any], where: str) -> Stored:
    names = tuple(spec.channelnames)
    chosen = colour_channels(names)
    if not chosen:
        raise FrameError(f"none of the channels is a picture: {', '.join(names)}", where=where, allowed="R G B or Y")
    depth, array = _codes(spec, array, where)
    colour = array if names == chosen else np.stack([array[..., names.index(c)] for c in chosen], -1)
    metadata = _metadata(spec, format_name, where)
    return Stored(
        format=format_name,
        depth=depth,
        colour=colour,
        layout=chosen,
        data_window=Box(spec.x, spec.y, spec.width, spec.height),
        display_window=Box(spec.full_x, spec.full_y, spec.full_width, spec.full_height),
        pixel_aspect=float(spec.get("PixelAspectRatio") or 1.0),
        associated=format_name == "tiff" and not spec.get("oiio:UnassociatedAlpha") and spec.alpha_channel >= 0,
        extra={n: np.ascontiguousarray(array[..., i]) for i, n in enumerate(names) if n not in chosen},
        metadata=metadata,
    )


def _codes(spec: Any, array: NDArray[Any], where: str) -> tuple[str, NDArray[Any]]:
    if array.dtype == np.float16:
        return "half", array
    if array.dtype in (np.float32, np.float64):
        return "float", array.astype(np.float32, copy=False)
    depth = f"uint{array.dtype.itemsize * 8}"
    if array.dtype.kind != "u" or depth not in BITS:
        raise FrameError(f"samples are {array.dtype}", where=where, allowed="half, float or unsigned integers")
    bits = int(spec.get("oiio:BitsPerSample") or 0)
    if depth == "uint16" and bits in (10, 12):
        return f"uint{bits}", array >> np.uint16(16 - bits)
    return depth, array


def _metadata(spec: Any, format_name: str, where: str) -> dict[str, Any]:
    out: dict[str, Any] = {"png:labels": labels(where)} if format_name == "png" else {}
    for attribute in spec.extra_attribs:
        name = str(attribute.name)
        if name in _OWN or name.startswith(("oiio:", "thumbnail_", "ICCProfile:")):
            continue
        value = _value(name, str(attribute.type), attribute.value)
        if value is not None:
            out[_TO_STANDARD.get(name, name)] = value
    user = out.get("dpx:UserData")
    if isinstance(user, Typed) and user.value[:_DPX_USER].rstrip(b"\0") == RECORD.encode():
        out[RECORD] = user.value[_DPX_USER:].rstrip(b"\0").decode("utf-8", "replace")
        del out["dpx:UserData"]
    if format_name == "jpeg":
        _add_comments(out, where)
    text = out.get("comments")
    if isinstance(text, str) and f"{RECORD} " in text:  # where a format has no place for entries of other names
        before, _, record = text.partition(f"{RECORD} ")
        out[RECORD] = record
        out["comments"] = before.rstrip("\n")
        if not out["comments"]:
            del out["comments"]
    return out


def _add_comments(metadata: dict[str, Any], where: str) -> None:
    """A JPEG's own comments in place of what OpenImageIO makes of them: it takes ``reel: 3`` for an entry ``reel``."""
    comment, record = read_comments(Path(where))
    for text in (comment, f"{RECORD} {record}"):
        metadata.pop(text.partition(":")[0].strip(), None)
    if comment:
        metadata["comments"] = comment
    if record:
        metadata[RECORD] = record


def _value(name: str, kind: str, value: Any) -> Any:
    """A metadata value of :mod:`wetgate.io.attributes` for what OpenImageIO gives, or None where there is none."""
    if kind == "timecode":
        packed, user = (int(v) & 0xFFFFFFFF for v in value)
        return TimeCode(packed, user)
    if kind == "keycode":
        return tuple(int(v) for v in value)
    if isinstance(value, np.ndarray):
        return Typed("bytes", value.tobytes()) if value.dtype == np.uint8 else tuple(value.tolist())
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, tuple) and name == "CICP":
        return Typed("cicp", bytes(int(v) & 0xFF for v in value))
    if isinstance(value, tuple) and len(value) in (2, 3, 9, 16) and all(isinstance(v, (int, float)) for v in value):
        return value
    return None


def write_raster(
    path: str | os.PathLike[str],
    picture: Stored,
    form: Format,
    compression: str,
    label: Mapping[str, Any],
    name: str,
) -> None:
    """Write the samples to a file of that format. Raises :class:`FrameError`.

    ``label`` are the colour labels; ``name`` is the file's final name, which DPX holds in its header.
    """
    if form.name == "jpeg":
        comment, record = (str(picture.metadata.get(key, "")) for key in ("comments", RECORD))
        write_jpeg(Path(path), picture.colour, int(compression.partition(":")[2] or 95), comment, record)
        return
    oiio = openimageio()
    where = str(path)
    pixels = picture.colour
    bits = BITS.get(picture.depth, 0)
    if bits in (10, 12):
        pixels = (pixels << np.uint16(16 - bits)) | (pixels >> np.uint16(2 * bits - 16))
    box, whole = picture.data_window, picture.display_window
    kind = {"u1": "uint8", "u2": "uint16", "f4": "float"}[pixels.dtype.str[1:]]
    spec = oiio.ImageSpec(box.width, box.height, pixels.shape[2], kind)
    spec.channelnames = tuple("RGBA"[: pixels.shape[2]]) if pixels.shape[2] > 2 else ("Y", "A")[: pixels.shape[2]]
    spec.alpha_channel = pixels.shape[2] - 1 if pixels.shape[2] in (2, 4) else -1
    spec.full_width, spec.full_height = whole.width, whole.height
    if bits:
        spec.attribute("oiio:BitsPerSample", bits)
    if not picture.associated:
        spec.attribute("oiio:UnassociatedAlpha", 1)
    if compression:
        spec.attribute("compression", compression)
    spec.attribute("PixelAspectRatio", picture.pixel_aspect)
    spec.attribute("DateTime", "")  # OpenImageIO writes the time of day into TIFF where there is none
    spec.attribute("oiio:ColorSpace", "unknown")  # it writes sRGB chunks into PNG where there is none
    for key, value in (_entries(picture.metadata, form) | dict(label)).items():
        _set(oiio, spec, key, value)
    out = oiio.ImageOutput.create(form.name)
    if not out.open(where, spec):
        raise _unwritten(where, reason(out))
    done = out.write_image(pixels)
    why = "" if done else reason(out)
    closed = out.close()
    if not (done and closed):
        raise _unwritten(where, why or reason(out))
    if form.name == "dpx":
        _name_dpx(Path(path), name)


# SMPTE ST 268-1: the file name is 100 bytes of ASCII from byte 36; user data begin with 32 bytes of identification.
_DPX_NAME = (36, 100)
_DPX_USER = 32


def _name_dpx(path: Path, name: str) -> None:
    """Put the final name where OpenImageIO put that of the temporary file."""
    at, size = _DPX_NAME
    with path.open("r+b") as file:
        file.seek(at)
        file.write(name.encode("ascii", "replace")[: size - 1].ljust(size, b"\0"))


def _unwritten(where: str, why: str) -> FrameError:
    return FrameError(
        f"the frame cannot be written: {why}",
        where=where,
        remedy="check the free space and the permissions of the folder",
    )


def _entries(metadata: Mapping[str, Any], form: Format) -> dict[str, Any]:
    """What of the metadata this format is offered: all but the source's labels; the record where it has a place."""
    out = {
        _FROM_STANDARD.get(n, n): v for n, v in metadata.items() if n not in EXR_LABELS | RASTER_LABELS and n != RECORD
    }
    if RECORD in metadata and form.record == "entry":
        out[RECORD] = metadata[RECORD]
    if RECORD in metadata and form.record == "comment":
        said = str(out.get("ImageDescription", ""))
        out["ImageDescription"] = (f"{said}\n" if said else "") + f"{RECORD} {metadata[RECORD]}"
    if RECORD in metadata and form.record == "user data" and "dpx:UserData" not in out:
        out["dpx:UserData"] = Typed("bytes", RECORD.encode().ljust(_DPX_USER, b"\0") + metadata[RECORD].encode())
    if form.name == "dpx":
        out.setdefault("Software", "Wetgate")
    return out


def _set(oiio: Any, spec: Any, name: str, value: Any) -> None:
    """One metadata value as an attribute of OpenImageIO; types that it has no name for are left out."""
    if isinstance(value, TimeCode):
        words = tuple(w - (1 << 32) if w >= 1 << 31 else w for w in (value.packed, value.user_data))
        spec.attribute(name, oiio.TypeTimeCode, words)
    elif name == "smpte:KeyCode" and isinstance(value, tuple):
        spec.attribute(name, oiio.TypeKeyCode, value)
    elif isinstance(value, Typed):
        if name == "CICP":
            spec.attribute(name, oiio.TypeDesc("int[4]"), tuple(value.value))
        elif name in ("ICCProfile", "dpx:UserData"):
            spec.attribute(name, oiio.TypeDesc(f"uint8[{len(value.value)}]"), np.frombuffer(value.value, np.uint8))
    elif isinstance(value, (str, float)) or (isinstance(value, int) and -(2**31) <= value < 2**31):
        spec.attribute(name, value)
