"""A trained :class:`~models.archs.plain_unet.PlainUNet` in eight bits: static, weights by channel, inputs by tensor.

Three things keep it near the float network, in the order of what they give (Kodak24, sigma 15; the module's tests hold
the first to be exact):

1. *Equalised channels.* The residual stream of a level carries the picture in some channels and small corrections in
   others, and one step for all would drown these. A factor for each channel of a stream, and for each between the two
   convolutions of a block, goes into the weights that write it, its inverse into those that read it: ReLU and addition
   let it through, so the network computes the same numbers (M. Nagel and others, Data-free quantization through
   weight equalization and bias correction, ICCV 2019, with the ranges of activations in place of those of weights).
2. *Float where it costs little*: the stream itself, which is only added to; the first and last convolution; and those
   that the recipe names, by the error that each alone makes.
3. *Ranges of least squared error* over the recipe's own examples, which hold weak and strong noise.
4. *A short training* in which the network is worked with rounded weights and inputs, and learns to give what the float
   network gives, by the squared distance from it over the float network's own squared error: what is lost in dB.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils import parametrize

from models.archs.plain_unet import PlainBlock, PlainUNet

_PERCENTILE = 0.9995  # of the size of a channel, that its factor evens out
_MOST_FACTOR = 10.0
_EVERY = 23  # n-th pixel that is kept of an activation
_MOST_VALUES = 200_000
_SHRINKINGS = np.geomspace(0.03, 1, 40)  # of the whole range, tried as the quantised one


def seen_by(network: nn.Module, batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """What each convolution is given: (pixels, channels) by its name, over the batches."""
    seen: dict[str, list[Tensor]] = {}
    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            seen[name] = []

            def keep(module: nn.Module, given: tuple[Tensor, ...], made: Tensor, name: str = name) -> None:
                x = given[0]
                seen[name].append(x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])[::_EVERY].clone())

            hooks.append(module.register_forward_hook(keep))
    with torch.inference_mode():
        for batch in batches:
            network(batch.contiguous(memory_format=torch.channels_last))
    for hook in hooks:
        hook.remove()
    return {name: torch.cat(values) for name, values in seen.items()}


def equalised(network: PlainUNet, seen: Mapping[str, Tensor]) -> PlainUNet:
    """The same function with the channels of every stream brought to one size."""
    made = copy.deepcopy(network)
    levels = len(made.down)

    def factors(readers: Sequence[str]) -> Tensor:
        size = torch.stack([_size(seen[name]) for name in readers]).amax(0).clamp_min(1e-3)
        return (size.mean() / size).clamp(1 / _MOST_FACTOR, _MOST_FACTOR)

    streams = []
    for level in range(levels):
        back = levels - 1 - level
        after = f"grow.{back + 1}" if back + 1 < levels else "tail"
        firsts = [f"down.{level}.{i}.first" for i in range(len(made.down[level]))]
        firsts += [f"up.{back}.{i}.first" for i in range(len(made.up[back]))]
        streams.append(factors([*firsts, f"shrink.{level}", after]))
    streams.append(factors([*(f"middle.{i}.first" for i in range(len(made.middle))), "grow.0"]))

    with torch.no_grad():
        _scale(made.head, streams[0], None)
        for level in range(levels):
            _scale_blocks(made.down[level], f"down.{level}", streams[level], factors)
            _scale(made.shrink[level], streams[level + 1], streams[level])
        _scale_blocks(made.middle, "middle", streams[levels], factors)
        for back in range(levels):
            level = levels - 1 - back
            _scale(made.grow[back], streams[level], streams[level + 1])
            _scale_blocks(made.up[back], f"up.{back}", streams[level], factors)
        _scale(made.tail, None, streams[0])
    return made


def _size(values: Tensor) -> Tensor:
    return values[:100_000].abs().quantile(_PERCENTILE, dim=0)


def _scale_blocks(blocks: nn.Module, name: str, stream: Tensor, factors: Callable[[Sequence[str]], Tensor]) -> None:
    for i, block in enumerate(blocks):
        assert isinstance(block, PlainBlock)
        between: Tensor = factors([f"{name}.{i}.second"])
        _scale(block.first, between, stream)
        _scale(block.second, stream, between)


def _scale(convolution: nn.Module, written: Tensor | None, read: Tensor | None) -> None:
    """Put the factors of the channels that a convolution writes, and the inverse of those that it reads, into it."""
    weight: Tensor = convolution.weight
    bias: Tensor = convolution.bias
    out, into = (1, 0) if isinstance(convolution, nn.ConvTranspose2d) else (0, 1)
    shape = [1, 1, 1, 1]
    if written is not None:
        shape[out] = -1
        weight *= written.reshape(shape)
        bias *= written
    if read is not None:
        shape = [1, 1, 1, 1]
        shape[into] = -1
        weight /= read.reshape(shape)


def ranges(seen: Mapping[str, Tensor]) -> dict[str, tuple[float, int]]:
    """Scale and zero point of unsigned bytes for each input, of the least squared error."""
    random = torch.Generator().manual_seed(1)
    found = {}
    for name, values in seen.items():
        flat = values.flatten()
        flat = flat[torch.randint(len(flat), (min(_MOST_VALUES, len(flat)),), generator=random)].double().numpy()
        low, high = min(float(flat.min()), 0.0), max(float(flat.max()), 0.0)
        tried = []
        for share in _SHRINKINGS:
            scale = max((high - low) * share / 255, 1e-12)
            zero = int(np.clip(round(-low * share / scale), 0, 255))
            stored = np.clip(np.rint(flat / scale) + zero, 0, 255)
            tried.append((float(np.mean(np.square((stored - zero) * scale - flat))), scale, zero))
        _, scale, zero = min(tried)
        found[name] = (scale, zero)
    return found


def refined(
    network: PlainUNet,
    inputs: Mapping[str, tuple[float, int]],
    examples: Iterator[tuple[Tensor, Tensor]],
    rate: float,
    steps: int,
) -> PlainUNet:
    """The network trained to be itself when the convolutions named by ``inputs`` are rounded. ``examples`` are maps and
    the residuals wanted; the learning rate falls from ``rate`` to nothing along a half cosine."""
    made = copy.deepcopy(network).train()
    for name, module in made.named_modules():
        if name in inputs:
            scale, zero = inputs[name]
            module.register_forward_pre_hook(lambda _, x, s=scale, z=zero: (_rounded_bytes(x[0], s, z),))
            parametrize.register_parametrization(module, "weight", _RoundedWeight())
    optimiser = torch.optim.Adam(made.parameters(), lr=rate, betas=(0.9, 0.99))
    for step in range(steps):
        maps, wanted = next(examples)
        maps = maps.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            true = network(maps)
            own = (true - wanted).square().mean(dim=(1, 2, 3)) + _LEAST_ERROR**2
        loss = ((made(maps) - true).square().mean(dim=(1, 2, 3)) / own).mean()
        for group in optimiser.param_groups:
            group["lr"] = rate * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % 50 == 0:
            print(
                f"rounded, step {step + 1}: {10 * math.log10(1 + loss.item()):.3f} dB from the float network",
                flush=True,
            )
    settled = copy.deepcopy(network)
    state = {name.replace("parametrizations.weight.original", "weight"): v for name, v in made.state_dict().items()}
    settled.load_state_dict(state)
    return settled


_LEAST_ERROR = 0.5 / 255  # of a patch: below it nothing is seen


def _rounded_bytes(x: Tensor, scale: float, zero: int) -> Tensor:
    """What bytes keep of x; the gradient is that of the clamp alone."""
    clamped = x.clamp(-zero * scale, (255 - zero) * scale)
    return clamped + (torch.round(clamped / scale) * scale - clamped).detach()


class _RoundedWeight(nn.Module):
    """Weights as signed bytes with a scale for each output channel; the gradient passes."""

    def forward(self, weight: Tensor) -> Tensor:
        scale = weight.detach().abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12) / 127
        return weight + (torch.round(weight / scale) * scale - weight).detach()


def write(path: Path, name_of: Mapping[str, str], inputs: Mapping[str, tuple[float, int]]) -> None:
    """Put bytes into the convolutions of the ONNX file ``path`` whose weight is a key of ``name_of``; the value says
    which of ``inputs`` its input has. Weights become signed bytes with a scale for each output channel."""
    model = onnx.load(path)
    graph = model.graph
    tensors = {t.name: t for t in graph.initializer}
    restored: dict[tuple[str, float, int], str] = {}
    nodes = []
    for node in graph.node:
        weight = node.input[1] if node.op_type == "Conv" else ""
        if weight in name_of:
            x, (scale, zero) = node.input[0], inputs[name_of[weight]]
            key = (x, scale, zero)
            if key not in restored:
                label = f"{x}.{len(restored)}"
                graph.initializer.append(numpy_helper.from_array(np.float32(scale), f"{label}.scale"))
                graph.initializer.append(numpy_helper.from_array(np.uint8(zero), f"{label}.zero"))
                step = [f"{label}.scale", f"{label}.zero"]
                nodes.append(helper.make_node("QuantizeLinear", [x, *step], [f"{label}.bytes"]))
                nodes.append(helper.make_node("DequantizeLinear", [f"{label}.bytes", *step], [f"{label}.restored"]))
                restored[key] = f"{label}.restored"
            node.input[0] = restored[key]
            node.input[1] = _weights_as_bytes(graph, nodes, tensors[weight])
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _weights_as_bytes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto], tensor: onnx.TensorProto) -> str:
    values = numpy_helper.to_array(tensor)
    scale = np.maximum(np.abs(values).max(axis=(1, 2, 3)) / 127, 1e-12).astype(np.float32)
    stored = np.clip(np.rint(values / scale[:, None, None, None]), -127, 127).astype(np.int8)
    graph.initializer.remove(tensor)
    parts = {"bytes": stored, "scale": scale, "zero": np.zeros(len(scale), np.int8)}
    for part, array in parts.items():
        graph.initializer.append(numpy_helper.from_array(array, f"{tensor.name}.{part}"))
    names = [f"{tensor.name}.{part}" for part in parts]
    nodes.append(helper.make_node("DequantizeLinear", names, [f"{tensor.name}.restored"], axis=0))
    return f"{tensor.name}.restored"
