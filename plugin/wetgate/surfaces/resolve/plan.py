"""What is to be rendered for a timeline: one job for each range of a medium, however often it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from wetgate.color.config import ColorConfig
from wetgate.engine.graph import Graph, demand_output_space
from wetgate.engine.media_ranges import Range, ranges_of
from wetgate.engine.record import digest
from wetgate.io.sink import WriteOptions
from wetgate.spec import WetgateError
from wetgate.surfaces.resolve.marks import SKIP, Record, graph_of_note, note_of
from wetgate.surfaces.resolve.spaces import Spaces, Tagged
from wetgate.surfaces.resolve.walk import Skipped, Use

Result = Literal["take", "track", "replace"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command asks for. ``graph`` is that of clips whose markers name none (None: those are left alone) and
    ``label`` what to call it; ``handles`` are frames of the medium on either side of what shows."""

    folder: Path
    graph: Graph | None
    label: str
    handles: int = 24
    result: Result = "take"
    in_space: str | None = None
    out_space: str | None = None
    options: WriteOptions = field(default_factory=lambda: WriteOptions(depth="half", compression="zip"))


@dataclass(frozen=True, slots=True)
class Job:
    """A range of a medium to render: its frames ``first`` to ``last`` by their numbers, into ``output``.

    ``key`` names source, graph, spaces and storage; jobs of one key share a folder and a record. ``tag`` is what
    Resolve is to be told of the result's colour.
    """

    key: str
    source: str
    first: int
    last: int
    graph: Graph
    label: str
    in_space: str | None
    out_space: str | None
    output: str
    tag: Tagged
    uses: tuple[Use, ...]

    @property
    def frames(self) -> str:
        return f"{self.first}-{self.last}"

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A use that an earlier run has finished."""

    use: Use
    record: Record
    in_space: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    jobs: tuple[Job, ...]
    kept: tuple[Kept, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A use, and how it is to be restored."""

    use: Use
    key: str
    graph: Graph
    label: str
    in_space: str | None
    out_space: str | None
    tag: Tagged
    first: int
    last: int


def make_plan(
    uses: Sequence[Use],
    skipped: Sequence[Skipped],
    wish: Wish,
    spaces: Spaces,
    config: ColorConfig,
    source_of: Callable[[Use], str] = lambda use: use.medium.source,
) -> Plan:
    """Jobs for the uses, those that are done already, and those that cannot be done.

    ``source_of`` names the files to read: the medium's, or plates that Resolve rendered of it. A marker that names an
    unknown graph, or a graph file that is wrong, is a :class:`UsageError`: nothing has been changed then.
    """
    left: list[Skipped] = list(skipped)
    kept: list[Kept] = []
    wanted: list[_Wanted] = []
    for use in uses:
        try:
            found = _wanted(use, wish, spaces, config, source_of(use))
        except _Left as no:
            left.append(no.skipped)
            continue
        done = next((r for r in use.records if _covers(r, found, wish)), None)
        if done is not None:
            kept.append(Kept(use, done, found.in_space))
        wanted.append(found)
    finished = {one.use.item.id for one in kept}
    # Uses that are done count for the ranges, which are then the same in the run that goes on after one was killed.
    jobs = [_job(piece, finished, wish, source_of(piece.uses[0].use)) for piece in _ranges(wanted)]
    left.sort(key=lambda s: s.place.index)
    return Plan(tuple(job for job in jobs if job.uses), tuple(kept), tuple(left))


class _Left(Exception):
    def __init__(self, skipped: Skipped) -> None:
        super().__init__(skipped.text)
        self.skipped = skipped


def _wanted(use: Use, wish: Wish, spaces: Spaces, config: ColorConfig, source: str) -> _Wanted:
    graph, label = _graph(use, wish)
    in_space, tag = _spaces(use, wish, spaces, config)
    out_space = wish.out_space or graph.out_space
    try:
        demand_output_space(graph, in_space or "the footage's space", out_space)
    except WetgateError as error:
        raise _Left(Skipped(use.place, "colour", error.message())) from None
    if out_space and not (in_space and config.resolve(out_space) == config.resolve(in_space)):
        changed = spaces.tag(config.aliases(out_space))
        if changed is None:
            raise _Left(
                Skipped(
                    use.place,
                    "colour",
                    f'Resolve\'s name for {out_space} is not known: give it with --space "NAME={out_space}"',
                )
            )
        tag = changed
    storage = {n: getattr(wish.options, n) for n in ("depth", "compression", "overflow")}
    key = digest([source, graph.record(), in_space, out_space, config.fingerprint, storage])
    medium = use.medium
    if wish.result == "replace":  # the clip itself is replaced, wherever it is used: all of it is wanted
        first, last = medium.number(0), medium.number(medium.frames - 1)
    else:
        low = max(0, use.first - use.lead - wish.handles)
        high = min(medium.frames - 1, use.first + use.count - 1 + use.tail + wish.handles)
        first, last = medium.number(low), medium.number(high)
    return _Wanted(use, key, graph, label, in_space, out_space, tag, first, last)


