"""What a JPEG's code says of its picture, against the coefficients that its encoder really had.

The codes come from the picture before it was saved, through another transform (OpenCV's) than the one under test.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from support.photographs import photograph
from wetgate.io.jpeg_coding import jpeg_coding
from wetgate.ops.block_intervals import beyond_whole_blocks, change_within, hold, intervals_of, largest_excess

W, H = 160, 112


def jpeg(picture: Any, quality: int, sampling: int = 0) -> tuple[Any, dict[str, Any]]:
    """The decoded R'G'B', 0 to 1, and the header."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if sampling:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    data = cv2.imencode(".jpg", picture, options)[1]
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
    return np.ascontiguousarray(decoded, np.float32) / np.float32(255), jpeg_coding(data.tobytes())


def coefficients(plane: Any) -> Any:
    """OpenCV's DCT of each whole 8x8 block, (rows, columns, 8, 8)."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    out = np.empty((rows, columns, 8, 8))
    for r in range(rows):
        for c in range(columns):
            out[r, c] = cv2.dct(plane[8 * r : 8 * r + 8, 8 * c : 8 * c + 8].astype(np.float64))
    return out


@pytest.mark.parametrize("quality", [5, 20, 50, 80, 92])
def test_intervals_are_about_the_codes_that_the_encoder_wrote(quality: int):
    grey = photograph(W, H)[..., 1]
    decoded, coding = jpeg(grey, quality)
    (given,) = intervals_of(decoded, coding["quantisation"], coding["sampling"])
    assert given is not None
    table = coding["quantisation"][0]
    code = coefficients(grey.astype(np.float64) - 128) / table
    # Where the encoder's whole-number transform may have rounded the other way, the code is not known here.
    sure = np.abs(code - np.rint(code)) < 0.5 - 1.0 / table
    inside = (np.rint(code) * table >= given.low - 1e-3) & (np.rint(code) * table <= given.high + 1e-3)
    share = inside[given.certain][sure[given.certain]].mean()
    assert given.certain.mean() > 0.9
    assert share > 0.999  # small AC that rounding to whole pixels hid: below one in a thousand


@pytest.mark.parametrize("sampling", [0x111111, 0x211111, 0x221111])
@pytest.mark.parametrize("quality", [10, 60])
def test_every_block_of_a_held_picture_lies_in_its_interval(quality: int, sampling: int):
    decoded, coding = jpeg(photograph(W, H), quality, sampling)
    intervals = intervals_of(decoded, coding["quantisation"], coding["sampling"])
    assert all(i is not None for i in intervals)
    blurred = cv2.GaussianBlur(decoded, (0, 0), 2.0)
    held = hold(blurred, intervals)
    assert held.excess > 5
    assert 0 < held.share <= 1
    # Luma, by OpenCV's transform, block by block.
    given = intervals[0]
    assert given is not None
    luma = 255 * (held.rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])) - 128
    found = coefficients(luma)
    inside = 0.1 * (given.high - given.low) - 0.01  # likelier than at its ends
    assert (found >= given.low + inside).all()
    assert (found <= given.high - inside).all()
    # Chroma, by the mean over each of its samples.
    for k, row in ((1, [-0.168736, -0.331264, 0.5]), (2, [0.5, -0.418688, -0.081312])):
        given = intervals[k]
        assert given is not None
        across, down = given.sampling
        plane = 255 * (held.rgb.astype(np.float64) @ np.array(row))
        small = plane.reshape(H // down, down, W // across, across).mean(axis=(1, 3))
        found = coefficients(small)
        assert (found >= given.low - 0.01).all()
        assert (found <= given.high + 0.01).all()
    assert largest_excess(held.rgb, intervals) < 0.01


def test_the_original_lies_in_the_intervals_but_for_the_encoders_own_rounding():
    grey = photograph(W, H)[..., 1]
    decoded, coding = jpeg(grey, 30)
    intervals = intervals_of(decoded, coding["quantisation"], coding["sampling"])
    original = np.repeat(grey[..., None], 3, axis=2).astype(np.float32) / np.float32(255)
    assert largest_excess(original, intervals) < 1.0  # its transform works in whole numbers


def test_a_picture_that_is_inside_is_left_alone():
    decoded, coding = jpeg(photograph(W, H)[..., 1], 40)
    held = hold(decoded, intervals_of(decoded, coding["quantisation"], coding["sampling"]))
    assert held.rgb is decoded
    assert held.share == 0


def test_blocks_that_were_clipped_are_held_about_their_own_coefficients():
    picture = np.clip(photograph(W, H).astype(np.int32) * 3 - 256, 0, 255).astype(np.uint8)
    decoded, coding = jpeg(picture, 30)
    given = intervals_of(decoded, coding["quantisation"], coding["sampling"])[0]
    assert given is not None
    assert 0 < given.certain.mean() < 1
    blocks = ((decoded <= 0) | (decoded >= 1)).any(axis=2).reshape(H // 8, 8, W // 8, 8).any(axis=(1, 3))
    assert not given.certain[blocks].any()
    assert np.allclose(given.high - given.low, coding["quantisation"][0], atol=1e-3) or given.certain.any()


def test_a_change_is_kept_within_its_steps():
    random = np.random.default_rng(0)
    change = random.normal(0, 0.2, (37, 45)).astype(np.float32)
    limit = np.full((37, 45), 0.1, np.float32)
    limit[:, 16:] = 0
    made = change_within(change, limit)
    assert made.shape == change.shape
    assert not made[:, 16:].any()
    assert np.abs(coefficients(made)).max() <= 0.1 + 1e-5


def test_each_coefficient_of_a_change_has_a_limit_of_its_own():
    change = np.random.default_rng(0).normal(0, 0.2, (24, 40)).astype(np.float32)
    weights = np.linspace(0.5, 2, 64, dtype=np.float32).reshape(8, 8)
    made = change_within(change, np.full(change.shape, 0.1, np.float32), weights, 0.02)
    assert (np.abs(coefficients(made)) <= 0.1 * weights + 0.02 + 1e-5).all()
    assert np.abs(coefficients(made)).max() > 0.15


def test_a_change_that_intervals_will_hold_is_limited_in_the_cut_blocks_alone() -> None:
    change = np.full((20, 27), 3.0, np.float32)
    made = change_within(change, beyond_whole_blocks(np.full(change.shape, 0.5, np.float32)))
    np.testing.assert_array_equal(made[:16, :24], change[:16, :24])
    limited = change_within(change, np.full(change.shape, 0.5, np.float32))
    np.testing.assert_array_equal(made[16:], limited[16:])
    assert np.abs(limited[16:]).max() < 2
