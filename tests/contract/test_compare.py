"""The compare helper fails where it must: a helper that cannot fail would make every other test worthless."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from support.compare import assert_frames_match, assert_pixels_match
from support.pictures import frame, full_frame, highlights, noise, patches, ramp, scene
from support.tolerance import BITS_8, EXACT, FLOAT32, HALF, Tolerance
from wetgate.spec import Box


@pytest.fixture(autouse=True)
def _differences_go_away(tmp_path, monkeypatch):
    monkeypatch.setenv("WETGATE_TEST_OUTPUT", str(tmp_path))


def test_a_frame_matches_itself():
    made = full_frame(highlights())
    assert_frames_match(made, full_frame(highlights()))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"number": 7}, "number"),
        ({"space": "other"}, "space"),
        ({"data_window": Box(0, 0, 64, 32)}, "data_window"),
        ({"display_window": Box(0, 0, 1, 1)}, "display_window"),
        ({"pixel_aspect": 1.0}, "pixel_aspect"),
        ({"layout": ("B", "G", "R", "A")}, "layout"),
        ({"metadata": {}}, "'owner' is lost"),
        ({"metadata": {"smpte:TimeCode": (83886080, 0), "owner": "b", "studio:take": 7}}, "'owner' is 'b'"),
        ({"extra": {}}, "'Z' is lost"),
        ({"parts": ()}, "parts"),
        ({"codec": {"qp": 3}}, "'qp' came from nowhere"),
    ],
)
def test_every_field_beside_the_pixels_is_compared_before_them(change, word):
    expected = full_frame(highlights())
    actual = replace(expected, **change, pixels=expected.pixels + 1)
    with pytest.raises(AssertionError, match=word):
        assert_frames_match(actual, expected)


def test_a_single_wrong_bit_fails_an_exact_comparison():
    expected = frame(highlights())
    pixels = expected.pixels.copy()
    pixels[3, 4, 1] = np.nextafter(pixels[3, 4, 1], np.float32(9e9))
    with pytest.raises(AssertionError, match=r"1 of 6144 values .*\n.*\n.*\n.*y 3, x 4, channel 1"):
        assert_frames_match(frame(pixels), expected, EXACT)


def test_minus_zero_is_not_zero_when_bits_are_promised():
    with pytest.raises(AssertionError):
        assert_pixels_match(np.float32([-0.0]), np.float32([0.0]), EXACT)


def test_a_changed_extra_channel_fails():
    expected = full_frame(ramp())
    extra = dict(expected.extra) | {"id": np.asarray(expected.extra["id"]) + np.uint32(1)}
    with pytest.raises(AssertionError, match="extra channel 'id'"):
        assert_frames_match(replace(expected, extra=extra), expected)


def test_nan_matches_nan_and_nothing_else():
    some = np.float32([1.0, np.nan])
    assert_pixels_match(some, some.copy(), FLOAT32)
    with pytest.raises(AssertionError, match="not finite"):
        assert_pixels_match(some, np.float32([1.0, 2.0]), Tolerance("anything finite", absolute=1e9))


def test_infinity_matches_itself_alone():
    infinite = np.float32([np.inf])
    assert_pixels_match(infinite, infinite.copy(), FLOAT32)
    for other in (-np.inf, 1.0, np.nan):
        with pytest.raises(AssertionError):
            assert_pixels_match(np.float32([other]), infinite, FLOAT32)


def test_a_share_may_lie_outside_but_nothing_beyond_the_hard_limit():
    expected = np.zeros((10, 10), np.float32)
    actual = expected.copy()
    actual[0, 0] = 0.015
    loose = Tolerance("one in a hundred at twice the distance", absolute=0.01, share=0.01, hard=2.0)
    assert_pixels_match(actual, expected, loose)
    actual[0, 1] = 0.015
    with pytest.raises(AssertionError, match="2 of 100"):
        assert_pixels_match(actual, expected, loose)
    actual[0, 1] = 0
    actual[0, 0] = 0.021
    with pytest.raises(AssertionError):
        assert_pixels_match(actual, expected, loose)


def test_half_floats_are_within_their_tolerance_and_not_within_float32():
    values = highlights(lo=-0.5, peak=60000.0)
    stored = values.astype(np.float16).astype(np.float32)
    assert_pixels_match(stored, values, HALF)
    with pytest.raises(AssertionError):
        assert_pixels_match(stored, values, FLOAT32)


def test_eight_bit_rounding_is_within_its_tolerance_and_one_code_is_not():
    values = ramp(257, 3)
    stored = (np.round(values * 255) / 255).astype(np.float32)
    assert_pixels_match(stored, values, BITS_8)
    with pytest.raises(AssertionError):
        assert_pixels_match(stored + np.float32(1 / 255), values, BITS_8)


def test_a_failure_saves_both_pictures_and_a_picture_of_the_difference(tmp_path):
    with pytest.raises(AssertionError, match="saved: "):
        assert_pixels_match(ramp(), ramp(hi=2.0), FLOAT32)
    saved = sorted(p.name for p in tmp_path.rglob("*.*") if p.is_file())
    assert saved == ["pixels.difference.png", "pixels.npz"]


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (64, 48)])
@pytest.mark.parametrize("make", [ramp, noise, highlights, patches, scene])
def test_pictures_have_the_size_asked_for_and_are_the_same_every_time(make, size):
    picture = make(*size)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()
    assert_pixels_match(make(*size), picture, EXACT)


def test_highlights_cover_negatives_and_a_thousand():
    picture = highlights()
    assert picture.min() == np.float32(-0.5)
    assert picture.max() == np.float32(1000.0)
    assert (picture == 0).any()
