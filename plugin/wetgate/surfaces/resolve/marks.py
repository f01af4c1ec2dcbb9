"""Markers: the notes by which a colorist says what to do with a clip, and the records that we leave on restored ones.

A note begins with ``wetgate``, in a marker's name or note, on the clip or on the timeline above it::

    wetgate                       restore this clip with the graph of the command
    wetgate: hdr-lift             with this preset
    wetgate: /shows/x/grade.yaml  with this graph file
    wetgate: grain:amount=0.5     with this node; several, in order, each after a semicolon or on a line of its own
    wetgate: skip                 leave this clip alone
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.engine.graph import Graph, load_graph, parse_nodes, presets
from wetgate.spec import UsageError
from wetgate.surfaces.resolve.timeline import Marker

SCHEMA = "wetgate.resolve/1"
SKIP = "skip"
COLOR = "Mint"  # of the markers that we leave
_NOTE = re.compile(r"\s*wetgate\b\s*:?\s*(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Record:
    """What a restored clip's marker carries. ``job`` identifies source, graph, spaces and storage; ``frames`` are the
    first and last that were restored, by the source's numbers."""

    job: str
    source: str
    frames: tuple[int, int]
    output: str
    record: str
    graph: str
    result: str

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "job": self.job,
            "source": self.source,
            "frames": list(self.frames),
            "output": self.output,
            "record": self.record,
            "graph": self.graph,
            "result": self.result,
        }


def parse_record(text: str) -> Record | None:
    """The record in a marker's ``customData`` or a clip's metadata; None where it is none of ours."""
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            return None
        first, last = data["frames"]
        texts = {n: str(data[n]) for n in ("job", "source", "output", "record", "graph", "result")}
        return Record(frames=(int(first), int(last)), **texts)
    except (ValueError, KeyError, TypeError):
        return None


def records(markers: Iterable[Marker]) -> list[Record]:
    """The records that the markers carry."""
    return [record for marker in markers if (record := parse_record(marker.data)) is not None]


def note_of(markers: Iterable[Marker]) -> str | None:
    """What the first note says after ``wetgate``; "" for the word alone, None where there is no note."""
    for marker in markers:
        if parse_record(marker.data) is not None:
            continue
        for text in (marker.note, marker.name):
            match = _NOTE.fullmatch(text)
            if match:
                return match[1].strip()
    return None


def has_color(markers: Iterable[Marker], color: str) -> bool:
    """Whether a marker of that colour is among them, our own records aside."""
    return any(m.color.lower() == color.lower() and parse_record(m.data) is None for m in markers)


def graph_of_note(note: str) -> tuple[Graph, str]:
    """The graph that a note asks for, and what to call it. Raises :class:`UsageError` for one that asks for none."""
    if Path(note).suffix.lower() in (".yaml", ".yml", ".json"):
        return load_graph(note), Path(note).stem
    if note in presets():
        return load_graph(note), note
    specs = [part.strip() for part in re.split(r"[;\n]", note) if part.strip()]
    if len(specs) == 1 and ":" not in specs[0]:
        from wetgate.spec import registry, suggest

        if specs[0] not in registry.nodes():
            known = [*presets(), *registry.nodes()]
            raise UsageError(f"{note!r} is no preset, node or graph file", remedy=suggest(note, known))
    return parse_nodes(specs), "+".join(spec.partition(":")[0] for spec in specs)
