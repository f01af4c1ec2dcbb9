"""Finding clipped highlights, and the bounded estimate of what they lost."""

from __future__ import annotations

import numpy as np
import pytest

from wetgate.color.hdr import clipping
from wetgate.color.primaries import apply_matrix, rgb_to_rgb

INTO = rgb_to_rgb("rec709", "rec2020")


def _scene(*discs: tuple[int, int, int, tuple[float, float, float]], size: int = 320) -> np.ndarray:
    """Grey at 20 nits with soft-edged discs (x, y, radius, Rec.709 light), clipped at 100, as Rec.2020 light."""
    y, x = np.mgrid[0:size, 0:size]
    picture = np.full((size, size, 3), 20.0)
    for cx, cy, radius, colour in discs:
        weight = np.clip((radius + 2.0 - np.hypot(x - cx, y - cy)) / 4.0, 0.0, 1.0)[..., None]
        picture = picture * (1.0 - weight) + np.array(colour) * weight
    return apply_matrix(INTO, np.minimum(picture, 100.0)).astype(np.float32)


def test_clipping_is_found_in_the_primaries_it_happened_in() -> None:
    picture = _scene((80, 80, 12, (400.0, 30.0, 10.0)))
    hit = clipping.clipped(picture, "rec709", 100.0)
    assert hit[80, 80].tolist() == [True, False, False]
    assert not hit[10, 10].any()
    # The same light has no channel at 100 in Rec.2020: looked for there, the clip would have been missed.
    assert not clipping.clipped(picture, "rec2020", 100.0).any()


def _level(picture: np.ndarray, primaries: str = "rec2020") -> float | None:
    return clipping.clip_level([clipping.top_of(picture.astype(np.float32), primaries)])


def test_clip_level_is_sdr_white_where_nothing_passes_it() -> None:
    assert _level(_scene(), "rec709") == 100.0
    assert _level(_scene((80, 80, 20, (900.0,) * 3)), "rec709") == 100.0


def test_clip_level_is_sdr_white_under_the_ringing_of_a_codec() -> None:
    picture = _scene((80, 80, 40, (900.0,) * 3))
    ringing = np.random.default_rng(2).normal(0.0, 1.2, picture.shape)
    rung = picture + np.where(picture > 95.0, ringing, 0.0)
    rung[80, 100:110] = 117.0
    assert rung.max() > 101.5
    assert _level(rung, "rec709") == 100.0


def test_clip_level_is_found_above_sdr_white() -> None:
    picture = np.random.default_rng(3).random((50, 50, 3)) * 99.0
    picture[:5] = 123.0
    assert _level(picture) == pytest.approx(123.0, rel=0.011)


def test_light_without_an_end_has_no_clip_level() -> None:
    open_ended = np.geomspace(1.0, 5000.0, 30_000).reshape(100, 100, 3)
    open_ended[0, 0] = 90_000.0
    assert _level(open_ended) is None


def test_nothing_is_estimated_where_nothing_clipped() -> None:
    assert clipping.estimated_stops(_scene(), "rec709", 100.0, 1.5) is None
    assert clipping.estimated_stops(_scene((80, 80, 9, (500.0,) * 3)), "rec709", None, 1.5) is None
    assert clipping.estimated_stops(_scene((80, 80, 9, (500.0,) * 3)), "rec709", 100.0, 0.0) is None


def test_the_estimate_is_bounded_and_stays_inside_the_clipped_area() -> None:
    picture = _scene((80, 80, 7, (900.0, 900.0, 900.0)))
    stops = clipping.estimated_stops(picture, "rec709", 100.0, 1.5)
    assert stops is not None
    assert 0.5 < stops.max() <= 1.5
    assert stops.min() == 0.0
    outside = apply_matrix(rgb_to_rgb("rec2020", "rec709"), picture).max(axis=2) < 80.0
    assert not stops[outside].any()


def test_small_lights_gain_more_than_skies() -> None:
    lamp = clipping.estimated_stops(_scene((80, 80, 8, (900.0,) * 3)), "rec709", 100.0, 1.5)
    sky = clipping.estimated_stops(_scene((160, 0, 220, (900.0,) * 3)), "rec709", 100.0, 1.5)
    assert lamp is not None
    assert sky is not None
    assert lamp.max() > 4.0 * sky[5:200, 80:240].max()


def test_a_clipped_channel_takes_its_ratio_from_the_neighbours() -> None:
    # An orange patch whose centre is brighter: red clips there, green and blue go on.
    y, x = np.mgrid[0:320, 0:320]
    light = 40.0 + 110.0 * np.exp(-((x - 80.0) ** 2 + (y - 80.0) ** 2) / 150.0)
    true = light[..., None] * np.array([1.0, 0.35, 0.05])
    clipped = apply_matrix(INTO, np.minimum(true, 100.0)).astype(np.float32)
    stops = clipping.estimated_stops(clipped, "rec709", 100.0, 1.5)
    assert stops is not None
    red, green, _ = stops[80, 80]
    assert green < 0.02  # what did not clip is not raised
    lost = float(np.log2(true[80, 80, 0] / 100.0))
    assert 0.4 * lost < red < 1.2 * lost


def test_estimates_never_pass_the_peak_nor_lower_any_light() -> None:
    picture = _scene((80, 80, 7, (900.0,) * 3))
    lifted = picture * np.float32(7.0)
    stops = clipping.estimated_stops(picture, "rec709", 100.0, 3.0)
    assert stops is not None
    out, added = clipping.with_estimate(lifted, stops, "rec709", 1000.0)
    assert out.max() <= 1000.0 * (1.0 + 1e-5)
    assert (out >= lifted - 1e-2).all()
    assert np.array_equal(out[added == 0.0], lifted[added == 0.0])
    assert added.max() <= np.log2(1000.0 / 700.0) + 1e-4
    brighter, none = clipping.with_estimate(lifted * np.float32(2.0), stops, "rec709", 1000.0)
    assert np.allclose(brighter, lifted * 2.0, rtol=1e-5)
    assert none.max() == 0.0


def test_grain_at_the_clip_does_not_make_the_estimate_grainy() -> None:
    rng = np.random.default_rng(9)
    picture = np.minimum(_scene((80, 80, 12, (99.0,) * 3)) + rng.normal(0.0, 2.0, (320, 320, 1)), 100.0)
    stops = clipping.estimated_stops(picture.astype(np.float32), "rec709", 100.0, 1.5)
    assert stops is not None
    inside = stops[74:86, 74:86, 1]
    steps = np.abs(np.diff(inside, axis=1)).mean()
    assert steps < 0.12  # stops from pixel to pixel; decided by each pixel's own value alone it was 0.45
