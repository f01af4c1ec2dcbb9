"""Measuring how a shot was coded: what decoder and file say first, and what the pixels show where they say nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wetgate.color.ycbcr import luma_weights, matrix_known
from wetgate.ops.block_grid import find_grid_of
from wetgate.ops.block_intervals import JFIF_MATRIX
from wetgate.ops.block_transform import SIDE, whole_blocks
from wetgate.ops.coded_blocks import steps_of_codec, steps_of_tables
from wetgate.ops.coding_evidence import evidence_of, strength_of
from wetgate.ops.combing import combing, most_combed
from wetgate.ops.jpeg_lattice import (
    COARSER,
    K1,
    K2,
    Lattice,
    find_lattice,
    lattice_at,
    older_save,
    quality_of_step,
    quality_table,
    step_at,
)
from wetgate.ops.quantiser import UNKNOWN, in_values, jpeg_step
from wetgate.ops.shot_coding import DECODER, PIXELS, TABLES, Collected, ShotCoding
from wetgate.spec import Frame, Image, Shot

REC709 = 1  # H.273 MatrixCoefficients, where nothing says otherwise
_LOOKED_AT = 8  # frames, spread over the shot
# Frames that are read before a render, whose frames bring what their decoder says of them: those that are looked at,
# and three between each two, for what is typical of each kind of picture.
_READ = 4 * (_LOOKED_AT - 1) + 1
# Share of the blocks with something in them that differ from all others. Photographs have 1, saved at quality 2 to 10
# they have 0.30 and more, charts 0.05 and less.
_DISTINCT = 0.1
_LATTICES = 3  # of them, in which a lattice is looked for
# In the most combed part of a picture, from which a stream that says it is interlaced is believed. Measured: clips of
# one moment reach 0.01, fields of a moving picture 0.07 and more.
_SHOWS_FIELDS = 0.03


def frames_to_measure(numbers: Sequence[int]) -> list[int]:
    """The frames of a shot that say how it was coded: :data:`_READ` of them, spread evenly."""
    return [numbers[i] for i in _spread(len(numbers), _READ)]


def _spread(length: int, count: int) -> list[int]:
    return sorted(set(np.linspace(0, length - 1, count).round().astype(int).tolist()))


def measure_coding(
    shot: Shot, check_abort: Callable[[], None] = lambda: None, progress: Callable[[float], None] = lambda share: None
) -> ShotCoding:
    """How a shot was coded. Reads every frame once; keeps the luma of a few."""
    chosen = {shot.numbers[i] for i in _spread(len(shot), _LOOKED_AT)}
    collected = Collected()
    pictures: list[Image] = []
    first: Mapping[str, Any] | None = None
    size, combed, most, interlaced = (0, 0), [], 0.0, False
    jpeg = same = True
    for place, frame in enumerate(shot):
        check_abort()
        progress(0.7 * place / len(shot))
        codec = frame.codec
        first = codec if first is None else first
        size = size if pictures or size != (0, 0) else (frame.width, frame.height)
        collected.add(
            frame.number, str(codec.get("picture_type", "")), steps_of_codec(codec, frame.height, frame.width)
        )
        interlaced = interlaced or bool(codec.get("interlaced"))
        jpeg = jpeg and codec.get("coding") == "jpeg"
        same = same and jpeg and _same_tables(codec, first)
        if frame.number in chosen:
            pictures.append(np.ascontiguousarray(frame.rgb))
            combed.append(combing(pictures[-1]))
            most = max(most, most_combed(pictures[-1]))
    assert first is not None
    share = float(np.mean(combed))
    matrix = first.get("matrix") if matrix_known(int(first.get("matrix", -1))) else None
    if collected:
        cell, maps = collected.maps()
        made = ShotCoding(
            TABLES if jpeg else DECODER,
            size,
            collected.typical(),
            JFIF_MATRIX if jpeg and matrix is None else matrix,
            frames=collected.frames(),
            cell=cell,
            maps=maps,
        )
        if same:
            made = _of_tables(made, first, pictures)
    else:
        made = coding_of_pictures(pictures, matrix, check_abort)
    progress(1.0)
    interlaced = interlaced and most > _SHOWS_FIELDS
    return replace(made, combed=share, interlaced=interlaced, codec=str(first.get("codec", first.get("coding", ""))))


def coding_of_frame(frame: Frame) -> ShotCoding:
    """How one picture was coded, where no analysis was made."""
    codec = frame.codec
    size = (frame.width, frame.height)
    combed = combing(frame.rgb)
    interlaced = bool(codec.get("interlaced")) and most_combed(frame.rgb) > _SHOWS_FIELDS
    matrix = codec.get("matrix") if matrix_known(int(codec.get("matrix", -1))) else None
    steps = steps_of_codec(codec, frame.height, frame.width)
    if steps is None:
        made = coding_of_pictures([np.ascontiguousarray(frame.rgb)], matrix)
    elif codec.get("coding") == "jpeg":
        made = ShotCoding(TABLES, size, steps.typical, JFIF_MATRIX if matrix is None else matrix)
    else:
        made = ShotCoding(DECODER, size, steps.typical, matrix)
    return replace(made, combed=combed, interlaced=interlaced)


def _of_tables(made: ShotCoding, codec: Mapping[str, Any], pictures: Sequence[Image]) -> ShotCoding:
    """With the tables of the file; or, where it was saved before more coarsely on the same grid, of that save."""
    tables = [np.asarray(table) for table in codec["quantisation"]]
    lattice = lattice_at(_jpeg_luma(pictures[0]), (0, 0), _sound(pictures[0]))
    quality = None
    if lattice is not None:
        older = [quality_table(lattice.quality, base) for base in (K1, K2, K2)]
        if jpeg_step(older[0]) > COARSER * jpeg_step(tables[0]):
            quality = lattice.quality
            tables = [np.maximum(a, b) for a, b in zip(tables, older, strict=False)]
    made = replace(
        made,
        steps=steps_of_tables(tables).typical,
        quality=quality,
        tables=tuple(tuple(int(v) for v in table.reshape(-1)) for table in tables),
        sampling=tuple(codec["sampling"]),
    )
    return _with_older(made, pictures[0], lattice)


def _with_older(made: ShotCoding, picture: Image, last: Lattice | None) -> ShotCoding:
    older = None if last is None else older_save(_jpeg_luma(picture), last, _sound(picture))
    return made if older is None else replace(made, older=older.phase, older_quality=older.quality)


def _jpeg_luma(picture: Image) -> Image:
    return np.asarray(np.rint(_luma(picture, JFIF_MATRIX) * np.float32(255)))


def _sound(picture: Image) -> NDArray[np.bool_]:
    """Pixels that were not clipped."""
    return np.asarray(((picture > 0) & (picture < 1)).all(axis=2))


def _same_tables(codec: Mapping[str, Any], first: Mapping[str, Any]) -> bool:
    pairs = zip(codec["quantisation"], first["quantisation"], strict=False)
    same = len(codec["quantisation"]) == len(first["quantisation"]) and all(np.array_equal(a, b) for a, b in pairs)
    return same and codec["sampling"] == first["sampling"]


def coding_of_pictures(
    pictures: Sequence[Image], matrix: int | None = None, check_abort: Callable[[], None] = lambda: None
) -> ShotCoding:
    """From pixels alone: R'G'B' (H, W, 3) of one shot."""
    height, width = pictures[0].shape[:2]
    if _repeats(pictures[0]):
        return ShotCoding(PIXELS, (width, height), (0.0, 0.0), matrix, grid_known=False, confidence=0.0, odds=0.0)
    found: list[Lattice] = []
    for picture in pictures[:_LATTICES]:
        check_abort()
        luma, sound = _jpeg_luma(picture), _sound(picture)
        lattice = find_lattice(luma, sound) if not found else lattice_at(luma, found[0].phase, sound)
        if lattice is None:
            break
        found.append(lattice)
    if found:
        own = _own_step(pictures[: len(found)], found[0].phase)
        made = _of_lattice(pictures, found, (width, height))
        # Multiples of one table are met by those of a finer one as well.
        if own is None or own < COARSER * 255 * made.steps[0]:
            return made
        return _of_own_tables(made, own)
    lumas = [_luma(p, REC709 if matrix is None else matrix) for p in pictures]
    grid = find_grid_of(lumas)
    made = ShotCoding(PIXELS, (width, height), (UNKNOWN, UNKNOWN), matrix, grid_known=False, confidence=0.0, odds=0.5)
    if grid is not None and grid.known:
        made = replace(made, period=grid.period, phase=grid.phase, grid_known=True, confidence=grid.confidence)
        if made.resized:  # nothing is trained on such grids: it is said, and the step stays unknown
            return replace(made, odds=1.0)
    check_abort()
    origin = made.origin or (0, 0)
    own = _own_step(pictures, origin)
    if own is not None:
        return _of_own_tables(replace(made, phase=(float(origin[0]), float(origin[1]))), own)
    evidence = evidence_of(lumas, origin)
    if evidence is None:
        return made
    odds, step = strength_of(evidence)
    # A grid that stands out is a codec's, however weak the other evidence.
    if step == 0 and made.grid_known:
        return replace(made, odds=max(odds, 0.5))
    return replace(made, steps=(step, step), odds=odds, grid_known=made.grid_known or step > 0)


