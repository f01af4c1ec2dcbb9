"""Ranges of a medium that clips use: joined where they overlap or touch, each frame once."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wetgate.engine.media_ranges import ranges_of

Use = tuple[int, int]
USES = st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 12)).map(lambda u: (u[0], u[0] + u[1])))


def own(use: Use) -> Use:
    return use


@given(USES)
def test_every_frame_of_every_use_is_in_one_range_and_no_other_frame_is(uses: list[Use]) -> None:
    found = ranges_of(uses, own)
    rendered = [n for piece in found for n in range(piece.first, piece.last + 1)]
    assert sorted(set(rendered)) == rendered
    assert set(rendered) == {n for first, last in uses for n in range(first, last + 1)}
    assert all(b.first > a.last + 1 for a, b in pairwise(found))
    assert sorted(use for piece in found for use in piece.uses) == sorted(uses)
    assert all(piece.first <= first <= last <= piece.last for piece in found for first, last in piece.uses)


def test_frames_that_are_two_apart_follow_one_another_where_the_medium_counts_by_two() -> None:
    found = ranges_of([(9, 13), (1, 5), (7, 7), (19, 21)], own, step=2)
    assert [(piece.first, piece.last, piece.uses) for piece in found] == [
        (1, 13, ((1, 5), (7, 7), (9, 13))),
        (19, 21, ((19, 21),)),
    ]
