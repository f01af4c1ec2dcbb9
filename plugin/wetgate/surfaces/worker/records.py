"""The record of a frame that a host was handed, in the folder that the user names (OFX carries no metadata)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.engine.analysis import Analysis
from wetgate.engine.graph import Graph
from wetgate.engine.host_records import FORMAT, HostFrame, save_analysis
from wetgate.engine.record import FrameRecord, JobRecord
from wetgate.engine.step import Step
from wetgate.io.hashing import hash_samples
from wetgate.spec import FrameError, UsageError, WetgateError
from wetgate.surfaces.worker.fields import FRAME, UPPER_FIRST
from wetgate.surfaces.worker.pools import View
from wetgate.surfaces.worker.requests import Request
from wetgate.surfaces.worker.spaces import Spaces


@dataclass(frozen=True, slots=True)
class Made:
    """How a picture, or one field of it, was made: its step, colour, analysis and facts, and the samples mended."""

    step: Step
    spaces: Spaces
    document: Analysis | None
    facts: Mapping[str, Any]
    repaired: int


def keep_record(request: Request, view: View, made: Sequence[Made], result: int, notes: Sequence[str]) -> str:
    """Write the frame's record; "" or what kept it from being written, for the user: the frame is whole all the same.

    Proxies, drafts and thumbnails are not the frame and get none.
    """
    if request.scale != (1.0, 1.0) or request.draft or request.thumbnail:
        return ""
    try:
        if not request.is_whole:
            raise FrameError("the host gives a part of the picture", remedy="let the host render whole frames")
        folder = records_folder(request.records)
        frame = _frame(request, view, made, result, notes)
        for one in made:
            if one.document is not None:
                save_analysis(one.document, folder)
        frame.save(folder)
    except (WetgateError, OSError) as error:
        said = error.message() if isinstance(error, WetgateError) else str(error)
        return " ".join(f"the frame has no record: {said}".split())
    return ""


def records_folder(named: str) -> Path:
    """The folder, which has to be there: a misspelt one is not made. Raises :class:`UsageError`."""
    folder = Path(named).expanduser()
    if not folder.is_absolute():
        raise UsageError(
            f"the records folder is {named!r}", where="Records folder", allowed="a whole path, from the root on"
        )
    if not folder.is_dir():
        raise UsageError(
            f"the records folder {named} {'is a file' if folder.exists() else 'does not exist'}",
            where="Records folder",
            remedy="make the folder, or choose another",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(
            f"the records folder {named} may not be written to", where="Records folder", remedy="choose another folder"
        )
    return folder


def _frame(request: Request, view: View, made: Sequence[Made], result: int, notes: Sequence[str]) -> HostFrame:
    first = made[0]
    storage: dict[str, Any] = {"format": FORMAT}
    if request.fields != FRAME:
        storage["fields"] = "upper first" if request.fields == UPPER_FIRST else "lower first"
    if request.split >= 0:
        storage["split"] = request.split
    config = first.spaces.colour.config
    job = JobRecord(
        graph=Graph((first.step,), first.step.name).record(),
        source_space=first.spaces.colour.source_space,
        out_space=first.spaces.out_space,
        config={"name": config.name, "fingerprint": config.fingerprint},
        storage=storage,
        analyses={} if first.document is None else {first.step.name: first.document.fingerprint},
    )
    given, handed = view(request.middle), view(request.pictures[result])
    facts = made[0].facts if len(made) == 1 else {f"field {n}": dict(m.facts) for n, m in enumerate(made, 1) if m.facts}
    entry = FrameRecord(
        number=request.number,
        input=hash_samples(given, {}),
        output=hash_samples(handed, {}),
        repaired=sum(m.repaired for m in made),
        notes=tuple(notes),
        facts=facts,
    )
    return HostFrame(job, entry, given, handed, _inputs(request, view))


def _inputs(request: Request, view: View) -> dict[str, str]:
    """Hashes of what else decided the result: the mask and plates, and the frames around."""
    planes = {"Mask": request.mask, "Infrared": request.infrared, "Reference": request.reference}
    found = {name: hash_samples(view(picture), {}) for name, picture in planes.items() if picture is not None}
    for place, picture in enumerate(request.sources):
        if place != request.home and not picture.repeated:
            found[f"frame {request.number + place - request.home}"] = hash_samples(view(picture), {})
    return found
