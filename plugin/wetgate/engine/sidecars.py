"""What a render leaves beside its frames: the record of the run, the analysis documents, and what a node measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wetgate.color.config import ColorConfig
from wetgate.engine.analysis import Analysis
from wetgate.engine.job import Job
from wetgate.engine.outputs import Outputs, stem_of
from wetgate.engine.record import JobRecord, RunRecord, save_json, save_text
from wetgate.io.source import Source


def job_record(
    job: Job, config: ColorConfig, space: str, out_space: str, documents: Mapping[str, Analysis]
) -> JobRecord:
    """The job as its record has it: everything that decides the pixels."""
    options = job.options
    storage: dict[str, Any] = {"format": Path(job.output).suffix.lower()}
    for name in ("depth", "compression", "overflow", "codec", "pixel_format", "quality", "full_range"):
        value = getattr(options, name)
        if value is not None:
            storage[name] = value
    if options.codec_options:
        storage["codec_options"] = dict(options.codec_options)
    return JobRecord(
        graph=job.graph.record(),
        source_space=space,
        out_space=out_space or space,
        config={"name": config.name, "fingerprint": config.fingerprint},
        storage=storage,
        analyses={name: d.fingerprint for name, d in documents.items()},
    )


def source_record(source: Source, numbers: Sequence[int]) -> dict[str, Any]:
    """What the record says of the source, and of which of its frames were asked for."""
    info = source.info
    return {
        "label": info.label,
        "kind": info.kind,
        "size": [info.width, info.height],
        "channels": list(info.channels),
        "bit_depth": info.bit_depth,
        "rate": str(info.rate) if info.rate is not None else "",
        "start_timecode": info.start_timecode or "",
        "range": [numbers[0], numbers[-1]] if numbers else [],
    }


def analysis_path(output: str, step: str) -> Path:
    """Where the analysis document of a step stands beside an output."""
    return Path(f"{stem_of(output)}.{step}.analysis.json")


def save_documents(output: str, documents: Mapping[str, Analysis]) -> list[str]:
    """Leave the analysis documents beside an output; their paths."""
    paths = [analysis_path(output, name) for name in documents]
    for path, document in zip(paths, documents.values(), strict=True):
        document.save(path)
    return [str(path) for path in paths]


def save_sidecars(
    job: Job, numbers: Sequence[int], documents: Mapping[str, Analysis], run: RunRecord, outputs: Outputs
) -> list[str]:
    """Write the record, the analysis documents and what the nodes measured; the paths of all of them."""
    outputs.save_record(run)
    files = [str(outputs.record_path), *save_documents(job.output, documents)]
    stem = stem_of(job.output)
    measured: dict[str, Any] = {}
    for name, document in documents.items():
        instance = job.graph.step(name).at(numbers[0])
        if hasattr(instance, "sidecars"):  # of two steps that measure the same, the later one measured the result
            measured |= instance.sidecars(document.results, sorted(document.frames))
    for kind, data in measured.items():
        path = Path(f"{stem}.{kind}" if isinstance(data, str) else f"{stem}.{kind}.json")
        if isinstance(data, str):
            save_text(path, data)
        else:
            save_json(path, data)
        files.append(str(path))
    return files
