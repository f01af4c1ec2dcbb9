"""torch as a runtime: ONNX graphs in bfloat16 on a CPU that has it and in half on a GPU, and what spandrel knows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wetgate.inference.arrays import Array, library
from wetgate.inference.devices import Device, has_bf16, has_vnni
from wetgate.inference.manifest import Model, Weights
from wetgate.inference.torch_graph import TorchGraph
from wetgate.spec import ModelError

_of_thread = threading.local()


class TorchSession:
    """A graph in torch, its weights cast to a precision once."""

    def __init__(self, path: Path, model: Model, weights: Weights, device: Device, threads: int) -> None:
        try:
            import torch
        except ImportError:
            raise ModelError(
                "torch is not installed", remedy="install wetgate[cpu] or wetgate[gpu]: this precision needs it"
            ) from None
        if device.kind not in ("cpu", "cuda"):
            raise ModelError(
                f"torch does not run on {device.name}",
                where="device",
                allowed="cpu, cuda",
                remedy="choose a precision whose runtime is onnx",
            )
        # In a quantised graph float32 is what lies between its integer convolutions.
        kinds = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "int8": torch.float32}
        self._dtype = kinds[weights.precision]
        self._place = torch.device("cpu" if device.kind == "cpu" else f"cuda:{device.index}")
        self._threads = threads
        self._graph: Callable[[Any], Any]
        channels: int | None
        if weights.runtime == "spandrel":
            self._graph, channels = _recognised(path, model, weights, self._dtype, self._place)
        else:
            integers = ""
            if weights.precision == "int8" and device.kind == "cpu" and has_vnni():
                integers = "int8+bf16" if has_bf16() else "int8"
            graph = TorchGraph(path, self._dtype, self._place, integers=integers)
            self._graph, channels, self._dtype = graph, graph.in_channels, graph.takes
        if channels not in (None, model.in_channels):
            raise ModelError(
                f"{model.id} takes {channels} channels; the manifest says {model.in_channels}",
                where=str(path),
                remedy="correct the manifest, or export the network again",
            )
        self.facts: dict[str, Any] = {
            "runtime": f"torch {torch.__version__.split('+')[0]}",
            "provider": "torch",
            "device": device.name,
            "precision": weights.precision,
        }

    def run(self, x: Array) -> Array:
        """The network's result for (1, C, H, W), in the library and on the device of ``x``."""
        import torch

        if self._place.type == "cpu" and getattr(_of_thread, "threads", None) != self._threads:
            torch.set_num_threads(self._threads)  # OpenMP keeps it by thread
            _of_thread.threads = self._threads
        is_numpy = library(x) is np
        given = torch.from_numpy(x) if is_numpy else x
        given = given.to(self._place, self._dtype).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            made = self._graph(given).float()
        return made.contiguous().cpu().numpy() if is_numpy else made.to(x.device)


def _recognised(path: Path, model: Model, weights: Weights, dtype: Any, place: Any) -> tuple[Callable[[Any], Any], int]:
    """The network that spandrel makes of the weights, in a precision that it bears, and how many channels it takes."""
    from wetgate.inference.spandrel_weights import recognise

    found = recognise(path)
    if (weights.precision == "fp16" and not found.half) or (weights.precision == "bf16" and not found.bfloat16):
        raise ModelError(
            f"{found.architecture} does not bear {weights.precision}", where=str(path), remedy="use it in fp32"
        )
    module = found.module.to(place, dtype)
    return (lambda x: found.call(module, x)), found.in_channels
