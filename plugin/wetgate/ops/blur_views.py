"""What deblurring did, to look at: the PSF, what the result blurred again leaves of the frame, and the change."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import cv2
import numpy as np

from wetgate.ops.blur_setting import Setting
from wetgate.ops.psf import drawn, drawn_by_place
from wetgate.spec import Image

_GREY = 0.5
_DEVIATIONS = 0.1  # of the range a standard deviation, in the view of the residual
_CHANGE = 0.5  # of the range for a change by white


def views_of(
    wanted: Collection[str], before: Image, after: Image, setting: Setting, reblurred: Image | None
) -> Mapping[str, Image]:
    """Those of the views ``psf``, ``confidence``, ``residual``, ``change`` and ``synthesis`` that are ``wanted``.
    ``reblurred`` is the sharp picture blurred again, None where nothing was done or no PSF explains it."""
    views: dict[str, Image] = {}
    height, width = after.shape[:2]
    shape = setting.shape
    if "psf" in wanted:
        views["psf"] = drawn(shape.psf, height, width)
        if shape.field is not None:
            views["psf"] = drawn_by_place(shape.field.psfs, shape.field.grid, height, width)
    if "confidence" in wanted:
        sure = np.asarray(shape.sure, np.float32)
        views["confidence"] = cv2.resize(sure, (width, height), interpolation=cv2.INTER_NEAREST).reshape(height, width)
    if "residual" in wanted:
        views["residual"] = np.full(after.shape, _GREY, np.float32)
        if reblurred is not None:
            deviation = np.maximum(setting.doubted, np.float32(1e-3 * setting.white))
            views["residual"] += np.float32(_DEVIATIONS) * (before - reblurred) / deviation
    if "change" in wanted:
        views["change"] = _GREY + np.float32(_CHANGE / setting.white) * (after - before)
    if "synthesis" in wanted:
        explained = reblurred is not None
        moved = np.abs(after - before).max(axis=2) / np.float32(setting.white)
        views["synthesis"] = np.zeros_like(moved) if explained else moved
    return views
