"""From OCIO transforms to the steps that a hop runs: clamps taken out, curves that clip carried on, the rest fused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import PyOpenColorIO

from wetgate.color.extension import Apply, Limits, find_limits
from wetgate.spec import Image

FORWARD, INVERSE = PyOpenColorIO.TRANSFORM_DIR_FORWARD, PyOpenColorIO.TRANSFORM_DIR_INVERSE
Op = Any  # an OCIO transform


@cache
def _raw() -> Any:
    return PyOpenColorIO.Config.CreateRaw()


@dataclass(frozen=True, slots=True)
class Step:
    """One OCIO processor; with ``limits``, of a curve that is carried on beyond them."""

    cpu: Any
    limits: Limits | None = None
    decodes: bool = True

    def run(self, block: Image) -> None:
        """Work (rows, W, 3 or 4) float32, contiguous, in place."""
        if self.limits is None:
            self._process(block)
        else:
            self.limits.extend(block, self.decodes, self._process)

    def _process(self, block: Image) -> None:
        if block.shape[-1] == 4:
            self.cpu.applyRGBA(block)
        else:
            self.cpu.applyRGB(block)


def group(ops: Iterable[Op]) -> Any:
    """One GroupTransform of the ops in order."""
    made = PyOpenColorIO.GroupTransform()
    for op in ops:
        made.appendTransform(op)
    return made


def inverse(ops: Sequence[Op]) -> list[Op]:
    """The ops that undo ``ops``."""
    return flatten(_raw(), group(ops), INVERSE)


def flatten(config: Any, transform: Any, direction: Any = FORWARD) -> list[Op]:
    """The elementary ops of a transform: files read, built-ins expanded, references to spaces resolved."""
    if transform is None:
        return []
    return list(config.getProcessor(transform, direction).createGroupTransform())


def processor(ops: Sequence[Op]) -> Any:
    """A CPU processor, float32 in and out, of the ops. Lossless optimisation joins matrices and drops pairs that
    cancel, and changes no curve (the faster levels cost 4e-6 relative error)."""
    made = _raw().getProcessor(group(ops))
    return made.getOptimizedCPUProcessor(
        PyOpenColorIO.BIT_DEPTH_F32, PyOpenColorIO.BIT_DEPTH_F32, PyOpenColorIO.OPTIMIZATION_LOSSLESS
    )


def unclamped(ops: Iterable[Op]) -> list[Op]:
    """The ops without the clamps that OCIO can leave out by itself.

    A power that clips negatives mirrors them, a range keeps its scale and loses its ends, a CDL does not clamp.
    """
    result = []
    for op in ops:
        if isinstance(op, PyOpenColorIO.RangeTransform):
            result.extend(_unclamped_range(op))
            continue
        if isinstance(op, PyOpenColorIO.ExponentTransform) and op.getNegativeStyle() == PyOpenColorIO.NEGATIVE_CLAMP:
            op.setNegativeStyle(PyOpenColorIO.NEGATIVE_MIRROR)
        elif isinstance(op, PyOpenColorIO.CDLTransform):
            op.setStyle(PyOpenColorIO.CDL_NO_CLAMP)
        result.append(op)
    return result


def _unclamped_range(op: Op) -> list[Op]:
    bounds = (op.hasMinInValue(), op.hasMaxInValue())
    if all(bounds):
        op.setStyle(PyOpenColorIO.RANGE_NO_CLAMP)
        return [op]
    if bounds[0]:
        shift = op.getMinOutValue() - op.getMinInValue()
    else:
        shift = op.getMaxOutValue() - op.getMaxInValue() if bounds[1] else 0.0
    if not shift:
        return []
    if op.getDirection() == INVERSE:
        shift = -shift
    return [PyOpenColorIO.MatrixTransform(offset=[shift, shift, shift, 0.0])]


def steps(decoding: Sequence[Op], encoding: Sequence[Op]) -> list[Step]:
    """What to run for the ops that lead to the reference (``decoding``) and from it (``encoding``), in order.

    Curves are looked at within their own half and always from code to light, so that the way back finds the same
    limits, and hops that pass through other spaces agree.
    """
    made: list[Step] = []
    plain: list[Op] = []

    def flush() -> None:
        if plain and not is_no_op(plain):
            made.append(Step(processor(plain)))
        plain.clear()

    for ops, decodes in ((decoding, True), (encoding, False)):
        for run, curved in _runs(ops):
            limits = _limits(run, decodes) if curved else None
            if limits is None:
                plain.extend(run)
            else:
                flush()
                made.append(Step(processor(run), limits, decodes))
    flush()
    return made


def is_no_op(ops: Sequence[Op]) -> bool:
    """Whether the ops cancel out."""
    return bool(_raw().getProcessor(group(ops)).getOptimizedProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).isNoOp())


def _runs(ops: Sequence[Op]) -> list[tuple[list[Op], bool]]:
    """Neighbouring ops that work each channel by itself, joined; True where they hold more than scaling."""
    runs: list[tuple[list[Op], bool]] = []
    alone_before = False
    for op in ops:
        alone = _each_channel_alone(op)
        curved = alone and not isinstance(op, PyOpenColorIO.MatrixTransform)
        if alone and alone_before:
            run, was_curved = runs[-1]
            runs[-1] = ([*run, op], was_curved or curved)
        else:
            runs.append(([op], curved))
        alone_before = alone
    return runs


def _each_channel_alone(op: Op) -> bool:
    """Whether no channel of the result depends on another channel, found by trying it."""
    if isinstance(op, PyOpenColorIO.MatrixTransform):
        matrix = np.reshape(op.getMatrix(), (4, 4))
        return bool((matrix == np.diag(np.diagonal(matrix))).all())
    curve = _curve([op])
    values = np.linspace(-0.3, 1.7, 9, dtype=np.float32)
    together = curve(np.repeat(values[:, None], 3, axis=1))
    for channel in range(3):
        for other in (-0.2, 0.4, 1.3):
            mixed = np.full((len(values), 3), other, np.float32)
            mixed[:, channel] = values
            if not np.array_equal(curve(mixed)[:, channel], together[:, channel], equal_nan=True):
                return False
    return True


def _limits(run: Sequence[Op], decodes: bool) -> Limits | None:
    try:
        back = inverse(run)
        there, back_again = _curve(run), _curve(back)
    except PyOpenColorIO.Exception:  # a curve that OCIO cannot turn round cannot be carried on consistently
        return None
    return find_limits(there, back_again) if decodes else find_limits(back_again, there)


def _curve(ops: Sequence[Op]) -> Apply:
    cpu = processor(ops)

    def apply(values: Image) -> Image:
        block = np.array(values, np.float32, order="C")
        cpu.applyRGB(block)
        return block

    return apply
