"""The record of a render: what was done to which pixels, in every header and in one sidecar file a run.

Records hold no times, host names or folders, so that the same job writes the same
bytes. The *job* is everything that decides the pixels; its hash ties a file to it.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import wetgate
from wetgate.io.atomic import replacing
from wetgate.spec import UsageError

SCHEMA = "wetgate.record/1"
HEADER_KEY = "wetgate:record"
_LIBRARIES = ("numpy", "opencolorio", "OpenImageIO", "opencv-python-headless", "av")


def canonical(data: object) -> str:
    """JSON with sorted keys and no spare blanks: the same text for the same content."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: object) -> str:
    """SHA-256 of the canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


@cache
def software() -> dict[str, str]:
    """Versions of what makes the pixels: Wetgate, Python and the libraries."""
    versions = {"wetgate": wetgate.__version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        versions[name] = metadata.version(name)
    return versions


@cache
def machine() -> dict[str, str]:
    """The instruction-set class that floating-point results may depend on."""
    flags = ""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    except OSError:
        pass  # not Linux: the architecture alone is recorded
    levels = [name for name in ("sse4_2", "avx2", "avx512f", "avx512_bf16", "amx_bf16") if f" {name}" in flags]
    return {"architecture": platform.machine(), "instructions": " ".join(levels)}


@dataclass(frozen=True, slots=True)
class JobRecord:
    """Everything that decides the pixels of a render, as JSON."""

    graph: Mapping[str, Any]
    source_space: str
    out_space: str
    config: Mapping[str, str]
    storage: Mapping[str, Any]
    analyses: Mapping[str, str]
    models: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "graph": self.graph,
            "source_space": self.source_space,
            "out_space": self.out_space,
            "config": dict(self.config),
            "storage": dict(self.storage),
            "analyses": dict(self.analyses),
            "models": dict(self.models),
            "software": software(),
        }

    @property
    def hash(self) -> str:
        """SHA-256 of the job, hexadecimal."""
        return digest(self.to_json())


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One frame of the record. ``output`` is the hash of the pixels as stored, "" where the coding is lossy;
    ``header`` that of the file's header without the record ("" in the header's own record, and for a movie)."""

    number: int
    input: str
    output: str
    header: str = ""
    repaired: int = 0
    clamped: int = 0
    held_from: int | None = None
    missing: bool = False
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"frame": self.number, "input": self.input, "output": self.output}
        for name in ("header", "repaired", "clamped", "held_from", "missing", "facts"):
            value = getattr(self, name)
            if value or (name == "held_from" and value is not None):
                entry[name] = value
        if self.notes:
            entry["notes"] = list(self.notes)
        return entry


def frame_record(data: Mapping[str, Any]) -> FrameRecord:
    """A frame's entry from its JSON."""
    return FrameRecord(
        number=int(data["frame"]),
        input=str(data["input"]),
        output=str(data["output"]),
        header=str(data.get("header", "")),
        repaired=int(data.get("repaired", 0)),
        clamped=int(data.get("clamped", 0)),
        held_from=data.get("held_from"),
        missing=bool(data.get("missing", False)),
        notes=tuple(data.get("notes", ())),
        facts=dict(data.get("facts", {})),
    )


def header_entry(job: JobRecord, frame: FrameRecord) -> str:
    """The header's text: the job, its hash, and the frame."""
    return canonical({"schema": SCHEMA, "job": job.hash, **job.to_json(), **frame.to_json()})


def parse_header(metadata_of_file: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record in a file's header, or None where there is none or it is damaged."""
    text = metadata_of_file.get(HEADER_KEY)
    if not isinstance(text, str):
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) and data.get("schema") == SCHEMA else None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The sidecar's content: the job, the source, and every frame."""

    job: JobRecord
    source: Mapping[str, Any]
    output: str
    frames: Sequence[FrameRecord]
    failed: Mapping[int, str]
    notes: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "job": self.job.hash,
            **self.job.to_json(),
            "machine": machine(),
            "source": dict(self.source),
            "output": self.output,
            "frames": [f.to_json() for f in sorted(self.frames, key=lambda f: f.number)],
            "failed": {str(n): message for n, message in sorted(self.failed.items())},
            "notes": list(self.notes),
        }


def merged(run: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record of a sequence that several runs of one job make, each of other frames: chunks on a farm, retakes.

    Frames and notes of ``before`` that ``run`` does not have are kept. Where ``before`` is of another job, or None,
    ``run`` stands alone.
    """
    if before is None or any(before.get(key) != run[key] for key in ("job", "output")):
        return dict(run)
    entries = {int(entry["frame"]): entry for entry in before.get("frames", ())}
    entries |= {int(entry["frame"]): entry for entry in run["frames"]}
    now = {*(str(entry["frame"]) for entry in run["frames"]), *run["failed"]}
    failed = {n: message for n, message in before.get("failed", {}).items() if n not in now} | run["failed"]
    for number in run["failed"]:
        entries.pop(int(number), None)
    numbers = sorted([*entries, *(int(n) for n in failed)])
    source = dict(run["source"]) | {"range": [numbers[0], numbers[-1]] if numbers else []}
    return dict(run) | {
        "source": source,
        "frames": [entries[n] for n in sorted(entries)],
        "failed": {n: failed[n] for n in sorted(failed, key=int)},
        "notes": [*before.get("notes", ()), *(note for note in run["notes"] if note not in before.get("notes", ()))],
    }


def save_json(path: Path, data: object) -> None:
    """Write JSON under its final name, whole or not at all; readable, and the same for the same content."""
    save_text(path, json.dumps(data, sort_keys=True, indent=1, allow_nan=False) + "\n")


def save_text(path: Path, text: str) -> None:
    """Write UTF-8 text under its final name, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def load_record(path: Path) -> dict[str, Any]:
    """A sidecar record from its file, checked for its schema."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"record {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"record {path} is damaged: {error}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise UsageError(f"{path} is no record of a render", allowed=SCHEMA)
    return data
