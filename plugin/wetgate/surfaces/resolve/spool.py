"""The folder by which the Deliver page hands finished jobs to Wetgate.

A job is one JSON file, ``wetgate.spool/1``, that moves: ``new`` (waiting), ``work`` (being rendered, under a name that
says by whom), ``done`` or ``failed`` (with what came of it). It moves by renaming, so that of several watchers one gets
it. A watcher that dies leaves its job in ``work``. Another takes it back when the process is gone or has not touched
the file for a while, and gives it up after a few tries, lest a job that kills its watcher does so for ever.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wetgate.io.atomic import make_folder, write_bytes
from wetgate.spec import UsageError

SCHEMA = "wetgate.spool/1"
FOLDERS = ("new", "work", "done", "failed")
STALE_S = 120.0  # a watcher touches its job every HEARTBEAT_S; a file system may be slow to show it
HEARTBEAT_S = 10.0
MOST_TRIES = 3
_NEW = re.compile(r"(?P<id>[A-Za-z0-9_-]+)(?:~(?P<tries>\d+))?\.json\Z")
_WORK = re.compile(r"(?P<id>[A-Za-z0-9_-]+)~(?P<tries>\d+)@(?P<host>[0-9a-f]{8})\.(?P<pid>\d+)\.json\Z")


@dataclass(frozen=True, slots=True)
class Shot:
    """What of a job is one sequence or movie. ``frames`` are the first and last number, None for a movie."""

    path: str
    frames: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Request:
    """A job as the Deliver page wrote it."""

    id: str
    name: str
    shots: tuple[Shot, ...]
    graph: str
    output: str
    in_space: str | None
    out_space: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this process has taken. ``text`` is what its file says."""

    id: str
    tries: int
    path: Path
    text: str


def parse_request(text: str, where: str) -> Request:
    """A job from its file. Raises :class:`UsageError` for what is none."""
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise ValueError(f"its schema is {data['schema']!r}")
        shots = []
        for source in data["sources"]:
            frames = source.get("frames")
            shots.append(Shot(str(source["path"]), None if frames is None else (int(frames[0]), int(frames[1]))))
        if not shots:
            raise ValueError("it names no files")
        return Request(
            id=str(data["id"]),
            name=str(data.get("name", data["id"])),
            shots=tuple(shots),
            graph=str(data["graph"]),
            output=str(data.get("output") or ""),
            in_space=data.get("in_space") or None,
            out_space=data.get("out_space") or None,
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UsageError(
            f"the job cannot be read: {type(error).__name__}: {error}", where=where, allowed=f"a {SCHEMA} document"
        ) from None


class Spool:
    """The folder, as a watcher sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            make_folder(folder / name)
        self._host = hashlib.blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()
        self._mine: set[str] = set()

    def counts(self) -> dict[str, int]:
        """How many jobs are where."""
        return {name: sum(1 for _ in self._names(name)) for name in FOLDERS}

    def claim(self) -> Claimed | None:
        """The oldest job that waits, now in ``work``; None where none does."""
        for name in self._names("new"):
            match = _NEW.match(name)
            if match is None:
                continue
            tries = int(match["tries"] or 0) + 1
            place = self.folder / "work" / f"{match['id']}~{tries}@{self._host}.{os.getpid()}.json"
            self._mine.add(place.name)
            try:
                (self.folder / "new" / name).rename(place)
                os.utime(place)
                text = place.read_text(encoding="utf-8", errors="replace")
            except OSError:  # another watcher was faster
                self._mine.discard(place.name)
                continue
            return Claimed(match["id"], tries, place, text)
        return None

    @contextlib.contextmanager
    def alive(self, job: Claimed) -> Iterator[None]:
        """Touch the job's file while it is worked on."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_S):
                with contextlib.suppress(OSError):
                    os.utime(job.path)

        thread = threading.Thread(target=beat, name="wetgate-spool", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def finish(self, job: Claimed, state: str, result: Mapping[str, Any]) -> None:
        """Write what came of a job to ``done`` or ``failed``, then let go of it."""
        try:
            data = json.loads(job.text)
        except ValueError:
            data = {"schema": SCHEMA, "id": job.id}
        text = json.dumps((data if isinstance(data, dict) else {}) | dict(result), indent=1, sort_keys=True)
        write_bytes(self.folder / state / f"{job.id}.json", text.encode())
        job.path.unlink(missing_ok=True)
        self._mine.discard(job.path.name)

    def give_back(self, job: Claimed) -> None:
        """Leave a job to the next watcher, as if it had not been taken: the user stopped this one."""
        with contextlib.suppress(OSError):
            job.path.rename(self.folder / "new" / f"{job.id}~{job.tries - 1}.json")
        self._mine.discard(job.path.name)

    def recover(self) -> list[str]:
        """Take back the jobs of watchers that died; a sentence for each."""
        said = []
        for name in self._names("work"):
            match = _WORK.match(name)
            path = self.folder / "work" / name
            if match is None or not self._is_dead(path, match["host"], int(match["pid"])):
                continue
            with contextlib.suppress(OSError):  # another watcher was faster
                if any((self.folder / state / f"{match['id']}.json").is_file() for state in ("done", "failed")):
                    path.unlink()  # it died after the work, before it could let go
                elif int(match["tries"]) >= MOST_TRIES:
                    text = f"the watcher died {match['tries']} times at it: run it by hand, or with fewer threads"
                    claimed = Claimed(match["id"], int(match["tries"]), path, path.read_text(encoding="utf-8"))
                    self.finish(claimed, "failed", {"text": text})
                    said.append(f"{match['id']} is given up: {text}")
                else:
                    path.rename(self.folder / "new" / f"{match['id']}~{match['tries']}.json")
                    said.append(f"{match['id']} is taken back from a watcher that died")
        return said

    def retry(self) -> list[str]:
        """Put the failed jobs back among the new; their ids."""
        found = []
        for name in self._names("failed"):
            with contextlib.suppress(OSError):
                (self.folder / "failed" / name).rename(self.folder / "new" / name)
                found.append(name.removesuffix(".json"))
        return found

    def _is_dead(self, path: Path, host: str, pid: int) -> bool:
        if path.name in self._mine:
            return False
        try:
            if time.time() - path.stat().st_mtime > STALE_S:
                return True
        except OSError:
            return False
        if host != self._host:
            return False
        if pid == os.getpid():
            return True  # of an earlier process with this number
        try:
            os.kill(pid, 0) if os.name == "posix" else None
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    def _names(self, folder: str) -> list[str]:
        """Names of jobs, oldest first: they begin with their time."""
        try:
            entries = [p.name for p in (self.folder / folder).iterdir()]
        except OSError:
            return []
        return sorted(n for n in entries if n.endswith(".json") and not n.startswith("."))
