"""What each ONNX operator is in torch: those of :data:`OPERATORS`, in opset 13 to 22 as the ONNX specification defines
them. Each takes its inputs (None where one is left out) and its attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wetgate.spec import ModelError

Tensor = Any  # a torch.Tensor; torch is loaded when the first graph is
Attributes = dict[str, Any]
Operator = Callable[[Sequence[Any], Attributes], Any]
Step = tuple[Operator, tuple[str, ...], Attributes, tuple[str, ...]]  # operator, inputs, attributes, outputs
OPSETS = range(13, 23)


def _functional() -> Any:
    import torch.nn.functional

    return torch.nn.functional


def _lib() -> Any:
    import torch

    return torch


def _numbers(t: Tensor | None) -> list[int]:
    return [] if t is None else [int(v) for v in t.reshape(-1).tolist()]


def _pads(x: Tensor, pads: Sequence[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """ONNX pads: the begins of all axes, then the ends; torch wants them from the last axis on."""
    n = len(pads) // 2
    flat = [p for axis in reversed(range(n)) for p in (pads[axis], pads[n + axis])]
    if mode == "constant":
        return _functional().pad(x, flat, value=value)
    return _functional().pad(x, flat[:4], mode={"reflect": "reflect", "edge": "replicate"}[mode])


def conv(given: Sequence[Any], a: Attributes) -> Tensor:
    x, weight, bias = (*given, None)[:3]
    padding = _same(x, weight, a)
    return _functional().conv2d(
        x if padding is None else _pads(x, [0, 0, *padding[:2], 0, 0, *padding[2:]]),
        weight,
        bias,
        stride=tuple(a.get("strides", (1, 1))),
        padding=tuple(a.get("pads", (0, 0, 0, 0))[:2]) if padding is None else 0,
        dilation=tuple(a.get("dilations", (1, 1))),
        groups=a.get("group", 1),
    )


def _same(x: Tensor, weight: Tensor, a: Attributes) -> list[int] | None:
    """Pads that differ from side to side; None where torch's own padding does."""
    auto = a.get("auto_pad", "NOTSET")
    pads = list(a.get("pads", (0, 0, 0, 0)))
    if auto in ("NOTSET", "VALID"):
        return None if pads[:2] == pads[2:] else pads
    begin, end = [], []
    for axis in (0, 1):
        stride, dilation = a.get("strides", (1, 1))[axis], a.get("dilations", (1, 1))[axis]
        size, kernel = x.shape[2 + axis], (weight.shape[2 + axis] - 1) * dilation + 1
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        low, high = total // 2, total - total // 2
        begin.append(low if auto == "SAME_UPPER" else high)
        end.append(high if auto == "SAME_UPPER" else low)
    return begin + end


def conv_transpose(given: Sequence[Any], a: Attributes) -> Tensor:
    x, weight, bias = (*given, None)[:3]
    pads = list(a.get("pads", (0, 0, 0, 0)))
    return _functional().conv_transpose2d(
        x,
        weight,
        bias,
        stride=tuple(a.get("strides", (1, 1))),
        padding=tuple(pads[:2]),
        output_padding=tuple(a.get("output_padding", (0, 0))),
        groups=a.get("group", 1),
        dilation=tuple(a.get("dilations", (1, 1))),
    )


