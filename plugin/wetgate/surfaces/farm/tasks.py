"""What the tasks of a farm job do: analyse once, render some frames, verify all of them.

Each may be run again, by anybody, at any time: an analysis gives the same document, a chunk keeps the frames that are
done, a verification reads what is on the disk. Exit code 0 means that every frame that was asked for is there and was
verified.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.spec import UsageError
from wetgate.surfaces.cli.progress import interruptible
from wetgate.surfaces.farm.lines import Lines

_STEP = re.compile(r"(\d--?\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task, as it travels from a worker: ``failed`` maps frames to messages, ``error`` ended it all,
    ``accounts`` are those of :mod:`wetgate.engine.account`, as plain data."""

    exit_code: int
    written: int = 0
    kept: int = 0
    failed: Mapping[str, str] | None = None
    error: str = ""
    accounts: Sequence[Mapping[str, Any]] = ()


def run_task(kind: str, values: Mapping[str, Any], session: str | None, path_mapping: str | None, style: str) -> int:
    """``wetgate farm analyze|chunk|verify``: by the session's worker where there is one, else in this process."""
    lines = Lines(style)
    moved = path_rules(path_mapping)
    with interruptible() as abort:
        done = None
        if session is not None:
            from wetgate.surfaces.farm.warm import ask

            request = {"kind": kind, "values": dict(values), "moved": moved, "folder": str(Path.cwd())}
            done = ask(session, request, lines, abort)
            if done is None:
                lines.say(f"no worker answers in {session}: this task starts cold")
        if done is None:
            from wetgate.surfaces.farm.work import carry_out

            done = carry_out(kind, values, moved, lines, abort)
    lines.end(kind, done)
    return done.exit_code


def our_frames(text: str) -> str:
    """Frames in our grammar from that of Open Job Description, whose steps follow a colon: ``1-9:2`` is ``1-9x2``."""
    return _STEP.sub(r"\1x\2", text)


def their_frames(text: str) -> str:
    """Frames in the grammar of Open Job Description's ranges from ours."""
    return re.sub(r"(\d--?\d+)x(\d+)", r"\1:\2", text)


def path_rules(path: str | None) -> dict[str, str]:
    """The path mapping of a session: from source to destination. ``pathmapping-1.0`` is the format's version."""
    if not path:
        return {}
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        rules = data.get("path_mapping_rules", [])
        return {str(rule["source_path"]): str(rule["destination_path"]) for rule in rules}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} holds no path mapping rules: {type(error).__name__} {error}",
            where="--path-mapping",
            allowed="a pathmapping-1.0 document of Open Job Description",
        ) from None
