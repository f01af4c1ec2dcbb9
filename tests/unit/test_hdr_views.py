"""The gamut limit, false colour and the waveform."""

from __future__ import annotations

import numpy as np

from wetgate.color.hdr import scopes
from wetgate.color.hdr.gamut import GamutLimit
from wetgate.color.hdr.lift import Settings, lift
from wetgate.color.hdr.planes import over_pixels
from wetgate.color.primaries import apply_matrix, rgb_to_rgb, rgb_to_xyz

P3 = rgb_to_rgb("rec2020", "p3d65")


def _limited(rgb: np.ndarray) -> np.ndarray:
    return over_pixels(GamutLimit("p3d65").apply, rgb)


def test_the_limit_leaves_nothing_outside_p3() -> None:
    rgb = np.random.default_rng(1).random((5000, 3)) ** 3 * 900.0
    inside = apply_matrix(P3, _limited(rgb))
    assert inside.min() > -1e-4
    assert apply_matrix(P3, rgb).min() < -100.0  # there was something to do


def test_the_limit_keeps_luminance_and_what_is_well_inside() -> None:
    rgb = np.random.default_rng(2).random((2000, 3)) * 100.0
    luminance = rgb_to_xyz("rec2020")[1]
    np.testing.assert_allclose(_limited(rgb) @ luminance, rgb @ luminance, rtol=1e-9)
    muted = rgb.mean(axis=1, keepdims=True) * 0.6 + rgb * 0.4
    distance = 1.0 - apply_matrix(P3, muted).min(axis=1) / (muted @ luminance)
    well_inside = muted[distance < 0.85]
    assert len(well_inside) > 500
    assert np.array_equal(_limited(well_inside), well_inside)


def test_the_limit_keeps_the_order_of_saturation() -> None:
    share = np.linspace(0.0, 1.0, 400)[:, None]
    ray = np.array([[50.0, 50.0, 50.0]]) * (1 - share) + np.array([[0.0, 80.0, 0.0]]) * share
    kept = _limited(ray)
    chroma = 1.0 - kept.min(axis=1) / kept.max(axis=1)
    assert (np.diff(chroma) > 0).all()


def test_a_lift_can_be_limited() -> None:
    rgb = np.array([[1.0, 90.0, 1.0]])
    assert apply_matrix(P3, lift(rgb, Settings(p3_limit=True))).min() > -1e-3
    assert apply_matrix(P3, lift(rgb, Settings())).min() < -10.0


def test_every_band_of_false_colour_is_told_apart() -> None:
    edges = [0.0, *(band[0] for band in scopes.BANDS[:-1])]
    levels = [(a + b) / 2 for a, b in zip(edges, [*edges[1:], 20_000.0], strict=True)]
    picture = np.repeat(np.array(levels, np.float32)[None, :, None], 3, axis=2)
    shown = apply_matrix(rgb_to_rgb("rec2020", "rec709"), scopes.false_colour(picture))[0]
    assert shown.max() <= 100.01
    tone = shown / shown.max(axis=1, keepdims=True)
    differ = np.abs(tone[:, None] - tone[None]).max(axis=2) + np.abs(shown[:, None] - shown[None]).max(axis=2) / 100
    differ[np.diag_indices(len(levels))] = 9.0
    assert differ.min() > 0.1
    white = [b[1] for b in scopes.BANDS].index("diffuse white (203)")
    assert np.ptp(tone[white]) < 1e-3


def test_false_colour_rises_inside_a_band() -> None:
    picture = np.linspace(401.0, 999.0, 50, dtype=np.float32)[None, :, None].repeat(3, axis=2)
    shown = scopes.false_colour(picture)[0]
    assert (np.diff(shown.max(axis=1)) > 0).all()


def test_waveform_puts_light_at_its_height() -> None:
    picture = np.zeros((20, 40, 3), np.float32)
    picture[:, :20] = 100.0
    picture[:, 20:] = 1000.0
    shown = scopes.waveform(picture)
    assert shown.shape == (scopes.WAVEFORM_HEIGHT, 40, 3)
    heights = shown[..., 0].argmax(axis=0)
    # PQ of 100 nits is 0.508, of 1,000 nits 0.752 (BT.2408-8 Table 1 rounds them to 51 % and 75 %)
    assert abs(heights[5] - (399 - 0.508 * 399)) <= 1
    assert abs(heights[30] - (399 - 0.752 * 399)) <= 1


def test_waveform_takes_any_light() -> None:
    picture = np.array([[[-5.0, 0.0, 1e6]]], np.float32)
    assert np.isfinite(scopes.waveform(picture)).all()
