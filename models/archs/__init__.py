"""Network architectures by the name that recipes use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from models.archs.by_detail import PlainByDetail
from models.archs.by_step import GatedByStep, PlainByStep
from models.archs.gated_unet import GatedUNet
from models.archs.plain_unet import PlainUNet
from models.archs.unet import UNet

ARCHS: dict[str, Callable[..., UNet]] = {
    "plain_unet": PlainUNet,
    "gated_unet": GatedUNet,
    "plain_by_step": PlainByStep,
    "plain_by_detail": PlainByDetail,
    "gated_by_step": GatedByStep,
}


def build(name: str, settings: Mapping[str, Any]) -> UNet:
    """The network of a recipe's ``arch`` entry, freshly initialised. Raises ``ValueError`` for an unknown name."""
    if name not in ARCHS:
        raise ValueError(f"arch is {name!r}; there are {', '.join(sorted(ARCHS))}")
    return ARCHS[name](**settings)
