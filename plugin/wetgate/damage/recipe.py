"""Recipes: chains of damage models, as the command line, YAML files and records write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from wetgate.damage.model import Damaged, Model, get, models
from wetgate.ops.random import Stream
from wetgate.spec import Frame, UsageError, Value, WetgateError, raise_all, suggest

Convert = Callable[[Frame, str], Frame]
SCHEMA = "wetgate.recipe/1"


@dataclass(frozen=True, slots=True)
class Step:
    """One model with checked values of all its parameters. ``name`` is unique in the recipe: "grain", "grain.2"."""

    model: Model
    params: Mapping[str, Value]
    name: str

    @property
    def neutral(self) -> bool:
        return self.model.is_neutral(self.params)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A chain of damage models, applied in order.

    Random numbers of a step hang on (seed, step name, frame number, place), not on the steps before it.
    """

    steps: tuple[Step, ...]
    name: str = ""
    about: str = field(default="", compare=False)

    @classmethod
    def of(cls, *steps: tuple[str, Mapping[str, object]], name: str = "", about: str = "") -> Recipe:
        """A recipe of (model id, parameters) pairs. All problems of all steps are raised at once."""
        problems: list[WetgateError] = []
        made: list[Step] = []
        counts: dict[str, int] = {}
        for place, (model_id, given) in enumerate(steps):
            try:
                model = get(model_id)
                values = model.values(given)
            except WetgateError as error:
                problems.append(error.at(f"recipe.steps[{place}]"))
                continue
            counts[model_id] = counts.get(model_id, 0) + 1
            step_name = model_id if counts[model_id] == 1 else f"{model_id}.{counts[model_id]}"
            made.append(Step(model, values, step_name))
        raise_all(problems)
        return cls(tuple(made), name, about)

    @classmethod
    def parse(cls, *texts: str) -> Recipe:
        """One recipe of what a user typed: models, shipped recipes and recipe files, in order.

        ``fade:amount=0.5,stain=0.1`` is a model with parameters; ``archive-film`` a shipped recipe, whose
        parameters are reached as ``archive-film:grain.amount=0.5``; ``mine.yaml`` a file like the shipped ones.
        """
        pairs: list[tuple[str, Mapping[str, object]]] = []
        problems: list[WetgateError] = []
        names, about = [], ""
        for text in texts:
            head, given = _split(text)
            try:
                if head in models():
                    pairs.append((head, _typed(get(head), given)))
                    continue
                named = _named(head)
                pairs.extend(_overridden(named, given))
                names.append(named.name)
                about = named.about
            except WetgateError as error:
                problems.append(error)
        raise_all(problems)
        alone = len(names) == len(texts) == 1
        return cls.of(*pairs, name=names[0] if alone else "", about=about if alone else "")

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """The recipe of a YAML file: ``steps`` is a list of ``model: {parameter: value}``."""
        return _read(str(path), Path(path).read_text(encoding="utf-8"))

    def record(self) -> dict[str, Any]:
        """The recipe as JSON-able data, every parameter written out: :meth:`from_record` makes it again."""
        steps = [
            {"model": s.model.id, "version": s.model.version, "params": {k: _plain(v) for k, v in s.params.items()}}
            for s in self.steps
        ]
        return {"schema": SCHEMA, "name": self.name, "steps": steps}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Recipe:
        """The recipe of :meth:`record`; refused where a model is of another version than the one recorded."""
        if record.get("schema") != SCHEMA:
            raise UsageError(f"recipe schema is {record.get('schema')!r}", where="recipe.schema", allowed=SCHEMA)
        pairs = []
        for place, entry in enumerate(record["steps"]):
            model = get(entry["model"])
            if entry["version"] != model.version:
                raise UsageError(
                    f"damage model {model.id} is version {model.version}, recorded was {entry['version']}",
                    where=f"recipe.steps[{place}]",
                    remedy="use the release that wrote the record",
                )
            pairs.append((model.id, dict(entry["params"])))
        return cls.of(*pairs, name=str(record.get("name", "")))

    def apply(self, frames: Iterable[Frame], seed: int, convert: Convert) -> Iterator[Frame]:
        """Damage a run of frames, in order, each given back in the colour space that it came in.

        ``convert(frame, space)`` brings a frame into a working space or back. Steps that do nothing are passed over.
        """
        return (damaged.frame for damaged in self.apply_with_truth(frames, seed, convert))

    def apply_with_truth(self, frames: Iterable[Frame], seed: int, convert: Convert) -> Iterator[Damaged]:
        """Like :meth:`apply`, with what each step knows of its damage: ``truth[step name][key]``."""
        active = [step for step in self.steps if not step.neutral]
        came_in: list[str] = []
        flow: Iterator[Damaged] = (Damaged(frame) for frame in _noting(frames, came_in))
        for step in active:
            flow = _run(step, flow, Stream.of(seed, step.name), convert)
        for damaged in flow:
            space = came_in.pop(0)
            yield Damaged(_hop(damaged.frame, space, convert), damaged.truth)


