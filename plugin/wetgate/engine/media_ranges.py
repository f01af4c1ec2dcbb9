"""What is rendered of a medium that several clips use: ranges that neither overlap nor touch, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range(Generic[T]):
    """Frames ``first`` to ``last`` of a medium, by their numbers, and the uses that lie in them."""

    first: int
    last: int
    uses: tuple[T, ...]


def ranges_of(uses: Iterable[T], frames: Callable[[T], tuple[int, int]], step: int = 1) -> list[Range[T]]:
    """The ranges that uses of one medium need, ascending. ``frames`` gives a use's first and last frame number; two
    numbers that follow one another are ``step`` apart: such ranges touch, and are joined."""
    found: list[Range[T]] = []
    for use in sorted(uses, key=frames):
        first, last = frames(use)
        if found and first <= found[-1].last + step:
            before = found.pop()
            found.append(Range(before.first, max(last, before.last), (*before.uses, use)))
        else:
            found.append(Range(first, last, (use,)))
    return found
