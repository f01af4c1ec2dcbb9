"""Frame ranges as Nuke writes them: ``1-10``, ``1-10x2``, ``1 5 9``, ``1-5,8 10-20x5``, ``-5-5``, ``10-1``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from wetgate_nuke.errors import WetgateError

_ITEM = re.compile(r"(-?\d+)(?:-(-?\d+)(?:x(\d+))?)?\Z")
_MOST = 1_000_000
_GRAMMAR = "write 1-100, 1001-1100x2, or 1 3 8; several divided by blanks or commas"


def parse_frames(text: str) -> list[int]:
    """The frames that ``text`` names, in its order, each once. :class:`WetgateError` where an item is none."""
    out: dict[int, None] = {}
    items = re.split(r"[\s,]+", text.strip())
    for item in items if items != [""] else []:
        match = _ITEM.match(item)
        if match is None or match[3] == "0":
            raise WetgateError(f"{item!r} is no frame range: {_GRAMMAR}")
        first, last = int(match[1]), int(match[2] or match[1])
        step = int(match[3] or 1)
        if abs(last - first) // step >= _MOST:
            raise WetgateError(f"{item!r} names more than {_MOST} frames")
        out.update(dict.fromkeys(range(first, last + 1, step) if last >= first else range(first, last - 1, -step)))
    if not out:
        raise WetgateError(f"the frame range is empty: {_GRAMMAR}")
    return list(out)


def runs_of(numbers: Iterable[int]) -> list[tuple[int, int, int]]:
    """Ascending frames as (first, last, step), the form that ``nuke.executeMultiple`` takes."""
    rest = sorted(set(numbers))
    out: list[tuple[int, int, int]] = []
    at = 0
    while at < len(rest):
        step = rest[at + 1] - rest[at] if at + 1 < len(rest) else 1
        end = at
        while end + 1 < len(rest) and rest[end + 1] - rest[end] == step:
            end += 1
        if end - at == 1 and step > 1:  # two frames far apart: the second may begin a longer run
            end = at
        out.append((rest[at], rest[end], step if end > at else 1))
        at = end + 1
    return out


def format_frames(numbers: Iterable[int]) -> str:
    """Frames as a range: ``1001-1100``, ``1-9x2,20``."""

    def item(first: int, last: int, step: int) -> str:
        if first == last:
            return f"{first}"
        return f"{first}-{last}" + (f"x{step}" if step > 1 else "")

    return ",".join(item(*run) for run in runs_of(numbers))
