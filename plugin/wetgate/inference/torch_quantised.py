"""Quantised convolutions of a graph run as such in torch: 8-bit products summed in 32 bits, by oneDNN.

In ONNX a quantised convolution is a float one between DequantizeLinear of its input and of its weights, and, where its
result is quantised as well, QuantizeLinear behind it. :func:`fused` finds these and puts one integer convolution in
their place; what stays in floating point is run in bfloat16 where the processor multiplies it. The sums are whole
numbers, so the bits do not depend on threads. Without VNNI the integer kernels of older processors saturate in
between: there nothing is fused, and the graph is worked as it stands, slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wetgate.inference.torch_operators import OPERATORS, Step, Tensor

_PIECE = 1 << 17  # values quantised at a time: what is in between stays in the processor's cache


def quantise(x: Tensor, scale: float, zero: int) -> Tensor:
    """round(x / scale) + zero as unsigned bytes, channels last; halves go up, where ONNX rounds them to even."""
    import torch

    x = x.contiguous(memory_format=torch.channels_last)
    made = torch.empty_like(x, dtype=torch.uint8)
    given, out = x.permute(0, 2, 3, 1).reshape(-1), made.permute(0, 2, 3, 1).reshape(-1)
    between = torch.empty(min(_PIECE, len(given)), dtype=x.dtype)
    whole = torch.empty(len(between), dtype=torch.int32)  # float to int32 to byte is vectorised, float to byte is not
    # The half turns the conversion's cut into rounding: one pass less.
    start = torch.tensor(zero + 0.5)
    for piece, place in zip(given.split(_PIECE), out.split(_PIECE), strict=True):
        room = between[: len(piece)]
        torch.add(start, piece, alpha=1.0 / scale, out=room)
        place.copy_(whole[: len(piece)].copy_(room.clamp_(0.0, 255.5)))
    return made


def fused(steps: Sequence[Step], constants: dict[str, Tensor], *, bf16: bool) -> list[Step]:
    """``steps`` with integer convolutions. ``bf16`` asks for the rest in bfloat16."""
    made_by = {name: step for step in steps for name in step[3]}
    used_by: dict[str, list[Step]] = {}
    for step in steps:
        for name in step[1]:
            used_by.setdefault(name, []).append(step)
    quantising, restoring = OPERATORS["QuantizeLinear"], OPERATORS["DequantizeLinear"]
    out: list[Step] = []
    gone: set[int] = set()
    for step in steps:
        operator, names, attributes, outputs = step
        if id(step) in gone:
            continue
        if operator is quantising and names[1] in constants:
            scale, zero = float(constants[names[1]]), int(constants[names[2]])
            out.append((_Quantise(scale, zero), names[:1], {}, outputs))
        elif operator is OPERATORS["Conv"] and _quantised(made_by, names, restoring, constants):
            x, weight = made_by[names[0]], made_by[names[1]]
            after = _after(outputs[0], used_by, OPERATORS["Relu"], quantising)
            result = None if after is None else [constants[n] for n in after[1][1][1:3]]
            convolution = _Convolution(
                [constants[n] for n in weight[1]],
                [constants[n] for n in x[1][1:]],
                _bias(names, made_by, constants),
                attributes,
                result,
            )
            if after is not None:
                gone |= {id(after[0]), id(after[1])}
            out.append((convolution, x[1][:1], {}, outputs if after is None else after[1][3]))
        elif bf16 and operator in (OPERATORS["Conv"], OPERATORS["ConvTranspose"]) and set(names[1:]) <= set(constants):
            out.append((_Half(operator, [constants[n] for n in names[1:]]), names[:1], attributes, outputs))
        else:
            out.append(step)
    needed = {name for step in out for name in step[1]}
    # What only fed a convolution that is fused now has nobody left to feed.
    return [s for s in out if s[0] is not restoring or needed & set(s[3])]


def _quantised(made_by: dict[str, Step], names: Sequence[str], restoring: Any, constants: dict[str, Tensor]) -> bool:
    x, weight = made_by.get(names[0]), made_by.get(names[1])
    return (
        x is not None
        and weight is not None
        and x[0] is restoring
        and weight[0] is restoring
        and x[1][0] not in constants
        and set(weight[1]) <= set(constants)
        and constants[x[1][1]].numel() == 1
    )


def _after(name: str, used_by: dict[str, list[Step]], relu: Any, quantising: Any) -> tuple[Step, Step] | None:
    """The ReLU and the quantisation behind it, where nothing else wants what lies between."""
    first = used_by.get(name, [])
    second = used_by.get(first[0][3][0], []) if len(first) == 1 and first[0][0] is relu else []
    return (first[0], second[0]) if len(second) == 1 and second[0][0] is quantising else None


def _bias(names: Sequence[str], made_by: dict[str, Step], constants: dict[str, Tensor]) -> Tensor | None:
    return constants[names[2]] if len(names) > 2 and names[2] else None


class _Quantise:
    def __init__(self, scale: float, zero: int) -> None:
        self._scale, self._zero = scale, zero

    def __call__(self, given: Sequence[Any], attributes: dict[str, Any]) -> Tensor:
        return quantise(given[0], self._scale, self._zero)


class _Half:
    """A convolution in bfloat16, float32 outside."""

    makes_new = True

    def __init__(self, operator: Any, weights: Sequence[Tensor]) -> None:
        import torch

        self._operator = operator
        self._weights = [w.to(torch.bfloat16) for w in weights]

    def __call__(self, given: Sequence[Any], attributes: dict[str, Any]) -> Tensor:
        import torch

        return self._operator([given[0].to(torch.bfloat16), *self._weights], attributes).float()


class _Convolution:
    """Unsigned bytes in; float32 out, or unsigned bytes behind a ReLU."""

    makes_new = True

    def __init__(
        self,
        weight: Sequence[Tensor],
        x: Sequence[Tensor],
        bias: Tensor | None,
        attributes: dict[str, Any],
        result: Sequence[Tensor] | None,
    ) -> None:
        import torch

        values, scale = weight[0], weight[1].float()
        self._scale = scale.expand(values.shape[0]).contiguous() if scale.numel() == 1 else scale
        self._zero = torch.zeros(values.shape[0], dtype=torch.long)
        self._x = float(x[0]), int(x[1])
        self._bias = bias if bias is not None else torch.zeros(values.shape[0])
        pads = list(attributes.get("pads", (0, 0, 0, 0)))
        self._shape = [list(attributes.get("strides", (1, 1))), pads[:2], list(attributes.get("dilations", (1, 1)))]
        self._groups = attributes.get("group", 1)
        self._result = None if result is None else (float(result[0]), int(result[1]))
        self._packed = torch.ops.onednn.qconv_prepack(values, self._scale, *self._x, *self._shape, self._groups, None)

    def __call__(self, given: Sequence[Any], attributes: dict[str, Any]) -> Tensor:
        import torch

        kind = torch.float32 if self._result is None else torch.uint8
        out = (1.0, 0) if self._result is None else self._result
        relu = "none" if self._result is None else "relu"
        return torch.ops.onednn.qconv2d_pointwise(
            given[0],
            *self._x,
            self._packed,
            self._scale,
            self._zero,
            self._bias,
            *self._shape,
            self._groups,
            *out,
            kind,
            relu,
            [],
            "",
        )
