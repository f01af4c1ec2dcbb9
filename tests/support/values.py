"""Parameter values for tests: what must be taken, what must be refused, and settings far from the default."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from support.cases import Cases
from wetgate.spec import Node, Param, Value


def sample_values(param: Param, cases: Cases) -> list[Value]:
    """Both limits, zero where it is allowed, the middle, each choice, and what the cases add."""
    own = list(cases.values.get(param.id, ()))
    if param.choices is not None:
        return [*param.choices, *own]
    if param.kind == "bool":
        return [False, True, *own]
    if param.kind == "text":
        return [param.default, *own]
    numbers = list(_numbers(param))
    if param.kind in ("color", "point"):
        assert isinstance(param.default, tuple)
        length = len(param.default)
        uneven = tuple(numbers[i % len(numbers)] for i in range(length))
        return [*((n,) * length for n in numbers), uneven, *own]
    return [*numbers, *own]


def _numbers(param: Param) -> Iterator[float | int]:
    assert param.lo is not None
    assert param.hi is not None
    yield from (param.lo, param.hi)
    if param.lo < 0 < param.hi:
        yield 0
    low, high = param.soft or (param.lo, param.hi)
    between = (low + high) / 2
    yield round(between) if param.kind == "int" else between


def wrong_values(param: Param) -> list[Any]:
    """Values that must be refused: one past each limit, other types, what is not a number."""
    if param.choices is not None:
        return ["no such choice", 1, None]
    if param.kind == "bool":
        return [1, "true", None]
    if param.kind == "text":
        return [1, None]
    assert param.lo is not None
    assert param.hi is not None
    if param.kind == "int":
        past: list[Any] = [int(param.lo) - 1, int(param.hi) + 1, param.lo + 0.5]
    else:
        past = [math.nextafter(param.lo, -math.inf), math.nextafter(param.hi, math.inf)]
    past += [math.nan, math.inf, -math.inf, True, "1", None]
    if isinstance(param.default, tuple):
        good = param.default[1:]
        return [*((p, *good) for p in past), param.default[:-1], (*param.default, param.lo), param.lo]
    return past


def extreme_settings(node: Node, but: str) -> list[dict[str, Value]]:
    """Settings of everything else at once: each choice with the rest as it is, all low, all high."""
    others = [p for p in node.params.values() if p.id not in (but, "mix", "strength", "view")]
    settings: list[dict[str, Value]] = [
        {p.id: choice} for p in others if p.choices is not None for choice in p.choices if choice != p.default
    ]
    for end in ("lo", "hi"):
        numbers = [p for p in others if p.kind in ("float", "int")]
        if numbers:
            settings.append(
                {p.id: p.check(int(getattr(p, end)) if p.kind == "int" else getattr(p, end)) for p in numbers}
            )
    return settings


def typed(value: Value) -> str:
    """A value as it is typed at the command line."""
    if isinstance(value, tuple):
        return ",".join(repr(v) for v in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
