"""What a damage model is: declared once, with typed parameters, a working space and its ground truth.

A model is a class with :func:`~wetgate.spec.param` attributes and one method. Most work frame by frame::

    @damage(id="flicker", label="Flicker", space="scene", version=1)
    class Flicker:
        \"""What it does, its formula, its source.\"""
        gain: float = param(0.05, lo=0, hi=1, hint="Standard deviation of the gain, in stops.")

        def apply(self, frame: Frame, random: Stream) -> Damaged: ...

A codec needs a run of frames in order: ``sequence=True`` and ``run(self, frames, random)``. ``neutral(self)`` may
say that the parameters do nothing, and the frame then passes bit for bit, without a colour hop.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from wetgate.ops.random import Stream
from wetgate.spec import Frame, Image, Param, UsageError, Value, suggest
from wetgate.spec.node import SPACES, Space
from wetgate.spec.params import Declared, checked_values

T = TypeVar("T")
_ID = re.compile(r"[a-z][a-z0-9_]*\Z")
_models: dict[str, Model] = {}


@dataclass(frozen=True, slots=True)
class Damaged:
    """A damaged frame and what is known about its damage: masks, offsets, gains, PSFs, quantisers, by name."""

    frame: Frame
    truth: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame's pixels lie in the full picture: random fields are addressed by it, so that tiles agree.

    (x, y) is the first pixel counted from the display window's corner; ``full_*`` is the display window's size.
    """

    x: int
    y: int
    width: int
    height: int
    full_width: int
    full_height: int

    @classmethod
    def of(cls, frame: Frame) -> Place:
        window, display = frame.window, frame.display
        return cls(
            window.x - display.x, window.y - display.y, window.width, window.height, display.width, display.height
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A declared damage model. ``space`` is one of the working spaces of :mod:`wetgate.spec.frame`.

    ``sequence`` models take a run of frames in order; ``resizes`` ones may give back frames of another size.
    """

    id: str
    label: str
    space: str
    version: int
    help: str
    params: Mapping[str, Param]
    cls: type[Any]
    sequence: bool
    resizes: bool

    def values(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Checked values of all parameters, defaults filled in. All problems are raised at once."""
        return checked_values(self.id, self.params, given)

    def make(self, given: Mapping[str, object] | None = None) -> Any:
        """An instance of the model's class with these parameters as attributes."""
        instance = object.__new__(self.cls)
        for name, value in self.values(given or {}).items():
            object.__setattr__(instance, name, value)
        return instance

    def run(
        self, frames: Iterable[Frame], random: Stream, given: Mapping[str, object] | None = None
    ) -> Iterator[Damaged]:
        """Damage frames that are in the model's working space, in order."""
        instance = self.make(given)
        if self.sequence:
            yield from instance.run(iter(frames), random)
            return
        for frame in frames:
            yield instance.apply(frame, random)

    def is_neutral(self, given: Mapping[str, object] | None = None) -> bool:
        """Whether these parameters leave every frame as it is."""
        instance = self.make(given)
        return bool(instance.neutral()) if hasattr(instance, "neutral") else False

    @property
    def summary(self) -> str:
        """The first sentence of the help."""
        return self.help.split("\n\n")[0].replace("\n", " ")


def damage(
    *, id: str, label: str, space: Space, version: int, sequence: bool = False, resizes: bool = False
) -> Callable[[type[T]], type[T]]:
    """Declare a damage model. The declaration is checked at import; a contradiction is a :class:`TypeError`."""

    def declare(cls: type[T]) -> type[T]:
        made = Model(
            id=id,
            label=label,
            space=SPACES[space],
            version=version,
            help=inspect.cleandoc(cls.__doc__ or ""),
            params=_collect(cls),
            cls=cls,
            sequence=sequence,
            resizes=resizes,
        )
        _demand_sound(made)
        _models[id] = made
        return cls

    return declare


def models() -> Mapping[str, Model]:
    """All damage models by id, in order of declaration."""
    return MappingProxyType(_models)


def get(model_id: str) -> Model:
    """The model of that id, or a :class:`UsageError` that suggests the right one."""
    if model_id not in _models:
        raise UsageError(f"there is no damage model {model_id!r}", remedy=suggest(model_id, _models))
    return _models[model_id]


def spatially(frame: Frame, work: Callable[[Image], Image]) -> Image:
    """``work`` on the frame's colour, for models that mix neighbouring pixels or move them.

    Where alpha is below one the associated picture is what is worked, and colour is divided by alpha again: a nearly
    transparent pixel's colour may be anything, and must not reach its neighbours at full strength. Where alpha is 0,
    colour is worked as it is.
    """
    alpha = frame.alpha
    if alpha is None or bool((alpha == 1).all()):
        return work(frame.rgb)
    weight = np.where(alpha > 0, alpha, np.float32(1))[..., None]
    return np.asarray(work(frame.rgb * weight) / weight, dtype=np.float32)


def apply(model_id: str, frames: Frame | Iterable[Frame], seed: int = 0, **params: object) -> Iterator[Damaged]:
    """One model on frames that are in its working space already: ``apply("grain", frame, seed=3, rms=12.0)``.

    The same pixels as the recipe of that one step gives. A single frame may be given as it is.
    """
    run = [frames] if isinstance(frames, Frame) else frames
    return get(model_id).run(run, Stream.of(seed, model_id), params)


def _collect(cls: type[Any]) -> dict[str, Param]:
    annotations = typing.get_type_hints(cls)
    found = {}
    for name, value in vars(cls).items():
        if isinstance(value, Declared):
            if name not in annotations:
                raise TypeError(f"{cls.__name__}.{name}: a parameter needs an annotation")
            found[name] = value.named(name, annotations[name])
    return found


def _demand_sound(made: Model) -> None:
    if not _ID.match(made.id):
        raise TypeError(f"damage id {made.id!r}: lower-case letters, digits and _ only")
    known = _models.get(made.id)
    if known is not None and known.cls.__qualname__ != made.cls.__qualname__:
        raise TypeError(f"damage id {made.id!r} is declared twice: {known.cls.__module__} and {made.cls.__module__}")
    if len(made.help) < 80:
        raise TypeError(f"{made.id}: the docstring must say what the model does, by what formula, from which source")
    name, arguments = ("run", ["self", "frames", "random"]) if made.sequence else ("apply", ["self", "frame", "random"])
    method = getattr(made.cls, name, None)
    if method is None or list(inspect.signature(method).parameters) != arguments:
        raise TypeError(f"{made.id}: needs {name}({', '.join(arguments)})")
