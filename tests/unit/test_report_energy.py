"""What a render cost: seconds a frame of each step, and joules where a counter tells."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wetgate
from support.engine_nodes import declared
from wetgate.engine.graph import parse_nodes
from wetgate.engine.job import Job
from wetgate.engine.render import render
from wetgate.io.sink import WriteOptions
from wetgate.spec import Frame
from wetgate.surfaces.report import energy
from wetgate.surfaces.report.collect import Collector
from wetgate.surfaces.report.data import Timing


@pytest.fixture(autouse=True)
def _nodes() -> Iterator[None]:
    with declared():
        yield


def zone(root: Path, name: str, microjoules: int, span: int = 1_000_000_000) -> None:
    (root / name).mkdir(exist_ok=True)
    (root / name / "energy_uj").write_text(str(microjoules))
    (root / name / "max_energy_range_uj").write_text(str(span))


def test_the_energy_of_all_packages_is_summed_without_their_parts_and_over_a_wrap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(energy, "_ROOT", tmp_path)
    assert energy.EnergyMeter().read().joules is None
    zone(tmp_path, "intel-rapl:0", 1_000_000)
    zone(tmp_path, "intel-rapl:1", 999_000_000)
    zone(tmp_path, "intel-rapl:0:0", 0)
    meter = energy.EnergyMeter()
    zone(tmp_path, "intel-rapl:0", 6_000_000)
    zone(tmp_path, "intel-rapl:1", 2_000_000)  # wrapped round at 1 kJ
    zone(tmp_path, "intel-rapl:0:0", 9_000_000)
    assert meter.read() == energy.Energy(8.0, None)
    assert meter.read().of == "processors"


class Nvml:
    """The four calls that are made, of a driver with one GPU. The energy is in millijoules."""

    used = 5_000
    open = 0

    def nvmlInit_v2(self) -> int:  # noqa: N802  (as NVML has it)
        self.open += 1
        return 0

    def nvmlShutdown(self) -> int:  # noqa: N802  (as NVML has it)
        self.open -= 1
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: Any) -> int:  # noqa: N802  (as NVML has it)
        return 0 if index == 0 else 2  # NVML_ERROR_INVALID_ARGUMENT

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, into: Any) -> int:  # noqa: N802  (as NVML has it)
        ctypes.cast(into, ctypes.POINTER(ctypes.c_ulonglong)).contents.value = self.used
        return 0


def test_the_gpu_that_a_render_works_on_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Nvml()
    monkeypatch.setattr(energy, "_ROOT", tmp_path)
    monkeypatch.setattr(energy, "_nvml", lambda: driver)
    meters = {device: energy.EnergyMeter(device) for device in ("auto", "cuda:0", "cuda:1", "cpu")}
    driver.used = 17_000
    assert {d: m.read().gpu for d, m in meters.items()} == {"auto": 12.0, "cuda:0": 12.0, "cuda:1": None, "cpu": None}
    assert meters["auto"].read().of == "GPU"
    assert driver.open == 0


def test_a_machine_without_a_driver_tells_of_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_LIBRARIES", ("libno-such-driver.so",))
    assert energy.EnergyMeter("cuda:0").read().gpu is None


def test_a_render_tells_what_each_step_took_and_its_record_does_not(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        pixels = np.full((6, 8, 3), 0.2, np.float32)
        wetgate.write(Frame(pixels, "ACEScg", number), tmp_path / "a.####.exr", options=WriteOptions(depth="half"))
    graph = parse_nodes(["t_slow:seconds=0.05", "t_gain"])
    collector = Collector()
    outcome = render(Job(str(tmp_path / "a.####.exr"), str(tmp_path / "out/x.####.exr"), graph), observer=collector)
    timing = collector.timing(outcome)
    steps = dict(timing.steps)
    assert list(steps) == ["t_slow-1", "t_gain-2"]
    assert 0.05 <= steps["t_slow-1"] <= timing.compute
    assert steps["t_gain-2"] < steps["t_slow-1"]
    record = Path(outcome.record).read_text()
    assert not {"seconds", "time", "timing", "joules"} & set(json.loads(record))


def test_the_lines_for_people_name_every_step_and_where_the_energy_was_measured() -> None:
    timing = Timing(4, 2.0, 0.1, 0.3, 0.2, 50.0, steps=(("grain-1", 0.25),), joules_of="processors and GPU")
    assert timing.lines() == [
        "time: 2.0 s in all, 0.500 s a frame; work a frame, side by side: "
        "grain-1 0.250, colour and mixing 0.050, reading 0.100, writing 0.200",
        "energy: 12.5 J a frame, of the processors and GPU",
    ]
    assert "not known" in Timing(4, 2.0).lines()[1]
