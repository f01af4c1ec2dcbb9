"""The blur of a shot: its kind from the spectrum of frames together, its motion frame by frame from the flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wetgate.ops.blur_blind import blind_psf
from wetgate.ops.blur_measure import LONG_BLOCK, Blur, Spectrum, blur_of, explained_by, luma_of, spectrum_of
from wetgate.ops.noise_measure import measure_noise
from wetgate.ops.psf import to_text
from wetgate.spec import Frame, Image

# Motion is another than that of most of the picture from so many px and so large a share of it: a line whose end is off
# by a quarter leaves a double edge.
_APART_PX, _APART = 1.0, 0.25
_FREE_FRAMES = 2  # that a PSF of any shape is looked for in: the first and the last
_FLOW_SIDE = 480  # px: motion of the camera is read on pictures no longer than that


def blur_of_frames(frames: Sequence[Image], check_abort: Callable[[], None] = lambda: None) -> Blur | None:
    """The blur that frames (H, W, C) of linear light share; None where they are too small or hold no picture."""
    short, long = _spectra_of(frames, check_abort)
    check_abort()
    return None if short is None else blur_of(short, long)


def _spectra_of(frames: Sequence[Image], check_abort: Callable[[], None]) -> tuple[Spectrum | None, Spectrum | None]:
    short: Spectrum | None = None
    long: Spectrum | None = None
    for rgb in frames:
        check_abort()
        luma = luma_of(rgb)
        measured = measure_noise([luma[..., None]])
        variance = 0.0 if measured is None else float(np.mean(np.square(measured.best[0].deviation)))
        one, other = spectrum_of(luma, variance), spectrum_of(luma, variance, LONG_BLOCK)
        if one is not None:
            short = one if short is None else short.with_more(one)
        if other is not None:
            long = other if long is None else long.with_more(other)
    return short, long


def free_of_frames(frames: Sequence[Image], check_abort: Callable[[], None] = lambda: None) -> dict[str, Any] | None:
    """A blur of any shape that frames (H, W, C) of linear light share, as JSON: ``sharp``; else ``psf``, its text, and
    ``agreement`` of the frames' parts in it. None where they are too small or hold no picture.

    A sharp picture would be given a PSF too, by which it would be sharpened further: so what is found has to explain
    the spectrum of the light better than a sharp picture's does.
    """
    asked = frames if len(frames) <= _FREE_FRAMES else [frames[0], frames[-1]]
    short, _ = _spectra_of(asked, check_abort)
    found = None if short is None else blind_psf([luma_of(rgb) for rgb in asked], check_abort)
    better = None if short is None or found is None else explained_by(short, found.psf)
    if found is None or better is None:
        return None
    agreement, better = round(found.agreement, 3), round(better, 4)
    return {"sharp": better <= 0, "psf": to_text(found.psf), "agreement": agreement, "better_than_sharp": better}


def camera_motion(before: Frame, after: Frame) -> tuple[float, float, float]:
    """How far most of the picture moves from one frame to the next, px to the right and down; and the share of it that
    moves apart from that, so that no one PSF is its blur."""
    import cv2

    from wetgate.ops.flow import dense_flow

    side = max(before.width, before.height)
    scale = min(1.0, _FLOW_SIDE / side)
    size = max(1, round(before.width * scale)), max(1, round(before.height * scale))
    # Square roots: the flow wants a picture as eyes see it.
    seen = [
        cv2.resize(np.sqrt(np.maximum(luma_of(f.rgb), 0)), size, interpolation=cv2.INTER_AREA) for f in (before, after)
    ]
    flow = dense_flow(*(s.reshape(size[1], size[0]) for s in seen))
    most = np.median(flow.reshape(-1, 2), axis=0)
    gap = np.hypot(flow[..., 0] - most[0], flow[..., 1] - most[1])
    apart = float(np.mean(gap > max(_APART_PX, _APART * float(np.hypot(*most)))))
    return float(most[0]) * before.width / size[0], float(most[1]) * before.height / size[1], apart


def motion_of_shot(
    frames: Any, numbers: Sequence[int], cuts: Sequence[int], check_abort: Callable[[], None]
) -> dict[str, list[float]]:
    """By frame number, the motion in px a frame and the share of the picture that moves apart from it: means of those
    from the frame before and to the one after."""
    steps: dict[int, tuple[float, float, float]] = {}
    last: Frame | None = None
    for frame in frames:
        check_abort()
        if last is not None and frame.number not in cuts:
            steps[frame.number] = camera_motion(last, frame)
        last = frame
    out: dict[str, list[float]] = {}
    for i, number in enumerate(numbers):
        beside = [steps[n] for n in (number, *numbers[i + 1 : i + 2]) if n in steps]
        if beside:
            out[str(number)] = [round(float(v), 3) for v in np.mean(beside, axis=0)]
    return out
