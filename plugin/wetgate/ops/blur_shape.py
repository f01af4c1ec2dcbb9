"""Which blur a frame is taken to have: by hand, as its shot measures, as its motion draws it; one for all of the frame,
or another at each place. In words, in figures, and as PSFs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wetgate.ops.blur import Kernel
from wetgate.ops.blur_grid import KINDS, BlurGrid, grid_of_frames
from wetgate.ops.blur_measure import LEAST_EVEN, Blur
from wetgate.ops.blur_motion import LEAST_PX, LONGEST_PX, Movement, line_of, movement_at
from wetgate.ops.blur_shot import blur_of_frames, free_of_frames
from wetgate.ops.psf import from_text, named
from wetgate.ops.psf_field import PsfField, Values
from wetgate.spec import Image

Analysis = Mapping[str, Any] | None
Check = Callable[[], None]
Blurring = Kernel | PsfField

# Agreement of the parts from which a PSF of any shape is believed. Of four photographs blurred by each of Levin's
# eight kernels, at 1 % noise, 31 agreed by 0.77 to 0.99 and one, in bricks, by 0.62. Another in bricks was found wrong
# at 0.80; what was found is like the true PSF by 0.93 to 0.99 in the others of the 25 that were compared.
CONFIDENT = 0.75
_SURE = 0.3  # that a place shows its own blur
_APART = 0.15  # of a frame that moves apart from the rest: more is no bystander
# How far a size that was measured may be off, as a share of it: of a whole shot, of a place, and of a motion, there in
# radians as well. Blind sizes are within a twentieth on photographs, and grids within a tenth; what moves does so
# neither evenly nor straight.
_DOUBT, _DOUBT_BY_PLACE, _DOUBT_IN_MOTION = 0.05, 0.1, 0.2
_DOUBT_PX = 0.1  # and at least this: a disc of 1 px in a photograph of bricks measured 1.16
# Of a measured line, beside its length: degrees, and how much more of its light one end may have, since nothing moves
# quite evenly. A photograph blurred by a line of whole pixels, 12 long, gained 4.5 dB where it gained 2.1 and showed
# stripes; blurred by an even line it gained 8.8 where it gained 10.2.
_DOUBT_IN_TURN, _DOUBT_IN_LIGHT = 3.0, 0.1
# How many times what another PSF changes in the blurred picture counts as noise, a variance: more than once, since in
# the sharp picture it changes more. By place and in motion so that simulated motion gains; of a whole shot, where sizes
# are off by less than is doubted, so that three photographs with four blurs keep 82 to 99 % of the true PSF's gain.
_CAUTION, _CAUTION_OF_SHOT = 16.0, 3.0
# Of what the parts of a picture differ in. Of five photographs blurred by Levin's kernels 79 % of the gain was kept in
# linear light and 74 % after the sRGB curve; without doubt 79 and 72 %, at 1 79 and 73 %.
_CAUTION_OF_FREE = 4.0
_IN_PARTS = "it is blurred in parts, and no one blur explains it"
_BY_NETWORK = "a network sharpens each place as it finds it"
_TOO_PLAIN = "the picture is too small or too plain to show its blur"


def _nothing() -> Kernel:
    return np.ones((1, 1), np.float32)


def _told() -> Values:
    return np.ones((1, 1))


@dataclass(frozen=True, slots=True)
class Shape:
    """A blur in ``words`` and figures for the record; its ``psf``, of one pixel where there is nothing to undo, or a
    ``field`` of them by place; how ``sure`` it is (rows, columns) over the frame, 0 to 1; pairs of ``others`` that it
    may be as well, on either side of it, and with how much ``caution`` what they would change is met."""

    words: Mapping[str, Any]
    psf: Kernel = dataclasses.field(default_factory=_nothing)
    field: PsfField | None = None
    sure: Values = dataclasses.field(default_factory=_told)
    others: tuple[tuple[Blurring, Blurring], ...] = ()
    caution: float = _CAUTION

    @property
    def blurring(self) -> Blurring:
        """The PSF, or the field of them."""
        return self.psf if self.field is None else self.field


def by_hand(kind: str, size: float, angle: float) -> Shape:
    """A disc, a Gaussian or a line of figures that were given."""
    words: dict[str, Any] = {"kind": kind, "from": "by hand", "size": size}
    if kind == "motion":
        words["angle"] = angle
    return Shape(words, named(kind, size, angle))


def measured(
    analysis: Analysis,
    picture: Image,
    number: int,
    variation: str,
    shutter: float,
    size_gain: float,
    check_abort: Check,
) -> Shape:
    """The blur of a shot's ``analysis`` at frame ``number``, or of a ``picture`` alone where there is none.

    ``variation`` says whether it may differ over the frame: ``even``, never; ``auto``, where it is measured to, in a
    shot that measures blurred as a whole; ``grid``, as each place measures. Where the analysis found that motion with
    the shutter explains the shot, the lines are taken, of that ``shutter`` in degrees if it is above 0.
    """
    size = picture.shape[0], picture.shape[1]
    if analysis is not None:
        blur, grid = (None if analysis.get(name) is None else analysis[name] for name in ("blur", "grid"))
        found = None if blur is None else Blur.from_json(blur)
        places = None if grid is None else BlurGrid.from_json(grid)
        source = "measured in the shot"
    else:
        # As an analysis would hold them, rounded: the last bits of linear algebra differ with its threads.
        alone = blur_of_frames([picture], check_abort)
        found = None if alone is None else Blur.from_json(alone.to_json())
        cells = grid_of_frames([picture], check_abort) if variation == "grid" else None
        places = None if cells is None else BlurGrid.from_json(cells.to_json())
        source = "measured in this frame alone"
    seen = (analysis or {}).get("shutter")
    if seen is not None and variation != "even":
        shape = moved(analysis, number, shutter or float(seen["degrees"]), size_gain, variation, size)
        if shape is not None:
            return shape if shutter else replace(shape, words=dict(shape.words) | {"shutter": seen["degrees"]})
    if places is not None and _by_place(variation, found, places):
        return _placed(places, size, size_gain, source)
    if found is None:
        return Shape({"kind": "defocus", "size": 0.0, "from": _TOO_PLAIN})
    words: dict[str, Any] = found.to_json() | {"from": source}
    if found.in_parts and variation == "auto":
        return Shape(words | {"size": 0.0, "from": f"{source}: {_IN_PARTS}"}, sure=np.full((1, 1), found.even))
    words["size"] = 0.0 if found.kind == "sharp" else round(found.size * size_gain, 3)
    if words["size"] == 0:
        return Shape(words, sure=np.full((1, 1), found.confidence))
    psf = named(found.kind, words["size"], found.angle)
    off = max(_DOUBT * words["size"], _DOUBT_PX)
    wider, narrower = (named(found.kind, max(words["size"] + d, 0.0), found.angle) for d in (off, -off))
    others = [(wider, narrower)]
    if found.kind == "motion":
        left, right = (named("motion", words["size"], found.angle + d) for d in (_DOUBT_IN_TURN, -_DOUBT_IN_TURN))
        onward, back = (_leaning(psf, words["size"], found.angle, d) for d in (_DOUBT_IN_LIGHT, -_DOUBT_IN_LIGHT))
        others += [(left, right), (onward, back)]
    return Shape(words, psf, sure=np.full((1, 1), found.confidence), others=tuple(others), caution=_CAUTION_OF_SHOT)


def _leaning(line: Kernel, length: float, angle: float, by: float) -> Kernel:
    """A line with ``by`` more of its light at the end that ``angle`` (degrees) points to, and less at the other."""
    y, x = (axis - (n - 1) / 2 for axis, n in zip(np.indices(line.shape), line.shape, strict=True))
    turned = np.radians(angle)
    along = (x * np.cos(turned) - y * np.sin(turned)) / (length / 2)
    leaning = line * np.maximum(1 + by * along, 0)
    return np.asarray(leaning / leaning.sum(), np.float32)


def moved(
    analysis: Analysis, number: int, shutter: float, size_gain: float, variation: str, size: tuple[int, int]
) -> Shape | None:
    """The lines that a ``shutter`` of that angle in degrees made of the motion at a frame of ``size``: one for most of
    the picture, or, where ``variation`` lets them and they differ, one by place. None where no motion is known."""
    found = movement_at(analysis, number) if shutter > 0 else None
    if found is None:
        return None
    share = shutter / 360 * size_gain
    length, angle = line_of(*(share * v for v in found.most))
    words: dict[str, Any] = {"kind": "motion", "size": round(length, 3), "angle": round(angle, 2)}
    words["from"] = "the shot's motion"
    if variation == "grid" or (variation == "auto" and found.varies):
        return _lines(found, share, size, words)
    if length < LEAST_PX:
        return Shape(words | {"size": 0.0})
    turned = np.degrees(_DOUBT_IN_MOTION)
    longer, shorter, left, right = (
        named("motion", length * (1 + by), angle + turn)
        for by, turn in ((_DOUBT_IN_MOTION, 0), (-_DOUBT_IN_MOTION, 0), (0, turned), (0, -turned))
    )
    return Shape(words, named("motion", length, angle), others=((longer, shorter), (left, right)))


def found_free(analysis: Analysis, picture: Image, check_abort: Check) -> Shape:
    """The PSF of any shape that an analysis, or a ``picture`` alone, shows. One pixel, which asks for nothing, where
    the shot is sharp or its parts do not agree on a PSF."""
    if analysis is not None:
        found, source = analysis["free"], "measured in the shot"
    else:
        found, source = free_of_frames([picture], check_abort), "measured in this frame alone"
    if found is None:
        return Shape({"kind": "free", "from": _TOO_PLAIN})
    if found["sharp"]:
        return Shape({"kind": "free", "from": f"{source}: sharp"})
    agreement = float(found["agreement"])
    words = {"kind": "free", "agreement": agreement, "from": source}
    if agreement < CONFIDENT:
        return Shape(words | {"from": f"{source}: unknown, its parts do not agree on a shape"})
    psf = from_text(found["psf"])
    parts = [from_text(text) for text in found.get("parts", ())]  # the earliest analyses have none
    if len(parts) % 2:
        parts.append(psf)
    others = tuple(zip(parts[::2], parts[1::2], strict=True))
    sure = np.full((1, 1), agreement)
    return Shape(words, psf, sure=sure, others=others, caution=_CAUTION_OF_FREE)


def said(kind: str, variation: str, analysis: Mapping[str, Any], asks_network: bool) -> str:
    """What an analysis found, for that ``kind`` of blur and ``variation``, in a sentence for people; "" where all is
    told by hand. ``asks_network``: a network is asked where no PSF explains the shot."""
    if kind == "free":
        found = analysis["free"]
        if found is None:
            return f"{_TOO_PLAIN}, so nothing is done"
        if found["sharp"]:
            return "the shot is sharp, so nothing is done"
        agreed = f"parts of the picture agree on its PSF by {found['agreement']:.2f}"
        then = _BY_NETWORK if asks_network else "nothing is done"
        return agreed if found["agreement"] >= CONFIDENT else f"{agreed}, less than {CONFIDENT}: {then}"
    if kind != "auto":
        return ""
    if analysis["blur"] is None:
        return f"{_TOO_PLAIN}, so nothing is done; kind and size set it by hand"
    blur = Blur.from_json(analysis["blur"])
    if blur.kind == "sharp":
        return "the shot is sharp, so nothing is done; kind and size sharpen it by hand"
    turned = f" at {blur.angle:.0f} degrees" if blur.kind == "motion" else ""
    told = f"{blur.kind} of {blur.size:.1f} px{turned}, {100 * blur.confidence:.0f} % sure"
    if analysis.get("shutter") is not None:
        return f"{told}; motion explains it, with a shutter of {analysis['shutter']['degrees']:.0f} degrees"
    grid = analysis.get("grid")
    if grid is not None and blur.kind in KINDS and BlurGrid.from_json(grid).varies:
        return f"{told}; it differs over the frame"
    if blur.in_parts and asks_network:
        return f"{_IN_PARTS}: {_BY_NETWORK}"
    if blur.in_parts and variation == "auto":
        return (
            f"{_IN_PARTS}, so nothing is done; variation=grid undoes it where it can be measured, method=network lets"
            f" a network sharpen each place as it finds it, variation=even undoes a {told} everywhere"
        )
    return told


def differs(analysis: Analysis, number: int, shape: Shape) -> str:
    """Why no PSF explains a frame, in words; empty where one does, or one by place, or nothing is known against it."""
    words = shape.words
    if words.get("agreement", 1.0) < CONFIDENT:
        return f"parts of the picture agree on a PSF by {words['agreement']:.2f} alone"
    if shape.field is None and words.get("even", 1.0) < LEAST_EVEN:
        return _IN_PARTS
    if shape.field is not None or words["kind"] == "sharp" or words.get("size", 0.0) == 0:
        return ""
    found = movement_at(analysis, number) if words["kind"] == "motion" and "motion" in (analysis or {}) else None
    if found is not None and found.apart > _APART:
        return f"{found.apart:.0%} of the frame moves otherwise than most of it"
    return ""


def _by_place(variation: str, found: Blur | None, places: BlurGrid) -> bool:
    if variation == "auto":
        return found is not None and found.kind in KINDS and places.varies
    return variation == "grid"


def _placed(places: BlurGrid, size: tuple[int, int], size_gain: float, source: str) -> Shape:
    sizes = places.settled() * size_gain
    words = {
        "kind": places.kind,
        "size": round(float(np.median(sizes)), 3),
        "by_place": _told_by_place(sizes, places.confidence),
        "from": f"{source}, place by place",
    }
    fields = [places.field(size, size_gain * (1 + by)) for by in (0, _DOUBT_BY_PLACE, -_DOUBT_BY_PLACE)]
    return Shape(words, field=fields[0], sure=places.confidence, others=((fields[1], fields[2]),))


def _lines(found: Movement, share: float, size: tuple[int, int], words: Mapping[str, Any]) -> Shape:
    lines = np.minimum(np.hypot.reduce(found.cells, axis=2) * share, LONGEST_PX)
    placed = _told_by_place(lines, found.sure)
    told = dict(words) | {"by_place": placed, "from": "the shot's motion, place by place"}
    longer, shorter = (found.field(size, share * (1 + by)) for by in (_DOUBT_IN_MOTION, -_DOUBT_IN_MOTION))
    left, right = (found.field(size, share, turn) for turn in (_DOUBT_IN_MOTION, -_DOUBT_IN_MOTION))
    return Shape(told, field=found.field(size, share), sure=found.sure, others=((longer, shorter), (left, right)))


def _told_by_place(sizes: Values, sure: Values) -> dict[str, Any]:
    """For the record."""
    least, most = (round(float(v), 2) for v in (sizes.min(), sizes.max()))
    return {"least": least, "most": most, "cells": sizes.size, "cells_that_show_it": int((sure >= _SURE).sum())}
