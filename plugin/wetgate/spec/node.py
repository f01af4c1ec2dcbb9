"""The ``@node`` decorator: one class in one file declares a node, and everything else is derived from it."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from wetgate.spec.coherent import Coherent
from wetgate.spec.frame import DENSITY, DISPLAY, SCENE, VIDEO
from wetgate.spec.params import Declared, Param, Value, checked_values, param

Space = Literal["scene", "density", "display", "video"]
SPACES: dict[str, str] = {"scene": SCENE, "density": DENSITY, "display": DISPLAY, "video": VIDEO}

T = TypeVar("T")
_ID = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Node:
    """A declared node: its identity, its parameters in order, and the class that renders it.

    ``analyzes`` marks one with a whole-shot pass, whose results the class's ``summary`` says in a sentence. For given
    parameters, ``needs_analysis`` says whether the result rests on what that finds (not, where all of it is told by
    hand), ``own_reach`` gives r of the temporal window t-r..t+r that ``render`` is given, ``reach`` that of all frames
    that the result depends on (more, where the node is ``coherent``), ``enlarges`` the factor by which the result is
    wider and higher than the picture, and ``pointwise`` says whether each output pixel depends on the same input pixel
    alone (such a chain can be baked into a LUT).
    ``neighbourhood`` is how many pixels around its own a result pixel is made from, bit for bit, its place in the
    display window known; None where it takes the whole picture.
    ``views`` are its named AOVs with a sentence each. ``hdr_output`` marks a node whose result needs an output space
    that can hold more than the input's; ``synthesises`` one that can put in what the input does not determine;
    ``codec_data`` one that reads from ``Frame.codec`` how the decoder found each block coded. ``references`` says what
    a reference picture tells the node's analysis; "" where it looks at none. ``splits`` marks a node that takes grain
    off; ``plates`` says whether, for given parameters, one is about the picture before such a step: its analysis sees
    that, and what was taken off is handed to it (:class:`~wetgate.spec.Split`). ``analysed_since`` is the earliest
    version whose analysis still fits; this version, where it is not declared. ``analysis_frames`` picks, of a shot's
    frame numbers, those that the pass before a render has to read, where that is not all of them. ``finishing``
    names the parameters that ``finish`` alone reads: a frame is rendered once for all of their values.
    """

    id: str
    label: str
    space: str
    version: int
    help: str
    params: Mapping[str, Param]
    cls: type[Any]
    analyzes: bool
    needs_analysis: Callable[[Any], bool]
    views: Mapping[str, str]
    hdr_output: bool
    synthesises: bool
    references: str
    codec_data: bool
    analysed_since: int
    analysis_frames: Callable[[Sequence[int]], Sequence[int]] | None
    coherent: Coherent | None
    finishing: frozenset[str]
    own_reach: Callable[[Any], int]
    pointwise: Callable[[Any], bool]
    neighbourhood: Callable[[Any], int | None]
    enlarges: Callable[[Any], float]
    splits: bool
    plates: Callable[[Any], bool]

    def fused_reach(self, instance: Any) -> int:
        """r of the results t-r..t+r that the engine fuses into one."""
        return self.coherent.reach(instance) if self.coherent is not None else 0

    def reach(self, instance: Any) -> int:
        """How many frames on either side the result depends on."""
        return self.own_reach(instance) + self.fused_reach(instance)

    @property
    def prepares(self) -> bool:
        """Whether the class has ``prepare(self, frame, ctx) -> Frame``: work on one frame alone, done once a frame and
        handed to every window that the frame is in."""
        return hasattr(self.cls, "prepare")

    @property
    def settles(self) -> bool:
        """Whether the class has ``within_bound(self, source, result, ctx) -> Frame``, which brings a result that was
        fused with others back within the node's :class:`~wetgate.spec.Bound`."""
        return hasattr(self.cls, "within_bound")

    @property
    def finishes(self) -> bool:
        """Whether the class has ``finish(self, source, made, ctx) -> Result``: what its parameters leave of what
        ``render`` made of the frame ``source``. It comes after results are fused, so that what a parameter keeps of the
        footage is not averaged away."""
        return hasattr(self.cls, "finish")

    @property
    def imports(self) -> bool:
        """Whether the class has ``imported(self, text) -> results | None``: its analysis from a file of another kind,
        None where it does not know the file."""
        return hasattr(self.cls, "imported")

    def takes_analysis_of(self, version: int) -> bool:
        """Whether an analysis by that version of the node fits this one."""
        return self.analysed_since <= version <= self.version

    def values(self, given: Mapping[str, object], version: int | None = None) -> dict[str, Value]:
        """Checked values of all parameters, defaults filled in. All problems are raised at once.

        ``version`` is the node version that ``given`` was saved by: a parameter that came later takes its ``legacy``
        value, so that an old project keeps its picture.
        """
        saved_by = self.version if version is None else version
        later = {name: _legacy(p) for name, p in self.params.items() if p.since > saved_by}
        return checked_values(self.id, self.params, given, later)

    def make(self, given: Mapping[str, object] | None = None) -> Any:
        """An instance of the node's class with these parameters as attributes."""
        return self.bind(self.values(given or {}))

    def bind(self, values: Mapping[str, Value]) -> Any:
        """An instance from values that :meth:`values` has already checked."""
        instance = object.__new__(self.cls)
        for name in self.params:
            object.__setattr__(instance, name, values[name])
        return instance

    def schema(self) -> dict[str, Any]:
        """The node as plain JSON: what ``wetgate nodes --json`` prints and the OFX bundle compiles in."""
        return {
            "id": self.id,
            "label": self.label,
            "space": next(short for short, name in SPACES.items() if name == self.space),
            "version": self.version,
            "help": self.help,
            "analyzes": self.analyzes,
            "hdr_output": self.hdr_output,
            "synthesises": self.synthesises,
            "coherent": self.coherent is not None,
            "references": self.references,
            "views": dict(self.views),
            "params": [_param_schema(p) for p in self.params.values()],
        }


