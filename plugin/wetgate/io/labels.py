"""Colour labels of still files: what a file says of its pixels, and what is written on it.

A label describes the pixels it travels with, so none is passed on blindly: the writer drops what the source said and
writes what it is told, unless it is told that the pixels are still in the source's space.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wetgate.color.interop import identify, names_like
from wetgate.color.tags import Tags, space_of, tags_of
from wetgate.io.attributes import Typed
from wetgate.io.source import SpaceHint

# Attributes that state the encoding of the pixels. adoptedNeutral is not among them: it is a fact of the scene.
EXR_LABELS = frozenset({"colorInteropID", "chromaticities", "acesImageContainerFlag", "whiteLuminance"})
RASTER_LABELS = frozenset({"CICP", "ICCProfile", "dpx:Transfer", "dpx:Colorimetric", "Exif:ColorSpace", "png:labels"})


def hint_of(format_name: str, metadata: Mapping[str, Any]) -> SpaceHint:
    """What a still file's own labels say. Where they say nothing, ``space`` is None: nothing is guessed from a suffix.

    Two formats define their default: PNG and JPEG without a label are sRGB by common reading, and Radiance pictures are
    linear; those hints are marked ``assumed``.
    """
    if format_name == "openexr":
        found = identify(metadata)
        return SpaceHint(found.space, found.how, found.assumed, found.interop_id)
    if "CICP" in metadata:
        codes = metadata["CICP"].value if isinstance(metadata["CICP"], Typed) else metadata["CICP"]
        tags = Tags(*(int(v) for v in codes[:3]))
        return SpaceHint(space_of(tags), f"cICP {tags}", False)
    if "ICCProfile" in metadata:
        return SpaceHint(None, "an ICC profile, which is not read here", False)
    if format_name == "png":
        return _png(str(metadata.get("png:labels", "")))
    if format_name == "jpeg":
        stated = metadata.get("Exif:ColorSpace") == 1
        return SpaceHint("srgb_tx", "Exif ColorSpace" if stated else "JPEG without a label", not stated)
    if format_name == "hdr":
        return SpaceHint("lin_rec709_srgb", "Radiance picture: linear, its usual primaries", True)
    if format_name == "dpx":
        transfer = metadata.get("dpx:Transfer", "Undefined")
        return SpaceHint(None, f"DPX transfer {transfer!r}, which names no one space", False)
    return SpaceHint(None, "the file names no colour space", False)


def _png(chunks: str) -> SpaceHint:
    if "sRGB" in chunks.split():
        return SpaceHint("srgb_tx", "PNG sRGB chunk", False)
    gamma = next((c.partition("=")[2] for c in chunks.split() if c.startswith("gAMA=")), None)
    if gamma is None:
        return SpaceHint("srgb_tx", "PNG without a label", True)
    if gamma == "100000" and "cHRM" not in chunks:
        return SpaceHint("lin_rec709_srgb", "PNG gAMA 1.0 without primaries", True)
    if gamma == "45455":
        return SpaceHint("g22_rec709", "PNG gAMA 1/2.2 without primaries", True)
    return SpaceHint(None, f"PNG gAMA {gamma}", False)


def exr_labels(
    metadata: Mapping[str, Any], interop_id: str | None, *, same_space: bool, aces_container: bool
) -> dict[str, Any]:
    """The label entries of an OpenEXR header.

    ColorInterop "OpenEXR Files": one ``colorInteropID`` and no ``chromaticities`` beside it, but for ST 2065-4 files
    (``aces_container``: half RGB(A), one part, no compression). Where the pixels are still in the source's space
    (``same_space``), its own chromaticities, white luminance and container flag stay.
    """
    out: dict[str, Any] = {}
    if interop_id:
        out["colorInteropID"] = interop_id
    if not same_space:
        return out
    container = metadata.get("acesImageContainerFlag") == 1 and aces_container and interop_id in (None, "lin_ap0_scene")
    if container:
        out["acesImageContainerFlag"] = 1
    if "chromaticities" in metadata and (container or interop_id is None):
        out["chromaticities"] = metadata["chromaticities"]
    if "whiteLuminance" in metadata:
        out["whiteLuminance"] = metadata["whiteLuminance"]
    return out


def raster_labels(
    format_name: str, metadata: Mapping[str, Any], space: str, interop_id: str | None, *, same_space: bool
) -> dict[str, Any]:
    """The label entries of another still format: cICP in PNG (H.273 codes), transfer and colorimetry in DPX.

    DPX keeps the source's words where the space is the same and else says user-defined; TIFF, JPEG and the rest have no
    label for our spaces but an ICC profile, which is written only where the source's still holds.
    """
    out: dict[str, Any] = {}
    if same_space:
        out.update({n: metadata[n] for n in ("ICCProfile", "dpx:Transfer", "dpx:Colorimetric") if n in metadata})
    if format_name == "png":
        names = [space, *(names_like(interop_id) if interop_id else ()), *names_like(space)]
        tags = tags_of(names)
        if tags is not None:
            out["CICP"] = Typed("cicp", bytes([tags.primaries, tags.transfer, 0, 1]))  # RGB, full range
    return out
