"""Sessions: made once, the same bits for any number of threads, and one clear error for whatever can be wrong."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from support import pictures
from support.networks import Graph, convolutions, model_of, sample
from wetgate.inference import ModelsWithheld, devices, network, sessions, without_models
from wetgate.inference.devices import CPU, Device, demand_device_name, device_of
from wetgate.inference.restoring import Network
from wetgate.inference.sessions import session_of
from wetgate.spec import FrameError, ModelError, UsageError


@pytest.fixture(autouse=True)
def _fresh_sessions():
    sessions.release()
    yield
    sessions.release()


@pytest.fixture
def picture():
    return pictures.noise(150, 100, mean=0.4, sigma=0.2)


def both(folder, graph: Graph | None = None, **fields):
    """A model that runs in ONNX Runtime as fp32 and in torch as bf16."""
    file = (graph or convolutions(half_size=True)).save(folder / "net.onnx")
    return model_of(file, more={"bf16": (file, "torch")}, **fields)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_bits_do_not_depend_on_the_number_of_threads(tmp_path, picture, precision):
    model = both(tmp_path, convolutions(half_size=True, width=32, depth=5), receptive_radius=12)
    for tile in (64, 512):
        net = Network(dataclasses.replace(model, tile=tile), CPU, precision)
        made = [net.restore([picture], threads=threads).change for threads in (1, 2, 3, 5)]
        assert np.abs(made[0]).max() > 0.01
        for other in made[1:]:
            assert np.array_equal(other, made[0])


def test_a_session_is_made_once_and_shared_over_threads(tmp_path, picture):
    net = Network(both(tmp_path), CPU, "fp32")
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: net.restore([picture]).change, range(8)))
    assert sessions.loaded() == 1
    for other in made[1:]:
        assert np.array_equal(other, made[0])


def test_nothing_is_loaded_before_a_picture_comes(tmp_path):
    Network(both(tmp_path))
    assert sessions.loaded() == 0


def test_no_network_is_given_out_where_models_are_refused():
    with without_models("a thumbnail"), pytest.raises(ModelsWithheld, match="no network is loaded for a thumbnail"):
        network("sample", "fast")


def test_the_facts_say_what_ran(tmp_path, picture):
    facts = Network(both(tmp_path), CPU, "bf16").restore([picture]).facts
    assert facts["model"] == "sample"
    assert facts["precision"] == "bf16"
    assert facts["runtime"].startswith("torch 2.")
    assert len(facts["sha256"]) == 64
    assert facts["grid"] == [2, 3]
    assert "halved" not in facts


@pytest.mark.parametrize("half_size", [False, True])
def test_torch_in_fp32_gives_what_onnx_runtime_gives(tmp_path, picture, half_size):
    pytest.importorskip("torch")
    import torch

    from wetgate.inference.torch_graph import TorchGraph

    file = convolutions(half_size=half_size, depth=4).save(tmp_path / "net.onnx")
    x = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
    ours = TorchGraph(file, torch.float32, torch.device("cpu"))(torch.from_numpy(x)).numpy()
    theirs = session_of(model_of(file), CPU).run(x)
    assert np.abs(ours - theirs).max() < 1e-5


def test_bfloat16_is_within_its_own_rounding_of_fp32(tmp_path, picture):
    model = both(tmp_path)
    exact = Network(model, CPU, "fp32").restore([picture]).change
    rounded = Network(model, CPU, "bf16").restore([picture]).change
    # 8 significant bits, three layers: a hundredth of the largest residual
    assert np.abs(rounded - exact).max() < 0.01 * np.abs(exact).max()
    assert not np.array_equal(rounded, exact)


def test_detail_finer_than_bfloat16_is_seen_by_the_first_convolution(tmp_path):
    pytest.importorskip("torch")
    import torch

    from wetgate.inference.torch_graph import TorchGraph

    graph = Graph(3)
    beside = np.zeros((3, 3, 1, 2), np.float32)
    for channel in range(3):
        beside[channel, channel, 0] = -1, 1
    graph.add("Slice", *(graph.constant([n], np.int64) for n in (0, 3, 1)))  # what lies before it is exact as well
    graph.add("Conv", graph.constant(beside), pads=[0, 0, 0, 1])
    graph.add("Conv", graph.constant(np.ones((3, 3, 1, 1), np.float32)))
    graph.add("Mul", "x")  # what meets the picture later sees it as coarse as the rest is
    file = graph.save(tmp_path / "net.onnx")
    # Between a half and one bfloat16 has steps of 1/256; these differences are a tenth of that.
    x = torch.from_numpy(np.random.default_rng(1).normal(0.7, 4e-4, (1, 3, 16, 24)).astype(np.float32))
    exact = TorchGraph(file, torch.float32, torch.device("cpu"))(x)
    coarse = TorchGraph(file, torch.bfloat16, torch.device("cpu"))
    assert coarse.takes == torch.float32
    made = coarse(x)
    assert made.dtype == torch.bfloat16
    inner = (..., slice(0, -1))  # the last column meets the border, which is no small difference
    assert (made.float() - exact)[inner].abs().max() < 0.02 * exact[inner].abs().max()


def damaged(folder, name: str):
    """Models whose weights or manifest lie, by what is wrong with them."""
    file = folder / "net.onnx"
    if name == "truncated":
        convolutions().save(file)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif name == "no graph at all":
        file.write_bytes(b"this is a text\n" * 100)
    elif name == "empty":
        file.write_bytes(b"")
    elif name == "other channels":
        convolutions(in_channels=4).save(file)
    elif name == "one size alone":
        convolutions().save(file, size=(64, 64))
    elif name == "another size":
        graph = convolutions(out=12)
        graph.add("DepthToSpace", blocksize=2)
        graph.save(file)
    elif name == "other channels out":
        convolutions(out=4).save(file)
    elif name == "not a number":
        graph = convolutions()
        graph.add("Sub", graph.constant([9.0]))
        graph.add("Sqrt")
        graph.save(file)
    return model_of(file, more={"bf16": (file, "torch")})


DAMAGES = {
    "truncated": "refuses the weights|no ONNX graph",
    "no graph at all": "refuses the weights|no ONNX graph",
    "empty": "refuses the weights|no ONNX graph|0 inputs",
    "other channels": "takes 4 channels; the manifest says 3",
    "another size": "allowed: 1x3x",
    "other channels out": "allowed: 1x3x",
    "not a number": "values that are not numbers; at a picture for warming up",
}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_model_that_lies_is_refused_with_one_clear_error(tmp_path, picture, name, precision):
    model = damaged(tmp_path, name)
    with pytest.raises(ModelError, match=DAMAGES[name]) as caught:
        Network(model, CPU, precision).restore([picture])
    assert caught.value.remedy
    assert sessions.loaded() == 0


def test_a_network_of_one_size_alone_is_refused(tmp_path, picture):
    with pytest.raises(ModelError, match="takes pictures of 64x64 alone"):
        Network(damaged(tmp_path, "one size alone"), CPU, "fp32").restore([picture])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_value_that_is_no_number_is_an_error_that_names_model_and_frame(tmp_path, picture, precision):
    graph = Graph(3)
    graph.add("Sub", graph.constant([0.2]))
    graph.add("Sqrt")
    net = Network(both(tmp_path, graph), CPU, precision)
    bright = picture * 0.1 + 0.5
    assert np.isfinite(net.restore([bright]).picture).all()
    bright[7, 9] = 0.0
    with pytest.raises(ModelError, match=r"sample made \d+ values that are not numbers; at frame 1007"):
        net.restore([bright], where="frame 1007")


def test_what_does_not_fit_the_manifest_is_refused_before_anything_runs(tmp_path, picture):
    model = sample(tmp_path, convolutions(in_channels=4), maps=[{"name": "noise", "channels": 1}])
    net = Network(model)
    with pytest.raises(ModelError, match="given the maps none; allowed: noise"):
        net.restore([picture])
    with pytest.raises(ModelError, match="the map noise of sample is"):
        net.restore([picture], maps={"noise": np.zeros((3, 3), np.float32)})
    with pytest.raises(ModelError, match="given 2 pictures"):
        net.restore([picture, picture], maps={"noise": 0.1})
    with pytest.raises(ModelError, match="given 1 pictures"):
        net.restore([picture[..., :1]], maps={"noise": 0.1})
    assert sessions.loaded() == 0


class Hungry:
    """A session with so much memory: larger tiles than that end as ONNX Runtime's do."""

    def __init__(self, real: sessions.Session, pixels: int, at_once: int = 99) -> None:
        self.real, self.pixels, self.at_once, self.running, self.sizes = real, pixels, at_once, 0, []

    @property
    def facts(self):
        return self.real.facts

    def run(self, x):
        self.running += 1
        try:
            self.sizes.append(x.shape[2:])
            if x.shape[2] * x.shape[3] > self.pixels or self.running > self.at_once:
                raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : Failed to allocate memory for requested buffer")
            return self.real.run(x)
        finally:
            self.running -= 1


