"""Frames, windows and errors: what they demand and what they keep."""

from __future__ import annotations

import numpy as np
import pytest

from support.compare import assert_frames_match, assert_pixels_match
from support.pictures import frame, full_frame, highlights, ramp
from wetgate.spec import (
    Box,
    Frame,
    FrameError,
    Interrupted,
    Problems,
    UsageError,
    WetgateError,
    Window,
    raise_all,
    suggest,
)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 3), np.float64),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 1), np.float32),
        np.zeros((4, 4, 5), np.float32),
        np.zeros((1, 4, 4, 3), np.float32),
        [[1.0]],
    ],
    ids=lambda p: f"{getattr(p, 'dtype', 'list')}-{np.shape(p)}",
)
def test_pixels_of_another_type_or_shape_are_refused_with_what_is_allowed(pixels):
    with pytest.raises(UsageError, match=r"frame 0: pixels are .*allowed: float32 of shape \(H, W, 3\)"):
        Frame(pixels, "ACEScg")


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3)])
def test_an_empty_picture_is_refused(shape):
    with pytest.raises(UsageError, match="empty"):
        Frame(np.zeros(shape, np.float32), "ACEScg")


def test_a_view_with_gaps_is_made_contiguous_with_the_same_values():
    whole = highlights(8, 6)
    made = Frame(whole[::2, ::2], "ACEScg")
    assert made.pixels.flags.c_contiguous
    assert_pixels_match(made.pixels, whole[::2, ::2].copy())


def test_contiguous_pixels_are_taken_without_a_copy():
    whole = highlights(8, 6)
    assert Frame(whole, "ACEScg").pixels is whole


def test_windows_and_layout_follow_from_the_pixels_where_nothing_is_said():
    made = frame(ramp(7, 5), alpha=True)
    assert made.window == made.display == Box(0, 0, 7, 5)
    assert made.layout == ("R", "G", "B", "A")
    assert frame(ramp(7, 5)).layout == ("R", "G", "B")


def test_the_display_window_is_the_data_window_where_only_that_is_given():
    assert frame(ramp(7, 5), data_window=Box(-2, 3, 7, 5)).display == Box(-2, 3, 7, 5)


def test_a_data_window_of_another_size_is_refused():
    with pytest.raises(UsageError, match="pixels are 7x5, the data window 8x5"):
        frame(ramp(7, 5), data_window=Box(0, 0, 8, 5))


def test_right_and_bottom_are_the_first_pixels_outside():
    box = Box(-3, 5, 10, 20)
    assert (box.right, box.bottom) == (7, 25)


def test_other_colour_leaves_alpha_and_everything_else():
    before = full_frame(ramp())
    colour = highlights()
    after = before.with_rgb(colour)
    assert_pixels_match(after.rgb.copy(), colour)
    assert_frames_match(after.with_(pixels=before.pixels), before)
    assert_pixels_match(after.alpha, before.alpha)


def test_other_colour_does_not_write_to_the_frame_it_came_from():
    before = full_frame(ramp())
    copy = before.pixels.copy()
    before.with_rgb(highlights())
    assert_pixels_match(before.pixels, copy)


def test_rgb_and_alpha_are_views_of_the_pixels():
    made = frame(ramp(), alpha=True)
    assert np.shares_memory(made.rgb, made.pixels)
    assert np.shares_memory(made.alpha, made.pixels)
    assert frame(ramp()).alpha is None


def test_a_tensor_is_the_same_memory_even_where_the_frame_is_read_only():
    torch = pytest.importorskip("torch", reason="torch is in the extras cpu and gpu")
    pixels = highlights(8, 6)
    pixels.flags.writeable = False
    tensor = frame(pixels).tensor()
    assert tensor.shape == (6, 8, 3)
    assert tensor.dtype == torch.float32
    assert tensor.data_ptr() == frame(pixels).pixels.ctypes.data
    assert tensor.permute(2, 0, 1)[None].is_contiguous(memory_format=torch.channels_last)


def shot(count: int) -> tuple[Frame, ...]:
    return tuple(frame(ramp(4, 3), number=1001 + i) for i in range(count))


def test_a_window_is_counted_from_its_middle():
    window = Window(shot(5), (True, False, False, False, False))
    assert (window.reach, window.number) == (2, 1003)
    assert [window[i].number for i in (-2, -1, 0, 1, 2)] == [1001, 1002, 1003, 1004, 1005]
    assert window.is_repeated(-2)
    assert not window.is_repeated(2)


@pytest.mark.parametrize("offset", [-3, 3])
def test_a_window_ends_where_it_says(offset):
    with pytest.raises(IndexError, match="outside the window"):
        Window(shot(5))[offset]


def test_a_window_has_a_middle():
    with pytest.raises(ValueError, match="odd"):
        Window(shot(4))


def test_an_error_reads_what_where_allowed_remedy():
    error = UsageError(
        "strength is 1.4", where="params.strength", allowed="0 to 1", remedy="give a value in that range"
    )
    placed = error.at("graph.nodes[2]")
    expected = "strength is 1.4; at graph.nodes[2].params.strength; allowed: 0 to 1; give a value in that range"
    assert str(placed) == expected
    assert isinstance(placed, UsageError)


def test_one_problem_is_raised_as_it_is_and_several_together():
    one, two = UsageError("a"), FrameError("b")
    raise_all([])
    with pytest.raises(UsageError, match=r"^a$"):
        raise_all([one])
    with pytest.raises(Problems, match=r"^a\nb$") as caught:
        raise_all([one, two])
    assert caught.value.problems == (one, two)
    assert str(caught.value.at("here")) == "a; at here\nb; at here"


def test_exit_codes_are_those_of_the_command_line():
    assert (WetgateError("x").exit_code, UsageError("x").exit_code) == (2, 2)
    assert (FrameError("x").exit_code, Interrupted("x").exit_code) == (3, 130)


def test_the_nearest_name_is_suggested_or_all_are_listed():
    assert suggest("hdr_lfit", ["grain", "hdr_lift"]) == "did you mean 'hdr_lift'?"
    assert suggest("zzz", ["b", "a"]) == "known: a, b"
    assert suggest("zzz", []) == "none is known"
