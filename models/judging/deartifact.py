"""PSNR, PSNR-B and SSIM of luma on clean pictures saved as JPEG: each quality, told and blind, and saved twice.

Pictures are saved grey, from their luma as it is rounded to 8 bits, as the published figures on Classic5 and LIVE1
are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from models.archs.unet import UNet
from models.train.codec import MAPS
from models.trained import residual_of
from wetgate.damage.jpeg import coded
from wetgate.ops.metrics import psnr, psnr_b, ssim
from wetgate.ops.quantiser import UNKNOWN, in_values, jpeg_step, network_quantiser

Codes = NDArray[np.uint8]
Plane = NDArray[np.float32]
QUALITIES = (5, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95)
TWICE = ((10, 30), (30, 10), (10, 70))
_SHIFT = 4  # px, of the first save's grid


def rows(network: UNet, pictures: Sequence[Codes]) -> Iterator[str]:
    """Lines of means over pictures (H, W, 3), R'G'B'; grey ones are taken as they are."""
    greys = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in pictures]
    yield f"{len(greys)} pictures, luma alone: PSNR/PSNR-B dB/SSIM; told the quantiser, blind, the input"
    for quality in QUALITIES:
        yield f"Q {quality:<7d} " + _row(network, greys, [_saved(g, quality) for g in greys])
    for first, second in TWICE:
        yield f"Q {first},{second:<4d} " + _row(network, greys, [_saved_twice(g, first, second) for g in greys])


def restored(network: UNet, luma: Plane, step: float) -> Plane:
    """The luma plane (H, W), values 0 to 1, that a network makes of a grey picture quantised by ``step`` (values)."""
    maps = torch.zeros(1, MAPS, *luma.shape)
    maps[0, 0] = torch.from_numpy(luma)
    maps[0, 3] = float(network_quantiser(step))
    maps[0, 4] = float(network_quantiser(UNKNOWN if step < 0 else 0.0))
    return np.asarray(luma + residual_of(network, maps)[0, 0].numpy(), np.float32)


def _row(network: UNet, greys: Sequence[Codes], saved: Sequence[tuple[Plane, float]]) -> str:
    told = [restored(network, luma, step) for luma, step in saved]
    blind = [restored(network, luma, UNKNOWN) for luma, _ in saved]
    return "   ".join(_figures(greys, made) for made in (told, blind, [luma for luma, _ in saved]))


def _figures(greys: Sequence[Codes], made: Sequence[Plane]) -> str:
    pairs = [(_values(g), _values(np.clip(np.rint(m * 255), 0, 255))) for g, m in zip(greys, made, strict=True)]
    return "/".join(
        [
            f"{np.mean([psnr(a, b) for a, b in pairs]):.2f}",
            f"{np.mean([psnr_b(a, b) for a, b in pairs]):.2f}",
            f"{np.mean([ssim(a, b) for a, b in pairs]):.4f}",
        ]
    )


def _values(codes: NDArray[Any]) -> Plane:
    return codes.astype(np.float32) / np.float32(255)


def _saved(grey: Codes, quality: int) -> tuple[Plane, float]:
    done, tables = coded(np.repeat(grey[..., None], 3, axis=2), quality, "444", True)
    step = in_values(jpeg_step(tables[0]), full_range=True)
    return _values(done[..., 0]), step


def _saved_twice(grey: Codes, first: int, second: int) -> tuple[Plane, float]:
    """Two saves; the grid of the first lies 4 px to the right and down of the second's."""
    up = -_SHIFT % 8
    padded = np.pad(grey, ((up, 0), (up, 0)), mode="edge")
    once, _ = coded(np.repeat(padded[..., None], 3, axis=2), first, "444", True)
    return _saved(np.ascontiguousarray(once[up:, up:, 0]), second)
