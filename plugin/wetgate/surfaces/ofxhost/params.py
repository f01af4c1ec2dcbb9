"""Parameters: as a plug-in declares them, and with values and keys as an instance has them."""

from __future__ import annotations

import bisect
import threading
from typing import Any

from wetgate.spec import UsageError, suggest
from wetgate.surfaces.ofxhost.profiles import Profile
from wetgate.surfaces.ofxhost.properties import PropertySet
from wetgate.surfaces.ofxhost.violations import Report
from wetgate.surfaces.ofxhost.vocabulary import PARAM_VALUES, param_properties

_EMPTY: dict[str, Any] = {"i": 0, "d": 0.0, "s": ""}
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
_FLOAT_MAX = 3.4028234663852886e38  # FLT_MAX: what hosts use for "no limit"


class Parameter:
    """One parameter. ``letter`` and ``count`` say what its value is: ``d``, 3 is a colour; count 0 has no value."""

    def __init__(self, name: str, param_type: str, profile: Profile, report: Report, kind: str) -> None:
        self.name = name
        self.type = param_type
        self.letter, self.count = PARAM_VALUES[param_type]
        self.props = PropertySet(f"parameter {name}", param_properties(param_type), profile, report)
        short = param_type.removeprefix("OfxParamType")
        animates = short.startswith(("Integer", "Double", "RGB"))
        self.props.put(OfxPropType=kind, OfxPropName=name, OfxParamPropType=param_type, OfxPropLabel=name)
        self.props.put(OfxParamPropSecret=0, OfxParamPropEnabled=1, OfxParamPropHint="", OfxParamPropParent="")
        self.props.put(OfxParamPropScriptName=name)
        if self.count:
            self.props.put(OfxParamPropPersistant=1, OfxParamPropEvaluateOnChange=1, OfxParamPropCanUndo=1)
            self.props.put(OfxParamPropAnimates=int(animates), OfxParamPropIsAnimating=0, OfxParamPropIsAutoKeying=0)
            self.props.put_list("OfxParamPropDefault", [_EMPTY[self.letter]] * self.count)
            self.props.put(OfxParamPropCacheInvalidation="OfxParamInvalidateValueChange")
        if animates:
            low, high = (_INT_MIN, _INT_MAX) if self.letter == "i" else (-_FLOAT_MAX, _FLOAT_MAX)
            for prefix in ("", "Display"):
                self.props.put_list(f"OfxParamProp{prefix}Min", [low] * self.count)
                self.props.put_list(f"OfxParamProp{prefix}Max", [high] * self.count)
        if short == "Group":
            self.props.put(OfxParamPropGroupOpen=1)

    @property
    def choices(self) -> list[str]:
        return [str(option) for option in self.props.all("OfxParamPropChoiceOption")]

    @property
    def default(self) -> tuple[Any, ...]:
        return tuple(self.props.all("OfxParamPropDefault"))


