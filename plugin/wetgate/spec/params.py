"""Parameter kinds: what a node's controls are made of, and the one place where values are checked.

A parameter is declared once, as a class attribute of a node (:mod:`wetgate.spec.node`); the command line's flags,
graph files, the JSON schema, documentation and OFX parameters are all derived from the :class:`Param` made here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from wetgate.spec.errors import UsageError, WetgateError, nearest, raise_all, suggest

Kind = Literal["float", "int", "bool", "choice", "text", "color", "point"]
KINDS: tuple[str, ...] = get_args(Kind)

Value = float | int | bool | str | tuple[float, ...]
RGB = tuple[float, float, float]
Point = tuple[float, float]

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}
_LENGTH = {"color": 3, "point": 2}
_ANNOTATION: dict[Any, Kind] = {float: "float", int: "int", bool: "bool", str: "text", RGB: "color", Point: "point"}


@dataclass(frozen=True, slots=True)
class Param:
    """One declared parameter.

    ``lo``/``hi`` are hard limits (inclusive, per component), ``soft`` the range that a slider shows. ``choices`` maps
    each permitted id to its label. ``since`` is the node version that brought the parameter; ``legacy`` the value
    that keeps the picture of a project saved before it. ``render_only`` says that the node's analysis does not look at
    it, so that a document still fits when it has moved. ``reads`` is what a text is for: it raises
    :class:`~wetgate.spec.UsageError` where the text is not of that form; the default is one that it can read.
    """

    id: str
    kind: Kind
    label: str
    default: Value
    lo: float | None = None
    hi: float | None = None
    soft: tuple[float, float] | None = None
    unit: str = ""
    hint: str = ""
    choices: Mapping[str, str] | None = None
    group: str = ""
    animates: bool = True
    since: int = 1
    legacy: Value | None = None
    render_only: bool = False
    reads: Callable[[str], object] | None = None

    def check(self, value: object) -> Value:
        """``value`` in the parameter's own type, or a :class:`UsageError` that names the allowed range."""
        if self.kind in ("color", "point"):
            return self._check_components(value)
        if self.kind == "bool":
            if isinstance(value, bool):
                return value
            raise self._wrong(value, "true or false")
        if self.kind in ("text", "choice"):
            return self._check_text(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(value, self.allowed())
        return self._in_range(value)

    def parse(self, text: str) -> Value:
        """The value that a user typed: ``0.5``, ``true``, ``bt2446a``, ``1,0.9,0.8``."""
        text = text.strip()
        if self.kind in ("text", "choice"):
            return self.check(text)
        if self.kind == "bool":
            if text.lower() in _TRUE | _FALSE:
                return text.lower() in _TRUE
            raise self._wrong(text, "true or false")
        try:
            if self.kind in ("color", "point"):
                return self.check(tuple(float(part) for part in text.split(",")))
            return self.check(float(text) if self.kind == "float" else int(text))
        except ValueError:
            raise self._wrong(text, self.allowed()) from None

    def allowed(self) -> str:
        """The permitted values in words, for messages and documentation."""
        if self.choices is not None:
            return ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        if self.kind == "text":
            return "text"
        what = {"int": "a whole number", "float": "a number"}.get(self.kind, f"{_LENGTH.get(self.kind, 1)} numbers")
        unit = f" {self.unit}" if self.unit else ""
        if self.lo is not None and self.hi is not None:
            return f"{what} from {self.lo:g} to {self.hi:g}{unit}"
        return what + unit

    def _check_components(self, value: object) -> Value:
        size = _LENGTH[self.kind]
        if not isinstance(value, (tuple, list)) or len(value) != size:
            raise self._wrong(value, self.allowed())
        if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in value):
            raise self._wrong(value, self.allowed())
        return tuple(float(self._in_range(v)) for v in value)

    def _check_text(self, value: object) -> str:
        if not isinstance(value, str):
            raise self._wrong(value, self.allowed())
        if self.choices is not None and value not in self.choices:
            raise UsageError(
                f"{self.id} is {value!r}",
                where=self.id,
                allowed=self.allowed(),
                remedy=nearest(value, self.choices) or "give one of them",
            )
        if self.reads is not None and value != self.default:
            self.reads(value)
        return value

    def _in_range(self, value: int | float) -> int | float:
        number = float(value)
        if not math.isfinite(number):
            raise self._wrong(value, self.allowed())
        if self.kind == "int":
            if number != int(number):
                raise self._wrong(value, self.allowed())
            result: int | float = int(value)
        else:
            result = number
        if (self.lo is not None and number < self.lo) or (self.hi is not None and number > self.hi):
            raise self._wrong(value, self.allowed())
        return result

    def _wrong(self, value: object, allowed: str) -> UsageError:
        return UsageError(
            f"{self.id} is {value!r}", where=self.id, allowed=allowed, remedy="give a value in that range"
        )


