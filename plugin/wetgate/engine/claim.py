"""Who is writing to an output: a small file beside it, while many processes make one job's frames.

Chunks of one job may be written by any number of processes at once, in any order and more than once: each frame is
the same whoever makes it, and appears whole. What must not happen is that two *different* jobs write to one output. The
first chunk therefore leaves a claim, ``NAME.wetgate.claim``, that holds the job's record; a process of the same job
joins it, one of another job is refused with what differs, and whoever gathers the frames takes the claim away. The
claim is made with O_EXCL, which needs no lock service and holds on shared folders of every kind.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wetgate.engine.record import JobRecord, digest, machine
from wetgate.spec import FrameError, UsageError

SCHEMA = "wetgate.claim/1"
# Nobody has touched it for so long: its job was given up. A frame that takes longer than this is not foreseen.
ABANDONED_S = 3600.0
_TOUCH_EVERY_S = 30.0
_WRITTEN_WITHIN_S = 5.0  # from making the file to its content being there, on a slow share


class Claim:
    """The claim on one output; ``stem`` is :func:`wetgate.engine.outputs.stem_of` it."""

    def __init__(self, stem: str) -> None:
        self.path = Path(f"{stem}.wetgate.claim")
        self._job: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self._touched = 0.0

    def demand_free(self, job: JobRecord, analysed: bool = True) -> None:
        """Raise :class:`UsageError` where another job's processes are writing to this output. A job that is not
        ``analysed`` yet may turn out to be the one that has the claim."""
        held = self._held()
        if held is None or self._abandoned() or held.get("job") == job.hash:
            return
        mine = _content(job)
        if analysed or not held.get("of") or _unanalysed(held["of"]) != _unanalysed(mine["of"]):
            raise self._refusal(held, mine)

    def join(self, job: JobRecord) -> None:
        """Take part in the job, as the first or the next process. Raises as :meth:`demand_free` does."""
        self._job = _content(job)
        self._ensure()
        self._leave_machine()

    def keep(self) -> None:
        """Show that the job is alive, and demand that the output is still its own. Cheap enough for every frame."""
        if self._job is None or time.monotonic() - self._touched < _TOUCH_EVERY_S:
            return
        self._ensure()

    def release(self) -> None:
        """The job is over: its claim goes."""
        for path in (self.path, *self._machine_files()):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._job = None

    def machines(self) -> Sequence[str]:
        """The kinds of processors that took part, in words. More than one: last bits may differ among frames."""
        kinds = set()
        for path in self._machine_files():
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                data = json.loads(path.read_bytes())
                kinds.add(f"{data['architecture']} {data['instructions']}".strip())
        return sorted(kinds)

    def _ensure(self) -> None:
        assert self._job is not None
        with self._lock:
            for _ in range(3):  # a claim may come, go or be taken over between two looks at it
                if self._make() or self._ours():
                    self._touched = time.monotonic()
                    return
            raise FrameError(
                "the claim on the output changes hands again and again",
                where=str(self.path),
                remedy="see which jobs write there, and leave one",
            )

    def _make(self) -> bool:
        assert self._job is not None
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        except OSError as error:
            raise FrameError(
                f"the output cannot be claimed: {error.strerror}",
                where=str(self.path),
                remedy="check the free space and the permissions of the folder",
            ) from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write((json.dumps(self._job, sort_keys=True) + "\n").encode())
        except OSError as error:
            with contextlib.suppress(OSError):
                self.path.unlink()
            raise FrameError(
                f"the output cannot be claimed: {error.strerror}",
                where=str(self.path),
                remedy="check the free space of the disk",
            ) from None
        return True

    def _ours(self) -> bool:
        assert self._job is not None
        held = self._held()
        if held is None:
            return False  # it has just gone
        if held.get("job") == self._job["job"]:
            with contextlib.suppress(OSError):
                os.utime(self.path)
            return True
        if not self._abandoned():
            raise self._refusal(held, self._job)
        with contextlib.suppress(OSError):
            self.path.unlink()
        return False

    def _held(self) -> dict[str, Any] | None:
        """The claim that stands; None where there is none."""
        until = time.monotonic() + _WRITTEN_WITHIN_S
        while True:
            try:
                data = json.loads(self.path.read_bytes())
                if isinstance(data, dict):
                    return data
            except FileNotFoundError:
                return None
            except (OSError, ValueError):
                pass  # being written, or damaged
            if time.monotonic() > until:
                return {}
            time.sleep(0.05)

    def _abandoned(self) -> bool:
        try:
            return time.time() - self.path.stat().st_mtime > ABANDONED_S
        except OSError:
            return True

    def _refusal(self, held: Mapping[str, Any], mine: Mapping[str, Any]) -> UsageError:
        different = list(_differences("", held.get("of", {}), mine["of"]))
        told = f", which differs in {', '.join(different[:6])}" if held.get("of") and different else ""
        return UsageError(
            f"another job is writing to this output{told}",
            where=str(self.path),
            remedy="write to another place, wait for it to end, or remove that file if it was given up",
        )

    def _leave_machine(self) -> None:
        kind = machine()
        path = self.path.with_name(f"{self.path.name}.{digest(kind)[:8]}")
        if not path.exists():
            with contextlib.suppress(OSError):  # a note for the record, not worth a frame
                path.write_text(json.dumps(kind), encoding="utf-8")

    def _machine_files(self) -> list[Path]:
        return sorted(self.path.parent.glob(f"{glob.escape(self.path.name)}.*"))


def _content(job: JobRecord) -> dict[str, Any]:
    return {"schema": SCHEMA, "job": job.hash, "of": job.to_json()}


def _unanalysed(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "analyses"}


def _differences(path: str, a: object, b: object) -> Iterator[str]:
    """The names of what differs between two JSON values: ``software.numpy (2.4.6, here 2.4.5)``."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in sorted({*a, *b}):
            yield from _differences(f"{path}.{key}" if path else str(key), a.get(key), b.get(key))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, pair in enumerate(zip(a, b, strict=True)):
            yield from _differences(f"{path}[{index}]", *pair)
    elif a != b:
        short = all(len(str(v)) < 40 for v in (a, b))
        yield f"{path} ({a}, here {b})" if short else path
