"""What a report is made of. The engine and the command line fill this in; the page is built from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wetgate.spec import Image, UsageError

Pixels = NDArray[np.uint8]
Level = Literal["note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Picture:
    """One sampled frame of one side of the comparison.

    ``nits`` is absolute linear Rec.2020 light, (H, W, 3) float32, 1.0 = 1 cd/m2: scopes are computed from it, and the
    picture on the page where ``srgb`` (H, W, 3, 8-bit, display-encoded) is not given.
    """

    number: int
    nits: Image
    srgb: Pixels | None = None

    def __post_init__(self) -> None:
        if self.nits.ndim != 3 or self.nits.shape[2] != 3:
            raise UsageError(f"frame {self.number}: nits of shape {self.nits.shape}", allowed="(H, W, 3)")
        if self.srgb is not None and (self.srgb.dtype != np.uint8 or self.srgb.ndim != 3 or self.srgb.shape[2] != 3):
            raise UsageError(
                f"frame {self.number}: srgb is {self.srgb.dtype} {self.srgb.shape}", allowed="uint8 (H, W, 3)"
            )


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison: its sampled frames, what it is called and in which space its file is.

    ``hdr`` pictures are tone-mapped for the page and said to be. ``label`` is a word ("Source", "Restored"), ``detail``
    a file or pattern.
    """

    label: str
    pictures: Sequence[Picture]
    space: str = ""
    hdr: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One measure over the frames. ``better`` says which way is good; ``domain`` in which encoding it was computed."""

    name: str
    values: Sequence[tuple[int, float]]
    unit: str = ""
    better: Literal["higher", "lower", ""] = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a plot, or its measured ``points``: (x, y) each, and the colour by a name of the page's style."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: Literal["red", "green", "blue", "plain"] = "plain"
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves over one axis. Values that are no numbers break a line and leave a dot out."""

    name: str
    curves: Sequence[Curve]
    x: str
    y: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Plots:
    """A section of plots, with tables under them."""

    title: str
    plots: Sequence[Plot]
    about: str = ""
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A view (AOV) of one frame as a thumbnail: (H, W, 3) 8-bit, ready to be seen, and what it shows."""

    name: str
    pixels: Pixels
    caption: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader must know: what was repaired, clamped, held or assumed."""

    text: str
    level: Level = "note"


@dataclass(frozen=True, slots=True)
class Table:
    """A small table: rows of plain values under headings (or pairs, where there are no headings)."""

    title: str
    rows: Sequence[Sequence[Any]]
    columns: Sequence[str] = ()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """A section of pictures with what they show, and a table under them.

    ``first`` puts it right below the comparison. ``columns`` is how many stand side by side where there is room, 0 for
    as many as fit; ``width`` what a picture is reduced to, in pixels.
    """

    title: str
    views: Sequence[View]
    about: str = ""
    table: Table | None = None
    first: bool = False
    columns: Literal[0, 2, 3] = 0
    width: int = 480


@dataclass(frozen=True, slots=True)
class Timing:
    """What the render cost: mean seconds of work a frame in each stage, and the whole run on the wall clock.

    Stages overlap, so their sum exceeds ``wall_seconds`` / ``frames``. ``steps`` are the seconds a frame of each step's
    node, within ``compute``; the rest of it is colour and mixing. ``joules`` is the energy of the whole run, or None
    where no driver told, ``joules_of`` what it is of.
    """

    frames: int
    wall_seconds: float
    read: float = 0.0
    compute: float = 0.0
    write: float = 0.0
    joules: float | None = None
    machine: str = ""
    steps: tuple[tuple[str, float], ...] = ()
    joules_of: str = ""

    @property
    def seconds_a_frame(self) -> float:
        return self.wall_seconds / max(self.frames, 1)

    def lines(self) -> list[str]:
        """For people: time a frame, what it was spent on, and energy a frame."""
        parts = [*self.steps, ("colour and mixing", max(self.compute - sum(s for _, s in self.steps), 0.0))]
        parts += [("reading", self.read), ("writing", self.write)]
        spent = ", ".join(f"{name} {seconds:.3f}" for name, seconds in parts)
        energy = "energy: not known: no counter of this machine can be read"
        if self.joules is not None:
            energy = f"energy: {self.joules / max(self.frames, 1):.1f} J a frame, of the {self.joules_of}"
        total = f"{self.wall_seconds:.1f} s in all, {self.seconds_a_frame:.3f} s a frame"
        return [f"time: {total}; work a frame, side by side: {spent}", energy]


@dataclass(frozen=True, slots=True)
class ReportData:
    """All of one report.

    ``before`` and ``after`` hold the same frames in the same order. ``facts`` are the few figures of the head line
    (label, value with its unit). ``plots`` are sections after the measures. ``hdr_metadata`` becomes a table of its
    own. ``record`` is the run's record (graph, parameters, versions, hashes), any JSON.
    """

    title: str
    before: Side
    after: Side
    subtitle: str = ""
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[Note] = ()
    metrics: Sequence[Series] = ()
    views: Sequence[View] = ()
    plots: Sequence[Plots] = ()
    galleries: Sequence[Gallery] = ()
    hdr_metadata: Mapping[str, Any] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    timing: Timing | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = [p.number for p in self.before.pictures], [p.number for p in self.after.pictures]
        if numbers[0] != numbers[1]:
            raise UsageError(f"a report compares the same frames: before has {numbers[0]}, after has {numbers[1]}")
        if not numbers[0]:
            raise UsageError("a report needs at least one frame")
