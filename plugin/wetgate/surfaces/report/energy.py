"""Energy that the machine's own counters report: the package counters of Linux's powercap (Intel RAPL, AMD)."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path("/sys/class/powercap")


class EnergyMeter:
    """Joules since it was made, or None where no counter can be read (most virtual machines, other systems)."""

    def __init__(self) -> None:
        self._began = _counters()

    def joules(self) -> float | None:
        """Energy of all processor packages; whatever else ran on them is in it."""
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
