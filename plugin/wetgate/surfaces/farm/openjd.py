"""A farm job as an Open Job Description template, ``jobtemplate-2023-09``.

What each key means: https://github.com/OpenJobDescription/openjd-specifications/wiki/2023-09-Template-Schemas. The
arguments of ``wetgate render`` become job parameters, paths as ``PATH``, so that a session maps them to its machine;
they are handed on as arguments of a process, which no shell reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from wetgate.io.pattern import parse_pattern
from wetgate.io.ranges import format_frames
from wetgate.spec import UsageError
from wetgate.surfaces.cli.derived import Setting
from wetgate.surfaces.farm.job import FarmJob, concerns, is_place, parted, wants_gpu
from wetgate.surfaces.farm.tasks import their_frames

TEMPLATE = "template.yaml"
PARAMETERS = "parameters.yaml"
CHUNKING = "TASK_CHUNKING"
# Section 3.4: the values of one task parameter that a list may hold.
_MOST_LISTED = 1024

Parameter = dict[str, Any]


def files(job: FarmJob) -> dict[str, str]:
    """The template, the values of its parameters that hold paths, and how to run them."""
    template, values = described(job)
    return {
        TEMPLATE: document(template),
        PARAMETERS: document(values),
        "README.txt": _README.format(name=job.name, template=TEMPLATE, parameters=PARAMETERS),
    }


def document(data: object) -> str:
    """YAML, in the order in which it was made."""
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)


def described(job: FarmJob) -> tuple[dict[str, Any], dict[str, Any]]:
    """The template, and the values of its parameters."""
    described = _Template(job)
    return described.template(), described.values


class _Template:
    def __init__(self, job: FarmJob) -> None:
        self._job = job
        self.parameters: list[Parameter] = []
        self.values: dict[str, Any] = {}
        self._arguments: dict[str, list[str]] = {task: [] for task in ("analyze", "chunk", "verify")}
        self._footage("Input", job.input, "IN", "")
        self._footage("Output", job.output, "OUT", "-o")
        if job.graph is not None:
            self._path("Graph", "FILE", "IN", "The graph, every parameter filled in.")
            self.parameters[-1]["default"] = job.graph
            self._pass("--graph", "Graph", *self._arguments)
        for setting in job.settings:
            self._setting(setting)
        self._text("Frames", "STRING", their_frames(job.frames), "Frames, 1001-1100:2.")
        if not job.explicit_chunks:
            self._text("FramesPerTask", "INT", job.chunk, "Frames a task.")
            self.parameters[-1]["minValue"] = 1
        self._text("Program", "STRING", job.program, "How a machine of the farm starts wetgate.")

    def template(self) -> dict[str, Any]:
        job = self._job
        steps = []
        if job.analyses:
            steps.append({"name": "Analyze", **self._script("analyze", "{{Param.Frames}}")})
        restore: dict[str, Any] = {"name": "Restore"}
        if job.analyses:
            restore["dependencies"] = [{"dependsOn": "Analyze"}]
        restore["stepEnvironments"] = [_worker()]
        restore["parameterSpace"] = {"taskParameterDefinitions": [self._chunks()]}
        steps.append({**restore, **self._script("chunk", "{{Task.Param.Frame}}", warm=True)})
        steps.append(
            {"name": "Verify", "dependencies": [{"dependsOn": "Restore"}], **self._script("verify", "{{Param.Frames}}")}
        )
        template: dict[str, Any] = {"specificationVersion": "jobtemplate-2023-09"}
        if not job.explicit_chunks:
            template["extensions"] = [CHUNKING]
        return template | {"name": job.name, "parameterDefinitions": self.parameters, "steps": steps}

    # --- parameters

    def _footage(self, name: str, path: str, flow: str, flag: str) -> None:
        """A sequence is a folder and a name in it, so that a manager which copies files finds them."""
        if parse_pattern(path) is None:
            self._path(name, "FILE", flow, "A picture or a movie.", path)
            where = f"{{{{Param.{name}}}}}"
        else:
            folder, file = parted(path)
            self._path(f"{name}Folder", "DIRECTORY", flow, "The folder of the sequence.", folder)
            self._text(f"{name}Name", "STRING", file, "The name of the sequence in it, shot.####.exr.")
            where = f"{{{{Param.{name}Folder}}}}/{{{{Param.{name}Name}}}}"
        for words in self._arguments.values():
            words += [flag, where] if flag else [where]

    def _setting(self, setting: Setting) -> None:
        tasks = [task for task in self._arguments if concerns(setting, task)]
        values = setting.value if isinstance(setting.value, list) else [setting.value]
        if setting.given and is_place(setting, str(values[0])):
            kind = {"file": "FILE", "folder": "DIRECTORY"}[setting.place.kind]  # type: ignore[union-attr]
            for index, value in enumerate(values):
                name = _name(setting.name) + (str(index + 1) if isinstance(setting.value, list) else "")
                flow = setting.place.flow.upper()  # type: ignore[union-attr]
                self._path(name, kind, flow, setting.help, self._job.mapped(str(value)))
                self._pass(setting.flag, name, *tasks)
        elif setting.given and isinstance(setting.value, list):
            for index, value in enumerate(values):
                self._text(f"{_name(setting.name)}{index + 1}", "STRING", str(value), setting.help)
                self._pass(setting.flag, f"{_name(setting.name)}{index + 1}", *tasks)
        elif setting.given and setting.value is True:
            for task in tasks:
                self._arguments[task].append(setting.flag)
        elif setting.given or isinstance(setting.default, str) or type(setting.default) is int:
            kind, value = "STRING", setting.value
            if type(value) in (int, float):
                kind = "INT" if type(value) is int else "FLOAT"
            self._text(_name(setting.name), kind, value if kind != "STRING" else str(value), setting.help)
            self._pass(setting.flag, _name(setting.name), *tasks)

    def _path(self, name: str, kind: str, flow: str, text: str, value: str | None = None) -> None:
        self.parameters.append(
            {"name": name, "type": "PATH", "objectType": kind, "dataFlow": flow, "description": text}
        )
        if value is not None:
            self.values[name] = value  # an absolute path may be no default (section 2.2)

    def _text(self, name: str, kind: str, value: object, text: str) -> None:
        self.parameters.append({"name": name, "type": kind, "default": value, "description": text})

    def _pass(self, flag: str, parameter: str, *tasks: str) -> None:
        for task in tasks:
            self._arguments[task].append(f"{flag}={{{{Param.{parameter}}}}}")

    # --- steps

    def _script(self, task: str, frames: str, warm: bool = False) -> dict[str, Any]:
        words = ["farm", task, *self._arguments[task], f"--frames={frames}", "--lines=openjd"]
        words.append("--path-mapping={{Session.PathMappingRulesFile}}")
        if warm:
            words.append("--session={{Session.WorkingDirectory}}")
        run = {
            "command": "{{Param.Program}}",
            "args": words,
            # SIGTERM, and time to leave whole files only.
            "cancelation": {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 60},
        }
        step: dict[str, Any] = {"script": {"actions": {"onRun": run}}}
        device = next((s.value for s in self._job.settings if s.name == "device"), "auto")
        if wants_gpu(str(device)) and task != "verify":
            step["hostRequirements"] = {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}
        return step

    def _chunks(self) -> dict[str, Any]:
        job = self._job
        if job.explicit_chunks:
            chunks = job.chunks()
            if len(chunks) > _MOST_LISTED:
                least = -(-len(job.numbers) // _MOST_LISTED)
                raise UsageError(
                    f"{len(chunks)} chunks are more than a list of Open Job Description holds",
                    where="--chunk",
                    allowed=f"{least} or more frames a task, for {len(job.numbers)} frames",
                    remedy="make the chunks longer, or leave --explicit-chunks out",
                )
            return {"name": "Frame", "type": "STRING", "range": [their_frames(format_frames(c)) for c in chunks]}
        whole = job.numbers == tuple(range(job.numbers[0], job.numbers[-1] + 1))
        return {
            "name": "Frame",
            "type": "CHUNK[INT]",
            "range": "{{Param.Frames}}",
            "chunks": {
                "defaultTaskCount": "{{Param.FramesPerTask}}",
                "rangeConstraint": "CONTIGUOUS" if whole else "NONCONTIGUOUS",
            },
        }


def _worker() -> dict[str, Any]:
    """The environment that keeps one process warm for all tasks of a session."""
    session = "--session={{Session.WorkingDirectory}}"
    start = ["farm", "start", session, "--program={{Param.Program}}"]
    return {
        "name": "WarmWorker",
        "description": "Loads libraries and models once for all tasks of a session.",
        "script": {
            "actions": {
                "onEnter": {"command": "{{Param.Program}}", "args": start, "timeout": 300},
                "onExit": {"command": "{{Param.Program}}", "args": ["farm", "stop", session], "timeout": 120},
            }
        },
    }


def _name(option: str) -> str:
    """``in_space`` as ``InSpace``."""
    return "".join(part.capitalize() for part in option.split("_"))


def chunk_ranges(job: FarmJob) -> Iterator[str]:
    """The task parameter of every chunk, as the local runner hands it out."""
    for chunk in job.chunks():
        yield their_frames(format_frames(chunk))


def task_list(ranges: Sequence[str]) -> str:
    """A list for ``openjd run --tasks``."""
    return json.dumps([{"Frame": text} for text in ranges])


_README = """{name}

An Open Job Description job. To check it, and to run it on this machine, step after step:

    openjd check {template}
    openjd run {template} -p file://{parameters} --step Verify --run-dependencies

(openjd comes with: pip install wetgate[farm]. On Windows and in other folders, give file:// the whole path.)

Run it again after an interruption: frames that are done and verify are kept. To try one chunk alone:

    openjd run {template} -p file://{parameters} --step Restore --tasks '[{{"Frame": "1001-1010"}}]'

Every machine needs the same version of wetgate and sees the paths of {parameters}, or has path mapping rules for them.
"""
