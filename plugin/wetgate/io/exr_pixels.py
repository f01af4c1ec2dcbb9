"""OpenEXR files, samples as stored: every part, every channel in its own type, every attribute.

OpenImageIO unpacks and packs the pixels; headers are read and written by :mod:`wetgate.io.exr_header`. Scan lines are
written, whatever the input's tiling. Not read, with a clear refusal: deep pictures, reduced levels (mip maps), and
subsampled channels (luminance-chroma pictures), which OpenImageIO does not read either.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.io.attributes import decode, encode
from wetgate.io.backend import openimageio, reason
from wetgate.io.exr_header import STRUCTURAL, Header, Raw, attribute_size, read_headers, replace_attributes
from wetgate.io.stored import Stored, colour_channels
from wetgate.spec import Box, FrameError, Part, Plane

# OpenImageIO's names for the three sample types of OpenEXR.
_OIIO_TYPE: dict[np.dtype[Any], str] = {
    np.dtype(np.float16): "half",
    np.dtype(np.float32): "float",
    np.dtype(np.uint32): "uint",
}

# A part's preview would show old pixels, and its name is kept apart.
_DROPPED = frozenset({"preview", "name"})

Group = tuple[tuple[str, ...], NDArray[Any]]  # channels of one type, and their samples (H, W, C)


def read_exr(path: str | os.PathLike[str]) -> Stored:
    """All parts of an OpenEXR file. The first part is the picture. Raises :class:`FrameError`."""
    where = str(path)
    headers = read_headers(path)
    _demand_pictures(headers, where)
    groups = _read_parts(where, headers)
    chosen = colour_channels(tuple(c.name for c in headers[0].channels))
    colour, depth = _colour(groups[0], chosen)
    extra = {name: plane for name, plane in _planes(groups[0]) if name not in chosen}
    parts = tuple(_part(i, header, dict(_planes(groups[i]))) for i, header in enumerate(headers) if i > 0)
    return _stored(headers, chosen, colour, depth, extra, parts)


def describe_exr(path: str | os.PathLike[str]) -> Stored:
    """What :func:`read_exr` gives, with samples of zero that take no memory: the headers' facts alone."""
    headers = read_headers(path)
    _demand_pictures(headers, str(path))
    planes = [_blank(header) for header in headers]
    chosen = colour_channels(tuple(c.name for c in headers[0].channels))
    types = {planes[0][name].dtype for name in chosen}
    dtype = types.pop() if len(types) == 1 and np.dtype(np.uint32) not in types else np.dtype(np.float32)
    box = headers[0].data_window
    colour = np.broadcast_to(np.zeros((), dtype), (box.height, box.width, len(chosen)))
    extra = {name: plane for name, plane in planes[0].items() if name not in chosen}
    parts = tuple(_part(i, header, planes[i]) for i, header in enumerate(headers) if i > 0)
    return _stored(headers, chosen, colour, _OIIO_TYPE[dtype], extra, parts)


def _blank(header: Header) -> dict[str, Plane]:
    shape = (header.data_window.height, header.data_window.width)
    return {c.name: np.broadcast_to(np.zeros((), _DTYPE[c.type]), shape) for c in header.channels}


_DTYPE: dict[str, np.dtype[Any]] = {name: dtype for dtype, name in _OIIO_TYPE.items()}


def _demand_pictures(headers: Sequence[Header], where: str) -> None:
    for number, header in enumerate(headers):
        _demand_flat(header, where if number == 0 else f"{where}, part {number} {header.text('name')!r}")
    names = tuple(c.name for c in headers[0].channels)
    if not colour_channels(names):
        raise FrameError(
            f"none of the channels is a picture: {', '.join(names)}",
            where=where,
            allowed="R G B, Y, or a layer with R, G and B",
            remedy="rename or copy the channels you mean",
        )


def _stored(
    headers: Sequence[Header],
    layout: tuple[str, ...],
    colour: NDArray[Any],
    depth: str,
    extra: Mapping[str, Plane],
    parts: tuple[Part, ...],
) -> Stored:
    head = headers[0]
    metadata = _metadata(head)
    if len(headers) > 1:
        metadata["name"] = head.text("name") or "part0"
    return Stored(
        format="openexr",
        depth=depth,
        colour=colour,
        layout=layout,
        data_window=head.data_window,
        display_window=head.display_window,
        pixel_aspect=head.pixel_aspect,
        associated=True,
        extra=extra,
        parts=parts,
        metadata=metadata,
    )


def _part(number: int, header: Header, channels: Mapping[str, Plane]) -> Part:
    own = {"compression": header.compression, "pixelAspectRatio": header.pixel_aspect}
    return Part(
        name=header.text("name") or f"part{number}",
        channels=channels,
        data_window=header.data_window,
        display_window=header.display_window,
        metadata=own | _metadata(header),
    )


