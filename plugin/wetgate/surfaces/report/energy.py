"""Energy that the machine's own counters report: processors by Linux's powercap (Intel RAPL, AMD), GPUs by NVML.

Sources: the kernel's ``Documentation/power/powercap``; NVML's reference, ``nvmlDeviceGetTotalEnergyConsumption``
(millijoules since the driver was loaded; Volta and later).
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path("/sys/class/powercap")
_LIBRARIES = ("nvml.dll",) if sys.platform == "win32" else ("libnvidia-ml.so.1",)


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules of a span of time, None for what no counter tells. Whatever else ran on the parts is in them."""

    processors: float | None
    gpu: float | None

    @property
    def joules(self) -> float | None:
        """All that is known, None where nothing is."""
        known = [part for part in (self.processors, self.gpu) if part is not None]
        return sum(known) if known else None

    @property
    def of(self) -> str:
        """What the sum is of, for people."""
        parts = (("processors", self.processors), ("GPU", self.gpu))
        return " and ".join(name for name, part in parts if part is not None)


class EnergyMeter:
    """Counts from when it was made. ``device`` is that of the render: a GPU is counted where it works on one."""

    def __init__(self, device: str = "cpu") -> None:
        self._gpu = _index(device)
        self._began = _counters()
        self._gpu_began = None if self._gpu is None else _gpu_millijoules(self._gpu)

    def read(self) -> Energy:
        """Energy since the meter was made."""
        gpu = None
        if self._gpu is not None and self._gpu_began is not None:
            now = _gpu_millijoules(self._gpu)
            gpu = None if now is None else (now - self._gpu_began) / 1e3
        return Energy(self._processors(), gpu)

    def _processors(self) -> float | None:
        now = _counters()
        if not self._began or self._began.keys() != now.keys():
            return None
        total = 0
        for zone, (began, span) in self._began.items():
            used = now[zone][0] - began
            total += used if used >= 0 else used + span  # the counter wrapped round
        return total / 1e6


def _counters() -> dict[str, tuple[int, int]]:
    found = {}
    for zone in sorted(_ROOT.glob("*-rapl:[0-9]*")):
        if zone.name.count(":") > 1:
            continue  # a part of a package, which the package's own counter includes
        try:
            energy = int((zone / "energy_uj").read_text())
            found[zone.name] = (energy, int((zone / "max_energy_range_uj").read_text()))
        except (OSError, ValueError):
            continue
    return found


def _index(device: str) -> int | None:
    """The NVIDIA GPU that a device's name stands for; the first where it may be any."""
    kind, _, number = device.partition(":")
    if kind not in ("auto", "cuda", "tensorrt"):
        return None
    return int(number) if number.isdigit() else 0


def _gpu_millijoules(index: int) -> int | None:
    library = _nvml()
    if library is None:
        return None
    if library.nvmlInit_v2() != 0:
        return None
    try:
        handle, energy = ctypes.c_void_p(), ctypes.c_ulonglong()
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) != 0:
            return None
        if library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(energy)) != 0:
            return None  # a card older than Volta
        return int(energy.value)
    finally:
        library.nvmlShutdown()


def _nvml() -> Any:
    for name in _LIBRARIES:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    return None
