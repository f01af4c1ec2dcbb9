"""Arguments that several commands share, declared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import typer


@dataclass(frozen=True, slots=True)
class Place:
    """Marks an argument that names a place in the file system, for whoever carries the job to another machine.

    ``kind``: ``footage`` is an image, a sequence, a movie or a folder. ``flow``: the job reads it, writes it, or it
    stays where it is (``none``: a private key is not copied about).
    """

    kind: Literal["footage", "file", "folder"]
    flow: Literal["in", "out", "none"]


class Here:
    """Marks an argument that concerns the process that it is given to, and is no part of the job."""


def _complete_nodes(incomplete: str) -> list[str]:
    """Node names, then ``node:param=``, then the words of a choice, for the shell's completion."""
    import wetgate.nodes  # noqa: F401  (declares them)
    from wetgate.spec import registry

    name, colon, rest = incomplete.partition(":")
    if not colon:
        return [n for n in registry.nodes() if n.startswith(name)]
    if name not in registry.nodes():
        return []
    head, comma, last = rest.rpartition(",")
    param, equals, value = last.partition("=")
    if equals:
        known = registry.get(name).params.get(param)
        words = [str(choice) for choice in known.choices or ()] if known is not None else []
        return [f"{name}:{head}{comma}{param}={word}" for word in words if word.startswith(value)]
    return [f"{name}:{head}{comma}{p}=" for p in registry.get(name).params if p.startswith(last)]


def _complete_spaces(incomplete: str) -> list[str]:
    from wetgate.color.config import ColorConfig

    config = ColorConfig.load()
    # Shells divide at blanks, and most full names have some: the aliases are what one types.
    known = {word for name in config.names() for word in config.aliases(name) if " " not in word}
    return sorted(word for word in known if word.lower().startswith(incomplete.lower()))


def _complete_graphs(incomplete: str) -> list[str]:
    from wetgate.engine.graph import presets

    return [n for n in presets() if n.startswith(incomplete)]


Input = Annotated[
    str,
    typer.Argument(help="plate.####.exr, plate.%04d.exr, a folder, an image, a movie; render: a timeline, cut.otio."),
    Place("footage", "in"),
]
Output = Annotated[
    str,
    typer.Option("-o", "--output", help="The same forms; a folder takes the source's name."),
    Place("footage", "out"),
]
Nodes = Annotated[
    list[str] | None,
    typer.Option("-n", "--node", help="node:param=value,...; repeat to chain.", autocompletion=_complete_nodes),
]
GraphFile = Annotated[
    str | None,
    typer.Option("--graph", "-g", help="A graph file, or a preset.", autocompletion=_complete_graphs),
    Place("file", "in"),
]
Frames = Annotated[str | None, typer.Option("--frames", help="1001-1100x2, or a list; else all.")]
InSpace = Annotated[
    str | None,
    typer.Option("--in-space", help="Colour space of IN; else what the file says.", autocompletion=_complete_spaces),
]
OutSpace = Annotated[
    str | None,
    typer.Option("--out-space", help="Colour space of OUT; else that of IN.", autocompletion=_complete_spaces),
]
Config = Annotated[
    str | None,
    typer.Option("--config", help="OCIO config; else $OCIO, else the ACES studio config."),
    Place("file", "in"),
]
OnMissing = Annotated[str, typer.Option("--on-missing", help="A frame that is not there: error, hold or black.")]
Depth = Annotated[str | None, typer.Option("--depth", help="half, float, uint8, uint10, uint12 or uint16.")]
Compression = Annotated[str | None, typer.Option("--compression", help="zip, zips, piz, dwaa:45, none, ...")]
Codec = Annotated[str | None, typer.Option("--codec", help="Movie codec: prores_ks, libx265, ffv1, ...")]
Quality = Annotated[float | None, typer.Option("--quality", help="The codec's own scale (crf, qscale).")]
PixelFormat = Annotated[str | None, typer.Option("--pixel-format", help="yuv422p10le, yuv420p10le, ...")]
Rate = Annotated[str | None, typer.Option("--rate", help="Frames a second: 24, 23.976, 24000/1001.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, one line an event, for programs."), Here()]


def collect(values: Mapping[str, Any]) -> Any:
    """A command's arguments as attributes."""
    return SimpleNamespace(**values)


def one_of(value: str | None, allowed: tuple[str, ...], option: str) -> Any:
    """``value``, if it is one of the allowed words; else a :class:`~wetgate.spec.UsageError`."""
    from wetgate.spec import UsageError, suggest

    if value is not None and value not in allowed:
        raise UsageError(
            f"{option} is {value!r}", where=option, allowed=", ".join(allowed), remedy=suggest(value, allowed)
        )
    return value
