"""What a run notes on disk before it changes something in Resolve that it could not read back afterwards.

A run may be killed at any point. Most of what it does can be seen in the project, and the next run goes on from there.
The few things that cannot be seen (how an item lay before a take was tried on it, what a clip was tagged as before its
medium was replaced, which bin was open) stand here until they are done with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wetgate.io.atomic import locked, make_folder, write_bytes
from wetgate.spec import UsageError

NAME = ".wetgate-resolve.json"
_SCHEMA = "wetgate.resolve-journal/1"


class Journal:
    """The notes of one project's timeline, kept in the folder of the results."""

    def __init__(self, folder: Path, owner: str) -> None:
        """``owner`` is the project's id and the timeline's: notes of another are left alone."""
        self._path = folder / NAME
        self._owner = owner

    def note(self, key: str) -> Mapping[str, Any] | None:
        """The note of that key, or None."""
        found = self._load().get(self._owner, {}).get(key)
        return found if isinstance(found, dict) else None

    def begin(self, key: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Note the facts, unless a run that was killed has noted them before; those that stand."""
        before = self.note(key)
        if before is not None:
            return before
        self._change(key, dict(facts))
        return facts

    def end(self, key: str) -> None:
        """Strike the note."""
        if self.note(key) is not None:
            self._change(key, None)

    def _change(self, key: str, facts: dict[str, Any] | None) -> None:
        make_folder(self._path.parent)
        with locked(self._path.parent):
            data = self._load()
            notes = data.setdefault(self._owner, {})
            if facts is None:
                notes.pop(key, None)
            else:
                notes[key] = facts
            if not notes:
                del data[self._owner]
            if data:
                text = json.dumps({"schema": _SCHEMA, "notes": data}, indent=1, sort_keys=True)
                write_bytes(self._path, text.encode())
            else:
                self._path.unlink(missing_ok=True)

    def _load(self) -> dict[str, Any]:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            if data["schema"] != _SCHEMA:
                raise ValueError(f"it is of {data['schema']}")
            notes: dict[str, Any] = data["notes"]
            return notes
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"the notes of an earlier run cannot be read: {error}",
                where=str(self._path),
                remedy="remove the file if no run was interrupted; else choose another folder with -o",
            ) from None
