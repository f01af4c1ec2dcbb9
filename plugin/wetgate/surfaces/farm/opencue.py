"""A farm job for OpenCue: a job specification in its XML language, and the script that launches it.

The language is that of Cuebot's ``cjsl-1.13.dtd`` (OpenCue, ``cuebot/src/main/resources/public/dtd``), which fixes the
order of the elements; the words that Cuebot replaces in a command are listed in CueSubmit's ``Constants.py``
(``COMMAND_TOKENS``). Commands are read by a shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from xml.etree import ElementTree

from wetgate.surfaces.farm.job import FarmJob, wants_gpu

_LAYERS = {"analyze": "analyze", "chunk": "frames", "verify": "verify"}
_HEAD = (
    '<?xml version="1.0"?>\n'
    '<!DOCTYPE spec PUBLIC "SPI Cue  Specification Language" "http://localhost:8080/spcue/dtd/cjsl-1.13.dtd">\n'
)


def files(job: FarmJob) -> dict[str, str]:
    """The specification, the script and how to use them."""
    return {
        "job.xml": _HEAD + _specification(job),
        "submit.py": _SUBMIT,
        "README.txt": _README.format(name=job.name),
    }


def _specification(job: FarmJob) -> str:
    spec = ElementTree.Element("spec")
    # The user is filled in by the script: whoever launches it.
    _texts(spec, {"facility": "local", "show": job.show, "shot": job.shot, "user": "USER", "uid": "1000"})
    name = _token(job.name)
    made = ElementTree.SubElement(spec, "job", {"name": name})
    _texts(made, {"paused": "False", "priority": str(job.priority), "maxretries": "2", "autoeat": "False"})
    layers = ElementTree.SubElement(made, "layers")
    tasks = [*(["analyze"] if job.analyses else []), "chunk", "verify"]
    depends = ElementTree.SubElement(spec, "depends")
    for task in tasks:
        layers.append(_layer(job, task))
    for task, before in zip(tasks[1:], tasks, strict=False):
        depend = ElementTree.SubElement(depends, "depend", {"type": "LAYER_ON_LAYER", "anyframe": "False"})
        _texts(depend, {"depjob": name, "deplayer": _LAYERS[task], "onjob": name, "onlayer": _LAYERS[before]})
    ElementTree.indent(spec, " ")
    return ElementTree.tostring(spec, encoding="unicode") + "\n"


def _layer(job: FarmJob, task: str) -> ElementTree.Element:
    frames = task == "chunk"
    words = job.command(task, job.frames, "plain")
    if frames:
        words.append("--within=#FRAME_START#-#FRAME_END#")
    layer = ElementTree.Element("layer", {"name": _LAYERS[task], "type": "Render" if frames else "Util"})
    first = str(job.numbers[0])
    values = {
        "cmd": shlex.join(words),
        "range": job.frames if frames else first,
        "chunk": str(job.chunk if frames else 1),
    }
    threads = next((s.value for s in job.settings if s.name == "threads"), 0)
    if threads:
        values["cores"] = f"{float(threads):.1f}"
    values["threadable"] = "True"
    device = str(next((s.value for s in job.settings if s.name == "device"), "auto"))
    if wants_gpu(device) and task != "verify":
        values |= {"gpus": "1", "gpu_memory": "8g"}
    _texts(layer, values)
    services = ElementTree.SubElement(layer, "services")
    _texts(services, {"service": "shell"})
    return layer


def _texts(parent: ElementTree.Element, values: Mapping[str, str]) -> None:
    for tag, text in values.items():
        ElementTree.SubElement(parent, tag).text = text


def _token(name: str) -> str:
    """A name as XML's NMTOKEN and Cuebot's job names have it: letters, digits, and ``_ . -``."""
    return re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("_") or "wetgate"


_SUBMIT = '''#!/usr/bin/env python3
"""Launches the job of this folder on OpenCue. Needs opencue (pip install opencue-pycue) and CUEBOT_HOSTS."""

import getpass
import os
import pathlib

import opencue.api

text = pathlib.Path(__file__).resolve().with_name("job.xml").read_text(encoding="utf-8")
text = text.replace("<user>USER</user>", "<user>" + getpass.getuser() + "</user>")
if hasattr(os, "getuid"):
    text = text.replace("<uid>1000</uid>", "<uid>" + str(os.getuid()) + "</uid>")
for job in opencue.api.launchSpecAndWait(text):
    print(job.name())
'''

_README = """{name}

A job for OpenCue. To launch it, on a machine that reaches the Cuebot:

    CUEBOT_HOSTS=cuebot.example.com python3 submit.py

(pip install opencue-pycue.) The hosts need wetgate, of the version that wrote this, on the PATH of RQD's commands, and
see the paths that the job names; --map FROM=TO of wetgate submit writes those of the hosts where they differ.
"""