def _demand_flat(header: Header, where: str) -> None:
    if header.deep:
        raise FrameError(
            "this is a deep picture", where=where, remedy="flatten it first, for instance with DeepToImage"
        )
    if header.levels:
        raise FrameError(
            "this is a texture with reduced levels (mip or rip map)",
            where=where,
            remedy="keep its first level alone: oiiotool in.exr --selectmip 0 -o out.exr",
        )
    coarse = [
        f"{c.name} ({c.x_sampling}x{c.y_sampling})" for c in header.channels if (c.x_sampling, c.y_sampling) != (1, 1)
    ]
    if coarse:
        raise FrameError(
            f"channels are subsampled: {', '.join(coarse)} (a luminance-chroma picture)",
            where=where,
            allowed="channels at full resolution",
            remedy="convert it to R, G, B with the program that wrote it",
        )


def metadata_of(header: Header) -> dict[str, Any]:
    """The attributes of a part that are metadata, by name."""
    return _metadata(header)


def _metadata(header: Header) -> dict[str, Any]:
    return {
        name: decode(name, raw)
        for name, raw in header.attributes.items()
        if name not in STRUCTURAL and name not in _DROPPED
    }


def _read_parts(where: str, headers: Sequence[Header]) -> list[list[Group]]:
    oiio = openimageio()
    source = oiio.ImageInput.open(where)
    if source is None:
        raise _unreadable(where, reason(oiio))
    try:
        return [_read_part(source, where, number) for number in range(len(headers))]
    except MemoryError:
        raise FrameError(
            "there is not enough memory for this picture", where=where, remedy="work fewer frames at a time"
        ) from None
    finally:
        source.close()


def _read_part(source: Any, where: str, number: int) -> list[Group]:
    """The channels of one part in runs of one type, each run unpacked at once."""
    spec = source.spec() if number == 0 else source.spec(number, 0)
    names = tuple(spec.channelnames)
    types = [str(t) for t in spec.get_channelformats()] if spec.channelformats else [str(spec.format)] * len(names)
    groups: list[Group] = []
    begin = 0
    for end in range(1, len(names) + 1):
        if end < len(names) and types[end] == types[begin]:
            continue
        array = source.read_image(number, 0, begin, end, types[begin])
        if array is None:
            raise _unreadable(where, reason(source))
        groups.append((names[begin:end], array))
        begin = end
    return groups


def _unreadable(where: str, why: str) -> FrameError:
    return FrameError(f"the picture cannot be unpacked: {why}", where=where, remedy="render or copy the file again")


def _planes(groups: list[Group]) -> Iterator[tuple[str, Plane]]:
    for names, array in groups:
        for i, name in enumerate(names):
            yield name, np.ascontiguousarray(array[..., i])


def _colour(groups: list[Group], chosen: tuple[str, ...]) -> tuple[NDArray[Any], str]:
    """The colour channels, interleaved, in the widest of their types; whole numbers become float."""
    for names, array in groups:
        if set(chosen) <= set(names) and array.dtype != np.uint32:
            first = names.index(chosen[0])
            if names == chosen:
                return array, _OIIO_TYPE[array.dtype]
            if names[first : first + len(chosen)] == chosen:
                return np.ascontiguousarray(array[..., first : first + len(chosen)]), _OIIO_TYPE[array.dtype]
            return np.stack([array[..., names.index(c)] for c in chosen], -1), _OIIO_TYPE[array.dtype]
    planes = {name: array[..., i] for names, array in groups for i, name in enumerate(names)}
    return np.stack([planes[c].astype(np.float32) for c in chosen], -1), "float"


@dataclass(frozen=True, slots=True)
class _Layer:
    """One part on its way into a file."""

    groups: list[Group]
    data: Box
    display: Box
    aspect: float
    compression: str
    attributes: Mapping[str, Raw]
    name: str
    whole: frozenset[str]  # channels stored as float that the channel list must call uint


def write_exr(path: str | os.PathLike[str], picture: Stored, compression: str) -> None:
    """Write a picture and its further parts; ``metadata`` alone decides what the header says.

    ``compression`` may carry a level (``dwab:45``). Further parts keep their own compression where it is without loss,
    else they get ``zips``. Raises :class:`FrameError`; the file may then be there in part.
    """
    oiio = openimageio()
    where = str(path)
    layers = [_first(picture, compression), *(_further(part, picture) for part in picture.parts)]
    specs = [_spec(oiio, layer, len(layers) > 1) for layer in layers]
    out = oiio.ImageOutput.create("x.exr")
    if not (out.open(where, specs[0]) if len(specs) == 1 else out.open(where, specs)):
        raise _unwritten(where, reason(out))
    try:
        for number, layer in enumerate(layers):
            if number and not out.open(where, specs[number], "AppendSubimage"):
                raise _unwritten(where, reason(out))
            _write_planes(out, where, layer.groups)
    finally:
        closed = out.close()
    if not closed:
        raise _unwritten(where, reason(out))
    try:
        with Path(path).open("r+b") as file:
            replace_attributes(file, where, [layer.attributes for layer in layers], [layer.whole for layer in layers])
    except OSError as error:
        raise _unwritten(where, error.strerror or str(error)) from None


