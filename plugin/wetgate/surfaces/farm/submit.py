"""``wetgate submit``: a job's files for a render manager, written whole; or the job run here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from wetgate.color.config import ColorConfig
from wetgate.engine.claim import Claim
from wetgate.engine.graph import Graph, demand_output_space
from wetgate.engine.job import Job
from wetgate.engine.masks import MaskReader
from wetgate.engine.outputs import output_path, stem_of
from wetgate.engine.shot import opened, requested, source_space
from wetgate.engine.sidecars import job_record
from wetgate.io.atomic import make_folder
from wetgate.io.formats import format_of
from wetgate.io.pattern import in_folder, parse_pattern
from wetgate.io.source import MOVIE_SUFFIXES
from wetgate.io.timeline import is_timeline
from wetgate.spec import UsageError, suggest
from wetgate.surfaces.cli.derived import Setting
from wetgate.surfaces.cli.progress import counted, emit
from wetgate.surfaces.cli.rendering import job_of
from wetgate.surfaces.farm import deadline, deadline_cloud, opencue, openjd
from wetgate.surfaces.farm.job import FarmJob, mapped

_Writer = Callable[[FarmJob], dict[str, str]]
WRITERS: dict[str, _Writer] = {
    "openjd": openjd.files,
    "deadline-cloud": deadline_cloud.files,
    "deadline": deadline.files,
    "opencue": opencue.files,
}


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was found out by opening the footage: nothing of a job may fail for the first time on the farm."""

    numbers: tuple[int, ...]
    input: str
    output: str
    analyses: tuple[str, ...]
    footage: tuple[int, ...]


def run_submit(args: Any, own: Any, given: Sequence[Setting]) -> int:
    """Check the job, write its files, and run it where that is asked for."""
    if own.to not in WRITERS:
        raise UsageError(
            f"--to is {own.to!r}", where="--to", allowed=", ".join(WRITERS), remedy=suggest(own.to, WRITERS)
        )
    if own.run and own.to not in ("openjd", "deadline-cloud"):
        raise UsageError(
            f"--run does not run a job for {own.to}", where="--run", allowed="--to openjd", remedy="leave --run out"
        )
    if is_timeline(args.input):
        raise UsageError(
            f"{args.input} is a timeline, whose clips are rendered one by one",
            where="IN",
            allowed="an image sequence or a movie",
            remedy="submit the clips, or render the timeline with wetgate render",
        )
    job = job_of(args)
    checked = _checked(job)
    farm_job = _farm_job(job, checked, own, given)
    files = {**_graph_file(job.graph, farm_job.moved), **WRITERS[own.to](farm_job)}
    folder = Path(own.write)
    make_folder(folder)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    if own.as_json:
        emit(json.dumps({"event": "written", "folder": str(folder), "files": sorted(files)}))
    else:
        emit(f"{folder}: {farm_job.name}, {counted(len(checked.numbers))} in {len(farm_job.chunks())} tasks, {own.to}")
    if own.run:
        from wetgate.surfaces.farm.local import run_here

        return run_here(farm_job, folder, own.as_json)
    return 0


def _checked(job: Job) -> _Checked:
    source = opened(job.input, job.on_missing)
    try:
        numbers = requested(job.frames, source)
        config = ColorConfig.load(job.config)
        space, _ = source_space(job.in_space or job.graph.in_space, source, config)
        wanted = job.out_space or job.graph.out_space
        demand_output_space(job.graph, space, wanted)
        out_space = config.resolve(wanted) if wanted else ""
        MaskReader(job.graph).close()
        output = output_path(job.output, source)
        _demand_frames(output)
        whole = replace(job, output=output, graph=job.graph.with_fidelity(job.fidelity))
        record = job_record(whole, config, space, out_space, {})
        Claim(stem_of(output)).demand_free(record, analysed=False)
        analyses = tuple(s.name for s in job.graph.used() if s.wants_analysis(source.numbers))
        return _Checked(numbers, _footage(job.input), output, analyses, tuple(source.numbers))
    finally:
        source.close()


def _demand_frames(output: str) -> None:
    if Path(output).suffix.lower() in MOVIE_SUFFIXES:
        raise UsageError(
            f"{output} is one file, which many machines cannot write",
            where="-o",
            allowed="a sequence, shot.####.exr",
            remedy="render frames on the farm, then make the movie of them",
        )
    if format_of(output).record is None:
        raise UsageError(
            f"{output} has no room for a record in its header, by which a farm's frames are checked",
            where="-o",
            allowed=".exr, .dpx, .tif, .png, .jpg",
            remedy="write one of these",
        )


def _footage(given: str) -> str:
    """The footage as an absolute path; a folder as the pattern of the sequence in it."""
    path = Path(given).absolute()
    return str(path / in_folder(path).label) if path.is_dir() else str(path)


def _farm_job(job: Job, checked: _Checked, own: Any, given: Sequence[Setting]) -> FarmJob:
    moved = _moves(own.map or [])
    pattern = parse_pattern(checked.input)
    stem = Path(checked.input).stem if pattern is None else pattern.head.rstrip("._-") or pattern.folder.name
    return FarmJob(
        name=_job_name(own.name or f"wetgate {stem}"),
        input=mapped(checked.input, moved),
        output=mapped(checked.output, moved),
        numbers=checked.numbers,
        chunk=own.chunk,
        settings=tuple(s for s in given if s.name not in ("input", "output", "frames", "graph", "node")),
        graph="graph.yaml" if job.graph.steps else None,
        folder=mapped(own.write, moved),
        analyses=checked.analyses,
        program=own.program or "wetgate",
        priority=own.priority,
        explicit_chunks=own.explicit_chunks,
        show=own.show,
        shot=own.shot or re.sub(r"\W+", "_", stem) or "shot",
        footage=checked.footage,
        masks=tuple(mapped(s.mask.files, moved) for s in job.graph.used() if s.mask is not None and s.mask.files),
        moved=moved,
    )


def _moves(given: Sequence[str]) -> dict[str, str]:
    """``--map FROM=TO``: where paths of this machine are on those of the farm."""
    moved = {}
    for text in given:
        start, equals, end = text.partition("=")
        if not start or not equals or not end:
            raise UsageError(
                f"{text!r} is not FROM=TO", where="--map", remedy="write /mnt/show=P:\\\\show, once for each place"
            )
        moved[start] = end
    return moved


def _job_name(text: str) -> str:
    """What every manager takes as a name: one line, of at most 128 characters (OpenJD, section 1.1.1)."""
    return " ".join(text.replace("{{", "{").split())[:128]


def _graph_file(graph: Graph, moved: Mapping[str, str]) -> dict[str, str]:
    """The graph as it was understood here: every parameter, so that no machine's presets or defaults count."""
    if not graph.steps:
        return {}
    data = json.loads(json.dumps(graph.record()))
    for step in data["nodes"]:
        files = step.get("mask", {}).get("files")
        if files:
            step["mask"]["files"] = mapped(files, moved)
    spaces = {k: v for k, v in (("in_space", graph.in_space), ("out_space", graph.out_space)) if v}
    text = yaml.safe_dump(data | spaces, sort_keys=False, allow_unicode=True, width=110)
    return {"graph.yaml": "# Written by wetgate submit: the graph of this job, every parameter filled in.\n" + text}
