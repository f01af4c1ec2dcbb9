"""Time code arithmetic, with and without drop frame."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wetgate.io.movie_timecode import Count, parse_timecode
from wetgate.spec import UsageError

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("frames", "text"),
    # ST 12-1: two numbers a minute are dropped but in every tenth; an hour has 107892 frames.
    [
        (0, "00:00:00;00"),
        (1799, "00:00:59;29"),
        (1800, "00:01:00;02"),
        (17981, "00:09:59;29"),
        (17982, "00:10:00;00"),
        (19782, "00:11:00;02"),
        (107892, "01:00:00;00"),
    ],
)
def test_drop_frame_keeps_to_the_clock(frames: int, text: str) -> None:
    assert str(Count(frames, 30, drop=True)) == text
    assert parse_timecode(text, NTSC).frames == frames


@given(st.integers(0, 24 * 107892 - 1))
def test_drop_frame_returns(frames: int) -> None:
    assert parse_timecode(str(Count(frames, 30, drop=True)), NTSC).frames == frames


@given(st.integers(0, 24 * 3600 * 24 - 1), st.integers(0, 10**6))
def test_plus_counts_on_and_wraps_at_midnight(start: int, more: int) -> None:
    later = Count(start, 24).plus(more)
    assert later.frames == (start + more) % (24 * 3600 * 24)
    assert parse_timecode(str(later), Fraction(24000, 1001)) == later


@pytest.mark.parametrize("drop", [False, True])
def test_midnight_comes_after_the_last_frame_of_the_day(drop: bool) -> None:
    last = parse_timecode(f"23:59:59{';' if drop else ':'}29", NTSC)
    assert str(last.plus(1)) == f"00:00:00{';' if drop else ':'}00"


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("24:00:00:00", 24),
        ("00:60:00:00", 24),
        ("00:00:00:24", 24),
        ("00:01:00;00", NTSC),
        ("00:00:00;00", 25),
        ("1234", 24),
        ("", 24),
    ],
)
def test_a_time_code_that_does_not_exist_is_refused(text: str, rate: Fraction | int) -> None:
    with pytest.raises(UsageError, match="time code"):
        parse_timecode(text, Fraction(rate))
