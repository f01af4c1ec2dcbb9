"""Frame ranges as they are typed: ``1-100``, ``1001-1100x2``, ``1 3 4 8``, ``-5-5``.

The grammar is Nuke's (its manual, Command Line Operations): items divided by commas or blanks, each a frame number or
``first-last`` with an optional step after ``x``. Numbers may be negative. The order that is typed is kept, a frame that
is named twice counts once, and ``last`` may come before ``first``, which counts down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from wetgate.spec import UsageError, WetgateError, raise_all

GRAMMAR = "1-100, 1001-1100x2, 1 3 4 8, -5-5; several divided by commas or blanks"
MOST_FRAMES = 10_000_000  # more than four days at 24 frames a second: beyond it somebody's finger slipped

_ITEM = re.compile(r"(-?\d+)(?:-(-?\d+)(?:x(-?\d+))?)?\Z")


def parse_frames(text: str) -> tuple[int, ...]:
    """The frame numbers that ``text`` names, in its order, each once.

    Raises :class:`UsageError` (all wrong items at once) that quotes the item and shows the grammar.
    """
    items = [item for item in re.split(r"[,\s]+", text.strip()) if item]
    if not items:
        raise UsageError("the frame range is empty", allowed=GRAMMAR)
    seen: dict[int, None] = {}
    problems: list[WetgateError] = []
    for item in items:
        try:
            seen.update(dict.fromkeys(_item(item)))
        except UsageError as error:
            problems.append(error)
        if len(seen) > MOST_FRAMES:
            problems.append(_wrong(item, f"names more than {MOST_FRAMES:,} frames in all"))
            break
    raise_all(problems)
    return tuple(seen)


def _item(item: str) -> range:
    match = _ITEM.match(item)
    if match is None:
        if ":" in item:
            raise _wrong(item, "has a colon", "write the step after an x: 1001-1100x2")
        if re.fullmatch(r"[\d-]*\d+x-?\d*", item):
            raise _wrong(item, "has a step without a range", "write first-lastxstep: 1001-1100x2")
        raise _wrong(item, "is not a frame or a range of frames")
    first = int(match[1])
    if match[2] is None:
        return range(first, first + 1)
    last, step = int(match[2]), int(match[3] or 1)
    if step < 1:
        raise _wrong(item, f"has step {step}", "give a step of 1 or more; write last-first to count down")
    if abs(last - first) // step >= MOST_FRAMES:
        raise _wrong(item, f"names more than {MOST_FRAMES:,} frames")
    return range(first, last + 1, step) if last >= first else range(first, last - 1, -step)


def _wrong(item: str, why: str, remedy: str | None = None) -> UsageError:
    return UsageError(f"frame range {item!r} {why}", allowed=GRAMMAR, remedy=remedy)


def format_frames(numbers: Iterable[int]) -> str:
    """The shortest text of the grammar that names these frames in this order: ``1-100``, ``1001-1099x2,1200``.

    ``parse_frames(format_frames(n)) == tuple(n)`` for any numbers without repeats.
    """
    rest = list(numbers)
    out: list[str] = []
    at = 0
    while at < len(rest):
        run = _run(rest, at)
        first, last = rest[at], rest[at + run - 1]
        if run == 1:
            out.append(f"{first}")
        else:
            step = abs(rest[at + 1] - first)
            out.append(f"{first}-{last}" + (f"x{step}" if step > 1 else ""))
        at += run
    return ",".join(out)


def _run(numbers: list[int], at: int) -> int:
    """How many numbers from ``at`` on have one step. Two with a step above 1 are shorter as two items."""
    if at + 1 >= len(numbers):
        return 1
    step = numbers[at + 1] - numbers[at]
    end = at + 1
    while end + 1 < len(numbers) and numbers[end + 1] - numbers[end] == step:
        end += 1
    length = end - at + 1
    return length if length > 2 or abs(step) == 1 else 1
