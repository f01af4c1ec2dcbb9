"""``wetgate resolve watch``: a job is rendered once, whoever dies, and what is wrong with it is said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import wetgate
from hosts.fake_resolve import project
from wetgate.engine.pipeline import Abort
from wetgate.surfaces.resolve.spool import MOST_TRIES, SCHEMA, STALE_S, Spool
from wetgate.surfaces.resolve.watch import watch


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def hand_on(spool: Spool, folder: Path, key: str = "20261127T043315-a", count: int = 4, **more: Any) -> Path:
    """A job of a few frames, as the Deliver script writes it."""
    path = project.sequence(folder / key, "shot", 1, count, "ACEScg").replace(f"[0001-{count:04d}]", "####")
    data = {
        "schema": SCHEMA,
        "id": key,
        "name": "Job 1",
        "sources": [{"path": path, "frames": [1, count], "count": count}],
        "graph": "grain:amount=0",
    }
    (spool.folder / "new" / f"{key}.json").write_text(json.dumps(data | more))
    return folder / key / "wetgate"


def only(spool: Spool, state: str) -> dict[str, Any]:
    (path,) = (spool.folder / state).glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_of_two_watchers_one_gets_the_job(spool: Spool, tmp_path: Path) -> None:
    hand_on(spool, tmp_path)
    other = Spool(spool.folder)
    assert spool.claim() is not None
    assert other.claim() is None
    assert spool.recover() == []


def test_jobs_are_done_in_the_order_in_which_they_came(spool: Spool, tmp_path: Path) -> None:
    hand_on(spool, tmp_path, "20261127T050000-b", 1)
    hand_on(spool, tmp_path, "20261127T040000-a", 1)
    taken: list[str] = []
    watch(spool, once=True, on_event=lambda e: taken.append(e["id"]) if e["event"] == "taken" else None)
    assert taken == ["20261127T040000-a", "20261127T050000-b"]
    assert spool.counts() == {"new": 0, "work": 0, "done": 2, "failed": 0}


def test_a_job_that_is_none_fails_and_the_next_is_done(spool: Spool, tmp_path: Path) -> None:
    (spool.folder / "new" / "0-bad.json").write_text("{")
    hand_on(spool, tmp_path)
    tally = watch(spool, once=True)
    assert (tally.done, tally.failed, tally.exit_code) == (1, 1, 3)
    assert "cannot be read" in only(spool, "failed")["text"]


def test_what_fails_says_why_and_can_be_tried_again(spool: Spool, tmp_path: Path) -> None:
    out = hand_on(spool, tmp_path, graph="grian:amount=0")
    assert watch(spool, once=True).failed == 1
    failed = only(spool, "failed")
    assert "grain" in failed["text"]  # the name that was meant
    path = spool.folder / "failed" / f"{failed['id']}.json"
    path.write_text(json.dumps(failed | {"graph": "grain:amount=0"}))
    assert spool.retry() == [failed["id"]]
    assert watch(spool, once=True).done == 1
    assert len(list(out.glob("*.exr"))) == 4


def test_a_frame_that_fails_fails_the_job_and_the_others_are_written(spool: Spool, tmp_path: Path) -> None:
    out = hand_on(spool, tmp_path)
    (tmp_path / "20261127T043315-a/shot.0002.exr").write_bytes(b"no picture")
    assert watch(spool, once=True).failed == 1
    assert "frames 2 of" in only(spool, "failed")["text"]
    assert sorted(p.name for p in out.glob("*.exr")) == ["shot.0001.exr", "shot.0003.exr", "shot.0004.exr"]


def test_a_watcher_that_is_stopped_gives_its_job_back(spool: Spool, tmp_path: Path) -> None:
    hand_on(spool, tmp_path, count=40)
    abort = Abort()

    def stop(event: Mapping[str, Any]) -> None:
        if event["event"] == "frame":
            abort.set()

    watch(spool, once=True, on_event=stop, abort=abort)
    assert spool.counts() == {"new": 1, "work": 0, "done": 0, "failed": 0}
    assert watch(spool, once=True).done == 1


def test_a_watcher_killed_in_mid_job_is_followed_by_one_that_finishes_it(spool: Spool, tmp_path: Path) -> None:
    out = hand_on(spool, tmp_path, count=60)
    plugin = Path(wetgate.__file__).resolve().parents[1]
    code = f"import sys; sys.path.insert(0, {str(plugin)!r}); from wetgate.surfaces.cli.main import main; main()"
    arguments = [sys.executable, "-c", code, "resolve", "watch", "--once", "--spool", str(spool.folder)]
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    while not list(out.glob("*.exr")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert spool.counts()["work"] == 1
    kept: list[bool] = []
    tally = watch(spool, once=True, on_event=lambda e: kept.append(e["kept"]) if e["event"] == "frame" else None)
    assert (tally.done, len(kept)) == (1, 60)
    assert any(kept)
    assert len(list(out.glob("shot.*.exr"))) == 60
    assert spool.counts() == {"new": 0, "work": 0, "done": 1, "failed": 0}


def orphan(spool: Spool, key: str, tries: int, pid: int, age: float = 0.0) -> Path:
    """A job that another process holds."""
    path = spool.folder / "work" / f"{key}~{tries}@{spool._host}.{pid}.json"
    (spool.folder / "new" / f"{key}.json").rename(path)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_job_is_taken_back_from_the_dead_and_from_the_silent_but_not_from_the_living(
    spool: Spool, tmp_path: Path
) -> None:
    for key in ("a", "b", "c"):
        hand_on(spool, tmp_path, key, 1)
    orphan(spool, "a", 1, dead_pid())
    orphan(spool, "b", 1, os.getppid(), age=STALE_S + 5)
    living = orphan(spool, "c", 1, os.getppid())
    assert len(spool.recover()) == 2
    assert living.is_file()
    assert spool.counts()["new"] == 2


def test_a_job_that_kills_its_watchers_is_given_up(spool: Spool, tmp_path: Path) -> None:
    hand_on(spool, tmp_path, "a", 1)
    orphan(spool, "a", MOST_TRIES, dead_pid())
    spool.recover()
    assert f"died {MOST_TRIES} times" in only(spool, "failed")["text"]


def test_a_job_that_was_done_before_its_watcher_died_is_not_done_again(spool: Spool, tmp_path: Path) -> None:
    hand_on(spool, tmp_path, "a", 1)
    orphan(spool, "a", 1, dead_pid())
    (spool.folder / "done" / "a.json").write_text("{}")
    assert spool.recover() == []
    assert spool.counts() == {"new": 0, "work": 0, "done": 1, "failed": 0}
