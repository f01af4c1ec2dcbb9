"""Pictures for the page: display light brought to sRGB, and arrays as data URIs."""

from __future__ import annotations

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.color.curves import srgb_encode
from wetgate.color.hdr.scopes import false_colour
from wetgate.color.primaries import apply_matrix, rgb_to_rgb
from wetgate.spec import Image
from wetgate.surfaces.report.data import Picture, Pixels

SDR_WHITE = 100.0  # BT.1886 reference white in the SDR grade; BT.2408-8 clause 2
HDR_WHITE = 203.0  # HDR reference white, BT.2408-8 clause 2.2
_KNEE = 0.5
_QUALITY = 88


def for_the_page(picture: Picture, *, hdr: bool, peak: float, width: int, stops: float = 0.0) -> Pixels:
    """The picture as 8-bit sRGB, reduced to ``width`` where it is wider. ``peak`` in nits is where HDR meets white.

    ``stops`` of exposure are put on its light, so that a picture that came ready for the page is made anew from it.
    """
    if picture.srgb is not None and stops == 0:
        return reduced(picture.srgb, width)
    return srgb_from_nits(_reduced_light(picture.nits, width), hdr=hdr, peak=peak, stops=stops)


def bands_for_the_page(picture: Picture, *, width: int) -> Pixels:
    """The picture's light in false colour, a hue for each band of nits (:data:`wetgate.color.hdr.scopes.BANDS`)."""
    return srgb_from_nits(false_colour(np.nan_to_num(_reduced_light(picture.nits, width))), hdr=False)


def srgb_from_nits(nits: Image, *, hdr: bool, peak: float = 1000.0, stops: float = 0.0) -> Pixels:
    """Absolute linear Rec.2020 light (H, W, 3) as 8-bit sRGB, after ``stops`` of exposure.

    SDR: 100 nits are white, light outside Rec.709 is clipped. HDR: 203 nits are scaled to 1 and everything above half
    of that is rolled off to ``peak`` (Reinhard et al., "Photographic tone reproduction", SIGGRAPH 2002, eq. 4, applied
    above a knee to the largest component, so that hue holds). Stopped down until ``peak`` is below 1, nothing is.
    """
    gain = 2.0**stops
    light = apply_matrix(rgb_to_rgb("rec2020", "rec709"), np.nan_to_num(nits))
    if not hdr:
        light = light * np.float32(gain / SDR_WHITE)
    else:
        light = light * np.float32(gain / HDR_WHITE)
        top = (peak * gain / HDR_WHITE - _KNEE) / (1.0 - _KNEE)
        if top > 1.0:
            norm = np.maximum(light.max(axis=-1, keepdims=True), 1e-9)
            over = np.maximum(norm - _KNEE, 0.0) / (1.0 - _KNEE)
            rolled = _KNEE + (1.0 - _KNEE) * over * (1.0 + over / (top * top)) / (1.0 + over)
            light = np.where(norm > _KNEE, light * (rolled / norm), light)
    return np.asarray(np.rint(srgb_encode(np.clip(light, 0.0, 1.0)) * 255.0), np.uint8)


def srgb_code(colour: tuple[float, float, float]) -> tuple[int, int, int]:
    """The 8-bit sRGB code of one colour in linear Rec.709, 0 to 1."""
    red, green, blue = np.rint(srgb_encode(np.clip(np.array(colour, np.float32), 0.0, 1.0)) * 255.0).astype(int)
    return int(red), int(green), int(blue)


def reduced(pixels: Pixels, width: int) -> Pixels:
    """The 8-bit picture at most ``width`` wide, averaged over areas."""
    if pixels.shape[1] <= width:
        return pixels
    height = max(1, round(pixels.shape[0] * width / pixels.shape[1]))
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def photograph_uri(pixels: Pixels, *, quality: int = _QUALITY) -> str:
    """A picture as a lossy WebP data URI, by default at a quality where the loss cannot be seen."""
    return _uri(pixels, ".webp", [cv2.IMWRITE_WEBP_QUALITY, quality], "image/webp")


def drawing_uri(pixels: Pixels) -> str:
    """A scope or chart as a lossless WebP data URI. (H, W, 3), or (H, W, 4) with straight alpha."""
    return _uri(pixels, ".webp", [cv2.IMWRITE_WEBP_QUALITY, 101], "image/webp")


def _uri(pixels: NDArray[np.uint8], suffix: str, options: list[int], kind: str) -> str:
    swapped = pixels[..., [2, 1, 0, 3]] if pixels.shape[2] == 4 else pixels[..., ::-1]
    ok, data = cv2.imencode(suffix, np.ascontiguousarray(swapped), options)
    if not ok:
        raise RuntimeError(f"OpenCV did not encode a picture as {suffix}")
    return f"data:{kind};base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _reduced_light(nits: Image, width: int) -> Image:
    if nits.shape[1] <= width:
        return nits
    height = max(1, round(nits.shape[0] * width / nits.shape[1]))
    return np.asarray(cv2.resize(nits, (width, height), interpolation=cv2.INTER_AREA), np.float32)
