"""Keyframed parameter values: ``{1001: 0.2, 1040: 1.0}``, a pure function of the frame number."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass

from wetgate.spec import Param, UsageError, Value, WetgateError, raise_all


@dataclass(frozen=True, slots=True)
class Keyframes:
    """Values at frame numbers. Numbers between two keys are interpolated linearly; before the first and after the last
    key its value holds. Kinds without a between (bool, choice) hold until the next key; whole numbers are rounded to
    the nearest, halves away from zero.
    """

    frames: tuple[int, ...]
    values: tuple[Value, ...]
    kind: str

    def at(self, number: int) -> Value:
        """The value at a frame number."""
        after = bisect.bisect_right(self.frames, number)
        if after == 0:
            return self.values[0]
        if after == len(self.frames) or self.kind in ("bool", "choice", "text"):
            return self.values[after - 1]
        share = (number - self.frames[after - 1]) / (self.frames[after] - self.frames[after - 1])
        return self._between(self.values[after - 1], self.values[after], share)

    def _between(self, a: Value, b: Value, share: float) -> Value:
        if isinstance(a, tuple) and isinstance(b, tuple):
            return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))
        assert isinstance(a, (int, float))
        assert isinstance(b, (int, float))
        value = a + (b - a) * share
        if self.kind == "int":
            return int(abs(value) + 0.5) * (1 if value >= 0 else -1)
        return value

    def record(self) -> dict[str, Value]:
        """The keys as JSON."""
        return {str(f): v for f, v in zip(self.frames, self.values, strict=True)}


def keyframes(param: Param, given: Mapping[object, object]) -> Keyframes:
    """Checked keyframes of one parameter. Every problem is raised at once, with its key as the place."""
    problems: list[WetgateError] = []
    found: dict[int, Value] = {}
    if not param.animates:
        raise UsageError(f"{param.id} has keyframes but cannot be animated", where=param.id, remedy="give it one value")
    if not given:
        raise UsageError(
            f"{param.id} has an empty table of keyframes", where=param.id, remedy="give frame: value pairs"
        )
    for key, value in given.items():
        place = f"{param.id}[{key}]"
        try:
            number = int(str(key))
        except ValueError:
            problems.append(UsageError(f"keyframe {key!r} is not a frame number", where=place))
            continue
        try:
            found[number] = param.check(value)
        except WetgateError as error:
            problems.append(type(error)(error.what, where=place, allowed=error.allowed, remedy=error.remedy))
    raise_all(problems)
    frames = tuple(sorted(found))
    return Keyframes(frames, tuple(found[f] for f in frames), param.kind)
