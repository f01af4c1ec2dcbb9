"""A farm job as a job bundle of AWS Deadline Cloud: the Open Job Description template and two files beside it.

The files and their keys: https://docs.aws.amazon.com/deadline-cloud/latest/developerguide/build-job-bundle.html.
The footage is listed frame by frame, and its folder is no input of its own: what else lies there is not uploaded.
"""

from __future__ import annotations

from typing import Any

from wetgate.io.pattern import parse_pattern
from wetgate.surfaces.farm.job import FarmJob, is_place, parted
from wetgate.surfaces.farm.openjd import TEMPLATE, described, document

_VALUES = "parameter_values.yaml"
_ASSETS = "asset_references.yaml"


def files(job: FarmJob) -> dict[str, str]:
    """The bundle. https://docs.aws.amazon.com/deadline-cloud/latest/developerguide/build-job-bundle-parameters.html has
    the reserved parameters, ``deadline:priority`` and the like."""
    template, values = described(job)
    for parameter in template["parameterDefinitions"]:
        if parameter["name"] == "InputFolder":
            parameter["dataFlow"] = "NONE"
    own = {"deadline:priority": job.priority, "deadline:maxRetriesPerTask": 2}
    listed = [{"name": name, "value": value} for name, value in {**values, **own}.items()]
    return {
        TEMPLATE: document(template),
        _VALUES: document({"parameterValues": listed}),
        _ASSETS: document({"assetReferences": _assets(job)}),
        # openjd run takes a plain table of parameters.
        "parameters.yaml": document(values),
        "README.txt": _README.format(name=job.name),
    }


def _assets(job: FarmJob) -> dict[str, Any]:
    pattern = parse_pattern(job.input)
    inputs = [job.input]
    if pattern is not None:
        folder, _ = parted(job.input)
        slash = "\\" if "\\" in folder else "/"
        inputs = [f"{folder}{slash}{pattern.name(n)}" for n in job.footage]
    outputs = [parted(job.output)[0]]
    referenced: list[str] = []
    for setting in job.settings:
        values = setting.value if isinstance(setting.value, list) else [setting.value]
        for value in values if setting.given and is_place(setting, str(values[0])) else ():
            place = setting.place
            assert place is not None
            {"in": inputs, "out": outputs, "none": referenced}[place.flow].append(job.mapped(str(value)))
    if job.graph is not None:
        inputs.append(job.graph_path)
    return {
        "inputs": {"directories": [], "filenames": sorted({*inputs, *job.masks})},
        "outputs": {"directories": sorted(set(outputs))},
        "referencedPaths": sorted(referenced),
    }


_README = """{name}

A job bundle for AWS Deadline Cloud. To submit it, from this folder:

    deadline bundle submit .
    deadline bundle gui-submit .          # the same, with a dialog

(pip install deadline; the farm and the queue are those of: deadline config.) The machines of the queue need wetgate on
their PATH, of the version that wrote this; put its wheel and those of its dependencies where a queue environment
installs them. To try it here first:

    openjd run template.yaml -p file://parameters.yaml --step Verify --run-dependencies
"""
