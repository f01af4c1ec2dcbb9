"""What one frame is deblurred by: the PSF in words, in figures and as values, and the noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wetgate.ops.blur import Kernel
from wetgate.ops.blur_measure import Blur
from wetgate.ops.blur_shot import blur_of_frames
from wetgate.spec import Image

_LONGEST_PX = 100.0  # of a motion read from the flow: more is a cut or a flow that is lost

_SURE = 0.3  # confidence of a measured kind: discs, lines and Gaussians measure 0.5 and more on photographs
_APART = 0.15  # of a frame that moves apart from the rest: more is no bystander


@dataclass(frozen=True, slots=True)
class Setting:
    """``psf``, and its ``shape`` as :func:`measured` or :func:`moved` say it; ``deviation`` (H, W, C) of the noise, and
    its ``source`` in words; ``white``, the level that a network is to take for white."""

    psf: Kernel
    shape: Mapping[str, Any]
    deviation: Image
    white: float
    source: str

    def without_psf(self) -> Setting:
        """The same for a frame that no single PSF explains."""
        return replace(self, psf=np.ones((1, 1), np.float32))

    def facts(self) -> dict[str, Any]:
        """For the record."""
        deviation = float(f"{float(np.median(self.deviation)):.4g}")
        return {"psf": dict(self.shape), "noise": self.source, "deviation": deviation}


def measured(
    analysis: Mapping[str, Any] | None, picture: Image, size_gain: float, check_abort: Callable[[], None]
) -> dict[str, Any]:
    """The blur of a shot's ``analysis``, or of a ``picture`` alone where there is none, in words and figures: ``kind``,
    ``size``, ``angle`` where it has one, and where they are from. A size of 0 says that there is none to undo."""
    if analysis is not None:
        found = analysis["blur"]
        blur, source = None if found is None else Blur.from_json(found), "measured in the shot"
    else:
        blur, source = blur_of_frames([picture], check_abort), "measured in this frame alone"
    if blur is None:
        return {"kind": "defocus", "size": 0.0, "from": "the picture is too small or too plain to show its blur"}
    shape: dict[str, Any] = blur.to_json() | {"from": source}
    if blur.kind == "sharp":
        return shape | {"size": 0.0}
    return shape | {"size": round(blur.size * size_gain, 3)}


def differs(analysis: Mapping[str, Any] | None, number: int, shape: Mapping[str, Any]) -> str:
    """Why no single PSF explains a frame, in words; empty where one does, or nothing is known against it."""
    if shape["kind"] == "sharp" or shape.get("size", 0.0) == 0:
        return ""
    if shape.get("confidence", 1.0) < _SURE:
        return f"the kind of blur is measured with a confidence of {shape['confidence']:.2f} alone"
    step: list[float] = (analysis or {}).get("motion", {}).get(str(number), [])
    if shape["kind"] == "motion" and len(step) > 2 and step[2] > _APART:
        return f"{step[2]:.0%} of the frame moves otherwise than most of it"
    return ""


def moved(analysis: Mapping[str, Any] | None, number: int, shutter: float, size_gain: float) -> dict[str, Any]:
    """The line that a shutter of that angle in degrees made of the motion at a frame; empty where none is known."""
    step: list[float] | None = (analysis or {}).get("motion", {}).get(str(number)) if shutter > 0 else None
    if step is None:
        return {}
    length = math.hypot(*step[:2]) * shutter / 360 * size_gain
    angle = round(math.degrees(math.atan2(-step[1], step[0])), 2)
    return {"size": round(min(length, _LONGEST_PX), 3), "from": "the shot's motion", "angle": angle}
