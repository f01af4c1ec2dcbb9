"""Frame ranges: Nuke's grammar in, the shortest text out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wetgate.io.ranges import format_frames, parse_frames
from wetgate.spec import UsageError


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("7", (7,)),
        ("1-5", (1, 2, 3, 4, 5)),
        ("1001-1009x4", (1001, 1005, 1009)),
        ("1001-1008x4", (1001, 1005)),
        ("1 3 4 8", (1, 3, 4, 8)),
        ("1,3, 4  8", (1, 3, 4, 8)),
        ("-5--3", (-5, -4, -3)),
        ("-2-2", (-2, -1, 0, 1, 2)),
        ("5-1x2", (5, 3, 1)),
        ("1-3,2-4", (1, 2, 3, 4)),
        ("0001-0003", (1, 2, 3)),
    ],
)
def test_a_range_names_its_frames_in_the_order_typed(text: str, frames: tuple[int, ...]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("a-b", "'a-b' is not a frame"),
        ("1001-1100:2", "colon; allowed"),
        ("10x2", "step without a range"),
        ("1-10x0", "step 0"),
        ("1-10x-2", "step -2"),
        ("1-", "'1-' is not"),
        ("1.5", "'1.5' is not"),
        ("1-99999999999", "more than 10,000,000"),
    ],
)
def test_a_wrong_range_is_refused_with_the_item_and_the_grammar(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_frames(text)
    assert said in str(caught.value)
    assert "1001-1100x2" in str(caught.value)


def test_all_wrong_items_are_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        parse_frames("1-5 x7 10-20 z")
    assert "'x7'" in str(caught.value)
    assert "'z'" in str(caught.value)


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ((), ""),
        ((5,), "5"),
        (tuple(range(1, 101)), "1-100"),
        ((1, 3, 5, 7), "1-7x2"),
        ((1, 3), "1,3"),
        ((1, 2), "1-2"),
        ((3, 2, 1), "3-1"),
        ((-3, -2, -1, 0), "-3-0"),
        ((1, 2, 3, 7, 10, 20, 30), "1-3,7,10-30x10"),
    ],
)
def test_frames_are_named_in_the_shortest_text(frames: tuple[int, ...], text: str) -> None:
    assert format_frames(frames) == text


@given(st.lists(st.integers(-50, 50), unique=True, min_size=1))
def test_what_was_formatted_parses_to_the_same_frames(frames: list[int]) -> None:
    assert parse_frames(format_frames(frames)) == tuple(frames)
