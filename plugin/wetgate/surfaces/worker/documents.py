"""Analysis documents as a project holds them: whole up to 64 KiB, larger ones by the path and hash of a file."""

from __future__ import annotations

import json
from pathlib import Path

from wetgate.engine.analysis import Analysis, load_analysis, parse_analysis
from wetgate.engine.host_records import save_analysis
from wetgate.io.atomic import make_folder
from wetgate.spec import UsageError
from wetgate.surfaces.hosts.machine import Machine
from wetgate.surfaces.hosts.user_files import documents_folder
from wetgate.surfaces.worker.records import records_folder

REFERENCE = "wetgate.analysis-file/1"
MOST_HELD = 65_536  # bytes of a document that a project holds: hosts keep strings of that size without trouble


def held(document: Analysis, records: str) -> str:
    """What a project is to hold of a document: itself, or where its file is.

    A large one is left in the ``records`` folder, which a farm may see too; else in the user's own. Raises the errors
    of writing it.
    """
    text = document.to_json()
    if len(text.encode()) <= MOST_HELD:
        return text
    folder = records_folder(records) if records else documents_folder(Machine())
    make_folder(folder)
    path = save_analysis(document, folder)
    return json.dumps({"schema": REFERENCE, "path": str(path), "sha256": document.fingerprint})


def document_in(text: str) -> Analysis:
    """The document that a project holds, or names. Raises :class:`UsageError` where it is not the one that was made."""
    named = _reference(text)
    if named is None:
        return parse_analysis(text, "the analysis in the project")
    path, fingerprint = named
    if not path.is_file():
        raise UsageError(
            "the analysis of this shot is too large for the project, and its file is not there",
            where=str(path),
            remedy="bring the file back, or analyse the shot again",
        )
    document = load_analysis(str(path))
    if document.fingerprint != fingerprint:
        raise UsageError(
            "the file of this shot's analysis is not the one that was made",
            where=str(path),
            remedy="bring the file back, or analyse the shot again",
        )
    return document


def _reference(text: str) -> tuple[Path, str] | None:
    """Path and hash where the text names a file; None where it is no such thing."""
    if len(text) > 8192 or REFERENCE not in text:
        return None
    try:
        said = json.loads(text)
        return (Path(said["path"]), str(said["sha256"])) if said["schema"] == REFERENCE else None
    except (ValueError, KeyError, TypeError):
        return None
