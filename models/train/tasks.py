"""The training tasks by the name that recipes use, and batches of their examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.archs import build
from models.archs.unet import UNet
from models.train.blurred import DEBLUR
from models.train.codec import DEARTIFACT
from models.train.noise import DENOISE
from models.train.recipe import Recipe
from models.train.task import Examples, Task

TASKS: dict[str, Task] = {"deartifact": DEARTIFACT, "deblur": DEBLUR, "denoise": DENOISE}


def task_of(recipe: Recipe) -> Task:
    """The task of a recipe. Raises ``ValueError`` for an unknown name."""
    if recipe.task not in TASKS:
        raise ValueError(f"task is {recipe.task!r}; there are {', '.join(sorted(TASKS))}")
    return TASKS[recipe.task]


def network_for(recipe: Recipe) -> UNet:
    """The recipe's network, freshly initialised, for the maps of its task."""
    settings: dict[str, Any] = dict(recipe.arch)
    return build(settings.pop("name"), {"in_channels": task_of(recipe).maps} | settings)


def batch_of(recipe: Recipe, examples: Examples, step: int) -> tuple[Tensor, Tensor]:
    """The maps and residuals of a step: they depend on the recipe's seed and the step alone."""
    random = np.random.Generator(np.random.Philox(key=(recipe.seed << 64) | step))
    pairs = [examples(random) for _ in range(recipe.batch)]
    return tuple(torch.from_numpy(np.stack(side)) for side in zip(*pairs, strict=True))
