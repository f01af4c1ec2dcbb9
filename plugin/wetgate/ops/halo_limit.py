"""Overshoot beside edges, held to what the picture itself has nearby."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import Kernel
from wetgate.spec import Image

_SOFT_PX = 1.5  # sigma of the Gaussian that takes the noise off what is compared: about a fifth of it is left
_FLAT = 2.0  # deviations of the noise, by which softened light may differ over a flat area
# Side of what may be called flat, at least: by smaller pieces fine texture is, and was held to its blur. With a disc of
# 1 px and noise of 0.5 % a photograph of bricks lost 3.5 dB by it.
_FLAT_PX = 9
_SIDE = 5  # pixels: as far as the ringing of an 8x8 block reaches beyond an edge that matters


def within_neighbours(result: Image, source: Image, amount: float) -> Image:
    """``result`` (H, W) brought back, by the share ``amount``, between the least and the most of ``source`` within two
    pixels."""
    if amount == 0:
        return result
    kernel = np.ones((_SIDE, _SIDE), np.uint8)
    low = cv2.erode(source, kernel, borderType=cv2.BORDER_REPLICATE)
    high = cv2.dilate(source, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(result + np.float32(amount) * (np.clip(result, low, high) - result), np.float32)


def light_limits(
    picture: Image,
    noise: Image,
    reach: tuple[int, int],
    overshoot: float,
    clipped: NDArray[np.bool_] | None = None,
) -> tuple[Image, Image]:
    """The least and the greatest that sharpened light (H, W, C) may be: the range of the ``picture`` over a rectangle
    of ``reach`` (rows, columns), and ``overshoot`` times that range beyond it. ``noise`` is the picture's deviation;
    beside light that was ``clipped`` there is no upper limit."""
    about = np.ones(reach, np.uint8)
    least = cv2.erode(picture, about).reshape(picture.shape)
    most = cv2.dilate(picture, about).reshape(picture.shape)
    room = np.float32(min(overshoot, 1e6)) * (most - least) + 2 * noise
    # Blurred light is a mean of light: where there is none below 0 about a pixel, there was none before.
    dark = np.minimum(least, 0)
    most = most + room
    if clipped is not None:
        near = cv2.dilate(clipped.astype(np.uint8), about).reshape(picture.shape)
        most = np.where(near > 0, np.float32(np.inf), most)
    return np.maximum(least - room, dark - 2 * noise), most


def limits_of(
    picture: Image, noise: Image, psf: Kernel, overshoot: float, clipped: NDArray[np.bool_] | None
) -> tuple[Image, Image]:
    """The least and the greatest that ``picture`` (H, W, C) may be without ``psf``, beside ``noise``.

    ``overshoot`` is a share of the contrast within the PSF's reach. Fine detail was brighter and darker than its blur
    by as much as that, so up to 1 it is the room that is left to detail. An edge that stands alone between flat areas
    needs none: what those areas are is known, so all that goes beyond them is a halo, and only an ``overshoot`` above
    1 leaves it room, by what it is above.
    """
    reach = psf.shape[0] + 2, psf.shape[1] + 2
    least, most = light_limits(picture, noise, reach, overshoot, clipped)
    alone, low, high = _between_flats(picture, noise, psf)
    if clipped is not None:
        alone &= _over(cv2.dilate, clipped.astype(np.uint8), reach) == 0
    spare = np.float32(min(max(overshoot - 1, 0), 1e6)) * (high - low) + noise
    least = np.where(alone, np.maximum(least, low - spare), least)
    return least.astype(np.float32), np.where(alone, np.minimum(most, high + spare), most).astype(np.float32)


def _between_flats(picture: Image, noise: Image, psf: Kernel) -> tuple[NDArray[np.bool_], Image, Image]:
    """Where the light about a pixel lies between that of flat areas beside it, and their least and greatest light."""
    rows, columns = (max(n, _FLAT_PX) for n in psf.shape)
    near, beside = (rows + 2, columns + 2), (3 * rows + 8, 3 * columns + 8)
    soft = cv2.GaussianBlur(picture, (0, 0), _SOFT_PX).reshape(picture.shape)
    flat = _over(cv2.dilate, soft, (rows, columns)) - _over(cv2.erode, soft, (rows, columns)) < _FLAT * noise
    beyond = np.float32(np.abs(soft).max() + 1)
    low = _over(cv2.erode, np.where(flat, soft, beyond), beside)
    high = _over(cv2.dilate, np.where(flat, soft, -beyond), beside)
    alone = (_over(cv2.erode, soft, near) >= low - noise) & (_over(cv2.dilate, soft, near) <= high + noise)
    return alone & (high > low), low, high


def _over(extreme: Callable[..., Image], image: Image, size: tuple[int, int]) -> Image:
    return np.asarray(extreme(image, np.ones(size, np.uint8))).reshape(image.shape)
