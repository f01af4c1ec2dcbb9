"""How a shot moves while its shutter is open: for each frame the motion of most of it, and of each cell of a grid.

Motion is read from the flow between a frame and its neighbours, there and back, on the frame's own pixels. While the
shutter is open for a share of the time to the next frame, a point draws a line of that share of its motion; the line is
the PSF of the place. How open the shutter was shows in the spectrum: the share whose lines explain it best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from wetgate.ops.blur_grid import cells_of, spectra_by_cell
from wetgate.ops.blur_measure import Blur, line_costs
from wetgate.ops.blur_spectrum import luma_of
from wetgate.ops.flow import Flow, dense_flow
from wetgate.ops.psf import named
from wetgate.ops.psf_field import PsfField, Values, between_cells, tiles_of
from wetgate.spec import Frame, Image, Shot, UsageError

LONGEST_PX = 100.0  # of a line read from the flow: more is a cut or a flow that is lost
LEAST_PX = 1.5  # of a line that is undone: flow of a camera on its tripod is off by as much as a shorter one
_FLOW_PX = 960  # motion is read on pictures no longer than that
# Motion is another than that of most of the picture from so many px and so large a share of it: a line whose end is off
# by a quarter leaves a double edge.
_APART_PX, _APART = 1.0, 0.25
_MANY = 0.03  # of the sure cells: so many that move apart are not to be given the motion of most
_SURE = 0.5  # of a cell's pixels that move as its median does: fewer, and its motion says nothing
_KNOWN = 0.9  # of a tile that lies in cells whose motion is one
_TENTHS, _PERCENT = 10, 100  # of a pixel, of certainty: how a document holds motion by cell
_SHARES = (0.25, 0.5, 0.75, 1.0)  # of the time between frames that a shutter is tried to be open for
_LONG_PX = 5.0  # a frame: cells that move by less do not show how open the shutter was
_FEWEST = 6  # such cells, below which nothing is said of the shutter
_CLEARLY = 0.02  # of the cost a frequency by which lines have to explain the cells better than one even blur does


@dataclass(frozen=True, slots=True)
class Movement:
    """Motion at one frame, px a frame to the right and down: ``most`` of the picture's, the share ``apart`` that moves
    otherwise, and of each cell (rows, columns, 2), with how ``sure`` it is (rows, columns), 0 to 1."""

    most: tuple[float, float]
    apart: float
    cells: Values
    sure: Values

    @property
    def varies(self) -> bool:
        """Whether many cells move otherwise than most of the picture, or in no one way."""
        gap = np.hypot.reduce(self.cells - np.array(self.most), axis=2)
        return bool(np.mean((gap > _apart_from(self.most)) | (self.sure < _SURE)) >= _MANY)

    def field(self, size: tuple[int, int], share: float, turn: float = 0.0) -> PsfField:
        """The lines over a frame of ``size`` (rows, columns) whose shutter was open for that share of the time, turned
        by so many radians.

        None where a cell moves in no one way, or where one way meets another: a line of neither would ring there.
        """
        tiles = tiles_of(size)
        lines = between_cells(self.cells, tiles)
        spread = between_cells(np.square(self.cells).sum(axis=2), tiles) - np.square(lines).sum(axis=2)
        known = between_cells((self.sure >= _SURE).astype(np.float64), tiles) >= _KNOWN
        known &= spread <= np.square(_apart_from(np.moveaxis(lines, 2, 0)))
        turned = lines @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        told = np.round(turned * share * known[..., None], 1).reshape(-1, 2)
        return PsfField(size, tuple(_line(float(x), float(y)) for x, y in told))


def line_of(x: float, y: float) -> tuple[float, float]:
    """Length in px and angle in degrees, counter-clockwise from the right, of a motion to the right and down."""
    return min(math.hypot(x, y), LONGEST_PX), math.degrees(math.atan2(-y, x))


def movement(before: Frame | None, frame: Frame, after: Frame | None) -> Movement:
    """The motion at ``frame``, the mean of that from the one before and to the one after, or of the one there is."""
    size = _small(frame)
    seen = _seen(frame, size)
    steps = [sign * dense_flow(seen, _seen(f, size)) for f, sign in ((before, -1), (after, 1)) if f is not None]
    if not steps:
        raise ValueError("motion needs a neighbour")
    flow = np.mean(steps, axis=0)
    # Where motion is not steady the line is bent, or one of the flows is lost.
    steady = np.ones(flow.shape[:2], np.bool_)
    if len(steps) == 2:
        steady = np.hypot.reduce(steps[0] - steps[1], axis=2) <= _apart_from(np.moveaxis(flow, 2, 0))
    scale = np.array([frame.width / size[0], frame.height / size[1]])
    most = np.median(flow.reshape(-1, 2), axis=0)
    apart = float(np.mean(np.hypot.reduce(flow - most, axis=2) > _apart_from(most)))
    cells, sure = _by_cell(flow, steady, cells_of((frame.height, frame.width)))
    x, y = most * scale
    return Movement((float(x), float(y)), apart, cells * scale, sure)


def motion_of_shot(frames: Iterable[Frame], cuts: Sequence[int], check_abort: Callable[[], None]) -> dict[str, Any]:
    """The motion at each frame of a shot as JSON, for :func:`movement_at`: of most of the picture in px, and by cell in
    tenths of a pixel and percent of certainty. A frame without neighbours has none."""
    most: dict[str, list[float]] = {}
    by_cell: dict[str, list[int]] = {}
    shape = (1, 1)
    held: list[Frame | None] = [None, None]
    for coming in (*_with_cuts(frames, cuts), None):
        check_abort()
        before, frame = held
        if frame is not None and (before is not None or coming is not None):
            found = movement(before, frame, coming)
            shape = (found.sure.shape[0], found.sure.shape[1])
            most[str(frame.number)] = [round(v, 3) for v in (*found.most, found.apart)]
            by_cell[str(frame.number)] = _packed(found)
        held = [frame, coming]
    return {"motion": most, "motion_cells": {"rows": shape[0], "columns": shape[1], "frames": by_cell}}


def movement_at(analysis: Mapping[str, Any] | None, number: int) -> Movement | None:
    """The motion at a frame by an analysis; None where that has none. One that was made before motion was read by cell
    holds that of most of the picture alone."""
    if analysis is None:
        return None
    if "motion" not in analysis:
        raise UsageError(
            "the analysis holds no motion of the shot",
            where="shutter",
            remedy="analyse the shot again, with the kind that it is rendered with",
        )
    step = analysis["motion"].get(str(number))
    if step is None:
        return None
    apart = float(step[2]) if len(step) > 2 else 0.0
    cells, sure = np.array(step[:2]).reshape(1, 1, 2), np.ones((1, 1))
    held = analysis.get("motion_cells")
    if held is not None:
        packed = np.array(held["frames"][str(number)], np.float64).reshape(held["rows"], held["columns"], 3)
        cells, sure = packed[..., :2] / _TENTHS, packed[..., 2] / _PERCENT
    return Movement((float(step[0]), float(step[1])), apart, cells, sure)


def shutter_of(
    shot: Shot, numbers: Sequence[int], even: Blur | None, check_abort: Callable[[], None]
) -> dict[str, Any] | None:
    """The shutter angle in ``degrees`` whose lines explain the blur of frames ``numbers`` better than one ``even`` blur
    for all of them does, and by how much a frequency; None where none does, or hardly anything moves."""
    lines, evenly, cells = np.zeros(len(_SHARES)), 0.0, 0
    for number in numbers:
        check_abort()
        place = list(shot.numbers).index(number)
        before = shot[shot.numbers[place - 1]] if place > 0 and number not in shot.cuts else None
        last = place + 1 == len(shot.numbers) or shot.numbers[place + 1] in shot.cuts
        after = None if last else shot[shot.numbers[place + 1]]
        frame = shot[number]
        if before is None and after is None:
            continue
        found = movement(before, frame, after)
        for spectrum, step, sure in zip(
            spectra_by_cell(frame.rgb), found.cells.reshape(-1, 2), found.sure.ravel(), strict=False
        ):
            length, angle = line_of(*step)
            if sure < _SURE or length < _LONG_PX:
                continue
            costs = line_costs(spectrum, [length * share for share in _SHARES], angle, even)
            if costs is not None:
                lines, evenly, cells = lines + costs[:-1], evenly + costs[-1], cells + 1
    if cells < _FEWEST:
        return None
    better = (evenly - float(lines.min())) / cells
    if better < _CLEARLY:
        return None
    return {"degrees": 360 * _SHARES[int(lines.argmin())], "better": round(better, 4), "cells": cells}


def _with_cuts(frames: Iterable[Frame], cuts: Sequence[int]) -> Iterable[Frame | None]:
    """The frames, and None before each that begins a new shot."""
    for frame in frames:
        if frame.number in cuts:
            yield None
        yield frame


def _line(x: float, y: float) -> Image:
    length, angle = line_of(x, y)
    return named("motion", length if length >= LEAST_PX else 0.0, angle)


def _apart_from(motion: Any) -> Any:
    """How far another motion has to be from one (x, y) to be another."""
    return np.maximum(_APART_PX, _APART * np.hypot(motion[0], motion[1]))


def _small(frame: Frame) -> tuple[int, int]:
    """Width and height at which motion is read."""
    scale = min(1.0, _FLOW_PX / max(frame.width, frame.height))
    return max(1, round(frame.width * scale)), max(1, round(frame.height * scale))


def _seen(frame: Frame, size: tuple[int, int]) -> Image:
    # Square roots: the flow wants a picture as eyes see it.
    luma = np.sqrt(np.maximum(luma_of(frame.rgb), 0))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32).reshape(size[1], size[0])


def _by_cell(flow: Flow, steady: Any, shape: tuple[int, int]) -> tuple[Values, Values]:
    cells, sure = np.zeros((*shape, 2)), np.zeros(shape)
    rows, columns = (np.array_split(np.arange(n), count) for n, count in zip(flow.shape[:2], shape, strict=True))
    for i, across in enumerate(rows):
        for j, down in enumerate(columns):
            if not (across.size and down.size):
                continue
            here = slice(across[0], across[-1] + 1), slice(down[0], down[-1] + 1)
            mine = flow[here].reshape(-1, 2)
            cells[i, j] = np.median(mine, axis=0)
            near = np.hypot.reduce(mine - cells[i, j], axis=1) <= _apart_from(cells[i, j])
            sure[i, j] = float(np.mean(near & steady[here].ravel()))
    return cells, sure


def _packed(found: Movement) -> list[int]:
    held = np.concatenate([found.cells * _TENTHS, found.sure[..., None] * _PERCENT], axis=2)
    return [int(v) for v in np.rint(held).ravel()]
