"""What a step puts out of what its node made: the view that was asked for, blended with the input by mix and mask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from wetgate.engine.colour import Colour
from wetgate.engine.step import Step
from wetgate.spec import SCENE, Frame, FrameError, Image, Result


def shown(step: Step, instance: Any, before: Frame, result: Result) -> Frame:
    """The frame that the ``view`` parameter asks for; ``before`` is the input in the node's space."""
    if instance.view == "result":
        return result.frame
    if instance.view == "difference":
        if result.frame.pixels.shape != before.pixels.shape:
            raise FrameError(
                f"{step.name} changes the picture's size, so there is no difference to show",
                where=f"{step.name}.view",
                remedy="choose another view",
            )
        return result.frame.with_rgb(result.frame.rgb - before.rgb)
    aov = result.aovs[instance.view]
    if aov.ndim == 3:
        return _resized(result.frame, aov[..., :3])
    grey = _resized(result.frame, np.repeat(aov[..., None], 3, axis=2))
    return replace(grey, space=SCENE)


def mixed(
    step: Step, instance: Any, before: Frame, after: Frame, mask: Image | None, colour: Colour
) -> tuple[Frame, Frame]:
    """``after`` blended with the input by ``mix`` and the mask ((H, W), 0 to 1), and the input as it was blended in.

    Where all of ``after`` is wanted it is ``after`` itself.
    """
    if mask is None and instance.mix == 1:
        return after, before
    if after.pixels.shape != before.pixels.shape:
        raise FrameError(
            f"{step.name} changes the picture's size, so it cannot be mixed with its input",
            where=f"{step.name}.mix",
            remedy="leave mix at 1 and take the mask away",
        )
    base = before if before.space == after.space else colour.to(before, after.space)
    weight = np.float32(instance.mix) if mask is None else mask[..., None] * np.float32(instance.mix)
    rgb = base.rgb + (after.rgb - base.rgb) * weight
    if mask is not None:
        rgb = np.where(mask[..., None] == 0, base.rgb, rgb)
    return after.with_rgb(rgb), base


def _resized(like: Frame, rgb: Image) -> Frame:
    if rgb.shape[:2] == like.pixels.shape[:2]:
        return like.with_rgb(np.ascontiguousarray(rgb, dtype=np.float32))
    pixels = np.ascontiguousarray(rgb, dtype=np.float32)  # a plot, a waveform: a picture of its own size
    return replace(like, pixels=pixels, data_window=None, display_window=None, layout=(), extra={})
