"""Networks in eight bits: equalising changes nothing, rounding little, and integer kernels give what ONNX says."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.archs.plain_unet import PlainUNet  # noqa: E402
from models.export import to_onnx  # noqa: E402
from models.quantise import equalised, ranges, refined, seen_by, write  # noqa: E402
from models.train.noise import MAPS  # noqa: E402

from wetgate.inference.devices import has_vnni, onnxruntime  # noqa: E402
from wetgate.inference.torch_graph import TorchGraph  # noqa: E402

FLOAT = {"head", "tail", "grow.0"}


@pytest.fixture(scope="module")
def network() -> PlainUNet:
    """A small network whose channels differ in size, as those of a trained one do."""
    torch.manual_seed(3)
    made = PlainUNet(in_channels=MAPS, width=16, blocks=(1,), middle=1).eval()
    with torch.no_grad():
        torch.nn.init.normal_(made.tail.weight, std=0.05)
        sizes = torch.logspace(-1.5, 0, 16)
        made.head.weight *= sizes[:, None, None, None]
        made.head.bias *= sizes
        for block in (made.down[0][0], made.up[0][0]):  # what reads the small channels is large
            block.first.weight /= sizes[None, :, None, None]
            block.second.weight *= sizes[:, None, None, None]
        made.grow[0].weight *= sizes[None, :, None, None]
        made.shrink[0].weight /= sizes[None, :, None, None]
        made.tail.weight /= sizes[None, :, None, None]
    return made


@pytest.fixture(scope="module")
def batches() -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(4)
    return [torch.rand(2, MAPS, 32, 48, generator=random) for _ in range(3)]


@pytest.fixture(scope="module")
def quantised(network: PlainUNet, batches: list[torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    even = equalised(network, seen_by(network, batches))
    inputs = {name: found for name, found in ranges(seen_by(even, batches)).items() if name not in FLOAT}
    path = tmp_path_factory.mktemp("quantised") / "net.onnx"
    to_onnx(even, MAPS, path)
    write(path, {f"network.{name}.weight": name for name in inputs}, inputs)
    return path


def by_onnx(path: Path, x: torch.Tensor) -> np.ndarray:
    session = onnxruntime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"maps": x.numpy()})[0]


def test_equalising_channels_leaves_the_function_as_it_was(network: PlainUNet, batches: list[torch.Tensor]) -> None:
    even = equalised(network, seen_by(network, batches))
    with torch.inference_mode():
        apart = (even(batches[0]) - network(batches[0])).abs().max()
    assert not torch.equal(even.head.weight, network.head.weight)
    assert apart < 1e-5 * network(batches[0]).abs().max()  # float32 sums in another order


def test_equalising_brings_the_network_in_bytes_nearer(
    network: PlainUNet, batches: list[torch.Tensor], quantised: Path, tmp_path: Path
) -> None:
    inputs = {n: r for n, r in ranges(seen_by(network, batches)).items() if n not in FLOAT}
    uneven = tmp_path / "uneven.onnx"
    to_onnx(network, MAPS, uneven)
    write(uneven, {f"network.{name}.weight": name for name in inputs}, inputs)
    with torch.inference_mode():
        true = network(batches[1]).numpy()
    off = [np.square(by_onnx(path, batches[1]) - true).mean() for path in (uneven, quantised)]
    assert off[1] < 0.7 * off[0]
    assert off[1] < 1e-3 * np.square(true).mean()


@pytest.mark.skipif(not has_vnni(), reason="the integer kernels need a processor with VNNI")
@pytest.mark.parametrize("integers", ["int8", "int8+bf16"])
def test_integer_kernels_give_what_onnx_runtime_gives(
    quantised: Path, batches: list[torch.Tensor], integers: str
) -> None:
    x = batches[2]
    wanted = by_onnx(quantised, x)
    graph = TorchGraph(quantised, torch.float32, torch.device("cpu"), integers=integers)
    plain = TorchGraph(quantised, torch.float32, torch.device("cpu"))
    with torch.inference_mode():
        found, emulated = graph(x).numpy(), plain(x).numpy()
    # A value that lies between two bytes may be rounded either way; bfloat16 keeps 8 bits.
    bound = {"int8": 0.02, "int8+bf16": 0.05}[integers] * np.abs(wanted).max()
    assert np.abs(found - wanted).max() < bound
    assert np.abs(emulated - wanted).max() < 0.02 * np.abs(wanted).max()


@pytest.mark.skipif(not has_vnni(), reason="the integer kernels need a processor with VNNI")
def test_every_convolution_that_is_not_kept_in_float_is_worked_in_integers(quantised: Path) -> None:
    graph = TorchGraph(quantised, torch.float32, torch.device("cpu"), integers="int8")
    kinds = [type(step[0]).__name__ for step in graph._steps]
    assert kinds.count("_Convolution") == 2 * 3 + 1  # blocks of two, and the step down
    assert all(step[0].__name__ != "_dequantize_linear" for step in graph._steps if hasattr(step[0], "__name__"))


def test_a_short_training_makes_up_for_rounding(network: PlainUNet, batches: list[torch.Tensor]) -> None:
    coarse = {n: (12 * scale, zero) for n, (scale, zero) in ranges(seen_by(network, batches)).items() if n not in FLOAT}
    examples = itertools.cycle((batch, torch.zeros(2, 3, 32, 48)) for batch in batches)
    better = refined(network, coarse, examples, 1e-3, 150)
    with torch.inference_mode():
        true = [network(batch) for batch in batches]
    assert distance(better, coarse, batches, true) < 0.85 * distance(network, coarse, batches, true)


def distance(
    made: torch.nn.Module,
    inputs: dict[str, tuple[float, int]],
    batches: list[torch.Tensor],
    true: list[torch.Tensor],
) -> float:
    """Mean squared distance of a network whose inputs are rounded from the true results."""
    rounded = copy.deepcopy(made)
    for name, module in rounded.named_modules():
        if name in inputs:
            scale, zero = inputs[name]
            module.register_forward_pre_hook(
                lambda _, x, s=scale, z=zero: (((x[0] / s).round().add(z).clamp(0, 255) - z) * s,)
            )
    with torch.inference_mode():
        return sum(float((rounded(b) - t).square().mean()) for b, t in zip(batches, true, strict=True))
