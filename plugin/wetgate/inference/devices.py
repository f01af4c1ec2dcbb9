"""Devices by the names that a user gives, and the ONNX Runtime providers and precisions that belong to them.

They are ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``tensorrt``, ``tensorrt:N``, ``directml``, ``directml:N`` and
``coreml``. ``auto`` never takes TensorRT: it builds an engine for each card and size, minutes before the first frame.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.inference.manifest import Model, Weights
from wetgate.spec import ModelError, UsageError

GRAMMAR = "auto, cpu, cuda, cuda:N, tensorrt, tensorrt:N, directml, directml:N, coreml"
_NAME = re.compile(r"(auto|cpu|coreml)|(cuda|tensorrt|directml)(?::(\d{1,3}))?\Z")
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_INSTALL = {
    "cuda": "install wetgate[gpu] in place of wetgate[cpu], on a machine with an NVIDIA driver",
    "tensorrt": "install wetgate[gpu] and NVIDIA's tensorrt, on a machine with an NVIDIA driver",
    "directml": "install onnxruntime-directml in place of onnxruntime, on Windows",
    "coreml": "it comes with onnxruntime on macOS",
}
# In this order ``auto`` takes what the installed ONNX Runtime has.
_AUTOMATIC = ("cuda", "directml", "coreml")


@dataclass(frozen=True, slots=True)
class Device:
    """Where networks run: ``kind`` is a key of :data:`PROVIDERS`, ``index`` counts cards of that kind."""

    kind: str
    index: int = 0

    @property
    def is_gpu(self) -> bool:
        return self.kind != "cpu"

    @property
    def provider(self) -> str:
        return PROVIDERS[self.kind]

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.index}" if self.kind in ("cuda", "tensorrt", "directml") else self.kind

    def provider_options(self) -> list[tuple[str, dict[str, Any]]]:
        """What ONNX Runtime is given, most wanted first. The CPU stands at the end for what a provider has not got."""
        options: dict[str, Any] = {"device_id": self.index} if self.kind in ("cuda", "tensorrt", "directml") else {}
        if self.kind == "cuda":
            # The same algorithm whatever was run before: the exhaustive search picks by timing.
            options |= {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": 0}
        if self.kind == "tensorrt":
            options["trt_timing_cache_enable"] = True
        chain = [(self.provider, options)]
        if self.kind == "tensorrt":
            chain.append((PROVIDERS["cuda"], {"device_id": self.index}))
        if self.is_gpu:
            chain.append((PROVIDERS["cpu"], {}))
        return chain


CPU = Device("cpu")


def demand_device_name(name: object) -> None:
    """Raise :class:`UsageError` for what names no device."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"the device is {name!r}", where="device", allowed=GRAMMAR)


def device_of(name: str) -> Device:
    """The device of a name; ``auto`` is the best that the installed ONNX Runtime has and this machine shows.

    Raises :class:`UsageError` for no name of a device, :class:`ModelError` where it is not here.
    """
    demand_device_name(name)
    if name == "auto":
        return next((Device(kind) for kind in _AUTOMATIC if _is_here(Device(kind))), CPU)
    kind, _, index = name.partition(":")
    device = Device(kind, int(index or 0))
    if device.is_gpu and not _is_here(device):
        raise ModelError(
            f"{device.name} is not available here: {_why_not(device)}",
            where="device",
            allowed=", ".join(["cpu", *(k for k in PROVIDERS if k != "cpu" and _is_here(Device(k)))]),
            remedy=_INSTALL[kind],
        )
    return device


def available_providers() -> tuple[str, ...]:
    """The providers that the installed ONNX Runtime was built with. Raises :class:`ModelError` where it is missing."""
    return tuple(onnxruntime().get_available_providers())


def onnxruntime() -> Any:
    """The module, quiet. Raises :class:`ModelError` where it is not installed."""
    try:
        import onnxruntime as runtime
    except ImportError:
        raise ModelError(
            "ONNX Runtime is not installed", remedy="install wetgate[cpu] or wetgate[gpu]: networks need it"
        ) from None
    runtime.set_default_logger_severity(4)  # errors come as exceptions; its log would go to a host's stderr
    return runtime


def _is_here(device: Device) -> bool:
    return device.provider in available_providers() and device.index < _cards(device.kind)


def _why_not(device: Device) -> str:
    if device.provider not in available_providers():
        return f"the installed ONNX Runtime has no {device.provider}"
    count = _cards(device.kind)
    return f"there {'is' if count == 1 else 'are'} {count} of that kind"


@functools.cache
def _cards(kind: str) -> int:
    """How many cards of a kind there are, where that can be asked."""
    if kind in ("cuda", "tensorrt"):
        import torch

        return int(torch.cuda.device_count()) if torch.cuda.is_available() else 0
    return 1 if kind == "coreml" else 16  # DirectML counts adapters itself and refuses one that is not there


def has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 by instructions of its own (AVX-512 BF16, AMX): else it is only emulated."""
    return bool(_cpu_flags() & {"avx512_bf16", "amx_bf16", "bf16", "arm_bf16"})


def has_vnni() -> bool:
    """Whether this x86 CPU sums products of bytes in 32 bits in one step (AVX-512 or AVX VNNI)."""
    return bool(_cpu_flags() & {"avx512_vnni", "avx_vnni"})


@functools.cache
def _cpu_flags() -> frozenset[str]:
    """Instruction sets of this CPU, in lower case; empty where they cannot be asked."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").lower().splitlines()
        return frozenset(w for line in lines if line.startswith(("flags", "features")) for w in line.split())
    except OSError:  # not Linux: torch asks the processor itself
        try:
            import torch

            return frozenset(name.lower() for name, value in torch.cpu.get_capabilities().items() if value is True)
        except (ImportError, AttributeError):
            return frozenset()


def choose_weights(model: Model, device: Device, precision: str = "auto") -> Weights:
    """The file that a device runs: the asked precision, else what the manifest prefers for this kind of device.

    It depends on the manifest, the device's kind and the CPU's instruction set alone, never on what is free or fast at
    the moment. Raises :class:`ModelError` where the model has no such precision.
    """
    if precision == "auto":
        kinds = ["gpu"]
        if not device.is_gpu:
            kinds = [*["cpu_vnni"] * has_vnni(), *["cpu_bf16"] * has_bf16(), "cpu"]
        wanted = next((model.prefer[k] for k in kinds if k in model.prefer), None)
        precision = wanted or ("fp32" if "fp32" in model.weights else next(iter(model.weights)))
    if precision not in model.weights:
        raise ModelError(
            f"{model.id} has no weights in {precision}",
            where="precision",
            allowed=", ".join(["auto", *model.weights]),
            remedy="leave it at auto",
        )
    return model.weights[precision]
