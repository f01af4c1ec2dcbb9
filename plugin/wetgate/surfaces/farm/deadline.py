"""A farm job for Thinkbox Deadline 10: three jobs for its CommandLine plug-in, and the script that submits them.

The files, their keys and the words that are replaced in arguments:
https://docs.thinkboxsoftware.com/products/deadline/10.4/1_User%20Manual/manual/manual-submission.html ("Job Info File
Options", "Arbitrary Command Line Jobs"). The dependency of one job on another is its id, which is known once that one
is submitted; so the script fills it in.
"""

from __future__ import annotations

from wetgate.spec import UsageError
from wetgate.surfaces.farm.job import FarmJob, parted

_TITLES = {"analyze": "analysis", "chunk": "frames", "verify": "verification"}


def files(job: FarmJob) -> dict[str, str]:
    """Job and plug-in info files of each job, in the order in which they depend on one another, and the script."""
    tasks = [*(["analyze"] if job.analyses else []), "chunk", "verify"]
    out: dict[str, str] = {}
    for number, task in enumerate(tasks, 1):
        out[f"{number}-{task}.job_info.txt"] = _lines(_job_info(job, task))
        out[f"{number}-{task}.plugin_info.txt"] = _lines(_plugin_info(job, task))
    out["submit.py"] = _SUBMIT
    out["README.txt"] = _README.format(name=job.name)
    return out


def _job_info(job: FarmJob, task: str) -> dict[str, str]:
    frames = task == "chunk"
    folder, name = parted(job.output)
    info = {
        "Plugin": "CommandLine",
        "Name": f"{job.name}: {_TITLES[task]}",
        "BatchName": job.name,
        "Priority": str(job.priority),
        "Frames": job.frames if frames else "0",
        "ChunkSize": str(job.chunk if frames else 1),
        "OutputDirectory0": folder,
        "OutputFilename0": name,
    }
    if frames:
        info["OverrideTaskFailureDetection"] = "true"
        info["FailureDetectionTaskErrors"] = "3"
    if task == "verify":  # it lists what failed, so it runs where something did
        info["ResumeOnFailedDependencies"] = "true"
    return info


def _plugin_info(job: FarmJob, task: str) -> dict[str, str]:
    words = job.command(task, job.frames, "deadline")
    if task == "chunk":
        words.append("--within=<STARTFRAME>-<ENDFRAME>")
    return {
        "Executable": words[0],
        "Arguments": " ".join(_quoted(word) for word in words[1:]),
        "StartupDirectory": "",
        "Shell": "default",
        "ShellExecute": "false",
        "SingleFramesOnly": "false",
    }


def _quoted(word: str) -> str:
    """A word of the arguments; the plug-in takes them apart at blanks, and keeps what is in quotes together."""
    if '"' in word or "\n" in word:
        raise UsageError(
            f"{word!r} has a quote or a line break, which Deadline's arguments cannot hold",
            remedy="rename the file or folder",
        )
    return f'"{word}"' if not word or any(c in word for c in " \t,;'()&") else word


def _lines(info: dict[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in info.items())


_SUBMIT = '''#!/usr/bin/env python3
"""Submits the jobs of this folder to Deadline 10, each depending on the one before. Written by wetgate submit."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile


def command():
    """deadlinecommand of this machine: where DEADLINE_PATH says, else on the PATH."""
    folder = os.environ.get("DEADLINE_PATH", "").strip()
    return os.path.join(folder, "deadlinecommand") if folder else "deadlinecommand"


def main():
    here = pathlib.Path(__file__).resolve().parent
    before = ""
    for job in sorted(here.glob("*.job_info.txt")):
        text = job.read_text(encoding="utf-8")
        if before:
            text += "JobDependencies=" + before + "\\n"
        with tempfile.TemporaryDirectory() as folder:
            info = pathlib.Path(folder, job.name)
            info.write_text(text, encoding="utf-8")
            plugin = job.with_name(job.name.replace(".job_info.", ".plugin_info."))
            done = subprocess.run([command(), str(info), str(plugin)], stdout=subprocess.PIPE, universal_newlines=True)
        print(done.stdout)
        found = re.search(r"^JobID=(\\S+)", done.stdout, re.MULTILINE)
        if done.returncode or not found:
            sys.exit("deadlinecommand did not take " + job.name)
        before = found.group(1)


main()
'''

_README = """{name}

Jobs for Thinkbox Deadline 10, one after the other. To submit them, on a machine with the Deadline client:

    python3 submit.py

It calls deadlinecommand with the two files of each job, and adds to each the id of the one before as its dependency.
The frames may also be submitted alone: deadlinecommand N-chunk.job_info.txt N-chunk.plugin_info.txt

The workers need wetgate, of the version that wrote this, under the name that Executable has. Where they see the files
under other paths than the machine that submitted, use Deadline's mapped paths, or submit with --map FROM=TO.
"""
