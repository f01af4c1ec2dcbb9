"""Clips at work: their property sets, where their pictures lie, and the images that a plug-in is handed."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wetgate.surfaces.ofxhost import abi
from wetgate.surfaces.ofxhost.effects import Action, ClipInstance, ImageHandle
from wetgate.surfaces.ofxhost.images import Buffer, Pixels, Rect, intersect
from wetgate.surfaces.ofxhost.profiles import ALPHA, RGB
from wetgate.surfaces.ofxhost.properties import PropertySet, Refused
from wetgate.surfaces.ofxhost.vocabulary import OBJECTS

if TYPE_CHECKING:
    from wetgate.surfaces.ofxhost.host import Host


def fill_properties(
    clip: ClipInstance, *, premultiplication: str, rate: float, frames: tuple[float, float], connect: bool = True
) -> None:
    """The property set of a clip instance (ofxImageEffect.h, "Clip Instance properties").

    Without ``connect`` nothing is connected yet.
    """
    media, form = clip.media, clip.form
    connected = connect and (clip.is_output or media is not None or clip.effect.profile.all_connected)
    shown_components = form.components if form and connected else "OfxImageComponentNone"
    shown_depth = form.depth if form and connected else "OfxBitDepthNone"
    clip.declared.props.copy_to(clip.props)
    clip.props.put(
        OfxPropType="OfxTypeClip",
        OfxImageEffectPropPixelDepth=shown_depth,
        OfxImageEffectPropComponents=shown_components,
        OfxImageClipPropUnmappedPixelDepth=shown_depth,
        OfxImageClipPropUnmappedComponents=shown_components,
        OfxImageEffectPropPreMultiplication=premultiplication,
        OfxImagePropPixelAspectRatio=float(media.pixel_aspect if media else 1.0),
        OfxImageEffectPropFrameRate=rate,
        OfxImageEffectPropFrameRange=frames,
        OfxImageEffectPropUnmappedFrameRange=frames,
        OfxImageEffectPropUnmappedFrameRate=rate,
        OfxImageClipPropFieldOrder="OfxFieldNone",
        OfxImageClipPropConnected=int(connected),
        OfxImageClipPropContinuousSamples=0,
    )
    if media is not None and media.space and clip.effect.profile.colour_management:
        clip.props.put(OfxImageClipPropColourspace=media.space)


def premultiplication_of(components: str, said: str) -> str:
    """``said``, or what follows from the components."""
    if components in (RGB, ALPHA):
        return "OfxImageOpaque" if components == RGB else "OfxImageAlphaUnPremultiplied"
    return said or "OfxImageAlphaPremultiplied"


def frame_of(clip: ClipInstance, time: float) -> int:
    """The frame number at an OFX time: the nearest, halves up."""
    first = clip.media.first if clip.media and clip.effect.profile.time_is_index else 0
    return math.floor(time + 0.5) + first


def region_of_definition(clip: ClipInstance, number: int) -> tuple[float, float, float, float] | None:
    """Canonical region of definition of an input (None where nothing is connected), or of the output: the project's."""
    del number  # every frame of a clip has one size
    media = clip.media
    if media is None and (clip.is_output or clip.effect.profile.all_connected):
        media = clip.effect.project
    if media is None:
        return None
    x, y = clip.effect.profile.origin
    return x * media.pixel_aspect, float(y), (x + media.width) * media.pixel_aspect, float(y + media.height)


def pixel_bounds(clip: ClipInstance, scale: tuple[float, float]) -> Rect | None:
    """The region of definition in pixels at a render scale (ofxCoordinates: outer pixels)."""
    box = region_of_definition(clip, 0)
    if box is None:
        return None
    media = clip.media or clip.effect.project
    return in_pixels(box, scale, media.pixel_aspect if media else 1.0)


def in_pixels(box: Sequence[float], scale: tuple[float, float], aspect: float) -> Rect:
    """A canonical rectangle in pixels, outwards to whole ones."""
    return (
        math.floor(box[0] * scale[0] / aspect + 1e-9),
        math.floor(box[1] * scale[1] + 1e-9),
        math.ceil(box[2] * scale[0] / aspect - 1e-9),
        math.ceil(box[3] * scale[1] - 1e-9),
    )


