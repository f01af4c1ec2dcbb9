"""Trained weights as the ONNX files that Wetgate ships: ``python -m models.export RECIPE WEIGHTS --out DIR``.

Writes ``ID.onnx`` (FP32 arithmetic; weights kept as FP16 where ``--store fp16``) and, with ``--int8``, ``ID.int8.onnx``
(:mod:`models.quantise`), and prints how far each is from the network in torch.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from models.archs.plain_unet import PlainUNet
from models.archs.unet import FOLD, UNet
from models.quantise import equalised, ranges, refined, seen_by, write
from models.train.recipe import Recipe
from models.train.task import Examples
from models.train.tasks import batch_of, task_of
from models.trained import network_of

OPSET = 17


class Folded(nn.Module):
    """The network with its space-to-depth step and first convolution as one strided convolution: the same numbers.

    A 3x3 convolution on pixels folded two by two sees rows 2i - 2 to 2i + 3 of the picture: it is a 6x6 convolution of
    stride 2 with two pixels of padding, which every runtime has a kernel for.
    """

    def __init__(self, network: UNet) -> None:
        super().__init__()
        weight = network.head.weight.detach()
        width, folded = weight.shape[:2]
        channels = folded // FOLD**2
        wide = (
            weight.reshape(width, channels, FOLD, FOLD, 3, 3).permute(0, 1, 4, 2, 5, 3).reshape(width, channels, 6, 6)
        )
        self.head_weight = nn.Parameter(wide.contiguous())
        self.head_bias = nn.Parameter(network.head.bias.detach().clone())
        self.network = network

    def forward(self, maps: Tensor) -> Tensor:
        seen = self.network.seen(maps)
        first = functional.conv2d(seen, self.head_weight, self.head_bias, stride=FOLD, padding=2)
        return self.network.scaled(functional.pixel_shuffle(self.network.tail(self.network.between(first)), FOLD), maps)


def to_onnx(network: UNet, maps: int, path: Path) -> None:
    """Write the network: input ``maps`` (n, ``maps``, h, w), output ``residual``, sizes free."""
    free = {0: "n", 2: "h", 3: "w"}
    example = torch.zeros(1, maps, 4 * network.multiple, 6 * network.multiple)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Folded(network).eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["maps"],
            output_names=["residual"],
            dynamic_axes={"maps": free, "residual": free},
        )


def store_as_half(path: Path) -> None:
    """Keep the weights of more than one dimension as FP16; a Cast before their use makes them FP32 again."""
    model = onnx.load(path)
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2:
            continue
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}.half"))
        casts.append(helper.make_node("Cast", [f"{tensor.name}.half"], [tensor.name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def quantise(network: PlainUNet, maps: int, path: Path, recipe: Recipe, examples: Examples) -> None:
    """Write the network in eight bits, by the recipe's ``quantise``: the convolutions that stay ``float``, how many
    ``batches`` of ``batch`` examples say how large everything gets (the last that training saw), and for how many
    ``steps`` at which ``rate`` it is trained with rounding, on examples that training has not seen."""
    settings = recipe.quantise
    recipe = replace(recipe, batch=settings["batch"])
    first = recipe.steps - settings["batches"]
    batches = [batch_of(recipe, examples, first + step)[0] for step in range(settings["batches"])]
    even = equalised(network, seen_by(network, batches))
    inputs = {name: found for name, found in ranges(seen_by(even, batches)).items() if name not in settings["float"]}
    unseen = (batch_of(recipe, examples, recipe.steps + 1 + step) for step in range(settings["steps"]))
    settled = refined(even, inputs, unseen, settings["rate"], settings["steps"])
    to_onnx(settled, maps, path)
    write(path, {f"network.{name}.weight": name for name in inputs}, inputs)


def difference(path: Path, network: nn.Module, maps: Tensor) -> tuple[float, float]:
    """Root mean square and largest difference between the file's residual and the network's, in 8-bit codes."""
    with torch.inference_mode():
        wanted = network(maps).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"maps": maps.numpy()})
    apart = 255 * (found.astype(np.float64) - wanted)
    return float(np.sqrt(np.mean(apart**2))), float(np.abs(apart).max())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.export", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="the training folders, for examples")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--store", choices=["fp32", "fp16"], default="fp32")
    parser.add_argument("--int8", action="store_true")
    given = parser.parse_args()
    recipe = Recipe.read(given.recipe)
    network = network_of(recipe, given.weights)
    assert isinstance(network, UNet)
    examples = task_of(recipe).examples(recipe, given.data)
    maps, _ = batch_of(recipe, examples, recipe.steps)
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"{recipe.id}.onnx"
    to_onnx(network, task_of(recipe).maps, path)
    written = [path]
    if given.int8:
        small = given.out / f"{recipe.id}.int8.onnx"
        if not (isinstance(network, PlainUNet) and recipe.quantise):
            raise SystemExit(f"{given.recipe} has no quantise, or another network than plain_unet: no INT8 of it")
        quantise(network, task_of(recipe).maps, small, recipe, examples)
        written.append(small)
    if given.store == "fp16":
        store_as_half(path)
    for file in written:
        rms, most = difference(file, network, maps)
        print(f"{file}: {file.stat().st_size / 1e6:.2f} MB, apart by {rms:.4f} rms, {most:.3f} at most (8-bit codes)")


if __name__ == "__main__":
    main()