def param(
    default: Any,
    *,
    lo: float | None = None,
    hi: float | None = None,
    soft: tuple[float, float] | None = None,
    unit: str = "",
    hint: str,
    label: str = "",
    choices: Mapping[str, str] | None = None,
    group: str = "",
    animates: bool | None = None,
    since: int = 1,
    legacy: Value | None = None,
    render_only: bool = False,
    reads: Callable[[str], object] | None = None,
) -> Any:
    """Declare a parameter in a node's class body; its id and kind come from the attribute and its annotation."""
    return Declared(
        Param(
            id="",
            kind="choice" if choices is not None else "float",
            label=label,
            default=default,
            lo=lo,
            hi=hi,
            soft=soft,
            unit=unit,
            hint=hint,
            choices=choices,
            group=group,
            animates=animates if animates is not None else choices is None,
            since=since,
            legacy=legacy,
            render_only=render_only,
            reads=reads,
        )
    )


def checked_values(
    owner: str, params: Mapping[str, Param], given: Mapping[str, object], defaults: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """Values of all of ``params``: those given, checked, and the defaults of the others. All problems at once."""
    problems: list[WetgateError] = []
    result = {name: p.default for name, p in params.items()} | dict(defaults or {})
    for name, value in given.items():
        if name not in params:
            problems.append(UsageError(f"{owner} has no parameter {name!r}", where=name, remedy=suggest(name, params)))
            continue
        try:
            result[name] = params[name].check(value)
        except WetgateError as error:
            problems.append(error)
    raise_all(problems)
    return result


@dataclass(frozen=True, slots=True)
class Declared:
    """What :func:`param` leaves in a class body until ``@node`` gives it a name and a kind."""

    draft: Param

    def named(self, name: str, annotation: object) -> Param:
        """The finished parameter; a :class:`TypeError` where the declaration contradicts itself."""
        kind = "choice" if self.draft.choices is not None and annotation is str else _ANNOTATION.get(annotation)
        if kind is None:
            raise TypeError(f"parameter {name}: annotation {annotation!r} is none of float, int, bool, str, RGB, Point")
        made = replace(
            self.draft,
            id=name,
            kind=kind,
            label=self.draft.label or name.replace("_", " ").capitalize(),
            animates=self.draft.animates and kind != "text",
        )
        _demand_sound(made)
        return replace(made, default=made.check(made.default))


def _demand_sound(p: Param) -> None:
    if not p.id.isidentifier() or p.id != p.id.lower():
        raise TypeError(f"parameter {p.id!r}: ids are lower-case identifiers")
    if len(p.hint) < 10 or not p.hint.rstrip().endswith("."):
        raise TypeError(f"parameter {p.id}: hint must be a sentence that says what the control does")
    if p.kind in ("float", "int", "color", "point") and (p.lo is None or p.hi is None or p.lo >= p.hi):
        raise TypeError(f"parameter {p.id}: a {p.kind} needs lo < hi")
    if p.soft is not None and (p.lo is None or p.hi is None or not p.lo <= p.soft[0] < p.soft[1] <= p.hi):
        raise TypeError(f"parameter {p.id}: soft range must lie inside lo..hi")
    if p.choices is not None and (p.default not in p.choices or len(p.choices) < 2):
        raise TypeError(f"parameter {p.id}: default must be one of at least two choices")
    if p.since > 1 and p.legacy is None:
        raise TypeError(f"parameter {p.id}: since={p.since} needs a legacy value")