def _first(picture: Stored, compression: str) -> _Layer:
    groups: list[Group] = [(picture.layout, picture.colour), *_by_name(picture.extra)]
    names = str(picture.metadata.get("name", "part0"))
    return _Layer(
        groups=groups,
        data=picture.data_window,
        display=picture.display_window,
        aspect=picture.pixel_aspect,
        compression=compression,
        attributes=_attributes(picture.metadata),
        name=names,
        whole=_bits_as_float(groups, compression),
    )


# What OpenEXR demands to be alike in all parts, beside display window and pixel aspect (ImfMultiPartOutputFile.cpp).
_SHARED = ("timeCode", "chromaticities")


def _further(part: Part, picture: Stored) -> _Layer:
    shared = {name: picture.metadata[name] for name in _SHARED if name in picture.metadata}
    own_entries = {name: value for name, value in part.metadata.items() if name not in _SHARED}
    groups = _by_name(part.channels)
    own = str(part.metadata.get("compression", ""))
    compression = own if own in LOSSLESS else "zips"
    return _Layer(
        groups=groups,
        data=part.data_window,
        display=picture.display_window,
        aspect=picture.pixel_aspect,
        compression=compression,
        attributes=_attributes(own_entries | shared),
        name=part.name,
        whole=_bits_as_float(groups, compression),
    )


def _unwritten(where: str, why: str) -> FrameError:
    return FrameError(
        f"the frame cannot be written: {why}",
        where=where,
        remedy="check the free space and the permissions of the folder",
    )


def _attributes(metadata: Mapping[str, Any]) -> dict[str, Raw]:
    return {n: encode(n, v) for n, v in metadata.items() if n not in STRUCTURAL and n not in _DROPPED}


def _by_name(channels: Mapping[str, Plane]) -> list[Group]:
    return [((name,), plane) for name, plane in channels.items()]


# Compressions that return every sample as it was, of all three types.
LOSSLESS = frozenset({"none", "rle", "zips", "zip", "piz", "htj2k256", "htj2k32", "zstd"})

# Compressions that work on the bytes of samples, without regard to their type.
_TYPE_BLIND = frozenset({"none", "rle", "zips", "zip", "piz"})


def _spec(oiio: Any, layer: _Layer, multi: bool) -> Any:
    names = [name for group, _ in layer.groups for name in group]
    dtypes = [array.dtype for group, array in layer.groups for _ in group]
    types = ["float" if n in layer.whole else _OIIO_TYPE[dtype] for n, dtype in zip(names, dtypes, strict=True)]
    data, display = layer.data, layer.display
    spec = oiio.ImageSpec(data.width, data.height, len(names), types[0])
    spec.x, spec.y = data.x, data.y
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = display.x, display.y, display.width, display.height
    spec.channelnames = tuple(names)
    if len(set(types)) > 1:
        spec.channelformats = tuple(oiio.TypeDesc(t) for t in types)
    spec.attribute("compression", layer.compression)
    spec.attribute("PixelAspectRatio", layer.aspect)
    spec.attribute("DateTime", "")  # OpenImageIO writes capDate = now where there is none, and nothing for an empty one
    if multi:
        spec.attribute("oiio:subimagename", layer.name)
    # A label keeps OpenImageIO from asking OCIO for one. It is as long as the attributes that will take its place, so
    # that they go in without moving the pixels.
    room = sum(attribute_size(n, raw) for n, raw in layer.attributes.items() if not n.startswith("screenWindow"))
    bare = attribute_size("colorInteropID", Raw("string", b""))
    spec.attribute("colorInteropID", "-" * max(1, room - bare))
    return spec


def _write_planes(out: Any, where: str, groups: list[Group]) -> None:
    """All channels of a part in one call, as they are where they have one type.

    OpenImageIO's Python interface takes one type for a picture: half and float go in together as float, which holds
    both. It would scale whole numbers, so those go in as the floats of the same bits (see :func:`_bits_as_float`).
    """
    arrays = [array if array.ndim == 3 else array[..., None] for _, array in groups]
    if len({array.dtype for array in arrays}) > 1:
        arrays = [a.view(np.float32) if a.dtype == np.uint32 else a.astype(np.float32, copy=False) for a in arrays]
    pixels = arrays[0] if len(arrays) == 1 else np.concatenate(arrays, -1)
    if not out.write_image(pixels):
        raise _unwritten(where, reason(out))


def _bits_as_float(groups: list[Group], compression: str) -> frozenset[str]:
    """The whole-number channels that lie beside channels of other types.

    They are stored as float samples of the same bits, and the channel list is corrected afterwards: both types have
    four bytes, and the permitted compressions do not regard the type.
    """
    if len({array.dtype for _, array in groups}) == 1:
        return frozenset()
    whole = frozenset(name for names, array in groups if array.dtype == np.uint32 for name in names)
    if whole and compression.partition(":")[0] not in _TYPE_BLIND:
        raise FrameError(
            f"whole-number channels ({', '.join(sorted(whole))}) beside others cannot be stored with {compression}",
            allowed=", ".join(sorted(_TYPE_BLIND)),
            remedy="choose another compression",
        )
    return whole
