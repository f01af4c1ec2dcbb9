# Before and after a job of the Deliver page: hands the finished files to Wetgate. Whatever goes wrong here, the job is
# Resolve's own affair: nothing is raised, and nothing waits unless that was chosen.
import os
import re
import time
import traceback
import uuid
from typing import Any, Dict, List, Optional

from wetgate_resolve import (
    SPOOL_SCHEMA,
    absence,
    application,
    command,
    open_project,
    read_json,
    say,
    settings,
    spool_of,
    start_wetgate,
    write_json,
)

MEDIA = (".exr", ".dpx", ".tif", ".tiff", ".png", ".jp2", ".jpg", ".mov", ".mp4", ".mxf", ".avi", ".mkv", ".cin")
MARGIN_S = 120.0  # how much earlier than Resolve's own account of its render a file may be written
MOST_LISTED = 200000


def start_of_job(names: Dict[str, Any]) -> None:
    """Look whether all is ready, and remember what lies in the target folder."""
    try:
        _start(names)
    except Exception:
        say("the start of the job was not noted:\n" + traceback.format_exc())


def end_of_job(names: Dict[str, Any]) -> None:
    """Hand the job's files on, and say so."""
    try:
        _end(names)
    except Exception:
        say("the job was not handed on:\n" + traceback.format_exc())


def _start(names: Dict[str, Any]) -> None:
    known = settings()
    if not known.get("graph"):
        say("no graph is chosen: run 'wetgate resolve install --graph NAME'. The job's files will not be handed on")
    if known.get("how") == "call" and not command(known):
        say("%s. The job will wait in %s" % (absence(known), spool_of(known)))
    entry = _entry(names)
    target = str(entry.get("TargetDir", ""))
    listed = _listing(target)
    data = {"schema": SPOOL_SCHEMA, "began": time.time(), "target": target, "files": listed}
    write_json(_note(spool_of(known), names), data)


def _end(names: Dict[str, Any]) -> None:
    known = settings()
    spool = spool_of(known)
    note = read_json(_note(spool, names))
    if note is not None:
        os.remove(_note(spool, names))
    entry = _entry(names)
    name = str(entry.get("RenderJobName") or entry.get("OutputFilename") or names.get("job") or "the job")
    problem = _failure(names)
    if problem:
        say("%s did not end well (%s): nothing is handed on" % (name, problem))
        return
    if not known.get("graph"):
        say("no graph is chosen: run 'wetgate resolve install --graph NAME'. Nothing is handed on")
        return
    sources = _sources(entry, note, _seconds(names))
    if not sources:
        say("%s left no new pictures in %s: nothing is handed on" % (name, entry.get("TargetDir", "its folder")))
        return
    now = time.gmtime()
    job = re.sub(r"[^A-Za-z0-9-]", "", str(names.get("job") or ""))[:24] or "job"
    key = "%s-%s-%s" % (time.strftime("%Y%m%dT%H%M%S", now), job, uuid.uuid4().hex[:6])
    resolve = application(names)
    request = {
        "schema": SPOOL_SCHEMA,
        "id": key,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        "name": name,
        "by": "%s %s" % (resolve.GetProductName(), resolve.GetVersionString()) if resolve is not None else "",
        "timeline": str(entry.get("TimelineName", "")),
        "sources": sources,
        "graph": str(known["graph"]),
        "output": os.path.expanduser(str(known.get("output") or "")),
        "in_space": known.get("in_space") or None,
        "out_space": known.get("out_space") or None,
    }
    write_json(os.path.join(spool, "new", key + ".json"), request)
    frames = sum(source["count"] for source in sources)
    said = "%s: %d files handed on as %s" % (name, frames, key)
    if known.get("how") == "call":
        said += _called(known, spool)
    else:
        said += "; 'wetgate resolve watch' takes it from %s" % spool
    say(said)
    wait = float(known.get("wait_s") or 0)
    result = _waited(spool, key, wait) if wait > 0 else None
    if wait > 0:
        said = result or "not done after %g s: it goes on without this job" % wait
        say("%s: %s" % (name, said))
    _mark(names, known, entry, key, said)


def _called(known: Dict[str, Any], spool: str) -> str:
    problem = start_wetgate(known, ["resolve", "watch", "--once", "--spool", spool])
    return "; " + (problem + " (the job waits in the spool folder)" if problem else "Wetgate has been started for it")


def _waited(spool: str, key: str, seconds: float) -> Optional[str]:
    """What became of a job, once it is known; None where the time is over."""
    last = time.time() + seconds
    while time.time() < last:
        for folder, word in (("done", "restored"), ("failed", "failed")):
            found = read_json(os.path.join(spool, folder, key + ".json"))
            if found is not None:
                return "%s: %s" % (word, found.get("text", ""))
        time.sleep(0.5)
    return None