class ParameterInstance(Parameter):
    """A parameter of an instance: a value, or keys by time, linear between them (held, for what has no middle)."""

    def __init__(self, declared: Parameter, profile: Profile, report: Report) -> None:
        super().__init__(declared.name, declared.type, profile, report, "OfxTypeParameterInstance")
        declared.props.copy_to(self.props)
        self.props.put(OfxPropType="OfxTypeParameterInstance")
        self.handle = 0
        self._value = declared.default
        self._keys: dict[float, tuple[Any, ...]] = {}
        self._lock = threading.Lock()

    def get(self, time: float) -> tuple[Any, ...]:
        with self._lock:
            if not self._keys:
                return self._value
            times = sorted(self._keys)
            place = bisect.bisect_right(times, time)
            if place == 0:
                return self._keys[times[0]]
            if place == len(times) or self.letter != "d":
                return self._keys[times[place - 1]]
            before, after = times[place - 1], times[place]
            share = (time - before) / (after - before)
            pairs = zip(self._keys[before], self._keys[after], strict=True)
            return tuple(a + (b - a) * share for a, b in pairs)

    def set(self, value: tuple[Any, ...], time: float | None = None) -> None:
        """The value, or a key at ``time``."""
        with self._lock:
            if time is None:
                self._value = value
                self._keys.clear()
            else:
                self._keys[time] = value
        self.props.put(OfxParamPropIsAnimating=int(bool(self._keys)))

    @property
    def keys(self) -> list[float]:
        with self._lock:
            return sorted(self._keys)

    def delete_keys(self, time: float | None = None) -> bool:
        """One key, or all; whether there was one."""
        with self._lock:
            had = bool(self._keys) if time is None else time in self._keys
            if time is None:
                self._keys.clear()
            else:
                self._keys.pop(time, None)
        self.props.put(OfxParamPropIsAnimating=int(bool(self._keys)))
        return had

    def accept(self, given: Any) -> tuple[Any, ...]:
        """A value from text or Python: a choice by its label or place, several numbers by a list or by commas.

        Raises :class:`~wetgate.spec.UsageError` where the parameter cannot hold it.
        """
        if not self.count:
            raise UsageError(f"{self.name} has no value", where=self.name, remedy="a button is pressed by the host")
        if self.type in ("OfxParamTypeChoice", "OfxParamTypeStrChoice"):
            return (self._choice(given),)
        if self.letter == "s":
            return (str(given),)
        if self.type == "OfxParamTypeBoolean" and str(given).lower() in ("true", "false", "yes", "no", "on", "off"):
            return (int(str(given).lower() in ("true", "yes", "on")),)
        parts = given.split(",") if isinstance(given, str) else given
        listed = list(parts) if isinstance(parts, (list, tuple)) else [parts]
        if len(listed) != self.count:
            raise UsageError(f"{self.name} is {given!r}", where=self.name, allowed=f"{self.count} numbers")
        try:
            numbers = tuple(int(n) if self.letter == "i" else float(n) for n in listed)
        except (TypeError, ValueError):
            kind = "whole numbers" if self.letter == "i" else "numbers"
            raise UsageError(f"{self.name} is {given!r}", where=self.name, allowed=kind) from None
        for number, low, high in zip(
            numbers,
            self.props.all("OfxParamPropMin") or list(numbers),
            self.props.all("OfxParamPropMax") or list(numbers),
            strict=True,
        ):
            if not low <= number <= high:
                raise UsageError(f"{self.name} is {number}", where=self.name, allowed=f"{low} to {high}")
        return numbers

    def _choice(self, given: Any) -> Any:
        names = self.choices
        if self.type == "OfxParamTypeStrChoice":
            ids = [str(i) for i in self.props.all("OfxParamPropChoiceEnum")] or names
            if given in ids:
                return given
            names = ids
        elif isinstance(given, int) or str(given).isdigit():
            if int(given) < len(names):
                return int(given)
        elif given in names:
            return names.index(given)
        raise UsageError(
            f"{self.name} is {given!r}",
            where=self.name,
            allowed=", ".join(names),
            remedy=suggest(str(given), names),
        )


def check_declaration(p: Parameter, names: set[str], add: Any) -> None:
    """Report what a finished declaration gets wrong; ``names`` are all parameters of the plug-in."""
    clause = "ofxParam.h, parameter properties"
    if p.type in ("OfxParamTypeChoice", "OfxParamTypeStrChoice") and not p.choices:
        add(clause, f"choice {p.name} has no options")
    if p.type == "OfxParamTypeChoice" and p.choices and not 0 <= p.default[0] < len(p.choices):
        add(clause, f"choice {p.name} has default {p.default[0]}, and options 0 to {len(p.choices) - 1}")
    low, high = p.props.all("OfxParamPropMin"), p.props.all("OfxParamPropMax")
    for value, least, most in zip(p.default, low, high, strict=False):
        if not least <= value <= most:
            add(clause, f"{p.name} has default {value}, outside its range of {least} to {most}")
    touched = p.props.touched
    hard = {"OfxParamPropMin", "OfxParamPropMax"} & touched
    soft = {"OfxParamPropDisplayMin", "OfxParamPropDisplayMax"} & touched
    if low and bool(hard) != bool(soft):
        add(clause, f"{p.name} sets only one of range and display range; DaVinci Resolve wants both", "", "advice")
    parent = p.props.one("OfxParamPropParent")
    if parent and parent not in names:
        add(clause, f"{p.name} has parent {parent!r}, which is no parameter")
    for child in p.props.all("OfxParamPropPageChild"):
        if child not in names and child not in ("OfxParamPageSkipRow", "OfxParamPageSkipColumn"):
            add(clause, f"page {p.name} has child {child!r}, which is no parameter")
    if p.type in ("OfxParamTypeInteger2D", "OfxParamTypeInteger3D"):
        add("host notes", f"{p.name} is {p.type}, which has crashed DaVinci Resolve", "", "advice")