def starved(monkeypatch, pixels: int, at_once: int = 99) -> list[Hungry]:
    made: list[Hungry] = []

    def session(model, device, **given):
        made.append(Hungry(session_of(model, device, **given), pixels, at_once))
        return made[-1]

    monkeypatch.setattr("wetgate.inference.restoring.session_of", session)
    return made


def test_when_memory_runs_out_one_tile_at_a_time_gives_the_same_bits(tmp_path, picture, monkeypatch):
    net = Network(both(tmp_path), CPU, "fp32")
    wanted = net.restore([picture])
    starved(monkeypatch, 10**9, at_once=1)
    got = net.restore([picture], threads=4)
    assert np.array_equal(got.change, wanted.change)
    assert got.facts["grid"] == wanted.facts["grid"]
    assert "halved" not in got.facts


def test_when_memory_runs_out_tiles_are_halved_and_that_is_recorded(tmp_path, picture, monkeypatch):
    net = Network(both(tmp_path, tile=512), CPU, "fp32")
    wanted = net.restore([picture])
    made = starved(monkeypatch, 120 * 120)
    got = net.restore([picture])
    assert got.facts["halved"] == 2  # 256 holds the picture whole, which is too large; 128 divides it
    assert got.facts["grid"] != wanted.facts["grid"]
    assert np.abs(got.change - wanted.change).max() <= 1e-5
    assert len(made) > 1


