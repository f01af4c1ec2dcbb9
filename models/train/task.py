"""What a training task is: how its examples are made, from which folders, and what is held against the network.

The loop, the recipes and the export know no task; each is declared once, in the module of its examples, and named by
``task`` in a recipe (:mod:`models.train.tasks`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.train.recipe import Recipe

Array = NDArray[np.float32]
Pair = tuple[Array, Array]
Examples = Callable[[np.random.Generator], Pair]
"""One example from a random generator: the maps (C, H, W) and the residual (3, H, W) that the network should find."""


@dataclass(frozen=True)
class Task:
    """``maps`` is how many channels the network sees. ``examples`` opens the data folders of a recipe. ``loss`` is of
    (found, wanted, maps), each (N, C, H, W), a number."""

    maps: int
    examples: Callable[[Recipe, Sequence[Path]], Examples]
    loss: Callable[[Tensor, Tensor, Tensor], Tensor]
