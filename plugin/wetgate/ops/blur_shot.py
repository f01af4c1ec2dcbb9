"""The blur of a shot, from frames of it together: its kind by their spectrum, or its shape by their edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wetgate.ops.blur_blind import blind_psf
from wetgate.ops.blur_measure import Blur, blur_of, explaining
from wetgate.ops.blur_spectrum import LONG_BLOCK, Spectrum, luma_of, spectrum_of
from wetgate.ops.edge_steps import steepest_steps
from wetgate.ops.noise_measure import measure_noise
from wetgate.ops.psf import to_text
from wetgate.spec import Image

# The size in px from which no blurred picture has steps of that share of its edges (:mod:`wetgate.ops.edge_steps`).
_WIDE, _STEEP = 1.5, 0.6
_ROUND = ("gaussian", "defocus")
_FREE_FRAMES = 2  # that a PSF of any shape is looked for in: the first and the last


def blur_of_frames(frames: Sequence[Image], check_abort: Callable[[], None] = lambda: None) -> Blur | None:
    """The blur that frames (H, W, C) of linear light share; None where they are too small or hold no picture.

    A chart or a graphic that is smooth between few edges may have the spectrum of something soft: what is wide and
    round is believed where the edges are no steeper than it lets them be.
    """
    short, long = _spectra_of(frames, check_abort)
    check_abort()
    found = None if short is None else blur_of(short, long)
    if short is None or found is None or found.kind not in _ROUND or found.size < _WIDE:
        return found
    noise = math.sqrt(short.noise)
    steps = [steepest_steps(luma_of(rgb), 2 * found.size, noise) for rgb in frames]
    known = [step for step in steps if step is not None]
    return Blur("sharp", 0.0, 0.0, 1.0) if known and float(np.mean(known)) > _STEEP else found


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
