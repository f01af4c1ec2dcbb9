"""Sessions: a model's weights, loaded for one device, precision and number of threads; made once a process.

A session takes and gives float32 (1, C, H, W), and may be run from several threads at once. The bits of its result do
not depend on the number of threads (tests/unit/test_inference_sessions.py holds it to that).
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from wetgate.inference.arrays import Array, library
from wetgate.inference.catalogue import checked_file
from wetgate.inference.devices import Device, choose_weights, onnxruntime
from wetgate.inference.manifest import Model, Weights
from wetgate.spec import ModelError

_SMALLEST = 8  # px; a warm-up picture has at least this side


class Session(Protocol):
    """What runs a network. ``facts`` say by what, for the record."""

    @property
    def facts(self) -> dict[str, Any]: ...
    def run(self, x: Array) -> Array: ...


_sessions: dict[tuple[Any, ...], Session] = {}
_lock = threading.RLock()


def session_of(model: Model, device: Device, *, precision: str = "auto", threads: int = 1) -> Session:
    """The process's session for a model on a device, loaded and warmed up at the first call.

    Raises :class:`ModelError` where the weights are missing, changed, no network, or do not do what the manifest says.
    """
    weights = choose_weights(model, device, precision)
    path = checked_file(model, weights)
    key = (path, weights.sha256, weights.precision, weights.runtime, device, threads)
    with _lock:  # one model loads at a time: two at once would want twice the memory
        found = _sessions.get(key)
        if found is None:
            found = _load(path, model, weights, device, threads)
            _warm_up(found, model)
            _sessions[key] = found
    return found


def release() -> None:
    """Let every session go, and the memory that it holds. The next use loads again."""
    with _lock:
        _sessions.clear()


def loaded() -> int:
    """How many sessions this process holds."""
    return len(_sessions)


def _load(path: Path, model: Model, weights: Weights, device: Device, threads: int) -> Session:
    if weights.runtime == "torch":
        from wetgate.inference.torch_runtime import TorchSession

        return TorchSession(path, model, weights, device, threads)
    return OrtSession(path, model, weights, device, threads)


def _warm_up(session: Session, model: Model) -> None:
    """Run a small picture: the first run allocates, and what does not fit the manifest shows before any frame."""
    side = -(-_SMALLEST // model.multiple) * model.multiple
    x = np.full((1, model.in_channels, side, side + model.multiple), 0.5 * sum(model.range), np.float32)
    demand_result(session.run(x), x, model, "a picture for warming up")


def demand_result(made: Array, x: Array, model: Model, of: str) -> None:
    """Raise :class:`ModelError` where a network's result has not the manifest's size and channels, or is not finite."""
    wanted = (1, model.out_channels, x.shape[2] * model.scale, x.shape[3] * model.scale)
    if tuple(made.shape) != wanted:
        given, size = "x".join(map(str, x.shape)), "x".join(map(str, made.shape))
        raise ModelError(
            f"{model.id} makes {size} of {given}",
            where=of,
            allowed="x".join(map(str, wanted)),
            remedy="its manifest has another scale, multiple or number of channels than the network",
        )
    lib = library(made)
    if not bool(lib.isfinite(made).all()):
        count = int((~lib.isfinite(made)).sum())
        raise ModelError(
            f"{model.id} made {count} values that are not numbers",
            where=of,
            remedy="use other weights or another precision; the frame has not been touched",
        )


class OrtSession:
    """ONNX Runtime."""

    def __init__(self, path: Path, model: Model, weights: Weights, device: Device, threads: int) -> None:
        runtime = onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 4
        # Threads that wait by spinning take the processor from the host that we work for.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        chain = device.provider_options()
        try:
            self._session = runtime.InferenceSession(
                str(path), options, providers=[p for p, _ in chain], provider_options=[o for _, o in chain]
            )
        except Exception as error:
            raise ModelError(
                f"ONNX Runtime refuses the weights of {model.id}: {_first_line(error)}",
                where=str(path),
                remedy="the file is damaged or needs a newer ONNX Runtime",
            ) from error
        taken = self._session.get_providers()[0]
        if taken != device.provider:
            raise ModelError(
                f"{model.id} does not run on {device.name}: ONNX Runtime fell back to {taken}",
                where="device",
                remedy="choose the device cpu, or mend the driver",
            )
        self._input, self._output = _ends(self._session, model, path)
        self._device = device
        self._half = self._input.type == "tensor(float16)"
        self.facts = {
            "runtime": f"onnxruntime {runtime.__version__}",
            "provider": device.provider,
            "device": device.name,
            "precision": weights.precision,
        }

    def run(self, x: Array) -> Array:
        """The network's result for (1, C, H, W), on the device that ``x`` is on."""
        if library(x) is not np:
            return self._run_bound(x)
        given = x.astype(np.float16) if self._half else x
        made = self._session.run([self._output.name], {self._input.name: given})[0]
        return np.asarray(made, np.float32)

    def _run_bound(self, x: Array) -> Array:
        """On a torch tensor, through its memory: nothing goes over the bus."""
        import torch

        kind = torch.float16 if self._half else torch.float32
        given = x.to(kind).contiguous()
        binding = self._session.io_binding()
        element = np.float16 if self._half else np.float32
        place = "cuda" if given.is_cuda else "cpu"
        number = given.device.index or 0
        binding.bind_input(self._input.name, place, number, element, tuple(given.shape), given.data_ptr())
        binding.bind_output(self._output.name, place, number)
        if given.is_cuda:
            torch.cuda.current_stream(given.device).synchronize()  # ONNX Runtime works in a stream of its own
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        made = binding.get_outputs()[0]
        return torch.from_dlpack(made._ortvalue).to(torch.float32) if given.is_cuda else torch.from_numpy(made.numpy())


def _ends(session: Any, model: Model, path: Path) -> tuple[Any, Any]:
    """The one input and output of a graph, checked against the manifest."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    problem = ""
    if len(inputs) != 1 or len(outputs) != 1:
        problem = f"has {len(inputs)} inputs and {len(outputs)} outputs; allowed: one each"
    elif inputs[0].type not in ("tensor(float)", "tensor(float16)"):
        problem = f"takes {inputs[0].type}; allowed: float or float16"
    elif len(inputs[0].shape) != 4:
        problem = f"takes {len(inputs[0].shape)} dimensions; allowed: 4, NCHW"
    elif inputs[0].shape[1] not in (None, model.in_channels) and not isinstance(inputs[0].shape[1], str):
        problem = f"takes {inputs[0].shape[1]} channels; the manifest says {model.in_channels}"
    elif any(isinstance(n, int) for n in inputs[0].shape[2:]):
        problem = f"takes pictures of {inputs[0].shape[3]}x{inputs[0].shape[2]} alone; allowed: any size"
    if problem:
        raise ModelError(
            f"{model.id} {problem}", where=str(path), remedy="export it with dynamic height and width, as NCHW float"
        )
    return inputs[0], outputs[0]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of ONNX Runtime, torch or Python says that memory ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    known = ("out of memory", "failed to allocate memory", "bad_alloc", "bad allocation", "can't allocate memory")
    return isinstance(error, (RuntimeError, Exception)) and any(words in text for words in known)
