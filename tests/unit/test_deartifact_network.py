"""The shipped Deartifact network, as a node uses it: told, blind, and where there is nothing to do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="networks run in ONNX Runtime")

from wetgate.color.ycbcr import ycbcr_from_rgb
from wetgate.damage.jpeg import coded
from wetgate.inference import network
from wetgate.ops.metrics import psnr, structural_artefact
from wetgate.ops.quantiser import UNKNOWN, in_values, jpeg_step, network_quantiser


def scene() -> np.ndarray:
    """Curved edges, ramps and soft texture: uint8 R'G'B', 160x192."""
    y, x = np.mgrid[0:160, 0:192].astype(np.float32)
    base = 120 + 50 * np.sin(x / 17) * np.cos(y / 23) + 60 * (np.hypot(x - 90, y - 80) < 50)
    grain = cv2.GaussianBlur(np.random.default_rng(2).normal(0, 12, base.shape).astype(np.float32), (0, 0), 1.2)
    rgb = (base + grain)[..., None] + np.array([8, 0, -15]) * np.sin(y / 11)[..., None]
    return np.clip(rgb, 0, 255).astype(np.uint8)


def ycc(rgb8: np.ndarray) -> np.ndarray:
    return ycbcr_from_rgb(rgb8.astype(np.float32) / 255, 6).astype(np.float32)


def restored(picture: np.ndarray, steps: tuple[float, float]) -> np.ndarray:
    return network("deartifact", "fast").restore([picture], maps={"quantiser": network_quantiser(steps)}).picture


@pytest.mark.parametrize("quality", [10, 25, 50])
def test_a_jpeg_comes_nearer_to_its_source_told_or_blind_and_its_blocks_go(quality: int) -> None:
    clean = scene()
    done, tables = coded(clean, quality, "420", False)
    source, given = ycc(clean), ycc(done)
    told = tuple(in_values(jpeg_step(t), full_range=True) for t in tables)
    for steps in (told, (UNKNOWN, UNKNOWN)):
        made = restored(given, steps)
        assert psnr(source[..., 0], made[..., 0]) > psnr(source[..., 0], given[..., 0]) + 0.1
    made = restored(given, told)
    before, after = (structural_artefact(source[..., 0] * 255, p[..., 0] * 255) for p in (given, made))
    assert after < 0.6 * before
    assert psnr(source[..., 1:], made[..., 1:]) > psnr(source[..., 1:], given[..., 1:])


def test_where_nothing_was_quantised_the_picture_comes_through_bit_for_bit() -> None:
    picture = ycc(scene())
    assert np.array_equal(restored(picture, (0.0, 0.0)), picture)


def test_a_map_may_differ_from_block_to_block() -> None:
    """Left not compressed, right at quality 10: the left stays bit for bit."""
    done, tables = coded(scene(), 10, "444", False)
    given = ycc(done)
    steps = np.zeros((*given.shape[:2], 2), np.float32)
    steps[:, 96:] = [in_values(jpeg_step(t), full_range=True) for t in tables]
    made = network("deartifact", "fast").restore([given], maps={"quantiser": network_quantiser(steps)}).picture
    assert np.array_equal(made[:, :96], given[:, :96])
    assert np.abs(made[:, 96:] - given[:, 96:]).max() > 0.01
