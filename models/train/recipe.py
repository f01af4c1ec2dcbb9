"""A training recipe: a YAML file that says everything a run depends on but its data folders."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Recipe:
    """See ``models/recipes``. ``task`` names one of :mod:`models.train.tasks`, whose module reads ``examples``;
    ``arch`` holds ``name`` and the architecture's settings; ``reductions``, ``shares`` and ``cleanest`` are those of
    :class:`~models.train.pictures.Pictures`. Learning rate: a linear ``warmup``, constant, then the last ``decay``
    share of ``steps`` down to nothing as 1 - sqrt(progress). ``quantise``, where the network is exported in eight bits,
    is read by :func:`models.export.quantise`."""

    id: str
    task: str
    arch: dict[str, Any]
    examples: dict[str, Any]
    reductions: list[float]
    shares: list[float]
    cleanest: float
    seed: int
    steps: int
    batch: int
    patch: int
    rate: float
    warmup: int
    decay: float
    weight_decay: float
    ema: float
    clip_norm: float
    quantise: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
        names = {f.name for f in fields(cls)}
        needed = {f.name for f in fields(cls) if f.default_factory is MISSING}
        wrong = [f"no {name}" for name in sorted(needed - set(given))]
        wrong += [f"unknown {name}" for name in sorted(set(given) - names)]
        if wrong:
            raise ValueError(f"{path}: {'; '.join(wrong)}")
        return cls(**given)

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        start = self.steps * (1 - self.decay)
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        if step < start:
            return self.rate
        return self.rate * (1 - ((step - start) / (self.steps - start)) ** 0.5)