def recipes() -> Mapping[str, Recipe]:
    """The shipped recipes by name."""
    folder = files("wetgate.damage").joinpath("recipes")
    return {
        Path(f.name).stem: _read(f.name, f.read_text(encoding="utf-8"))
        for f in sorted(folder.iterdir(), key=lambda f: f.name)
        if f.name.endswith(".yaml")
    }


def _noting(frames: Iterable[Frame], spaces: list[str]) -> Iterator[Frame]:
    for frame in frames:
        spaces.append(frame.space)
        yield frame


def _run(step: Step, flow: Iterator[Damaged], random: Stream, convert: Convert) -> Iterator[Damaged]:
    known: list[Mapping[str, Any]] = []

    def source() -> Iterator[Frame]:
        for damaged in flow:
            known.append(damaged.truth)
            yield _hop(damaged.frame, step.model.space, convert)

    for damaged in step.model.run(source(), random, step.params):
        yield Damaged(damaged.frame, {**known.pop(0), step.name: dict(damaged.truth)})


def _hop(frame: Frame, space: str, convert: Convert) -> Frame:
    return frame if frame.space == space else convert(frame, space)


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _split(text: str) -> tuple[str, dict[str, str]]:
    """("fade", {"cyan": "0.5"}) of "fade:cyan=0.5"; commas inside a value stay with it."""
    head, _, tail = text.strip().partition(":")
    given: dict[str, str] = {}
    last = ""
    for part in tail.split(",") if tail else ():
        name, equals, value = part.partition("=")
        if equals:
            last = name.strip()
            given[last] = value.strip()
        elif last:
            given[last] += "," + part.strip()
        else:
            raise UsageError(
                f"{part!r} in {text!r} is no parameter", where="recipe", allowed="model:name=value,name=value"
            )
    return head.strip(), given


def _typed(model: Model, given: Mapping[str, str]) -> dict[str, object]:
    problems: list[WetgateError] = []
    values: dict[str, object] = {}
    for name, text in given.items():
        if name not in model.params:
            remedy = suggest(name, model.params)
            problems.append(
                UsageError(f"{model.id} has no parameter {name!r}", where=f"recipe.{model.id}", remedy=remedy)
            )
            continue
        try:
            values[name] = model.params[name].parse(text)
        except WetgateError as error:
            problems.append(error.at(f"recipe.{model.id}"))
    raise_all(problems)
    return values


def _named(head: str) -> Recipe:
    if head.endswith((".yaml", ".yml")):
        if not Path(head).is_file():
            raise UsageError(f"there is no recipe file {head!r}", where="recipe", remedy="check the path")
        return Recipe.load(head)
    shipped = recipes()
    if head not in shipped:
        raise UsageError(
            f"{head!r} is neither a damage model nor a recipe",
            where="recipe",
            remedy=suggest(head, [*models(), *shipped]),
        )
    return shipped[head]


def _overridden(recipe: Recipe, given: Mapping[str, str]) -> list[tuple[str, Mapping[str, object]]]:
    params: dict[str, dict[str, object]] = {step.name: dict(step.params) for step in recipe.steps}
    by_name = {step.name: step.model for step in recipe.steps}
    problems: list[WetgateError] = []
    for key, text in given.items():
        step_name, dot, param_name = key.rpartition(".")
        if not dot or step_name not in by_name:
            known = [f"{s.name}.{p}" for s in recipe.steps for p in s.model.params]
            problems.append(
                UsageError(f"{recipe.name} has no {key!r}", where=f"recipe.{recipe.name}", remedy=suggest(key, known))
            )
            continue
        try:
            params[step_name].update(_typed(by_name[step_name], {param_name: text}))
        except WetgateError as error:
            problems.append(error)
    raise_all(problems)
    return [(step.model.id, params[step.name]) for step in recipe.steps]


def _read(where: str, text: str) -> Recipe:
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{where} is not YAML: {' '.join(str(error).split())}", where=where) from None
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        raise UsageError(f"{where} is no recipe", where=where, allowed="a mapping with a list 'steps'")
    return Recipe.of(
        *_pairs(where, document["steps"]),
        name=str(document.get("name", Path(where).stem)),
        about=" ".join(str(document.get("about", "")).split()),
    )


def _pairs(where: str, steps: Sequence[Any]) -> list[tuple[str, Mapping[str, object]]]:
    pairs: list[tuple[str, Mapping[str, object]]] = []
    for place, entry in enumerate(steps):
        if isinstance(entry, str):
            pairs.append((entry, {}))
        elif isinstance(entry, dict) and len(entry) == 1 and isinstance(next(iter(entry.values())) or {}, dict):
            ((model_id, given),) = entry.items()
            pairs.append((str(model_id), {str(k): _from_yaml(v) for k, v in (given or {}).items()}))
        else:
            raise UsageError(
                f"step {entry!r} is not 'model: {{parameter: value}}'",
                where=f"{where}.steps[{place}]",
                remedy="write one model a step",
            )
    return pairs


def _from_yaml(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
