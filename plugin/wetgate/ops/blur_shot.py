"""The blur of a shot, from frames of it together: its kind by their spectrum, or its shape by their edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wetgate.ops.blur_blind import blind_psf
from wetgate.ops.blur_measure import LONG_BLOCK, Blur, Spectrum, blur_of, explaining, luma_of, spectrum_of
from wetgate.ops.noise_measure import measure_noise
from wetgate.ops.psf import to_text
from wetgate.spec import Image

_FREE_FRAMES = 2  # that a PSF of any shape is looked for in: the first and the last


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
    """A blur of any shape that frames (H, W, C) of linear light share, as JSON: ``sharp``; else ``psf``, its text,
    those of the frames' ``parts``, and the ``agreement`` of these. None where they are too small or hold no picture.

    A sharp picture would be given a PSF too, by which it would be sharpened further: so what is found has to explain
    the spectrum of the light better than a sharp picture's does.
    """
    asked = frames if len(frames) <= _FREE_FRAMES else [frames[0], frames[-1]]
    short, _ = _spectra_of(asked, check_abort)
    better = None if short is None else explaining(short)
    found = None if better is None else blind_psf([luma_of(rgb) for rgb in asked], better, check_abort)
    if found is None or better is None:
        return None
    gain = better(found.psf)
    return {
        "sharp": gain <= 0,
        "psf": to_text(found.psf),
        "parts": [to_text(part) for part in found.parts],
        "agreement": round(found.agreement, 3),
        "better_than_sharp": round(gain, 4),
    }
