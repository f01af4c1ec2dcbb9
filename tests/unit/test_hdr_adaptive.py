"""The adaptive lift: hue, anchors, what it makes of a shot's brightness, and how that changes over time."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.color.hdr import statistics
from wetgate.color.hdr.adaptive import SDR_MID_GREY, Anchors, bent
from wetgate.color.hdr.lift import Settings, lift
from wetgate.color.hdr.statistics import Brightness
from wetgate.color.ictcp import rec2020_to_ictcp
from wetgate.color.primaries import apply_matrix, rgb_to_rgb


def _hue_and_chroma(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ictcp = rec2020_to_ictcp(rgb)
    return np.degrees(np.arctan2(ictcp[..., 2], ictcp[..., 1])), np.hypot(ictcp[..., 1], ictcp[..., 2])


def test_hue_in_ictcp_stays_within_a_degree() -> None:
    rng = np.random.default_rng(5)
    sdr = (rng.random((20_000, 3)) ** 2.4 * 100.0).astype(np.float32)
    sdr = apply_matrix(rgb_to_rgb("rec709", "rec2020"), sdr)
    before, _ = _hue_and_chroma(sdr)
    after, chroma = _hue_and_chroma(lift(sdr, Settings()))
    turned = np.abs((after - before + 180.0) % 360.0 - 180.0)[chroma > 0.02]
    print(f"hue turned by at most {turned.max():.4f} degrees")
    assert turned.max() < 1.0


def test_pale_colours_keep_their_chromaticity() -> None:
    pale = np.array([[1.0, 0.97, 0.95], [0.96, 1.0, 0.97]]) * np.array([[5.0], [40.0]])
    out = lift(pale, Settings())
    np.testing.assert_allclose(out / out[:, :1], pale / pale[:, :1], rtol=4e-3)


def test_anchors_are_met() -> None:
    anchors = Anchors()
    white = bent(anchors).white_at
    levels = np.array([SDR_MID_GREY, white, 100.0])
    out = lift(np.repeat(levels[:, None], 3, axis=1), Settings(white_to=700.0))[:, 0]
    assert out == pytest.approx([26.0, 203.0, 700.0], rel=1e-3)


def test_a_scene_without_highlights_does_not_depend_on_where_highlights_go() -> None:
    dark = np.random.default_rng(6).random((64, 3)) * 11.0
    low, high = (lift(dark, Settings(white_to=w)) for w in (350.0, 900.0))
    np.testing.assert_allclose(low, high, rtol=1e-3)
    assert lift(dark, Settings()).max() < 30.0


def test_the_larger_the_bright_area_the_lower_sdr_white_lands() -> None:
    areas = (0.0, 0.001, 0.01, 0.05, 0.2, 0.6)
    lands = [statistics.white_and_knee(Brightness(a, 50.0), 1000.0, 203.0, 0.78, 1.0, 0.0)[0] for a in areas]
    assert lands == sorted(lands, reverse=True)
    assert lands[0] > 700.0
    assert lands[-1] < 400.0
    unprotected = [statistics.white_and_knee(Brightness(a, 50.0), 1000.0, 203.0, 0.78, 0.0, 0.0)[0] for a in areas]
    assert len(set(unprotected)) == 1


def test_brightness_is_the_share_of_bright_pixels() -> None:
    picture = np.full((40, 50, 3), 10.0, np.float32)
    picture[:10] = 99.0
    assert statistics.brightness(picture) == Brightness(pytest.approx(0.25), pytest.approx(99.0))
    assert statistics.brightness(np.full((1, 1, 3), 3.0, np.float32)).bright == 0.0


def test_smoothing_has_finite_reach_and_no_overshoot() -> None:
    step = [0.0] * 150 + [1.0] * 150
    smooth = np.array(statistics.smoothed(step))
    assert (np.diff(smooth) >= -1e-12).all()
    assert np.diff(smooth).max() < 0.025  # a change of everything takes two seconds, not a frame
    far = 150 - statistics.REACH - 1
    assert smooth[far] == 0.0
    assert smooth[149 + statistics.REACH + 1] == pytest.approx(1.0)
    assert statistics.smoothed([0.7]) == pytest.approx([0.7])


def test_smoothing_depends_on_near_frames_only() -> None:
    values = list(np.random.default_rng(8).random(200))
    other = [*values[:150], *([9.0] * 50)]
    near = 150 - statistics.REACH
    assert statistics.smoothed(values)[: near - 1] == pytest.approx(statistics.smoothed(other)[: near - 1])
