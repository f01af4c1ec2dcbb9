"""Records of frames that a host was handed: one document a frame, in a folder that the user names.

A host writes its own files, without our header, and may go on working on the picture. What can be said is what it was
handed. So a frame's document is known by its content: two renders of one frame are two documents where anything
differs, and one where nothing does, whichever instance, process or machine they come from. The document is a
``wetgate.record/1`` of one frame whose ``storage`` has the format ``ofx``; beside the usual entries the frame has
``given`` and ``handed``, the hashes of its colour as it lay in the host's memory before and after (premultiplied where
the host's was), as 32-bit and as 16-bit floats: the two in which a host may store it without another change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wetgate.engine.analysis import Analysis
from wetgate.engine.record import SCHEMA, FrameRecord, JobRecord, digest, machine, save_json
from wetgate.io.hashing import hash_samples
from wetgate.spec import Image, UsageError

FORMAT = "ofx"
SUFFIX = ".wetgate.json"
_JOB_KEYS = ("graph", "source_space", "out_space", "config", "storage", "analyses", "models", "software")


def colour_hashes(pixels: Image) -> dict[str, str]:
    """Hashes of the colour channels by the depth of the file that may hold them: ``float`` and ``half``."""
    rgb = np.ascontiguousarray(pixels[..., :3], dtype=np.float32)
    with np.errstate(over="ignore"):
        half = rgb.astype(np.float16)
    return {"float": hash_samples(rgb, {}), "half": hash_samples(half, {})}


@dataclass(frozen=True, slots=True)
class HostFrame:
    """What is recorded of one frame: the job, the usual entry, and the pictures as the host gave and got them.

    ``inputs`` are hashes of further pictures that decided the result, by what they are: ``Mask``, or a neighbour's
    number.
    """

    job: JobRecord
    entry: FrameRecord
    given: Image
    handed: Image
    inputs: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document."""
        frame = self.entry.to_json() | {"given": colour_hashes(self.given), "handed": colour_hashes(self.handed)}
        if self.inputs:
            frame["inputs"] = dict(self.inputs)
        height, width, channels = self.given.shape
        return {
            "schema": SCHEMA,
            "job": self.job.hash,
            **self.job.to_json(),
            "machine": machine(),
            "source": {"label": "the host's clip", "kind": FORMAT, "size": [width, height], "channels": channels},
            "output": "the host's clip",
            "frames": [frame],
            "failed": {},
            "notes": list(self.notes),
        }

    def save(self, folder: Path) -> Path:
        """Write the document, whole or not at all; one that is there already is left. Its path."""
        data = self.to_json()
        node = self.job.graph["nodes"][-1]["node"]
        path = folder / f"{node}.{self.entry.number:07d}.{digest(data)[:16]}{SUFFIX}"
        if not path.exists():
            save_json(path, data)
        return path


def save_analysis(document: Analysis, folder: Path) -> Path:
    """Leave an analysis beside the records that name it, under its own hash."""
    path = analysis_file(folder, document.fingerprint)
    if not path.exists():
        document.save(path)
    return path


def analysis_file(folder: Path, fingerprint: str) -> Path:
    """Where the analysis of this fingerprint stands in a folder of records."""
    return folder / f"{fingerprint[:16]}.analysis.json"


@dataclass(frozen=True, slots=True)
class Document:
    """A record that was read back: its file, itself, and its frame's entry."""

    path: Path
    run: Mapping[str, Any]
    frame: Mapping[str, Any]

    @property
    def number(self) -> int:
        return int(self.frame["frame"])

    @property
    def node(self) -> str:
        return str(self.run["graph"]["nodes"][-1]["node"])

    def problems(self) -> list[str]:
        """What is wrong with the document by itself."""
        job = {key: self.run[key] for key in _JOB_KEYS if key in self.run}
        found = []
        if digest(job) != self.run.get("job"):
            found.append(f"{self.path.name}: the job does not have the hash that it names")
        if digest(self.run)[:16] != self.path.name.removesuffix(SUFFIX).rpartition(".")[2]:
            found.append(f"{self.path.name}: the record was changed after it was written")
        return found


def read_folder(folder: Path) -> list[Document]:
    """Every record of a host's frames in a folder, by frame and name. Raises :class:`UsageError` for one without any,
    or with a file that is none."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            run = json.loads(path.read_bytes())
            if run["schema"] != SCHEMA or run["storage"]["format"] != FORMAT:
                continue
            [frame] = run["frames"]
            document = Document(path, run, frame)
            _ = (document.number, document.node, frame["given"]["float"], frame["handed"]["half"])
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise UsageError(f"record {path} is damaged: {type(error).__name__}: {error}") from None
        found.append(document)
    if not found:
        raise UsageError(
            f"there is no record of a host's frames in {folder}",
            allowed=f"the folder that was named in the node: files NODE.FRAME.HASH{SUFFIX}",
        )
    return sorted(found, key=lambda d: (d.number, d.path.name))
