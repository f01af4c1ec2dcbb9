"""The harbour's water: a plane of travelling waves that reflects the picture above it.

Slopes are a sum of sines on deep water, omega^2 = g k (Airy waves); a wave shorter than a pixel's footprint is not
drawn but makes the reflection rough (after Ross, Dion and Potvin, "Detailed analytical approach to the Gaussian surface
bidirectional reflectance distribution function specular component applied to the sea surface", JOSA A 22(11), 2005).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image
from wetgate.surfaces.demo.brush import Mask, rgb

Waves = NDArray[np.float64]

GRAVITY = 9.81
_BODY = rgb(0.010, 0.028, 0.040)  # light that comes back out of the water itself
_WAVES = 26


def waves(seed: int) -> Waves:
    """(26, 4): wave number a metre in x and away from us, slope amplitude, phase; steeper the shorter they are."""
    rng = np.random.default_rng(seed)
    lengths = 9.0 * 0.80 ** np.arange(_WAVES)
    heading = rng.normal(0.35, 0.75, _WAVES)
    k = 2 * np.pi / lengths
    steep = 0.0085 + 0.0012 * np.arange(_WAVES)
    return np.stack([k * np.sin(heading), k * np.cos(heading), steep, rng.uniform(0, 2 * np.pi, _WAVES)], axis=1)


def reflected(
    above: Image, rough: Image, table: Waves, *, across: Mask, away: Mask, focal: float, height: float, time: float,
    left: float, horizon: float,
) -> Image:  # fmt: skip
    """Light from each pixel of the water.

    ``above`` is the picture above the horizon, the horizon its last row, ``left`` columns wider on either side;
    ``rough`` the same drawn out vertically. ``across`` and ``away`` are the pixels' places on the water in metres,
    (H, W) and (H, 1); ``focal`` in pixels, ``height`` of the eye over the water in metres. ``horizon`` is how far above
    the first water row the horizon is, in pixels.
    """
    rows, columns = across.shape
    slope_x, slope_y = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    unseen = np.zeros((rows, 1), np.float32)
    depth = np.square(away) / (focal * height)  # metres a pixel covers going away
    width = away / focal
    for kx, ky, steep, phase in table:
        k = float(np.hypot(kx, ky))
        blur = np.exp(-0.5 * (np.square(ky * depth) + np.square(kx * width)) * 0.12).astype(np.float32)
        unseen += np.float32(0.5 * steep * steep) * (1 - blur * blur)
        if float(blur.max()) < 0.02:
            continue
        angle = np.float32(kx) * across + np.float32(ky) * away + np.float32(phase - np.sqrt(GRAVITY * k) * time)
        wave = np.cos(angle) * (np.float32(steep) * blur)
        slope_x += wave * np.float32(kx / k)
        slope_y += wave * np.float32(ky / k)
    # A facet tilted by s turns the ray by 2 s; seen at a grazing angle only those facing us are seen.
    grazing = (np.arange(rows, dtype=np.float32)[:, None] + 0.5 + horizon) / np.float32(focal)
    tilt = np.maximum(slope_y, -0.6 * grazing)
    up = np.abs(grazing + 2 * tilt) * np.float32(focal)
    map_y = (above.shape[0] - 1 - up).astype(np.float32)
    map_x = (
        np.arange(columns, dtype=np.float32)[None, :] + np.float32(left) + slope_x * (1.2 * focal) * (0.15 + grazing)
    )
    map_x = np.ascontiguousarray(map_x, np.float32)
    sharp = cv2.remap(above, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.remap(rough, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = np.clip(np.sqrt(unseen) / 0.09, 0, 0.75)[..., None]
    facing = np.clip(grazing + tilt, 0.0, 1.0)
    fresnel = (0.02 + 0.98 * np.power(1 - facing, 5))[..., None]  # Schlick 1994 for water, n = 1.33
    # Foreshortened waves show their near faces, which reflect the higher, darker sky less and more of the deep.
    return np.asarray((sharp * (1 - share) + soft * share) * (fresnel * 0.92) + _BODY * (1 - fresnel) * 1.6, np.float32)
