"""An ONNX graph run by torch, operator by operator: for convolutional networks, without code of their architectures.

Operators are those of :mod:`wetgate.inference.torch_operators`; a graph with another one is refused with its name.
Numbers are in one floating type (:mod:`wetgate.inference.torch_entry` has the exception); shapes and indices stay whole
numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wetgate.inference.torch_operators import (
    OPERATORS,
    OPSETS,
    Attributes,
    Operator,
    Step,
    Tensor,
    conv,
    conv_transpose,
)
from wetgate.spec import ModelError

if TYPE_CHECKING:
    import torch


class TorchGraph:
    """A loaded graph with one input, of type ``takes``, and one output.

    Raises :class:`ModelError` for what is no such graph.
    """

    def __init__(self, path: Path, dtype: torch.dtype, device: torch.device, *, integers: str = "") -> None:
        """``integers``: quantised convolutions run as such: "" (they are emulated), "int8", "int8+bf16"."""
        try:
            import onnx
            from onnx import numpy_helper
        except ImportError:
            raise ModelError(
                "onnx is not installed", remedy="install wetgate[cpu] or wetgate[gpu]: torch as a runtime needs it"
            ) from None
        import torch

        try:
            model = onnx.load(str(path))
            onnx.checker.check_model(model)
        except Exception as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(f"this is no ONNX graph: {first}", where=str(path), remedy="export it again") from error
        graph = model.graph
        opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
        unknown = sorted({n.op_type for n in graph.node} - set(OPERATORS))
        constants = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
        inputs = [i for i in graph.input if i.name not in constants]
        if unknown or opset not in OPSETS or len(inputs) != 1 or len(graph.output) != 1:
            what = f"operators {', '.join(unknown)}" if unknown else f"opset {opset}, {len(inputs)} inputs"
            raise ModelError(
                f"torch cannot run this graph: it has {what}",
                where=str(path),
                allowed=f"opset {OPSETS[0]} to {OPSETS[-1]}, one input and output, {', '.join(sorted(OPERATORS))}",
                remedy='give it the runtime "onnx" in the manifest',
            )
        worked = torch.float32 if dtype == torch.bfloat16 else dtype
        self._constants = {n: _cast(t, worked, device) for n, t in constants.items()}
        steps = [_step(node, numpy_helper, worked, device) for node in graph.node]
        if integers:
            from wetgate.inference.torch_quantised import fused

            steps = fused(steps, self._constants, bf16=integers == "int8+bf16")
        self._input, self._output = inputs[0].name, graph.output[0].name
        steps = _folded(steps, self._constants)
        if worked != dtype:
            from wetgate.inference.torch_entry import entering_exactly

            steps = entering_exactly(steps, self._constants, self._input, dtype)
        self._steps = _in_place(steps, self._output)
        self.takes = worked
        self._last_use = _last_uses(self._steps, self._output)
        dims = inputs[0].type.tensor_type.shape.dim
        self.in_channels: int | None = dims[1].dim_value or None if len(dims) == 4 else None

    def __call__(self, x: Tensor) -> Tensor:
        """The graph's output; the input is not written to."""
        values: dict[str, Any] = {**self._constants, self._input: x}
        for number, (operator, names, attributes, outputs) in enumerate(self._steps):
            made = operator([values[n] if n else None for n in names], attributes)
            for name, value in zip(outputs, made if isinstance(made, (tuple, list)) else (made,), strict=False):
                values[name] = value
            for name in self._last_use[number]:
                del values[name]
        return values[self._output]


def _cast(t: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Weights to the graph's type and place; whole numbers are shapes and stay on the CPU, but for quantised ones."""
    import torch

    if not t.is_floating_point():
        return t.to(device) if t.dtype in (torch.int8, torch.uint8) else t
    t = t.to(device, dtype)
    return t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t


def _step(node: Any, numpy_helper: Any, dtype: torch.dtype, device: torch.device) -> Step:
    import onnx
    import torch

    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    attributes = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
    if node.op_type == "Constant":
        value = attributes.get("value")
        array = numpy_helper.to_array(value) if value is not None else next(iter(attributes.values()))
        attributes = {"value": _cast(torch.tensor(array), dtype, device)}
    if node.op_type == "Cast":
        # Among numbers the graph's one floating type stays; a cast to whole numbers is one.
        attributes["float"] = attributes["to"] in (1, 10, 11, 16)
        attributes["dtype"] = dtype
    return OPERATORS[node.op_type], tuple(node.input), attributes, tuple(node.output)


def _folded(steps: Sequence[Step], constants: dict[str, Tensor]) -> list[Step]:
    """The steps that depend on the input; the others are worked once, here, into ``constants``."""
    left = []
    for step in steps:
        operator, names, attributes, outputs = step
        if any(name and name not in constants for name in names):
            left.append(step)
            continue
        made = operator([constants[n] if n else None for n in names], attributes)
        constants |= zip(outputs, made if isinstance(made, (tuple, list)) else (made,), strict=False)
    return left


def _in_place(steps: Sequence[Step], output: str) -> list[Step]:
    """ReLUs and sums written over a convolution's result that nobody else wants: new memory costs more than they do."""
    fresh = {name for step in steps if _makes_new(step[0]) for name in step[3]}
    used: dict[str, int] = {output: 2}
    for step in steps:
        for name in step[1]:
            used[name] = used.get(name, 0) + 1
    made: list[Step] = []
    for operator, names, attributes, outputs in steps:
        free = [name for name in names if name in fresh and used[name] == 1]
        if operator is OPERATORS["Relu"] and free:
            made.append((_relu_over, names, attributes, outputs))
            fresh.add(outputs[0])
        elif operator is OPERATORS["Add"] and free:
            other = names[1 - names.index(free[0])]
            made.append((_add_into, (free[0], other), attributes, outputs))
        else:
            made.append((operator, names, attributes, outputs))
    return made


def _makes_new(operator: Operator) -> bool:
    return operator in (conv, conv_transpose) or bool(getattr(operator, "makes_new", False))


def _relu_over(given: Sequence[Any], a: Attributes) -> Tensor:
    return given[0].relu_()


def _add_into(given: Sequence[Any], a: Attributes) -> Tensor:
    """The sum, in the memory of the first where both are alike."""
    x, other = given
    alike = x.dtype == other.dtype and x.shape == other.shape
    return x.add_(other) if alike else x + other


def _last_uses(steps: Sequence[Step], output: str) -> list[list[str]]:
    """Names of the activations that no later step needs, by step: they are let go there."""
    made = {name for step in steps for name in step[3] if name}
    last = {name: number for number, step in enumerate(steps) for name in (*step[1], *step[3]) if name in made}
    uses: list[list[str]] = [[] for _ in steps]
    for name, number in last.items():
        if name != output:
            uses[number].append(name)
    return uses