def _repeats(picture: Image) -> bool:
    """Whether the blocks of a picture are the same few again and again, as in charts, patterns and titles: what they
    have in common is drawn, and says nothing of a codec."""
    blocks = whole_blocks(_jpeg_luma(picture), (0, 0)).reshape(-1, SIDE**2).astype(np.int16)
    blocks = np.ascontiguousarray(blocks[np.ptp(blocks, axis=1) > 0])
    distinct = np.unique(blocks.view(np.dtype((np.void, blocks.itemsize * SIDE**2))))
    return len(distinct) < _DISTINCT * len(blocks)


def _of_lattice(pictures: Sequence[Image], found: Sequence[Lattice], size: tuple[int, int]) -> ShotCoding:
    quality = round(float(np.median([f.quality for f in found])))
    steps = steps_of_tables([quality_table(quality, K1), quality_table(quality, K2)])
    x, y = found[0].phase
    made = ShotCoding(
        PIXELS,
        size,
        steps.typical,
        JFIF_MATRIX,
        phase=(float(x), float(y)),
        confidence=float(np.clip(found[0].evidence, 0, 1)),
        quality=quality,
    )
    return _with_older(made, pictures[0], found[0])


def _own_step(pictures: Sequence[Image], phase: tuple[int, int]) -> float | None:
    """The step, in codes, of a JPEG whose tables may be any, where each of the pictures shows one: of a codec that
    predicts, one here and there may."""
    steps = [step_at(_jpeg_luma(picture), phase, _sound(picture)) for picture in pictures]
    seen = [step for step in steps if step is not None]
    return float(np.median(seen)) if len(seen) == len(steps) else None


def _of_own_tables(made: ShotCoding, step: float) -> ShotCoding:
    """As a JPEG of that step. Colour's tables are often those of brightness, and seldom finer."""
    luma, chroma = (float(in_values(step, full_range=True, chroma=c)) for c in (False, True))
    return replace(
        made,
        steps=(luma, chroma),
        matrix=JFIF_MATRIX,
        period=(8.0, 8.0),
        grid_known=True,
        confidence=1.0,
        odds=1.0,
        quality=quality_of_step(step),
    )


def _luma(picture: Image, matrix: int) -> Image:
    red, green, blue = (np.float32(w) for w in luma_weights(matrix))
    return np.asarray(picture[..., 0] * red + picture[..., 1] * green + picture[..., 2] * blue, np.float32)
