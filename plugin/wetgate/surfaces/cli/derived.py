"""Commands that take another command's arguments: declared once, there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from typer.models import ArgumentInfo, OptionInfo

from wetgate.surfaces.cli.arguments import Here, Place

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Setting:
    """One argument of a command as it was given. ``flag`` is how it is typed ("" for a positional one), ``place`` what
    it names in the file system, ``default`` what it is where nobody says anything."""

    name: str
    flag: str
    value: Any
    default: Any
    help: str
    place: Place | None

    @property
    def given(self) -> bool:
        """Whether it says anything that the default does not."""
        return bool(self.value != self.default and self.value not in (None, []))


def takes_arguments_of(model: Command, without: Sequence[str] = ()) -> Callable[[Command], Command]:
    """A decorator: the command takes its own arguments, and those of ``model`` that are part of the job, as keywords.

    Arguments that ``model`` marks as :class:`~wetgate.surfaces.cli.arguments.Here` are left out, and those that the
    command declares itself.
    """

    def decorate(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True)
        mine = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
        known = {p.name for p in mine}
        theirs = [p for p in job_parameters(model) if p.name not in known and p.name not in without]
        every = [p.replace(kind=p.KEYWORD_ONLY) for p in (*theirs, *mine)]

        def run(**values: Any) -> None:
            command(**values)

        run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
        run.__signature__ = own.replace(parameters=every)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in every}
        return run

    return decorate


def job_parameters(model: Command) -> list[inspect.Parameter]:
    """The parameters of a command that are part of the job."""
    parameters = inspect.signature(model, eval_str=True).parameters.values()
    return [p for p in parameters if not any(isinstance(m, Here) for m in _metadata(p))]


def settings(model: Command, values: Mapping[str, Any]) -> list[Setting]:
    """The arguments of a job as they were given, in the order in which ``model`` declares them."""
    found = []
    for parameter in job_parameters(model):
        if parameter.name not in values:
            continue
        info = next(m for m in _metadata(parameter) if isinstance(m, OptionInfo | ArgumentInfo))
        place = next((m for m in _metadata(parameter) if isinstance(m, Place)), None)
        # Inside Annotated, typer keeps the first name of an option where its default would be.
        flags = [str(d) for d in (info.default, *(info.param_decls or ())) if str(d).startswith("-")]
        longest = max(flags, key=len, default="")
        default = None if parameter.default is parameter.empty else parameter.default
        found.append(
            Setting(parameter.name, longest, values[parameter.name], default, info.help or "", place),
        )
    return found


def _metadata(parameter: inspect.Parameter) -> tuple[Any, ...]:
    return tuple(getattr(parameter.annotation, "__metadata__", ()))
