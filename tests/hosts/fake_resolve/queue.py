"""The render queue of the fake: it writes real EXR files from the media on the timeline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hosts.fake_resolve.state import State

# What the window says, by its language. Programs that compare these with English ones fail in the others.
WORDS = {
    "en": {w: w for w in ("Ready", "Rendering", "Complete", "Failed", "Cancelled")},
    "zh": {"Ready": "就绪", "Rendering": "渲染中", "Complete": "已完成", "Failed": "失败", "Cancelled": "已取消"},
}


def add(state: State, timeline: str) -> str:
    render = state.data["render"]
    key = state.new_id("job")
    settings = dict(render["settings"])
    render["jobs"][key] = {
        "timeline": timeline,
        "state": "Ready",
        "percent": 0,
        "error": "",
        "polls": 0,
        "settings": settings,
        "format": render["format"],
        "codec": render["codec"],
        "preset": "Custom" if settings else render["preset"],
    }
    render["order"].append(key)
    return key


def listed(state: State) -> list[dict[str, Any]]:
    render = state.fresh()["render"]
    return [_entry(state, key) for key in render["order"]]


def _entry(state: State, key: str) -> dict[str, Any]:
    job = state.data["render"]["jobs"][key]
    settings = job["settings"]
    timeline = state.data["timelines"].get(job["timeline"], {"name": "", "start": 0})
    return {
        "JobId": key,
        "RenderJobName": f"Job {key}",
        "TimelineName": timeline["name"],
        "TargetDir": settings.get("TargetDir", ""),
        "OutputFilename": f"{settings.get('CustomName', '')}_00000000.{job['format']}",
        "MarkIn": settings.get("MarkIn", timeline["start"]),
        "MarkOut": settings.get("MarkOut", 0),
        "VideoFormat": job["format"],
        "VideoCodec": job["codec"],
        "PresetName": job["preset"],
    }


def start(state: State, jobs: list[str]) -> bool:
    found = [state.data["render"]["jobs"].get(key) for key in jobs]
    if not all(found):
        return False
    for job in found:
        assert job is not None
        job.update(state="Rendering", percent=0, polls=0)
        if not state.quirk("modal"):
            _render(state, job)
    return True


def stop(state: State) -> None:
    for job in state.data["render"]["jobs"].values():
        if job["state"] == "Rendering":
            job.update(state="Cancelled", percent=job["percent"])


def status(state: State, key: str) -> dict[str, Any]:
    job = state.fresh()["render"]["jobs"].get(key)
    if job is None:
        return {}
    if job["state"] == "Rendering" and not state.quirk("modal"):
        job["polls"] += 1
        job["percent"] = min(100, 50 * job["polls"])
        if job["percent"] == 100:
            job["state"] = "Failed" if job["error"] else "Complete"
    words = WORDS[state.data["language"]]
    found = {"JobStatus": words[job["state"]], "CompletionPercentage": job["percent"], "TimeTakenToRenderInMs": 40}
    if job["error"]:
        found["Error"] = job["error"]
    return found


def _render(state: State, job: dict[str, Any]) -> None:
    """Write the frames of the job's timeline, numbered from ClipStartFrame or from its start."""
    import wetgate
    from wetgate.io.sink import WriteOptions

    settings = job["settings"]
    timeline = state.data["timelines"][job["timeline"]]
    folder, name = Path(settings["TargetDir"]), settings["CustomName"]
    folder.mkdir(parents=True, exist_ok=True)
    if job["format"] != "exr" or not settings.get("ExportVideo"):
        (folder / f"{name}.{job['format']}").write_bytes(b"sound alone")
        return
    number = int(settings.get("ClipStartFrame", timeline["start"])) + state.quirk("offset_names")
    frames: list[tuple[str, int]] = []
    for key in timeline["tracks"][0]["items"]:
        item = state.data["items"][key]
        properties = state.data["clips"][item["clip"]]["properties"]
        first = int(properties["Start"]) + item["left"]
        frames += [(properties["File Path"], n) for n in range(first, first + item["duration"])]
    depth = "half" if "Half" in job["codec"] else "float"
    for path, source in frames[: len(frames) - state.quirk("lost_frames")]:
        plain = re.sub(r"\[(\d+)-\d+\]", lambda m: "#" * len(m[1]), path)
        if plain.endswith(".braw"):  # what the camera saw lies beside it, for this fake alone
            plain = f"{plain.removesuffix('.braw')}.####.exr"
        frame = wetgate.read(plain, frames=str(source))[0]
        out = folder / f"{name}_{number:08d}.exr"
        wetgate.write(frame.with_(number=number), out, options=WriteOptions(depth=depth))
        number += 1