def _legacy(p: Param) -> Value:
    assert p.legacy is not None  # the declaration demands it where since > 1
    return p.check(p.legacy)


def _param_schema(p: Param) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": p.id, "kind": p.kind, "label": p.label, "default": p.default, "hint": p.hint}
    if isinstance(p.default, tuple):
        entry["default"] = list(p.default)
    for name in ("lo", "hi", "unit", "group", "legacy"):
        if getattr(p, name) not in (None, ""):
            entry[name] = getattr(p, name)
    if p.soft is not None:
        entry["soft"] = list(p.soft)
    if p.choices is not None:
        entry["choices"] = [{"id": i, "label": label} for i, label in p.choices.items()]
    entry["animates"] = p.animates
    entry["since"] = p.since
    return entry


_COMMON: dict[str, tuple[type, Declared]] = {
    "mix": (
        float,
        param(
            1.0,
            lo=0,
            hi=1,
            group="Common",
            hint="Blends the result with the node's input; 0 is the input, exactly.",
            render_only=True,
        ),
    ),
}
_FIDELITY = param(
    "faithful",
    choices={"forensic": "Forensic", "faithful": "Faithful", "pleasing": "Pleasing"},
    group="Common",
    hint="How far the node may go beyond what the input determines; forensic permits no synthesised detail.",
)


def node(
    *,
    id: str,
    label: str,
    space: Space,
    version: int,
    analyzes: bool | Callable[[Any], bool] = False,
    views: Mapping[str, str] | None = None,
    hdr_output: bool = False,
    synthesises: bool = False,
    references: str = "",
    codec_data: bool = False,
    analysed_since: int = 0,
    analysis_frames: Callable[[Sequence[int]], Sequence[int]] | None = None,
    reach: int | Callable[[Any], int] = 0,
    pointwise: bool | Callable[[Any], bool] = False,
    neighbourhood: int | Callable[[Any], int | None] | None = None,
    enlarges: float | Callable[[Any], float] = 1,
    coherent: bool | Coherent = False,
    splits: bool = False,
    plates: bool | Callable[[Any], bool] = False,
    finishing: Iterable[str] = (),
) -> Callable[[type[T]], type[T]]:
    """Declare a node. The class body holds parameters (:func:`param`), a docstring, ``render``, maybe ``analyze`` with
    ``summary``, ``prepare`` and ``finish``.

    The declaration is checked against the class here, at import: a contradiction is a :class:`TypeError`.
    Every node gets ``mix`` and ``view`` beside its own parameters, and must declare ``strength``, whose 0 means "the
    input, bit for bit" (the engine sees to that and does not call ``render``). One that ``synthesises`` what the input
    does not determine gets ``fidelity``. One that works frame by frame and is ``coherent`` gets ``coherence``,
    ``coherence_radius`` and a view of its effect: the engine fuses its results along the motion of the picture
    (:class:`Coherent` has the choices). ``analyzes`` may say for which parameters the analysis is needed.
    ``analysis_frames`` spares a render from reading a whole shot of which ``analyze`` looks at some frames only: it
    picks them, and picks all of what it has picked. What such an analysis finds has no cuts.
    """

    def declare(cls: type[T]) -> type[T]:
        from wetgate.spec import registry

        cohering = Coherent() if coherent is True else coherent or None
        own_views = dict(views or {}) | (cohering.views() if cohering is not None else {})
        made = Node(
            id=id,
            label=label,
            space=SPACES[space],
            version=version,
            help=inspect.cleandoc(cls.__doc__ or ""),
            params=_collect(cls, own_views, synthesises, cohering),
            cls=cls,
            analyzes=callable(analyzes) or analyzes,
            needs_analysis=analyzes if callable(analyzes) else _constant(analyzes),
            views=own_views,
            hdr_output=hdr_output,
            synthesises=synthesises,
            references=references,
            codec_data=codec_data,
            analysed_since=analysed_since or version,
            analysis_frames=analysis_frames,
            coherent=cohering,
            finishing=frozenset(finishing),
            own_reach=reach if callable(reach) else _constant(reach),
            pointwise=pointwise if callable(pointwise) else _constant(pointwise),
            neighbourhood=_neighbourhood(neighbourhood, pointwise, cohering),
            enlarges=enlarges if callable(enlarges) else _constant(enlarges),
            splits=splits,
            plates=plates if callable(plates) else _constant(plates),
        )
        _demand_sound(made)
        registry.register(made)
        return cls

    return declare


