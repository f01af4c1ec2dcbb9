"""What age does to a shot: the footage under each shipped recipe of damage; no finished node undoes all of one yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wetgate.damage import recipes
from wetgate.engine.degrade import degrade
from wetgate.engine.job import OnEvent
from wetgate.engine.measure import measure
from wetgate.engine.pipeline import Abort
from wetgate.io import WriteOptions
from wetgate.surfaces.api import read
from wetgate.surfaces.report.data import Gallery, View

RUN = 3  # frames: flicker, weave and a codec's later pictures need more than one
_SEED = 1


def steps(numbers: range) -> int:
    """Frames that :func:`damaged` counts as done."""
    return len(recipes()) * len(numbers[:RUN])


def damaged(footage: Path, folder: Path, numbers: range, options: WriteOptions, tell: OnEvent, abort: Abort) -> Gallery:
    """The first frames of the footage under every recipe, in ``folder``/damage, and the last of them to look at."""
    run = numbers[:RUN]
    span = f"{run[0]}-{run[-1]}"
    views = []
    for name, recipe in recipes().items():
        target = folder / "damage" / name / f"{name}.####.exr"
        degrade(str(footage), str(target), [name], seed=_SEED, frames=span, options=options, on_event=tell, abort=abort)
        found = measure(str(footage), str(target), ["psnr", "ssim"], frames=span)
        psnr, ssim = (found.summary(column)["mean"] for column in found.columns)
        codes = read(target, frames=str(run[-1]))[0].rgb
        pixels = np.rint(np.clip(codes, 0.0, 1.0) * 255.0).astype(np.uint8)  # BT.1886 codes, near enough to sRGB's
        text = f"{recipe.about} PSNR {psnr:.1f} dB, SSIM {ssim:.2f} against the footage."
        views.append(View(name, pixels, text, run[-1]))
    return Gallery(
        "What the damage models do",
        views,
        "Not part of the restorations above: no finished node undoes all of this damage yet. The first "
        f"{len(run)} frames of the footage under the shipped recipes of wetgate degrade, which make what such nodes are"
        " tested on.",
        columns=2,
        width=720,
    )
