"""What a render tells of its progress in ``nuke -t``: a line now and then in a log, one that changes on a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hosts.nuke_session import RUN, Nuke

EVENTS = """
import sys
from wetgate_nuke.progress import Task

now = [0.0]
task = Task("x", 40, lambda: now[0])
for percent in range(0, 101):
    now[0] += 0.125
    task.on_event({"event": "analysing", "done": percent / 100})
for frame in range(1001, 1041):
    now[0] += 0.5
    if frame == 1010:
        task.on_event({"event": "note", "text": "a note"})
    task.on_event({"event": "frame", "frame": frame})
task.on_event({"event": "failed", "frame": 7, "error": "it is damaged"})
"""


def test_a_log_has_a_line_every_five_seconds_the_last_of_each_pass_and_every_note(tmp_path: Path) -> None:
    lines = Nuke(tmp_path).works(EVENTS).splitlines()
    assert [line for line in lines if line.startswith("Analysing")] == [
        "Analysing, 39%",
        "Analysing, 79%",
        "Analysing, 100%",
    ]
    frames = [line for line in lines if line.startswith("Frame")]
    assert frames == [
        "Frame 1010 (10 of 40)",
        "Frame 1020 (20 of 40)",
        "Frame 1030 (30 of 40)",
        "Frame 1040 (40 of 40)",
        "Frame 7 (41 of 40)",
    ]
    assert "Wetgate: a note" in lines
    assert "Wetgate: frame 7 failed: it is damaged" in lines


@pytest.mark.skipif(os.name != "posix", reason="a terminal of its own needs a POSIX system")
def test_a_terminal_has_one_line_that_changes(tmp_path: Path) -> None:
    import pty

    nuke = Nuke(tmp_path)
    script = tmp_path / "script.py"
    script.write_text("import nuke\n" + EVENTS)
    leader, follower = pty.openpty()
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "NUKE_PATH": str(nuke.plugin), "FAKE_NUKE_GUI": "0"}
    done = subprocess.Popen([sys.executable, "-I", "-B", str(RUN), str(script)], stdout=follower, env=environment)
    os.close(follower)
    said = b""
    while True:
        try:
            block = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        said += block
    os.close(leader)
    assert done.wait(60) == 0
    text = said.decode().replace("\r\n", "\n")
    shown = [part.split("\r")[-1].rstrip() for part in text.split("\n") if part.strip()]
    assert shown == [
        "Analysing, 100%",
        "Frame 1009 (9 of 40)",
        "Wetgate: a note",
        "Frame 1040 (40 of 40)",
        "Frame 7 (41 of 40)",
        "Wetgate: frame 7 failed: it is damaged",
    ]
    assert text.count("\r") == 101 + 41
