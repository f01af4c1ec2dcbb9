"""The state of the fake, on disk, and the killing of the process that changes it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = "FAKE_RESOLVE_STATE"
KILL = "FAKE_RESOLVE_KILL_AFTER"  # the process is killed once this many calls have changed something

QUIRKS: dict[str, Any] = {
    "take_end": 0,  # added to endFrame: 0 exclusive, 1 inclusive
    "append_end": 0,
    "number_origin": False,  # startFrame counts by the files' numbers
    "track_index": True,  # AddTrack knows where
    "refused": {},  # clip property -> values that do not take although the call says so
    "modal": False,  # a render job waits for a dialog
    "sticky": [],  # timeline settings that do not take
    "offset_names": 0,  # added to the numbers of rendered files
    "lost_frames": 0,  # frames that a finished render leaves out
}


# Called after each change, when it is on the disk: what a process that is killed then leaves behind can be copied.
WATCHERS: list[Callable[[], None]] = []


class State:
    """The whole application as plain data."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data: dict[str, Any] = json.loads(path.read_text())
        self._stamp = path.stat().st_mtime_ns

    def fresh(self) -> dict[str, Any]:
        """The data, as another process may have left it."""
        stamp = self.path.stat().st_mtime_ns
        if stamp != self._stamp:
            self.data = json.loads(self.path.read_text())
            self._stamp = stamp
        return self.data

    def changed(self, call: str) -> None:
        """Keep a change; then, if this was the one, die as by kill -9."""
        self.data["log"].append(call)
        save(self.path, self.data)
        self._stamp = self.path.stat().st_mtime_ns
        for watch in WATCHERS:
            watch()
        limit = os.environ.get(KILL)
        if limit is not None:
            left = int(limit) - 1
            os.environ[KILL] = str(left)
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def new_id(self, kind: str) -> str:
        self.data["serial"] += 1
        return f"{kind}-{self.data['serial']}"

    def quirk(self, name: str) -> Any:
        return self.data["quirks"].get(name, QUIRKS[name])


def save(path: Path, data: dict[str, Any]) -> None:
    """Write the state whole."""
    temporary = path.with_suffix(f".{os.getpid()}.new")
    temporary.write_text(json.dumps(data, indent=1, ensure_ascii=False))
    temporary.replace(path)


def empty(version: tuple[int, ...] = (21, 1, 0, 17), **more: Any) -> dict[str, Any]:
    """A Resolve that has just been started."""
    return {
        "version": list(version),
        "product": "DaVinci Resolve Studio",
        "language": "en",
        "page": "color",
        "saved": ["Archive 1972"],
        "quirks": {},
        "serial": 0,
        "log": [],
        "deprecated": [],
        "project": {"id": "project-0", "name": "Archive 1972", "settings": {}, "timelines": [], "current": ""},
        "folders": {"folder-0": {"name": "Master", "clips": [], "folders": []}},
        "current_folder": "folder-0",
        "clips": {},
        "timelines": {},
        "items": {},
        "selected": [],
        "under_playhead": "",
        "render": {"preset": "", "format": "mov", "codec": "H264", "mode": 0, "settings": {}, "jobs": {}, "order": []},
        **more,
    }