def _depth_to_space(given: Sequence[Any], a: Attributes) -> Tensor:
    x, b = given[0], a["blocksize"]
    if a.get("mode", "DCR") == "CRD":
        return _functional().pixel_shuffle(x, b)
    n, c, h, w = x.shape
    split = x.reshape(n, b, b, c // (b * b), h, w).permute(0, 3, 4, 1, 5, 2)
    return split.reshape(n, c // (b * b), h * b, w * b)


def _space_to_depth(given: Sequence[Any], a: Attributes) -> Tensor:
    x, b = given[0], a["blocksize"]
    n, c, h, w = x.shape
    split = x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4)
    return split.reshape(n, c * b * b, h // b, w // b)


def _split(given: Sequence[Any], a: Attributes) -> Any:
    x, axis = given[0], a.get("axis", 0)
    if len(given) > 1 and given[1] is not None:
        return x.split(_numbers(given[1]), dim=axis)
    return x.chunk(a.get("num_outputs", 2), dim=axis)


def _slice(given: Sequence[Any], a: Attributes) -> Tensor:
    x = given[0]
    starts, ends, axes, steps = ([*map(_numbers, given[1:]), [], []])[:4]
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis, step = axes[i] if axes else i, steps[i] if steps else 1
        if step < 1:
            raise ModelError("torch cannot run this graph: a Slice goes backwards")
        index = [slice(None)] * x.dim()
        index[axis] = slice(start, end, step)
        x = x[tuple(index)]
    return x


def _reduce_mean(given: Sequence[Any], a: Attributes) -> Tensor:
    x = given[0]
    axes = _numbers(given[1]) if len(given) > 1 else list(a.get("axes", ()))
    return x.mean(dim=axes or tuple(range(x.dim())), keepdim=bool(a.get("keepdims", 1)))


def _reshape(given: Sequence[Any], a: Attributes) -> Tensor:
    x, shape = given[0], _numbers(given[1])
    return x.reshape([x.shape[i] if n == 0 and not a.get("allowzero", 0) else n for i, n in enumerate(shape)])


def _resize(given: Sequence[Any], a: Attributes) -> Tensor:
    x, _, scales, sizes = (*given, None, None, None)[:4]
    mode = a.get("mode", "nearest")
    how = a.get("coordinate_transformation_mode", "half_pixel")
    if mode not in ("nearest", "linear") or how not in ("half_pixel", "asymmetric", "pytorch_half_pixel"):
        raise ModelError(f"torch cannot run this graph: it resizes by {mode}, {how}")
    size = _numbers(sizes)[2:] if sizes is not None else None
    factor = [float(s) for s in scales.reshape(-1).tolist()][2:] if size is None and scales is not None else None
    if mode == "nearest":
        return _functional().interpolate(x, size=size, scale_factor=factor, mode="nearest")
    if how == "asymmetric":
        raise ModelError("torch cannot run this graph: it resizes by linear, asymmetric")
    return _functional().interpolate(x, size=size, scale_factor=factor, mode="bilinear", align_corners=False)


def _pad(given: Sequence[Any], a: Attributes) -> Tensor:
    value = float(given[2]) if len(given) > 2 and given[2] is not None else 0.0
    return _pads(given[0], _numbers(given[1]), a.get("mode", "constant"), value)


def _clip(given: Sequence[Any], a: Attributes) -> Tensor:
    low, high = (*given[1:], None, None)[:2]
    return given[0].clamp(None if low is None else float(low), None if high is None else float(high))


def _layer_normalization(given: Sequence[Any], a: Attributes) -> Tensor:
    x, scale, bias = (*given, None)[:3]
    axis = a.get("axis", -1) % x.dim()
    return _functional().layer_norm(x, x.shape[axis:], scale, bias, a.get("epsilon", 1e-5))


def _unsqueeze(given: Sequence[Any], a: Attributes) -> Tensor:
    x = given[0]
    for axis in sorted(_numbers(given[1])):
        x = x.unsqueeze(axis)
    return x


def _squeeze(given: Sequence[Any], a: Attributes) -> Tensor:
    axes = _numbers(given[1]) if len(given) > 1 else None
    return given[0].squeeze() if axes is None else given[0].squeeze(tuple(axes))


def _gather(given: Sequence[Any], a: Attributes) -> Tensor:
    x, at, axis = given[0], given[1], a.get("axis", 0)
    made = x.index_select(axis, at.reshape(-1).to(x.device) % x.shape[axis])
    return made.reshape([*x.shape[:axis], *at.shape, *x.shape[axis + 1 :]])


def _cast_step(given: Sequence[Any], a: Attributes) -> Tensor:
    return given[0].to(a["dtype"]) if a["float"] else given[0].to(_lib().int64)


def _quantize_linear(given: Sequence[Any], a: Attributes) -> Tensor:
    x, scale, zero = given
    if scale.numel() != 1 or zero.dtype != _lib().uint8:
        raise ModelError("torch cannot run this graph: it quantises other than to unsigned bytes by one scale")
    return (x.float() / scale.float()).round().add(float(zero)).clamp(0, 255).to(_lib().uint8)


def _dequantize_linear(given: Sequence[Any], a: Attributes) -> Tensor:
    x, scale, zero = (*given, None)[:3]
    if scale.numel() > 1:
        shape = [1] * x.dim()
        shape[a.get("axis", 1)] = -1
        scale, zero = scale.reshape(shape), None if zero is None else zero.reshape(shape)
    number = x.to(scale.dtype)
    return (number if zero is None else number - zero.to(scale.dtype)) * scale


def _concat(given: Sequence[Any], a: Attributes) -> Tensor:
    return _lib().cat(list(given), dim=a["axis"])


def _prelu(given: Sequence[Any], a: Attributes) -> Tensor:
    return _functional().prelu(given[0], given[1].reshape(-1))


def _max_pool(given: Sequence[Any], a: Attributes) -> Tensor:
    return _functional().max_pool2d(
        _pads(given[0], [0, 0, *a.get("pads", (0,) * 4)[:2], 0, 0, *a.get("pads", (0,) * 4)[2:]], value=-float("inf")),
        tuple(a["kernel_shape"]),
        tuple(a.get("strides", (1, 1))),
    )


def _average_pool(given: Sequence[Any], a: Attributes) -> Tensor:
    if any(a.get("pads", ())):
        raise ModelError("torch cannot run this graph: it averages over padding")
    return _functional().avg_pool2d(given[0], tuple(a["kernel_shape"]), tuple(a.get("strides", (1, 1))))


# What each operator is, by its name in ONNX.
OPERATORS: dict[str, Operator] = {
    "Abs": lambda g, a: g[0].abs(),
    "Add": lambda g, a: g[0] + g[1],
    "AveragePool": _average_pool,
    "Cast": _cast_step,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": lambda g, a: a["value"],
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "DepthToSpace": _depth_to_space,
    "DequantizeLinear": _dequantize_linear,
    "Div": lambda g, a: g[0] / g[1] if g[0].is_floating_point() else g[0] // g[1],
    "Erf": lambda g, a: g[0].erf(),
    "Exp": lambda g, a: g[0].exp(),
    "Gather": _gather,
    "Gelu": lambda g, a: _functional().gelu(g[0], approximate=a.get("approximate", "none")),
    "GlobalAveragePool": lambda g, a: g[0].mean(dim=(2, 3), keepdim=True),
    "HardSigmoid": lambda g, a: (g[0] * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1),
    "HardSwish": lambda g, a: _functional().hardswish(g[0]),
    "Identity": lambda g, a: g[0],
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": lambda g, a: _functional().leaky_relu(g[0], a.get("alpha", 0.01)),
    "Max": lambda g, a: _lib().maximum(g[0], g[1]),
    "MaxPool": _max_pool,
    "Min": lambda g, a: _lib().minimum(g[0], g[1]),
    "Mul": lambda g, a: g[0] * g[1],
    "Neg": lambda g, a: -g[0],
    "PRelu": _prelu,
    "Pad": _pad,
    "Pow": lambda g, a: g[0] ** g[1],
    "Reciprocal": lambda g, a: g[0].reciprocal(),
    "QuantizeLinear": _quantize_linear,
    "ReduceMean": _reduce_mean,
    "Relu": lambda g, a: g[0].relu(),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda g, a: _lib().tensor(list(g[0].shape)[a.get("start", 0) : a.get("end")]),
    "Sigmoid": lambda g, a: g[0].sigmoid(),
    "Slice": _slice,
    "Softplus": lambda g, a: _functional().softplus(g[0]),
    "SpaceToDepth": _space_to_depth,
    "Split": _split,
    "Sqrt": lambda g, a: g[0].sqrt(),
    "Squeeze": _squeeze,
    "Sub": lambda g, a: g[0] - g[1],
    "Tanh": lambda g, a: g[0].tanh(),
    "Transpose": lambda g, a: g[0].permute(*a["perm"]),
    "Unsqueeze": _unsqueeze,
}