def give_image(host: Host, clip: ClipInstance, time: float, action: Action | None) -> ImageHandle:
    """What clipGetImage gives. Raises :class:`Refused` with kOfxStatFailed where there is no image."""
    profile = host.profile
    asked = time
    if profile.lies_about_time and action is not None and not clip.is_output:
        time = action.time
    if clip.is_output:
        buffer = clip.effect.output_of.get(asked)
        if buffer is None:
            host.violation(
                "ofxImageEffect.h, clipGetImage", f"the output was fetched at {asked:g}, which is not rendered"
            )
            raise Refused(abi.FAILED)
    else:
        _check_time(host, clip, asked, action)
        scale = action.scale if action is not None else (1.0, 1.0)
        buffer = _input_buffer(host, clip, time, scale, action)
    scale = action.scale if action is not None else clip.effect.scale
    image = ImageHandle(clip, PropertySet("image", OBJECTS["image"], profile, host.report), buffer, 0, action)
    image.checksum = 0 if clip.is_output else buffer.checksum()
    image.props.handle = host.handles.new(image.props)
    assert clip.form is not None
    image.props.put(
        OfxPropType="OfxTypeImage",
        OfxImageEffectPropPixelDepth=clip.form.depth,
        OfxImageEffectPropComponents=clip.form.components,
        OfxImageEffectPropPreMultiplication=clip.props.one("OfxImageEffectPropPreMultiplication", "OfxImageOpaque"),
        OfxImageEffectPropRenderScale=scale,
        OfxImagePropPixelAspectRatio=float(clip.media.pixel_aspect if clip.media else 1.0),
        OfxImagePropData=buffer.data,
        OfxImagePropBounds=buffer.bounds,
        OfxImagePropRegionOfDefinition=pixel_bounds(clip, scale) or buffer.bounds,
        OfxImagePropRowBytes=buffer.row_bytes,
        OfxImagePropField="OfxFieldNone",
        OfxImagePropUniqueIdentifier=_identifier(profile.unique_identifier, buffer, clip),
    )
    if action is not None:
        action.images.append(image)
    host.open_images[image.props.handle] = image
    return image


def _check_time(host: Host, clip: ClipInstance, time: float, action: Action | None) -> None:
    """Other times only where they were announced (ofxImageEffect.h, GetFramesNeeded and TemporalClipAccess)."""
    if action is None or action.name != "OfxImageEffectActionRender" or time == action.time:
        return
    descriptor = clip.effect.descriptor
    clause = "ofxImageEffect.h, kOfxImageEffectPropTemporalClipAccess"
    if not host.profile.temporal:
        host.violation(clause, f"{clip.name} was fetched at {time:g}; the host gives no other time than the frame's")
    elif not descriptor.flag("OfxImageEffectPropTemporalClipAccess") or not clip.declared.props.one(
        "OfxImageEffectPropTemporalClipAccess", 0
    ):
        host.violation(
            clause, f"{clip.name} was fetched at another time, and the plug-in does not declare that it does"
        )
    elif action.frames is not None and not any(a <= time <= b for a, b in action.frames.get(clip.name, [])):
        host.violation(
            "ofxImageEffect.h, kOfxImageEffectActionGetFramesNeeded",
            f"{clip.name} was fetched at {time - action.time:+g} frames, which GetFramesNeeded did not name",
        )


def _input_buffer(
    host: Host, clip: ClipInstance, time: float, scale: tuple[float, float], action: Action | None
) -> Buffer:
    profile, form = host.profile, clip.form
    bounds = pixel_bounds(clip, scale)
    if form is None or bounds is None:
        raise Refused(abi.FAILED)
    if clip.media is None:  # "connected" and black, as DaVinci Resolve gives an unused mask
        size = (bounds[3] - bounds[1], bounds[2] - bounds[0], 1)
        pixels: Pixels = np.full(size, profile.unconnected_level, np.float32)
    else:
        number = frame_of(clip, time)
        if not clip.media.first <= number <= clip.media.last:
            raise Refused(abi.FAILED)
        pixels = scaled(clip.media.fetch(number), bounds)
    if profile.crops_to_region and action is not None and clip.name in action.regions:
        inner = intersect(bounds, action.regions[clip.name])
        if inner[0] < inner[2] and inner[1] < inner[3]:
            pixels = pixels[bounds[3] - inner[3] : bounds[3] - inner[1], inner[0] - bounds[0] : inner[2] - bounds[0]]
            bounds = inner
    buffer = Buffer(bounds, form, padding=profile.row_padding, negative_rows=profile.negative_rows)
    buffer.write(pixels)
    return buffer


def scaled(pixels: Pixels, bounds: Rect) -> Pixels:
    """A proxy of the size of ``bounds`` by taking the nearest pixels: what fast proxies of hosts are."""
    height, width = bounds[3] - bounds[1], bounds[2] - bounds[0]
    if pixels.shape[:2] == (height, width):
        return pixels
    rows = (np.arange(height) * pixels.shape[0]) // height
    columns = (np.arange(width) * pixels.shape[1]) // width
    proxy: Pixels = pixels[rows][:, columns]
    return proxy


def _identifier(kind: str, buffer: Buffer, clip: ClipInstance) -> str:
    if kind == "random":
        return uuid.uuid4().hex
    if kind == "empty" or clip.is_output:
        return ""
    return f"{buffer.checksum():08x}"
