"""The trials that a network goes through, users' own networks taken in, and static INT8."""

from __future__ import annotations

import importlib
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from support import pictures
from support.networks import Graph, convolutions, model_of, sample
from wetgate.inference import catalogue
from wetgate.inference.adopting import Wish, adopt, stored_verdict
from wetgate.inference.conformance import examine
from wetgate.inference.devices import CPU
from wetgate.inference.restoring import Network
from wetgate.spec import ModelError, UsageError


@pytest.fixture
def users(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("WETGATE_MODELS", str(tmp_path / "own"))
    return tmp_path / "own"


def quiet(**more) -> Graph:
    return convolutions(depth=3, gain=0.01, **more)


def shifting() -> Graph:
    graph = quiet()
    graph.add("Add", graph.constant([0.1]))
    return graph


def pooling() -> Graph:
    """A network whose every pixel depends on the whole picture."""
    graph = quiet()
    residual = graph.at
    graph.add("GlobalAveragePool", inputs=["x"])
    graph.add("Mul", graph.constant([0.02]))
    graph.add("Add", residual)
    return graph


def shrinking() -> Graph:
    graph = quiet()
    graph.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    return graph


def failed(verdict) -> list[str]:
    return [c.name for c in verdict.failed]


def test_a_sound_network_passes_every_trial_with_figures(tmp_path):
    verdict = examine(sample(tmp_path, quiet(half_size=True)))
    assert verdict.passed, [c.text for c in verdict.failed]
    assert [c.name for c in verdict.checks] == ["sizes", "seams", "colour shift", "determinism", "range", "speed"]
    assert all(c.value == c.value for c in verdict.checks)


@pytest.mark.parametrize(
    ("graph", "name"),
    [(shifting, "colour shift"), (pooling, "seams"), (shrinking, "sizes")],
    ids=lambda v: v if isinstance(v, str) else v.__name__,
)
def test_a_trial_names_what_a_network_gets_wrong(tmp_path, graph, name):
    verdict = examine(sample(tmp_path, graph()))
    assert name in failed(verdict)


def test_a_receptive_radius_that_is_stated_too_small_shows_as_seams(tmp_path):
    model = sample(tmp_path, convolutions(depth=6, gain=0.05), receptive_radius=2)
    assert "seams" in failed(examine(model))


def test_a_network_is_taken_in_with_what_running_it_tells(users, tmp_path):
    file = quiet(half_size=True, in_channels=6).save(tmp_path / "My Denoiser v2.onnx")
    done = adopt(Wish(file, "denoise", encoding="vst", output="residual", maps=(("noise", 3),)))
    model = done.model
    assert model.id == "my_denoiser_v2"
    assert (model.multiple, model.scale, model.channels, model.in_channels) == (2, 1, 3, 6)
    assert 6 <= model.receptive_radius <= 12  # three layers at half resolution reach 7 pixels
    assert stored_verdict(model) == (done.verdict, False)
    assert catalogue.find("denoise", "own", model.id).folder == users / model.id
    assert file.is_file()


def test_an_enlarging_network_is_taken_in_with_its_scale(users, tmp_path):
    graph = Graph(3)
    graph.add("Conv", graph.constant(np.eye(3).repeat(4, axis=0).reshape(12, 3, 1, 1)))
    graph.add("DepthToSpace", blocksize=2, mode="CRD")
    model = adopt(Wish(graph.save(tmp_path / "twice.onnx"), "upscale")).model
    assert model.scale == 2
    picture = pictures.scene(40, 30, peak=100.0)
    # Nearest pixels: what the network was shown clamped comes through as it is, enlarged bilinearly.
    assert Network(model).restore([picture]).picture.shape == (60, 80, 3)


def test_a_network_that_fails_is_refused_and_leaves_nothing_behind(users, tmp_path):
    with pytest.raises(ModelError, match=r"shifty fails the conformance run: colour shift: 0\.1.*--force"):
        adopt(Wish(shifting().save(tmp_path / "shifty.onnx"), "denoise", output="residual"))
    assert list(users.iterdir()) == []


def test_force_takes_it_all_the_same_and_the_verdict_stays_with_it(users, tmp_path):
    wish = Wish(shifting().save(tmp_path / "shifty.onnx"), "denoise", output="residual")
    done = adopt(wish, force=True)
    assert done.forced
    stored = stored_verdict(done.model)
    assert stored is not None
    assert stored[1]
    assert "colour shift" in failed(stored[0])
    with pytest.raises(UsageError, match="there is a model 'shifty' already"):
        adopt(wish, force=True)
    adopt(wish, force=True, replace=True)


def test_a_verdict_of_other_weights_does_not_count(users, tmp_path):
    model = adopt(Wish(quiet().save(tmp_path / "net.onnx"), "denoise", output="residual")).model
    path = model.folder / "conformance.json"
    document = json.loads(path.read_text()) | {"sha256": "0" * 64}
    path.write_text(json.dumps(document))
    assert stored_verdict(model) is None


WRONG_FILES = {
    "text.onnx": "ONNX Runtime refuses the file",
    "fixed.onnx": "takes pictures of 64x64 alone",
    "seven.onnx": "takes 7 channels, of which 0 are maps",
    "missing.onnx": "there is no such file",
    "network.h5": "is no network; .*allowed: .onnx, .safetensors",
    "text.safetensors": "is damaged, or holds more than tensors|spandrel is not installed",
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_file_that_is_no_usable_network_is_one_clear_error(users, tmp_path, name):
    file = tmp_path / name
    if name == "fixed.onnx":
        quiet().save(file, size=(64, 64))
    elif name == "seven.onnx":
        quiet(in_channels=7).save(file)
    elif name != "missing.onnx":
        file.write_bytes(b"not a network")
    with pytest.raises(ModelError, match=WRONG_FILES[name]):
        adopt(Wish(file, "denoise"))
    assert not users.exists() or list(users.iterdir()) == []


class Evil:
    """What runs a command when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("evil was here",)


@pytest.mark.parametrize("name", ["evil.pth", "evil.ckpt", "evil.pt"])
def test_a_pickle_is_refused_and_not_run(users, tmp_path, monkeypatch, name):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    if name == "evil.pth":
        torch.save({"w": Evil()}, tmp_path / name)
    else:
        (tmp_path / name).write_bytes(pickle.dumps({"w": Evil()}))
    with pytest.raises(ModelError, match="holds more than tensors"):
        adopt(Wish(tmp_path / name, "upscale"))
    assert not (tmp_path / "evil was here").exists()


@pytest.fixture
def compact(tmp_path):
    """Weights of an architecture that spandrel knows, near enough to bilinear enlarging, in two formats."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from wetgate.inference.spandrel_weights import _spandrel

    try:
        _spandrel()
    except ModelError:
        pytest.skip("spandrel is not installed")
    from safetensors.torch import save_file

    made = importlib.import_module("spandrel.architectures.Compact.__arch.SRVGG").SRVGGNetCompact(
        num_in_ch=3, num_out_ch=3, num_feat=8, num_conv=2, upscale=2, act_type="prelu"
    )
    generator = torch.Generator().manual_seed(1)
    for name, value in made.state_dict().items():
        value.copy_(torch.randn(value.shape, generator=generator) * (0.05 if value.dim() > 1 else 0.0))
        if name.endswith("bias"):
            value.zero_()
    torch.save(made.state_dict(), tmp_path / "compact.pth")
    save_file({k: v.contiguous() for k, v in made.state_dict().items()}, tmp_path / "compact.safetensors")
    return tmp_path


@pytest.mark.parametrize("name", ["compact.pth", "compact.safetensors"])
def test_weights_that_spandrel_knows_run_under_the_same_wrapper(users, compact, name):
    done = adopt(Wish(compact / name, "upscale"))
    assert done.verdict.passed
    model = done.model
    assert (model.scale, model.channels) == (2, 3)
    assert model.weights["fp32"].runtime == "spandrel"
    picture = pictures.scene(64, 40, peak=200.0)
    enlarged = Network(model, CPU, "fp32").restore([picture]).picture
    assert enlarged.shape == (80, 128, 3)
    assert enlarged.max() > 150


def test_torchvision_is_not_left_replaced_by_a_stand_in(compact):
    import sys

    found = sys.modules.get("torchvision")
    assert found is None or getattr(found, "__file__", None)


@pytest.fixture(scope="module")
def quantised(tmp_path_factory):
    """A network and its static INT8 form: QDQ, weights per channel, calibrated on noise."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    folder = tmp_path_factory.mktemp("int8")
    exact = convolutions(width=16, depth=4, half_size=True).save(folder / "net.onnx")

    class Examples(CalibrationDataReader):
        def __init__(self) -> None:
            rng = np.random.default_rng(1)
            self.left = iter([{"x": rng.random((1, 3, 64, 64), np.float32)} for _ in range(4)])

        def get_next(self):
            return next(self.left, None)

    small = folder / "net.int8.onnx"
    quantize_static(
        str(exact),
        str(small),
        Examples(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": False},
    )
    return model_of(exact, more={"int8": (small, "onnx")}, receptive_radius=10)


def test_a_statically_quantised_network_runs_and_stays_near_the_exact_one(quantised):
    picture = pictures.noise(150, 100, mean=0.4, sigma=0.15)
    exact = Network(quantised, CPU, "fp32").restore([picture])
    small = Network(quantised, CPU, "int8").restore([picture])
    assert small.facts["precision"] == "int8"
    error = np.abs(small.change - exact.change)
    # 8-bit activations in four layers: some percent of the residual's spread, and not nothing
    assert 0 < np.sqrt(np.mean(error**2)) < 0.06 * exact.change.std()


def test_int8_gives_the_same_bits_on_any_number_of_threads_and_the_same_picture_in_tiles(quantised):
    picture = pictures.noise(150, 100, mean=0.4, sigma=0.15)
    one, three = (Network(quantised, CPU, "int8").restore([picture], threads=n).change for n in (1, 3))
    assert np.array_equal(one, three)
    assert "seams" not in failed(examine(quantised, CPU, "int8"))
