"""What one frame is deblurred by: the PSF in words, in figures and as values, and the noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.ops.blur import Kernel, convolve
from wetgate.ops.blur_measure import Blur
from wetgate.ops.blur_shot import blur_of_frames, free_of_frames
from wetgate.ops.deconvolve import CONSISTENT, LEAST, share_within
from wetgate.ops.psf import from_text
from wetgate.spec import Image

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDING = 0.05  # beyond the limit: what is done in a part of the picture, and in other precision
# Agreement of the parts from which a PSF of any shape is believed. Of nine photographs blurred by Levin's kernels, at
# 1 % noise, seven agreed by 0.78 to 0.96: five gained 66 to 94 % of what the true PSF gains, two 5 and 15 %. Those that
# were not believed agreed by 0.41 to 0.62.
CONFIDENT = 0.75
_SURE = 0.3  # confidence of a measured kind below which a network is asked: chosen, not measured
_APART = 0.15  # of a frame that moves apart from the rest: more is no bystander
_LONGEST_PX = 100.0  # of a motion read from the flow: more is a cut or a flow that is lost


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


@dataclass(frozen=True, slots=True)
class Consistency:
    """How a result, blurred again, differs from its source, in deviations of the noise, away from the frame's edges:
    ``own``, what the source itself does, and ``change``, what the result takes off that, a value each."""

    own: Values
    change: Values

    @classmethod
    def of(cls, source: Image, result: Image, setting: Setting, known: Mask) -> Consistency:
        y, x = (n // 2 for n in setting.psf.shape)
        inside = np.zeros(source.shape, np.bool_)
        inside[y : source.shape[0] - y, x : source.shape[1] - x] = True
        inside &= known
        noise = np.maximum(setting.deviation, np.float32(LEAST * setting.white))
        own = ((source - convolve(source, setting.psf)) / noise)[inside].astype(np.float64)
        return cls(own, (convolve(result - source, setting.psf) / noise)[inside].astype(np.float64))

    @property
    def value(self) -> float:
        """Rms of the difference; 0 where nothing is known."""
        return math.sqrt(float(np.mean(np.square(self.own - self.change)))) if self.own.size else 0.0

    @property
    def limit(self) -> float:
        """The most that ``value`` may be: the noise, or what the source has, where it is hardly changed."""
        own = math.sqrt(float(np.mean(np.square(self.own)))) if self.own.size else 0.0
        return max(CONSISTENT[1], own) + _ROUNDING

    def share(self) -> float:
        """The greatest share of the change, up to 1, that keeps to the limit."""
        return 1.0 if self.value <= self.limit else share_within(self.own, self.change, self.limit, most=True)


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
    if shape.get("agreement", 1.0) < CONFIDENT:
        return f"parts of the picture agree on a PSF by {shape['agreement']:.2f} alone"
    if shape["kind"] == "sharp" or shape.get("size", 0.0) == 0:
        return ""
    if shape.get("confidence", 1.0) < _SURE:
        return f"the kind of blur is measured with a confidence of {shape['confidence']:.2f} alone"
    step: list[float] = (analysis or {}).get("motion", {}).get(str(number), [])
    if shape["kind"] == "motion" and len(step) > 2 and step[2] > _APART:
        return f"{step[2]:.0%} of the frame moves otherwise than most of it"
    return ""


def found_free(
    analysis: Mapping[str, Any] | None, picture: Image, check_abort: Callable[[], None]
) -> tuple[Kernel, dict[str, Any]]:
    """The PSF of any shape that an analysis, or a ``picture`` alone, shows, and its shape in words. One pixel, which
    asks for nothing, where the shot is sharp or its parts do not agree on a PSF."""
    if analysis is not None:
        found, source = analysis["free"], "measured in the shot"
    else:
        found, source = free_of_frames([picture], check_abort), "measured in this frame alone"
    nothing = np.ones((1, 1), np.float32)
    if found is None:
        return nothing, {"kind": "free", "from": "the picture is too small or too plain to show its blur"}
    if found["sharp"]:
        return nothing, {"kind": "free", "from": f"{source}: sharp"}
    shape = {"kind": "free", "agreement": found["agreement"], "from": source}
    if found["agreement"] < CONFIDENT:
        return nothing, shape | {"from": f"{source}: unknown, its parts do not agree on a shape"}
    return from_text(found["psf"]), shape


def moved(analysis: Mapping[str, Any] | None, number: int, shutter: float, size_gain: float) -> dict[str, Any]:
    """The line that a shutter of that angle in degrees made of the motion at a frame; empty where none is known."""
    step: list[float] | None = (analysis or {}).get("motion", {}).get(str(number)) if shutter > 0 else None
    if step is None:
        return {}
    length = math.hypot(*step[:2]) * shutter / 360 * size_gain
    angle = round(math.degrees(math.atan2(-step[1], step[0])), 2)
    return {"size": round(min(length, _LONGEST_PX), 3), "from": "the shot's motion", "angle": angle}
