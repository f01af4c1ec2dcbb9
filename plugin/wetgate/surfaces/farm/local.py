"""A farm job run on this machine by Open Job Description's own runner, ``openjd run``.

The runner ends a session at the first task that fails. A farm goes on with the other chunks, so this does too: what was
not begun runs in a further session, and the verification has the last word on what is there.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from wetgate.spec import UsageError
from wetgate.surfaces.cli.progress import emit, interruptible
from wetgate.surfaces.farm.job import FarmJob
from wetgate.surfaces.farm.openjd import PARAMETERS, TEMPLATE, chunk_ranges, task_list

_BEGUN = re.compile(r"\bFrame\((?:CHUNK\[INT\]|STRING)\) = (\S+)")
_STATUS = re.compile(r"openjd_status: (.*)")
_FAIL = re.compile(r"openjd_fail: (.*)")
_CODE = re.compile(r"exited with code: (\d+)")


def run_here(job: FarmJob, folder: Path, as_json: bool) -> int:
    """Run every step of a job; 0 done, 3 where frames failed, 130 where it was interrupted, 2 where it cannot run."""
    if importlib.util.find_spec("openjd") is None:
        raise UsageError(
            "openjd is not installed, which runs jobs on this machine",
            where="--run",
            remedy="install it: pip install 'wetgate[farm]'",
        )
    runner = _Runner(job, folder, as_json)
    with interruptible() as abort:
        runner.stopped = abort.is_set
        return runner.run()


class _Runner:
    def __init__(self, job: FarmJob, folder: Path, as_json: bool) -> None:
        self._job = job
        self._folder = folder.absolute()
        self._json = as_json
        self.stopped: Callable[[], bool] = lambda: False
        self._last_code = 0
        self._failure = ""
        self._begun: list[str] = []

    def run(self) -> int:
        if self._job.analyses and self._session("Analyze"):
            return self._ended()
        left = list(chunk_ranges(self._job))
        while left and not self.stopped():
            failed = self._session("Restore", task_list(left))
            if not failed or not self._begun:
                break
            left = left[left.index(self._begun[-1]) + 1 :] if self._begun[-1] in left else []
            if self._last_code == 2:
                return self._ended()  # what is wrong with the job is wrong with every chunk
        if not self.stopped():
            self._session("Verify")
        return self._ended()

    def _ended(self) -> int:
        code = 130 if self.stopped() else self._last_code
        if code == 130:
            self._failure = "interrupted; submit it again: what is done is kept"
        if self._json:
            emit(json.dumps({"event": "done", "exit_code": code, "error": self._failure if code else ""}))
        elif code and self._failure:
            emit(f"wetgate: {self._failure}", "stderr")
        return code

    def _session(self, step: str, tasks: str | None = None) -> bool:
        """Run a step in a session of its own; whether something in it failed."""
        template = self._folder / TEMPLATE
        command = [sys.executable, "-m", "wetgate.surfaces.farm.openjd_process", "run", str(template), "--step", step]
        command += ["--no-run-dependencies"]
        command += ["-p", f"file://{self._folder / PARAMETERS}", "-p", f"Program={_program(self._job.program)}"]
        if tasks is not None:
            listed = self._folder / "tasks.json"
            listed.write_text(tasks, encoding="utf-8")
            command += ["--tasks", f"file://{listed}"]
        self._begun, self._failure, self._last_code = [], "", 0
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
        )
        threading.Thread(target=self._pass_on_stop, args=(process,), daemon=True).start()
        assert process.stdout is not None
        said: list[str] = []
        with process.stdout as lines, (self._folder / f"{step.lower()}.log").open("w", encoding="utf-8") as log:
            for line in lines:
                log.write(line)
                said = [*said[-20:], line.rstrip()]
                self._heard(step, line)
        failed = process.wait() != 0
        if failed and not self._last_code:
            self._last_code = 2
            self._failure = self._failure or f"openjd run ended: {' '.join(said[-3:])}"
        return failed

    def _heard(self, step: str, line: str) -> None:
        if found := _BEGUN.search(line):
            self._begun.append(found[1])
        elif found := _CODE.search(line):
            self._last_code = self._last_code or int(found[1])
        elif found := _FAIL.search(line):
            self._failure = found[1]
        elif found := _STATUS.search(line):
            where = f"{step} {self._begun[-1]}" if self._begun else step
            if self._json:
                emit(json.dumps({"event": "status", "step": step, "status": found[1]}))
            else:
                emit(f"wetgate: {where}: {found[1]}", "stderr")

    def _pass_on_stop(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            if self.stopped():
                process.send_signal(signal.SIGTERM)
                return
            threading.Event().wait(0.1)


def _program(program: str) -> str:
    """The program of the job where it can be found; the one of this environment for the plain name."""
    if program != "wetgate":
        return program
    beside = Path(sys.executable).with_name("wetgate.exe" if sys.platform == "win32" else "wetgate")
    return str(beside) if beside.is_file() else shutil.which("wetgate") or program
