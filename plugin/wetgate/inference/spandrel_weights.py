"""Weights that the spandrel library recognises, loaded from files that can hold nothing but tensors.

Only ``.safetensors``, and ``.pth``, ``.pt`` and ``.ckpt`` through torch's ``weights_only`` loader, are opened: any
other pickle can run code when it is read, and is refused.
"""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.spec import ModelError

ENDINGS = (".safetensors", ".pth", ".pt", ".ckpt")
_PICKLED = (".pth", ".pt", ".ckpt")


@dataclass(frozen=True, slots=True)
class Recognised:
    """A network that spandrel made of weights, and what it knows of it."""

    call: Any
    module: Any
    architecture: str
    scale: int
    in_channels: int
    out_channels: int
    multiple: int
    half: bool
    bfloat16: bool


def recognise(path: Path) -> Recognised:
    """The network of a weights file. Raises :class:`ModelError` for what is unsafe, unknown, or makes no picture."""
    tensors = _tensors(path)
    spandrel = _spandrel()
    try:
        found = spandrel.ModelLoader().load_from_state_dict(spandrel.canonicalize_state_dict(tensors))
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"spandrel does not know these weights: {first[:200]}",
            where=str(path),
            remedy="export the network to ONNX, and add that",
        ) from error
    if not isinstance(found, spandrel.ImageModelDescriptor):
        raise ModelError(
            f"{found.architecture.name} is a network for {found.purpose}",
            where=str(path),
            allowed="networks that make a picture of a picture",
        )
    module = found.model.eval().requires_grad_(False)
    call = getattr(found, "_call_fn", None) or (lambda model, x: model(x))  # the descriptor's own call clips to 0..1
    return Recognised(
        call=call,
        module=module,
        architecture=str(found.architecture.name),
        scale=int(found.scale),
        in_channels=int(found.input_channels),
        out_channels=int(found.output_channels),
        multiple=max(1, int(found.size_requirements.multiple_of)),
        half=bool(found.supports_half),
        bfloat16=bool(found.supports_bfloat16),
    )


def _tensors(path: Path) -> Mapping[str, Any]:
    ending = path.suffix.lower()
    try:
        if ending == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(str(path)))
        if ending in _PICKLED:
            import torch

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = torch.load(path, map_location="cpu", weights_only=True)
            if isinstance(found, Mapping):
                return dict(found)
            raise ModelError(f"the file holds a {type(found).__name__}, not weights by name", where=str(path))
    except ModelError:
        raise
    except ImportError as error:
        raise _not_installed(error) from None
    except Exception as error:
        raise ModelError(
            f"the file is damaged, or holds more than tensors ({type(error).__name__})",
            where=str(path),
            allowed="safetensors, or a torch file that holds tensors alone",
            remedy="a pickle can run code when it is read: convert it to safetensors where you trust its source",
        ) from error
    raise ModelError(f"{path.name} is no weights file", where=str(path), allowed=", ".join((".onnx", *ENDINGS)))


def _spandrel() -> Any:
    try:
        with _torchvision():
            return importlib.import_module("spandrel")
    except ImportError as error:
        raise _not_installed(error) from None


def _not_installed(error: ImportError) -> ModelError:
    return ModelError(
        f"spandrel is not installed ({error})",
        remedy="pip install 'wetgate[spandrel]': these weights need it; .onnx does not",
    )


@contextmanager
def _torchvision() -> Iterator[None]:
    """While spandrel is imported, torchvision, or a stand-in with the three names that spandrel takes from it.

    On Linux pip finds torchvision for the CUDA build of torch alone: beside the CPU build its import fails. spandrel
    needs it for two networks only (LaMa, RestoreFormer), one of which is not ours to run and the other for faces.
    """
    if "spandrel" in sys.modules or _imports("torchvision"):
        yield
        return
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    stand_ins = {name: types.ModuleType(name) for name in names}
    functional = stand_ins[names[-1]]
    functional.InterpolationMode = types.SimpleNamespace(NEAREST="nearest", BILINEAR="bilinear")  # type: ignore[attr-defined]
    functional.rotate = functional.normalize = _missing  # type: ignore[attr-defined]
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "torchvision"}
    sys.modules |= stand_ins
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules |= before


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except (ImportError, RuntimeError, OSError):  # built for another torch: its operators cannot be registered
        for loaded in [n for n in sys.modules if n.partition(".")[0] == name]:
            del sys.modules[loaded]
        return False
    return True


def _missing(*_: Any, **__: Any) -> Any:
    raise ModelError(
        "this network needs torchvision, which does not load here", remedy="install the torchvision of your torch"
    )