def _entry(names: Dict[str, Any]) -> Dict[str, Any]:
    """What the queue says of this job."""
    project = open_project(names)
    jobs = (project.GetRenderJobList() or []) if project is not None else []
    for one in jobs:
        if str(one.get("JobId")) == str(names.get("job")):
            return dict(one)
    return {}


def _status(names: Dict[str, Any]) -> Dict[str, Any]:
    project = open_project(names)
    found = project.GetRenderJobStatus(names.get("job")) if project is not None else None
    return dict(found or {})


def _failure(names: Dict[str, Any]) -> str:
    """Why the render counts as failed, or "". Its status is in the language of the window, and so says nothing here."""
    status = _status(names)
    error = str(names.get("error") or status.get("Error") or "").strip()
    if error:
        return error
    percent = status.get("CompletionPercentage")
    if isinstance(percent, (int, float)) and not isinstance(percent, bool) and percent < 100:
        return "%g %% were rendered" % percent
    return ""


def _seconds(names: Dict[str, Any]) -> float:
    took = _status(names).get("TimeTakenToRenderInMs")
    return float(took) / 1000.0 if isinstance(took, (int, float)) else 0.0


def _note(spool: str, names: Dict[str, Any]) -> str:
    job = re.sub(r"[^A-Za-z0-9-]", "", str(names.get("job") or ""))[:64] or "job"
    return os.path.join(spool, "started", job + ".json")


def _listing(folder: str) -> Optional[Dict[str, List[int]]]:
    """Size and time of what lies in a folder; None where it is too much, or cannot be read."""
    found = {}  # type: Dict[str, List[int]]
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file():
                    state = entry.stat()
                    found[entry.name] = [state.st_size, state.st_mtime_ns]
                if len(found) > MOST_LISTED:
                    return None
    except FileNotFoundError:
        return {}
    except OSError:
        return None
    return found


def _sources(entry: Dict[str, Any], note: Optional[Dict[str, Any]], took: float) -> List[Dict[str, Any]]:
    """The job's sequences and movies: pictures that are new or changed since it began."""
    target = str(entry.get("TargetDir", ""))
    now = _listing(target) or {}
    before = note.get("files") if note is not None and note.get("target") == target else None
    if isinstance(before, dict):
        names = [n for n, state in now.items() if before.get(n) != state]
    else:
        since = float(note["began"]) - 2.0 if note is not None else time.time() - took - MARGIN_S
        names = [n for n, state in now.items() if state[1] >= since * 1e9]
    names = sorted(n for n in names if os.path.splitext(n)[1].lower() in MEDIA and n[0] != ".")
    stem = re.sub(r"[._-]?\d*$", "", os.path.splitext(str(entry.get("OutputFilename", "")))[0])
    of_job = [n for n in names if stem and n.startswith(stem)]
    return _grouped(target, of_job or names)


def _grouped(folder: str, names: List[str]) -> List[Dict[str, Any]]:
    """Numbered files as sequences, others by themselves."""
    found = {}  # type: Dict[Any, List[str]]
    for name in names:
        match = re.match(r"(.*?)(\d+)(\.[A-Za-z0-9]+)$", name)
        movie = os.path.splitext(name)[1].lower() in (".mov", ".mp4", ".mxf", ".avi", ".mkv")
        key = (name, 0, "") if movie or match is None else (match.group(1), len(match.group(2)), match.group(3))
        found.setdefault(key, []).append("" if movie or match is None else match.group(2))
    made = []  # type: List[Dict[str, Any]]
    for key, digits in sorted(found.items()):
        if not key[1]:
            made.append({"path": os.path.join(folder, key[0]), "frames": None, "count": 1})
            continue
        numbers = sorted(int(d) for d in digits)
        path = os.path.join(folder, key[0] + "#" * key[1] + key[2])
        made.append({"path": path, "frames": [numbers[0], numbers[-1]], "count": len(numbers)})
    return made


def _mark(names: Dict[str, Any], known: Dict[str, Any], entry: Dict[str, Any], key: str, text: str) -> None:
    """A marker on the timeline, which the page shows. One a job: a second render moves it."""
    if not known.get("marker", True):
        return
    project = open_project(names)
    timeline = project.GetCurrentTimeline() if project is not None else None
    if timeline is None or timeline.GetName() != entry.get("TimelineName"):
        return
    data = "wetgate-deliver:%s" % names.get("job")
    if timeline.GetMarkerByCustomData(data):
        timeline.DeleteMarkerByCustomData(data)
    first = int(entry.get("MarkIn") or 0) - int(timeline.GetStartFrame() or 0)
    color = "Red" if ": failed" in text else "Mint"
    for frame in range(max(0, first), max(0, first) + 50):
        if timeline.AddMarker(frame, color, "Wetgate", "%s (%s)" % (text, key), 1, data):
            return