def _neighbourhood(
    declared: int | Callable[[Any], int | None] | None,
    pointwise: bool | Callable[[Any], bool],
    coherent: Coherent | None,
) -> Callable[[Any], int | None]:
    """What was declared; else no pixel around its own where a node is pointwise, and the whole picture elsewhere and
    where results are fused, whose motion is that of the picture."""

    def alone(instance: Any) -> int | None:
        if declared is not None:
            return declared(instance) if callable(declared) else declared
        return 0 if (pointwise(instance) if callable(pointwise) else pointwise) else None

    if coherent is None:
        return alone
    return lambda instance: None if coherent.reach(instance) else alone(instance)


def _constant(value: T) -> Callable[[Any], T]:
    return lambda _instance: value


def _collect(
    cls: type[Any], views: Mapping[str, str], synthesises: bool, coherent: Coherent | None
) -> dict[str, Param]:
    annotations = typing.get_type_hints(cls)
    found: dict[str, Param] = {}
    for name, value in list(vars(cls).items()):
        if isinstance(value, Declared):
            if name not in annotations:
                raise TypeError(f"{cls.__name__}.{name}: a parameter needs an annotation")
            found[name] = value.named(name, annotations[name])
        elif name in annotations and not name.startswith("_"):
            raise TypeError(f"{cls.__name__}.{name} is annotated but not declared with param(...)")
    for name in annotations:
        if name not in vars(cls) and not name.startswith("_"):
            raise TypeError(f"{cls.__name__}.{name} is annotated but not declared with param(...)")
    common = (dict(coherent.params()) if coherent is not None else {}) | _COMMON
    if synthesises:
        common["fidelity"] = (str, _FIDELITY)
    choices = {"result": "Result", "difference": "Difference"} | {n: n.replace("_", " ").capitalize() for n in views}
    common["view"] = (
        str,
        param(
            "result",
            choices=choices,
            group="Common",
            hint="What the node puts out: its result, or a diagnostic.",
            render_only=True,
        ),
    )
    for name, (kind, declared) in common.items():
        if name in found:
            raise TypeError(f"{cls.__name__}.{name}: this parameter comes with every node")
        found[name] = declared.named(name, kind)
    return found


def _demand_sound(made: Node) -> None:
    cls = made.cls
    if not _ID.match(made.id):
        raise TypeError(f"node id {made.id!r}: lower-case letters, digits and _ only")
    if len(made.help) < 80:
        raise TypeError(f"{made.id}: the docstring must say what the node does, by what method, from which sources")
    strength = made.params.get("strength")
    if strength is None or strength.kind != "float" or strength.lo != 0:
        raise TypeError(f"{made.id}: a node declares strength: float with lo=0")
    if not 1 <= made.analysed_since <= made.version:
        raise TypeError(f"{made.id}: analysed_since lies from 1 to the node's version")
    if made.version < 1 or any(p.since > made.version for p in made.params.values()):
        raise TypeError(f"{made.id}: a parameter's since may not exceed the node's version")
    wanted = [("render", ["self", "frames", "ctx"])]
    if made.analyzes:
        wanted += [("analyze", ["self", "shot", "ctx"]), ("summary", ["self", "results"])]
    elif hasattr(cls, "analyze"):
        raise TypeError(f"{made.id}: has analyze() but is not declared with analyzes=True")
    if made.coherent is not None and hasattr(cls, "bound") and not (made.settles or made.finishes):
        raise TypeError(
            f"{made.id}: fused results may leave its bound: it needs within_bound(self, source, result, ctx) or finish"
        )
    if made.finishing and not (made.finishes and made.finishing <= made.params.keys()):
        raise TypeError(f"{made.id}: finishing names parameters that its finish(self, source, made, ctx) reads")
    if made.settles:
        wanted.append(("within_bound", ["self", "source", "result", "ctx"]))
    if made.references and not made.analyzes:
        raise TypeError(f"{made.id}: references a picture in an analysis that it does not have")
    if made.finishes:
        wanted.append(("finish", ["self", "source", "made", "ctx"]))
    if made.prepares:
        wanted.append(("prepare", ["self", "frame", "ctx"]))
    for name, arguments in wanted:
        method = getattr(cls, name, None)
        if method is None or list(inspect.signature(method).parameters) != arguments:
            raise TypeError(f"{made.id}: needs {name}({', '.join(arguments)})")


@dataclass(frozen=True, slots=True)
class Call:
    """A node as a plain function: ``wetgate.nodes.hdr_lift(frames, peak=1000)``. See :func:`wetgate.run_node`."""

    node: Node
    runner: Callable[..., Any] = field(repr=False)

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return self.node.help

    def __call__(self, frames: Any, **params: Any) -> Any:
        return self.runner(self.node, frames, **params)