def test_when_no_tile_is_small_enough_the_frame_fails_and_says_so(tmp_path, picture, monkeypatch):
    starved(monkeypatch, 10)
    with pytest.raises(FrameError, match=r"sample runs out of memory even in tiles of 64; at frame 9"):
        Network(both(tmp_path), CPU, "fp32").restore([picture], where="frame 9")


def test_a_card_without_memory_hands_over_to_the_cpu_and_that_is_recorded(tmp_path, picture, monkeypatch):
    """The card is ONNX Runtime on this CPU under another name: what is tested is the handing over."""
    model = both(tmp_path)
    wanted = Network(model, CPU, "fp32").restore([picture])

    def session(model, device, **given):
        real = session_of(model, CPU, **given)
        return Hungry(real, 10**9 if device == CPU else 10)

    monkeypatch.setattr("wetgate.inference.restoring.session_of", session)
    got = Network(model, Device("directml"), "fp32").restore([picture])
    assert got.facts["fell_back_from"] == "directml:0"
    assert np.array_equal(got.change, wanted.change)


def test_an_error_that_is_not_of_memory_is_not_tried_again(tmp_path, picture, monkeypatch):
    class Broken:
        facts: dict = {}  # noqa: RUF012

        def run(self, x):
            raise RuntimeError("the driver is gone")

    monkeypatch.setattr("wetgate.inference.restoring.session_of", lambda *a, **k: Broken())
    with pytest.raises(RuntimeError, match="the driver is gone"):
        Network(both(tmp_path)).restore([picture])


def test_a_device_that_is_not_here_is_refused_with_what_is_and_what_to_do(monkeypatch):
    monkeypatch.setattr(devices, "available_providers", lambda: ("CPUExecutionProvider",))
    for name in ("cuda", "cuda:1", "tensorrt", "directml", "coreml"):
        with pytest.raises(ModelError, match="is not available here: the installed ONNX Runtime has no") as caught:
            device_of(name)
        assert caught.value.allowed == "cpu"
        assert "install" in caught.value.remedy or "comes with" in caught.value.remedy
    assert device_of("auto") == CPU


def test_a_card_that_is_not_there_is_counted(monkeypatch):
    monkeypatch.setattr(devices, "available_providers", lambda: ("CUDAExecutionProvider", "CPUExecutionProvider"))
    monkeypatch.setattr(devices, "_cards", lambda kind: 1)
    assert device_of("auto") == Device("cuda")
    with pytest.raises(ModelError, match="cuda:3 is not available here: there is 1 of that kind"):
        device_of("cuda:3")


def test_providers_stand_in_the_order_in_which_they_are_wanted_and_the_cpu_at_the_end():
    assert [p for p, _ in Device("tensorrt", 1).provider_options()] == [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]
    assert Device("cuda", 2).provider_options()[0][1]["device_id"] == 2
    assert Device("cuda", 2).provider_options()[0][1]["cudnn_conv_algo_search"] == "HEURISTIC"
    assert [p for p, _ in CPU.provider_options()] == ["CPUExecutionProvider"]


def test_a_provider_that_falls_back_in_silence_is_found_out(tmp_path, picture):
    """ONNX Runtime without CUDA takes the CPU instead and only warns."""
    if "CUDAExecutionProvider" in devices.available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(ModelError, match=r"does not run on cuda:0|refuses"):
        session_of(sample(tmp_path), Device("cuda"))


def test_what_names_no_device_is_refused():
    for name in ("gpu", "cuda:", "cuda:-1", "cpu:0", "", None):
        with pytest.raises(UsageError, match="the device is"):
            demand_device_name(name)


def test_torch_tensors_are_bound_without_a_copy_through_numpy(tmp_path, picture):
    torch = pytest.importorskip("torch")
    session = session_of(sample(tmp_path), CPU)
    x = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
    made = session.run(torch.from_numpy(x))
    assert isinstance(made, torch.Tensor)
    assert np.array_equal(made.numpy(), session.run(x))
