"""One form of the maths for NumPy arrays and torch tensors: both have these functions under the same names."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

# A float32 array or tensor. Pictures are (H, W, C), as frames are.
Array = Any


def library(x: Array) -> Any:
    """``numpy``, or ``torch`` where ``x`` is a tensor. Does not load torch."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and isinstance(x, torch.Tensor) else np


def like(values: Any, x: Array) -> Array:
    """``values`` as an array of the library, type and device of ``x``."""
    lib = library(x)
    if lib is np:
        return np.asarray(values, dtype=x.dtype)
    return lib.as_tensor(np.asarray(values), dtype=x.dtype, device=x.device)


def indices(values: Any, x: Array) -> Array:
    """Whole numbers to index ``x`` with."""
    lib = library(x)
    return np.asarray(values) if lib is np else lib.as_tensor(np.asarray(values), device=x.device)
