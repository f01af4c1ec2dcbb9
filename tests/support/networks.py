"""Small networks for tests, written as ONNX graphs, and the manifests that belong to them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from wetgate.inference.manifest import Model, read_manifest

OPSET = 17


class Graph:
    """An ONNX graph that is written node by node; ``at`` is the name of the last value."""

    def __init__(self, in_channels: int, *, half: bool = False) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.at = "x"
        self._type = TensorProto.FLOAT16 if half else TensorProto.FLOAT
        self._kind = np.float16 if half else np.float32
        self._in = in_channels

    def add(
        self, operator: str, *more: str, inputs: list[str] | None = None, outputs: int = 1, **attributes: Any
    ) -> str:
        """A node whose first input is the last value, unless ``inputs`` says otherwise."""
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        given = [self.at, *more] if inputs is None else inputs
        self.nodes.append(helper.make_node(operator, given, names, **attributes))
        self.at = names[0]
        return self.at

    def constant(self, values: Any, kind: Any = None) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind or self._kind), name))
        return name

    def save(self, path: Path, *, size: tuple[Any, Any] = ("h", "w"), out: str = "") -> Path:
        """Write the graph to a file."""
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "test",
            [value("x", self._type, ["n", self._in, *size])],
            [value(out or self.at, self._type, ["n", None, None, None])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        path.write_bytes(model.SerializeToString())
        return path


def convolutions(
    *,
    in_channels: int = 3,
    out: int = 3,
    width: int = 16,
    depth: int = 3,
    half_size: bool = False,
    seed: int = 1,
    gain: float = 0.2,
    half: bool = False,
) -> Graph:
    """3x3 convolutions and ReLUs of random weights, at half resolution where asked; the result is small and signed."""
    rng = np.random.default_rng(seed)
    graph = Graph(in_channels, half=half)
    channels, last = in_channels, out
    if half_size:
        graph.add("SpaceToDepth", blocksize=2)
        channels, last = 4 * in_channels, 4 * out
    for layer in range(depth):
        wide = last if layer == depth - 1 else width
        weight = rng.standard_normal((wide, channels, 3, 3)) * np.sqrt(2 / (9 * channels))
        weight *= gain if layer == depth - 1 else 1.0
        bias = rng.uniform(-0.1, 0.1, wide) if layer < depth - 1 else np.zeros(wide)
        graph.add("Conv", graph.constant(weight), graph.constant(bias), pads=[1, 1, 1, 1])
        if layer < depth - 1:
            graph.add("Relu")
        channels = wide
    if half_size:
        graph.add("DepthToSpace", blocksize=2, mode="CRD")
    return graph


def manifest_text(file: Path, *, more: dict[str, tuple[Path, str]] | None = None, **fields: Any) -> str:
    """A manifest of one model: fp32 in ``file``, other precisions in ``more``, as file and runtime."""
    values: dict[str, Any] = {
        "id": "sample",
        "version": 1,
        "task": "sample",
        "tier": "fast",
        "licence": "Apache-2.0",
        "scale": 1,
        "frames": 1,
        "channels": 3,
        "out_channels": 3,
        "output": "residual",
        "encoding": "signed_log",
        "range": [0.0, 1.0],
        "multiple": 2,
        "receptive_radius": 8,
        "tile": 64,
    } | fields
    lines = ['schema = "wetgate.models/1"', "", "[[model]]"]
    lines += [f"{name} = {_toml(value)}" for name, value in values.items() if value is not None]
    for precision, (path, runtime) in ({"fp32": (file, "onnx")} | (more or {})).items():
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        lines += ["", f"[model.precision.{precision}]", f'file = "{path.name}"']
        lines += [f'sha256 = "{sha}"', f'runtime = "{runtime}"']
    return "\n".join(lines) + "\n"


def model_of(file: Path, **fields: Any) -> Model:
    """The model of a graph's file, by way of a manifest written beside it."""
    path = file.with_suffix(".toml")
    path.write_text(manifest_text(file, **fields), encoding="utf-8")
    (model,) = read_manifest(path)
    return model


def sample(folder: Path, graph: Graph | None = None, name: str = "net", **fields: Any) -> Model:
    """A model of a graph (three convolutions unless given), its files in ``folder``."""
    return model_of((graph or convolutions()).save(folder / f"{name}.onnx"), **fields)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


__all__ = ["Graph", "convolutions", "manifest_text", "model_of", "onnx", "sample"]