def _graph(use: Use, wish: Wish) -> tuple[Graph, str]:
    note = note_of(use.markers)
    if note is not None and note.lower() == SKIP:
        raise _Left(Skipped(use.place, "asked", "its marker says to leave it alone"))
    if note:
        try:
            return graph_of_note(note)
        except WetgateError as error:
            raise error.at(f"the marker of {use.place.label}") from None
    if wish.graph is None:
        raise _Left(Skipped(use.place, "asked", "no marker names a graph for it, and the command names none"))
    return wish.graph, wish.label


def _spaces(use: Use, wish: Wish, spaces: Spaces, config: ColorConfig) -> tuple[str | None, Tagged]:
    """The space of a use's pixels (None: what its file says), and how Resolve has it tagged."""
    tag = spaces.tagged(use.properties)
    if wish.in_space is not None:
        return config.resolve(wish.in_space), tag
    if not spaces.property:  # nothing is said of the colour: the file, or --in-space, has to
        return None, tag
    alias = spaces.ocio(tag)
    if alias is None or not config.has(alias):
        raise _Left(
            Skipped(
                use.place,
                "colour",
                f'Resolve calls its space "{tag.shown or "nothing"}": say what OCIO calls it with '
                f'--space "{tag.shown or "NAME"}=NAME"',
            )
        )
    return config.resolve(alias), tag


def _covers(record: Record, wanted: _Wanted, wish: Wish) -> bool:
    """Whether a record is of this very job and of the frames that show, with the result where it is wanted."""
    first, last = wanted.use.numbers
    same = record.job == wanted.key and record.result == wish.result
    return same and record.frames[0] <= first and last <= record.frames[1]


def _ranges(wanted: Sequence[_Wanted]) -> list[Range[_Wanted]]:
    """What is to be rendered, in the order in which the timeline first needs it."""
    of_key: dict[str, list[_Wanted]] = {}
    for one in wanted:
        of_key.setdefault(one.key, []).append(one)
    found = [piece for alike in of_key.values() for piece in ranges_of(alike, lambda w: (w.first, w.last))]
    return sorted(found, key=lambda piece: min(w.use.place.index for w in piece.uses))


def _job(piece: Range[_Wanted], finished: set[str], wish: Wish, source: str) -> Job:
    """One job for the range; its uses are those that are not finished."""
    one = piece.uses[0]
    medium = one.use.medium
    # Absolute, for Resolve has another working folder; the key keeps versions, and media of one name, apart.
    folder = wish.folder.absolute() / medium.stem / f"{one.label}-{one.key[:8]}"
    return Job(
        key=one.key,
        source=source,
        first=piece.first,
        last=piece.last,
        graph=one.graph,
        label=one.label,
        in_space=one.in_space,
        out_space=one.out_space,
        output=str(folder / f"{medium.stem}.%0{max(4, medium.padding)}d.exr"),
        tag=one.tag,
        uses=tuple(sorted((w.use for w in piece.uses if w.use.item.id not in finished), key=lambda u: u.place.index)),
    )


def spaces_of(properties: Mapping[str, str], property_: str, told: Mapping[str, str]) -> Spaces:
    """How a project with these settings names its spaces."""
    if not property_:
        return Spaces("", told=told)
    if property_ == "IDT":
        return Spaces("IDT", default=(properties.get("colorAcesIDT", ""), ""), told=told)
    apart = properties.get("separateColorSpaceAndGamma", "") in ("1", "True", "true")
    default = (properties.get("colorSpaceInput", ""), properties.get("colorSpaceInputGamma", "") if apart else "")
    return Spaces(property_, apart, default, told)
